/* SPDX-License-Identifier: GPL-2.0-only */
/* two receivers, of which one gets a signal; a sender, which one of them is for */
#include "names.pml"

#define TASKS		3
#define CHANS		1
#define CASES		1
#define CAPS(c)		0
#define MOST		1
#define STEPS		1
#define SIGNALLED(t)	t == 0
#define CHECK_ORDER

inline script()
{
	if
	:: me < 2 -> one(0, RECV)
	:: me == 2 -> one(0, SEND)
	fi
}

#include "chan.pml"
