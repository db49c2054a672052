/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Select: one of several sends and receives.
 *
 * 1. Look at the cases in random order, one channel at a time, and do the first that is
 *    ready.  Most selects end here.
 * 2. Queue on each channel in turn.  Each is looked at again under the lock that queues;
 *    if it is ready now, it is done, together with a claim of the select itself, since
 *    those queued before may have been completed meanwhile (wait.h).
 * 3. Park.  A select that does not block claims itself for "none" instead: since it could
 *    queue on every channel, and nobody has completed it, at this moment none is ready.
 *    (Time, and the end of a channel, are the exceptions, and are looked at once more.)
 * 4. Leave all queues.
 *
 * No two channel locks are ever held together, whatever the number of cases.
 *
 * A select that does not block is seen by others while it queues.  On an unbuffered
 * channel, where two operations that do not block must not meet, those that do not block
 * pass over it; on a buffered one nobody may, or the channel could become ready without
 * its notice.
 */
#ifndef CHAN_SELECT_H
#define CHAN_SELECT_H

#include <linux/types.h>

struct chan;
struct chan_blocking;
struct chan_user;
struct chan_wait;

/**
 * struct chan_scase - a case of a select
 * @chan: the channel.
 * @addr: the element, or where to receive it to; NULL discards it.
 * @user: who probably pays for what is sent.
 * @size: bytes to send, or room.
 * @len: out: bytes received.
 * @index: its place among those of the caller, some of which may take no part.
 * @order: the random order in which cases are taken: of the case at that place.
 * @send: whether it sends.
 */
struct chan_scase {
	struct chan *chan;
	void __user *addr;
	struct chan_user *user;
	u32 size;
	u32 len;
	u16 index;
	u16 order;
	bool send;
};

/* So many cases need no memory but stack frames. */
#define CHAN_SMALL_SELECT	8

/* What @index and @order can count. */
#define CHAN_SELECT_MOST	65536

/* The numbers of a linear congruential generator, of which the upper bits are used. */
static inline u32 chan_next_random(u32 *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed;
}

int chan_end_passing(struct chan_wait *wait, int refusal);
int chan_select_this(struct chan_scase *sc);
int chan_select(struct chan_scase *cases, unsigned int n, struct chan_blocking *how,
		struct chan_scase **chosen);

#endif /* CHAN_SELECT_H */
