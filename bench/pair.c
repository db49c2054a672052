// SPDX-License-Identifier: GPL-2.0-only
/* One thread sends, and then receives what it has sent: nobody waits. */
#include <stdlib.h>

#include "bench.h"
#include "mech.h"

static void *set_up(const struct bench *b, const struct way *way)
{
	struct link *l = get_memory(sizeof(*l));

	if (link_open(l, way->mech, b->bytes, way->cap))
		return l;
	free(l);
	return NULL;
}

static void run(void *state, unsigned int n)
{
	struct link *l = state;
	uint64_t v = 1;

	while (n--) {
		link_send(l, &v);
		link_recv(l, &v);
	}
}

static void tear_down(void *state)
{
	link_close(state);
	free(state);
}

void bench_pair(void)
{
	static const struct bench pair = { "send-and-receive", 0, 2000, 8 };
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
