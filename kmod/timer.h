/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Channels with a time: timers, tickers, and channels that close at a deadline.
 *
 * A timer is a time in its channel, and no more: whoever looks at the channel sees to it
 * that what is due happens.  A receive that comes late takes the time that was due.  A
 * call that is parked sleeps no longer than until the first of its channels is due, and
 * then fires that channel itself, in process context: the oldest parked receiver gets the
 * time, as from a sender, whoever that is.  So nothing runs while nobody waits, and no
 * interrupt touches a channel.
 *
 * Pollers cannot do that for themselves.  For them there is a kernel timer, which is armed
 * when somebody polls, and does nothing but wake the pollers, who then look.
 *
 * How a parked call learns that a timer was set anew:
 *
 *   chan_timer_set()                         a parked call, in chan_park()
 *   ----------------                         ------------------------------
 *                                            kicked = false
 *   lock, new time                           lock, read the time, unlock
 *   kicked = true                            state = INTERRUPTIBLE  (full barrier)
 *   unlock, wake it up (full barrier)        if (!kicked)
 *                                                sleep until that time
 *
 * If it has read the old time, its critical section was the first, so its store to kicked
 * was too, and it either sees kicked, or is woken.
 */
#ifndef CHAN_TIMER_H
#define CHAN_TIMER_H

#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/types.h>

struct chan;
struct chan_wait;
struct chan_waiter;

/* The period of what is no ticker. */
#define CHAN_ONCE	((ktime_t)0)

/* The time of a timer that is not active, and the last one of one that is. */
#define CHAN_STOPPED	KTIME_MAX
#define CHAN_LAST_TIME	(KTIME_MAX - 1)

/**
 * struct chan_timer - the time of a channel
 * @when: when it is due, CLOCK_MONOTONIC; CHAN_STOPPED if it is not active.  Guarded by the
 *	channel's lock, as the next one.
 * @period: of a ticker.
 * @ticks: it is a ticker.  Constant, as all below.
 * @closes: what is due is that the channel closes.
 * @poll: wakes @chan's pollers.
 * @chan: the channel.
 */
struct chan_timer {
	ktime_t when;
	ktime_t period;
	bool ticks;
	bool closes;
	struct hrtimer poll;
	struct chan *chan;
};

int chan_timer_add(struct chan *c, ktime_t when, ktime_t period, bool closes);
void chan_timer_free(struct chan_timer *t);
int chan_timer_set(struct chan *c, ktime_t when, ktime_t period);

bool chan_timer_is_due(const struct chan_timer *t);
void chan_timer_advance(struct chan_timer *t);
void chan_timer_arm(struct chan_timer *t);

ktime_t chan_timer_next(struct chan_wait *wait);
void chan_timer_fire(struct chan_wait *wait);
int chan_timer_none_due(struct chan_wait *wait);

#endif /* CHAN_TIMER_H */
