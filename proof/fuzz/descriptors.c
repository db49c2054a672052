// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors: how they are come by, passed on, changed and closed, most of all while others use
 * them; and the nodes of channels.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

/* What is in which slot when a program begins. */
enum { CONTROL = 0, CHANNELS = 2, TIMERS = 14, NAMED = 16, PIPE = 18, SOCKETS = 20, EPOLL = 22,
	NOTHING = 23 };

struct slot slots[SLOTS];

/* Some of the nodes are made by the tasks, and are nobody's device. */
static errnos_t open_errnos = { EACCES, EEXIST, EINVAL, ELOOP, EMFILE, ENODEV, ENOENT, ENOMEM,
	ENOTDIR, ENXIO, EPERM, EOPNOTSUPP, EROFS, EBUSY, EINTR, 0 };
static errnos_t dup_errnos = { EBADF, EBUSY, EINVAL, EMFILE, ENOMEM, EINTR, 0 };

int fd_of(int slot)
{
	return atomic_load(&slots[slot].fd);
}

unsigned int elem_of(int slot)
{
	return atomic_load(&slots[slot].elem);
}

/* Mostly one that is a channel, as far as the others have left it alone. */
int chan_slot(struct task *t)
{
	if (chance(&t->r, 4))
		return below(&t->r, SLOTS);
	if (chance(&t->r, 10))
		return TIMERS + below(&t->r, 2);
	return chance(&t->r, 8) ? NAMED : CHANNELS + (int)below(&t->r, TIMERS - CHANNELS);
}

int any_fd(struct task *t)
{
	return chance(&t->r, 2) ? (int)draw(&t->r) : fd_of(below(&t->r, SLOTS));
}

/* A new descriptor; it takes the place of another one, which is closed, maybe under others. */
void put_fd(struct task *t, long fd, unsigned int elem)
{
	int slot = CHANNELS + below(&t->r, SLOTS - CHANNELS);
	int old;

	if (fd < 0)
		return;
	old = atomic_exchange(&slots[slot].fd, fd);
	atomic_store(&slots[slot].elem, elem);
	if (old >= 0)
		close(old);
}

static void set_slot(int slot, long fd, unsigned int elem)
{
	atomic_store(&slots[slot].fd, fd < 0 ? -1 : (int)fd);
	atomic_store(&slots[slot].elem, elem);
}

const char *any_name(struct task *t)
{
	static const char *const names[] = { "fuzz.a", "fuzz-b", "fuzz_c", "Fuzz4" };

	_Static_assert(ARRAY_SIZE(names) == NAMES, "a name for each");
	return PICK(&t->r, names);
}

/* Of now, soon, later, never, or past. */
uint64_t any_time(struct task *t)
{
	struct timespec ts;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = ts.tv_sec * 1000000000ULL + ts.tv_nsec;
	if (chance(&t->r, shared->style.patient))
		return CHAN_FOREVER;
	switch (below(&t->r, 9)) {
	case 0:
		return 0;
	case 1:
		return now - below(&t->r, 1000000);
	case 2:
		return now;
	case 3:
		return now + below(&t->r, 1000);
	case 4:
		return now + below(&t->r, 5000000);
	case 5:
		return t->dirty ? edge(t) : now + 1;
	}
	return now + below(&t->r, 300000);
}

static unsigned int any_elem_size(struct task *t)
{
	static const unsigned int sizes[] = { 0, 1, 4, 8, 16, 64, 128, 129, 256, 4095, 4096, 8192,
		65536 };

	return chance(&t->r, 50) ? 8 : PICK(&t->r, sizes);
}

static void make_channels(struct task *t)
{
	static const unsigned int caps[] = { 0, 0, 0, 1, 2, 3, 8, 64 };
	unsigned int elem, flags;
	int i;

	for (i = CHANNELS; i < TIMERS; i++) {
		elem = any_elem_size(t);
		flags = chance(&t->r, 25) ? CHAN_MESSAGE : 0;
		flags |= chance(&t->r, 20) ? CHAN_AUTOCLOSE : 0;
		set_slot(i, make_channel(t, flags, elem, PICK(&t->r, caps)), elem);
	}
	for (i = NAMED; i < PIPE; i++) {
		elem = any_elem_size(t);
		set_slot(i, make_channel(t, CHAN_NAMED, elem, below(&t->r, 3)), elem);
	}
}

