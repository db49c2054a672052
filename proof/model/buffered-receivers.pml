/* SPDX-License-Identifier: GPL-2.0-only */
/* a buffer of one: two receivers, of whom one gets a signal, and a sender of two elements */
#include "names.pml"

#define TASKS		3
#define CHANS		1
#define CASES		1
#define CAPS(c)		1
#define MOST		1
#define STEPS		2
#define CHECK_ORDER
#define WITHOUT_POLL
#define SIGNALLED(t)	t == 1

inline script()
{
	if
	:: me == 0 -> one(0, SEND)
	:: me > 0 && step == 0 -> one(0, RECV)
	:: else -> skip
	fi
}

#include "chan.pml"
