/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What went wrong, where, and what to do about it.
 */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include <stddef.h>

#define PATH_ROOM	4096

enum exit_status {
	DONE = 0,
	FAILED = 1,
	USAGE = 2,
	CLOSED = 3,
	NOT_NOW = 4,
};

/* What was to be made, for the limits it may have met. */
struct wish {
	const char *name;
	size_t elem_size;
	size_t cap;
};

void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
const char *node_path(const char *name, char path[PATH_ROOM]);

/* Each looks at errno, and returns the exit status. */
enum exit_status explain_open(const char *name, const char *purpose);
enum exit_status explain_make(const struct wish *wish);
enum exit_status explain_remove(const char *name);
enum exit_status explain_transfer(const char *name, int ch, size_t size);

#endif /* EXPLAIN_H */
