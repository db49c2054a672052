// SPDX-License-Identifier: GPL-2.0-only
/*
 * Histograms of times.  hist.h says what they are.
 */
#include <linux/bitops.h>
#include <linux/minmax.h>
#include <linux/sysfs.h>

#include "hist.h"

/**
 * chan_hist_bucket() - where a time is counted
 * @ns: the time, in nanoseconds.
 *
 * Return: the first bucket whose bound is not exceeded.
 */
unsigned int chan_hist_bucket(u64 ns)
{
	unsigned int log = ns > 1 ? fls64(ns - 1) : 0;

	return clamp_t(unsigned int, log, CHAN_HIST_FIRST,
		       CHAN_HIST_FIRST + CHAN_HIST_BUCKETS - 1) - CHAN_HIST_FIRST;
}

/* Marked, for chan_hist_merge() reads without a lock where it can. */
void chan_hist_add(struct chan_hist *h, u64 ns)
{
	u64 *count = &h->count[chan_hist_bucket(ns)];

	WRITE_ONCE(*count, *count + 1);
	WRITE_ONCE(h->sum, h->sum + ns);
}

void chan_hist_merge(struct chan_hist *sum, const struct chan_hist *h)
{
	unsigned int i;

	for (i = 0; i < CHAN_HIST_BUCKETS; i++)
		sum->count[i] += READ_ONCE(h->count[i]);
	sum->sum += READ_ONCE(h->sum);
}

/**
 * chan_hist_emit() - write a histogram as sysfs shows it
 * @buf: of a page.
 * @h: the histogram.
 *
 * A line for each bucket with its bound and its count, then the sum.
 *
 * Return: how many bytes.
 */
int chan_hist_emit(char *buf, const struct chan_hist *h)
{
	unsigned int i;
	int len = 0;

	for (i = 0; i < CHAN_HIST_BUCKETS - 1; i++)
		len += sysfs_emit_at(buf, len, "%llu %llu\n", chan_hist_bound(i), h->count[i]);
	len += sysfs_emit_at(buf, len, "+Inf %llu\n", h->count[i]);
	return len + sysfs_emit_at(buf, len, "sum %llu\n", h->sum);
}
