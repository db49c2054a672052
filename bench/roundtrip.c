// SPDX-License-Identifier: GPL-2.0-only
/*
 * A request to another thread, which waits for it, and its reply.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kchan.h>

#include "bench.h"
#include "mech.h"

/**
 * struct server - a thread that replies
 * @out: requests.
 * @back: replies.
 * @thread: the thread.
 * @stop: the next request is the last.
 * @samples: what each round trip of a block took, if they are timed.
 * @n: how many.
 */
struct server {
	struct link out;
	struct link back;
	pthread_t thread;
	bool stop;
	double *samples;
	unsigned int n;
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

	if (!link_open(&s->out, way->mech, b->bytes, way->cap)) {
		bench_skip(b, way->name, s->out.why);
		free(s);
		return NULL;
	}
	if (!link_open(&s->back, way->mech, b->bytes, way->cap))
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

static inline void do_plain(struct server *s, uint64_t *v)
{
	link_send(&s->out, v);
	link_recv(&s->back, v);
}

static inline void do_call(struct server *s, uint64_t *v)
{
	if (kchan_call(s->out.tx, v, 8, s->back.rx, v, 8) != 1)
		die("kchan_call");
}

static void run(void *state, unsigned int n)
{
	uint64_t v = 1;

	while (n--)
		do_plain(state, &v);
}

static void run_calls(void *state, unsigned int n)
{
	uint64_t v = 1;

	while (n--)
		do_call(state, &v);
}

static void tear_down(void *state)
{
	struct server *s = state;
	uint64_t v = 1;

	__atomic_store_n(&s->stop, true, __ATOMIC_RELEASE);
	link_send(&s->out, &v);
	pthread_join(s->thread, NULL);
	link_close(&s->out);
	link_close(&s->back);
	free(s->samples);
	free(s);
}

void bench_round_trip(void)
{
	static const struct bench round_trip = {
		"round-trip", 0, 50, 8, EVERYWHERE, .blocks = true,
	};
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

/* ---- each timed by itself ---- */

/* Room for all, touched, which does not count. */
static void prepare_samples(struct server *s, unsigned int n)
{
	if (s->n == n)
		return;
	clock_stop();
	free(s->samples);
	s->samples = get_memory(n * sizeof(*s->samples));
	memset(s->samples, 1, n * sizeof(*s->samples));
	s->n = n;
	clock_go();
}

static inline void time_each(struct server *s, unsigned int n,
			     void (*round_trip)(struct server *s, uint64_t *v))
{
	uint64_t v = 1;
	unsigned int i;
	double start;

	prepare_samples(s, n);
	for (i = 0; i < n; i++) {
		start = now_ns();
		round_trip(s, &v);
		s->samples[i] = now_ns() - start;
	}
}

static void run_timed(void *state, unsigned int n)
{
	time_each(state, n, do_plain);
}

static void run_timed_calls(void *state, unsigned int n)
{
	time_each(state, n, do_call);
}

/* ---- likewise, by who goes to sleep as soon as there is nothing to be had ---- */

#define PARAMETERS	"/sys/module/chan/parameters/"

struct parameter {
	const char *path;
	const char *off;
	char was[16];
};

static struct parameter lingering[] = {
	{ PARAMETERS "give_way", "N", "" },
	{ PARAMETERS "spin_max_us", "0", "" },
};

static bool read_parameter(struct parameter *p)
{
	FILE *f = fopen(p->path, "r+");
	bool done = f && fgets(p->was, sizeof(p->was), f);

	if (f)
		fclose(f);
	return done;
}

static void set_lingering(bool on)
{
	clock_stop();
	for (size_t i = 0; i < sizeof(lingering) / sizeof(*lingering); i++)
		write_setting(lingering[i].path, on ? lingering[i].was : lingering[i].off);
	clock_go();
}

static void *set_up_at_once(const struct bench *b, const struct way *way)
{
	for (size_t i = 0; i < sizeof(lingering) / sizeof(*lingering); i++)
		if (!read_parameter(&lingering[i]))
			return bench_skip(b, way->name,
					  "parameters of the module cannot be set (needs root)");
	return start(b, way, serve);
}

static void run_timed_at_once(void *state, unsigned int n)
{
	set_lingering(false);
	time_each(state, n, do_plain);
	set_lingering(true);
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void tell(void *state, const struct bench *b, const struct way *way, unsigned int round)
{
	struct server *s = state;

	qsort(s->samples, s->n, sizeof(*s->samples), compare);
	bench_print(b, "-p50", way->name, round, s->samples[s->n / 2]);
	bench_print(b, "-p99", way->name, round, s->samples[s->n * 99ULL / 100]);
}

void bench_latency(void)
{
	static const struct bench latency = {
		"latency", 0, 200, 8, EVERYWHERE, .blocks = true,
	};
	const struct way ways[] = {
		{ "chan-call", set_up_calls, run_timed_calls, tear_down, &mech_chan, 0, tell },
		{ "chan", set_up, run_timed, tear_down, &mech_chan, 0, tell },
		{ "chan-at-once", set_up_at_once, run_timed_at_once, tear_down, &mech_chan, 0,
		  tell },
		{ "pipe", set_up, run_timed, tear_down, &mech_pipe, 1, tell },
		{ "eventfd", set_up, run_timed, tear_down, &mech_eventfd, 1, tell },
		{ "mutex-cond", set_up, run_timed, tear_down, &mech_cond, 1, tell },
		{ "futex-word", set_up, run_timed, tear_down, &mech_futex, 1, tell },
	};

	bench_measure(&latency, ways, sizeof(ways) / sizeof(*ways));
}
