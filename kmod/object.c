// SPDX-License-Identifier: GPL-2.0-only
/*
 * A channel as an object: how it is made and freed, what it tells of itself, and all
 * channels.
 */
#include <linux/cred.h>
#include <linux/lockdep.h>
#include <linux/pid.h>
#include <linux/rbtree.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "chan.h"
#include "metrics.h"
#include "node.h"
#include "timer.h"
#include "trace.h"

static struct kmem_cache *chan_cache;

/*
 * All channels, by their numbers, of which the last one is that of channels made.  What is
 * listed has a reference: the last one goes under the lock.
 */
static struct rb_root channels = RB_ROOT;
static DEFINE_SPINLOCK(channels_lock);
static u64 last_id;

static void queue_init(struct chan_queue *q)
{
	chan_fifo_init(&q->list);
	chan_fifo_init(&q->passing);
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

static struct chan *to_chan(struct rb_node *node)
{
	return rb_entry_safe(node, struct chan, by_id);
}

/* Behind all others. */
static void list_chan(struct chan *c)
{
	struct rb_node *last;

	spin_lock(&channels_lock);
	last = rb_last(&channels);
	c->id = ++last_id;
	rb_link_node(&c->by_id, last, last ? &last->rb_right : &channels.rb_node);
	rb_insert_color(&c->by_id, &channels);
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

	rb_erase(&c->by_id, &channels);
	chan_totals_bury(c);
	spin_unlock(&channels_lock);

	trace_chan_destroy(c);
	if (c->node)
		chan_node_put(c->node);
	chan_timer_free(c->timer);
	uncharge_all(c, chan_ring_memory(&c->ring));
	chan_ring_free(&c->ring);
	kfree(c->waits);
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
	struct chan *c;

	spin_lock(&channels_lock);
	c = to_chan(prev ? rb_next(&prev->by_id) : rb_first(&channels));
	if (c)
		chan_get(c);
	spin_unlock(&channels_lock);
	if (prev)
		chan_put(prev);
	return c;
}

/* The first with at least this number. */
static struct chan *find_from(u64 id)
{
	struct rb_node *node = channels.rb_node;
	struct chan *found = NULL;

	lockdep_assert_held(&channels_lock);
	while (node) {
		struct chan *c = to_chan(node);

		if (c->id >= id)
			found = c;
		node = c->id >= id ? node->rb_left : node->rb_right;
	}
	return found;
}

/**
 * chan_from() - a place among all channels, for who goes on from there
 * @id: a number, not necessarily that of a channel which there is.
 *
 * Return: the first channel with this or a higher number, with a reference; NULL if there
 * is none.
 */
struct chan *chan_from(u64 id)
{
	struct chan *c;

	spin_lock(&channels_lock);
	c = find_from(id);
	if (c)
		chan_get(c);
	spin_unlock(&channels_lock);
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
 * chan_get_info_locked() - describe a channel
 * @c: the channel, locked.
 * @info: zeroed; gets everything but the name.
 */
void chan_get_info_locked(const struct chan *c, struct chan_info *info)
{
	lockdep_assert_held(&c->lock);
	info->flags = c->flags;
	info->id = c->id;
	info->cap = c->ring.cap;
	info->elem_size = c->ring.elem_size;
	info->owner = from_kuid_munged(current_user_ns(), c->user->uid);
	info->len = c->ring.len;
	info->state = chan_state(c) & (CHAN_STATE_CLOSED | CHAN_STATE_REMOVED);
	info->receivers = c->recvq.ends;
	info->senders = c->sendq.ends;
	info->recvq = c->recvq.n;
	info->sendq = c->sendq.n;
	info->sends = c->stats.sends;
	info->receives = c->stats.receives;
	info->handoffs = c->stats.handoffs;
	info->recv_parks = c->stats.recv_parks;
	info->send_parks = c->stats.send_parks;
	info->aborts = c->stats.aborts;
	info->lost = c->stats.lost;
}

/* Likewise, of one that is not locked. */
void chan_get_info(struct chan *c, struct chan_info *info)
{
	spin_lock(&c->lock);
	chan_get_info_locked(c, info);
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
	hlist_for_each_entry(w, &q->list.head, link) {
		if (n == max)
			break;
		parked[n].pid = get_task_pid(w->wait->task, PIDTYPE_PID);
		parked[n].reason = w->wait->reason;
		parked[n].waited = chan_wait_time(w->wait);
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
	u64 waited = 0;

	spin_lock(&c->lock);
	w = hlist_entry_safe(q->list.head.first, struct chan_waiter, link);
	if (w)
		waited = chan_wait_time(w->wait);
	spin_unlock(&c->lock);
	return waited;
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
