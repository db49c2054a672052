/* SPDX-License-Identifier: GPL-2.0-only */
/* a select that does not block, while an element comes to one channel before the other loses its own */
#include "names.pml"

#define TASKS		2
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
	:: me == 1 && step == 0 -> try_one(0, SEND)
	:: me == 1 && step == 1 -> try_one(1, RECV)
	:: else -> skip
	fi
}

#include "chan.pml"
