/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Histograms of times.
 *
 * The first bucket counts times up to about a microsecond, each further one up to twice as
 * much as the one before it, and the last one all that are longer than about 9 minutes.
 * So a quantile that is computed from them is off by less than a factor of two, whatever
 * its size.
 */
#ifndef CHAN_HIST_H
#define CHAN_HIST_H

#include <linux/bits.h>
#include <linux/types.h>

#define CHAN_HIST_BUCKETS	31

/* Of the first bucket, in nanoseconds, its logarithm. */
#define CHAN_HIST_FIRST		10

/**
 * struct chan_hist - how often times of which length were seen
 * @count: for each bucket.
 * @sum: of all times, in nanoseconds.
 *
 * Who adds to one excludes others who do.
 */
struct chan_hist {
	u64 count[CHAN_HIST_BUCKETS];
	u64 sum;
};

/* The longest time that a bucket counts, in nanoseconds; the last one has no such bound. */
static inline u64 chan_hist_bound(unsigned int bucket)
{
	return BIT_ULL(CHAN_HIST_FIRST + bucket);
}

unsigned int chan_hist_bucket(u64 ns);
void chan_hist_add(struct chan_hist *h, u64 ns);
void chan_hist_merge(struct chan_hist *sum, const struct chan_hist *h);
int chan_hist_emit(char *buf, const struct chan_hist *h);

#endif /* CHAN_HIST_H */
