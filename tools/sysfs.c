// SPDX-License-Identifier: GPL-2.0-only
/*
 * The directories of named channels in sysfs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "sysfs.h"

/* A value without its newline, in @value or NONE. */
const char *attribute(const char *dir, const char *name, char value[VALUE_ROOM])
{
	char path[PATH_ROOM];
	const char *line;
	FILE *f;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return NONE;
	f = fopen(path, "re");
	if (!f)
		return NONE;
	line = fgets(value, VALUE_ROOM, f);
	fclose(f);
	if (!line)
		return NONE;
	value[strcspn(value, "\n")] = '\0';
	return value;
}

bool number(const char *dir, const char *name, unsigned long long *value)
{
	char text[VALUE_ROOM];
	const char *p = attribute(dir, name, text);
	char *end;

	*value = strtoull(p, &end, 10);
	return end != p && !*end;
}

static bool is_channel(const char *dir)
{
	char link[PATH_ROOM], target[PATH_ROOM];
	const char *subsystem;
	ssize_t n;

	if (snprintf(link, sizeof(link), "%s/subsystem", dir) >= (int)sizeof(link))
		return false;
	n = readlink(link, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	subsystem = strrchr(target, '/');
	return subsystem && !strcmp(subsystem, "/chan");
}

/* The directory in sysfs of the channel at this path; false with errno. */
bool find_dir(const char *path, char dir[PATH_ROOM])
{
	struct stat st;

	if (stat(path, &st))
		return false;
	snprintf(dir, PATH_ROOM, "/sys/dev/char/%u:%u", major(st.st_rdev), minor(st.st_rdev));
	if (S_ISCHR(st.st_mode) && is_channel(dir))
		return true;
	errno = ENOTTY;
	return false;
}

static int is_channel_dir(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* As scandir(); what is wrong has been told. */
int scan_channels(struct dirent ***entries)
{
	int n = scandir(SYS_CLASS, entries, is_channel_dir, versionsort);

	if (n < 0)
		complain("cannot read %s: %s%s", SYS_CLASS, strerror(errno),
			 errno == ENOENT ? "; is the module loaded? (modprobe chan)" : "");
	return n;
}
