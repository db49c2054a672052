// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Channels with a name: make, open, remove.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "internal.h"

/* Room for the longest path of a node. */
#define PATH_ROOM	(sizeof("/dev/chan/") + CHAN_NAME_MAX)

/* "chan" and a number is what the kernel gives to those without a name. */
static bool is_kernel_name(const char *name)
{
	size_t digits;

	if (strncmp(name, "chan", 4))
		return false;
	digits = strspn(name + 4, "0123456789");
	return digits && !name[4 + digits];
}

static bool is_valid_name(const char *name)
{
	const char *p;

	for (p = name; *p; p++)
		if (!(isascii(*p) && isalnum(*p)) && !strchr("._-", *p))
			return false;
	if (p == name || p - name > CHAN_NAME_MAX)
		return false;
	return strcmp(name, ".") && strcmp(name, "..");
}

static int node_path(char path[PATH_ROOM], const char *name)
{
	if (!is_valid_name(name))
		return fail(EINVAL);
	snprintf(path, PATH_ROOM, "/dev/%s%s", is_kernel_name(name) ? "" : "chan/", name);
	return 0;
}

/* Returns false if sysfs does not tell. */
static bool read_rdev(unsigned int minor, dev_t *rdev)
{
	char path[64];
	unsigned int maj, min;
	FILE *f;
	int n;

	snprintf(path, sizeof(path), "/sys/class/chan/chan%u/dev", minor);
	f = fopen(path, "re");
	if (!f)
		return false;
	n = fscanf(f, "%u:%u", &maj, &min);
	fclose(f);
	if (n != 2)
		return false;
	*rdev = makedev(maj, min);
	return true;
}

static bool is_node_of(const struct stat *st, const struct chan_info *info)
{
	dev_t rdev;

	if (!S_ISCHR(st->st_mode))
		return false;
	if (read_rdev(info->minor, &rdev))
		return st->st_rdev == rdev;
	return minor(st->st_rdev) == info->minor;
}

/*
 * devtmpfs does not complain when it finds another file where a node is to be, and
 * the channel would be one that nobody can open.  No file at all means that devtmpfs
 * is not what /dev shows here, or that the channel has been removed again.
 */
static int check_node(int ch)
{
	struct chan_info info = { .size = sizeof(info) };
	char path[PATH_ROOM];
	struct stat st;

	if (ioctl(ch, CHAN_IOC_INFO, &info) < 0 || node_path(path, info.name))
		return -1;
	/* No node at all: this /dev is not the kernel's.  No directory: a file is. */
	if (lstat(path, &st) ? errno != ENOTDIR : is_node_of(&st, &info))
		return 0;
	/* Do not remove a channel that has got this name since. */
	if (ioctl(ch, CHAN_IOC_INFO, &info) < 0 || info.state & CHAN_STATE_REMOVED)
		return 0;
	kchan_remove(info.name);
	return fail(EEXIST);
}

KCHAN_API int kchan_make_named(const char *name, size_t elem_size, size_t cap,
			       unsigned int flags, mode_t mode)
{
	struct chan_make make = {
		.flags = CHAN_NAMED,
		.name = (uintptr_t)name,
		.mode = mode,
	};
	int ch = kchan_make_as(&make, elem_size, cap, flags);

	if (ch >= 0 && check_node(ch))
		return kchan_close_fd(ch);
	return ch;
}

KCHAN_API int kchan_remove(const char *name)
{
	struct chan_remove remove = {
		.size = sizeof(remove),
		.name = (uintptr_t)name,
	};

	return kchan_control(CHAN_IOC_REMOVE, &remove) < 0 ? -1 : 0;
}

/*
 * Opening a file of another kind may block or have effects, so look at it first.  It
 * can be replaced in between: then O_NONBLOCK and check_channel() help.
 */
static int open_chrdev(const char *path, int oflags)
{
	struct stat st;

	if (stat(path, &st))
		return -1;
	if (!S_ISCHR(st.st_mode))
		return fail(ENOTTY);
	return open(path, oflags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static int check_channel(int fd)
{
	if (ioctl(fd, CHAN_IOC_CAP, 0) >= 0 || errno == EIDRM)
		return 0;
	return fail(ENOTTY);
}

static int set_blocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

KCHAN_API int kchan_open(const char *name, int oflags)
{
	char path[PATH_ROOM];
	int fd;

	if (oflags & ~(O_ACCMODE | O_NONBLOCK | O_CLOEXEC) || (oflags & O_ACCMODE) == O_ACCMODE)
		return fail(EINVAL);
	if (!strchr(name, '/')) {
		if (node_path(path, name))
			return -1;
		name = path;
	}
	fd = open_chrdev(name, oflags);
	if (fd < 0)
		return -1;
	if (check_channel(fd) || (!(oflags & O_NONBLOCK) && set_blocking(fd)))
		return kchan_close_fd(fd);
	return fd;
}
