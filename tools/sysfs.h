/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The directories of named channels in sysfs.
 */
#ifndef SYSFS_H
#define SYSFS_H

#include <dirent.h>
#include <stdbool.h>

#include "explain.h"

#define SYS_CLASS	"/sys/class/chan"
#define NONE		"-"
#define VALUE_ROOM	128

const char *attribute(const char *dir, const char *name, char value[VALUE_ROOM]);
bool number(const char *dir, const char *name, unsigned long long *value);
bool find_dir(const char *path, char dir[PATH_ROOM]);
int scan_channels(struct dirent ***entries);

#endif /* SYSFS_H */
