/* SPDX-License-Identifier: GPL-2.0-only */
/* a close of a channel where two park, one of whom gets a signal */
#include "names.pml"

#define TASKS		3
#define CHANS		1
#define CASES		1
#define CAPS(c)		0
#define MOST		1
#define STEPS		1
#define WITHOUT_POLL
#define SIGNALLED(t)	t == 0

inline script()
{
	if
	:: me < 2 -> one(0, RECV)
	:: me == 2 -> closing(0)
	fi
}

#include "chan.pml"
