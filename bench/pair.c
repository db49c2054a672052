// SPDX-License-Identifier: GPL-2.0-only
/* One thread sends, and then receives what it has sent: nobody waits. */
#include <stdlib.h>

#include "bench.h"
#include "mech.h"

struct pair {
	struct link link;
	char *elem;
};

static void *set_up(const struct bench *b, const struct way *way)
{
	struct pair *p = get_memory(sizeof(*p));

	if (!link_open(&p->link, way->mech, b->bytes, way->cap)) {
		bench_skip(b, way->name, p->link.why);
		free(p);
		return NULL;
	}
	/* An eventfd wants a number that is not 0. */
	p->elem = get_element(b->bytes + 1);
	p->elem[0] = 1;
	return p;
}

static void run(void *state, unsigned int n)
{
	struct pair *p = state;

	while (n--) {
		link_send(&p->link, p->elem);
		link_recv(&p->link, p->elem);
	}
}

static void tear_down(void *state)
{
	struct pair *p = state;

	link_close(&p->link);
	free(p->elem);
	free(p);
}

void bench_pair(void)
{
	static const struct bench pair = { "send-and-receive", 0, 500, 8 };
	const struct way ways[] = {
		{ "chan", set_up, run, tear_down, &mech_chan, 1 },
		{ "chan-read-write", set_up, run, tear_down, &mech_chan_rw, 1 },
		{ "pipe", set_up, run, tear_down, &mech_pipe, 1 },
		{ "eventfd", set_up, run, tear_down, &mech_eventfd, 1 },
		{ "seqpacket", set_up, run, tear_down, &mech_seqpacket, 1 },
		{ "mqueue", set_up, run, tear_down, &mech_mqueue, 1 },
		{ "sysv-msg", set_up, run, tear_down, &mech_sysv, 1 },
		{ "mutex-cond", set_up, run, tear_down, &mech_cond, 1 },
		{ "futex-word", set_up, run, tear_down, &mech_futex, 1 },
	};

	bench_measure(&pair, ways, sizeof(ways) / sizeof(*ways));
}

/* Elements of all lengths, one at a time in the buffer. */
void bench_buffered_payload(const struct bench *b)
{
	const struct way ways[] = {
		{ "chan", set_up, run, tear_down, &mech_chan, 1 },
		{ "chan-read-write", set_up, run, tear_down, &mech_chan_rw, 1 },
		{ "pipe", set_up, run, tear_down, &mech_pipe, 1 },
		{ "seqpacket", set_up, run, tear_down, &mech_seqpacket, 1 },
		{ "mqueue", set_up, run, tear_down, &mech_mqueue, 1 },
		{ "sysv-msg", set_up, run, tear_down, &mech_sysv, 1 },
		{ "mutex-cond", set_up, run, tear_down, &mech_cond, 1 },
	};

	bench_measure(b, ways, sizeof(ways) / sizeof(*ways));
}
