// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hash table with open addressing.
 */
#include <stdlib.h>

#include "complain.h"
#include "table.h"

#define FIRST_ROOM	1024

static struct entry *find(const struct table *table, uint64_t number)
{
	size_t i = (number * 0x9e3779b97f4a7c15ULL >> 20) & (table->room - 1);

	while (table->entries[i].used && table->entries[i].number != number)
		i = (i + 1) & (table->room - 1);
	return &table->entries[i];
}

static void grow(struct table *table)
{
	struct table bigger = {
		.room = table->room ? 2 * table->room : FIRST_ROOM,
		.n = table->n,
	};
	size_t i;

	bigger.entries = calloc(bigger.room, sizeof(*bigger.entries));
	if (!bigger.entries) {
		complain("no memory");
		exit(FAILED);
	}
	for (i = 0; i < table->room; i++)
		if (table->entries[i].used)
			*find(&bigger, table->entries[i].number) = table->entries[i];
	free(table->entries);
	*table = bigger;
}

/**
 * table_get() - find an entry, or make it
 * @table: the table.
 * @number: of the task or channel.
 *
 * Return: the entry, until the next call.
 */
struct entry *table_get(struct table *table, uint64_t number)
{
	struct entry *entry;

	if (2 * table->n >= table->room)
		grow(table);
	entry = find(table, number);
	if (!entry->used) {
		entry->used = true;
		entry->number = number;
		table->n++;
	}
	return entry;
}

void table_free(struct table *table)
{
	free(table->entries);
	*table = (struct table){};
}
