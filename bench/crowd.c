// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams of several senders and receivers: all over one link, or each pair over its own.
 * A block ends when the last element is received.
 */
#include <semaphore.h>
#include <stdlib.h>

#include "bench.h"
#include "many.h"
#include "mech.h"

#define BUFFERED	128
#define MOST_LANES	32

/**
 * struct lane - a sender and a receiver
 * @link: from the one to the other.
 * @start: the sender may begin, and the receiver.
 */
struct lane {
	struct link *link;
	sem_t start[2];
};

/**
 * struct crowd - several lanes
 * @links: theirs: one, or one each.
 * @n_links: how many.
 * @lanes: the lanes.
 * @n: how many.
 * @many: their threads.
 * @started: how many of these have found their lane.
 * @each: elements that each sends and receives in a block; 0 to end.
 * @done: those who have.
 */
struct crowd {
	struct link links[MOST_LANES];
	unsigned int n_links;
	struct lane lanes[MOST_LANES];
	unsigned int n;
	struct many many;
	unsigned int started;
	unsigned int each;
	sem_t done;
};

static void pass(struct link *link, bool receives, unsigned int n)
{
	uint64_t v = 1;

	while (n--)
		if (receives)
			link_recv(link, &v);
		else
			link_send(link, &v);
}

static void *take_part(void *arg)
{
	struct crowd *c = arg;
	unsigned int i = __atomic_fetch_add(&c->started, 1, __ATOMIC_RELAXED);
	bool receives = i >= c->n;
	struct lane *lane = &c->lanes[i % c->n];

	place(receives);
	for (;;) {
		sem_wait(&lane->start[receives]);
		if (!c->each)
			return NULL;
		pass(lane->link, receives, c->each);
		sem_post(&c->done);
	}
}

static void start_all(struct crowd *c)
{
	unsigned int i;

	for (i = 0; i < c->n; i++) {
		sem_post(&c->lanes[i].start[1]);
		sem_post(&c->lanes[i].start[0]);
	}
}

static void run(void *state, unsigned int n)
{
	struct crowd *c = state;
	unsigned int i;

	c->each = n / c->n;
	start_all(c);
	for (i = 0; i < 2 * c->n; i++)
		sem_wait(&c->done);
}

static void close_links(struct crowd *c)
{
	while (c->n_links)
		link_close(&c->links[--c->n_links]);
}

static void tear_down(void *state)
{
	struct crowd *c = state;

	c->each = 0;
	start_all(c);
	many_join(&c->many);
	close_links(c);
	free(c);
}

static bool open_links(struct crowd *c, const struct way *way, unsigned int n)
{
	for (; c->n_links < n; c->n_links++)
		if (!link_open(&c->links[c->n_links], way->mech, 8, way->cap))
			return false;
	return true;
}

static void *start(const struct bench *b, const struct way *way, unsigned int lanes,
		   unsigned int links)
{
	struct crowd *c = get_memory(sizeof(*c));
	unsigned int i;

	if (!open_links(c, way, links)) {
		bench_skip(b, way->name, c->links[c->n_links].why);
		close_links(c);
		free(c);
		return NULL;
	}
	c->n = lanes;
	sem_init(&c->done, 0, 0);
	for (i = 0; i < lanes; i++) {
		c->lanes[i].link = &c->links[i % links];
		sem_init(&c->lanes[i].start[0], 0, 0);
		sem_init(&c->lanes[i].start[1], 0, 0);
	}
	many_start(&c->many, 2 * lanes, take_part, c);
	many_await_sleep();
	return c;
}

static void *start_many_to_many(const struct bench *b, const struct way *way)
{
	return start(b, way, b->arg, 1);
}

static void *start_pairs(const struct bench *b, const struct way *way)
{
	return start(b, way, b->arg / 2, b->arg / 2);
}

static void measure(const struct bench *b,
		    void *(*set_up)(const struct bench *b, const struct way *way))
{
	const struct way ways[] = {
		{ "chan", set_up, run, tear_down, &mech_chan, BUFFERED },
		{ "pipe", set_up, run, tear_down, &mech_pipe, BUFFERED },
		{ "seqpacket", set_up, run, tear_down, &mech_seqpacket, BUFFERED },
		{ "mqueue", set_up, run, tear_down, &mech_mqueue, BUFFERED },
		{ "sysv-msg", set_up, run, tear_down, &mech_sysv, BUFFERED },
		{ "mutex-cond", set_up, run, tear_down, &mech_cond, BUFFERED },
	};

	bench_measure(b, ways, sizeof(ways) / sizeof(*ways));
}

void bench_crowd(void)
{
	unsigned int lanes;

	for (lanes = 1; lanes <= MOST_LANES; lanes *= 2) {
		/* On one processor, some of the sizes will do. */
		const bool some = lanes == 1 || lanes == 8 || lanes == MOST_LANES;
		const struct bench shared = {
			"many-to-many", lanes, 64 * MOST_LANES, 8,
			BIT_OF(ANYWHERE) | some << ON_ONE, STREAM_STRETCH,
			.blocks = lanes == 8, .thorough = !some || lanes == 8,
		};
		struct bench separate = shared;

		measure(&shared, start_many_to_many);
		separate.name = "pairs";
		separate.arg = 2 * lanes;
		separate.blocks = false;
		measure(&separate, start_pairs);
	}
}
