// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records histories: makes programs and channels, has tasks run them, disturbs these, ends what
 * has come to a standstill, and writes down what happened.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <kchan.h>

#include "record.h"

static const char usage_text[] =
	"usage: record [OPTION...]\n"
	"\n"
	"Runs random programs of several tasks on channels, and writes what was called and what\n"
	"was returned, in order, to standard output (history.h describes it).  Needs the module,\n"
	"and to be root.\n"
	"\n"
	"  -s, --seed N        the programs follow from it (1)\n"
	"  -f, --first N       number of the first history (0)\n"
	"  -n, --histories N   how many (1000)\n"
	"  -h, --help          this text\n"
	"\n"
	"Exit status: 0; 1 if a task was stuck, which is then in the last history; 2 if nothing\n"
	"could be recorded, or for wrong usage.\n";

/* Processes and channels are made for so many at once. */
#define BATCH		64
/* So often nothing must have happened while the others could run. */
#define STANDSTILL	16
/* Seconds after which a task does not come back any more. */
#define STUCK		60
/* What the recorder sends: others send less. */
#define FIRST_VALUE	60000

static struct shared *shared;
static struct program program;
static struct { int fd, nonblocking; } chans[BATCH][MAX_CHANS];
static unsigned int process_of[TASKS];
static uint64_t seed = 1;

static struct task *recorder(void)
{
	return &shared->tasks[RECORDER];
}

/* ---- processes ---- */

struct thread {
	unsigned int task;
	unsigned int epoch;
};

static void *run_thread(void *arg)
{
	const struct thread *thread = arg;

	run_task(shared, thread->task, thread->epoch);
	return NULL;
}

static void start_thread(unsigned int t, unsigned int epoch)
{
	struct thread *thread = malloc(sizeof(*thread));
	pthread_t id;

	if (!thread)
		err(2, "memory for a thread");
	*thread = (struct thread){ .task = t, .epoch = epoch };
	errno = pthread_create(&id, NULL, run_thread, thread);
	if (errno)
		err(2, "pthread_create");
}

static void run_process(unsigned int process, unsigned int epoch)
{
	unsigned int t;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (t = process + 1; t < TASKS; t++)
		if (process_of[t] == process)
			start_thread(t, epoch);
	run_task(shared, process, epoch);
}

/* Its tasks are those of this number, of which its first task has the same. */
static void start_process(unsigned int process)
{
	unsigned int t;
	pid_t pid;

	for (t = 0; t < TASKS; t++)
		if (process_of[t] == process)
			atomic_store(&shared->tasks[t].tid, 0);
	pid = fork();
	if (pid < 0)
		err(2, "fork");
	if (!pid) {
		run_process(process, atomic_load(&shared->epoch));
		_exit(2);
	}
	for (t = 0; t < TASKS; t++) {
		if (process_of[t] != process)
			continue;
		shared->tasks[t].process = process;
		shared->tasks[t].pid = pid;
		while (!atomic_load(&shared->tasks[t].tid))
			sched_yield();
	}
}

static void end_process(unsigned int process)
{
	pid_t pid = shared->tasks[process].pid;
	unsigned int t;

	if (!pid)
		return;
	kill(pid, SIGKILL);
	if (waitpid(pid, NULL, 0) != pid)
		err(2, "waitpid");
	for (t = 0; t < TASKS; t++)
		if (process_of[t] == process)
			shared->tasks[t].pid = 0;
}

/* ---- channels ---- */

static void make_chan(unsigned int i, unsigned int c, unsigned int cap)
{
	chans[i][c].fd = kchan_make(sizeof(uint64_t), cap, 0);
	if (chans[i][c].fd < 0)
		err(2, "kchan_make");
	chans[i][c].nonblocking = kchan_dup(chans[i][c].fd, O_RDWR | O_NONBLOCK);
	if (chans[i][c].nonblocking < 0)
		err(2, "kchan_dup");
}

