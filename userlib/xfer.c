// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One send or receive: waiting, trying, or with a deadline.
 */
#include "command.h"
#include "internal.h"

/* A size that the struct cannot hold is wrong for a send, and ample for a receive. */
static struct chan_xfer xfer(const void *addr, size_t size, __u32 flags)
{
	return (struct chan_xfer){
		.addr = (uintptr_t)addr,
		.size = size > UINT32_MAX ? UINT32_MAX : size,
		.flags = flags,
	};
}

static int send_flags(int ch, const void *elem, size_t size, __u32 flags)
{
	struct chan_xfer x = xfer(elem, size, flags);

	return command(ch, CHAN_IOC_SEND, &x);
}

/* The kernel says the length of what was received plus one. */
static int received(int ret, size_t *len)
{
	if (ret < 0)
		return -1;
	if (len)
		*len = ret ? ret - 1 : 0;
	return ret > 0;
}

static int recv_flags(int ch, void *elem, size_t size, size_t *len, __u32 flags)
{
	struct chan_xfer x = xfer(elem, size, flags);

	return received(command(ch, CHAN_IOC_RECV, &x), len);
}

KCHAN_API int kchan_send(int ch, const void *elem, size_t size)
{
	begin_blocking();
	return end_blocking(send_flags(ch, elem, size, 0));
}

KCHAN_API int kchan_try_send(int ch, const void *elem, size_t size)
{
	return send_flags(ch, elem, size, CHAN_XFER_TRY);
}

KCHAN_API int kchan_send_until(int ch, const void *elem, size_t size,
			       const struct timespec *deadline)
{
	struct chan_xfer_until until = { .xfer = xfer(elem, size, 0) };

	begin_blocking();
	if (kchan_deadline(deadline, &until.deadline))
		return -1;
	return end_blocking(command(ch, CHAN_IOC_SEND_UNTIL, &until));
}

KCHAN_API int kchan_recv_msg(int ch, void *buf, size_t size, size_t *len)
{
	begin_blocking();
	return end_blocking(recv_flags(ch, buf, size, len, 0));
}

KCHAN_API int kchan_try_recv_msg(int ch, void *buf, size_t size, size_t *len)
{
	return recv_flags(ch, buf, size, len, CHAN_XFER_TRY);
}

static int recv_until(int ch, void *buf, size_t size, size_t *len,
		      const struct timespec *deadline)
{
	struct chan_xfer_until until = { .xfer = xfer(buf, size, 0) };

	if (kchan_deadline(deadline, &until.deadline))
		return -1;
	return end_blocking(received(command(ch, CHAN_IOC_RECV_UNTIL, &until), len));
}

KCHAN_API int kchan_recv_msg_until(int ch, void *buf, size_t size, size_t *len,
				   const struct timespec *deadline)
{
	begin_blocking();
	return recv_until(ch, buf, size, len, deadline);
}

KCHAN_API int kchan_recv(int ch, void *elem, size_t size)
{
	begin_blocking();
	return end_blocking(recv_flags(ch, elem, size, NULL, 0));
}

int kchan_recv_within(int ch, void *elem, size_t size)
{
	return end_blocking(recv_flags(ch, elem, size, NULL, 0));
}

KCHAN_API int kchan_try_recv(int ch, void *elem, size_t size)
{
	return recv_flags(ch, elem, size, NULL, CHAN_XFER_TRY);
}

KCHAN_API int kchan_recv_until(int ch, void *elem, size_t size, const struct timespec *deadline)
{
	begin_blocking();
	return recv_until(ch, elem, size, NULL, deadline);
}
