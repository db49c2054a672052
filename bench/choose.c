// SPDX-License-Identifier: GPL-2.0-only
/*
 * One of many becomes ready, is found, and what it has is taken, by the same thread: nobody
 * waits.  Which one it is goes round.
 */
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <kchan.h>

#include "bench.h"
#include "mech.h"

struct choice {
	struct link *links;
	unsigned int n;
	unsigned int next;
	struct kchan_case *cases;
	struct pollfd *polled;
	int epoll;
	uint64_t elem;
};

static void set_up_chan(struct choice *c, unsigned int i)
{
	c->cases[i] = (struct kchan_case){
		.ch = c->links[i].rx, .dir = KCHAN_RECV, .elem = &c->elem, .size = 8,
	};
}

static void set_up_pipe(struct choice *c, unsigned int i)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = i };

	c->polled[i] = (struct pollfd){ .fd = c->links[i].rx, .events = POLLIN };
	must(epoll_ctl(c->epoll, EPOLL_CTL_ADD, c->links[i].rx, &event));
}

static void *set_up(const struct bench *b, const struct way *way)
{
	struct choice *c = get_memory(sizeof(*c));
	unsigned int i;

	c->n = b->arg;
	c->links = get_memory(c->n * sizeof(*c->links));
	c->cases = get_memory(c->n * sizeof(*c->cases));
	c->polled = get_memory(c->n * sizeof(*c->polled));
	c->epoll = must(epoll_create1(EPOLL_CLOEXEC));
	for (i = 0; i < c->n; i++) {
		if (!link_open(&c->links[i], way->mech, 8, 1))
			die(way->name);
		if (way->mech == &mech_chan)
			set_up_chan(c, i);
		else
			set_up_pipe(c, i);
	}
	return c;
}

static void make_one_ready(struct choice *c)
{
	const uint64_t v = 1;

	link_send(&c->links[c->next], &v);
	c->next = (c->next + 1) % c->n;
}

static void run_select(void *state, unsigned int n)
{
	struct choice *c = state;

	while (n--) {
		make_one_ready(c);
		must(kchan_select(c->cases, c->n));
	}
}

static void run_epoll(void *state, unsigned int n)
{
	struct epoll_event event;
	struct choice *c = state;

	while (n--) {
		make_one_ready(c);
		must(epoll_wait(c->epoll, &event, 1, -1));
		link_recv(&c->links[event.data.u32], &c->elem);
	}
}

static void run_poll(void *state, unsigned int n)
{
	struct choice *c = state;
	unsigned int i;

	while (n--) {
		make_one_ready(c);
		must(poll(c->polled, c->n, -1));
		for (i = 0; !c->polled[i].revents; i++)
			;
		link_recv(&c->links[i], &c->elem);
	}
}

static void tear_down(void *state)
{
	struct choice *c = state;
	unsigned int i;

	for (i = 0; i < c->n; i++)
		link_close(&c->links[i]);
	close(c->epoll);
	free(c->links);
	free(c->cases);
	free(c->polled);
	free(c);
}

static void allow_descriptors(void)
{
	struct rlimit limit;

	must(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max;
	must(setrlimit(RLIMIT_NOFILE, &limit));
}

void bench_choose(void)
{
	static const struct bench sizes[] = {
		{ "one-of-many-ready", 2, 1000, 8 },
		{ "one-of-many-ready", 8, 1000, 8 },
		{ "one-of-many-ready", 64, 400, 8 },
		{ "one-of-many-ready", 512, 100, 8 },
	};
	const struct way ways[] = {
		{ "chan-select", set_up, run_select, tear_down, &mech_chan, 1 },
		{ "pipe-epoll", set_up, run_epoll, tear_down, &mech_pipe, 1 },
		{ "pipe-poll", set_up, run_poll, tear_down, &mech_pipe, 1 },
	};
	size_t i;

	allow_descriptors();
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		bench_measure(&sizes[i], ways, sizeof(ways) / sizeof(*ways));
}
