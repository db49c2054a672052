/* SPDX-License-Identifier: GPL-2.0-only */
/* a select that does not block against a sender and a receiver who park */
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
	:: me == 1 -> one(0, SEND)
	:: me == 2 -> one(1, RECV)
	fi
}

#include "chan.pml"