static void close_chans(void)
{
	unsigned int i, c;

	for (i = 0; i < BATCH; i++) {
		for (c = 0; c < MAX_CHANS; c++) {
			if (!chans[i][c].fd)
				continue;
			close(chans[i][c].fd);
			close(chans[i][c].nonblocking);
			chans[i][c].fd = 0;
		}
	}
}

/* ---- the recorder's own steps ---- */

/* NULL: it has done so much that the rest is for closing. */
static const struct op *do_step(enum kind kind, enum patience patience, unsigned int c)
{
	struct task *me = recorder();
	struct step *step;

	if (me->n >= (kind == OP_CLOSE ? MAX_STEPS : MAX_STEPS - MAX_CHANS))
		return NULL;
	step = &me->steps[me->n];
	memset(step, 0, sizeof(*step));
	step->op.kind = kind;
	step->op.patience = patience;
	step->op.chan = c;
	step->op.chosen = -1;
	if (kind == OP_SEND) {
		step->op.values[0] = FIRST_VALUE + me->n;
		step->op.n = 1;
	}
	me->n++;
	run_step(shared, step);
	return &step->op;
}

/* Looks at a channel, and does what somebody waits for there, if @helps.  Whether it has. */
static bool look_at(unsigned int c, bool helps)
{
	const struct op *look = do_step(OP_LOOK, WAIT, c);

	if (!look || !helps || look->result != RES_SAW || look->saw.closed)
		return false;
	if (look->saw.recvq)
		return do_step(OP_SEND, TRY, c);
	return look->saw.sendq && do_step(OP_RECV, TRY, c);
}

static bool look_at_all(bool helps)
{
	bool has_helped = false;
	unsigned int c;

	for (c = 0; c < program.n_chans; c++)
		has_helped |= look_at(c, helps && !has_helped);
	return has_helped;
}

/* ---- disturbing ---- */

static bool is_over(const struct task *task)
{
	return task->killed_at || atomic_load(&task->finished) == atomic_load(&shared->epoch);
}

static void kill_process(unsigned int process)
{
	unsigned int t;

	end_process(process);
	for (t = 0; t < program.n_tasks; t++)
		if (process_of[t] == process && !is_over(&shared->tasks[t]))
			shared->tasks[t].killed_at = atomic_fetch_add(&shared->clock, 1) + 1;
}

static void disturb(const struct disturbance *d)
{
	struct task *task = &shared->tasks[d->task];

	if (is_over(task))
		return;
	if (d->signal == SIGKILL)
		kill_process(task->process);
	else
		syscall(SYS_tgkill, task->pid, atomic_load(&task->tid), d->signal);
}

/* ---- until all is over ---- */

/**
 * struct course - how far a history has come
 * @disturbances: how many have been.
 * @rescues: how often the recorder has done what somebody waited for.
 * @closed: how many channels the recorder has closed.
 * @clock: what the clock showed when it was seen to move.
 * @still: how often it has not moved since.
 * @since: when it was seen to move; 0: not looked at yet.
 */
struct course {
	unsigned int disturbances;
	unsigned int rescues;
	unsigned int closed;
	unsigned int clock;
	unsigned int still;
	time_t since;
};

static time_t seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static bool all_over(void)
{
	unsigned int t;

	for (t = 0; t < program.n_tasks; t++)
		if (!is_over(&shared->tasks[t]))
			return false;
	return true;
}

static void give_up(void)
{
	unsigned int t;

	for (t = 0; t < program.n_tasks; t++)
		if (!is_over(&shared->tasks[t]))
			shared->tasks[t].stuck_at = atomic_fetch_add(&shared->clock, 1) + 1;
}

static const struct disturbance *next_disturbance(const struct course *course)
{
	return course->disturbances < program.n_disturbances ?
		&program.disturbances[course->disturbances] : NULL;
}

