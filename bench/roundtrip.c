// SPDX-License-Identifier: GPL-2.0-only
/*
 * A request to another thread, which waits for it, and its reply.
 */
#include <pthread.h>
#include <stdlib.h>

#include <kchan.h>

#include "bench.h"
#include "mech.h"

struct server {
	struct link out;
	struct link back;
	pthread_t thread;
	bool stop;
};

static bool stopped(struct server *s)
{
	return __atomic_load_n(&s->stop, __ATOMIC_ACQUIRE);
}

static void *serve(void *arg)
{
	struct server *s = arg;
	uint64_t v;

	place(1);
	for (;;) {
		link_recv(&s->out, &v);
		if (stopped(s))
			return NULL;
		link_send(&s->back, &v);
	}
}

/* Each reply and the wait for the next request are one call. */
static void *serve_by_calls(void *arg)
{
	struct server *s = arg;
	uint64_t v;

	place(1);
	link_recv(&s->out, &v);
	while (!stopped(s))
		if (kchan_call(s->back.tx, &v, 8, s->out.rx, &v, 8) != 1)
			die("kchan_call");
	return NULL;
}

static void *start(const struct bench *b, const struct way *way, void *(*fn)(void *))
{
	struct server *s = get_memory(sizeof(*s));

	if (!link_open(&s->out, way->mech, b->bytes, way->cap) ||
	    !link_open(&s->back, way->mech, b->bytes, way->cap))
		die(way->name);
	if (pthread_create(&s->thread, NULL, fn, s))
		die("pthread_create");
	return s;
}

static void *set_up(const struct bench *b, const struct way *way)
{
	return start(b, way, serve);
}

static void *set_up_calls(const struct bench *b, const struct way *way)
{
	return start(b, way, serve_by_calls);
}

static void run(void *state, unsigned int n)
{
	struct server *s = state;
	uint64_t v = 1;

	while (n--) {
		link_send(&s->out, &v);
		link_recv(&s->back, &v);
	}
}

static void run_calls(void *state, unsigned int n)
{
	struct server *s = state;
	uint64_t v = 1;

	while (n--)
		if (kchan_call(s->out.tx, &v, 8, s->back.rx, &v, 8) != 1)
			die("kchan_call");
}

static void tear_down(void *state)
{
	struct server *s = state;
	uint64_t v = 0;

	__atomic_store_n(&s->stop, true, __ATOMIC_RELEASE);
	link_send(&s->out, &v);
	pthread_join(s->thread, NULL);
	link_close(&s->out);
	link_close(&s->back);
	free(s);
}

void bench_round_trip(void)
{
	static const struct bench round_trip = { "round-trip", 0, 500, 8 };
	const struct way ways[] = {
		{ "chan-call", set_up_calls, run_calls, tear_down, &mech_chan, 0 },
		{ "chan", set_up, run, tear_down, &mech_chan, 0 },
		{ "chan-cap-1", set_up, run, tear_down, &mech_chan, 1 },
		{ "pipe", set_up, run, tear_down, &mech_pipe, 1 },
		{ "eventfd", set_up, run, tear_down, &mech_eventfd, 1 },
		{ "seqpacket", set_up, run, tear_down, &mech_seqpacket, 1 },
		{ "mqueue", set_up, run, tear_down, &mech_mqueue, 1 },
		{ "sysv-msg", set_up, run, tear_down, &mech_sysv, 1 },
		{ "mutex-cond", set_up, run, tear_down, &mech_cond, 1 },
		{ "futex-word", set_up, run, tear_down, &mech_futex, 1 },
	};

	bench_measure(&round_trip, ways, sizeof(ways) / sizeof(*ways));
}
