/* SPDX-License-Identifier: GPL-2.0-only */
/* three selects in a ring on three channels, in any order */
#include "names.pml"

#define TASKS		3
#define CHANS		3
#define CASES		2
#define CAPS(c)		0
#define MOST		1
#define STEPS		1
#define WITHOUT_POLL

inline script()
{
	if
	:: me == 0 -> two(0, SEND, 1, RECV)
	:: me == 1 -> two(1, SEND, 2, RECV)
	:: me == 2 -> two(2, SEND, 0, RECV)
	fi
}

#include "chan.pml"
