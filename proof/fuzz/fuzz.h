/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fuzzer of the interface of channels.
 *
 * It runs one program after the other.  A program is a few processes of a few threads, which
 * share descriptors of channels, and each of which does some operations: commands with structs
 * that are well formed or not quite, reads and writes, signals, forks, mappings that change, and
 * whatever else a task can do to a descriptor.  What a program does follows from its seed; who
 * does it first does not.
 *
 * After each program all its tasks have to be gone, and all that the module counts has to be as
 * it was before.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include <linux/chan.h>

#include "rand.h"

#define MAX_TASKS	48
#define SLOTS		24
#define NAMES		4
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/**
 * struct style - what is true of a whole program
 * @processes: how many begin.
 * @threads: of each.
 * @ops: that each of them does.
 * @dirty: of 100 operations, how many are given bad memory or mutated structs.
 * @patient: of 100 operations that may wait, how many do so without a deadline.
 * @overlap: memory that is sent may be any, and so may be what is received.
 * @uid: whose it is, 0 for root.
 * @userns: whether it has a user namespace of its own.
 * @timens: whether it has a time namespace of its own.
 * @detect: whether deadlocks may be looked for.
 * @kill_at: after how many calls all tasks are killed; 0 not to.
 * @freeze_at: after how many calls the program is frozen for a moment; 0 not to.
 */
struct style {
	unsigned int processes, threads, ops;
	unsigned int dirty, patient;
	bool overlap;
	uid_t uid;
	bool userns, timens, detect;
	uint64_t kill_at, freeze_at;
};

/* A task as others see it; an operation is counted when it begins. */
struct entry {
	atomic_int pid, tid;
	atomic_uint_least64_t ops;
};

#define MAX_COMMANDS	32

/* What the supervisor and all tasks of a program share. */
struct shared {
	uint64_t seed;
	struct style style;
	atomic_uint tasks;
	atomic_uint_least64_t calls;
	atomic_uint succeeded[MAX_COMMANDS];
	atomic_int complained;
	char complaint[1024];
	struct entry entry[MAX_TASKS];
};

extern struct shared *shared;
extern int trace_fd;

/* A descriptor of the process, and the size of elements that it was made with. */
struct slot {
	atomic_int fd;
	atomic_uint elem;
};

extern struct slot slots[SLOTS];

/* Room that the kernel was told to write to, and how much it may fill. */
struct room {
	unsigned char *addr;
	size_t size;
};

#define MAX_ROOMS	16

/**
 * struct task - a thread of a program
 * @index: its number, which is that of its memory, too.
 * @r: the stream of its operation.
 * @entry: how others see it.
 * @dirty: whether this operation may be given bad memory.
 * @rooms: where this operation may be written to, if it is clean.
 * @n_rooms: how many.
 * @used: bytes of its memory that they take.
 * @depth: how many forks it is away from those that began.
 */
struct task {
	unsigned int index;
	struct rand r;
	struct entry *entry;
	bool dirty;
	struct room rooms[MAX_ROOMS];
	unsigned int n_rooms;
	size_t used;
	unsigned int depth;
};

/* Seconds, of a clock that begins anywhere. */
static inline double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* ---- judge.c: what must not happen ---- */

/* The errnos that an operation may end with, ended by 0. */
typedef const short errnos_t[];

__attribute__((format(printf, 2, 3)))
void complain(const struct task *t, const char *format, ...);
void catch_crashes(void);
void judge(struct task *t, const char *what, long ret, const short *errnos);
void trace(const struct task *t, const char *what, long ret);

/* ---- memory.c: where arguments and elements are ---- */

#define SMALLEST_GUARD	64
#define FILL		0xe7

void memory_init(void);
void memory_begin(bool overlap);
void memory_add_task(unsigned int index);
void begin_rooms(struct task *t);
void *source(struct task *t, size_t size);
void *room(struct task *t, size_t size);
void *struct_place(struct task *t, const void *content, size_t size);
void *clean_struct(struct task *t, const void *content, size_t size);
void check_struct(struct task *t, const char *what, const void *was, size_t size, size_t from,
		  size_t to);
void check_room(struct task *t, const char *what, unsigned int i, long len);
void check_rooms_untouched(struct task *t, const char *what);
uint64_t edge(struct task *t);
void mutate(struct task *t, void *content, size_t size);
void op_change_memory(struct task *t);

/* ---- descriptors.c ---- */

int any_fd(struct task *t);
int chan_slot(struct task *t);
int fd_of(int slot);
unsigned int elem_of(int slot);
void put_fd(struct task *t, long fd, unsigned int elem);
void make_slots(struct task *t);
const char *any_name(struct task *t);
uint64_t any_time(struct task *t);

void op_open(struct task *t);
void op_dup(struct task *t);
void op_close(struct task *t);
void op_fcntl(struct task *t);
void op_pass(struct task *t);
void op_steal(struct task *t);
void op_node(struct task *t);

/* ---- commands.c ---- */

long make_channel(struct task *t, unsigned int flags, unsigned int elem, uint64_t cap);
void op_command(struct task *t);
const char *command_name(unsigned int i);

/* ---- files.c ---- */

void op_read(struct task *t);
void op_write(struct task *t);
void op_odd(struct task *t);
void op_poll(struct task *t);
void op_epoll(struct task *t);
void op_uring(struct task *t);

/* ---- tasks.c ---- */

void op_fork(struct task *t);
void op_signal(struct task *t);
void op_self(struct task *t);
void op_watch(struct task *t);
void op_parameter(struct task *t);

/* ---- program.c ---- */

struct style style_of(uint64_t seed);
void run_ops(struct task *t, unsigned int from, unsigned int n);
void begin_task(struct task *t, unsigned int index, unsigned int depth);
int new_index(void);
_Noreturn void run_program(void);

/* ---- supervise.c ---- */

void supervise_init(void);
bool supervise(uint64_t seed, uint64_t *calls);
const char *never_succeeded(void);

#endif /* FUZZ_H */
