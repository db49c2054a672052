// SPDX-License-Identifier: GPL-2.0-only
/*
 * What went wrong, where, and what to do about it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/chan.h>

#include "explain.h"

#define CONTROL		"/dev/chanctl"
#define PARAMETERS	"/sys/module/chan/parameters/"

void complain(const char *fmt, ...)
{
	va_list args;

	fputs("chanctl: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

/* Where a channel of this name has its node; a path stays as it is. */
const char *node_path(const char *name, char path[PATH_ROOM])
{
	size_t digits = strncmp(name, "chan", 4) ? 0 : strspn(name + 4, "0123456789");
	bool chosen = digits && !name[4 + digits];

	if (strchr(name, '/'))
		return name;
	snprintf(path, PATH_ROOM, "/dev/%s%s", chosen ? "" : "chan/", name);
	return path;
}

static const char *kind_of_file(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "a regular file";
	case S_IFDIR:
		return "a directory";
	case S_IFLNK:
		return "a symbolic link";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	case S_IFBLK:
		return "a block device";
	}
	return "another device";
}

static bool module_missing(void)
{
	if (!access(CONTROL, F_OK) || errno != ENOENT)
		return false;
	complain("%s does not exist: the module is not loaded; load it with \"modprobe chan\"",
		 CONTROL);
	return true;
}

/* A file at the path of a node that is no channel. */
static void complain_foreign(const char *path)
{
	struct stat st;

	if (lstat(path, &st)) {
		complain("%s: %s", path, strerror(errno));
		return;
	}
	complain("%s is %s, not a channel%s%s", path, kind_of_file(st.st_mode),
		 strncmp(path, "/dev/chan/", 10) ? "" : "; if nobody needs it: rm ",
		 strncmp(path, "/dev/chan/", 10) ? "" : path);
}

static void complain_permission(const char *path, const char *purpose)
{
	struct stat st;

	if (stat(path, &st))
		complain("no permission to reach %s", path);
	else
		complain("no permission to open %s %s: its owner is uid %u, its mode %04o",
			 path, purpose, st.st_uid, st.st_mode & 07777);
}

enum exit_status explain_open(const char *name, const char *purpose)
{
	char room[PATH_ROOM];
	const char *path = node_path(name, room);
	int err = errno;

	switch (err) {
	case ENOENT:
		if (!module_missing())
			complain("there is no %s; \"chanctl ls\" lists the channels", path);
		break;
	case ENOTTY:
		complain_foreign(path);
		break;
	case EACCES:
		complain_permission(path, purpose);
		break;
	case ENXIO:
		complain("%s is a node without a channel: that was removed", path);
		break;
	case EINVAL:
		complain("\"%s\" is not a name: use 1 to %d of A-Z a-z 0-9 . _ -, or a path",
			 name, CHAN_NAME_MAX);
		break;
	default:
		complain("cannot open %s: %s", path, strerror(err));
	}
	return FAILED;
}

