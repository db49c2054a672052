/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The objects of the module and the functions which work on them.
 *
 * Objects and owners
 * ------------------
 * struct chan		A channel: a ring of buffered elements and two queues of
 *			waiters.  Counted.  Each open file description holds a
 *			reference, and so does the name, until it is removed.
 * struct chan_file	What one open file description knows (file.c).
 * struct chan_node	The device node of a named channel (node.c).  It belongs
 *			to its channel, and goes with its last reference.
 * struct chan_user	What one user has in use (limits.c).  Counted.  Held by
 *			what is charged to it.
 * struct chan_wait	One blocked call, and struct chan_waiter, one entry of it
 *			in a queue (wait.h).  Both live in the blocked call's
 *			stack frame, but for those of a large select: parking
 *			allocates nothing.
 * struct chan_timer	The time of a channel that has one (timer.h).  It belongs to
 *			its channel.
 * struct chan_elem	An element under way (elem.h).
 * struct chan_habit	Whether waits at a queue have been short (linger.h).
 * struct chan_ring	The buffered elements (ring.h), part of the channel.
 *
 * Life of an element
 * ------------------
 * A send copies it out of user memory before it takes the channel's lock, and
 * owns it until it is handed over: to the oldest parked receiver, or else into
 * the ring.  With neither possible the sender parks, and its element waits with
 * it.  A receive takes the oldest element of the ring, whose place goes to the
 * element of the oldest parked sender, or with an empty ring that sender's
 * element itself.  With neither there the receiver parks, and a later sender
 * fills the element in its frame.  So whoever comes second completes the
 * operation of both, newcomers never overtake a parked task, and what was parked
 * never has to compete again after its wake-up.
 *
 * Locks
 * -----
 *	chan_stuck_mutex	who is stuck (stuck.c)
 *	  chan_domain.lock	the goroutines of a process
 *	    domains_lock	the list of all processes that have some (g.c)
 *	    watch_lock		whether a look for a deadlock is due (deadlock.c)
 *	adding_up		one adds up the counters of all channels (metrics.c)
 *	chan_node_mutex		names and minors (node.c)
 *	chan_rest.lock		the rest of a message (file.c); held while parked
 *	  chan.lock		everything in struct chan below it
 *	    chan_wait.lock	who completes a wait (wait.h); two of them in the order
 *				of their addresses
 *	    chan_g.lock		what a goroutine waits for (g.h)
 *	channels_lock		the list of all channels (object.c)
 *	  totals_lock		the counters of those that died (metrics.c)
 *
 * chan.lock and channels_lock are taken under chan_stuck_mutex too.  Under
 * chan_domain.lock the locks of a task and of its descriptor table are taken,
 * which are those of the kernel.
 *
 * None is taken in an interrupt.  A task holds one channel's lock at a time, and
 * while it holds one it does not sleep, does not allocate, and wakes nobody: what
 * it has completed it collects on a list and readies after it has unlocked.
 * User memory is touched under the lock with page faults disabled only.
 *
 * Invariants, whenever the lock is free
 * -------------------------------------
 *	I1	One of the two queues is empty, or both hold a select that sends and
 *		receives here, or one that does not block and is about to leave.
 *	I2	Buffered: elements in the ring mean that no receiver is parked, and
 *		free room in the ring means that no sender is.
 *	I3	len <= cap, and the ring's send index is (recv index + len) mod cap.
 *	I4	CLOSED and REMOVED are set once and stay.  From then on nobody
 *		parks, and who was parked is about to be completed.
 *	I5	A parked operation is completed exactly once, by who claimed it.
 */
#ifndef CHAN_H
#define CHAN_H

#include <linux/bits.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/poll.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/chan.h>

#include "elem.h"
#include "fifo.h"
#include "limits.h"
#include "linger.h"
#include "ring.h"
#include "wait.h"

struct chan_node;
struct chan_pinned;
struct chan_timer;
struct chan_waits;
struct pid;

/* A state of ours beside CHAN_STATE_CLOSED and CHAN_STATE_REMOVED: AUTOCLOSE closed it when
 * its last receiver went.
 */
#define CHAN_DESERTED		BIT(8)

/**
 * struct chan_queue - parked tasks, oldest first, and who might park here
 * @list: of struct chan_waiter, through its link.
 * @n: entries of @list.  Includes those whose owner has gone elsewhere and has
 *	not yet come to unqueue them.
 * @ends: open file descriptions which are an end that may receive, or send.
 * @passing: entries of selects that do not block.  They are here while such a select
 *	finds out that nothing is ready, and are served after those of @list.
 * @habit: whether it has been worth to linger before sleeping here.
 */
struct chan_queue {
	struct chan_fifo list;
	unsigned int n;
	u32 ends;
	struct chan_fifo passing;
	struct chan_habit habit;
};

/**
 * struct chan_stats - what has happened on a channel, for people who watch it
 * @sends: elements sent.
 * @receives: elements received.
 * @handoffs: elements that never were in the ring.
 * @recv_parks: times a receiver parked.
 * @send_parks: times a sender parked.
 * @aborts: parks that a signal or a deadline ended.
 * @lost: elements whose receiver could not write them to its memory any more.
 */
