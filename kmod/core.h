/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state machine of a channel: what a send and a receive do to its ring and its queues,
 * under its lock.  chan.h has the invariants, and the rules are those of the Go language
 * specification.
 *
 * All of it is inlined into the few functions of xfer.c, call.c and batch.c that use it, so that a
 * send or a receive is one function when it is compiled: what is common costs no calls, and
 * what is rare is out of line, in core.c.
 *
 * @alone says that the call waits nowhere else, which only a select does: @how->own is NULL.
 */
#ifndef CHAN_CORE_H
#define CHAN_CORE_H

#include <linux/err.h>

#include "chan.h"
#include "g.h"
#include "trace.h"

/* Waiters completed or dropped, or elements moved, in one go: so long a channel is locked. */
#define CHAN_BATCH		64

/* Out of line, in core.c. */
struct chan_waiter *chan_claim_some(const struct chan *c, struct chan_queue *q,
				    struct chan_blocking *how);
int chan_recv_time(struct chan *c, struct chan_dest *dest);
int chan_lock_own(struct chan *c, struct chan_blocking *how) __must_hold(c->lock);
void chan_settle_own(struct chan_blocking *how, int ret);
void chan_make_way(struct chan *c, struct chan_news *news);

/* ---- the queues ---- */

/*
 * Each takes an entry together with its channel and its queue there, which the caller knows
 * in registers.
 */

/* Park an entry behind those who came before it. */
static __always_inline void chan_enqueue(struct chan *c, struct chan_queue *q,
					 struct chan_waiter *w, bool passing)
{
	if (unlikely(c->timer))
		WRITE_ONCE(w->wait->timed, true);
	if (unlikely(passing)) {
		chan_fifo_add(&q->passing, &w->link);
	} else {
		chan_fifo_add(&q->list, &w->link);
		q->n++;
	}
	/* chan_looks_ready() looks without a lock. */
	WRITE_ONCE(c->entries, c->entries + 1);
}

/* Take an entry out of the queue it is in. */
static __always_inline void chan_dequeue(struct chan *c, struct chan_queue *q,
					 struct chan_waiter *w)
{
	/* Whoever goes through the queue in steps must not stay on it. */
	if (unlikely(c->cursor == &w->link))
		c->cursor = w->link.next;
	if (unlikely(w->wait->passing)) {
		chan_fifo_del(&q->passing, &w->link);
	} else {
		chan_fifo_del(&q->list, &w->link);
		q->n--;
	}
	WRITE_ONCE(c->entries, c->entries - 1);
}

/*
 * The oldest entry that can be completed, claimed but still queued; -EAGAIN if there is
 * none, -ECANCELED if the caller's own wait has been completed, -EBUSY to try again.
 */
static __always_inline struct chan_waiter *chan_claim_oldest(const struct chan *c,
							     struct chan_queue *q,
							     struct chan_blocking *how,
							     bool alone)
{
	struct chan_waiter *w = hlist_entry_safe(q->list.head.first, struct chan_waiter, link);

	if (!w) {
		if (likely(chan_fifo_is_empty(&q->passing)))
			return ERR_PTR(-EAGAIN);
	} else if ((alone || !how->own) && likely(chan_claim(w->wait))) {
		return w;
	}
	return chan_claim_some(c, q, how);
}

/* Take a claimed entry out of its queue, and say what its wait has ended with. */
static __always_inline void chan_commit(struct chan *c, struct chan_queue *q,
					struct chan_waiter *w, int result)
{
	chan_dequeue(c, q, w);
	trace_chan_ready(w, result);
	chan_claim_commit(w, result);
}

static __always_inline void chan_complete(struct chan *c, struct chan_queue *q,
					  struct chan_waiter *w, int result,
					  struct chan_news *news)
{
	chan_commit(c, q, w, result);
	w->next = NULL;
	*news->last = w;
	news->last = &w->next;
}

/* Nobody is to be served, woken or told of an end. */
static __always_inline bool chan_is_calm(const struct chan *c)
{
	return !(c->state | c->entries);
}

/* ---- send ---- */

