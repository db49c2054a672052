/* SPDX-License-Identifier: GPL-2.0-only */
/* a receive that does not block from a buffer that is never empty */
#include "names.pml"

#define TASKS		3
#define CHANS		1
#define CASES		1
#define CAPS(c)		1
#define MOST		1
#define STEPS		1
#define CHECK_SNAPSHOT
#define PREFILL(c)	1

inline script()
{
	if
	:: me == 0 -> try_one(0, RECV)
	:: me == 1 -> one(0, RECV)
	:: me == 2 -> one(0, SEND)
	fi
}

#include "chan.pml"