struct chan_stats {
	u64 sends;
	u64 receives;
	u64 handoffs;
	u64 recv_parks;
	u64 send_parks;
	u64 aborts;
	u64 lost;
};

/**
 * struct chan_found - what stuck.c has found of a channel's references
 * @count: in which count; in another one the rest is void.
 * @unexplained: references to its files that are not accounted for, less its files.
 * @next_left: of those whose queues are to be followed.
 */
struct chan_found {
	u32 count;
	s32 unexplained;
	struct chan *next_left;
};

/**
 * struct chan - a channel
 * @lock: guards all that follows down to the constant part.
 * @state: CHAN_STATE_CLOSED, CHAN_STATE_REMOVED, CHAN_DESERTED.
 * @flags: CHAN_MESSAGE, CHAN_AUTOCLOSE, CHAN_NAMED, CHAN_TIMER.  Constant.
 * @entries: in both queues, those that are passing too.
 * @refs: references.
 * @ring: the buffered elements.
 * @recvq: parked receivers.
 * @sendq: parked senders.
 * @cursor: the next entry for one who goes through a queue in several steps, or NULL: timer.c
 *	through the recvq of a timer, stuck.c through the queues of a channel that is none.
 * @stats: counters.
 * @poll: who polls.  Added to without @lock, but looked at under it: see
 *	chan_is_polled().
 * @timer: its time, if it has one.  Constant, as all below.
 * @id: unique number.
 * @user: who made it.
 * @node: its device node, if it has a name.
 * @found: for stuck.c, guarded by its mutex.
 * @by_id: among all channels.  Not constant, but guarded by the lock of that list.
 * @waits: how long calls wait for it, if that is recorded.  Set once, at any time; what it
 *	points to is guarded by @lock.
 */
struct chan {
	spinlock_t lock; /* the state, the ring, the queues and the counts */
	u16 state;
	u16 flags;
	u32 entries;
	struct kref refs;
	struct chan_ring ring;
	struct chan_queue recvq;
	struct chan_queue sendq;
	struct hlist_node *cursor;
	struct chan_stats stats;
	wait_queue_head_t poll;

	struct chan_timer *timer;
	u64 id;
	struct chan_user *user;
	struct chan_node *node;
	struct chan_found found;
	struct rb_node by_id;
	struct chan_waits *waits;
};

/**
 * struct chan_blocking - whether and how long a call may block, and where it waits
 * @until: end of its patience, as chan_deadline() gives it; CHAN_NOWAIT not to
 *	park at all, KTIME_MAX for ever.
 * @parks: how often it parked; counted up.
 * @entry: to be queued when the operation is not possible yet, or NULL.  Each attempt sets
 *	it.
 * @own: the entry of a select for this channel, when it waits on others already: then
 *	nothing is completed without a claim of its own wait.  NULL otherwise.
 * @file: the descriptor on which the call was made.
 * @held: other files to which the call has taken references.
 * @n_held: how many.
 */
struct chan_blocking {
	ktime_t until;
	unsigned int parks;
	struct chan_waiter *entry;
	struct chan_waiter *own;
	struct file *file;
	struct file **held;
	unsigned int n_held;
};

/* Field by field: to clear all of it first takes longer. */
static __always_inline void chan_blocking_init(struct chan_blocking *how, ktime_t until,
					       struct file *file)
{
	how->until = until;
	how->parks = 0;
	how->own = NULL;
	how->file = file;
	how->held = NULL;
	how->n_held = 0;
}

/**
 * struct chan_news - what others have to be told of what was done under the lock
 * @ready: whose operations were completed.
 * @last: the end of that list.
 * @here: the caller is about to block: see chan_ready().
 * @events: for pollers, if there are any.
 */
struct chan_news {
	struct chan_waiter *ready;
	struct chan_waiter **last;
	bool here;
	__poll_t events;
};

/* Events for who polls. */
#define CHAN_POLL_RECV		(EPOLLIN | EPOLLRDNORM)
#define CHAN_POLL_SEND		(EPOLLOUT | EPOLLWRNORM)

#define CHAN_NEWS_INIT(name)	{ .last = &(name).ready }

/* How many of each queue fdinfo shows. */
#define CHAN_SHOWN		8

/**
 * struct chan_parked - a parked task, as others see it
 * @pid: the task.
 * @reason: why it sleeps.
 * @waited: for how long, in nanoseconds.
 */
struct chan_parked {
	struct pid *pid;
	enum chan_wait_reason reason;
	u64 waited;
};

/* All channels, each with a reference while it is looked at: see chan_next(). */
#define chan_for_each(c)	\
	for ((c) = chan_next(NULL); (c); (c) = chan_next(c))

/**
 * chan_waiter_init() - prepare an entry of a wait
 * @w: the entry, one of those of @wait.
 * @wait: the wait.
 * @c: the channel.
 * @send: whether it sends there.
 * @elem: what to send, or where to receive to.
 * @room: bytes to send, or longest element to receive.
 */
