/* SPDX-License-Identifier: GPL-2.0-only */
/* a buffer of two: a sender of two elements, another of one, a receiver */
#include "names.pml"

#define TASKS		3
#define CHANS		1
#define CASES		1
#define CAPS(c)		2
#define MOST		2
#define STEPS		2
#define CHECK_ORDER
#define WITHOUT_POLL

inline script()
{
	if
	:: me == 0 -> one(0, SEND)
	:: me == 1 && step == 0 -> one(0, SEND)
	:: me == 2 -> one(0, RECV)
	:: else -> skip
	fi
}

#include "chan.pml"
