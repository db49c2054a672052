// SPDX-License-Identifier: GPL-2.0-only
/*
 * Totals and histograms.  metrics.h says how they come about.
 */
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/u64_stats_sync.h>

#include "chan.h"
#include "metrics.h"

static bool wait_histograms;
module_param(wait_histograms, bool, 0644);
MODULE_PARM_DESC(wait_histograms,
		 "Channels made from now on record how long calls wait for them (default N)");

/* ---- totals ---- */

/* One adds up at a time; the last three have a meaning while one does. */
static DEFINE_MUTEX(adding_up);
static DEFINE_SPINLOCK(totals_lock);
static struct chan_stats dead;
static u64 freed;
static struct chan_stats missed;
static bool active;
static u64 cursor;

static void stats_add(struct chan_stats *sum, const struct chan_stats *s)
{
	sum->sends += s->sends;
	sum->receives += s->receives;
	sum->handoffs += s->handoffs;
	sum->recv_parks += s->recv_parks;
	sum->send_parks += s->send_parks;
	sum->aborts += s->aborts;
	sum->lost += s->lost;
}

/**
 * chan_totals_bury() - keep the counters of a channel that dies
 * @c: the channel, without a reference left.
 *
 * The list of channels is locked, and the channel leaves it before it is unlocked.
 */
void chan_totals_bury(const struct chan *c)
{
	spin_lock(&totals_lock);
	freed++;
	stats_add(&dead, &c->stats);
	if (active && c->id > READ_ONCE(cursor))
		stats_add(&missed, &c->stats);
	spin_unlock(&totals_lock);
}

static void begin(struct chan_stats *sum)
{
	spin_lock(&totals_lock);
	*sum = dead;
	missed = (struct chan_stats){};
	WRITE_ONCE(cursor, 0);
	active = true;
	spin_unlock(&totals_lock);
}

static void finish(struct chan_stats *sum)
{
	spin_lock(&totals_lock);
	stats_add(sum, &missed);
	active = false;
	spin_unlock(&totals_lock);
}

static void add_channel(struct chan_stats *sum, struct chan *c)
{
	spin_lock(&c->lock);
	stats_add(sum, &c->stats);
	spin_unlock(&c->lock);
	/* It cannot die before its reference goes, which the iterator sees to. */
	WRITE_ONCE(cursor, c->id);
}

/**
 * chan_totals() - add up the counters of all channels that are or have been
 * @sum: the totals.
 *
 * May sleep.
 *
 * Return: 0, or -EINTR if a signal came while somebody else added up.
 */
int chan_totals(struct chan_stats *sum)
{
	struct chan *c;
	int ret;

	ret = mutex_lock_interruptible(&adding_up);
	if (ret)
		return ret;
	begin(sum);
	chan_for_each(c) {
		add_channel(sum, c);
		cond_resched();
	}
	finish(sum);
	mutex_unlock(&adding_up);
	return 0;
}

/* How many channels have been freed. */
u64 chan_totals_freed(void)
{
	u64 n;

	spin_lock(&totals_lock);
	n = freed;
	spin_unlock(&totals_lock);
	return n;
}

/* ---- waits, of all channels ---- */

struct cpu_waits {
	struct u64_stats_sync sync;
	struct chan_hist ended[CHAN_WAIT_KINDS][CHAN_WAIT_ENDS];
};

static struct cpu_waits __percpu *cpu_waits;

static enum chan_wait_end end_of(int result)
{
	switch (result) {
	case -ETIMEDOUT:
		return CHAN_WAIT_TIMEOUT;
	case -ERESTARTSYS:
		return CHAN_WAIT_SIGNAL;
	case -EDEADLK:
		return CHAN_WAIT_DEADLOCK;
	default:
		return CHAN_WAIT_READY;
	}
}

