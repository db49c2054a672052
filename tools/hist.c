// SPDX-License-Identifier: GPL-2.0-only
/*
 * Histograms, as sysfs shows them.
 */
#include <stdio.h>
#include <string.h>

#include "explain.h"
#include "hist.h"

/* Lines of a bound and a count; the bound of the last bucket is +Inf; then the sum. */
static bool parse(FILE *f, struct hist *h)
{
	unsigned long long n;
	char word[32];

	h->n = 0;
	while (fscanf(f, "%31s %llu", word, &n) == 2) {
		if (!strcmp(word, "sum")) {
			h->sum = n;
			return h->n && !h->bound[h->n - 1];
		}
		if (h->n == HIST_ROOM)
			return false;
		h->count[h->n] = n;
		h->bound[h->n] = 0;
		if (strcmp(word, "+Inf") && sscanf(word, "%llu", &h->bound[h->n]) != 1)
			return false;
		h->n++;
	}
	return false;
}

/* Returns false with @n 0 if there is none, because it is not recorded or has gone. */
bool hist_read(const char *dir, const char *name, struct hist *h)
{
	char path[PATH_ROOM];
	bool ok;
	FILE *f;

	h->n = 0;
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return false;
	f = fopen(path, "re");
	if (!f)
		return false;
	ok = parse(f, h);
	fclose(f);
	if (!ok)
		h->n = 0;
	return ok;
}

unsigned long long hist_total(const struct hist *h)
{
	unsigned long long total = 0;
	unsigned int i;

	for (i = 0; i < h->n; i++)
		total += h->count[i];
	return total;
}

/*
 * In nanoseconds, with the times of a bucket spread evenly over it, as histogram_quantile()
 * of Prometheus does.  @beyond: it is in the last bucket, so longer than what is returned.
 */
double hist_quantile(const struct hist *h, double q, bool *beyond)
{
	double rank = q * hist_total(h), below = 0;
	unsigned long long lower;
	unsigned int i;

	for (i = 0; i < h->n - 1 && below + h->count[i] < rank; i++)
		below += h->count[i];
	lower = i ? h->bound[i - 1] : 0;
	*beyond = i == h->n - 1;
	if (*beyond)
		return lower;
	return lower + (h->bound[i] - lower) * (rank - below) / h->count[i];
}
