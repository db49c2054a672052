// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Several elements of fixed size at once.
 */
#include <limits.h>

#include "command.h"
#include "internal.h"

/* A call of the kernel moves no more than it can return. */
static size_t at_most(size_t n)
{
	return n < INT_MAX ? n : INT_MAX;
}

static ssize_t move(int ch, unsigned int cmd, const void *elems, size_t n)
{
	struct chan_batch batch = {
		.size = sizeof(batch), .elems = (uintptr_t)elems, .n = n,
	};

	return command(ch, cmd, &batch);
}

/* What does not fit in one call of the kernel. */
static ssize_t send_more(int ch, const char *elems, size_t n)
{
	int size = command(ch, CHAN_IOC_ELEM_SIZE, NULL);
	size_t done = 0;

	if (size < 0)
		return -1;
	while (done < n && done < SSIZE_MAX) {
		size_t want = at_most(n - done);
		ssize_t ret = move(ch, CHAN_IOC_SEND_N, elems + done * size, want);

		if (ret < 0)
			return done ? (ssize_t)done : -1;
		done += ret;
		/* It has met a signal, an error or O_NONBLOCK: leave it at that. */
		if ((size_t)ret < want)
			break;
	}
	return done;
}

KCHAN_API ssize_t kchan_send_n(int ch, const void *elems, size_t n)
{
	begin_blocking();
	return end_blocking(n <= INT_MAX ? move(ch, CHAN_IOC_SEND_N, elems, n) :
					   send_more(ch, elems, n));
}

KCHAN_API ssize_t kchan_recv_n(int ch, void *elems, size_t n)
{
	begin_blocking();
	return end_blocking(move(ch, CHAN_IOC_RECV_N, elems, at_most(n)));
}
