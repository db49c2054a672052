/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Goroutines that nobody can ready any more.
 *
 * The question is asked of references.  A parked goroutine is stuck if it has no deadline, and
 * everything that refers to the channels it waits on is known, and of no use: the call of a
 * goroutine that is stuck itself, or an entry in the descriptor table of a process whose
 * threads are all stuck goroutines.  So at first everybody who waits for ever is taken to be
 * stuck, and what they refer to is counted.  Who waits on a channel to which there are other
 * references is taken out.  As in the marking of a garbage collector, that spreads: to the
 * channels which that one refers to by its call, or by the table of its process, and to who
 * waits on these.  What remains is stuck, as each would have to be readied by another one of
 * them.  Each reference is followed once.
 *
 * To be sure of that:
 *	- Whatever cannot be explained is taken for somebody who could ready: the references
 *	  of a file and of a channel are counted, and must be as many as were found.
 *	- A goroutine counts only if it was asleep, in the same call, all the time: until what
 *	  it refers to was followed, if it was taken out, and else to the end.  If not, the look
 *	  is void.  As those who are stuck do nothing meanwhile, and nobody else has a
 *	  reference, none can appear.
 *	- Who is found in a first look has to be found in a second one too.
 *	- Who could handle a signal or a completion of io_uring is not stuck; and a process
 *	  that has timers of its own is not stuck as a whole.
 *
 * A reference that is made out of nothing, as by pidfd_getfd(2) or a debugger, is not foreseen.
 */
#ifndef CHAN_STUCK_H
#define CHAN_STUCK_H

#include <linux/ktime.h>
#include <linux/mutex.h>

struct chan_domain;
struct chan_g;

/* Held while somebody uses what was found. */
extern struct mutex chan_stuck_mutex;

int chan_find_stuck(ktime_t asked);
bool chan_is_stuck(const struct chan_g *g);
bool chan_was_busy(const struct chan_domain *domain);
bool chan_is_deadlocked(struct chan_domain *domain);

#endif /* CHAN_STUCK_H */
