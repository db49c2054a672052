// SPDX-License-Identifier: GPL-2.0-only
/*
 * The channel: what send, receive, close and remove do to its ring and queues.
 * The rules are those of the Go language specification; chan.h has the invariants.
 */
#include <linux/hrtimer.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>

#include "chan.h"

/* Waiters completed in one go when a channel ends, to bound how long it is locked. */
#define CHAN_BATCH		64

/* Attempts to copy to memory that is brought in, and evicted again, each time. */
#define CHAN_FAULT_TRIES	16

/* Park an entry behind those who came before it. */
void chan_enqueue(struct chan_queue *q, struct chan_waiter *w)
{
	list_add_tail(&w->link, &q->list);
	q->n++;
}

/* Take an entry out of its queue, unless somebody who could not claim it has. */
void chan_dequeue(struct chan_queue *q, struct chan_waiter *w)
{
	if (list_empty(&w->link))
		return;
	list_del_init(&w->link);
	q->n--;
}

/*
 * The oldest entry that can be completed, claimed but still queued; NULL if there
 * is none.  Those whose owner has gone elsewhere are dropped on the way.
 */
static struct chan_waiter *claim_oldest(struct chan_queue *q)
{
	struct chan_waiter *w;

	while (!list_empty(&q->list)) {
		w = list_first_entry(&q->list, struct chan_waiter, link);
		if (chan_claim(w))
			return w;
		chan_dequeue(q, w);
	}
	return NULL;
}

static void complete_waiter(struct chan_queue *q, struct chan_waiter *w, int result,
			    struct list_head *ready)
{
	chan_dequeue(q, w);
	chan_claim_commit(w, result, ready);
}

static int send_state(const struct chan *c)
{
	if (likely(!c->state))
		return 0;
	return c->state & CHAN_STATE_REMOVED ? -EIDRM : -EPIPE;
}

/* Give @elem to the oldest receiver it fits; one it does not fit is told so. */
static bool hand_to_receiver(struct chan *c, struct chan_elem *elem, struct list_head *ready)
{
	struct chan_waiter *w;

	while ((w = claim_oldest(&c->recvq))) {
		if (elem->len > w->room) {
			complete_waiter(&c->recvq, w, -EMSGSIZE, ready);
			continue;
		}
		chan_elem_move(w->elem, elem);
		complete_waiter(&c->recvq, w, 0, ready);
		c->stats.receives++;
		c->stats.handoffs++;
		return true;
	}
	return false;
}

/**
 * chan_try_send() - send if that is possible at once
 * @c: the channel, locked.
 * @elem: the element; owns nothing after success.
 * @ready: gets the waiters that this completes.
 *
 * Return: 0, -EAGAIN, -EPIPE (closed), -EIDRM (removed).
 */
int chan_try_send(struct chan *c, struct chan_elem *elem, struct list_head *ready)
{
	int ret = send_state(c);

	lockdep_assert_held(&c->lock);
	if (ret)
		return ret;
	if (!hand_to_receiver(c, elem, ready)) {
		if (c->ring.len == c->ring.cap)
			return -EAGAIN;
		chan_ring_put(&c->ring, elem);
	}
	c->stats.sends++;
	return 0;
}

/* The element of the oldest parked sender takes the slot that became free. */
static void refill(struct chan *c, struct list_head *ready)
{
	struct chan_waiter *w;

	if (c->state)
		return;
	w = claim_oldest(&c->sendq);
	if (!w)
		return;
	chan_ring_put(&c->ring, w->elem);
	complete_waiter(&c->sendq, w, 0, ready);
	c->stats.sends++;
}

static int recv_buffered(struct chan *c, struct chan_dest *dest, struct list_head *ready)
{
	const void *place;
	u32 len;
	int ret;

	place = chan_ring_oldest(&c->ring, &len);
	ret = chan_dest_take(dest, len, place);
	if (ret)
		return ret;
	chan_ring_pop(&c->ring);
	refill(c, ready);
	return 0;
}