static inline int chan_send_state(const struct chan *c)
{
	if (likely(!c->state))
		return 0;
	return c->state & CHAN_STATE_REMOVED ? -EIDRM : -EPIPE;
}

/* Why there is nothing more to send to, or to receive. */
static inline enum chan_path chan_path_of_end(int result)
{
	return result == -EIDRM ? CHAN_PATH_REMOVED : CHAN_PATH_CLOSED;
}

/*
 * Give @elem to the oldest receiver it fits; one it does not fit is told so.  -EBUSY if there are
 * many of these.
 */
static __always_inline int chan_hand_over(struct chan *c, struct chan_elem *elem,
					  struct chan_blocking *how, struct chan_news *news,
					  bool alone)
{
	struct chan_waiter *w;
	int n = 0;

	for (;;) {
		w = chan_claim_oldest(c, &c->recvq, how, alone);
		if (IS_ERR(w))
			return PTR_ERR(w);
		if (likely(elem->len <= w->room))
			break;
		chan_complete(c, &c->recvq, w, -EMSGSIZE, news);
		if (++n == CHAN_BATCH)
			return -EBUSY;
	}
	chan_elem_move(w->elem, elem);
	chan_complete(c, &c->recvq, w, 0, news);
	c->stats.receives++;
	c->stats.handoffs++;
	return 0;
}

