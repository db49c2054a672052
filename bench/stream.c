// SPDX-License-Identifier: GPL-2.0-only
/*
 * One thread sends, another receives, one way.  A block ends when the last one is received.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "bench.h"
#include "mech.h"

struct consumer {
	struct link link;
	pthread_t thread;
	int done;
	unsigned int n;
};

/* Told how many by the first element of a block; none is the end. */
static void *consume(void *arg)
{
	struct consumer *c = arg;
	uint64_t v, one = 1;
	unsigned int i, n;

	place(1);
	for (;;) {
		link_recv(&c->link, &v);
		n = __atomic_load_n(&c->n, __ATOMIC_ACQUIRE);
		if (!n)
			return NULL;
		for (i = 1; i < n; i++)
			link_recv(&c->link, &v);
		if (write(c->done, &one, sizeof(one)) != sizeof(one))
			die("write");
	}
}

static void *set_up(const struct bench *b, const struct way *way)
{
	struct consumer *c = get_memory(sizeof(*c));

	if (!link_open(&c->link, way->mech, b->bytes, way->cap)) {
		free(c);
		return NULL;
	}
	c->done = must(eventfd(0, EFD_CLOEXEC));
	if (pthread_create(&c->thread, NULL, consume, c))
		die("pthread_create");
	return c;
}

static void run(void *state, unsigned int n)
{
	struct consumer *c = state;
	uint64_t v = 1;
	unsigned int i;

	__atomic_store_n(&c->n, n, __ATOMIC_RELEASE);
	for (i = 0; i < n; i++)
		link_send(&c->link, &v);
	if (read(c->done, &v, sizeof(v)) != sizeof(v))
		die("read");
}

static void tear_down(void *state)
{
	struct consumer *c = state;
	uint64_t v = 0;

	__atomic_store_n(&c->n, 0, __ATOMIC_RELEASE);
	link_send(&c->link, &v);
	pthread_join(c->thread, NULL);
	link_close(&c->link);
	close(c->done);
	free(c);
}

void bench_stream(void)
{
	static const struct bench stream = { "stream", 0, 2000, 8 };
	static const struct bench buffered = { "stream-buffered", 128, 4000, 8 };
	const struct way unbuffered_ways[] = {
		{ "chan", set_up, run, tear_down, &mech_chan, 0 },
		{ "mutex-cond", set_up, run, tear_down, &mech_cond, 1 },
		{ "pipe", set_up, run, tear_down, &mech_pipe, 1 },
	};
	const struct way ways[] = {
		{ "chan", set_up, run, tear_down, &mech_chan, 128 },
		{ "chan-read-write", set_up, run, tear_down, &mech_chan_rw, 128 },
		{ "pipe", set_up, run, tear_down, &mech_pipe, 128 },
		{ "seqpacket", set_up, run, tear_down, &mech_seqpacket, 128 },
		{ "mqueue", set_up, run, tear_down, &mech_mqueue, 128 },
		{ "sysv-msg", set_up, run, tear_down, &mech_sysv, 128 },
		{ "mutex-cond", set_up, run, tear_down, &mech_cond, 128 },
	};

	bench_measure(&stream, unbuffered_ways,
		      sizeof(unbuffered_ways) / sizeof(*unbuffered_ways));
	bench_measure(&buffered, ways, sizeof(ways) / sizeof(*ways));
}
