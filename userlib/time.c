// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Times, as struct timespec has them and as the kernel wants them.
 */
#include "internal.h"

/* Nanoseconds of @ts: 0 if it is negative, CHAN_FOREVER if it is out of range. */
int kchan_ns(const struct timespec *ts, __u64 *ns)
{
	if (ts->tv_nsec < 0 || ts->tv_nsec >= NSEC_PER_SEC)
		return fail(EINVAL);
	if (ts->tv_sec < 0)
		*ns = 0;
	else if ((__u64)ts->tv_sec < CHAN_FOREVER / NSEC_PER_SEC)
		*ns = (__u64)ts->tv_sec * NSEC_PER_SEC + ts->tv_nsec;
	else
		*ns = CHAN_FOREVER;
	return 0;
}

/* As kchan_ns(), and NULL is for ever. */
int kchan_deadline(const struct timespec *ts, __u64 *ns)
{
	*ns = CHAN_FOREVER;
	return ts ? kchan_ns(ts, ns) : 0;
}

__u64 kchan_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (__u64)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* The time that is @delay from now; not CHAN_FOREVER, which would stop a timer. */
__u64 kchan_from_now(__u64 delay)
{
	__u64 now = kchan_now();

	return delay < CHAN_FOREVER - now ? now + delay : CHAN_FOREVER - 1;
}
