/* SPDX-License-Identifier: GPL-2.0-only */
/* selects that send to one buffered channel and receive from another */
#include "names.pml"

#define TASKS		3
#define CHANS		2
#define CASES		2
#define CAPS(c)		1
#define MOST		1
#define STEPS		1
#define WITHOUT_POLL

inline script()
{
	if
	:: me == 0 -> two(0, SEND, 1, RECV)
	:: me == 1 -> two(0, RECV, 1, SEND)
	:: me == 2 -> two(0, SEND, 1, SEND)
	fi
}

#include "chan.pml"
