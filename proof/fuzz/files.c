// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel offers for every descriptor: reads and writes of all kinds, and polling.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fuzz.h"

#define MAX_PARTS	4

static errnos_t read_errnos = { EAGAIN, EBADF, EDEADLK, EFAULT, EIDRM, EINTR, EINVAL, EMSGSIZE,
	ENOMEM, EOPNOTSUPP, 0 };
static errnos_t write_errnos = { EAGAIN, EBADF, EDEADLK, EDQUOT, EFAULT, EIDRM, EINTR, EINVAL,
	EMSGSIZE, ENOMEM, EPIPE, EOPNOTSUPP, 0 };

static long errno_of(long ret)
{
	return ret < 0 ? -errno : ret;
}

static bool is_channel(int fd)
{
	struct chan_info info = { .size = sizeof(info) };

	return !ioctl(fd, CHAN_IOC_INFO, &info);
}

/* A slot may hold any descriptor, and others replace it: of what is not ours all is right. */
static bool judge_file(struct task *t, const char *what, int fd, bool was, long ret,
		       const short *errnos)
{
	bool ours = was && is_channel(fd);

	judge(t, what, ret, ours ? errnos : NULL);
	return ours;
}

static size_t any_count(struct task *t, int slot)
{
	size_t elem = elem_of(slot);

	if (chance(&t->r, 10))
		return below(&t->r, 100);
	if (chance(&t->r, 3) && t->dirty)
		return edge(t);
	return elem * (1 + below(&t->r, chance(&t->r, 20) ? 70 : 4));
}

/* Reads and writes that could wait for ever mostly do not. */
static int rwf(struct task *t)
{
	static const int odd[] = { RWF_NOWAIT, RWF_APPEND, RWF_HIPRI, RWF_DSYNC };

	if (chance(&t->r, 5))
		return PICK(&t->r, odd);
	return chance(&t->r, shared->style.patient) ? 0 : RWF_NOWAIT;
}

static void read_whole(struct task *t, int fd, size_t size)
{
	struct iovec iov = { .iov_base = room(t, size), .iov_len = size };
	bool ours = is_channel(fd);
	long ret;

	if (!iov.iov_base && !t->dirty)
		return;
	ret = errno_of(preadv2(fd, &iov, 1, -1, rwf(t)));
	ours = judge_file(t, "read", fd, ours, ret, read_errnos);
	if (ours && !t->dirty)
		check_room(t, "read", 0, ret < 0 ? 0 : ret);
}

/* In parts, which are looked at one by one. */
static void read_parts(struct task *t, int fd, size_t size)
{
	int n = 1 + below(&t->r, MAX_PARTS), i;
	struct iovec iov[MAX_PARTS];
	bool ours = is_channel(fd);
	long ret, left;

	for (i = 0; i < n; i++) {
		iov[i].iov_len = (i == n - 1 ? size : below(&t->r, size + 1));
		iov[i].iov_base = room(t, iov[i].iov_len);
		if (!iov[i].iov_base && !t->dirty)
			return;
		size -= iov[i].iov_len;
	}
	ret = errno_of(preadv2(fd, iov, n, -1, rwf(t)));
	ours = judge_file(t, "readv", fd, ours, ret, read_errnos);
	left = ret < 0 ? 0 : ret;
	for (i = 0; i < n && ours && !t->dirty && ret >= 0; i++) {
		long part = left < (long)iov[i].iov_len ? left : (long)iov[i].iov_len;

		/* The eight bytes of a time may be in two parts. */
		if (part % 8)
			return;
		check_room(t, "readv", i, part);
		left -= part;
	}
}

void op_read(struct task *t)
{
	int slot = chan_slot(t);
	size_t size = any_count(t, slot);

	if (chance(&t->r, 75))
		read_whole(t, fd_of(slot), size);
	else
		read_parts(t, fd_of(slot), size % 100000);
}

void op_write(struct task *t)
{
	struct iovec iov[MAX_PARTS];
	int slot = chan_slot(t), fd = fd_of(slot), n = 1, i;
	bool ours = is_channel(fd);
	size_t size = any_count(t, slot);
	long ret;

	if (chance(&t->r, 25))
		n += below(&t->r, MAX_PARTS);
	n = n > MAX_PARTS ? MAX_PARTS : n;
	for (i = 0; i < n; i++) {
		iov[i].iov_len = i == n - 1 ? size : below(&t->r, size + 1);
		iov[i].iov_base = source(t, iov[i].iov_len);
		size -= iov[i].iov_len;
	}
	ret = errno_of(pwritev2(fd, iov, n, -1, rwf(t)));
	judge_file(t, "write", fd, ours, ret, write_errnos);
}

