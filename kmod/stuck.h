/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Goroutines that nobody can ready any more.
 *
 * The question is asked of references.  A parked goroutine is stuck if it has no deadline, and
 * everything that refers to the channels it waits on is known, and of no use: the call of a
 * goroutine that is stuck itself, or an entry in the descriptor table of a process whose
 * threads are all stuck goroutines.  So at first everybody who waits for ever is taken to be
 * stuck, and who turns out not to be is taken out, until nothing changes any more.  What
 * remains is stuck, as each would have to be readied by another one of them.
 *
 * To be sure of that:
 *	- Whatever cannot be explained is taken for somebody who could ready: the references
 *	  of a file and of a channel are counted, and must be as many as were found.
 *	- A goroutine counts only if it was asleep, in the same call, all the time: a look that
 *	  does not find it so at the end, and a second look after it, is void.  As those who
 *	  are stuck do nothing meanwhile, and nobody else has a reference, none can appear.
 *	- Who could handle a signal or a completion of io_uring is not stuck; and a process
 *	  that has timers of its own is not stuck as a whole.
 *
 * A reference that is made out of nothing, as by pidfd_getfd(2) or a debugger, is not foreseen.
 */
#ifndef CHAN_STUCK_H
#define CHAN_STUCK_H

#include <linux/mutex.h>

struct chan_domain;

/* Held while somebody uses what was found: chan_g.stuck. */
extern struct mutex chan_stuck_mutex;

void chan_find_stuck(void);
bool chan_is_deadlocked(struct chan_domain *domain);

#endif /* CHAN_STUCK_H */
