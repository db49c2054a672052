/* SPDX-License-Identifier: GPL-2.0-only */
/* a close of a channel where three park, one by one */
#include "names.pml"

#define TASKS		4
#define CHANS		1
#define CASES		1
#define CAPS(c)		0
#define MOST		1
#define STEPS		1
#define WITHOUT_POLL
#define BATCH		1

inline script()
{
	if
	:: me < 3 -> one(0, RECV)
	:: me == 3 -> closing(0)
	fi
}

#include "chan.pml"
