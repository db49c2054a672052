// SPDX-License-Identifier: GPL-2.0-only
/*
 * Send and receive as a call makes them: attempt, park if it may, and come to an end.
 */
#include <linux/minmax.h>
#include <linux/sched/signal.h>

#include "chan.h"
#include "trace.h"

/* Attempts to copy to memory that is brought in, and evicted again, each time. */
#define CHAN_FAULT_TRIES	16

/* As chan_send_once(), and all who have to know are told. */
int chan_send_attempt(struct chan *c, struct chan_elem *elem, struct chan_blocking *how,
		      struct chan_waiter *w)
{
	struct chan_news news = CHAN_NEWS_INIT(news);
	int ret = chan_send_once(c, elem, how, w, &news);

	chan_tell(c, &news);
	return ret;
}

/**
 * chan_recv_attempt() - receive at once, or else queue; with page faults
 * @c: the channel.
 * @dest: where to; its @len is set.
 * @how: who asks.
 * @w: to be queued if there is nothing to receive yet; or NULL.
 *
 * Under the lock nothing may fault, so a destination that turns out not to be there is
 * brought in, and the receive is tried again.  May sleep.
 *
 * Return: as chan_recv_once(); -EFAULT with @how->own unchanged if nothing was received,
 * otherwise the element is lost.
 */
int chan_recv_attempt(struct chan *c, struct chan_dest *dest, struct chan_blocking *how,
		      struct chan_waiter *w)
{
	int faults, ret;
	u32 len;

	for (faults = 0; faults < CHAN_FAULT_TRIES; faults++) {
		struct chan_news news = CHAN_NEWS_INIT(news);

		ret = chan_recv_once(c, dest, how, w, &news);
		chan_tell(c, &news);
		if (!ret)
			return chan_recv_finish(c, dest);
		if (ret != -EFAULT)
			return ret;
		/* The next attempt may meet another, longer element. */
		len = faults ? min(dest->room, c->ring.elem_size) : dest->len;
		if (chan_dest_fault_in(dest, len))
			return -EFAULT;
	}
	return -EFAULT;
}

/* Sleep; and when nobody completed the wait, leave the queue. */
static int park(struct chan_waiter *w, struct chan_blocking *how)
{
	int ret = chan_park(w->wait, how->until);

	how->parks++;
	if (w->wait->winner == CHAN_ABORTED)
		chan_leave(w, true);
	chan_wait_over(w->wait, ret);
	return ret;
}

/* Out of line, for the frame: most calls need none of it. */
static noinline int send_parked(struct chan *c, struct chan_elem *elem, struct chan_blocking *how)
{
	struct chan_wait wait __uninitialized;
	struct chan_waiter w __uninitialized;
	int ret;

	chan_wait_init(&wait, CHAN_WAIT_SEND, &w, 1);
	chan_waiter_init(&w, &wait, c, true, elem, elem->len);
	ret = chan_send_attempt(c, elem, how, &w);
	return ret == -EAGAIN ? park(&w, how) : ret;
}

/**
 * chan_send() - send an element
 * @c: the channel.
 * @elem: the element.  Owns nothing after success; the caller's to drop if not.
 * @how: whether to block.
 *
 * Go specification, "Send statements".  May sleep if @how allows it.
 *
 * Return: 0, -EAGAIN, -ETIMEDOUT, -ERESTARTSYS, -EPIPE (closed), -EIDRM (removed).
 */
int chan_send(struct chan *c, struct chan_elem *elem, struct chan_blocking *how)
{
	int ret = chan_send_attempt(c, elem, how, NULL);

	if (ret != -EAGAIN)
		return ret;
	ret = chan_may_park(how);
	if (!ret)
		return send_parked(c, elem, how);
	trace_chan_send(c, CHAN_PATH_WOULD_BLOCK, 0);
	return ret;
}

/*
 * The end of a receive, where the element may turn out to be lost.  What was handed to
 * a task that is killed is not: it was delivered.
 */
static int count_lost(struct chan *c, int ret)
{
	if (likely(!ret) || fatal_signal_pending(current))
		return ret;
	spin_lock(&c->lock);
	c->stats.lost++;
	trace_chan_lost(c);
	spin_unlock(&c->lock);
	return ret;
}

/**
 * chan_recv_finish() - the end of a receive that took its element itself
 * @c: the channel.
 * @dest: where to.
 *
 * May sleep.
 *
 * Return: 0, or -EFAULT if the element is lost.
 */
int chan_recv_finish(struct chan *c, struct chan_dest *dest)
{
	return count_lost(c, chan_dest_finish(dest));
}

/**
 * chan_recv_given() - the end of a receive to which somebody gave an element
 * @c: the channel.
 * @dest: where to; its @len is set.
 * @elem: the element; owns nothing afterwards.
 *
 * May sleep.
 *
 * Return: 0, or -EFAULT if the element is lost.
 */
int chan_recv_given(struct chan *c, struct chan_dest *dest, struct chan_elem *elem)
{
	if (c->flags & CHAN_TIMER) {
		ktime_t *time = (ktime_t *)elem->bytes;

		*time = chan_user_time(*time);
	}
	return count_lost(c, chan_dest_put(dest, elem));
}

/* The part of a receive that comes after the entry is queued. */
int chan_recv_parked(struct chan *c, struct chan_dest *dest, struct chan_waiter *w,
		     struct chan_blocking *how)
{
	int ret = park(w, how);

	return ret ?: chan_recv_given(c, dest, w->elem);
}

static noinline int recv_or_park(struct chan *c, struct chan_dest *dest,
				 struct chan_blocking *how)
{
	struct chan_elem elem __uninitialized;
	struct chan_wait wait __uninitialized;
	struct chan_waiter w __uninitialized;
	int ret;

	if (chan_dest_fault_in(dest, min(dest->room, c->ring.elem_size)))
		return -EFAULT;
	chan_wait_init(&wait, CHAN_WAIT_RECV, &w, 1);
	chan_waiter_init(&w, &wait, c, false, dest->elem ?: &elem, dest->room);
	ret = chan_recv_attempt(c, dest, how, &w);
	return ret == -EAGAIN ? chan_recv_parked(c, dest, &w, how) : ret;
}

/**
 * chan_recv() - receive an element
 * @c: the channel.
 * @dest: where to; its @len is set.
 * @how: whether to block.
 *
 * Go specification, "Receive operator".  Nothing after a claim may fail, and under
 * the lock nothing may fault, so the destination is brought in beforehand: as much
 * as the element needs when it is there already, all of it before parking.  May
 * sleep even if @how does not allow to park.
 *
 * Return: 0; or with nothing received -EAGAIN, -ETIMEDOUT, -ERESTARTSYS, -EPIPE
 * (closed and drained), -EIDRM (removed), -EMSGSIZE (the element is longer than the
 * room), -EFAULT.  With -EFAULT the element is lost if, and only if, the destination
 * was writable when the call began to wait or to take the element, and later was not.
 */
int chan_recv(struct chan *c, struct chan_dest *dest, struct chan_blocking *how)
{
	int ret = chan_recv_attempt(c, dest, how, NULL);

	if (ret != -EAGAIN)
		return ret;
	ret = chan_may_park(how);
	if (!ret)
		return recv_or_park(c, dest, how);
	trace_chan_recv(c, CHAN_PATH_WOULD_BLOCK, 0);
	return ret;
}
