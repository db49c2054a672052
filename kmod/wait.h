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
 */
#ifndef CHAN_WAIT_H
#define CHAN_WAIT_H

#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct chan_elem;
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
};

/**
 * struct chan_wait - one blocked call
 * @lock: makes claiming atomic; guards @winner and @result.
 * @winner: index of the case that was completed, or one of the above.
 * @result: 0 or a negative errno for that case.
 * @done: the completer is finished with this wait and all its waiters.
 * @reason: why the task sleeps.
 * @task: whom to wake.
 * @since: when it parked, CLOCK_MONOTONIC.
 */
struct chan_wait {
	spinlock_t lock; /* the winner and its result */
	int winner;
	int result;
	bool done;
	enum chan_wait_reason reason;
	struct task_struct *task;
	ktime_t since;
};

/**
 * struct chan_waiter - an entry of a blocked call in the queue of a channel
 * @link: in the queue; empty when it is in none; on the claimer's list once it
 *	is claimed, and then not the owner's to touch.
 * @wait: the blocked call.
 * @index: which of the call's cases this is.
 * @room: receiver: longest element that it takes.
 * @elem: sender: the element to be sent.  Receiver: where it goes.
 */
struct chan_waiter {
	struct list_head link;
	struct chan_wait *wait;
	int index;
	u32 room;
	struct chan_elem *elem;
};

void chan_wait_init(struct chan_wait *wait, enum chan_wait_reason reason);
void chan_waiter_init(struct chan_waiter *w, struct chan_wait *wait, int index,
		      struct chan_elem *elem, u32 room);

bool chan_claim(struct chan_waiter *w);
void chan_claim_commit(struct chan_waiter *w, int result, struct list_head *ready);
void chan_claim_cancel(struct chan_waiter *w);

int chan_park(struct chan_wait *wait, ktime_t until);
void chan_ready(struct list_head *ready);

ktime_t chan_deadline(u64 ns);
const char *chan_wait_reason(enum chan_wait_reason reason);

#endif /* CHAN_WAIT_H */