/* Whoever is parked then stays parked: help, disturb, or close the next channel. */
static void on_standstill(struct course *course)
{
	const struct disturbance *next = next_disturbance(course);
	bool helps = course->rescues < program.rescues;

	if ((!course->closed || program.looks_often) && look_at_all(helps)) {
		course->rescues++;
		return;
	}
	if (next) {
		course->disturbances++;
		disturb(next);
	} else {
		do_step(OP_CLOSE, WAIT, (program.first_closed + course->closed) % program.n_chans);
		course->closed++;
	}
}

/* False: it does not end. */
static bool see_to_it(struct course *course)
{
	unsigned int clock = atomic_load(&shared->clock);
	const struct disturbance *next = next_disturbance(course);

	sched_yield();
	/* Those who have come would wait for one who was killed before it had. */
	if (atomic_load(&shared->arrived) < program.n_tasks)
		return true;
	if (clock != course->clock) {
		course->clock = clock;
		course->still = 0;
		course->since = 0;
	}
	if (next && clock >= next->at) {
		course->disturbances++;
		disturb(next);
	} else if (++course->still >= STANDSTILL) {
		course->still = 0;
		if (course->closed < program.n_chans) {
			on_standstill(course);
		} else if (!course->since) {
			course->since = seconds();
		} else if (seconds() - course->since > STUCK) {
			give_up();
			return false;
		}
	}
	return true;
}

