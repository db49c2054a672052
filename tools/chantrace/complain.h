/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What chantrace says when something is wrong, and its exit status.
 */
#ifndef COMPLAIN_H
#define COMPLAIN_H

enum exit_status {
	DONE = 0,
	USAGE = 2,
	FAILED = 125,
	NOT_EXECUTABLE = 126,
	NOT_FOUND = 127,
	SIGNALLED = 128,	/* and the number of the signal */
};

void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* COMPLAIN_H */
