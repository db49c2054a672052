// SPDX-License-Identifier: GPL-2.0-only
/*
 * The channel: what is rare of send and receive (core.h), and how a channel ends.
 * Nothing here waits for anybody: xfer.c, select.c and call.c do.
 */
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/sched.h>

#include "chan.h"
#include "core.h"
#include "timer.h"
#include "trace.h"

/*
 * Claim the wait of @w; and with it that of the caller, if it has one that is queued.
 * 0, -ESTALE: the former has a winner, -ECANCELED: the latter has.
 */
static int claim(struct chan_waiter *w, struct chan_blocking *how)
{
	int ret;

	if (!how->own)
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
static struct chan_waiter *claim_first(struct chan_fifo *list, struct chan_blocking *how)
{
	struct chan_waiter *w;
	struct hlist_node *next;
	int dropped = 0, ret;

	hlist_for_each_entry_safe(w, next, &list->head, link) {
		/* A send and a receive of one select do not meet. */
		if (how->own && how->own->wait == w->wait)
			continue;
		ret = claim(w, how);
		if (!ret)
			return w;
		if (ret == -ECANCELED)
			return ERR_PTR(ret);
		trace_chan_select_stale(w);
		chan_dequeue(w->chan, w->queue, w);
		if (++dropped == CHAN_BATCH)
			return ERR_PTR(-EBUSY);
	}
	return ERR_PTR(-EAGAIN);
}

/* Whether a call that finds no partner goes away; whoever has an entry has decided that. */
static bool is_passing(const struct chan_blocking *how)
{
	return how->entry ? how->entry->wait->passing : chan_may_park(how);
}

/* What chan_claim_oldest() has not done at once. */
struct chan_waiter *chan_claim_some(const struct chan *c, struct chan_queue *q,
				    struct chan_blocking *how)
{
	struct chan_waiter *w = claim_first(&q->list, how);

	if (w != ERR_PTR(-EAGAIN) || chan_fifo_is_empty(&q->passing))
		return w;
	/* On an unbuffered channel two operations that do not block never meet. */
	if (!c->ring.cap && is_passing(how))
		return w;
	return claim_first(&q->passing, how);
}

/*
 * Receive from a timer.  Whoever was there before has been served by settle(), or will
 * be, if it is only now that the timer has become due.
 */
int chan_recv_time(struct chan *c, struct chan_dest *dest)
{
	u64 time = chan_user_time(c->timer->when);
	int ret;

	if (!chan_fifo_is_empty(&c->recvq.list) || !chan_timer_is_due(c->timer))
		return -EAGAIN;
	ret = chan_dest_take(dest, sizeof(time), &time);
	if (ret)
		return ret;
	chan_timer_advance(c->timer);
	c->stats.sends++;
	c->stats.handoffs++;
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
	ret = chan_hand_over(c, &elem, &how, news, true);
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

/*
 * Before another attempt, without the lock: others may have the processor, but not before those
 * are told who have been completed and must not wait for that.
 */
void chan_make_way(struct chan *c, struct chan_news *news)
{
	chan_tell(c, news);
	*news = (struct chan_news)CHAN_NEWS_INIT(*news);
	cond_resched();
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
		chan_make_way(c, news);
		spin_lock(&c->lock);
	}
}

/*
 * Claim the caller's own wait, which is queued elsewhere.  -ECANCELED if that has been
 * completed.
 */
int chan_lock_own(struct chan *c, struct chan_blocking *how)
{
	if (chan_claim(how->own->wait))
		return 0;
	trace_chan_select_lost(c);
	how->own = NULL;
	return -ECANCELED;
}

/* The caller's own wait, still claimed after an attempt, has ended with it or goes on. */
void chan_settle_own(struct chan_blocking *how, int ret)
{
	if (ret == -EAGAIN || ret == -EFAULT || ret == -EBUSY) {
		chan_claim_cancel(how->own->wait);
		return;
	}
	trace_chan_ready(how->own, ret);
	chan_claim_commit(how->own, ret);
	how->own = NULL;
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
	/* Somebody who could not claim it may have taken it out already. */
	if (!hlist_unhashed(&w->link))
		chan_dequeue(c, w->queue, w);
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
		w = chan_claim_oldest(c, q, &how, true);
		if (w == ERR_PTR(-EBUSY))
			return max;
		if (IS_ERR(w))
			break;
		chan_complete(c, q, w, result, news);
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
	state = chan_send_state(c);
	spin_unlock(&c->lock);
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
	ret = chan_send_state(c);
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
	WRITE_ONCE(c->ring.len, 0);
	spin_unlock(&c->lock);

	end(c, CHAN_END_REMOVE);
	chan_uncharge_bytes(c->user, chan_ring_memory(&ring));
	chan_ring_free(&ring);
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
