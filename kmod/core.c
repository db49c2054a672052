// SPDX-License-Identifier: GPL-2.0-only
/*
 * The channel: what send, receive, close and remove do to its ring and queues.
 * The rules are those of the Go language specification; chan.h has the invariants.
 * Nothing in this file waits for anybody: xfer.c, select.c and call.c do.
 */
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/sched.h>

#include "chan.h"
#include "timer.h"
#include "trace.h"

/* Waiters completed or dropped in one go, to bound how long a channel is locked. */
#define CHAN_BATCH		64

/* Park an entry behind those who came before it. */
void chan_enqueue(struct chan_waiter *w)
{
	struct chan_queue *q = w->queue;

	if (unlikely(w->chan->timer))
		WRITE_ONCE(w->wait->timed, true);
	list_add_tail(&w->link, w->wait->passing ? &q->passing : &q->list);
	q->n += !w->wait->passing;
	w->chan->entries++;
}

/* Take an entry out of its queue, unless somebody who could not claim it has. */
void chan_dequeue(struct chan_waiter *w)
{
	if (list_empty(&w->link))
		return;
	/* Whoever goes through the queue in steps must not stay on it. */
	if (unlikely(w->chan->cursor == &w->link))
		w->chan->cursor = w->link.next;
	list_del_init(&w->link);
	w->queue->n -= !w->wait->passing;
	w->chan->entries--;
}

/*
 * Claim the wait of @w; and with it that of the caller, if it has one that is queued.
 * 0, -ESTALE: the former has a winner, -ECANCELED: the latter has.
 */
static int claim(struct chan_waiter *w, struct chan_blocking *how)
{
	int ret;

	if (likely(!how->own))
		return chan_claim(w->wait) ? 0 : -ESTALE;
	ret = chan_claim_both(w->wait, how->own->wait);
	if (ret == -ECANCELED) {
		trace_chan_select_lost(how->own->chan);
		how->own = NULL;
	}
	return ret;
}

/*
 * Entries whose owner has gone elsewhere are dropped on the way; -EBUSY if there are many,
 * for which the lock should not be held in one go.
 */
static struct chan_waiter *claim_first(struct list_head *list, struct chan_blocking *how)
{
	struct chan_waiter *w, *next;
	int dropped = 0, ret;

	list_for_each_entry_safe(w, next, list, link) {
		/* A send and a receive of one select do not meet. */
		if (how->own && how->own->wait == w->wait)
			continue;
		ret = claim(w, how);
		if (!ret)
			return w;
		if (ret == -ECANCELED)
			return ERR_PTR(ret);
		trace_chan_select_stale(w);
		chan_dequeue(w);
		if (++dropped == CHAN_BATCH)
			return ERR_PTR(-EBUSY);
	}
	return ERR_PTR(-EAGAIN);
}

/**
 * chan_may_park() - whether a call that found nothing may park
 * @how: how long it may block.
 *
 * Return: 0, or why not: -EAGAIN or -ETIMEDOUT.
 */
int chan_may_park(const struct chan_blocking *how)
{
	if (how->until == CHAN_NOWAIT)
		return -EAGAIN;
	if (how->until != KTIME_MAX && ktime_get() >= how->until)
		return -ETIMEDOUT;
	return 0;
}

/* Whether a call that finds no partner goes away; whoever has an entry has decided that. */
static bool is_passing(const struct chan_blocking *how)
{
	return how->entry ? how->entry->wait->passing : chan_may_park(how);
}

/*
 * The oldest entry that can be completed, claimed but still queued; -EAGAIN if there is
 * none, -ECANCELED if the caller's own wait has been completed, -EBUSY to try again.
 */
static struct chan_waiter *claim_oldest(const struct chan *c, struct chan_queue *q,
					struct chan_blocking *how)
{
	struct chan_waiter *w = claim_first(&q->list, how);