static int recv_from_sender(struct chan *c, struct chan_dest *dest, struct list_head *ready)
{
	struct chan_waiter *w = claim_oldest(&c->sendq);
	int ret;

	if (!w)
		return -EAGAIN;
	ret = chan_dest_take(dest, w->elem->len, w->elem->bytes);
	if (ret) {
		chan_claim_cancel(w);
		return ret;
	}
	w->elem->len = 0;
	complete_waiter(&c->sendq, w, 0, ready);
	c->stats.sends++;
	c->stats.handoffs++;
	return 0;
}

/**
 * chan_try_recv() - receive if that is possible at once
 * @c: the channel, locked.
 * @dest: where to.
 * @ready: gets the waiters that this completes.
 *
 * Return: 0, with chan_dest_finish() to follow; or with nothing received -EAGAIN,
 * -EPIPE (closed and drained), -EIDRM (removed), -EMSGSIZE (the oldest element is
 * longer than the room), -EFAULT (see chan_dest_take()).
 */
int chan_try_recv(struct chan *c, struct chan_dest *dest, struct list_head *ready)
{
	int ret;

	lockdep_assert_held(&c->lock);
	if (c->ring.len)
		ret = recv_buffered(c, dest, ready);
	else if (c->state)
		ret = send_state(c);
	else
		ret = recv_from_sender(c, dest, ready);
	if (!ret)
		c->stats.receives++;
	return ret;
}

/*
 * Unlock, wake whom we completed, and tell pollers of @events.  Pollers queue
 * themselves before they look at the channel under its lock, so whom we do not
 * see here will see what we have changed.
 */
static void unlock_and_ready(struct chan *c, struct list_head *ready, __poll_t events)
	__releases(c->lock)
{
	bool polled = events && waitqueue_active(&c->poll); /* see above */

	spin_unlock(&c->lock);
	chan_ready(ready);
	if (polled)
		wake_up_interruptible_poll(&c->poll, events);
}

#define CHAN_POLL_RECV		(EPOLLIN | EPOLLRDNORM)
#define CHAN_POLL_SEND		(EPOLLOUT | EPOLLWRNORM)

/* Whether a call that found nothing may park: 0, or why not. */
static int may_park(const struct chan_blocking *how)
{
	if (how->until == CHAN_NOWAIT)
		return -EAGAIN;
	if (how->until != KTIME_MAX && ktime_get() >= how->until)
		return -ETIMEDOUT;
	return 0;
}

/* Sleep; and when nobody completed the wait, leave the queue. */
static int park(struct chan *c, struct chan_queue *q, struct chan_waiter *w,
		struct chan_blocking *how)
{
	int ret = chan_park(w->wait, how->until);

	how->parks++;
	if (w->wait->winner != CHAN_ABORTED)
		return ret;
	spin_lock(&c->lock);
	chan_dequeue(q, w);
	c->stats.aborts++;
	spin_unlock(&c->lock);
	return ret;
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
	struct chan_wait wait __uninitialized;
	struct chan_waiter w __uninitialized;
	LIST_HEAD(ready);
	int ret;

	spin_lock(&c->lock);
	ret = chan_try_send(c, elem, &ready);
	if (ret != -EAGAIN) {
		unlock_and_ready(c, &ready, !ret && c->ring.len ? CHAN_POLL_RECV : 0);
		return ret;
	}
	ret = may_park(how);
	if (ret) {
		unlock_and_ready(c, &ready, 0);
		return ret;
	}
	chan_wait_init(&wait, CHAN_WAIT_SEND);
	chan_waiter_init(&w, &wait, 0, elem, 0);
	chan_enqueue(&c->sendq, &w);
	c->stats.send_parks++;
	unlock_and_ready(c, &ready, CHAN_POLL_RECV);
	return park(c, &c->sendq, &w, how);
}

/* What pollers have to hear of a receive that has succeeded. */
static __poll_t recv_events(const struct chan *c, const struct list_head *ready)
{
	if (c->state)
		return c->ring.len ? 0 : CHAN_POLL_RECV | EPOLLHUP;
	if (list_empty(ready))
		return CHAN_POLL_SEND;
	/* A sender was let in: into the ring, there is something new to receive. */
	return c->ring.cap ? CHAN_POLL_RECV : 0;
}

