/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A trace of one event, in an instance of its own: what others trace does not matter.
 */
#ifndef TRACE_TEST_H
#define TRACE_TEST_H

#include "chan_test.h"

#define TRACE_INSTANCE	"/sys/kernel/tracing/instances/chan_test"

static inline bool trace_start(const char *event)
{
	char path[128];

	if (mkdir(TRACE_INSTANCE, 0700) && errno != EEXIST)
		return false;
	snprintf(path, sizeof(path), TRACE_INSTANCE "/events/chan/%s/enable", event);
	return write_text(path, "1") > 0;
}

static inline FILE *trace_open(void)
{
	FILE *f = fopen(TRACE_INSTANCE "/trace", "r");

	if (!f)
		die("no trace: %m");
	return f;
}

static inline void trace_end(void)
{
	write_text(TRACE_INSTANCE "/events/enable", "0");
	must(rmdir(TRACE_INSTANCE));
}

#endif /* TRACE_TEST_H */
