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

#include "chan.h"
#include "g.h"
#include "metrics.h"
#include "timer.h"
#include "trace.h"
#include "wait.h"

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

/**
 * chan_wait_init() - prepare a wait of the current task
 * @wait: the wait.
 * @reason: what for.
 * @waiters: its entries, each to be set up by chan_waiter_init().
 * @n: how many.
 */
void chan_wait_init(struct chan_wait *wait, enum chan_wait_reason reason,
		    struct chan_waiter *waiters, unsigned int n)
{
	spin_lock_init(&wait->lock);
	wait->winner = CHAN_NO_WINNER;
	wait->result = 0;
	wait->done = false;
	wait->kicked = false;
	wait->deadlocked = false;
	wait->timed = false;
	wait->passing = false;
	wait->asleep = false;
	wait->parked = false;
	wait->reason = reason;
	wait->task = current;
	wait->g = NULL;
	wait->waiters = waiters;
	wait->n = n;
}

/**
 * chan_waiter_init() - prepare an entry of a wait
 * @w: the entry, one of those of @wait.
 * @wait: the wait.
 * @c: the channel.
 * @send: whether it sends there.
 * @elem: what to send, or where to receive to.
 * @room: bytes to send, or longest element to receive.
 */
void chan_waiter_init(struct chan_waiter *w, struct chan_wait *wait, struct chan *c, bool send,
		      struct chan_elem *elem, u32 room)
{
	INIT_LIST_HEAD(&w->link);
	w->wait = wait;
	w->chan = c;
	w->queue = send ? &c->sendq : &c->recvq;
	w->index = w - wait->waiters;
	w->scase = 0;
	w->elem = elem;
	w->room = room;
}

/**
 * chan_wait_parked() - a wait begins
 * @wait: the wait; not a passing one.
 * @c: the channel in whose queue its first entry is, locked; NULL if it has none.
 * @how: the call, which lasts as long as the wait.
 *
 * Whoever finds an entry of it finds it parked.
 */