static void begin(unsigned int i)
{
	unsigned int c, t, epoch;

	for (t = 0; t <= TASKS; t++) {
		struct task *task = &shared->tasks[t];
		unsigned int k;

		task->killed_at = 0;
		task->stuck_at = 0;
		for (k = 0; k < MAX_STEPS; k++) {
			atomic_store(&task->steps[k].called, 0);
			atomic_store(&task->steps[k].returned, 0);
		}
	}
	recorder()->n = 0;
	for (c = 0; c < program.n_chans; c++) {
		shared->fd[c] = chans[i][c].fd;
		shared->nonblocking[c] = chans[i][c].nonblocking;
	}
	atomic_store(&shared->clock, 0);
	atomic_store(&shared->arrived, 0);
	epoch = atomic_load(&shared->epoch);
	atomic_store(&shared->epoch, epoch + EPOCH_STEP - tasks_in(epoch) + program.n_tasks);
	syscall(SYS_futex, &shared->epoch, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static bool run_history(unsigned int i)
{
	struct course course = {};

	begin(i);
	while (!all_over())
		if (!see_to_it(&course))
			return false;
	return true;
}

/* ---- writing it down ---- */

#define MAX_EVENTS	(2 * (TASKS + 1) * MAX_STEPS + TASKS)

/**
 * struct moment - what happened when the clock showed a number
 * @task: to whom.
 * @step: the step; NULL: it was killed, or stuck.
 * @returned: not called, but returned.
 * @stuck: not killed, but stuck.
 */
struct moment {
	unsigned int task;
	const struct step *step;
	bool returned;
	bool stuck;
};

static struct moment moments[MAX_EVENTS + 1];

static void note(unsigned int at, struct moment moment)
{
	if (at && at <= MAX_EVENTS)
		moments[at] = moment;
}

static void note_task(unsigned int t)
{
	const struct task *task = &shared->tasks[t];
	unsigned int k;

	for (k = 0; k < task->n; k++) {
		const struct step *step = &task->steps[k];

		note(step->called, (struct moment){ .task = t + 1, .step = step });
		note(step->returned,
		     (struct moment){ .task = t + 1, .step = step, .returned = true });
	}
	note(task->killed_at, (struct moment){ .task = t + 1 });
	note(task->stuck_at, (struct moment){ .task = t + 1, .stuck = true });
}

static void write_moment(const struct moment *moment)
{
	char line[HISTORY_LINE], *end = line;

	if (!moment->step)
		end = stpcpy(end, moment->stuck ? "stuck " : "kill ");
	else
		end = stpcpy(end, moment->returned ? "< " : "> ");
	*end++ = '0' + moment->task - 1;
	if (moment->step) {
		*end++ = ' ';
		end = moment->returned ? write_result(end, &moment->step->op) :
					 write_call(end, &moment->step->op);
	}
	*end++ = '\n';
	fwrite_unlocked(line, 1, end - line, stdout);
}

static void write_processes(void)
{
	unsigned int t;

	fputs("# processes of the tasks:", stdout);
	for (t = 0; t < program.n_tasks; t++)
		printf(" %u", process_of[t]);
	putchar('\n');
}

static void write_history(uint64_t number)
{
	unsigned int i, t, n = atomic_load(&shared->clock);

	if (n > MAX_EVENTS)
		n = MAX_EVENTS;
	memset(moments, 0, sizeof(*moments) * (n + 1));
	for (t = 0; t < program.n_tasks; t++)
		note_task(t);
	note_task(RECORDER);
	printf("history %llu seed %llu\n", (unsigned long long)number, (unsigned long long)seed);
	write_processes();
	for (i = 0; i < program.n_chans; i++)
		printf("chan %u cap %u\n", i, program.cap[i]);
	for (i = 1; i <= n; i++)
		if (moments[i].task)
			write_moment(&moments[i]);
	fputs("end\n", stdout);
}

/* ---- all of them ---- */

static void set_up(void)
{
	struct rlimit limit = { .rlim_cur = 4096, .rlim_max = 4096 };
	static char buffer[1 << 16];

	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	if (setrlimit(RLIMIT_NOFILE, &limit))
		err(2, "setrlimit");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (shared == MAP_FAILED)
		err(2, "mmap");
	set_up_signals();
}

static void make_chans(uint64_t number, unsigned int n)
{
	unsigned int i, c;

	for (i = 0; i < n; i++) {
		make_program(&program, shared->tasks, seed, number + i);
		for (c = 0; c < program.n_chans; c++)
			make_chan(i, c, program.cap[c]);
	}
}

static void start_missing(void)
{
	unsigned int t;

	for (t = 0; t < TASKS; t++)
		if (process_of[t] == t && !shared->tasks[t].pid)
			start_process(t);
}

/* From @number to the next multiple of BATCH, @n at most.  Returns how many; 0: one is stuck. */
static unsigned int record_batch(uint64_t number, uint64_t n)
{
	unsigned int todo = BATCH - number % BATCH, i, t;
	bool is_stuck = false;

	if (todo > n)
		todo = n;
	make_processes(process_of, seed, number / BATCH);
	make_chans(number, todo);
	for (i = 0; i < todo && !is_stuck; i++) {
		start_missing();
		make_program(&program, shared->tasks, seed, number + i);
		is_stuck = !run_history(i);
		write_history(number + i);
		if (fflush_unlocked(stdout))
			err(2, "standard output");
	}
	for (t = 0; t < TASKS && !is_stuck; t++)
		if (process_of[t] == t)
			end_process(t);
	close_chans();
	return is_stuck ? 0 : todo;
}

static uint64_t number_of(const char *arg)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(arg, &end, 10);
	if (end == arg || *end || errno || *arg == '-')
		errx(2, "no number: %s", arg);
	return n;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "first", required_argument, NULL, 'f' },
		{ "histories", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	uint64_t first = 0, n = 1000, done;
	int opt;

	while ((opt = getopt_long(argc, argv, "s:f:n:h", options, NULL)) != -1) {
		switch (opt) {
		case 's':
			seed = number_of(optarg);
			break;
		case 'f':
			first = number_of(optarg);
			break;
		case 'n':
			n = number_of(optarg);
			break;
		case 'h':
			fputs(usage_text, stdout);
			return 0;
		default:
			fputs(usage_text, stderr);
			return 2;
		}
	}
	set_up();
	for (; n; n -= done, first += done) {
		done = record_batch(first, n);
		if (!done)
			errx(1, "a task has not come back for %d s, and nothing else happens",
			     STUCK);
	}
	return 0;
}
