// SPDX-License-Identifier: GPL-2.0-only
/*
 * Channels with a time.  timer.h says how it works; what firing does is in core.c.
 */
#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>

#include "chan.h"
#include "core.h"
#include "compat.h"
#include "timer.h"

/* Receivers looked at in one go when a timer is set, to bound how long it is locked. */
#define CHAN_KICKS	64

/* In an interrupt: no lock of ours is taken. */
static enum hrtimer_restart wake_pollers(struct hrtimer *hrtimer)
{
	struct chan_timer *t = container_of(hrtimer, struct chan_timer, poll);

	wake_up_interruptible_poll(&t->chan->poll, t->closes ? CHAN_POLL_RECV | CHAN_POLL_SEND |
				   EPOLLHUP : CHAN_POLL_RECV);
	return HRTIMER_NORESTART;
}

/**
 * chan_timer_add() - give a new channel a time
 * @c: the channel, which nobody can use yet.
 * @when: CLOCK_MONOTONIC, or CHAN_STOPPED.
 * @period: of a ticker, or CHAN_ONCE.
 * @closes: whether the channel closes then; otherwise it yields the time.
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int chan_timer_add(struct chan *c, ktime_t when, ktime_t period, bool closes)
{
	struct chan_timer *t = kzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);

	if (!t)
		return -ENOMEM;
	t->when = when;
	t->period = period;
	t->ticks = period != CHAN_ONCE;
	t->closes = closes;
	t->chan = c;
	chan_hrtimer_setup(&t->poll, wake_pollers);
	/* What is due comes first: there is no short way. */
	c->ring.word = CHAN_NO_WORD;
	/* It is in the list of channels, where it can be looked at. */
	smp_store_release(&c->timer, t);
	return 0;
}

/* May sleep. */
void chan_timer_free(struct chan_timer *t)
{
	if (!t)
		return;
	hrtimer_cancel(&t->poll);
	kfree(t);
}

bool chan_timer_is_due(const struct chan_timer *t)
{
	return t->when != CHAN_STOPPED && ktime_get() >= t->when;
}

/* See to it that pollers hear of the next time. */
void chan_timer_arm(struct chan_timer *t)
{
	lockdep_assert_held(&t->chan->lock);
	if (t->when == CHAN_STOPPED)
		return;
	if (hrtimer_is_queued(&t->poll) && hrtimer_get_expires(&t->poll) == t->when)
		return;
	hrtimer_start(&t->poll, t->when, HRTIMER_MODE_ABS);
}

/* Who begins to poll after this looks at the channel under its lock, and arms it then. */
static void arm_if_polled(struct chan_timer *t)
{
	if (waitqueue_active(&t->chan->poll)) /* see above */
		chan_timer_arm(t);
}

static ktime_t next_tick(const struct chan_timer *t)
{
	u64 missed = div64_u64(ktime_get() - t->when, t->period);

	ktime_t last = t->when + missed * t->period;

	return t->period < CHAN_LAST_TIME - last ? last + t->period : CHAN_LAST_TIME;
}

/**
 * chan_timer_advance() - the time that is due has been received
 * @t: the timer, its channel locked.
 *
 * The ticks that were missed meanwhile are dropped; the next one is in phase.
 */
void chan_timer_advance(struct chan_timer *t)
{
	lockdep_assert_held(&t->chan->lock);
	t->when = t->ticks ? next_tick(t) : CHAN_STOPPED;
	arm_if_polled(t);
}

/*
 * Tasks, counted, among the next entries, of which there are @left at most.  Who is kicked
 * already has yet to look.
 */
static int collect_parked(struct chan *c, struct task_struct **tasks, unsigned int *left)
{
	int looks, n = 0;

	lockdep_assert_held(&c->lock);
	for (looks = 0; looks < CHAN_KICKS && c->cursor && *left; looks++, --*left) {
		struct chan_wait *wait = hlist_entry(c->cursor, struct chan_waiter, link)->wait;

		c->cursor = c->cursor->next;
		if (READ_ONCE(wait->kicked))
			continue;
		WRITE_ONCE(wait->kicked, true);
		tasks[n++] = get_task_struct(wait->task);
	}
	return n;
}

