/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What can be counted over many channels, and how long calls wait.
 *
 * Totals
 * ------
 * Nothing is counted twice, lest each send pay for it: the totals are the counters of the
 * channels that exist, added up by who asks, and of those that were freed.  They are exact
 * all the same, and never decrease.  A channel dies under the lock of the list of channels,
 * and who adds up visits them in the order of that list, which is that of their numbers:
 *
 *   a dying channel's counters go to          who adds up
 *   --------------------------------          -----------
 *   the dead, always                          starts with the dead
 *   those missed, if its number is above      adds each channel, and before its reference
 *     the cursor of who adds up                 goes sets the cursor to its number
 *                                             adds those missed
 *
 * So each channel counts once, with what it had at some moment between start and end.
 *
 * Waits
 * -----
 * When a park ends, its time goes to a histogram of this processor, and to one of the
 * channel, if that has been told to have any.
 */
#ifndef CHAN_METRICS_H
#define CHAN_METRICS_H

#include <linux/build_bug.h>
#include <linux/types.h>

#include "chan.h"
#include "hist.h"

/* How a wait has ended. */
enum chan_wait_end {
	CHAN_WAIT_READY,	/* with one of its cases, be it that the channel is closed */
	CHAN_WAIT_TIMEOUT,
	CHAN_WAIT_SIGNAL,
	CHAN_WAIT_DEADLOCK,
	CHAN_WAIT_ENDS
};

/* The kinds of waits that are told apart: those of enum chan_wait_reason, selects together. */
#define CHAN_WAIT_KINDS		(CHAN_WAIT_SELECT + 1)

/**
 * struct chan_waits - how long calls have waited at a channel
 * @recv: in its recvq.
 * @send: in its sendq.
 *
 * A wait counts where it ended; one that ended without a case, in each of its queues.
 */
struct chan_waits {
	struct chan_hist recv;
	struct chan_hist send;
};

/* There may be one for each channel: it fits an object of the allocator's. */
static_assert(sizeof(struct chan_waits) <= 512);

/* From object.c. */
struct chan_waits *chan_waits_new(void);
bool chan_waits_wanted(void);
void chan_totals_bury(const struct chan *c);

/* From wait.c. */
void chan_metrics_waited(const struct chan_wait *wait, u64 waited, int result);

/* For those who look. */
int chan_totals(struct chan_stats *sum);
u64 chan_totals_freed(void);
void chan_waits_total(enum chan_wait_reason kind, enum chan_wait_end end,
		      struct chan_hist *sum);
int chan_waits_record(struct chan *c);
bool chan_waits_get(struct chan *c, bool send, struct chan_hist *h);

int chan_metrics_init(void);
void chan_metrics_exit(void);

#endif /* CHAN_METRICS_H */
