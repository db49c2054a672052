/* SPDX-License-Identifier: GPL-2.0-only */
/* two selects that face each other and have deadlines; and a receiver */
#include "names.pml"

#define TASKS		3
#define CHANS		2
#define CASES		2
#define CAPS(c)		0
#define MOST		1
#define STEPS		1
#define WITHOUT_POLL
#define HURRIED(t)	t < 2

inline script()
{
	if
	:: me == 0 -> two(0, SEND, 1, RECV)
	:: me == 1 -> two(0, RECV, 1, SEND)
	:: me == 2 -> one(0, RECV)
	fi
}

#include "chan.pml"
