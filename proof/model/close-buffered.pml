/* SPDX-License-Identifier: GPL-2.0-only */
/* a close of a full buffer with a parked sender; a receiver drains it */
#include "names.pml"

#define TASKS		3
#define CHANS		1
#define CASES		1
#define CAPS(c)		1
#define MOST		1
#define STEPS		2
#define WITHOUT_POLL
#define PREFILL(c)	1
#define BATCH		1
#define CHECK_ORDER

inline script()
{
	if
	:: me == 0 && step == 0 -> one(0, SEND)
	:: me == 1 -> one(0, RECV)
	:: me == 2 && step == 0 -> closing(0)
	:: else -> skip
	fi
}

#include "chan.pml"
