// SPDX-License-Identifier: GPL-2.0-only
/*
 * One of many becomes ready, is found, and what it has is taken.  Which one it is goes round.
 * Either one thread does it all, so that nobody waits, or a thread waits for them and says
 * that it has got it.
 */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <kchan.h>

#include "bench.h"
#include "mech.h"

/**
 * struct choice - many of which one is ready
 * @links: the many.
 * @n: how many.
 * @next: which one is made ready next.
 * @take: waits for one and takes what it has.
 * @cases: for a select.
 * @polled: for poll.
 * @epoll: for epoll.
 * @elem: what was taken.
 * @ack: for a thread that has taken something.
 * @thread: the thread.
 * @stop: what it takes next is the last.
 */
struct choice {
	struct link *links;
	unsigned int n;
	unsigned int next;
	void (*take)(struct choice *c);
	struct kchan_case *cases;
	struct pollfd *polled;
	int epoll;
	uint64_t elem;
	struct link ack;
	pthread_t thread;
	bool stop;
};

/* ---- ways to take from the one that is ready ---- */

static void by_select(struct choice *c)
{
	must(kchan_select(c->cases, c->n));
}

static void by_epoll(struct choice *c)
{
	struct epoll_event event;

	must(epoll_wait(c->epoll, &event, 1, -1));
	link_recv(&c->links[event.data.u32], &c->elem);
}

static void by_poll(struct choice *c)
{
	unsigned int i;

	must(poll(c->polled, c->n, -1));
	for (i = 0; !c->polled[i].revents; i++)
		;
	link_recv(&c->links[i], &c->elem);
}

/* ---- all of them ---- */

static void add(struct choice *c, unsigned int i)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };
	int fd = c->links[i].rx;

	c->cases[i] = (struct kchan_case){
		.ch = fd, .dir = KCHAN_RECV, .elem = &c->elem, .size = 8,
	};
	c->polled[i] = (struct pollfd){ .fd = fd, .events = POLLIN };
	if (c->take == by_epoll)
		must(epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &event));
}

static struct choice *open_all(const struct bench *b, const struct way *way,
			       void (*take)(struct choice *c))
{
	struct choice *c = get_memory(sizeof(*c));
	unsigned int i;

	c->n = b->arg;
	c->take = take;
	c->links = get_memory(c->n * sizeof(*c->links));
	c->cases = get_memory(c->n * sizeof(*c->cases));
	c->polled = get_memory(c->n * sizeof(*c->polled));
	c->epoll = must(epoll_create1(EPOLL_CLOEXEC));
	for (i = 0; i < c->n; i++) {
		if (!link_open(&c->links[i], way->mech, 8, way->cap))
			die(way->name);
		add(c, i);
	}
	return c;
}

static void close_all(struct choice *c)
{
	unsigned int i;

	for (i = 0; i < c->n; i++)
		link_close(&c->links[i]);
	close(c->epoll);
	free(c->links);
	free(c->cases);
	free(c->polled);
	free(c);
}

static void make_one_ready(struct choice *c)
{
	const uint64_t v = 1;

	link_send(&c->links[c->next], &v);
	/* So that any few in a row lie all over them. */
	c->next = (c->next + (c->n * 5 / 8 | 1)) % c->n;
}

/* ---- nobody waits ---- */

static void run(void *state, unsigned int n)
{
	struct choice *c = state;

	while (n--) {
		make_one_ready(c);
		c->take(c);
	}
}

/* Each has been ready once before it is measured, and so has all its memory. */
static void *set_up(struct choice *c)
{
	run(c, c->n);
	return c;
}

static void *set_up_select(const struct bench *b, const struct way *way)
{
	return set_up(open_all(b, way, by_select));
}

static void *set_up_epoll(const struct bench *b, const struct way *way)
{
	return set_up(open_all(b, way, by_epoll));
}

static void *set_up_poll(const struct bench *b, const struct way *way)
{
	return set_up(open_all(b, way, by_poll));
}

static void tear_down(void *state)
{
	close_all(state);
}

static void bench_ready(const struct bench *b)
{
	const struct way ways[] = {
		{ "chan-select", set_up_select, run, tear_down, &mech_chan, 1 },
		{ "pipe-epoll", set_up_epoll, run, tear_down, &mech_pipe, 1 },
		{ "pipe-poll", set_up_poll, run, tear_down, &mech_pipe, 1 },
	};

	bench_measure(b, ways, sizeof(ways) / sizeof(*ways));
}

/* ---- a thread waits ---- */

static void *choose(void *arg)
{
	struct choice *c = arg;
	const uint64_t v = 1;

	place(1);
	for (;;) {
		c->take(c);
		if (__atomic_load_n(&c->stop, __ATOMIC_ACQUIRE))
			return NULL;
		link_send(&c->ack, &v);
	}
}

static void run_blocked(void *state, unsigned int n)
{
	struct choice *c = state;
	uint64_t v;

	while (n--) {
		make_one_ready(c);
		link_recv(&c->ack, &v);
	}
}

/* Each has been ready once before it is measured, and so has all its memory. */
static void *start(struct choice *c, const struct way *way)
{
	if (!link_open(&c->ack, way->mech, 8, way->cap))
		die(way->name);
	if (pthread_create(&c->thread, NULL, choose, c))
		die("pthread_create");
	run_blocked(c, c->n);
	return c;
}

static void *start_select(const struct bench *b, const struct way *way)
{
	return start(open_all(b, way, by_select), way);
}

static void *start_epoll(const struct bench *b, const struct way *way)
{
	return start(open_all(b, way, by_epoll), way);
}

static void *start_poll(const struct bench *b, const struct way *way)
{
	return start(open_all(b, way, by_poll), way);
}

static void stop(void *state)
{
	struct choice *c = state;

	__atomic_store_n(&c->stop, true, __ATOMIC_RELEASE);
	make_one_ready(c);
	pthread_join(c->thread, NULL);
	link_close(&c->ack);
	close_all(c);
}

static void bench_blocked(const struct bench *b)
{
	const struct way ways[] = {
		{ "chan-select", start_select, run_blocked, stop, &mech_chan, 0 },
		{ "chan-select-cap-1", start_select, run_blocked, stop, &mech_chan, 1 },
		{ "pipe-epoll", start_epoll, run_blocked, stop, &mech_pipe, 1 },
		{ "pipe-poll", start_poll, run_blocked, stop, &mech_pipe, 1 },
	};

	bench_measure(b, ways, sizeof(ways) / sizeof(*ways));
}

/* ---- of all sizes ---- */

void bench_choose(void)
{
	static const unsigned int sizes[] = { 2, 8, 64, 512, 1024 };
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		unsigned int n = sizes[i];
		const struct bench ready = {
			"one-of-many-ready", n, 64, 8,
			.thorough = n != 2 && n != 64,
		};
		const struct bench blocked = {
			"one-of-many-blocked", n, 64, 8,
			n == 2 ? EVERYWHERE : 0, n > 64 ? STREAM_STRETCH : 1,
			.blocks = n == 2 || n == 64,
			.thorough = n != 2 && n != 64,
		};

		bench_ready(&ready);
		bench_blocked(&blocked);
	}
}
