// SPDX-License-Identifier: GPL-2.0-only
/*
 * A channel as an object: how it is made and freed, what it tells of itself, and the list
 * of all channels.
 */
#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "chan.h"
#include "metrics.h"
#include "node.h"
#include "timer.h"
#include "trace.h"

static struct kmem_cache *chan_cache;

/*
 * All channels, in the order of their numbers, of which the last one is that of channels made.
 * What is listed has a reference: the last one goes under the lock.
 */
static LIST_HEAD(channels);
static DEFINE_SPINLOCK(channels_lock);
static u64 last_id;

static void queue_init(struct chan_queue *q)
{
	INIT_LIST_HEAD(&q->list);
	INIT_LIST_HEAD(&q->passing);
	q->n = 0;
}

static int charge_all(struct chan *c, size_t bytes)
{
	int ret;

	ret = chan_charge_channel(c->user);
	if (ret)
		return ret;
	ret = chan_charge_bytes(c->user, bytes);
	if (ret)
		chan_uncharge_channel(c->user);
	return ret;
}

static void uncharge_all(struct chan *c, size_t bytes)
{
	chan_uncharge_bytes(c->user, bytes);
	chan_uncharge_channel(c->user);
}

static void list_chan(struct chan *c)
{
	spin_lock(&channels_lock);
	c->id = ++last_id;
	list_add_tail(&c->siblings, &channels);
	spin_unlock(&channels_lock);
}

/* Memory that it has or has not, according to its flags and to the parameters. */
static int alloc_parts(struct chan *c, u32 elem_size, u64 cap)
{
	if (chan_waits_wanted()) {
		c->waits = chan_waits_new();
		if (!c->waits)
			return -ENOMEM;
	}
	return chan_ring_init(&c->ring, c->flags & CHAN_MESSAGE, elem_size, cap);
}

/**
 * chan_new() - make a channel
 * @flags: CHAN_MESSAGE, CHAN_AUTOCLOSE, CHAN_NAMED, CHAN_TIMER.
 * @elem_size: bytes of an element, or the most of a message.
 * @cap: elements it buffers.
 *
 * May sleep.
 *
 * Return: the channel, with a reference for the caller; or -ENOSPC,
 * -EDQUOT, -ENOMEM as an error pointer.
 */
struct chan *chan_new(u32 flags, u32 elem_size, u64 cap)
{
	u64 bytes = chan_ring_bytes(flags & CHAN_MESSAGE, elem_size, cap);
	struct chan *c;
	int ret;

	ret = chan_check_size(elem_size, cap, bytes);
	if (ret)
		return ERR_PTR(ret);
	c = kmem_cache_zalloc(chan_cache, GFP_KERNEL);
	if (!c)
		return ERR_PTR(-ENOMEM);

	spin_lock_init(&c->lock);
	queue_init(&c->recvq);
	queue_init(&c->sendq);
	init_waitqueue_head(&c->poll);
	kref_init(&c->refs);
	c->flags = flags;

	ret = -ENOMEM;
	c->user = chan_user_current(NULL);
	if (!c->user)
		goto free_chan;
	ret = charge_all(c, bytes);
	if (ret)
		goto put_user;
	ret = alloc_parts(c, elem_size, cap);
	if (ret)
		goto uncharge;
	list_chan(c);
	trace_chan_make(c);
	return c;

uncharge:
	kfree(c->waits);
	uncharge_all(c, bytes);
put_user:
	chan_user_put(c->user);
free_chan:
	kmem_cache_free(chan_cache, c);
	return ERR_PTR(ret);
}

static void chan_free(struct kref *refs)
	__releases(&channels_lock)
{
	struct chan *c = container_of(refs, struct chan, refs);

	list_del(&c->siblings);
	chan_totals_bury(c);
	spin_unlock(&channels_lock);

	trace_chan_destroy(c);
	if (c->node)
		chan_node_put(c->node);
	chan_timer_free(c->timer);
	chan_ring_free(&c->ring);
	kfree(c->waits);
	uncharge_all(c, c->ring.bytes);
	chan_user_put(c->user);
	kmem_cache_free(chan_cache, c);
}

