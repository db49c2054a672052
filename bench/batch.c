// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stream of elements of which several are sent and received at once.  A block ends when
 * the last one is received.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <kchan.h>

#include "bench.h"
#include "mech.h"

#define MOST_AT_ONCE	1024

/**
 * struct batches - a thread that receives several at once
 * @link: from where.
 * @thread: the thread.
 * @done: eventfd: it has received all elements of a block.
 * @n: how many these are; 0 to end.
 * @at_once: elements that are sent at once, or received, if there are so many.
 */
struct batches {
	struct link link;
	pthread_t thread;
	int done;
	unsigned int n;
	unsigned int at_once;
};

static unsigned int recv_some(struct batches *b, uint64_t *elems, unsigned int most)
{
	ssize_t n;

	if (b->at_once == 1) {
		link_recv(&b->link, elems);
		return 1;
	}
	if (b->link.mech == &mech_chan) {
		n = must(kchan_recv_n(b->link.rx, elems, most));
	} else {
		n = must(read(b->link.rx, elems, most * sizeof(*elems)));
		n /= sizeof(*elems);
	}
	if (!n)
		die("end of file");
	return n;
}

static void send_some(struct batches *b, const uint64_t *elems)
{
	const ssize_t bytes = b->at_once * sizeof(*elems);

	if (b->at_once == 1) {
		link_send(&b->link, elems);
	} else if (b->link.mech == &mech_chan) {
		if (kchan_send_n(b->link.tx, elems, b->at_once) != b->at_once)
			die("kchan_send_n");
	} else if (write(b->link.tx, elems, bytes) != bytes) {
		die("write");
	}
}

static void *consume(void *arg)
{
	uint64_t elems[MOST_AT_ONCE];
	struct batches *b = arg;
	const uint64_t one = 1;
	unsigned int n, left;

	place(1);
	for (;;) {
		left = recv_some(b, elems, b->at_once);
		n = __atomic_load_n(&b->n, __ATOMIC_ACQUIRE);
		if (!n)
			return NULL;
		for (left = n - left; left; )
			left -= recv_some(b, elems, left < b->at_once ? left : b->at_once);
		if (write(b->done, &one, sizeof(one)) != sizeof(one))
			die("write");
	}
}

static void *start(const struct way *way, unsigned int at_once)
{
	struct batches *b = get_memory(sizeof(*b));

	if (!link_open(&b->link, way->mech, 8, way->cap))
		die(way->name);
	b->at_once = at_once;
	b->done = must(eventfd(0, EFD_CLOEXEC));
	if (pthread_create(&b->thread, NULL, consume, b))
		die("pthread_create");
	return b;
}

static void *set_up(const struct bench *b, const struct way *way)
{
	return start(way, b->arg);
}

static void *set_up_single(const struct bench *b, const struct way *way)
{
	(void)b;
	return start(way, 1);
}

static void run(void *state, unsigned int n)
{
	uint64_t v, elems[MOST_AT_ONCE] = { 0 };
	struct batches *b = state;
	unsigned int i;

	__atomic_store_n(&b->n, n, __ATOMIC_RELEASE);
	for (i = 0; i < n; i += b->at_once)
		send_some(b, elems);
	if (read(b->done, &v, sizeof(v)) != sizeof(v))
		die("read");
}

static void tear_down(void *state)
{
	uint64_t elems[MOST_AT_ONCE] = { 0 };
	struct batches *b = state;

	__atomic_store_n(&b->n, 0, __ATOMIC_RELEASE);
	link_send(&b->link, elems);
	pthread_join(b->thread, NULL);
	link_close(&b->link);
	close(b->done);
	free(b);
}

void bench_batches(void)
{
	const struct way ways[] = {
		{ "chan", set_up, run, tear_down, &mech_chan, 128 },
		{ "chan-single", set_up_single, run, tear_down, &mech_chan, 128 },
		{ "pipe", set_up, run, tear_down, &mech_pipe, 128 },
		{ "pipe-single", set_up_single, run, tear_down, &mech_pipe, 128 },
	};
	static const unsigned int sizes[] = { 1, 4, 16, 32, 64, 128, 256, 1024 };
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		const struct bench b = {
			"stream-batches", sizes[i], 4 * MOST_AT_ONCE, 8, EVERYWHERE,
			STREAM_STRETCH, .blocks = sizes[i] == 32, .thorough = sizes[i] != 32,
		};

		bench_measure(&b, ways, sizeof(ways) / sizeof(*ways));
	}
}
