/* SPDX-License-Identifier: GPL-2.0-only */
/* a select that does not block against a close, and a sender that the close ends */
#include "names.pml"

#define TASKS		3
#define CHANS		2
#define CASES		2
#define CAPS(c)		0
#define MOST		1
#define STEPS		1
#define CHECK_SNAPSHOT

inline script()
{
	if
	:: me == 0 -> try_two(0, RECV, 1, RECV)
	:: me == 1 -> closing(1)
	:: me == 2 -> one(1, SEND)
	fi
}

#include "chan.pml"
