// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parking and readying.  wait.h says how it works and why it is safe.
 */
#include <linux/hrtimer.h>
#include <linux/lockdep.h>
#include <linux/nsproxy.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/time_namespace.h>

#include "wait.h"

/* Go's wording, so that who knows a goroutine dump knows these. */
static const char * const reasons[] = {
	[CHAN_WAIT_RECV] = "chan receive",
	[CHAN_WAIT_SEND] = "chan send",
};

const char *chan_wait_reason(enum chan_wait_reason reason)
{
	return reasons[reason];
}

/**
 * chan_wait_init() - prepare a wait of the current task
 * @wait: the wait.
 * @reason: what for.
 */
void chan_wait_init(struct chan_wait *wait, enum chan_wait_reason reason)
{
	spin_lock_init(&wait->lock);
	wait->winner = CHAN_NO_WINNER;
	wait->result = 0;
	wait->done = false;
	wait->reason = reason;
	wait->task = current;
	wait->since = ktime_get();
}

/**
 * chan_waiter_init() - prepare an entry of a wait
 * @w: the entry.
 * @wait: the wait it belongs to.
 * @index: the case it stands for.
 * @elem: what to send, or where to receive to.
 * @room: longest element to receive, in bytes.
 */
void chan_waiter_init(struct chan_waiter *w, struct chan_wait *wait, int index,
		      struct chan_elem *elem, u32 room)
{
	INIT_LIST_HEAD(&w->link);
	w->wait = wait;
	w->index = index;
	w->elem = elem;
	w->room = room;
}

/**
 * chan_claim() - begin to complete somebody's wait
 * @w: the entry through which to complete it, in a queue whose lock is held.
 *
 * Return: true with the wait locked, to be followed by chan_claim_commit() or
 * chan_claim_cancel(); false if the wait has a winner already.
 */
bool chan_claim(struct chan_waiter *w)
{
	spin_lock(&w->wait->lock);
	if (w->wait->winner == CHAN_NO_WINNER) {
		/* For sparse, which cannot follow a lock out of here. */
		__release(&w->wait->lock);
		return true;
	}
	spin_unlock(&w->wait->lock);
	return false;
}

/**
 * chan_claim_commit() - make this entry the one that its wait ends with
 * @w: the entry, claimed, and taken off its queue.
 * @result: what the blocked call is told: 0, -EPIPE, -EIDRM, -EMSGSIZE.
 * @ready: list for chan_ready(), once the queue's lock is dropped.
 */
void chan_claim_commit(struct chan_waiter *w, int result, struct list_head *ready)
{
	lockdep_assert_held(&w->wait->lock);
	__acquire(&w->wait->lock);
	w->wait->winner = w->index;
	w->wait->result = result;
	spin_unlock(&w->wait->lock);
	list_add_tail(&w->link, ready);
}

/**
 * chan_claim_cancel() - leave a claimed wait as it was
 * @w: the entry, still in its queue.
 */
void chan_claim_cancel(struct chan_waiter *w)
{
	__acquire(&w->wait->lock);
	spin_unlock(&w->wait->lock);
}

static void chan_finish(struct chan_wait *wait)
{
	struct task_struct *task;

	rcu_read_lock();
	task = wait->task;
	/* From here on the wait's memory may vanish: see chan_wait_until_done(). */
	smp_store_release(&wait->done, true);
	wake_up_process(task);
	rcu_read_unlock();
}

/**
 * chan_ready() - wake who was completed, in the order of completion
 * @ready: entries from chan_claim_commit().
 *
 * No lock of ours is held.
 */
void chan_ready(struct list_head *ready)
{
	struct chan_waiter *w, *next;

	list_for_each_entry_safe(w, next, ready, link)
		chan_finish(w->wait);
}

static bool chan_abort(struct chan_wait *wait)
{
	bool won;

	spin_lock(&wait->lock);
	won = wait->winner == CHAN_NO_WINNER;
	if (won)
		wait->winner = CHAN_ABORTED;
	spin_unlock(&wait->lock);
	return won;
}

static bool chan_is_done(struct chan_wait *wait)
{
	/* Pairs with the release in chan_finish(). */
	return smp_load_acquire(&wait->done);
}

/* The claimer has only a few instructions left, so no signal is let through. */
static void chan_wait_until_done(struct chan_wait *wait)
{
	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (chan_is_done(wait))
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
}

/* Sleep until done (0), a signal, or the deadline. */
static int chan_sleep(struct chan_wait *wait, ktime_t until)
{
	int ret = 0;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		if (chan_is_done(wait))
			break;
		if (signal_pending(current)) {
			ret = -ERESTARTSYS;
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

/**
 * chan_park() - sleep until somebody completes the wait
 * @wait: the wait, whose entries are queued.
 * @until: CLOCK_MONOTONIC deadline, or KTIME_MAX.
 *
 * A signal or a deadline counts only if the wait has no winner yet.  In that case
 * @wait->winner is CHAN_ABORTED and the caller has to unqueue its entries.
 *
 * Return: the completer's result, -ERESTARTSYS (a restart is harmless, because
 * deadlines are absolute) or -ETIMEDOUT.  May sleep.
 */
int chan_park(struct chan_wait *wait, ktime_t until)
{
	int ret = chan_sleep(wait, until);

	if (!ret)
		return wait->result;
	if (chan_abort(wait))
		return ret;
	chan_wait_until_done(wait);
	return wait->result;
}

/**
 * chan_deadline() - the kernel's idea of a deadline given by the current task
 * @ns: absolute CLOCK_MONOTONIC time as the task's time namespace shows it, in
 *	nanoseconds.
 *
 * Return: the time for chan_park(); KTIME_MAX if it is too far away to come.
 */
ktime_t chan_deadline(u64 ns)
{
	s64 offset = 0;

	if (ns >= KTIME_MAX)
		return KTIME_MAX;
#ifdef CONFIG_TIME_NS
	offset = timespec64_to_ns(&current->nsproxy->time_ns->offsets.monotonic);
#endif
	if (offset > (s64)ns)
		return 0;
	if (offset < 0 && ns >= (u64)KTIME_MAX + offset)
		return KTIME_MAX;
	return ns - offset;
}