/* Receive at once, or else enqueue @w, if there is one. */
static int recv_or_enqueue(struct chan *c, struct chan_dest *dest, struct chan_waiter *w)
{
	LIST_HEAD(ready);
	__poll_t events = 0;
	int ret;

	spin_lock(&c->lock);
	ret = chan_try_recv(c, dest, &ready);
	if (!ret) {
		events = recv_events(c, &ready);
	} else if (ret == -EAGAIN && w) {
		chan_enqueue(&c->recvq, w);
		c->stats.recv_parks++;
		events = CHAN_POLL_SEND;
	}
	unlock_and_ready(c, &ready, events);
	return ret;
}

/*
 * The end of a receive, where the element may turn out to be lost.  What was handed to
 * a task that is killed is not: it was delivered.
 */
static int recv_finish(struct chan *c, int ret)
{
	if (likely(!ret) || fatal_signal_pending(current))
		return ret;
	spin_lock(&c->lock);
	c->stats.lost++;
	spin_unlock(&c->lock);
	return ret;
}

static int recv_parked(struct chan *c, struct chan_dest *dest, struct chan_waiter *w,
		       struct chan_blocking *how)
{
	int ret = park(c, &c->recvq, w, how);

	return ret ?: recv_finish(c, chan_dest_put(dest, w->elem));
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
	struct chan_elem elem __uninitialized;
	struct chan_wait wait __uninitialized;
	struct chan_waiter waiter __uninitialized;
	struct chan_waiter *w = NULL;
	int faults = 0, ret;
	u32 len;

	while (faults < CHAN_FAULT_TRIES) {
		ret = recv_or_enqueue(c, dest, w);
		if (ret == -EAGAIN && w)
			return recv_parked(c, dest, w, how);

		if (ret == -EAGAIN) {
			ret = may_park(how);
			if (ret)
				return ret;
			w = &waiter;
			chan_wait_init(&wait, CHAN_WAIT_RECV);
			chan_waiter_init(w, &wait, 0, dest->elem ?: &elem, dest->room);
			len = min(dest->room, c->ring.elem_size);
		} else if (ret == -EFAULT) {
			/* The next attempt may meet another, longer element. */
			len = faults++ ? min(dest->room, c->ring.elem_size) : dest->len;
		} else {
			return ret ?: recv_finish(c, chan_dest_finish(dest));
		}
		if (chan_dest_fault_in(dest, len))
			return -EFAULT;
	}
	return -EFAULT;
}

/* Complete up to @max waiters of a queue with an error; returns how many. */
static int fail_some(struct chan_queue *q, int result, int max, struct list_head *ready)
{
	struct chan_waiter *w;
	int n;

	for (n = 0; n < max; n++) {
		w = claim_oldest(q);
		if (!w)
			break;
		complete_waiter(q, w, result, ready);
	}
	return n;
}

/* End the waits on a channel whose state keeps new ones from beginning. */
static void fail_waiters(struct chan *c, int result)
{
	bool more = true;

	while (more) {
		LIST_HEAD(ready);
		int n;

		spin_lock(&c->lock);
		n = fail_some(&c->recvq, result, CHAN_BATCH, &ready);
		n += fail_some(&c->sendq, result, CHAN_BATCH - n, &ready);
		more = n == CHAN_BATCH;
		spin_unlock(&c->lock);
		chan_ready(&ready);
		cond_resched();
	}
	wake_up_interruptible_all(&c->poll);
}

/* Whether this was the one to set it. */
static bool set_closed(struct chan *c, u32 why)
{
	lockdep_assert_held(&c->lock);
	if (c->state)
		return false;
	WRITE_ONCE(c->state, CHAN_STATE_CLOSED | why);
	return true;
}

/**
 * chan_close() - say that nothing more will be sent
 * @c: the channel.
 *
 * Go specification, "Close".  What is buffered stays to be received; parked
 * receivers find the channel closed, parked senders get EPIPE.  May sleep.
 *
 * Return: 0, -EPIPE (closed already), -EIDRM (removed).
 */