static void make_timers(struct task *t)
{
	struct chan_make_timer make = { .size = sizeof(make), .period = 500000 };
	int i, control = fd_of(CONTROL);

	for (i = TIMERS; i < NAMED; i++) {
		make.when = any_time(t);
		make.flags = CHAN_TIMER_TICK;
		set_slot(i, syscall(SYS_ioctl, control, CHAN_IOC_MAKE_TIMER, &make), 8);
	}
}

static void make_pair(int slot, const int fd[2])
{
	set_slot(slot, fd[0], 64);
	set_slot(slot + 1, fd[1], 64);
}

/* What a program begins with. */
void make_slots(struct task *t)
{
	int fd[2];

	for (int i = CONTROL; i < CHANNELS; i++)
		set_slot(i, open("/dev/chanctl", O_RDWR), 8);
	make_channels(t);
	make_timers(t);
	if (!pipe2(fd, O_NONBLOCK))
		make_pair(PIPE, fd);
	if (!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fd))
		make_pair(SOCKETS, fd);
	set_slot(EPOLL, epoll_create1(0), 8);
	set_slot(NOTHING, open("/dev/null", O_RDWR), 8);
}

/* ---- to open ---- */

static void any_path(struct task *t, char *path, size_t size)
{
	switch (below(&t->r, 6)) {
	case 0:
		snprintf(path, size, "/dev/chanctl");
		break;
	case 1:
		snprintf(path, size, "/dev/chan%u", below(&t->r, 6));
		break;
	case 2:
	case 3:
		snprintf(path, size, "/dev/chan/%s", any_name(t));
		break;
	default:
		snprintf(path, size, "/proc/self/fd/%d", any_fd(t));
	}
}

static bool is_file(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode);
}

void op_open(struct task *t)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDWR, O_ACCMODE };
	static const int more[] = { O_CLOEXEC, O_APPEND, O_TRUNC, O_DIRECT, O_PATH, O_SYNC,
		O_ASYNC, O_NOATIME, O_NOFOLLOW, O_DIRECTORY, O_EXCL };
	int flags = PICK(&t->r, modes) | (chance(&t->r, 70) ? O_NONBLOCK : 0);
	char path[64];
	bool by_number;
	long fd;

	if (chance(&t->r, 25))
		flags |= PICK(&t->r, more);
	any_path(t, path, sizeof(path));
	by_number = !strncmp(path, "/proc", 5);
	/* To open what is no channel may wait for a partner: a pipe. */
	if (by_number)
		flags |= O_NONBLOCK;
	fd = open(path, flags);
	fd = fd < 0 ? -errno : fd;
	/* What is opened by its number need not be ours: a directory that somebody reads. */
	judge(t, path, fd, by_number ? NULL : open_errnos);
	if (fd >= 0 && is_file(fd))
		close(fd);
	else
		put_fd(t, fd, 8);
}

void op_dup(struct task *t)
{
	int slot = chan_slot(t), to = chan_slot(t);
	unsigned int elem = elem_of(slot);
	long fd;

	switch (below(&t->r, 3)) {
	case 0:
		fd = dup(fd_of(slot));
		fd = fd < 0 ? -errno : fd;
		put_fd(t, fd, elem);
		break;
	case 1:
		fd = fcntl(fd_of(slot), F_DUPFD_CLOEXEC, 3 + below(&t->r, 60));
		fd = fd < 0 ? -errno : fd;
		put_fd(t, fd, elem);
		break;
	default:
		/* Closes what was there, which others may be using. */
		fd = fd_of(to) < 3 ? -EBADF : syscall(SYS_dup3, fd_of(slot), fd_of(to), 0);
		fd = fd == -1 ? -errno : fd;
		if (fd >= 0)
			atomic_store(&slots[to].elem, elem);
	}
	judge(t, "dup", fd, dup_errnos);
}

void op_close(struct task *t)
{
	int slot = below(&t->r, SLOTS), fd;

	if (chance(&t->r, 80))
		slot = chan_slot(t);
	fd = atomic_exchange(&slots[slot].fd, -1);
	if (fd < 3)
		return;
	judge(t, "close", close(fd) ? -errno : 0, NULL);
	/* So that there is something left to do. */
	if (slot < CHANNELS)
		set_slot(slot, open("/dev/chanctl", O_RDWR), 8);
	else if (chance(&t->r, 80))
		set_slot(slot, make_channel(t, 0, elem_of(slot), below(&t->r, 3)), elem_of(slot));
}