	if (w != ERR_PTR(-EAGAIN) || list_empty(&q->passing))
		return w;
	/* On an unbuffered channel two operations that do not block never meet. */
	if (!c->ring.cap && is_passing(how))
		return w;
	return claim_first(&q->passing, how);
}

static void complete_waiter(struct chan_waiter *w, int result, struct chan_news *news)
{
	chan_dequeue(w);
	chan_claim_commit(w, result);
	list_add_tail(&w->link, &news->ready);
}

static int send_state(const struct chan *c)
{
	if (likely(!c->state))
		return 0;
	return c->state & CHAN_STATE_REMOVED ? -EIDRM : -EPIPE;
}

/* Give @elem to the oldest receiver it fits; one it does not fit is told so. */
static int hand_to_receiver(struct chan *c, struct chan_elem *elem, struct chan_blocking *how,
			    struct chan_news *news)
{
	struct chan_waiter *w;

	for (;;) {
		w = claim_oldest(c, &c->recvq, how);
		if (IS_ERR(w))
			return PTR_ERR(w);
		if (elem->len <= w->room)
			break;
		complete_waiter(w, -EMSGSIZE, news);
	}
	chan_elem_move(w->elem, elem);
	complete_waiter(w, 0, news);
	c->stats.receives++;
	c->stats.handoffs++;
	return 0;
}

/* Why there is nothing more to send to, or to receive. */
static enum chan_path path_of_end(int result)
{
	return result == -EIDRM ? CHAN_PATH_REMOVED : CHAN_PATH_CLOSED;
}

static int try_send(struct chan *c, struct chan_elem *elem, struct chan_blocking *how,
		    struct chan_news *news)
{
	enum chan_path path = CHAN_PATH_DIRECT;
	u32 len = elem->len;
	int ret = send_state(c);

	lockdep_assert_held(&c->lock);
	if (ret) {
		trace_chan_send(c, path_of_end(ret), 0);
		return ret;
	}
	ret = hand_to_receiver(c, elem, how, news);
	if (ret == -EAGAIN && c->ring.len < c->ring.cap) {
		chan_ring_put(&c->ring, elem);
		path = CHAN_PATH_BUFFERED;
		ret = 0;
	}
	if (ret)
		return ret;
	c->stats.sends++;
	trace_chan_send(c, path, len);
	return 0;
}

/* The oldest parked sender, claimed, if there can be one beside what is buffered; or NULL. */
static struct chan_waiter *claim_refill(struct chan *c, struct chan_blocking *how)
{
	struct chan_waiter *w;

	if (c->state || c->ring.len < c->ring.cap)
		return NULL;
	w = claim_oldest(c, &c->sendq, how);
	return w == ERR_PTR(-EAGAIN) ? NULL : w;
}

/* The slot that becomes free goes to the oldest parked sender. */
static int recv_buffered(struct chan *c, struct chan_dest *dest, struct chan_blocking *how,
			 struct chan_news *news)
{
	struct chan_waiter *w = claim_refill(c, how);
	const void *place;
	u32 len;
	int ret;

	if (IS_ERR(w))
		return PTR_ERR(w);
	place = chan_ring_oldest(&c->ring, &len);
	ret = chan_dest_take(dest, len, place);
	if (ret) {
		if (w)
			chan_claim_cancel(w->wait);
		return ret;
	}
	chan_ring_pop(&c->ring);
	if (w) {
		chan_ring_put(&c->ring, w->elem);
		complete_waiter(w, 0, news);
		c->stats.sends++;
	}
	return 0;
}

static int recv_from_sender(struct chan *c, struct chan_dest *dest, struct chan_blocking *how,
			    struct chan_news *news)
{
	struct chan_waiter *w = claim_oldest(c, &c->sendq, how);
	int ret;

	if (IS_ERR(w))
		return PTR_ERR(w);
	ret = chan_dest_take(dest, w->elem->len, w->elem->bytes);
	if (ret) {
		chan_claim_cancel(w->wait);
		return ret;
	}
	w->elem->len = 0;
	complete_waiter(w, 0, news);
	c->stats.sends++;
	c->stats.handoffs++;
	return 0;
}

