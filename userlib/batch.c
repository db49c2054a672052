// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Several elements of fixed size at once.
 */
#include <limits.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

/* Whole elements, and less than the kernel cuts a read or write to. */
#define MOST_BYTES	((size_t)1 << 30)

/* Bytes of an element, or -1. */
static ssize_t fixed_size(int ch)
{
	struct chan_info info = { .size = sizeof(info) };

	if (ioctl(ch, CHAN_IOC_INFO, &info) < 0)
		return -1;
	return info.flags & CHAN_MESSAGE ? fail(EINVAL) : (ssize_t)info.elem_size;
}

static size_t at_most(size_t n, size_t size)
{
	return n < MOST_BYTES / size ? n : MOST_BYTES / size;
}

/* Elements without data cannot be told to write(2). */
static ssize_t send_empty(int ch, size_t n)
{
	size_t done;

	for (done = 0; done < n && done < SSIZE_MAX; done++)
		if (kchan_send_within(ch, NULL, 0))
			return done ? (ssize_t)done : -1;
	return done;
}

/* A write that falls short has met a signal, an error or O_NONBLOCK: leave it at that. */
static ssize_t send_all(int ch, const char *elems, size_t n, size_t size)
{
	size_t done = 0;

	while (done < n) {
		size_t want = at_most(n - done, size);
		ssize_t ret = write(ch, elems + done * size, want * size);

		if (ret < 0)
			return done ? (ssize_t)done : -1;
		done += ret / size;
		if (ret / size < want)
			break;
	}
	return done;
}

KCHAN_API ssize_t kchan_send_n(int ch, const void *elems, size_t n)
{
	ssize_t size = fixed_size(ch);

	begin_blocking();
	if (size < 0)
		return -1;
	return end_blocking(size ? send_all(ch, elems, n, size) : send_empty(ch, n));
}

/* Neither elements without data nor a destination of NULL can be told to read(2). */
static ssize_t recv_nowhere(int ch, size_t n)
{
	int ret = kchan_recv_within(ch, NULL, 0);
	size_t done = 0;

	if (ret <= 0)
		return ret;
	do {
		done++;
	} while (done < n && done < SSIZE_MAX && kchan_try_recv(ch, NULL, 0) > 0);
	return done;
}

KCHAN_API ssize_t kchan_recv_n(int ch, void *elems, size_t n)
{
	ssize_t size = fixed_size(ch);
	ssize_t ret;

	begin_blocking();
	if (size < 0)
		return -1;
	if (!n)
		return fail(EINVAL);
	if (!size || !elems)
		return recv_nowhere(ch, n);
	ret = read(ch, elems, at_most(n, size) * size);
	return ret < 0 ? end_blocking(-1) : ret / size;
}