void op_fcntl(struct task *t)
{
	static errnos_t errnos = { EACCES, EAGAIN, EBADF, EDEADLK, EFAULT, EINTR, EINVAL, ENOLCK,
		ENOTTY, EPERM, ESRCH, EWOULDBLOCK, EBUSY, EOPNOTSUPP, EMFILE, 0 };
	struct flock lock = { .l_type = below(&t->r, 3) };
	int fd = fd_of(chan_slot(t));
	long ret;

	switch (below(&t->r, 8)) {
	case 0:
		ret = fcntl(fd, F_GETFL);
		break;
	case 1:
		ret = fcntl(fd, F_SETFL, O_ASYNC);
		break;
	case 2:
		ret = fcntl(fd, F_SETFL, (int)edge(t) & ~O_DIRECT);
		break;
	case 3:
		ret = fcntl(fd, F_SETLK, &lock);
		break;
	case 4:
		ret = fcntl(fd, F_SETLEASE, F_RDLCK);
		break;
	case 5:
		ret = flock(fd, LOCK_NB | (chance(&t->r, 50) ? LOCK_SH : LOCK_UN));
		break;
	default:
		ret = fcntl(fd, F_SETFL, chance(&t->r, 60) ? O_NONBLOCK : 0);
	}
	judge(t, "fcntl", ret < 0 ? -errno : 0, errnos);
}

/* ---- to pass on ---- */

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(4 * sizeof(int))];
};

static long send_fds(struct task *t, int socket)
{
	struct iovec iov = { .iov_base = source(t, 1), .iov_len = 1 };
	union control control = {};
	unsigned int i, n = 1 + below(&t->r, 4);
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = CMSG_SPACE(n * sizeof(int)) };
	int fds[4];

	for (i = 0; i < n; i++)		/* sockets in sockets, too */
		fds[i] = chance(&t->r, 90) ? fd_of(chan_slot(t)) : any_fd(t);
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(&control.header), fds, n * sizeof(int));
	return sendmsg(socket, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static long recv_fds(struct task *t, int socket)
{
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	union control control = {};
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	int fds[4];
	unsigned int i;

	if (recvmsg(socket, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		return -errno;
	header = CMSG_FIRSTHDR(&msg);
	if (!header || header->cmsg_type != SCM_RIGHTS)
		return 0;
	memcpy(fds, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
	for (i = 0; i < (header->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++)
		put_fd(t, fds[i], 8);
	return 0;
}

void op_pass(struct task *t)
{
	int socket = fd_of(SOCKETS + below(&t->r, 2));

	if (chance(&t->r, 50))
		judge(t, "sendmsg", send_fds(t, socket), NULL);
	else
		judge(t, "recvmsg", recv_fds(t, socket), NULL);
}

/* A descriptor of another process. */
void op_steal(struct task *t)
{
	unsigned int n = atomic_load(&shared->tasks);
	const struct entry *victim = &shared->entry[below(&t->r, n < MAX_TASKS ? n : MAX_TASKS)];
	int pidfd = syscall(SYS_pidfd_open, atomic_load(&victim->pid), 0);
	int slot = chan_slot(t);
	long fd;

	if (pidfd < 0)
		return;
	fd = syscall(SYS_pidfd_getfd, pidfd, fd_of(slot), 0);
	judge(t, "pidfd_getfd", fd < 0 ? -errno : fd, NULL);
	close(pidfd);
	put_fd(t, fd, elem_of(slot));
}

/* ---- nodes ---- */

/* A node beside those that the kernel makes: of a channel, or a file in the place of one. */
static int make_node(struct task *t, const char *path)
{
	struct stat st;

	if (chance(&t->r, 50) || fstat(fd_of(NAMED), &st) || !S_ISCHR(st.st_mode))
		return mknod(path, S_IFREG | 0666, 0);
	return mknod(path, S_IFCHR | 0666, makedev(major(st.st_rdev), below(&t->r, 8)));
}

void op_node(struct task *t)
{
	char path[64];
	long ret;

	if (chance(&t->r, 70))
		snprintf(path, sizeof(path), "/dev/chan/%s", any_name(t));
	else
		snprintf(path, sizeof(path), "/dev/chan%u", below(&t->r, 6));
	switch (below(&t->r, 6)) {
	case 0:
		ret = chmod(path, below(&t->r, 01000));
		break;
	case 1:
		ret = chown(path, below(&t->r, 2000), below(&t->r, 2000));
		break;
	case 2:
		ret = unlink(path);
		break;
	case 3:
		ret = make_node(t, path);
		break;
	case 4:
		ret = rename(path, "/dev/chan/fuzz.a");
		break;
	default:
		ret = truncate(path, 0);
		break;
	}
	judge(t, "node", ret < 0 ? -errno : 0, NULL);
}
