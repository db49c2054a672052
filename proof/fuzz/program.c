// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program: what it is like, and how its processes and threads come about.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

#define STACK		(128UL << 10)
/* Numbers of streams that are no task's. */
#define STYLE		1000000
#define SETUP		1000001

struct op {
	const char *name;
	unsigned int weight;
	void (*run)(struct task *t);
};

static const struct op ops[] = {
	{ "command", 600, op_command },
	{ "read", 60, op_read },
	{ "write", 60, op_write },
	{ "odd", 20, op_odd },
	{ "poll", 35, op_poll },
	{ "epoll", 25, op_epoll },
	{ "io_uring", 6, op_uring },
	{ "open", 20, op_open },
	{ "dup", 12, op_dup },
	{ "close", 15, op_close },
	{ "fcntl", 15, op_fcntl },
	{ "pass", 12, op_pass },
	{ "steal", 4, op_steal },
	{ "node", 5, op_node },
	{ "fork", 6, op_fork },
	{ "signal", 25, op_signal },
	{ "self", 8, op_self },
	{ "watch", 20, op_watch },
	{ "parameter", 3, op_parameter },
	{ "memory", 25, op_change_memory },
};

/* What a seed says of its program. */
struct style style_of(uint64_t seed)
{
	struct rand r = stream(seed, STYLE, 0);
	struct style s = {
		.processes = 1 + below(&r, 3),
		.threads = 1 + below(&r, 3),
		.ops = 50 + below(&r, 300),
		.dirty = below(&r, 3) ? below(&r, 50) : 0,
		.patient = chance(&r, 85) ? 1 + below(&r, 8) : 10 + below(&r, 40),
		.overlap = chance(&r, 15),
		.detect = chance(&r, 20),
	};

	if (s.processes * s.threads == 1)
		s.threads = 2;
	if (chance(&r, 35))
		s.uid = 1000 + below(&r, 2);
	s.userns = chance(&r, 10);
	s.timens = !s.userns && chance(&r, 10);
	if (chance(&r, 30))
		s.kill_at = 1 + below(&r, s.processes * s.threads * s.ops);
	if (chance(&r, 8))
		s.freeze_at = 1 + below(&r, s.processes * s.threads * s.ops / 2);
	return s;
}

/* A number for a task that is about to begin; negative if there are enough. */
int new_index(void)
{
	unsigned int index = atomic_fetch_add(&shared->tasks, 1);

	if (index < MAX_TASKS)
		return index;
	atomic_fetch_sub(&shared->tasks, 1);
	return -1;
}

void begin_task(struct task *t, unsigned int index, unsigned int depth)
{
	t->index = index;
	t->depth = depth;
	t->entry = &shared->entry[index];
	atomic_store(&t->entry->tid, gettid());
	atomic_store(&t->entry->pid, getpid());
}

void run_ops(struct task *t, unsigned int from, unsigned int n)
{
	const struct op *op;
	unsigned int i;

	for (i = from; i < from + n && !atomic_load(&shared->complained); i++) {
		t->r = stream(shared->seed, t->index, i);
		t->dirty = chance(&t->r, shared->style.dirty);
		begin_rooms(t);
		op = PICK_WEIGHTED(&t->r, ops);
		atomic_store(&t->entry->ops, i + 1);
		op->run(t);
	}
}

/* ---- processes and threads ---- */

static void *run_thread(void *arg)
{
	unsigned int index = (uintptr_t)arg;
	struct task t = {};

	begin_task(&t, index, 0);
	run_ops(&t, 0, shared->style.ops);
	return NULL;
}

static _Noreturn void run_process(unsigned int first)
{
	unsigned int i, n = shared->style.threads;
	pthread_t thread[8];
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	for (i = 1; i < n; i++)
		if (pthread_create(&thread[i], &attr, run_thread, (void *)(uintptr_t)(first + i)))
			thread[i] = 0;
	run_thread((void *)(uintptr_t)first);
	for (i = 1; i < n; i++)
		if (thread[i])
			pthread_join(thread[i], NULL);
	/* What is open is closed by the exit. */
	_exit(0);
}

static void ignore(int sig)
{
	(void)sig;
}

static void set_signals(void)
{
	struct sigaction handler = { .sa_handler = ignore };

	sigaction(SIGUSR1, &handler, NULL);
	handler.sa_flags = SA_RESTART;
	sigaction(SIGUSR2, &handler, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	catch_crashes();
}

static void write_file(struct task *t, const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		return;
	judge(t, path, write(fd, text, strlen(text)) < 0 ? -errno : 0, NULL);
	close(fd);
}

static void become(struct task *t, const struct style *s)
{
	if (s->timens && !unshare(CLONE_NEWTIME))
		write_file(t, "/proc/self/timens_offsets", "monotonic 100000 0");
	if (s->uid && (setresgid(s->uid, s->uid, s->uid) || setresuid(s->uid, s->uid, s->uid)))
		complain(NULL, "cannot be user %u: %s", s->uid, strerrorname_np(errno));
	if (s->userns)
		unshare(CLONE_NEWUSER);
	/* So that it may still look at itself. */
	prctl(PR_SET_DUMPABLE, 1);
}

/**
 * run_program() - the first process of a program
 *
 * The others are forked when all descriptors are there, so that all of them have these.
 */
_Noreturn void run_program(void)
{
	const struct style *s = &shared->style;
	struct task t = { .r = stream(shared->seed, SETUP, 0), .entry = &shared->entry[0] };
	unsigned int i;

	set_signals();
	memory_begin(s->overlap);
	make_slots(&t);
	become(&t, s);
	for (i = 0; i < s->processes * s->threads; i++)
		memory_add_task(i);
	atomic_store(&shared->tasks, s->processes * s->threads);
	for (i = 1; i < s->processes; i++)
		if (!fork())
			run_process(i * s->threads);
	/* Who has asked for a time namespace is not in it, but its children are. */
	if (s->timens && fork())
		_exit(0);
	run_process(0);
}
