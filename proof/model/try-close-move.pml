/* SPDX-License-Identifier: GPL-2.0-only */
/* a select that does not block; one channel is closed before the other loses its sender */
#include "names.pml"

#define TASKS		4
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
	:: me == 0 -> try_two(0, RECV, 1, RECV)
	:: me == 1 -> closing(0)
	:: me == 2 -> one(1, SEND)
	:: me == 3 -> one(1, RECV)
	fi
}

#include "chan.pml"
