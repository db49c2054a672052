// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters of all channels together.
 */
#include <linux/compiler.h>
#include <linux/cpumask.h>

#include "count.h"

DEFINE_PER_CPU(u64, chan_counts[CHAN_COUNTS]);

/* How often it happened, on all processors. */
u64 chan_counted(enum chan_count what)
{
	u64 total = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		total += READ_ONCE(per_cpu(chan_counts[what], cpu));
	return total;
}
