// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parking and readying.  wait.h says how it works and why it is safe.
 */
#include <linux/hrtimer.h>
#include <linux/nsproxy.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/time_namespace.h>

#include "chan.h"
#include "compat.h"
#include "g.h"
#include "linger.h"
#include "metrics.h"
#include "timer.h"
#include "trace.h"
#include "wait.h"
#include "wake.h"

/* Go's wording, so that who knows a goroutine dump knows these. */
static const char * const reasons[] = {
	[CHAN_WAIT_RECV] = "chan receive",
	[CHAN_WAIT_SEND] = "chan send",
	[CHAN_WAIT_SELECT] = "select",
	[CHAN_WAIT_SELECT_NONE] = "select (no cases)",
};

const char *chan_wait_reason(enum chan_wait_reason reason)
{
	return reasons[reason];
}

/* From here on it is known how long it waits. */
void chan_start_clock(struct chan_wait *wait)
{
	/* Whoever looks at how long it has waited has not locked it. */
	if (!wait->since)
		WRITE_ONCE(wait->since, chan_clock());
}

/* Somebody watches: see chan_wait_parked(). */
void __chan_wait_parked(struct chan_wait *wait, const struct chan *c)
{
	wait->g = chan_g_park(wait, c);
	chan_start_clock(wait);
	trace_chan_park(wait, c);
}

static enum chan_path path_of(int result)
{
	if (!result)
		return CHAN_PATH_PARKED;
	return result == -EIDRM ? CHAN_PATH_REMOVED : CHAN_PATH_CLOSED;
}

/* What somebody else has done for it. */
static void trace_given(const struct chan_wait *wait)
{
	const struct chan_waiter *w = &wait->waiters[wait->winner];
	enum chan_path path = path_of(wait->result);

	if (wait->result == -EMSGSIZE)
		return;
	if (chan_sends(w))
		trace_chan_send(w->chan, path, w->room);
	else
		trace_chan_recv(w->chan, path, wait->result ? 0 : w->elem->len);
}

/**
 * chan_wait_time() - how long a wait has taken up to now
 * @wait: the wait.
 *
 * Return: nanoseconds.
 */
u64 chan_wait_time(const struct chan_wait *wait)
{
	u64 since = READ_ONCE(wait->since), now = chan_clock();

	/* The clocks of two processors may differ a little. */
	return since && now > since ? now - since : 0;
}

/**
 * chan_wait_since() - when a wait began
 * @wait: the wait.
 *
 * Return: CLOCK_MONOTONIC.
 */
ktime_t chan_wait_since(const struct chan_wait *wait)
{
	return ktime_sub_ns(ktime_get(), chan_wait_time(wait));
}

/* See chan_wait_over(). */
void __chan_wait_over(const struct chan_wait *wait, int result)
{
	if (wait->since)
		chan_metrics_waited(wait, chan_wait_time(wait), result);
	if (wait->progress == CHAN_DONE)
		trace_given(wait);
	else if (wait->parked && wait->winner == CHAN_ABORTED)
		trace_chan_abort(wait, result);
	if (!wait->g)
		return;
	/* Whoever ends a wait readies it. */
	if (wait->progress != CHAN_DONE)
		chan_g_ready(wait->g, false);
	chan_g_resume(wait->g);
}

/* Whether a wait has been claimed for good; it may be the next moment. */
bool chan_has_winner(const struct chan_wait *wait)
{
	return READ_ONCE(wait->winner) != CHAN_NO_WINNER;
}

static void lock_both(struct chan_wait *a, struct chan_wait *b)
{
	if (a > b)
		swap(a, b);
	spin_lock(&a->lock);
	spin_lock_nested(&b->lock, SINGLE_DEPTH_NESTING);
	__release(&a->lock);
	__release(&b->lock);
}

/**
 * chan_claim_both() - begin to complete somebody's wait together with one's own
 * @wait: somebody's wait with an entry in a queue whose lock is held.
 * @own: one's own, claimed.
 *
 * The order of the locks makes it give up the claim of @own for a moment.
 *
 * Return: 0 with both claimed; -ESTALE if @wait has a winner, with @own still claimed;
 * -ECANCELED if @own has got one, with neither claimed.
 */
int chan_claim_both(struct chan_wait *wait, struct chan_wait *own)
{
	chan_claim_cancel(own);
	lock_both(wait, own);
	__acquire(&wait->lock);
	__acquire(&own->lock);
	if (own->winner != CHAN_NO_WINNER) {
		spin_unlock(&own->lock);
		spin_unlock(&wait->lock);
		return -ECANCELED;
	}
	__release(&own->lock);
	if (wait->winner == CHAN_NO_WINNER) {
		__release(&wait->lock);
		return 0;
	}
	spin_unlock(&wait->lock);
	return -ESTALE;
}

/**
 * chan_abort() - end one's own wait without a case
 * @wait: the wait.
 *
 * Return: false if somebody has been faster; chan_await() has to follow.
 */
bool chan_abort(struct chan_wait *wait)
{
	bool won;

	spin_lock(&wait->lock);
	won = wait->winner == CHAN_NO_WINNER;
	if (won)
		WRITE_ONCE(wait->winner, CHAN_ABORTED);
	spin_unlock(&wait->lock);
	return won;
}