/*
 * Receive from a timer.  Whoever was there before has been served by chan_settle(), or will
 * be, if it is only now that the timer has become due.
 */
static int recv_time(struct chan *c, struct chan_dest *dest)
{
	u64 time = chan_user_time(c->timer->when);
	int ret;

	if (!list_empty(&c->recvq.list) || !chan_timer_is_due(c->timer))
		return -EAGAIN;
	ret = chan_dest_take(dest, sizeof(time), &time);
	if (ret)
		return ret;
	chan_timer_advance(c->timer);
	c->stats.sends++;
	c->stats.handoffs++;
	return 0;
}

static int recv_end(const struct chan *c)
{
	int ret = send_state(c);

	trace_chan_recv(c, path_of_end(ret), 0);
	return ret;
}

static int try_recv(struct chan *c, struct chan_dest *dest, struct chan_blocking *how,
		    struct chan_news *news)
{
	enum chan_path path = CHAN_PATH_DIRECT;
	int ret;

	lockdep_assert_held(&c->lock);
	if (c->ring.len) {
		path = CHAN_PATH_BUFFERED;
		ret = recv_buffered(c, dest, how, news);
	} else if (c->state) {
		return recv_end(c);
	} else if (c->flags & CHAN_TIMER) {
		ret = recv_time(c, dest);
	} else {
		ret = recv_from_sender(c, dest, how, news);
	}
	if (ret)
		return ret;
	c->stats.receives++;
	trace_chan_recv(c, path, dest->len);
	return 0;
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

static int fire_time(struct chan *c, struct chan_news *news)
{
	struct chan_blocking how = { .until = KTIME_MAX };
	struct chan_elem elem __uninitialized;
	int ret;

	elem.len = sizeof(c->timer->when);
	memcpy(elem.bytes, &c->timer->when, sizeof(c->timer->when));
	ret = hand_to_receiver(c, &elem, &how, news);
	if (ret)
		return ret;
	chan_timer_advance(c->timer);
	c->stats.sends++;
	return 0;
}

/*
 * What is due on a channel with a time.  If it closes the channel, those who are parked see
 * to their end themselves, by chan_fire().
 */
static noinline int settle(struct chan *c, struct chan_news *news)
{
	lockdep_assert_held(&c->lock);
	if (!chan_timer_is_due(c->timer))
		return 0;
	if (!c->timer->closes)
		return fire_time(c, news);
	if (set_closed(c, 0))
		trace_chan_close(c, CHAN_END_TIME, 0);
	return 0;
}

/**
 * chan_lock_settled() - lock a channel and see to it that what is due on it happens first
 * @c: the channel.
 * @news: what chan_tell() has to be told.
 */
void chan_lock_settled(struct chan *c, struct chan_news *news)
	__acquires(c->lock)
{
	spin_lock(&c->lock);
	while (unlikely(c->timer) && settle(c, news) == -EBUSY) {
		spin_unlock(&c->lock);
		cond_resched();
		spin_lock(&c->lock);
	}
}

/*
 * Lock, and claim the caller's own wait if it has one that is queued.  -ECANCELED, locked all
 * the same, if that has been completed.
 */
static int lock_chan(struct chan *c, struct chan_blocking *how, struct chan_news *news)
	__acquires(c->lock)
{
	chan_lock_settled(c, news);
	if (likely(!how->own) || chan_claim(how->own->wait))
		return 0;
	trace_chan_select_lost(c);
	how->own = NULL;
	return -ECANCELED;
}

/*
 * Unlock, after which others are told of the events.  Pollers queue themselves before they
 * look at the channel under its lock, so whom we do not see here will see what we have
 * changed.
 */
static void unlock_chan(struct chan *c, struct chan_news *news)
	__releases(c->lock)
{
	if (news->events && !waitqueue_active(&c->poll)) /* see above */
		news->events = 0;
	spin_unlock(&c->lock);
}

/* The caller's own wait, still claimed after an attempt, has ended with it or goes on. */
static void settle_own(struct chan_blocking *how, int ret)
{
	if (likely(!how->own))
		return;
	if (ret == -EAGAIN || ret == -EFAULT || ret == -EBUSY) {
		chan_claim_cancel(how->own->wait);
		return;
	}
	chan_claim_commit(how->own, ret);
	how->own = NULL;
}

/* Wake whom we have completed, and tell pollers.  No lock of ours is held. */
void chan_tell(struct chan *c, struct chan_news *news)
{
	if (!list_empty(&news->ready))
		chan_ready(&news->ready);
	if (news->events)
		wake_up_interruptible_poll(&c->poll, news->events);
}

/*
 * Queue the entry of a call that found no partner.  @events: what pollers have to hear of one
 * that stays.  Inlined: with its tracepoints the compiler takes it for large.
 */
static __always_inline void enqueue_call(const struct chan_blocking *how, u64 *parks,
					 struct chan_news *news, __poll_t events)
{
	struct chan_waiter *w = how->entry;
	struct chan_wait *wait = w->wait;

