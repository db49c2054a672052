// SPDX-License-Identifier: GPL-2.0-only
/*
 * A request and its reply: send, then receive, as one call.
 *
 * The receive is queued when the request is sent, and before its receiver wakes.  So
 * whoever got the request finds somebody who waits for the reply, and a round trip costs a
 * switch there and a switch back.
 */
#include <linux/minmax.h>

#include "chan.h"
#include "trace.h"

/* Park for the reply before the receiver of the request is told. */
static noinline int recv_then_tell(struct chan *out, struct chan_news *request,
				   struct chan *in, struct chan_dest *dest,
				   struct chan_blocking *how)
{
	struct chan_elem elem __uninitialized;
	struct chan_wait wait __uninitialized;
	struct chan_waiter w __uninitialized;
	struct chan_news reply = CHAN_NEWS_INIT(reply);
	int refusal = chan_may_park(how);
	int ret;

	chan_wait_init(&wait, CHAN_WAIT_RECV, &w, 1);
	chan_waiter_init(&w, &wait, in, false, &elem, dest->room);
	ret = chan_recv_once(in, dest, how, refusal ? NULL : &w, &reply);
	chan_tell(out, request);
	chan_tell(in, &reply);
	switch (ret) {
	case -EAGAIN:
		if (!refusal)
			return chan_recv_parked(in, dest, &w, how);
		trace_chan_recv(in, CHAN_PATH_WOULD_BLOCK, 0);
		return refusal;
	case -EFAULT:
		/* There is a reply, and a page of its room has gone again. */
		return chan_recv(in, dest, how);
	case 0:
		return chan_recv_finish(in, dest);
	default:
		return ret;
	}
}

/**
 * chan_call() - send a request, then receive the reply
 * @out: where to send.
 * @elem: the request.  Owns nothing once it is sent; the caller's to drop if not.
 * @in: where to receive, another channel.
 * @dest: where the reply goes; its @len is set.
 * @how: whether to block, in both halves.
 * @sent: set once the request is sent.
 *
 * May sleep.
 *
 * Return: an errno of chan_send() with @sent false, or what chan_recv() returns with it
 * true.
 */
int chan_call(struct chan *out, struct chan_elem *elem, struct chan *in,
	      struct chan_dest *dest, struct chan_blocking *how, bool *sent)
{
	struct chan_news request = CHAN_NEWS_INIT(request);
	int ret;

	if (chan_dest_fault_in(dest, min(dest->room, in->ring.elem_size)))
		return -EFAULT;

	ret = chan_send_once(out, elem, how, NULL, &request);
	if (!ret) {
		*sent = true;
		return recv_then_tell(out, &request, in, dest, how);
	}
	chan_tell(out, &request);
	if (ret == -EAGAIN)
		ret = chan_send(out, elem, how);
	if (ret)
		return ret;
	*sent = true;
	/* That may have been long ago. */
	dest->writable = 0;
	return chan_recv(in, dest, how);
}
