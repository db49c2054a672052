/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which events belong to the trace of a command: what its processes do, what happens on the
 * channels that they use, and what those do who use these channels too, so that no queue and
 * no count has gaps.
 */
#ifndef SCOPE_H
#define SCOPE_H

#include <stdbool.h>
#include <sys/types.h>

#include "capture.h"
#include "table.h"

/**
 * struct scope - what belongs to a trace
 * @everybody: all events of the module do.
 * @tasks: by thread id.
 * @chans: by number.
 */
struct scope {
	bool everybody;
	struct table tasks;
	struct table chans;
};

int scope_find(struct scope *scope, struct capture *capture, pid_t command);
bool scope_holds(struct scope *scope, const struct event *event);
void scope_follow(struct scope *scope, const struct event *event);
const char *scope_comm(struct scope *scope, int tid);
void scope_free(struct scope *scope);

#endif /* SCOPE_H */