	chan_enqueue(w);
	if (wait->passing)
		return;
	if (!wait->parked)
		chan_wait_parked(wait, w->chan, how);
	trace_chan_enqueue(w);
	++*parks;
	news->events = events;
}

static int send_or_queue(struct chan *c, struct chan_elem *elem, struct chan_blocking *how,
			 struct chan_news *news)
{
	int ret;

	ret = lock_chan(c, how, news);
	if (!ret)
		ret = try_send(c, elem, how, news);
	if (!ret && c->ring.len)
		news->events = CHAN_POLL_RECV;
	if (ret == -EAGAIN && how->entry)
		enqueue_call(how, &c->stats.send_parks, news, CHAN_POLL_RECV);
	settle_own(how, ret);
	unlock_chan(c, news);
	return ret;
}

/**
 * chan_send_once() - send at once, or else queue
 * @c: the channel.
 * @elem: the element; owns nothing after success.
 * @how: who asks.
 * @w: to be queued if the send is not possible yet; or NULL.
 * @news: what chan_tell() has to be told.
 *
 * Return: 0, -EAGAIN (@w is queued), -EPIPE (closed), -EIDRM (removed), -ECANCELED (the
 * caller's own wait has been completed).  All but -EAGAIN and -ECANCELED end that wait.
 */
int chan_send_once(struct chan *c, struct chan_elem *elem, struct chan_blocking *how,
		   struct chan_waiter *w, struct chan_news *news)
{
	int ret;

	how->entry = w;
	while (unlikely((ret = send_or_queue(c, elem, how, news)) == -EBUSY))
		cond_resched();
	return ret;
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

static int recv_or_queue(struct chan *c, struct chan_dest *dest, struct chan_blocking *how,
			 struct chan_news *news)
{
	int ret;

	ret = lock_chan(c, how, news);
	if (!ret)
		ret = try_recv(c, dest, how, news);
	if (!ret)
		news->events = recv_events(c, &news->ready);
	if (ret == -EAGAIN && how->entry)
		enqueue_call(how, &c->stats.recv_parks, news, CHAN_POLL_SEND);
	settle_own(how, ret);
	unlock_chan(c, news);
	return ret;
}

/**
 * chan_recv_once() - receive at once, or else queue
 * @c: the channel.
 * @dest: where to.
 * @how: who asks.
 * @w: to be queued if there is nothing to receive yet; or NULL.
 * @news: what chan_tell() has to be told.
 *
 * Return: 0, with chan_recv_finish() to follow; or with nothing received -EAGAIN (@w is
 * queued), -EPIPE (closed and drained), -EIDRM (removed), -EMSGSIZE (the oldest element is
 * longer than the room), -EFAULT (see chan_dest_take()), -ECANCELED (the caller's own wait
 * has been completed).  All but -EAGAIN, -EFAULT and -ECANCELED end that wait.
 */
int chan_recv_once(struct chan *c, struct chan_dest *dest, struct chan_blocking *how,
		   struct chan_waiter *w, struct chan_news *news)
{
	int ret;