/* ---- what a channel refuses ---- */

static long try_mmap(int fd)
{
	void *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	munmap(p, 4096);
	return 0;
}

static long move(struct task *t, int fd, int other)
{
	loff_t offset = 0;

	switch (below(&t->r, 5)) {
	case 0:
		return errno_of(splice(fd, NULL, other, NULL, 64, SPLICE_F_NONBLOCK));
	case 1:
		return errno_of(splice(other, NULL, fd, NULL, 64, SPLICE_F_NONBLOCK));
	case 2:
		return errno_of(tee(fd, other, 64, SPLICE_F_NONBLOCK));
	case 3:
		return errno_of(copy_file_range(fd, NULL, other, NULL, 64, 0));
	}
	return errno_of(sendfile(fd, other, &offset, 64));
}

static long poke(struct task *t, int fd)
{
	struct stat st;

	switch (below(&t->r, 10)) {
	case 0:
		return errno_of(lseek(fd, below(&t->r, 100), below(&t->r, 5)));
	case 1:
		return errno_of(pread(fd, room(t, 8) ?: (void *)8, 8, below(&t->r, 9)));
	case 2:
		return errno_of(pwrite(fd, source(t, 8), 8, below(&t->r, 9)));
	case 3:
		return errno_of(ftruncate(fd, 0));
	case 4:
		return errno_of(fallocate(fd, 0, 0, 64));
	case 5:
		return errno_of(fsync(fd));
	case 6:
		return errno_of(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	case 7:
		return errno_of(fstat(fd, &st));
	case 8:
		return errno_of(syscall(SYS_getdents64, fd, (void *)8, 64));
	}
	return try_mmap(fd);
}

void op_odd(struct task *t)
{
	/* Of files of any kind, with any errno. */
	int fd = fd_of(chan_slot(t)), other = any_fd(t);
	long ret = chance(&t->r, 50) ? move(t, fd, other) : poke(t, fd);

	judge(t, "odd", ret, NULL);
}

/* ---- polling ---- */

static int patience(struct task *t)
{
	return chance(&t->r, shared->style.patient) ? -1 : (int)below(&t->r, 2);
}

static long poll_some(struct task *t)
{
	struct pollfd fds[8];
	unsigned int n = 1 + below(&t->r, ARRAY_SIZE(fds)), i;

	for (i = 0; i < n; i++) {
		fds[i].fd = chance(&t->r, 95) ? fd_of(chan_slot(t)) : any_fd(t);
		fds[i].events = chance(&t->r, 80) ? POLLIN | POLLOUT : (short)draw(&t->r);
		if (chance(&t->r, 30))
			fds[i].events &= ~POLLOUT;
	}
	return errno_of(poll(fds, n, patience(t)));
}

static long select_some(struct task *t)
{
	struct timespec ts = { .tv_nsec = below(&t->r, 1000000) };
	int fd, i, most = 0;
	fd_set in, out;

	FD_ZERO(&in);
	FD_ZERO(&out);
	for (i = 0; i < 3; i++) {
		fd = fd_of(chan_slot(t));
		if (fd < 0 || fd >= FD_SETSIZE)
			continue;
		FD_SET(fd, chance(&t->r, 50) ? &in : &out);
		most = fd >= most ? fd + 1 : most;
	}
	return errno_of(pselect(most, &in, &out, NULL, &ts, NULL));
}

void op_poll(struct task *t)
{
	static errnos_t errnos = { EINTR, EINVAL, EBADF, ENOMEM, EFAULT, 0 };

	judge(t, "poll", chance(&t->r, 70) ? poll_some(t) : select_some(t), errnos);
}

void op_epoll(struct task *t)
{
	static errnos_t errnos = { EBADF, EEXIST, EFAULT, EINTR, EINVAL, ELOOP, ENOENT, ENOMEM,
		ENOSPC, EPERM, 0 };
	static const uint32_t events[] = { EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT,
		EPOLLIN | EPOLLET, EPOLLIN | EPOLLOUT | EPOLLET, EPOLLIN | EPOLLONESHOT,
		EPOLLIN | EPOLLEXCLUSIVE, EPOLLOUT | EPOLLEXCLUSIVE };
	static const int ops[] = { EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL };
	struct epoll_event event = { .events = PICK(&t->r, events) }, got[4];
	int epoll = fd_of(SLOTS - 2);
	long ret;

	if (chance(&t->r, 60))
		ret = epoll_ctl(epoll, PICK(&t->r, ops), fd_of(chan_slot(t)), &event);
	else
		ret = epoll_wait(epoll, got, ARRAY_SIZE(got), patience(t));
	judge(t, "epoll", errno_of(ret), errnos);
}
