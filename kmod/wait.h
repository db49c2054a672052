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
 *   chan_ready(): read the task and the      sees CHAN_DONE (acquire): the element
 *     next pointer, then CHAN_DONE (release)   and the result are there, and nobody
 *   wake the task if it was CHAN_ASLEEP;       touches its frame any more
 *     RCU keeps it
 *
 * After CHAN_DONE is stored the waiter's memory may vanish at any time.
 *
 * Before a waiter sleeps it lingers (linger.h), for what it waits for may be at hand.  Until
 * it says CHAN_ASLEEP it will look by itself, and need not be woken.  Why no wake-up is lost
 * from then on: both sides store, then look.
 *
 *   waiter                                   waker
 *   ------                                   -----
 *   queue the waiter, unlock                 claim it
 *   CHAN_AWAKE -> CHAN_ASLEEP, or see        CHAN_AWAKE -> CHAN_DONE, or see
 *     CHAN_DONE                                CHAN_ASLEEP, and then:
 *   state = INTERRUPTIBLE  (full barrier)    CHAN_DONE
 *   if (not CHAN_DONE)                       wake_up_process()  (full barrier,
 *       schedule()                             then looks at the state)
 *
 * Of the two exchanges one comes first.  If it is the waker's, the waiter does not sleep.
 * If it is the waiter's, then either the waiter sees CHAN_DONE later, or the waker sees the
 * state and makes it runnable.
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
#include <linux/lockdep.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct chan;
struct chan_blocking;
struct chan_g;
struct chan_elem;
struct chan_pinned;
struct chan_queue;

/* Do not park.  KTIME_MAX stands for: as long as it takes. */
#define CHAN_NOWAIT		((ktime_t)-1)

/* Who has won a wait, if it is not one of its cases. */
#define CHAN_NO_WINNER		(-1)
#define CHAN_ABORTED		(-2)

/* How far a wait has come. */
enum chan_progress {
	CHAN_AWAKE,		/* its task has not gone to sleep, and will look again */
	CHAN_ASLEEP,		/* its task is to be woken */
	CHAN_DONE,		/* the completer is finished with it and all its waiters */
};

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
 * @progress: enum chan_progress.
 * @kicked: a timer among its channels was set anew: look at the clock.
 * @deadlocked: nobody else could complete it, so it was aborted by deadlock.c.
 * @timed: there are channels with timers among those it waits for.
 * @passing: it will not park: a select that only wants to know of all its cases at one
 *	moment that none is ready.
 * @parked: it is queued to stay, from chan_wait_parked() to chan_wait_over().
 * @queued: all its entries are: nothing but others can go on with it.
 * @elsewhere: it was completed by another processor.
 * @reason: why the task sleeps: enum chan_wait_reason.
 * @task: whom to wake.
 * @g: the goroutine that it is, if it is one, while @parked.
 * @how: the call, from chan_wait_parked() on.
 * @since: when it parked, as chan_clock() has it: see chan_wait_since().  0 while it
 *	gives way or spins, if nobody watches: looking at a clock is a good part of what that saves.
 * @done_at: when it was completed, likewise, if it slept and @elsewhere is true; or 0.  Of
 *	no meaning before chan_spin().
 * @waiters: its entries.
 * @n: how many.
 */
struct chan_wait {
	spinlock_t lock; /* the winner and its result */
	int winner;
	int result;
	int progress;
	bool kicked;
	bool deadlocked;
	bool timed;
	bool passing;
	bool parked;
	bool queued;
	bool elsewhere;
	u8 reason;
	struct task_struct *task;
	struct chan_g *g;
	const struct chan_blocking *how;
	u64 since;
	u64 done_at;
	struct chan_waiter *waiters;
	unsigned int n;
};

/**
 * struct chan_waiter - an entry of a blocked call in the queue of a channel
 * @link: in the queue, once it has been queued; empty when it is in none any more.
 * @next: on the list of who has claimed it.
 * @wait: the blocked call.
 * @chan: the channel.
 * @queue: the queue of @chan that it is for.
 * @index: its place among the entries of the call.
 * @scase: which of the call's cases it is for; a select shuffles its entries.
 * @room: receiver: longest element that it takes.  Sender: length of its element.
 * @elem: sender: the element to be sent.  Receiver: where it goes.
 * @pinned: receiver: its memory, if a sender can copy to it (pin.h).  Otherwise NULL.
 */
