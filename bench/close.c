// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many threads wait, and are told that there is nothing more to wait for.  What is measured
 * is only the call that tells them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <kchan.h>

#include "bench.h"
#include "many.h"
#include "mech.h"

struct audience;

/**
 * struct end - a way to end the waits of many
 * @begin: makes what they wait for next, if it is not there for good.
 * @wait: until it ends.
 * @end: ends it.
 * @dispose: of what nobody waits for any more.
 */
struct end {
	void (*begin)(struct audience *a);
	void (*wait)(struct audience *a);
	void (*end)(struct audience *a);
	void (*dispose)(struct audience *a);
};

/**
 * struct audience - those who wait
 * @how: how their waits end.
 * @many: the threads.
 * @fds: what they wait for: a channel, or a pipe.
 * @word: or what else they wait for: that it changes.
 * @stop: there is no next time.
 */
struct audience {
	const struct end *how;
	struct many many;
	int fds[2];
	uint32_t word;
	bool stop;
};

static int first_fd(struct audience *a)
{
	return __atomic_load_n(&a->fds[0], __ATOMIC_ACQUIRE);
}

/* ---- a channel that is closed ---- */

static void begin_chan(struct audience *a)
{
	__atomic_store_n(&a->fds[0], must(kchan_make(8, 0, 0)), __ATOMIC_RELEASE);
}

static void wait_chan(struct audience *a)
{
	uint64_t v;

	if (kchan_recv(first_fd(a), &v, sizeof(v)))
		die("kchan_recv");
}

static void end_chan(struct audience *a)
{
	must(kchan_close(first_fd(a)));
}

static void dispose_fd(struct audience *a)
{
	close(a->fds[0]);
}

static const struct end end_of_chan = { begin_chan, wait_chan, end_chan, dispose_fd };

/* ---- a pipe without a writer ---- */

static void begin_pipe(struct audience *a)
{
	int fds[2];

	must(pipe2(fds, O_CLOEXEC));
	a->fds[1] = fds[1];
	__atomic_store_n(&a->fds[0], fds[0], __ATOMIC_RELEASE);
}

static void wait_pipe(struct audience *a)
{
	uint64_t v;

	if (read(first_fd(a), &v, sizeof(v)))
		die("read");
}

static void end_pipe(struct audience *a)
{
	close(a->fds[1]);
}

static const struct end end_of_pipe = { begin_pipe, wait_pipe, end_pipe, dispose_fd };

/* ---- a futex word that changes ---- */

static void leave_word(struct audience *a)
{
	(void)a;
}

static void wait_futex(struct audience *a)
{
	uint32_t seen = __atomic_load_n(&a->word, __ATOMIC_ACQUIRE);

	while (__atomic_load_n(&a->word, __ATOMIC_ACQUIRE) == seen)
		if (syscall(SYS_futex, &a->word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0) &&
		    errno != EAGAIN && errno != EINTR)
			die("futex");
}

static void end_futex(struct audience *a)
{
	__atomic_fetch_add(&a->word, 1, __ATOMIC_RELEASE);
	must(syscall(SYS_futex, &a->word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0));
}

static const struct end end_of_futex = { leave_word, wait_futex, end_futex, leave_word };

/* ---- all of them ---- */

/* With a priority at which nobody who wakes up comes in between. */
static void set_urgent(bool urgent)
{
	struct sched_param p = { .sched_priority = urgent ? 1 : 0 };

	must(sched_setscheduler(0, urgent ? SCHED_FIFO : SCHED_OTHER, &p));
}

/* The end counts, not how all begin to wait again. */
static void run(void *state, unsigned int n)
{
	struct audience *a = state;

	clock_stop();
	for (; n; n -= a->many.n) {
		struct audience ended;

		many_await_sleep();
		ended = *a;
		set_urgent(true);
		clock_go();
		a->how->end(a);
		clock_stop();
		a->how->begin(a);
		set_urgent(false);
		many_await_sleep();
		a->how->dispose(&ended);
	}
	clock_go();
}

static void *listen(void *arg)
{
	struct audience *a = arg;

	place(1);
	do
		a->how->wait(a);
	while (!__atomic_load_n(&a->stop, __ATOMIC_ACQUIRE));
	return NULL;
}

static void *start(const struct bench *b, const struct end *how)
{
	struct audience *a = get_memory(sizeof(*a));

	a->how = how;
	how->begin(a);
	many_start(&a->many, b->arg, listen, a);
	return a;
}

static void *set_up_chan(const struct bench *b, const struct way *way)
{
	(void)way;
	return start(b, &end_of_chan);
}

static void *set_up_pipe(const struct bench *b, const struct way *way)
{
	(void)way;
	return start(b, &end_of_pipe);
}

static void *set_up_futex(const struct bench *b, const struct way *way)
{
	(void)way;
	return start(b, &end_of_futex);
}

static void tear_down(void *state)
{
	struct audience *a = state;

	many_await_sleep();
	__atomic_store_n(&a->stop, true, __ATOMIC_RELEASE);
	a->how->end(a);
	many_join(&a->many);
	a->how->dispose(a);
	free(a);
}

void bench_close(void)
{
	const struct way ways[] = {
		{ "chan", set_up_chan, run, tear_down },
		{ "pipe", set_up_pipe, run, tear_down },
		{ "futex-wake-all", set_up_futex, run, tear_down },
	};
	struct bench b = { "close", 10, 10, .exact = true };

	for (; b.arg <= 10000; b.arg *= 10) {
		/* Several times, if that takes little. */
		b.ops = b.arg < 1000 ? 1000 : b.arg;
		b.large = b.arg > 100;
		b.thorough = b.arg != 1000;
		bench_measure(&b, ways, sizeof(ways) / sizeof(*ways));
	}
}
