/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The end of a call whose entry is queued, and of a receive in particular; inlined as core.h.
 */
#ifndef CHAN_PARK_H
#define CHAN_PARK_H

#include <linux/sched.h>
#include <linux/sched/stat.h>

#include "chan.h"
#include "compat.h"
#include "count.h"
#include "linger.h"
#include "trace.h"

/* ---- giving way: see linger.h ---- */

/* From the first entry of a wait, NULL if it has none. */
static inline bool chan_may_linger(const struct chan_waiter *first)
{
	return likely(first && current->policy == SCHED_NORMAL);
}

/* Whether this is one of those that a miss has been for. */
static __always_inline bool chan_is_skipped(struct chan_habit *habit)
{
	if (likely(!READ_ONCE(habit->skip)))
		return false;
	WRITE_ONCE(habit->skip, false);
	return true;
}

/* To be picked again more often than this costs more than to sleep. */
#define CHAN_GIVE_WAY_TRIES	6

/*
 * The scheduler may be of the opinion that this task, which has run less than its partner, is
 * to go on.  To insist makes up for a small difference, and is cheaper than to sleep; but not
 * where it has just been in vain.
 */
static __always_inline void chan_let_others_run(bool insist)
{
	unsigned long switches = READ_ONCE(current->nivcsw);
	int tries = insist ? CHAN_GIVE_WAY_TRIES : 1;

	do
		schedule();
	while (--tries && READ_ONCE(current->nivcsw) == switches);
}

/**
 * chan_give_way() - let others run, one of whom may complete a wait
 * @wait: the wait of the current task, whose entries are queued.
 * @first: the first of them, or NULL.
 *
 * Return: whether it has been completed.
 */
static __always_inline bool chan_give_way(struct chan_wait *wait,
					  const struct chan_waiter *first)
{
	struct chan_habit *habit;
	bool done;

	if (!READ_ONCE(chan_gives_way) || !chan_may_linger(first) || single_task_running())
		return false;
	habit = &first->queue->habit;
	/* Who sends has often been woken by its receiver, and keeps it from coming. */
	if (!chan_sends(first) && chan_is_skipped(habit))
		return false;
	chan_let_others_run(!READ_ONCE(habit->misses));
	done = chan_wait_is_done(wait);
	chan_count(CHAN_GAVE_WAY);
	if (likely(done && !wait->elsewhere)) {
		chan_count(CHAN_GAVE_WAY_HITS);
		WRITE_ONCE(habit->misses, 0);
	} else {
		chan_gave_way_in_vain(habit);
	}
	trace_chan_give_way(wait, done);
	return done;
}

/* ---- parking ---- */

/**
 * chan_park() - sleep until somebody completes the wait
 * @wait: the wait, whose entries are queued.
 * @first: the first of them, or NULL.
 * @until: CLOCK_MONOTONIC deadline, or KTIME_MAX.
 *
 * A signal or a deadline counts only if the wait has no winner yet.  In that case
 * @wait->winner is CHAN_ABORTED and the caller has to unqueue its entries.
 *
 * Return: the completer's result, -ERESTARTSYS (a restart is harmless, because
 * deadlines are absolute), -ETIMEDOUT or -EDEADLK.  May sleep.
 */
static __always_inline int chan_park(struct chan_wait *wait, const struct chan_waiter *first,
				     ktime_t until)
{
	/* For stuck.c. */
	smp_store_release(&wait->queued, true);
	return chan_give_way(wait, first) ? wait->result : __chan_park(wait, until);
}

/**
 * chan_wait_over() - a wait has ended
 * @wait: the wait, not to be found in any queue but perhaps as the winner.
 * @result: what the call is told.
 */
static __always_inline void chan_wait_over(const struct chan_wait *wait, int result)
{
	if (wait->since || trace_chan_send_enabled() || trace_chan_recv_enabled() ||
	    trace_chan_abort_enabled())
		__chan_wait_over(wait, result);
}

/* Sleep; and when nobody completed the wait, leave the queue. */
static __always_inline int chan_park_single(struct chan_single *s, struct chan_blocking *how)
{
	int ret = chan_park(&s->wait, &s->w, how->until);

	how->parks++;
	if (s->wait.winner == CHAN_ABORTED)
		chan_leave(&s->w, true);
	chan_wait_over(&s->wait, ret);
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
static __always_inline int chan_recv_finish(struct chan *c, struct chan_dest *dest)
{
	int ret = chan_dest_finish(dest);

	return likely(!ret) ? 0 : chan_count_lost(c, ret);
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
static __always_inline int chan_recv_given(struct chan *c, struct chan_dest *dest,
					   struct chan_elem *elem)
{
	ktime_t *time = (ktime_t *)elem->bytes;
	int ret;

	if (unlikely(c->flags & CHAN_TIMER))
		*time = chan_user_time(*time);
	ret = chan_dest_put(dest, elem);
	return likely(!ret) ? 0 : chan_count_lost(c, ret);
}

/* The part of a receive that comes after the entry is queued. */
static __always_inline int chan_recv_parked(struct chan *c, struct chan_dest *dest,
					    struct chan_single *s, struct chan_blocking *how)
{
	int ret = chan_park_single(s, how);

	return ret ?: chan_recv_given(c, dest, s->w.elem);
}

#endif /* CHAN_PARK_H */
