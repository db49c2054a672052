// SPDX-License-Identifier: GPL-2.0-only
/*
 * What sysfs says about named channels.  No channel is opened for it: that needs
 * permission, and the close afterwards could be the one that an --autoclose waits for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "list.h"
#include "sysfs.h"

static bool is_set(const char *dir, const char *name)
{
	char value[VALUE_ROOM];

	return !strcmp(attribute(dir, name, value), "1");
}

static const char *mode_of(const char *path, char text[8])
{
	struct stat st;

	if (lstat(path, &st) || !S_ISCHR(st.st_mode))
		return NONE;
	snprintf(text, 8, "%04o", st.st_mode & 0777U);
	return text;
}

static void list_one(const char *node)
{
	static const char *const numbers[] = { "elem_size", "cap", "len" };
	char dir[PATH_ROOM], room[PATH_ROOM], value[VALUE_ROOM], mode[8];
	const char *name, *path;
	size_t i;

	snprintf(dir, sizeof(dir), SYS_CLASS "/%s", node);
	name = attribute(dir, "name", value);
	if (!strcmp(name, NONE))
		return;
	path = node_path(name, room);
	printf("%-24s %-8s %-7s", path, node, is_set(dir, "message") ? "message" : "fixed");
	for (i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		printf(" %9s", attribute(dir, numbers[i], value));
	printf(" %-6s", is_set(dir, "closed") ? "closed" : "open");
	printf(" %5s", attribute(dir, "recvq", value));
	printf(" %5s", attribute(dir, "sendq", value));
	printf(" %5s %s\n", attribute(dir, "owner", value), mode_of(path, mode));
}

static void print_header(void)
{
	printf("%-24s %-8s %-7s %9s %9s %9s %-6s %5s %5s %5s %s\n", "PATH", "NODE", "KIND",
	       "ELEM_SIZE", "CAP", "LEN", "STATE", "RECVQ", "SENDQ", "OWNER", "MODE");
}

enum exit_status list_channels(bool header)
{
	struct dirent **entries;
	int i, n;

	n = scan_channels(&entries);
	if (n < 0)
		return FAILED;
	if (header)
		print_header();
	for (i = 0; i < n; i++) {
		list_one(entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return DONE;
}

enum exit_status print_info(const char *name)
{
	static const char *const keys[] = {
		"id", "elem_size", "cap", "len", "message", "autoclose", "closed", "owner",
		"receivers", "senders", "recvq", "sendq", "sends", "receives", "handoffs",
		"recv_parks", "send_parks", "aborts", "lost", "recvq_oldest_ns", "sendq_oldest_ns",
		"wait_histograms",
	};
	char room[PATH_ROOM], dir[PATH_ROOM], value[VALUE_ROOM], mode[8];
	const char *path = node_path(name, room);
	size_t i;

	if (!find_dir(path, dir))
		return explain_open(name, "to look at it");
	printf("name: %s\n", attribute(dir, "name", value));
	printf("path: %s\n", path);
	printf("mode: %s\n", mode_of(path, mode));
	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		printf("%s: %s\n", keys[i], attribute(dir, keys[i], value));
	return DONE;
}