	how->entry = w;
	while (unlikely((ret = recv_or_queue(c, dest, how, news)) == -EBUSY))
		cond_resched();
	return ret;
}

/**
 * chan_leave() - leave a queue whose wait has ended otherwise
 * @w: the entry; not the one that was completed.
 * @aborted: whether a signal or a deadline ended the wait.
 */
void chan_leave(struct chan_waiter *w, bool aborted)
{
	struct chan *c = w->chan;

	spin_lock(&c->lock);
	chan_dequeue(w);
	c->stats.aborts += aborted;
	spin_unlock(&c->lock);
}

/* Complete up to @max waiters of a queue with an error; returns @max if there are more. */
static int fail_some(struct chan *c, struct chan_queue *q, int result, int max,
		     struct chan_news *news)
{
	struct chan_blocking how = { .until = KTIME_MAX };
	struct chan_waiter *w;
	int n;

	for (n = 0; n < max; n++) {
		w = claim_oldest(c, q, &how);
		if (w == ERR_PTR(-EBUSY))
			return max;
		if (IS_ERR(w))
			break;
		complete_waiter(w, result, news);
	}
	return n;
}

/* End the waits on a channel whose state keeps new ones from beginning; returns how many. */
static unsigned int fail_waiters(struct chan *c, int result)
{
	unsigned int woken = 0;
	bool more = true;

	while (more) {
		struct chan_news news = CHAN_NEWS_INIT(news);
		int n;

		spin_lock(&c->lock);
		n = fail_some(c, &c->recvq, result, CHAN_BATCH, &news);
		n += fail_some(c, &c->sendq, result, CHAN_BATCH - n, &news);
		more = n == CHAN_BATCH;
		spin_unlock(&c->lock);
		woken += n;
		chan_tell(c, &news);
		cond_resched();
	}
	return woken;
}

/* The state says that the channel has ended: tell everybody. */
static void end(struct chan *c, enum chan_end how)
{
	unsigned int woken = fail_waiters(c, how == CHAN_END_REMOVE ? -EIDRM : -EPIPE);

	trace_chan_close(c, how, woken);
	wake_up_interruptible_all(&c->poll);
}

/**
 * chan_fire() - do what is due on a channel
 * @c: the channel.
 *
 * What its time brings; and if it has ended, who is parked or passing is told at once, as
 * whoever ended it may not have come to that yet.  May sleep.
 */
void chan_fire(struct chan *c)
{
	struct chan_news news = CHAN_NEWS_INIT(news);
	int state;

	chan_lock_settled(c, &news);
	state = send_state(c);
	unlock_chan(c, &news);
	chan_tell(c, &news);
	if (state)
		fail_waiters(c, state);
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
	int ret = 0;

	spin_lock(&c->lock);
	WRITE_ONCE(c->state, chan_state(c));
	ret = send_state(c);
	set_closed(c, 0);
	spin_unlock(&c->lock);
	if (!ret)
		end(c, CHAN_END_CLOSE);
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

	end(c, CHAN_END_REMOVE);
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
	c->recvq.ends += !!(mode & FMODE_READ);
	c->sendq.ends += !!(mode & FMODE_WRITE);
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
	WRITE_ONCE(c->state, chan_state(c));
	last_receiver = (mode & FMODE_READ) && !--c->recvq.ends;
	last_sender = (mode & FMODE_WRITE) && !--c->sendq.ends;
	if ((c->flags & CHAN_AUTOCLOSE) && (last_receiver || last_sender))
		closed = set_closed(c, last_receiver ? CHAN_DESERTED : 0);
	spin_unlock(&c->lock);
	if (closed)
		end(c, CHAN_END_AUTOCLOSE);
}
