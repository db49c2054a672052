/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The trace file: JSON Lines.
 */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "capture.h"
#include "scope.h"

/**
 * struct header - the first line
 * @command: the command and its arguments, NULL at the end.
 * @pid: its process.
 * @everybody: not only what belongs to it was recorded.
 * @lost: events for which there was no room.
 */
struct header {
	char **command;
	pid_t pid;
	bool everybody;
	unsigned long long lost;
};

void json_header(FILE *file, const struct header *header);
void json_event(FILE *file, struct scope *scope, const struct event *event);

#endif /* JSON_H */