void chan_get(struct chan *c)
{
	kref_get(&c->refs);
}

void chan_put(struct chan *c)
{
	kref_put_lock(&c->refs, chan_free, &channels_lock);
}

/**
 * chan_next() - go from one channel to the next, of all that there are
 * @prev: the one before, whose reference is dropped; NULL to begin.
 *
 * Who does not go to the end drops the last reference himself.  In between he may sleep.
 * One that is new may not have its name or its time yet.
 *
 * Return: the next one, with a reference, in the order of their numbers; NULL at the end.
 */
struct chan *chan_next(struct chan *prev)
{
	struct list_head *at = prev ? &prev->siblings : &channels;
	struct chan *c = NULL;

	spin_lock(&channels_lock);
	if (!list_is_last(at, &channels)) {
		c = list_entry(at->next, struct chan, siblings);
		chan_get(c);
	}
	spin_unlock(&channels_lock);
	if (prev)
		chan_put(prev);
	return c;
}

/* How many channels have been made. */
u64 chan_made(void)
{
	u64 n;

	spin_lock(&channels_lock);
	n = last_id;
	spin_unlock(&channels_lock);
	return n;
}

/**
 * chan_get_info() - describe a channel
 * @c: the channel.
 * @info: zeroed; gets everything but the name.
 */
void chan_get_info(struct chan *c, struct chan_info *info)
{
	info->flags = c->flags;
	info->id = c->id;
	info->cap = c->ring.cap;
	info->elem_size = c->ring.elem_size;
	info->owner = from_kuid_munged(current_user_ns(), c->user->uid);

	spin_lock(&c->lock);
	info->len = c->ring.len;
	info->state = chan_state(c) & (CHAN_STATE_CLOSED | CHAN_STATE_REMOVED);
	info->receivers = c->receivers;
	info->senders = c->senders;
	info->recvq = c->recvq.n;
	info->sendq = c->sendq.n;
	info->sends = c->stats.sends;
	info->receives = c->stats.receives;
	info->handoffs = c->stats.handoffs;
	info->recv_parks = c->stats.recv_parks;
	info->send_parks = c->stats.send_parks;
	info->aborts = c->stats.aborts;
	info->lost = c->stats.lost;
	spin_unlock(&c->lock);
}

/**
 * chan_list_parked() - who waits in a queue, the oldest first
 * @c: the channel.
 * @q: a queue of it.
 * @parked: gets up to @max entries, each with a reference to its pid.
 * @max: room there.
 *
 * An entry that is queued cannot vanish while the lock is held: its owner has to
 * take the lock to leave.
 *
 * Return: how many.
 */
int chan_list_parked(struct chan *c, const struct chan_queue *q,
		     struct chan_parked *parked, int max)
{
	const struct chan_waiter *w;
	int n = 0;

	spin_lock(&c->lock);
	list_for_each_entry(w, &q->list, link) {
		if (n == max)
			break;
		parked[n].pid = get_task_pid(w->wait->task, PIDTYPE_PID);
		parked[n].reason = w->wait->reason;
		parked[n].since = w->wait->since;
		n++;
	}
	spin_unlock(&c->lock);
	return n;
}

/**
 * chan_oldest_wait() - how long the oldest of a queue has waited
 * @c: the channel.
 * @q: a queue of it.
 *
 * Return: nanoseconds; 0 if nobody waits.
 */
u64 chan_oldest_wait(struct chan *c, struct chan_queue *q)
{
	struct chan_waiter *w;
	ktime_t since = KTIME_MAX;
	ktime_t now;

	spin_lock(&c->lock);
	w = list_first_entry_or_null(&q->list, struct chan_waiter, link);
	if (w)
		since = w->wait->since;
	spin_unlock(&c->lock);
	now = ktime_get();
	return now > since ? now - since : 0;
}

int chan_object_init(void)
{
	chan_cache = KMEM_CACHE(chan, SLAB_ACCOUNT | SLAB_HWCACHE_ALIGN);
	return chan_cache ? 0 : -ENOMEM;
}

void chan_object_exit(void)
{
	kmem_cache_destroy(chan_cache);
}
