/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is counted of all channels together, from when the module was loaded on, and of none
 * of them alone.
 */
#ifndef CHAN_COUNT_H
#define CHAN_COUNT_H

#include <linux/percpu.h>
#include <linux/types.h>

/**
 * enum chan_count - what is counted
 * @CHAN_GAVE_WAY: calls that gave way (linger.h).
 * @CHAN_GAVE_WAY_HITS: those that somebody completed meanwhile.
 * @CHAN_SPINS: calls that spun.
 * @CHAN_SPIN_HITS: those that somebody completed meanwhile.
 * @CHAN_BUFFERS: buffers of long elements that were allocated (payload.h).
 * @CHAN_ONE_COPIES: elements copied from the sender's memory to the receiver's (pin.h).
 * @CHAN_COUNTS: how many these are.
 */
enum chan_count {
	CHAN_GAVE_WAY,
	CHAN_GAVE_WAY_HITS,
	CHAN_SPINS,
	CHAN_SPIN_HITS,
	CHAN_BUFFERS,
	CHAN_ONE_COPIES,
	CHAN_COUNTS
};

DECLARE_PER_CPU(u64, chan_counts[CHAN_COUNTS]);

static __always_inline void chan_count(enum chan_count what)
{
	this_cpu_inc(chan_counts[what]);
}

u64 chan_counted(enum chan_count what);

#endif /* CHAN_COUNT_H */