struct chan_waiter {
	struct hlist_node link;
	struct chan_waiter *next;
	struct chan_wait *wait;
	struct chan *chan;
	struct chan_queue *queue;
	u16 index;
	u16 scase;
	u32 room;
	struct chan_elem *elem;
	struct chan_pinned *pinned;
};

/**
 * struct chan_single - a blocked call that waits in one queue only
 * @wait: the call.
 * @w: its entry.
 */
struct chan_single {
	struct chan_wait wait;
	struct chan_waiter w;
};

/**
 * chan_wait_init() - prepare a wait of the current task
 * @wait: the wait.
 * @reason: what for.
 * @waiters: its entries, each to be set up by chan_waiter_init().
 * @n: how many.
 */
static __always_inline void chan_wait_init(struct chan_wait *wait, enum chan_wait_reason reason,
					   struct chan_waiter *waiters, unsigned int n)
{
	spin_lock_init(&wait->lock);
	wait->winner = CHAN_NO_WINNER;
	wait->result = 0;
	wait->progress = CHAN_AWAKE;
	wait->kicked = false;
	wait->deadlocked = false;
	wait->timed = false;
	wait->passing = false;
	wait->parked = false;
	wait->queued = false;
	wait->elsewhere = false;
	wait->reason = reason;
	wait->task = current;
	wait->g = NULL;
	wait->since = 0;
	wait->waiters = waiters;
	wait->n = n;
}

/**
 * chan_claim() - begin to complete a wait
 * @wait: somebody's wait with an entry in a queue whose lock is held; or one's own.
 *
 * Return: true with the wait locked, to be followed by chan_claim_commit() or
 * chan_claim_cancel(); false if it has a winner already.
 */
static __always_inline bool chan_claim(struct chan_wait *wait)
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

/**
 * chan_claim_commit() - make this entry the one that its wait ends with
 * @w: the entry, claimed.  If it is somebody else's, it was taken off its queue, and
 *	goes to chan_ready() once the queue's lock is dropped.
 * @result: what the blocked call is told: 0, -EPIPE, -EIDRM, -EMSGSIZE.
 */
static __always_inline void chan_claim_commit(struct chan_waiter *w, int result)
{
	struct chan_wait *wait = w->wait;

	lockdep_assert_held(&wait->lock);
	__acquire(&wait->lock);
	WRITE_ONCE(wait->winner, w->index);
	wait->result = result;
	spin_unlock(&wait->lock);
}

/**
 * chan_claim_cancel() - leave a claimed wait as it was
 * @wait: the wait.
 */
static inline void chan_claim_cancel(struct chan_wait *wait)
{
	lockdep_assert_held(&wait->lock);
	__acquire(&wait->lock);
	spin_unlock(&wait->lock);
}

void __chan_wait_parked(struct chan_wait *wait, const struct chan *c);
void chan_start_clock(struct chan_wait *wait);
void __chan_wait_over(const struct chan_wait *wait, int result);

static __always_inline bool chan_wait_is_done(const struct chan_wait *wait)
{
	/* Pairs with the exchange in chan_finish(). */
	return smp_load_acquire(&wait->progress) == CHAN_DONE;
}

int chan_claim_both(struct chan_wait *wait, struct chan_wait *own);
bool chan_abort(struct chan_wait *wait);
void chan_fail_deadlocked(struct chan_wait *wait);
bool chan_has_winner(const struct chan_wait *wait);

int __chan_park(struct chan_wait *wait, ktime_t until);
int chan_await(struct chan_wait *wait);
u64 chan_wait_time(const struct chan_wait *wait);
ktime_t chan_wait_since(const struct chan_wait *wait);
void chan_finish_asleep(struct chan_wait *wait, bool here);

ktime_t __chan_deadline(u64 ns);

/**
 * chan_deadline() - the kernel's idea of a deadline given by the current task
 * @ns: absolute CLOCK_MONOTONIC time as the task's time namespace shows it, in
 *	nanoseconds.
 *
 * Return: the time for chan_park(); KTIME_MAX if it is too far away to come.
 */
static inline ktime_t chan_deadline(u64 ns)
{
	return likely(ns >= KTIME_MAX) ? KTIME_MAX : __chan_deadline(ns);
}

u64 chan_user_time(ktime_t time);
const char *chan_wait_reason(enum chan_wait_reason reason);

#endif /* CHAN_WAIT_H */