static void count_here(enum chan_wait_reason reason, enum chan_wait_end end, u64 waited)
{
	struct cpu_waits *here = get_cpu_ptr(cpu_waits);

	u64_stats_update_begin(&here->sync);
	chan_hist_add(&here->ended[min_t(u32, reason, CHAN_WAIT_SELECT)][end], waited);
	u64_stats_update_end(&here->sync);
	put_cpu_ptr(cpu_waits);
}

static void merge_cpu(struct chan_hist *sum, const struct cpu_waits *there,
		      const struct chan_hist *h)
{
	struct chan_hist seen;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&there->sync);
		seen = (struct chan_hist){};
		chan_hist_merge(&seen, h);
	} while (u64_stats_fetch_retry(&there->sync, start));
	chan_hist_merge(sum, &seen);
}

/**
 * chan_waits_total() - how long calls have waited since the module was loaded
 * @kind: which calls.
 * @end: those that ended so.
 * @sum: zeroed; gets the histogram.
 */
void chan_waits_total(enum chan_wait_reason kind, enum chan_wait_end end,
		      struct chan_hist *sum)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct cpu_waits *there = per_cpu_ptr(cpu_waits, cpu);

		merge_cpu(sum, there, &there->ended[kind][end]);
	}
}

/* ---- waits, of one channel ---- */

/* Whether a new channel is to have histograms. */
bool chan_waits_wanted(void)
{
	return READ_ONCE(wait_histograms);
}

/* For a channel; kfree() frees it.  May sleep. */
struct chan_waits *chan_waits_new(void)
{
	return kzalloc(sizeof(struct chan_waits), GFP_KERNEL_ACCOUNT);
}

/**
 * chan_waits_record() - give a channel histograms, if it has none yet
 * @c: the channel, which keeps them to its end.
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int chan_waits_record(struct chan *c)
{
	struct chan_waits *waits;

	if (READ_ONCE(c->waits))
		return 0;
	waits = chan_waits_new();
	if (!waits)
		return -ENOMEM;
	if (cmpxchg(&c->waits, NULL, waits))
		kfree(waits);
	return 0;
}

/**
 * chan_waits_get() - how long calls have waited in a queue
 * @c: the channel.
 * @send: its sendq; its recvq otherwise.
 * @h: gets the histogram.
 *
 * Return: whether there is one.
 */
bool chan_waits_get(struct chan *c, bool send, struct chan_hist *h)
{
	const struct chan_waits *waits = READ_ONCE(c->waits);

	if (!waits)
		return false;
	spin_lock(&c->lock);
	*h = send ? waits->send : waits->recv;
	spin_unlock(&c->lock);
	return true;
}

static void count_at(const struct chan_waiter *w, u64 waited)
{
	struct chan *c = w->chan;
	struct chan_waits *waits = READ_ONCE(c->waits);

	if (likely(!waits))
		return;
	spin_lock(&c->lock);
	chan_hist_add(chan_sends(w) ? &waits->send : &waits->recv, waited);
	spin_unlock(&c->lock);
}

/**
 * chan_metrics_waited() - a park has ended
 * @wait: the wait, not to be found in any queue; its channels are there.
 * @waited: how long, in nanoseconds.
 * @result: what the call is told.
 *
 * May sleep.
 */
void chan_metrics_waited(const struct chan_wait *wait, u64 waited, int result)
{
	unsigned int i;

	count_here(wait->reason, end_of(result), waited);
	if (wait->winner != CHAN_ABORTED) {
		count_at(&wait->waiters[wait->winner], waited);
		return;
	}
	for (i = 0; i < wait->n; i++) {
		count_at(&wait->waiters[i], waited);
		cond_resched();
	}
}

int chan_metrics_init(void)
{
	int cpu;

	cpu_waits = alloc_percpu(struct cpu_waits);
	if (!cpu_waits)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
		u64_stats_init(&per_cpu_ptr(cpu_waits, cpu)->sync);
	return 0;
}

void chan_metrics_exit(void)
{
	free_percpu(cpu_waits);
}