static inline void chan_waiter_init(struct chan_waiter *w, struct chan_wait *wait, struct chan *c,
				    bool send, struct chan_elem *elem, u32 room)
{
	w->wait = wait;
	w->chan = c;
	w->queue = send ? &c->sendq : &c->recvq;
	w->index = w - wait->waiters;
	w->scase = 0;
	w->elem = elem;
	w->pinned = NULL;
	w->room = room;
}

/**
 * chan_single_init() - prepare a wait in one queue
 * @s: the wait and its entry.
 * @c: the channel.
 * @send: whether it sends there.
 * @elem: what to send, or where to receive to.
 * @room: bytes to send, or longest element to receive.
 */
static __always_inline void chan_single_init(struct chan_single *s, struct chan *c, bool send,
					     struct chan_elem *elem, u32 room)
{
	chan_wait_init(&s->wait, send ? CHAN_WAIT_SEND : CHAN_WAIT_RECV, &s->w, 1);
	chan_waiter_init(&s->w, &s->wait, c, send, elem, room);
}

/* Whether an entry is a sender's. */
static inline bool chan_sends(const struct chan_waiter *w)
{
	return w->queue == &w->chan->sendq;
}

/* Elements in the ring, at some moment. */
static inline u32 chan_len(const struct chan *c)
{
	return READ_ONCE(c->ring.len);
}

/**
 * chan_looks_ready() - whether a send or a receive is worth an attempt
 * @c: the channel.
 * @send: which of the two.
 *
 * No lock is taken, so what it says may be wrong when it is used; who queues looks again
 * under the lock.  But if it says no, there was a moment at which the operation was not
 * possible: what makes it impossible goes away only in making it possible, or by the end of
 * the channel, which is looked at last.
 *
 * Return: whether it is.
 */
static inline bool chan_looks_ready(const struct chan *c, bool send)
{
	const struct chan_queue *partners = send ? &c->recvq : &c->sendq;

	if (send ? chan_ring_has_room(&c->ring) : chan_len(c))
		return true;
	if (READ_ONCE(c->entries) &&
	    (!chan_fifo_is_empty(&partners->list) || !chan_fifo_is_empty(&partners->passing)))
		return true;
	smp_rmb(); /* the above before the state */
	return READ_ONCE(c->state) || c->timer;
}

/**
 * chan_may_park() - whether a call that found nothing may park
 * @how: how long it may block.
 *
 * Return: 0, or why not: -EAGAIN or -ETIMEDOUT.
 */
static inline int chan_may_park(const struct chan_blocking *how)
{
	if (likely(how->until == KTIME_MAX))
		return 0;
	if (how->until == CHAN_NOWAIT)
		return -EAGAIN;
	return ktime_get() >= how->until ? -ETIMEDOUT : 0;
}

/* object.c */
struct chan *chan_new(u32 flags, u32 elem_size, u64 cap);
void chan_get(struct chan *c);
void chan_put(struct chan *c);
struct chan *chan_next(struct chan *prev);
struct chan *chan_from(u64 id);
u64 chan_made(void);
void chan_get_info_locked(const struct chan *c, struct chan_info *info);
void chan_get_info(struct chan *c, struct chan_info *info);
int chan_list_parked(struct chan *c, const struct chan_queue *q,
		     struct chan_parked *parked, int max);
u64 chan_oldest_wait(struct chan *c, struct chan_queue *q);
int chan_object_init(void);
void chan_object_exit(void);

/* core.c, with core.h */
void chan_lock_settled(struct chan *c, struct chan_news *news) __acquires(c->lock);
void chan_leave(struct chan_waiter *w, bool aborted);
int chan_close(struct chan *c);
void chan_remove(struct chan *c);
void chan_fire(struct chan *c);
void chan_add_end(struct chan *c, fmode_t mode);
void chan_drop_end(struct chan *c, fmode_t mode);

/* xfer.c */
int chan_send(struct chan *c, struct chan_elem *elem, struct chan_blocking *how);
struct chan_pinned *chan_send_copy_once(struct chan *c, struct chan_user *guess,
					const void __user *addr, u32 len, struct chan_news *news);
int chan_send_copy(struct chan *c, struct chan_user *guess, const void __user *addr, u32 len);
int chan_recv(struct chan *c, struct chan_dest *dest, struct chan_blocking *how);

int chan_send_attempt(struct chan *c, struct chan_elem *elem, struct chan_blocking *how,
		      struct chan_waiter *w);
int chan_recv_attempt(struct chan *c, struct chan_dest *dest, struct chan_blocking *how,
		      struct chan_waiter *w);
int chan_count_lost(struct chan *c, int ret);

/* poll.c */
int chan_gone(struct chan *c);
bool chan_has_ended(const struct chan *c);
u32 chan_state(const struct chan *c);
const char *chan_state_name(u32 state);
__poll_t chan_poll_events(struct chan *c, fmode_t mode);

#endif /* CHAN_H */