static __always_inline int chan_try_send(struct chan *c, struct chan_elem *elem,
					 struct chan_blocking *how, struct chan_news *news,
					 bool alone)
{
	enum chan_path path = CHAN_PATH_DIRECT;
	u32 len = elem->len;
	int ret = chan_send_state(c);

	lockdep_assert_held(&c->lock);
	if (unlikely(ret)) {
		trace_chan_send(c, chan_path_of_end(ret), 0);
		return ret;
	}
	ret = chan_hand_over(c, elem, how, news, alone);
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

/* ---- receive ---- */

/* The oldest parked sender, claimed, if there can be one beside what is buffered; or NULL. */
static __always_inline struct chan_waiter *chan_claim_refill(struct chan *c,
							     struct chan_blocking *how,
							     bool alone)
{
	struct chan_waiter *w;

	if (c->state || c->ring.len < c->ring.cap)
		return NULL;
	w = chan_claim_oldest(c, &c->sendq, how, alone);
	return w == ERR_PTR(-EAGAIN) ? NULL : w;
}

/* The slot that becomes free goes to the oldest parked sender. */
static __always_inline int chan_recv_buffered(struct chan *c, struct chan_dest *dest,
					      struct chan_blocking *how,
					      struct chan_news *news, bool alone)
{
	struct chan_waiter *w = chan_claim_refill(c, how, alone);
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
	if (!w) {
		chan_ring_pop(&c->ring);
		return 0;
	}
	chan_ring_replace(&c->ring, w->elem);
	chan_complete(c, &c->sendq, w, 0, news);
	c->stats.sends++;
	return 0;
}

static __always_inline int chan_recv_from_sender(struct chan *c, struct chan_dest *dest,
						 struct chan_blocking *how,
						 struct chan_news *news, bool alone)
{
	struct chan_waiter *w = chan_claim_oldest(c, &c->sendq, how, alone);
	int ret;

	if (IS_ERR(w))
		return PTR_ERR(w);
	ret = chan_dest_take(dest, w->elem->len, w->elem->bytes);
	if (unlikely(ret)) {
		chan_claim_cancel(w->wait);
		return ret;
	}
	w->elem->len = 0;
	chan_complete(c, &c->sendq, w, 0, news);
	c->stats.sends++;
	c->stats.handoffs++;
	return 0;
}

static inline int chan_recv_end(const struct chan *c)
{
	int ret = chan_send_state(c);

	trace_chan_recv(c, chan_path_of_end(ret), 0);
	return ret;
}

static __always_inline int chan_try_recv(struct chan *c, struct chan_dest *dest,
					 struct chan_blocking *how, struct chan_news *news,
					 bool alone)
{
	enum chan_path path = CHAN_PATH_DIRECT;
	int ret;

	lockdep_assert_held(&c->lock);
	if (c->ring.len) {
		path = CHAN_PATH_BUFFERED;
		ret = chan_recv_buffered(c, dest, how, news, alone);
	} else if (unlikely(c->state)) {
		return chan_recv_end(c);
	} else if (unlikely(c->flags & CHAN_TIMER)) {
		ret = chan_recv_time(c, dest);
	} else {
		ret = chan_recv_from_sender(c, dest, how, news, alone);
	}
	if (ret)
		return ret;
	c->stats.receives++;
	trace_chan_recv(c, path, dest->len);
	return 0;
}

/* ---- or else queue ---- */

static __always_inline int chan_lock(struct chan *c, struct chan_blocking *how,
				     struct chan_news *news, bool alone)
	__acquires(c->lock)
{
	if (unlikely(c->timer))
		chan_lock_settled(c, news);
	else
		spin_lock(&c->lock);
	return alone || likely(!how->own) ? 0 : chan_lock_own(c, how);
}

/**
 * chan_wait_parked() - a wait begins
 * @wait: the wait; not a passing one.
 * @c: the channel in whose queue its first entry is, locked; NULL if it has none.
 * @how: the call, which lasts as long as the wait.
 *
 * Whoever finds an entry of it finds it parked.
 */
static __always_inline void chan_wait_parked(struct chan_wait *wait, const struct chan *c,
					     const struct chan_blocking *how)
{
	wait->parked = true;
	wait->how = how;
	if (chan_has_goroutines() || trace_chan_park_enabled() || trace_chan_ready_enabled() ||
	    trace_chan_abort_enabled())
		__chan_wait_parked(wait, c);
}

/*
 * Queue the entry of a call that found no partner.  @events: what pollers have to hear of one
 * that stays.
 */
static __always_inline void chan_enqueue_call(struct chan *c, struct chan_queue *q,
					      const struct chan_blocking *how, u64 *parks,
					      struct chan_news *news, __poll_t events,
					      bool alone)
{
	struct chan_waiter *w = how->entry;
	struct chan_wait *wait = w->wait;
	bool passing = !alone && wait->passing;

	chan_enqueue(c, q, w, passing);
	if (unlikely(passing))
		return;
	if (alone || likely(!wait->parked))
		chan_wait_parked(wait, c, how);
	if (unlikely(READ_ONCE(c->waits)))
		chan_start_clock(wait);
	/* Asked here, as gcc may make a function of the event. */
	if (trace_chan_enqueue_enabled())
		trace_chan_enqueue(w);
	++*parks;
	news->events = events;
}

/*
 * Who polls queues itself before it looks at the channel under its lock, so whom we do not
 * see here will see what we have changed.
 */
static inline bool chan_is_polled(struct chan *c)
{
	lockdep_assert_held(&c->lock);
	return unlikely(waitqueue_active(&c->poll)); /* see above */
}

static __always_inline int chan_send_or_queue(struct chan *c, struct chan_elem *elem,
					      struct chan_blocking *how,
					      struct chan_news *news, bool alone)
{
	int ret = chan_lock(c, how, news, alone);

	if (!ret)
		ret = chan_try_send(c, elem, how, news, alone);
	if (!ret && c->ring.len)
		news->events = CHAN_POLL_RECV;
	if (ret == -EAGAIN && how->entry)
		chan_enqueue_call(c, &c->sendq, how, &c->stats.send_parks, news,
				  CHAN_POLL_RECV, alone);
	if (!alone && unlikely(how->own))
		chan_settle_own(how, ret);
	if (!chan_is_polled(c))
		news->events = 0;
	spin_unlock(&c->lock);
	return ret;
}

/* What pollers have to hear of a receive that has succeeded. */
static inline __poll_t chan_recv_events(const struct chan *c, const struct chan_news *news)
{
	if (c->state)
		return c->ring.len ? 0 : CHAN_POLL_RECV | EPOLLHUP;
	if (!news->ready)
		return CHAN_POLL_SEND;
	/* A sender was let in: into the ring, there is something new to receive. */
	return c->ring.cap ? CHAN_POLL_RECV : 0;
}

static __always_inline int chan_recv_or_queue(struct chan *c, struct chan_dest *dest,
					      struct chan_blocking *how,
					      struct chan_news *news, bool alone)
{
	int ret = chan_lock(c, how, news, alone);

	if (!ret)
		ret = chan_try_recv(c, dest, how, news, alone);
	if (ret == -EAGAIN && how->entry)
		chan_enqueue_call(c, &c->recvq, how, &c->stats.recv_parks, news,
				  CHAN_POLL_SEND, alone);
	if (!alone && unlikely(how->own))
		chan_settle_own(how, ret);
	if (!chan_is_polled(c))
		news->events = 0;
	else if (!ret)
		news->events = chan_recv_events(c, news);
	spin_unlock(&c->lock);
	return ret;
}

/* When this returns the wait's memory may have vanished: see chan_await(). */
static __always_inline void chan_finish(struct chan_wait *wait, bool here)
{
	if (unlikely(wait->g))
		chan_g_ready(wait->g, true);
	if (unlikely(task_cpu(wait->task) != raw_smp_processor_id()))
		wait->elsewhere = true;
	if (unlikely(cmpxchg(&wait->progress, CHAN_AWAKE, CHAN_DONE) == CHAN_ASLEEP))
		chan_finish_asleep(wait, here);
}

/**
 * chan_ready() - wake who was completed, in the order of completion
 * @ready: entries after chan_claim_commit(), linked by their @next; not NULL.
 * @here: the current task is about to block, so its processor is at their disposal.
 *
 * No lock of ours is held.
 */
static __always_inline void chan_ready(struct chan_waiter *ready, bool here)
{
	struct chan_waiter *next;

	do {
		next = ready->next;
		chan_finish(ready->wait, here);
		ready = next;
	} while (unlikely(ready));
}

/* Wake whom we have completed, and tell pollers.  No lock of ours is held. */
static __always_inline void chan_tell(struct chan *c, struct chan_news *news)
{
	if (news->ready)
		chan_ready(news->ready, news->here);
	if (unlikely(news->events))
		wake_up_interruptible_poll(&c->poll, news->events);
}

/**
 * chan_send_once() - send at once, or else queue
 * @c: the channel.
 * @elem: the element; owns nothing after success.
 * @how: who asks.
 * @w: to be queued if the send is not possible yet; or NULL.
 * @news: what chan_tell() has to be told.
 * @alone: see above.
 *
 * Return: 0, -EAGAIN (@w is queued), -EPIPE (closed), -EIDRM (removed), -ECANCELED (the
 * caller's own wait has been completed).  All but -EAGAIN and -ECANCELED end that wait.
 */
static __always_inline int chan_send_once(struct chan *c, struct chan_elem *elem,
					  struct chan_blocking *how, struct chan_waiter *w,
					  struct chan_news *news, bool alone)
{
	int ret;

	how->entry = w;
	while (unlikely((ret = chan_send_or_queue(c, elem, how, news, alone)) == -EBUSY))
		chan_make_way(c, news);
	return ret;
}

/**
 * chan_recv_once() - receive at once, or else queue
 * @c: the channel.
 * @dest: where to.
 * @how: who asks.
 * @w: to be queued if there is nothing to receive yet; or NULL.
 * @news: what chan_tell() has to be told.
 * @alone: see above.
 *
 * Return: 0, with chan_recv_finish() to follow; or with nothing received -EAGAIN (@w is
 * queued), -EPIPE (closed and drained), -EIDRM (removed), -EMSGSIZE (the oldest element is
 * longer than the room), -EFAULT (see chan_dest_take()), -ECANCELED (the caller's own wait
 * has been completed).  All but -EAGAIN, -EFAULT and -ECANCELED end that wait.
 */
static __always_inline int chan_recv_once(struct chan *c, struct chan_dest *dest,
					  struct chan_blocking *how, struct chan_waiter *w,
					  struct chan_news *news, bool alone)
{
	int ret;

	how->entry = w;
	while (unlikely((ret = chan_recv_or_queue(c, dest, how, news, alone)) == -EBUSY))
		chan_make_way(c, news);
	return ret;
}

#endif /* CHAN_CORE_H */
