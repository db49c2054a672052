/* SPDX-License-Identifier: GPL-2.0-only */
/* a send and a receive that do not block against a close, and a sender that it ends */
#include "names.pml"

#define TASKS		4
#define CHANS		1
#define CASES		1
#define CAPS(c)		0
#define MOST		1
#define STEPS		1
#define CHECK_SNAPSHOT

inline script()
{
	if
	:: me == 0 -> try_one(0, RECV)
	:: me == 1 -> closing(0)
	:: me == 2 -> one(0, SEND)
	:: me == 3 -> try_one(0, SEND)
	fi
}

#include "chan.pml"
