/* SPDX-License-Identifier: GPL-2.0-only */
/* a close while two selects face each other on the channel that ends and on another */
#include "names.pml"

#define TASKS		3
#define CHANS		2
#define CASES		2
#define CAPS(c)		0
#define MOST		1
#define STEPS		1
#define WITHOUT_POLL

inline script()
{
	if
	:: me == 0 -> two(0, RECV, 1, SEND)
	:: me == 1 -> two(0, SEND, 1, RECV)
	:: me == 2 -> closing(0)
	fi
}

#include "chan.pml"
