/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a call does between queueing and sleeping: it lingers, for to sleep and to be woken
 * is most of what a rendezvous costs.
 *
 * If others are runnable on its processor, its partner may be among them: it gives way.
 * That is, it calls schedule(), still runnable, which is what cond_resched() does, so it
 * keeps its place among the runnable; yield() would forfeit that.  If it is picked again, it
 * insists a few times, but only now and then if that has been in vain.  Whoever completes it
 * then has nobody to wake.  If its processor has nothing else to do, its partner may be running
 * on another one: it spins, no longer than that has been worth it lately.
 *
 * Each queue of a channel has a habit, from which the next one who waits there learns.  After
 * two misses in a row every other receive does not give way, until it is a hit again; a send
 * always does.  It is a hit only if somebody on this processor completed the call: a runnable
 * task is not moved to a processor that would run it sooner, as one that is woken is.  The time
 * to spin doubles while calls are completed by other processors within the bound that
 * spin_max_us sets, and is 0 as soon as one is not.
 *
 * A habit is a hint, and is read and written without a lock: who loses a race there has
 * guessed badly once.
 *
 * Only ordinary tasks linger.  A real-time task that gives way gets its processor back at
 * once, and one that spins keeps others from it.
 */
#ifndef CHAN_LINGER_H
#define CHAN_LINGER_H

#include <linux/ktime.h>
#include <linux/types.h>

struct chan_wait;

/**
 * struct chan_habit - what lingering at a queue has been like
 * @spin: nanoseconds that the next call may spin.
 * @skip: the next receive does not give way.
 * @misses: in a row, modulo INSIST_AGAIN.
 */
struct chan_habit {
	u32 spin;
	bool skip;
	u8 misses;
};

extern bool chan_gives_way;

void chan_gave_way_in_vain(struct chan_habit *habit);
bool chan_spin(struct chan_wait *wait, ktime_t until);
void chan_linger_learn(const struct chan_wait *wait);

#endif /* CHAN_LINGER_H */
