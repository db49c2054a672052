/* SPDX-License-Identifier: GPL-2.0-only */
/* two selects and a send that do not block, and never meet */
#include "names.pml"

#define TASKS		3
#define CHANS		2
#define CASES		2
#define CAPS(c)		0
#define MOST		1
#define STEPS		1
#define CHECK_SNAPSHOT
#define WITHOUT_POLL

inline script()
{
	if
	:: me == 0 -> try_two(0, RECV, 1, SEND)
	:: me == 1 -> try_two(0, SEND, 1, RECV)
	:: me == 2 -> try_one(0, SEND)
	fi
}

#include "chan.pml"
