/* SPDX-License-Identifier: GPL-2.0-only */
/* a full buffer of one, two senders that park, one of whom gets a signal; two receives */
#include "names.pml"

#define TASKS		3
#define CHANS		1
#define CASES		1
#define CAPS(c)		1
#define MOST		1
#define STEPS		2
#define CHECK_ORDER
#define WITHOUT_POLL
#define PREFILL(c)	1
#define SIGNALLED(t)	t == 0

inline script()
{
	if
	:: me < 2 && step == 0 -> one(0, SEND)
	:: me == 2 -> one(0, RECV)
	:: else -> skip
	fi
}

#include "chan.pml"
