/* SPDX-License-Identifier: GPL-2.0-only */
/* the same, with a buffer and a sender that parks */
#include "names.pml"

#define TASKS		3
#define CHANS		1
#define CASES		1
#define CAPS(c)		1
#define MOST		1
#define STEPS		1
#define WITHOUT_POLL
#define MISSING(t)	1
#define PREFILL(c)	1
#define CHECK_ORDER

inline script()
{
	if
	:: me == 0 -> one(0, SEND)
	:: me > 0 -> one(0, RECV)
	fi
}

#include "chan.pml"
