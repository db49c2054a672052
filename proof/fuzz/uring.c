// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads, writes and polls by io_uring: those that are not ready are left behind when the ring
 * goes, by its close or by the end of the task.
 */
#include <errno.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuzz.h"

#define ENTRIES		4
#define WAIT_NS		1000000

struct ring {
	int fd;
	struct io_uring_params params;
	unsigned char *queues;
	struct io_uring_sqe *sqes;
	size_t queues_size;
};

static bool map_ring(struct ring *ring)
{
	const struct io_uring_params *p = &ring->params;

	ring->queues_size = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
	ring->queues = mmap(NULL, ring->queues_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd,
			    IORING_OFF_SQ_RING);
	ring->sqes = mmap(NULL, ENTRIES * sizeof(*ring->sqes), PROT_READ | PROT_WRITE, MAP_SHARED,
			  ring->fd, IORING_OFF_SQES);
	return ring->queues != MAP_FAILED && ring->sqes != MAP_FAILED;
}

static void unmap_ring(struct ring *ring)
{
	if (ring->queues != MAP_FAILED)
		munmap(ring->queues, ring->queues_size);
	if (ring->sqes != MAP_FAILED)
		munmap(ring->sqes, ENTRIES * sizeof(*ring->sqes));
}

/* What is received after the ring is gone may go anywhere but to where it is looked at. */
static void fill(struct task *t, struct io_uring_sqe *sqe)
{
	static const int ops[] = { IORING_OP_READ, IORING_OP_WRITE, IORING_OP_POLL_ADD,
		IORING_OP_NOP };
	int slot = chan_slot(t);

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = PICK(&t->r, ops);
	sqe->fd = fd_of(slot);
	if (sqe->opcode == IORING_OP_POLL_ADD) {
		sqe->poll32_events = POLLIN | POLLOUT;
		return;
	}
	sqe->off = -1ULL;
	sqe->len = elem_of(slot) * (1 + below(&t->r, 3));
	t->dirty = true;
	sqe->addr = (uintptr_t)(sqe->opcode == IORING_OP_WRITE ? source(t, sqe->len) :
				room(t, sqe->len));
	sqe->rw_flags = chance(&t->r, 30) ? RWF_NOWAIT : 0;
}

static long submit(struct ring *ring, unsigned int n)
{
	const struct io_uring_params *p = &ring->params;
	uint32_t *tail = (void *)(ring->queues + p->sq_off.tail);
	uint32_t *array = (void *)(ring->queues + p->sq_off.array);
	struct __kernel_timespec ts = { .tv_nsec = WAIT_NS };
	struct io_uring_getevents_arg arg = { .ts = (uintptr_t)&ts };
	unsigned int i;

	for (i = 0; i < n; i++)
		array[i] = i;
	__atomic_store_n(tail, *tail + n, __ATOMIC_RELEASE);
	return syscall(SYS_io_uring_enter, ring->fd, n, 1,
		       IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg, sizeof(arg));
}

void op_uring(struct task *t)
{
	unsigned int n = 1 + below(&t->r, ENTRIES), i;
	struct ring ring = {};
	long ret;

	ring.fd = syscall(SYS_io_uring_setup, ENTRIES, &ring.params);
	if (ring.fd < 0)
		return;
	if (map_ring(&ring)) {
		for (i = 0; i < n; i++)
			fill(t, &ring.sqes[i]);
		ret = submit(&ring, n);
		judge(t, "io_uring_enter", ret < 0 ? -errno : ret, NULL);
	}
	unmap_ring(&ring);
	close(ring.fd);
}