/*
 * Others who set it go back to the first entry.  Each has as many entries to look at as there
 * were then, so the last of them gets to the end, whatever the others do; who comes later looks
 * at the time himself.
 */
static void kick_parked(struct chan *c, unsigned int left)
{
	struct task_struct *tasks[CHAN_KICKS];
	bool more;
	int i, n;

	do {
		spin_lock(&c->lock);
		n = collect_parked(c, tasks, &left);
		more = c->cursor && left;
		spin_unlock(&c->lock);
		for (i = 0; i < n; i++) {
			wake_up_process(tasks[i]);
			put_task_struct(tasks[i]);
		}
		cond_resched();
	} while (more);
}

/**
 * chan_timer_set() - stop a timer or set it anew
 * @c: its channel.
 * @when: CLOCK_MONOTONIC, or CHAN_STOPPED.
 * @period: of a ticker, from now on.  Not looked at for another timer.
 *
 * May sleep.
 *
 * Return: 1 if the timer was active, 0 if not; -EINVAL (no timer that can be set, or a
 * ticker without a period).
 */
int chan_timer_set(struct chan *c, ktime_t when, ktime_t period)
{
	struct chan_news news = CHAN_NEWS_INIT(news);
	struct chan_timer *t = c->timer;
	unsigned int parked;
	bool was_active;

	if (!t || t->closes)
		return -EINVAL;
	/* What it is does not change, so no lock is needed to look. */
	if (t->ticks && period == CHAN_ONCE && when != CHAN_STOPPED)
		return -EINVAL;

	/* Nobody who waits may miss that it was due. */
	chan_lock_settled(c, &news);
	was_active = t->when != CHAN_STOPPED;
	t->when = when;
	if (t->ticks && period != CHAN_ONCE)
		t->period = period;
	/* There is nothing to look at in a timer that is stopped. */
	if (when != CHAN_STOPPED)
		c->cursor = c->recvq.list.head.first;
	parked = c->recvq.n;
	arm_if_polled(t);
	spin_unlock(&c->lock);
	chan_tell(c, &news);
	if (when != CHAN_STOPPED)
		kick_parked(c, parked);
	return was_active;
}

/**
 * chan_timer_next() - when the first timer that a call waits for is due
 * @wait: the call, of the current task.
 *
 * Return: CLOCK_MONOTONIC, or KTIME_MAX.
 */
ktime_t chan_timer_next(struct chan_wait *wait)
{
	ktime_t next = KTIME_MAX;
	unsigned int i;

	WRITE_ONCE(wait->kicked, false);
	for (i = 0; i < wait->n; i++) {
		struct chan *c = wait->waiters[i].chan;

		if (!c->timer)
			continue;
		spin_lock(&c->lock);
		next = min(next, c->timer->when);
		spin_unlock(&c->lock);
	}
	return next;
}

/**
 * chan_timer_fire() - do what is due on the channels that a call waits for
 * @wait: the call, of the current task.
 */
void chan_timer_fire(struct chan_wait *wait)
{
	unsigned int i;

	for (i = 0; i < wait->n; i++)
		if (wait->waiters[i].chan->timer)
			chan_fire(wait->waiters[i].chan);
}

/**
 * chan_timer_none_due() - find a moment at which none of the timers of a call is due
 * @wait: the call, of the current task, which is queued everywhere and does not park.
 *
 * What is due is fired, so the call may have a winner after this.  The moment is the one before
 * the timers are looked at: who is due only now was not then, and what was due then and is not
 * any more was fired, and has gone to somebody who stood before this call.
 *
 * Return: 0, or -ERESTARTSYS if there was none until a signal came: others receive from tickers
 * that are due again whenever all of them have been looked at.
 */
int chan_timer_none_due(struct chan_wait *wait)
{
	ktime_t now = ktime_get();

	while (chan_timer_next(wait) <= now) {
		chan_timer_fire(wait);
		if (chan_has_winner(wait))
			break;
		if (signal_pending(current))
			return -ERESTARTSYS;
		cond_resched();
		now = ktime_get();
	}
	return 0;
}
