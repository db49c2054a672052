/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who and what belongs to the command: tasks and channels by their numbers.
 */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMM_ROOM	16

/**
 * struct entry - what is known of a task or a channel
 * @used: there is one.
 * @kept: it belongs to the trace.
 * @pid: of a task: its process; 0 if unknown.
 * @comm: of a task: its name by now; "" if unknown.
 * @number: the number.
 */
struct entry {
	bool used;
	bool kept;
	int pid;
	char comm[COMM_ROOM];
	uint64_t number;
};

struct table {
	struct entry *entries;
	size_t room;
	size_t n;
};

/* Exits if there is no memory. */
struct entry *table_get(struct table *table, uint64_t number);
void table_free(struct table *table);

#endif /* TABLE_H */
