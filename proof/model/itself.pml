/* SPDX-License-Identifier: GPL-2.0-only */
/* two selects that send and receive on the same channel, and a receiver */
#include "names.pml"

#define TASKS		3
#define CHANS		1
#define CASES		2
#define CAPS(c)		0
#define MOST		1
#define STEPS		1
#define WITHOUT_POLL

inline script()
{
	if
	:: me < 2 -> two(0, SEND, 0, RECV)
	:: me == 2 -> one(0, RECV)
	fi
}

#include "chan.pml"
