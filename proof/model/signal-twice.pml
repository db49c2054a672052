/* SPDX-License-Identifier: GPL-2.0-only */
/* as signal, and the sender sends again, when frames may be gone or used anew */
#include "names.pml"

#define TASKS		3
#define CHANS		1
#define CASES		1
#define CAPS(c)		0
#define MOST		1
#define STEPS		2
#define SIGNALLED(t)	t == 0
#define CHECK_ORDER
#define WITHOUT_POLL

inline script()
{
	if
	:: me < 2 -> one(0, RECV)
	:: me == 2 -> one(0, SEND)
	fi
}

#include "chan.pml"
