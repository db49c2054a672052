/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The recorder: what its processes share.
 *
 * Tasks are threads of several processes, which the recorder starts once for a number of histories,
 * and which inherit the channels of all of these.  What they are to do, and what came of it, lies
 * in memory that all share.  A clock that counts says in which order things
 * happened: a task takes a number before it calls and after it has returned.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stdatomic.h>
#include <sys/types.h>

#include "history.h"

/* Tasks with programs; one more is the recorder itself, which looks, and closes. */
#define TASKS		6
#define RECORDER	TASKS
#define MAX_STEPS	64
#define MAX_SIGNALS	3

/**
 * struct step - an operation to be done
 * @op: the operation, and its result.
 * @raw: by ioctl(2), not by the library, where there is a choice.
 * @here: of a call: say which channel by CHAN_CALL_HERE.
 * @delay: turns of a loop before it.
 * @patience_ns: of one with a deadline: how far away that is.
 * @called: when it was called; 0: not yet.
 * @returned: when it had returned; 0: not yet.
 */
struct step {
	struct op op;
	bool raw;
	bool here;
	uint16_t delay;
	uint32_t patience_ns;
	atomic_uint called;
	atomic_uint returned;
};

/**
 * struct task - a task
 * @process: in which it lives.
 * @pid: that process.
 * @tid: its thread; 0: not running yet.
 * @finished: the last epoch whose program it has finished.
 * @killed_at: when it was found dead; 0: it lives.
 * @stuck_at: when it was found not to come back; 0: it does.
 * @n: how many steps there are to do.
 * @steps: these.
 */
struct task {
	unsigned int process;
	pid_t pid;
	atomic_int tid;
	atomic_uint finished;
	unsigned int killed_at;
	unsigned int stuck_at;
	unsigned int n;
	struct step steps[MAX_STEPS];
};

#define EPOCH_STEP	8U

static inline unsigned int tasks_in(unsigned int epoch)
{
	return epoch % EPOCH_STEP;
}

/**
 * struct shared - what all processes share
 * @clock: the last number taken.
 * @epoch: another one for each history, and in its lowest bits how many tasks take part.
 * @arrived: how many tasks have come to its begin.
 * @fd: descriptors of the channels.
 * @nonblocking: other ones, with O_NONBLOCK.
 * @tasks: the tasks.
 */
struct shared {
	atomic_uint clock;
	atomic_uint epoch;
	atomic_uint arrived;
	int fd[MAX_CHANS];
	int nonblocking[MAX_CHANS];
	struct task tasks[TASKS + 1];
};

/**
 * struct disturbance - what the recorder does to the tasks
 * @at: when the clock shows this, or when nothing goes on.
 * @task: whom.
 * @signal: SIGKILL, for its whole process; or one that has a handler.
 */
struct disturbance {
	unsigned int at;
	unsigned int task;
	int signal;
};

/**
 * struct program - what is to happen in a history
 * @n_tasks: how many tasks.
 * @n_chans: how many channels.
 * @cap: their capacities.
 * @n_disturbances: how many disturbances.
 * @disturbances: these, in the order of time.
 * @first_closed: where the recorder begins when it has to close channels.
 * @rescues: so often it sends or receives what somebody waits for, before it closes any.
 * @looks_often: it looks after each close, too.
 */
struct program {
	unsigned int n_tasks;
	unsigned int n_chans;
	unsigned int cap[MAX_CHANS];
	unsigned int n_disturbances;
	struct disturbance disturbances[MAX_SIGNALS + 1];
	unsigned int first_closed;
	unsigned int rescues;
	bool looks_often;
};

/* program.c */
void make_program(struct program *p, struct task *tasks, uint64_t seed, uint64_t number);
void make_processes(unsigned int *process, uint64_t seed, uint64_t batch);

/* task.c */
void set_up_signals(void);
void run_step(struct shared *shared, struct step *step);
void run_task(struct shared *shared, unsigned int t, unsigned int epoch);

#endif /* RECORD_H */
