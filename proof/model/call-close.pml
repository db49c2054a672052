/* SPDX-License-Identifier: GPL-2.0-only */
/* a request and its reply, when the channel of the reply is closed */
#include "names.pml"

#define TASKS		3
#define CHANS		2
#define CASES		1
#define CAPS(c)		0
#define MOST		1
#define STEPS		2
#define WITHOUT_POLL
#define WITH_CALL

inline script()
{
	if
	:: me == 0 && step == 0 -> calling(0, 1)
	:: me == 1 && step == 0 -> one(0, RECV)
	:: me == 1 && step == 1 -> one(1, SEND)
	:: me == 2 && step == 0 -> closing(1)
	:: else -> skip
	fi
}

#include "chan.pml"
