/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests on goroutines share.
 */
#ifndef GO_TEST_H
#define GO_TEST_H

#include "chan_test.h"
#include <kchan.h>

#define UNTOUCHED	0x5a5a5a5a5a5a5a5aULL

static inline int make(size_t elem_size, size_t cap)
{
	return must(kchan_make(elem_size, cap, 0));
}

static inline void start(void (*fn)(void *arg), void *arg)
{
	must(kchan_go(fn, arg));
}

static inline struct kchan_case sending(int ch, void *elem, size_t size)
{
	return (struct kchan_case){ .ch = ch, .dir = KCHAN_SEND, .elem = elem, .size = size };
}

static inline struct kchan_case receiving(int ch, void *elem, size_t size)
{
	return (struct kchan_case){ .ch = ch, .dir = KCHAN_RECV, .elem = elem, .size = size };
}

/* What a call of the library returned, as a system call would say it. */
static inline long or_errno(long ret)
{
	return ret < 0 ? -errno : ret;
}

static inline void raise_limit_of_files(void)
{
	struct rlimit many = { 10000, 10000 }, now;

	must(getrlimit(RLIMIT_NOFILE, &now));
	if (now.rlim_cur < many.rlim_cur)
		must(setrlimit(RLIMIT_NOFILE, &many));
}

/**
 * struct call - a call that may block, carried out by a goroutine
 * @fn: does it.
 * @ret: what it returned.
 * @tid: the goroutine's thread.
 * @done: it has returned.
 */
struct call {
	long (*fn)(struct call *c);
	long ret;
	pid_t tid;
	bool done;
};

static inline void call_main(void *arg)
{
	struct call *c = arg;

	__atomic_store_n(&c->tid, gettid(), __ATOMIC_RELEASE);
	c->ret = c->fn(c);
	__atomic_store_n(&c->done, true, __ATOMIC_RELEASE);
}

static inline void call_start(struct call *c, long (*fn)(struct call *c))
{
	*c = (struct call){ .fn = fn };
	start(call_main, c);
}

static inline bool call_done(struct call *c)
{
	return __atomic_load_n(&c->done, __ATOMIC_ACQUIRE);
}

static inline pid_t call_tid(struct call *c)
{
	if (!eventually(__atomic_load_n(&c->tid, __ATOMIC_ACQUIRE)))
		die("a goroutine does not start");
	return c->tid;
}

static inline long call_finish(struct call *c)
{
	if (!eventually(call_done(c)))
		die("a call that can proceed still blocks");
	return c->ret;
}

static inline void ignore_signal(int sig)
{
	(void)sig;
}

/* End a call that blocks for ever: it returns -EINTR. */
static inline long call_interrupt(struct call *c)
{
	struct sigaction sa = { .sa_handler = ignore_signal };
	pid_t tid = call_tid(c);

	must(sigaction(SIGUSR1, &sa, NULL));
	/* A signal may come before the call. */
	if (!eventually((syscall(SYS_tgkill, getpid(), tid, SIGUSR1), call_done(c))))
		die("a signal does not end the call");
	return c->ret;
}

/* ---- goroutines that go on until they are told to quit ---- */

/* It is closed when all shall end. */
static int quit;
static struct kchan_wg running;

struct goroutine {
	void (*fn)(void *arg);
	uint64_t arg[];
};

static inline void goroutine_main(void *arg)
{
	struct goroutine *g = arg;

	g->fn(g->arg);
	free(g);
	must(kchan_wg_done(&running));
}

/* With a copy of @arg. */
static inline void spawn(void (*fn)(void *arg), const void *arg, size_t size)
{
	struct goroutine *g = malloc(sizeof(*g) + size);

	if (!g)
		die("no memory");
	g->fn = fn;
	memcpy(g->arg, arg, size);
	must(kchan_wg_add(&running, 1));
	start(goroutine_main, g);
}

static inline void quit_setup(void)
{
	raise_limit_of_files();
	quit = make(0, 0);
	must(kchan_wg_init(&running));
}

static inline void quit_all(void)
{
	must(kchan_close(quit));
	must(kchan_wg_wait(&running));
}

/* False if it is time to quit. */
static inline bool give(int ch, void *elem, size_t size)
{
	struct kchan_case cases[] = { sending(ch, elem, size), receiving(quit, NULL, 0) };

	return must(kchan_select(cases, 2)) == 0;
}

static inline bool take(int ch, void *elem, size_t size)
{
	struct kchan_case cases[] = { receiving(ch, elem, size), receiving(quit, NULL, 0) };

	return must(kchan_select(cases, 2)) == 0;
}

#endif /* GO_TEST_H */
