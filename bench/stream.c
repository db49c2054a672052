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

/**
 * struct consumer - a thread that receives
 * @link: from where.
 * @thread: the thread.
 * @done: eventfd: it has received all elements of a block.
 * @n: how many these are; 0 to end.
 * @sent: the element that is sent.
 * @received: where it is received to.
 */
struct consumer {
	struct link link;
	pthread_t thread;
	int done;
	unsigned int n;
	char *sent;
	char *received;
};

static void *consume(void *arg)
{
	struct consumer *c = arg;
	const uint64_t one = 1;
	unsigned int i, n;

	place(1);
	for (;;) {
		link_recv(&c->link, c->received);
		n = __atomic_load_n(&c->n, __ATOMIC_ACQUIRE);
		if (!n)
			return NULL;
		for (i = 1; i < n; i++)
			link_recv(&c->link, c->received);
		if (write(c->done, &one, sizeof(one)) != sizeof(one))
			die("write");
	}
}

static void *set_up(const struct bench *b, const struct way *way)
{
	struct consumer *c = get_memory(sizeof(*c));

	if (!link_open(&c->link, way->mech, b->bytes, way->cap)) {
		bench_skip(b, way->name, c->link.why);
		free(c);
		return NULL;
	}
	c->sent = get_element(b->bytes + 1);
	c->received = get_element(b->bytes + 1);
	c->done = must(eventfd(0, EFD_CLOEXEC));
	if (pthread_create(&c->thread, NULL, consume, c))
		die("pthread_create");
	return c;
}

static void run(void *state, unsigned int n)
{
	struct consumer *c = state;
	unsigned int i;
	uint64_t v;

	__atomic_store_n(&c->n, n, __ATOMIC_RELEASE);
	for (i = 0; i < n; i++)
		link_send(&c->link, c->sent);
	if (read(c->done, &v, sizeof(v)) != sizeof(v))
		die("read");
}

static void tear_down(void *state)
{
	struct consumer *c = state;

	__atomic_store_n(&c->n, 0, __ATOMIC_RELEASE);
	link_send(&c->link, c->sent);
	pthread_join(c->thread, NULL);
	link_close(&c->link);
	close(c->done);
	free(c->sent);
	free(c->received);
	free(c);
}

static void bench_unbuffered(void)
{
	static const struct bench stream = {
		"stream", 0, 200, 8, EVERYWHERE, STREAM_STRETCH, .blocks = true,
	};
	const struct way ways[] = {
		{ "chan", set_up, run, tear_down, &mech_chan, 0 },
		{ "mutex-cond", set_up, run, tear_down, &mech_cond, 1 },
		{ "pipe", set_up, run, tear_down, &mech_pipe, 1 },
		{ "mqueue", set_up, run, tear_down, &mech_mqueue, 1 },
	};

	bench_measure(&stream, ways, sizeof(ways) / sizeof(*ways));
}

static void bench_buffered(void)
{
	static const struct bench stream = {
		"stream-buffered", 128, 512, 8, EVERYWHERE, STREAM_STRETCH, .blocks = true,
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

	bench_measure(&stream, ways, sizeof(ways) / sizeof(*ways));
}

void bench_stream(void)
{
	bench_unbuffered();
	bench_buffered();
}

/* Elements of all lengths; a mechanism that cannot but buffer buffers one. */
void bench_unbuffered_payload(const struct bench *b)
{
	const struct way ways[] = {
		{ "chan", set_up, run, tear_down, &mech_chan, 0 },
		{ "chan-read-write", set_up, run, tear_down, &mech_chan_rw, 0 },
		{ "pipe", set_up, run, tear_down, &mech_pipe, 1 },
		{ "seqpacket", set_up, run, tear_down, &mech_seqpacket, 1 },
		{ "mqueue", set_up, run, tear_down, &mech_mqueue, 1 },
		{ "sysv-msg", set_up, run, tear_down, &mech_sysv, 1 },
		{ "mutex-cond", set_up, run, tear_down, &mech_cond, 1 },
	};

	bench_measure(b, ways, sizeof(ways) / sizeof(*ways));
}
