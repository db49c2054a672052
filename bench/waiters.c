// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many threads wait to receive from one.  Each element that it sends is answered by the one
 * who received it, and who then waits again, behind the others.
 */
#include <stdlib.h>

#include "bench.h"
#include "many.h"
#include "mech.h"

/* All who wait for an eventfd wake up, and all but one in vain. */
#define MOST_IN_A_HERD	100

/*
 * What the scheduler makes of those who wake up differs with how often they have: until the
 * few have done so often enough that it does not any more.
 */
#define SETTLED_AFTER	4000

struct waiters {
	struct link out;
	struct link back;
	struct many many;
	bool stop;
};

static void *answer(void *arg)
{
	struct waiters *w = arg;
	bool last;
	uint64_t v;

	place(1);
	do {
		link_recv(&w->out, &v);
		last = __atomic_load_n(&w->stop, __ATOMIC_ACQUIRE);
		link_send(&w->back, &v);
	} while (!last);
	return NULL;
}

static void ask(struct waiters *w, unsigned int n)
{
	uint64_t v = 1;

	while (n--) {
		link_send(&w->out, &v);
		link_recv(&w->back, &v);
	}
}

/* Each has answered before it is measured, and so has all its memory. */
static unsigned int first_answers(const struct bench *b, const struct way *way)
{
	return b->arg > SETTLED_AFTER || way->mech == &mech_eventfd ? b->arg : SETTLED_AFTER;
}

static void *set_up(const struct bench *b, const struct way *way)
{
	struct waiters *w;

	if (way->mech == &mech_eventfd && b->arg > MOST_IN_A_HERD)
		return bench_skip(b, way->name, "each write wakes all who wait");
	w = get_memory(sizeof(*w));
	if (!link_open(&w->out, way->mech, 8, way->cap) ||
	    !link_open(&w->back, way->mech, 8, way->cap))
		die(way->name);
	many_start(&w->many, b->arg, answer, w);
	many_await_sleep();
	ask(w, first_answers(b, way));
	many_await_sleep();
	return w;
}

static void run(void *state, unsigned int n)
{
	ask(state, n);
}

static void tear_down(void *state)
{
	struct waiters *w = state;

	__atomic_store_n(&w->stop, true, __ATOMIC_RELEASE);
	ask(w, w->many.n);
	many_join(&w->many);
	link_close(&w->out);
	link_close(&w->back);
	free(w);
}

void bench_waiters(void)
{
	const struct way ways[] = {
		{ "chan", set_up, run, tear_down, &mech_chan, 0 },
		{ "pipe", set_up, run, tear_down, &mech_pipe, 1 },
		{ "eventfd", set_up, run, tear_down, &mech_eventfd, 1 },
		{ "seqpacket", set_up, run, tear_down, &mech_seqpacket, 1 },
		{ "mqueue", set_up, run, tear_down, &mech_mqueue, 1 },
		{ "sysv-msg", set_up, run, tear_down, &mech_sysv, 1 },
		{ "mutex-cond", set_up, run, tear_down, &mech_cond, 1 },
		{ "futex-word", set_up, run, tear_down, &mech_futex, 1 },
	};
	struct bench b = { "waiters", 1, 50, 8 };

	for (; b.arg <= 10000; b.arg *= 10) {
		b.large = b.arg > 100;
		b.blocks = b.arg == 100;
		b.thorough = b.arg != 1 && b.arg != 100;
		bench_measure(&b, ways, sizeof(ways) / sizeof(*ways));
	}
}
