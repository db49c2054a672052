// SPDX-License-Identifier: GPL-2.0-only
/*
 * Giving way and spinning before a call sleeps.  linger.h says when and why.
 */
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <linux/time64.h>

#include "chan.h"
#include "compat.h"
#include "count.h"
#include "park.h"
#include "trace.h"

bool chan_gives_way = true;
module_param_named(give_way, chan_gives_way, bool, 0644);
MODULE_PARM_DESC(give_way, "Let others run once before a call sleeps (default Y)");

static unsigned int spin_max_us = 100;
module_param(spin_max_us, uint, 0644);
MODULE_PARM_DESC(spin_max_us,
		 "Longest time a call spins before it sleeps, in microseconds; 0 never (default 100)");

/* What it begins with. */
#define FIRST_SPIN_NS		4000

/* So many attempts to give way are in vain before one insists again, since times may change. */
#define INSIST_AGAIN		64

/**
 * chan_gave_way_in_vain() - somebody has given way in vain
 * @habit: of the queue where that was.
 *
 * Beside a busy loop an attempt in vain costs less than what comes of too few: the round trips
 * of a pair then take twice as many switches.  So no more than one is skipped.
 */
void chan_gave_way_in_vain(struct chan_habit *habit)
{
	unsigned int misses = READ_ONCE(habit->misses);

	WRITE_ONCE(habit->skip, misses > 0);
	WRITE_ONCE(habit->misses, (misses + 1) % INSIST_AGAIN);
}

/* How often it looks for the completion before it looks at all else. */
#define LOOKS			8

/*
 * To relax may take its time: a virtual processor may give its own to others.  So nothing is
 * between that and a look.
 */
static bool look_for_completion(const struct chan_wait *wait)
{
	int i;

	for (i = 0; i < LOOKS && !need_resched(); i++) {
		cpu_relax();
		if (chan_wait_is_done(wait))
			return true;
	}
	return false;
}

/* Whether somebody else can use this processor, or the task has something else to do. */
static bool has_to_stop(ktime_t until)
{
	return need_resched() || signal_pending(current) || !single_task_running() ||
	       (until != KTIME_MAX && ktime_get() >= until);
}

/*
 * Where partners are quick, to look at the clock is a good part of what that costs: there is
 * none for who is completed at the first look, and the wait has one only if all was in vain.
 */
static bool spin(struct chan_wait *wait, u64 ns, ktime_t until)
{
	u64 start = wait->since, now;

	for (;;) {
		if (look_for_completion(wait))
			return true;
		if (has_to_stop(until))
			break;
		now = chan_clock();
		if (!start)
			start = now;
		if ((s64)(now - start) >= (s64)ns)
			break;
	}
	if (start)
		WRITE_ONCE(wait->since, start);
	return false;
}

/**
 * chan_spin() - look for the completion of a wait for a short time
 * @wait: the wait of the current task, whose entries are queued.
 * @until: CLOCK_MONOTONIC deadline, or KTIME_MAX.
 *
 * Return: whether it has been completed.
 */
bool chan_spin(struct chan_wait *wait, ktime_t until)
{
	u32 ns;
	bool done;

	/* Who waits for a time has to see to it. */
	if (!chan_may_linger(wait->n ? wait->waiters : NULL) || wait->timed)
		return false;
	ns = READ_ONCE(wait->waiters->queue->habit.spin);
	if (likely(!ns))
		return false;
	done = spin(wait, ns, until);
	chan_count(CHAN_SPINS);
	if (done)
		chan_count(CHAN_SPIN_HITS);
	trace_chan_spin(wait, done);
	return done;
}

/* Whether somebody on another processor took no longer than a call may spin. */
static bool was_worth_it(const struct chan_wait *wait, u64 max)
{
	if (!wait->elsewhere)
		return false;
	/* It was faster than sleep, or perhaps than the start of the clock. */
	if (wait->done_at <= wait->since)
		return true;
	return wait->done_at - wait->since <= max;
}

/**
 * chan_linger_learn() - a wait has been completed that did not only give way
 * @wait: the wait.
 */
void chan_linger_learn(const struct chan_wait *wait)
{
	struct chan_habit *habit = &wait->waiters->queue->habit;
	u64 max = READ_ONCE(spin_max_us) * (u64)NSEC_PER_USEC;
	u32 ns = READ_ONCE(habit->spin), next = 0;

	if (was_worth_it(wait, max))
		next = min_t(u64, max, max_t(u32, 2 * ns, FIRST_SPIN_NS));
	if (next != ns)
		WRITE_ONCE(habit->spin, next);
}
