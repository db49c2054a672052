// SPDX-License-Identifier: GPL-2.0-only
/*
 * All goroutines are asleep: how a process that wants to know is told.
 *
 * A worker looks at its domain now and then, so nobody who parks has anything to do for it.
 * When all are stuck (stuck.h), what they wait for is written down for a dump, and then their
 * calls fail.
 */
#define pr_fmt(fmt) "chan: " fmt

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "chan.h"
#include "g.h"
#include "stuck.h"
#include "trace.h"

#define CHAN_WATCH_MS		100

/* Less would be spent spinning. */
#define CHAN_REST_MIN_US	100
#define CHAN_REST_MAX_US	1000000

static struct workqueue_struct *watchers;

/* Without memory for it a dump shows less. */
static void remember_wait(struct chan_g *g)
{
	struct chan_go_info *last = kzalloc(sizeof(*last), GFP_KERNEL | __GFP_NOWARN);

	if (!last)
		return;
	chan_g_tell_wait(g, last);
	last->flags |= CHAN_GO_DEADLOCKED;
	spin_lock(&g->lock);
	if (last->state == CHAN_GO_WAITING)
		swap(g->last, last);
	spin_unlock(&g->lock);
	kfree(last);
}

/* Unless it has been killed meanwhile. */
static void fail_wait(struct chan_g *g)
{
	spin_lock(&g->lock);
	if (g->wait && g->parks == g->stuck_parks)
		chan_fail_deadlocked(g->wait);
	spin_unlock(&g->lock);
}

static void wake(struct chan_g *g)
{
	spin_lock(&g->lock);
	if (g->wait && READ_ONCE(g->wait->deadlocked))
		wake_up_process(g->wait->task);
	spin_unlock(&g->lock);
}

static void report(struct chan_domain *domain)
{
	struct chan_g *g;

	lockdep_assert_held(&domain->lock);
	trace_chan_deadlock(domain);
	pr_info_ratelimited("process %d: all goroutines (%u) are asleep: deadlock\n",
			    pid_nr(domain->tgid), domain->n);
	list_for_each_entry(g, &domain->goroutines, siblings)
		remember_wait(g);
	/* None of them may do anything for another one before all have failed. */
	list_for_each_entry(g, &domain->goroutines, siblings)
		fail_wait(g);
	list_for_each_entry(g, &domain->goroutines, siblings)
		wake(g);
}

/*
 * One look waits for another, so that all together take a tenth of a processor, however many
 * domains are watched.  A look that takes very long is not followed by a rest for which unloading
 * and suspend would have to wait.
 */
static void rest(s64 took)
{
	fsleep(clamp_t(s64, 9 * took, CHAN_REST_MIN_US, CHAN_REST_MAX_US));
}

static void watch(struct work_struct *work)
{
	struct chan_domain *domain = container_of(work, struct chan_domain, watch.work);
	ktime_t began;
	s64 took;

	mutex_lock(&chan_stuck_mutex);
	mutex_lock(&domain->lock);
	began = ktime_get();
	if (READ_ONCE(domain->watched) && chan_is_deadlocked(domain))
		report(domain);
	took = ktime_us_delta(ktime_get(), began);
	mutex_unlock(&domain->lock);
	mutex_unlock(&chan_stuck_mutex);
	WRITE_ONCE(domain->looks, domain->looks + 1);
	if (READ_ONCE(domain->n))
		chan_deadlock_kick(domain);
	chan_domain_put(domain);
	rest(took);
}

/* Look again soon, if it is to be watched.  Without goroutines there is no need to. */
void chan_deadlock_kick(struct chan_domain *domain)
{
	bool queued;

	/* For the work, before it can run or be cancelled. */
	chan_domain_get(domain);
	spin_lock(&domain->watch_lock);
	queued = domain->watched &&
		 queue_delayed_work(watchers, &domain->watch, msecs_to_jiffies(CHAN_WATCH_MS));
	spin_unlock(&domain->watch_lock);
	if (!queued)
		chan_domain_put(domain);
}

void chan_deadlock_init(struct chan_domain *domain)
{
	spin_lock_init(&domain->watch_lock);
	INIT_DELAYED_WORK(&domain->watch, watch);
}

static void begin_to_watch(struct chan_domain *domain)
{
	spin_lock(&domain->watch_lock);
	WRITE_ONCE(domain->watched, true);
	spin_unlock(&domain->watch_lock);
	chan_deadlock_kick(domain);
}

/* Under the lock, so that no look is cancelled which another caller has asked for since. */
static void cease_to_watch(struct chan_domain *domain)
{
	bool cancelled;

	spin_lock(&domain->watch_lock);
	WRITE_ONCE(domain->watched, false);
	cancelled = cancel_delayed_work(&domain->watch);
	spin_unlock(&domain->watch_lock);
	if (cancelled)
		chan_domain_put(domain);
	/* A look that has begun is over; one that has yet to begin sees that it need not. */
	mutex_lock(&domain->lock);
	mutex_unlock(&domain->lock);
}

/**
 * chan_deadlock_watch() - look out for a deadlock of a domain, or do not any more
 * @domain: the domain.
 * @on: whether to.
 *
 * May sleep.
 */
void chan_deadlock_watch(struct chan_domain *domain, bool on)
{
	if (on)
		begin_to_watch(domain);
	else
		cease_to_watch(domain);
}

int chan_deadlock_start(void)
{
	/* One at a time: there is one lock, and much to do for each. */
	watchers = alloc_ordered_workqueue("chan", WQ_FREEZABLE);
	return watchers ? 0 : -ENOMEM;
}

void chan_deadlock_stop(void)
{
	destroy_workqueue(watchers);
}
