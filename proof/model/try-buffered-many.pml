/* SPDX-License-Identifier: GPL-2.0-only */
/* the same with parked partners: a sender, and a select from one channel to the other */
#include "names.pml"

#define TASKS		4
#define CHANS		2
#define CASES		2
#define CAPS(c)		1
#define MOST		1
#define STEPS		2
#define CHECK_SNAPSHOT
#define WITHOUT_POLL
#define PREFILL(c)	c == 1

inline script()
{
	if
	:: me == 0 && step == 0 -> try_two(0, RECV, 1, RECV)
	:: me == 1 && step == 0 -> one(0, SEND)
	:: me == 1 && step == 1 -> one(1, RECV)
	:: me == 2 && step == 0 -> two(0, RECV, 1, SEND)
	:: me == 3 && step == 0 -> try_two(0, SEND, 1, SEND)
	:: else -> skip
	fi
}

#include "chan.pml"
