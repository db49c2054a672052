// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Timer channels.
 */
#include <fcntl.h>
#include <sys/ioctl.h>

#include "internal.h"

static int make_timer(__u64 delay, __u64 period)
{
	struct chan_make_timer make = {
		.size = sizeof(make),
		.flags = period ? CHAN_TIMER_TICK : 0,
		.fd_flags = O_CLOEXEC,
		.when = kchan_from_now(delay),
		.period = period,
	};

	return kchan_control(CHAN_IOC_MAKE_TIMER, &make);
}

KCHAN_API int kchan_after(const struct timespec *delay)
{
	__u64 ns;

	return kchan_ns(delay, &ns) ? -1 : make_timer(ns, 0);
}

KCHAN_API int kchan_tick(const struct timespec *period)
{
	__u64 ns;

	if (kchan_ns(period, &ns))
		return -1;
	return ns ? make_timer(ns, ns) : fail(EINVAL);
}

static int set_timer(int ch, __u64 when, __u64 period)
{
	struct chan_set_timer set = { .size = sizeof(set), .when = when, .period = period };

	return ioctl(ch, CHAN_IOC_SET_TIMER, &set);
}

KCHAN_API int kchan_timer_stop(int ch)
{
	return set_timer(ch, CHAN_FOREVER, 0);
}

KCHAN_API int kchan_timer_reset(int ch, const struct timespec *delay)
{
	__u64 ns;

	return kchan_ns(delay, &ns) ? -1 : set_timer(ch, kchan_from_now(ns), ns);
}