/* Until it is done it stays, and so does its task; RCU keeps that beyond. */
void chan_finish_asleep(struct chan_wait *wait, bool here)
{
	struct task_struct *task;

	if (wait->elsewhere)
		wait->done_at = chan_clock();
	rcu_read_lock();
	task = wait->task;
	/* Pairs with chan_wait_is_done(): what the wait has got is there. */
	smp_store_release(&wait->progress, CHAN_DONE);
	chan_wake(task, here);
	rcu_read_unlock();
}

/* From now on the task has to be woken.  False if it is done, and there is no need to sleep. */
static bool fall_asleep(struct chan_wait *wait)
{
	if (cmpxchg(&wait->progress, CHAN_AWAKE, CHAN_ASLEEP) != CHAN_DONE)
		return true;
	/* An exchange that fails orders nothing, and what the wait has got is read next. */
	smp_acquire__after_ctrl_dep();
	return false;
}

/**
 * chan_await() - wait for the completer of a wait which has a winner
 * @wait: the wait.
 *
 * It has only a few instructions left, or a copy to memory that is pinned (pin.h), and does not
 * give its processor away before it has done them, so no signal is let through.
 *
 * Return: the completer's result.  May sleep.
 */
int chan_await(struct chan_wait *wait)
{
	if (!fall_asleep(wait))
		return wait->result;
	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (chan_wait_is_done(wait))
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return wait->result;
}

/**
 * chan_fail_deadlocked() - end a wait that nobody else can end
 * @wait: the wait of another task, which does not leave it meanwhile.
 *
 * From now on nobody completes it.  Its task has to be woken to see that.
 */
void chan_fail_deadlocked(struct chan_wait *wait)
{
	spin_lock(&wait->lock);
	if (wait->winner == CHAN_NO_WINNER) {
		WRITE_ONCE(wait->winner, CHAN_ABORTED);
		WRITE_ONCE(wait->deadlocked, true);
	}
	spin_unlock(&wait->lock);
}

/* Sleep until done (0), kicked (-EAGAIN), deadlocked, a signal, or the time. */
static int chan_sleep(struct chan_wait *wait, ktime_t until)
{
	int ret = 0;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		if (chan_wait_is_done(wait))
			break;
		if (READ_ONCE(wait->deadlocked)) {
			ret = -EDEADLK;
			break;
		}
		if (signal_pending(current)) {
			ret = -ERESTARTSYS;
			break;
		}
		if (READ_ONCE(wait->kicked)) {
			ret = -EAGAIN;
			break;
		}
		if (until == KTIME_MAX) {
			schedule();
		} else if (!schedule_hrtimeout_range_clock(&until,
							   current->timer_slack_ns,
							   HRTIMER_MODE_ABS,
							   CLOCK_MONOTONIC)) {
			ret = -ETIMEDOUT;
			break;
		}
	}
	__set_current_state(TASK_RUNNING);
	return ret;
}

/* Nobody else sees to the timers that this call waits for: chan_sleep() to the next one. */
static int sleep_to_alarm(struct chan_wait *wait, ktime_t until)
{
	ktime_t alarm = chan_timer_next(wait);
	int ret = chan_sleep(wait, min(alarm, until));

	/* Who is kicked all the time never comes to sleep up to his deadline. */
	if (ret == -EAGAIN && ktime_after(ktime_get(), until))
		ret = -ETIMEDOUT;
	if (ret != -ETIMEDOUT || until < alarm)
		return ret;
	/* Somebody else may have fired it, and need the processor to finish with this one. */
	if (!chan_has_winner(wait))
		chan_timer_fire(wait);
	return chan_has_winner(wait) ? chan_await(wait) : -EAGAIN;
}

/* See chan_park(). */
int __chan_park(struct chan_wait *wait, ktime_t until)
{
	int ret;

	wait->done_at = 0;
	if (chan_spin(wait, until))
		goto done;
	chan_start_clock(wait);
	if (!fall_asleep(wait))
		goto done;
	while ((ret = wait->timed ? sleep_to_alarm(wait, until) : chan_sleep(wait, until)) ==
	       -EAGAIN)
		cond_resched();
	if (chan_wait_is_done(wait))
		goto done;
	if (chan_abort(wait))
		return ret;
	return READ_ONCE(wait->deadlocked) ? -EDEADLK : chan_await(wait);

done:
	chan_linger_learn(wait);
	return wait->result;
}

#ifdef CONFIG_TIME_NS
static s64 time_offset(void)
{
	return timespec64_to_ns(&current->nsproxy->time_ns->offsets.monotonic);
}
#else
static s64 time_offset(void)
{
	return 0;
}
#endif

/**
 * chan_user_time() - a time of the kernel as the current task's time namespace shows it
 * @time: CLOCK_MONOTONIC.
 *
 * Return: nanoseconds.
 */
u64 chan_user_time(ktime_t time)
{
	return time + time_offset();
}

/* See chan_deadline(). */
ktime_t __chan_deadline(u64 ns)
{
	s64 offset = time_offset();

	if (offset > (s64)ns)
		return 0;
	if (offset < 0 && ns >= (u64)KTIME_MAX + offset)
		return KTIME_MAX;
	return ns - offset;
}