void chan_wait_parked(struct chan_wait *wait, const struct chan *c,
		      const struct chan_blocking *how)
{
	wait->parked = true;
	wait->how = how;
	wait->since = ktime_get();
	wait->g = chan_g_park(wait, c);
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

static void count_over(const struct chan_wait *wait, int result)
{
	if (wait->parked)
		chan_metrics_waited(wait, result);
}

/* Out of line: most waits are watched by nobody. */
static noinline void tell_over(const struct chan_wait *wait, int result)
{
	count_over(wait, result);
	if (wait->done)
		trace_given(wait);
	else if (wait->parked && wait->winner == CHAN_ABORTED)
		trace_chan_abort(wait, result);
	if (!wait->g)
		return;
	/* Whoever ends a wait readies it. */
	if (!wait->done)
		chan_g_ready(wait->g, false);
	chan_g_resume(wait->g);
}

static bool end_is_watched(const struct chan_wait *wait)
{
	return unlikely(wait->g) || trace_chan_send_enabled() || trace_chan_recv_enabled() ||
	       trace_chan_abort_enabled();
}

/**
 * chan_wait_over() - a wait has ended
 * @wait: the wait, not to be found in any queue but perhaps as the winner.
 * @result: what the call is told.
 */
void chan_wait_over(struct chan_wait *wait, int result)
{
	if (end_is_watched(wait))
		tell_over(wait, result);
	else
		count_over(wait, result);
}

/**
 * chan_claim() - begin to complete a wait
 * @wait: somebody's wait with an entry in a queue whose lock is held; or one's own.
 *
 * Return: true with the wait locked, to be followed by chan_claim_commit() or
 * chan_claim_cancel(); false if it has a winner already.
 */
bool chan_claim(struct chan_wait *wait)
{
	spin_lock(&wait->lock);
	if (wait->winner == CHAN_NO_WINNER) {
		/* For sparse, which cannot follow a lock out of here. */
		__release(&wait->lock);
		return true;
	}
	spin_unlock(&wait->lock);
	return false;
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
 * chan_claim_commit() - make this entry the one that its wait ends with
 * @w: the entry, claimed.  If it is somebody else's, it was taken off its queue, and
 *	goes to chan_ready() once the queue's lock is dropped.
 * @result: what the blocked call is told: 0, -EPIPE, -EIDRM, -EMSGSIZE.
 */
void chan_claim_commit(struct chan_waiter *w, int result)
{
	lockdep_assert_held(&w->wait->lock);
	__acquire(&w->wait->lock);
	WRITE_ONCE(w->wait->winner, w->index);
	w->wait->result = result;
	trace_chan_ready(w, result);
	spin_unlock(&w->wait->lock);
}

/**
 * chan_claim_cancel() - leave a claimed wait as it was
 * @wait: the wait.
 */
void chan_claim_cancel(struct chan_wait *wait)
{
	lockdep_assert_held(&wait->lock);
	__acquire(&wait->lock);
	spin_unlock(&wait->lock);
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

static void chan_finish(struct chan_wait *wait)
{
	struct task_struct *task;

	if (unlikely(wait->g))
		chan_g_ready(wait->g, true);
	rcu_read_lock();
	task = wait->task;
	/* From here on the wait's memory may vanish: see chan_await(). */
	smp_store_release(&wait->done, true);
	wake_up_process(task);
	rcu_read_unlock();
}

/**
 * chan_ready() - wake who was completed, in the order of completion
 * @ready: entries after chan_claim_commit().
 *
 * No lock of ours is held.
 */
void chan_ready(struct list_head *ready)
{
	struct chan_waiter *w, *next;

	list_for_each_entry_safe(w, next, ready, link)
		chan_finish(w->wait);
}

static bool chan_is_done(struct chan_wait *wait)
{
	/* Pairs with the release in chan_finish(). */
	return smp_load_acquire(&wait->done);
}

/**
 * chan_await() - wait for the completer of a wait which has a winner
 * @wait: the wait.
 *
 * It has only a few instructions left, so no signal is let through.
 *
 * Return: the completer's result.  May sleep.
 */
int chan_await(struct chan_wait *wait)
{
	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (chan_is_done(wait))
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
		if (chan_is_done(wait))
			break;
		if (READ_ONCE(wait->kicked)) {
			ret = -EAGAIN;
			break;
		}
		if (READ_ONCE(wait->deadlocked)) {
			ret = -EDEADLK;
			break;
		}
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

/* Nobody else sees to the timers that this call waits for: chan_sleep() to the next one. */
static int sleep_to_alarm(struct chan_wait *wait, ktime_t until)
{
	ktime_t alarm = chan_timer_next(wait);
	int ret = chan_sleep(wait, min(alarm, until));

	if (ret != -ETIMEDOUT || until < alarm)
		return ret;
	/* Somebody else may have fired it, and need the processor to finish with this one. */
	if (!chan_has_winner(wait))
		chan_timer_fire(wait);
	return chan_has_winner(wait) ? chan_await(wait) : -EAGAIN;
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
 * deadlines are absolute), -ETIMEDOUT or -EDEADLK.  May sleep.
 */
int chan_park(struct chan_wait *wait, ktime_t until)
{
	int ret;

	/* For stuck.c: from here on nothing but others can go on with this call. */
	smp_store_release(&wait->asleep, true);
	do
		ret = wait->timed ? sleep_to_alarm(wait, until) : chan_sleep(wait, until);
	while (ret == -EAGAIN);

	if (chan_is_done(wait))
		return wait->result;
	if (chan_abort(wait))
		return ret;
	return READ_ONCE(wait->deadlocked) ? -EDEADLK : chan_await(wait);
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

/**
 * chan_deadline() - the kernel's idea of a deadline given by the current task
 * @ns: absolute CLOCK_MONOTONIC time as the task's time namespace shows it, in
 *	nanoseconds.
 *
 * Return: the time for chan_park(); KTIME_MAX if it is too far away to come.
 */
ktime_t chan_deadline(u64 ns)
{
	s64 offset = time_offset();

	if (ns >= KTIME_MAX)
		return KTIME_MAX;
	if (offset > (s64)ns)
		return 0;
	if (offset < 0 && ns >= (u64)KTIME_MAX + offset)
		return KTIME_MAX;
	return ns - offset;
}
