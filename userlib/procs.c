// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * On how many processors goroutines run.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

/* What the process was allowed when it first asked. */
static cpu_set_t all;
static int all_err;

static void find_all(void)
{
	all_err = sched_getaffinity(0, sizeof(all), &all) ? errno : 0;
}

static void take_first(cpu_set_t *some, int n)
{
	int cpu;

	CPU_ZERO(some);
	for (cpu = 0; cpu < CPU_SETSIZE && n > 0; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_SET(cpu, some);
		n--;
	}
}

/* Who has ended meanwhile is no failure. */
static int confine(pid_t tid, const cpu_set_t *set)
{
	return sched_setaffinity(tid, sizeof(*set), set) && errno != ESRCH ? -1 : 0;
}

static int confine_all(const cpu_set_t *set)
{
	struct chan_go_info *infos;
	int n = kchan_list(&infos, 0), ret = 0, i;

	if (n < 0)
		return -1;
	for (i = 0; i < n; i++)
		ret |= confine(infos[i].tid, set);
	free(infos);
	return ret;
}

KCHAN_API int kchan_gomaxprocs(int n)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	cpu_set_t now, set;
	int pass;

	pthread_once(&once, find_all);
	if (all_err)
		return fail(all_err);
	if (sched_getaffinity(0, sizeof(now), &now))
		return -1;
	if (n < 1)
		return CPU_COUNT(&now);
	take_first(&set, n);
	/* All or none: without a domain there is no telling who they are. */
	if (kchan_domain() < 0 || confine(0, &set))
		return -1;
	/* Who was started in the first pass by one that had not been reached is in the second. */
	for (pass = 0; pass < 2; pass++)
		if (confine_all(&set))
			return -1;
	return CPU_COUNT(&now);
}
