/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Histograms, as sysfs shows them.
 */
#ifndef HIST_H
#define HIST_H

#include <stdbool.h>

#define HIST_ROOM	64
#define NSEC_PER_SEC	1000000000ULL

/* Of times in nanoseconds.  The last of the @n buckets has no bound. */
struct hist {
	unsigned int n;
	unsigned long long bound[HIST_ROOM];
	unsigned long long count[HIST_ROOM];
	unsigned long long sum;
};

bool hist_read(const char *dir, const char *name, struct hist *h);
unsigned long long hist_total(const struct hist *h);
double hist_quantile(const struct hist *h, double q, bool *beyond);

#endif /* HIST_H */
