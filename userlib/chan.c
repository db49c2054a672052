// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Channels: make, duplicate, close, len and cap.
 */
#include <assert.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

static_assert(KCHAN_MESSAGE == CHAN_MESSAGE, "flags are passed on");
static_assert(KCHAN_AUTOCLOSE == CHAN_AUTOCLOSE, "flags are passed on");

#define CHANNEL_FLAGS	(KCHAN_MESSAGE | KCHAN_AUTOCLOSE)
#define FD_FLAGS	(KCHAN_NONBLOCK | KCHAN_INHERIT)

/* close(2) on the way out of a failure, which is what errno is to tell. */
int kchan_close_fd(int fd)
{
	int err = errno;

	close(fd);
	errno = err;
	return -1;
}

/*
 * A command to /dev/chanctl, which is opened for each: a descriptor kept for later
 * would be in the way of programs that close all of theirs, and after a close by
 * number it might be another file.  To open it is cheap beside making a channel.
 */
int kchan_control(unsigned int cmd, void *arg)
{
	int fd = open(KCHAN_CONTROL, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return errno == ENOENT ? fail(ENODEV) : -1;
	ret = ioctl(fd, cmd, arg);
	if (ret < 0)
		return kchan_close_fd(fd);
	close(fd);
	return ret;
}

/* More than the struct can say is more than the kernel makes. */
static __u32 to_u32(size_t n)
{
	return n > UINT32_MAX ? UINT32_MAX : n;
}

static __u32 to_fd_flags(unsigned int flags)
{
	return (flags & KCHAN_NONBLOCK ? O_NONBLOCK : 0) |
	       (flags & KCHAN_INHERIT ? 0 : O_CLOEXEC);
}

/* @make holds what concerns the name. */
int kchan_make_as(struct chan_make *make, size_t elem_size, size_t cap, unsigned int flags)
{
	if (flags & ~(CHANNEL_FLAGS | FD_FLAGS))
		return fail(EINVAL);
	make->size = sizeof(*make);
	make->flags |= flags & CHANNEL_FLAGS;
	make->fd_flags = to_fd_flags(flags);
	make->elem_size = to_u32(elem_size);
	make->cap = cap;
	return kchan_control(CHAN_IOC_MAKE, make);
}

KCHAN_API int kchan_make(size_t elem_size, size_t cap, unsigned int flags)
{
	struct chan_make make = {};

	return kchan_make_as(&make, elem_size, cap, flags);
}

KCHAN_API int kchan_dup(int ch, int oflags)
{
	struct chan_dup dup = {
		.size = sizeof(dup),
		.fd_flags = oflags | O_CLOEXEC,
	};

	return ioctl(ch, CHAN_IOC_DUP, &dup);
}

KCHAN_API int kchan_close(int ch)
{
	return ioctl(ch, CHAN_IOC_CLOSE, 0);
}

KCHAN_API ssize_t kchan_len(int ch)
{
	return ioctl(ch, CHAN_IOC_LEN, 0);
}

KCHAN_API ssize_t kchan_cap(int ch)
{
	return ioctl(ch, CHAN_IOC_CAP, 0);
}