static bool get_limits(struct chan_query *query)
{
	int fd = open(CONTROL, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return false;
	memset(query, 0, sizeof(*query));
	query->size = sizeof(*query);
	ret = ioctl(fd, CHAN_IOC_QUERY, query);
	close(fd);
	return !ret;
}

static bool over(const char *what, unsigned long long wanted, const char *limit,
		 unsigned long long most)
{
	if (wanted <= most)
		return false;
	complain("%s %llu is more than the module's limit of %llu, " PARAMETERS "%s", what,
		 wanted, most, limit);
	return true;
}

static void complain_module_limit(const struct wish *wish)
{
	struct chan_query q;
	bool told;

	if (!get_limits(&q)) {
		complain("a limit of the module is reached; see " PARAMETERS);
		return;
	}
	told = over("an element size of", wish->elem_size, "max_elem_size", q.max_elem_size);
	told |= over("a capacity of", wish->cap, "max_cap", q.max_cap);
	told |= over("one more channel,", q.channels + 1, "max_channels", q.max_channels);
	if (!told)
		complain("%zu elements of %zu bytes exceed the module's limit of %llu bytes, "
			 PARAMETERS "max_ring_bytes", wish->cap, wish->elem_size,
			 (unsigned long long)q.max_ring_bytes);
}

static bool used_up(const char *what, unsigned long long use, const char *limit,
		    unsigned long long most)
{
	if (use < most)
		return false;
	complain("you have %llu %s, and the limit is %llu: remove some, or have root raise %s%s",
		 use, what, most, PARAMETERS, limit);
	return true;
}

static void complain_user_bytes(const struct chan_query *q)
{
	complain("with this you would have more than the limit of %llu bytes in channels; now %llu",
		 (unsigned long long)q->max_user_bytes, (unsigned long long)q->user_bytes);
	complain("receive some, remove channels, or have root raise %smax_user_bytes", PARAMETERS);
}

static void complain_user_limit(bool named)
{
	struct chan_query q;
	bool told;

	if (!get_limits(&q)) {
		complain("a limit for you is reached; see " PARAMETERS);
		return;
	}
	told = used_up("channels", q.user_channels, "max_user_channels", q.max_user_channels);
	if (named)
		told |= used_up("names", q.user_names, "max_user_names", q.max_user_names);
	if (!told)
		complain_user_bytes(&q);
}

static void complain_taken(const char *name)
{
	char room[PATH_ROOM];
	const char *path = node_path(name, room);
	struct stat st;

	errno = 0;
	if (!lstat(path, &st) && !S_ISCHR(st.st_mode))
		complain_foreign(path);
	else if (errno == ENOTDIR)
		complain("/dev/chan is no directory, and names go there; rm /dev/chan");
	else
		complain("the name \"%s\" is taken; \"chanctl info %s\" tells more", name, name);
}

enum exit_status explain_make(const struct wish *wish)
{
	int err = errno;

	switch (err) {
	case ENODEV:
		if (!module_missing())
			complain("%s is a node without its module; load it with \"modprobe chan\"",
				 CONTROL);
		break;
	case EACCES:
		complain_permission(CONTROL, "for making channels");
		break;
	case EDQUOT:
		complain_user_limit(true);
		break;
	case ENOSPC:
		complain_module_limit(wish);
		break;
	case EEXIST:
		if (wish->name)
			complain_taken(wish->name);
		else
			complain("a file is in the way: rm what is no channel of /dev/chan[0-9]*");
		break;
	case EPERM:
		complain("names are for the initial user namespace only: /dev is one for all");
		break;
	case EINVAL:
		complain("\"%s\" is not a name: use 1 to %d of A-Z a-z 0-9 . _ -",
			 wish->name ? wish->name : "", CHAN_NAME_MAX);
		complain("not \"chan\" and a number: such names the kernel gives itself");
		break;
	default:
		complain("cannot make the channel: %s", strerror(err));
	}
	return FAILED;
}

enum exit_status explain_remove(const char *name)
{
	char room[PATH_ROOM];
	int err = errno;

	switch (err) {
	case ENOENT:
		if (strchr(name, '/'))
			complain("\"%s\" is a path: remove takes a name", name);
		else if (!access(node_path(name, room), F_OK))
			complain_foreign(room);
		else
			complain("there is no channel \"%s\"; \"chanctl ls\" lists them", name);
		break;
	case ENODEV:
		if (!module_missing())
			complain("%s: %s", CONTROL, strerror(err));
		break;
	case EPERM:
		complain("\"%s\" is not yours: its owner or root can remove it", name);
		break;
	default:
		complain("cannot remove \"%s\": %s", name, strerror(err));
	}
	return FAILED;
}

static void complain_size(const char *name, int ch, size_t size)
{
	struct chan_info info = { .size = sizeof(info) };

	if (ioctl(ch, CHAN_IOC_INFO, &info) < 0)
		complain("%zu bytes do not suit \"%s\"", size, name);
	else if (info.flags & CHAN_MESSAGE)
		complain("\"%s\" has messages of at most %u bytes, and this one has %zu",
			 name, info.elem_size, size);
	else
		complain("\"%s\" has elements of exactly %u bytes, and these are %zu",
			 name, info.elem_size, size);
}

enum exit_status explain_transfer(const char *name, int ch, size_t size)
{
	int err = errno;

	switch (err) {
	case EAGAIN:
	case ETIMEDOUT:
		return NOT_NOW;
	case EPIPE:
		complain("\"%s\" is closed", name);
		return CLOSED;
	case EIDRM:
		complain("\"%s\" was removed", name);
		break;
	case EMSGSIZE:
		complain_size(name, ch, size);
		break;
	case EDQUOT:
		complain_user_limit(false);
		break;
	default:
		complain("\"%s\": %s", name, strerror(err));
	}
	return FAILED;
}
