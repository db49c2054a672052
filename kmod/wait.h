/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parking and readying: what Go calls gopark and goready.
 *
 * A blocked call is a struct chan_wait.  In each queue where something could end
 * it, it has a struct chan_waiter (Go's sudog).  To complete the call one has to
 * claim it, that is, be the one who makes it the winner's; a signal or a
 * deadline must win in the same way.  Claimed is not finished:
 *
 *   the claimer, under the queue's lock      the waiter, whatever wakes it
 *   -----------------------------------      -----------------------------
 *   chan_claim(): lock the wait, see that
 *     there is no winner yet
 *   take the waiter off its queue,           finds a winner: neither a signal nor
 *     move the element                         a deadline may end the wait now,
 *   chan_claim_commit(): set winner and        so it waits until it is done
 *     result, unlock the wait
 *   ... unlock the queue ...
 *   chan_ready(): read the task and the      sees done (acquire): the element and
 *     next pointer, then done (release)        the result are there, and nobody
 *   wake the task, which RCU keeps             touches its frame any more
 *
 * After the release of done the waiter's memory may vanish at any time.
 *
 * Why no wake-up is lost: both sides store, then look.
 *
 *   waiter                                   waker
 *   ------                                   -----
 *   queue the waiter, unlock                 claim it
 *   state = INTERRUPTIBLE  (full barrier)    done = true
 *   if (!done)                               wake_up_process()  (full barrier,
 *       schedule()                             then looks at the state)
 *
 * Either the waiter sees done, or the waker sees the state and makes it runnable.
 *
 * A select is one wait with an entry for each case.  While it queues them, one after the
 * other, those that are queued may be completed already.  So from the second one on,
 * whatever else it would complete takes a claim of its own wait as well: both or neither.
 * Two selects that meet in this way lock both waits in the order of their addresses:
 *
 *   select S, queued on a, looks at b        select T, queued on b, looks at a
 *   ---------------------------------        ---------------------------------
 *   lock b, chan_claim(S)                    lock a, chan_claim(T)
 *   finds T's entry in b                     finds S's entry in a
 *   chan_claim_both(T, S): unlock S,         chan_claim_both(S, T): unlock T,
 *     lock the lower, then the higher          lock the lower, then the higher
 *   neither has a winner: both have          S or T has a winner: complete nothing
 */
#ifndef CHAN_WAIT_H
#define CHAN_WAIT_H

#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct chan;
struct chan_blocking;
struct chan_g;
struct chan_elem;
struct chan_queue;
struct task_struct;

/* Do not park.  KTIME_MAX stands for: as long as it takes. */
#define CHAN_NOWAIT		((ktime_t)-1)

/* Who has won a wait, if it is not one of its cases. */
#define CHAN_NO_WINNER		(-1)
#define CHAN_ABORTED		(-2)

/* What a wait is for. */
enum chan_wait_reason {
	CHAN_WAIT_RECV,
	CHAN_WAIT_SEND,
	CHAN_WAIT_SELECT,
	CHAN_WAIT_SELECT_NONE,
};

/**
 * struct chan_wait - one blocked call
 * @lock: makes claiming atomic; guards @winner and @result.
 * @winner: index of the entry that was completed, or one of the above.
 * @result: 0 or a negative errno for that case.
 * @done: the completer is finished with this wait and all its waiters.
 * @kicked: a timer among its channels was set anew: look at the clock.
 * @deadlocked: nobody else could complete it, so it was aborted by deadlock.c.
 * @timed: there are channels with timers among those it waits for.
 * @passing: it will not park: a select that only wants to know of all its cases at one
 *	moment that none is ready.
 * @asleep: all its entries are queued; set by chan_park().
 * @parked: it is queued to stay, from chan_wait_parked() to chan_wait_over().
 * @reason: why the task sleeps.
 * @task: whom to wake.
 * @g: the goroutine that it is, if it is one, while @parked.
 * @how: the call, from chan_wait_parked() on.
 * @since: when it parked, CLOCK_MONOTONIC.
 * @waiters: its entries.
 * @n: how many.
 */
struct chan_wait {
	spinlock_t lock; /* the winner and its result */
	int winner;
	int result;
	bool done;
	bool kicked;
	bool deadlocked;
	bool timed;
	bool passing;
	bool asleep;
	bool parked;
	enum chan_wait_reason reason;
	struct task_struct *task;
	struct chan_g *g;
	const struct chan_blocking *how;
	ktime_t since;
	struct chan_waiter *waiters;
	unsigned int n;
};

/**
 * struct chan_waiter - an entry of a blocked call in the queue of a channel
 * @link: in the queue; empty when it is in none; on the claimer's list once it
 *	is claimed, and then not the owner's to touch.
 * @wait: the blocked call.
 * @chan: the channel.
 * @queue: the queue of @chan that it is for.
 * @index: its place among the entries of the call.
 * @scase: which of the call's cases it is for; a select shuffles its entries.
 * @room: receiver: longest element that it takes.  Sender: length of its element.
 * @elem: sender: the element to be sent.  Receiver: where it goes.
 */
struct chan_waiter {
	struct list_head link;
	struct chan_wait *wait;
	struct chan *chan;
	struct chan_queue *queue;
	u16 index;
	u16 scase;
	u32 room;
	struct chan_elem *elem;
};

void chan_wait_init(struct chan_wait *wait, enum chan_wait_reason reason,
		    struct chan_waiter *waiters, unsigned int n);
void chan_waiter_init(struct chan_waiter *w, struct chan_wait *wait, struct chan *c, bool send,
		      struct chan_elem *elem, u32 room);
void chan_wait_parked(struct chan_wait *wait, const struct chan *c,
		      const struct chan_blocking *how);
void chan_wait_over(struct chan_wait *wait, int result);

bool chan_claim(struct chan_wait *wait);
int chan_claim_both(struct chan_wait *wait, struct chan_wait *own);
void chan_claim_commit(struct chan_waiter *w, int result);
void chan_claim_cancel(struct chan_wait *wait);
bool chan_abort(struct chan_wait *wait);
void chan_fail_deadlocked(struct chan_wait *wait);
bool chan_has_winner(const struct chan_wait *wait);

int chan_park(struct chan_wait *wait, ktime_t until);
int chan_await(struct chan_wait *wait);
void chan_ready(struct list_head *ready);

ktime_t chan_deadline(u64 ns);
u64 chan_user_time(ktime_t time);
const char *chan_wait_reason(enum chan_wait_reason reason);

#endif /* CHAN_WAIT_H */