int chan_close(struct chan *c)
{
	int ret;

	spin_lock(&c->lock);
	ret = send_state(c);
	set_closed(c, 0);
	spin_unlock(&c->lock);
	if (!ret)
		fail_waiters(c, -EPIPE);
	return ret;
}

/**
 * chan_remove() - end a channel with all that is in it
 * @c: the channel.
 *
 * Parked and later calls get EIDRM.  May sleep.
 */
void chan_remove(struct chan *c)
{
	struct chan_ring ring;

	spin_lock(&c->lock);
	WRITE_ONCE(c->state, c->state | CHAN_STATE_REMOVED);
	ring = c->ring;
	c->ring.slots = NULL;
	c->ring.bytes = 0;
	WRITE_ONCE(c->ring.len, 0);
	spin_unlock(&c->lock);

	fail_waiters(c, -EIDRM);
	chan_ring_free(&ring);
	chan_uncharge_bytes(c->user, ring.bytes);
}

/**
 * chan_add_end() - count an open file description as an end of the channel
 * @c: the channel.
 * @mode: FMODE_READ and FMODE_WRITE as far as it may receive and send.
 */
void chan_add_end(struct chan *c, fmode_t mode)
{
	spin_lock(&c->lock);
	c->receivers += !!(mode & FMODE_READ);
	c->senders += !!(mode & FMODE_WRITE);
	spin_unlock(&c->lock);
}

/**
 * chan_drop_end() - an end has gone
 * @c: the channel, which closes if it is AUTOCLOSE and this was the last to send
 *	or the last to receive.
 * @mode: as in chan_add_end().
 */
void chan_drop_end(struct chan *c, fmode_t mode)
{
	bool last_receiver, last_sender, closed = false;

	spin_lock(&c->lock);
	last_receiver = (mode & FMODE_READ) && !--c->receivers;
	last_sender = (mode & FMODE_WRITE) && !--c->senders;
	if ((c->flags & CHAN_AUTOCLOSE) && (last_receiver || last_sender))
		closed = set_closed(c, last_receiver ? CHAN_DESERTED : 0);
	spin_unlock(&c->lock);
	if (closed)
		fail_waiters(c, -EPIPE);
}

/* 0, or -EIDRM for a channel that was removed. */
int chan_gone(struct chan *c)
{
	return READ_ONCE(c->state) & CHAN_STATE_REMOVED ? -EIDRM : 0;
}

/* Elements in the ring, at some moment. */
u32 chan_len(struct chan *c)
{
	return READ_ONCE(c->ring.len);
}

static __poll_t open_events(const struct chan *c)
{
	__poll_t events = 0;

	if (c->ring.len || c->sendq.n)
		events |= CHAN_POLL_RECV;
	if (c->ring.len < c->ring.cap || c->recvq.n)
		events |= CHAN_POLL_SEND;
	return events;
}

/* Both directions are ready, if only to learn that the channel is closed. */
static __poll_t closed_events(const struct chan *c)
{
	__poll_t events = CHAN_POLL_RECV;

	events |= c->ring.len ? CHAN_POLL_SEND : EPOLLHUP;
	return events;
}

/**
 * chan_poll_events() - what a descriptor of this channel is ready for
 * @c: the channel; the caller is on its @poll queue.
 * @mode: what the descriptor may do.
 *
 * A hint: somebody else may be faster.
 *
 * Return: the events.
 */
__poll_t chan_poll_events(struct chan *c, fmode_t mode)
{
	__poll_t events;
	u32 state;

	spin_lock(&c->lock);
	state = c->state;
	events = state ? closed_events(c) : open_events(c);
	spin_unlock(&c->lock);

	if (state & CHAN_STATE_REMOVED)
		return EPOLLHUP | EPOLLERR;
	if (!(mode & FMODE_READ))
		events &= ~CHAN_POLL_RECV;
	if (!(mode & FMODE_WRITE))
		events &= ~CHAN_POLL_SEND;
	else if (state & CHAN_DESERTED)
		events |= EPOLLERR;
	return events;
}
