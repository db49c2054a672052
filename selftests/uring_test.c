// SPDX-License-Identifier: GPL-2.0-only
/* io_uring: read, write and poll on channels. */
#include "chan_test.h"
#include <liburing.h>

FIXTURE(uring)
{
	struct io_uring ring;
	int ch;
};

FIXTURE_SETUP(uring)
{
	int ret = io_uring_queue_init(16, &self->ring, 0);

	if (ret)
		SKIP(return, "no io_uring here: %s", strerror(-ret));
	self->ch = ch_make(8, 2, 0);
	ASSERT_LE(0, self->ch);
}

FIXTURE_TEARDOWN(uring)
{
	io_uring_queue_exit(&self->ring);
	close(self->ch);
}

static struct io_uring_sqe *new_sqe(struct io_uring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	if (!sqe)
		die("no sqe");
	return sqe;
}

static void submit_write(struct io_uring *ring, int fd, const void *p, uint64_t tag,
			 unsigned int flags)
{
	struct io_uring_sqe *sqe = new_sqe(ring);

	io_uring_prep_write(sqe, fd, p, 8, -1);
	sqe->flags |= flags;
	sqe->user_data = tag;
	must(io_uring_submit(ring));
}

static void submit_read(struct io_uring *ring, int fd, void *p, uint64_t tag,
			unsigned int flags)
{
	struct io_uring_sqe *sqe = new_sqe(ring);

	io_uring_prep_read(sqe, fd, p, 8, -1);
	sqe->flags |= flags;
	sqe->user_data = tag;
	must(io_uring_submit(ring));
}

/* Result of the next completion, which must be that of @tag. */
static int reap(struct io_uring *ring, uint64_t tag)
{
	struct __kernel_timespec ts = { .tv_sec = 60 };
	struct io_uring_cqe *cqe;
	int res;

	must(io_uring_wait_cqe_timeout(ring, &cqe, &ts));
	if (cqe->user_data != tag)
		die("completion of %llu, expected %llu", (unsigned long long)cqe->user_data,
		    (unsigned long long)tag);
	res = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return res;
}

static bool nothing_completed(struct io_uring *ring)
{
	struct io_uring_cqe *cqe;

	return io_uring_peek_cqe(ring, &cqe) == -EAGAIN;
}

TEST_F(uring, write_and_read_at_once)
{
	uint64_t v = 5, w = 0;

	submit_write(&self->ring, self->ch, &v, 1, 0);
	EXPECT_EQ(8, reap(&self->ring, 1));
	EXPECT_EQ(1, ch_len(self->ch));
	submit_read(&self->ring, self->ch, &w, 2, 0);
	EXPECT_EQ(8, reap(&self->ring, 2));
	EXPECT_EQ(5, w);
}

/* Submitting must not block: the ring polls and tries again. */
TEST_F(uring, a_read_of_an_empty_channel_completes_when_an_element_comes)
{
	uint64_t w = 0;

	submit_read(&self->ring, self->ch, &w, 1, 0);
	EXPECT_TRUE(nothing_completed(&self->ring));
	must(send64(self->ch, 7));
	EXPECT_EQ(8, reap(&self->ring, 1));
	EXPECT_EQ(7, w);
	EXPECT_EQ(0, ch_len(self->ch));
}

TEST_F(uring, a_write_to_a_full_channel_completes_when_there_is_room)
{
	uint64_t v = 3;

	must(send64(self->ch, 1));
	must(send64(self->ch, 2));
	submit_write(&self->ring, self->ch, &v, 1, 0);
	EXPECT_TRUE(nothing_completed(&self->ring));
	EXPECT_EQ(2, ch_len(self->ch));
	EXPECT_EQ(1, recv64(self->ch));
	EXPECT_EQ(8, reap(&self->ring, 1));
	EXPECT_EQ(2, recv64(self->ch));
	EXPECT_EQ(3, recv64(self->ch));
}

/*
 * IOSQE_ASYNC means a worker, which also tries first, and then polls: rings never
 * park on what can be polled.
 */
TEST_F(uring, an_async_read_completes_when_an_element_comes)
{
	uint64_t w = 0;

	submit_read(&self->ring, self->ch, &w, 1, IOSQE_ASYNC);
	must(send64(self->ch, 9));
	EXPECT_EQ(8, reap(&self->ring, 1));
	EXPECT_EQ(9, w);
}

TEST_F(uring, an_async_write_completes_when_there_is_room)
{
	uint64_t v = 9;

	must(send64(self->ch, 1));
	must(send64(self->ch, 2));
	submit_write(&self->ring, self->ch, &v, 1, IOSQE_ASYNC);
	EXPECT_EQ(1, recv64(self->ch));
	EXPECT_EQ(8, reap(&self->ring, 1));
	EXPECT_EQ(2, recv64(self->ch));
	EXPECT_EQ(9, recv64(self->ch));
}

/* One side of an unbuffered channel has to block in a call, and a ring does not. */
TEST_F(uring, a_ring_meets_a_parked_partner_on_an_unbuffered_channel)
{
	int ch = ch_make(8, 0, 0);
	uint64_t v = 4, w = 0;
	struct task t;

	submit_read(&self->ring, ch, &w, 1, 0);
	t = (struct task){ .fd = ch, .value = 3 };
	task_start(&t, task_do_send64);
	EXPECT_EQ(8, reap(&self->ring, 1));
	EXPECT_EQ(3, w);
	EXPECT_EQ(0, task_join(&t));

	submit_write(&self->ring, ch, &v, 2, 0);
	t = (struct task){ .fd = ch };
	task_start(&t, task_do_recv64);
	EXPECT_EQ(8, reap(&self->ring, 2));
	EXPECT_EQ(9, task_join(&t));
	EXPECT_EQ(4, t.value);
}

TEST_F(uring, close_completes_what_waits)
{
	uint64_t w = 1;

	submit_read(&self->ring, self->ch, &w, 1, 0);
	EXPECT_TRUE(nothing_completed(&self->ring));
	must(ch_close(self->ch));
	EXPECT_EQ(0, reap(&self->ring, 1));
	submit_write(&self->ring, self->ch, &w, 2, 0);
	EXPECT_EQ(-EPIPE, reap(&self->ring, 2));
}

TEST_F(uring, close_completes_async_reads)
{
	uint64_t w = 1;

	submit_read(&self->ring, self->ch, &w, 1, IOSQE_ASYNC);
	must(ch_close(self->ch));
	EXPECT_EQ(0, reap(&self->ring, 1));
}

TEST_F(uring, a_read_can_be_cancelled_and_takes_nothing)
{
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	uint64_t w = 0;
	int i;

	submit_read(&self->ring, self->ch, &w, 1, 0);
	sqe = new_sqe(&self->ring);
	io_uring_prep_cancel64(sqe, 1, 0);
	sqe->user_data = 2;
	must(io_uring_submit(&self->ring));
	for (i = 0; i < 2; i++) {
		must(io_uring_wait_cqe(&self->ring, &cqe));
		EXPECT_EQ(cqe->user_data == 1 ? -ECANCELED : 0, cqe->res);
		io_uring_cqe_seen(&self->ring, cqe);
	}
	must(send64(self->ch, 5));
	EXPECT_EQ(5, recv64(self->ch));
	EXPECT_EQ(0, w);
}

TEST_F(uring, rwf_nowait_is_eagain)
{
	struct io_uring_sqe *sqe = new_sqe(&self->ring);
	uint64_t w = 0;

	io_uring_prep_read(sqe, self->ch, &w, 8, -1);
	sqe->rw_flags = RWF_NOWAIT;
	sqe->user_data = 1;
	must(io_uring_submit(&self->ring));
	EXPECT_EQ(-EAGAIN, reap(&self->ring, 1));
}

/* The ring waits instead, because the file can tell it when to try again. */
TEST_F(uring, a_nonblocking_descriptor_is_waited_for)
{
	int fd = must(ch_dup(self->ch, O_RDWR | O_NONBLOCK));
	uint64_t w = 0;

	submit_read(&self->ring, fd, &w, 1, 0);
	must(send64(self->ch, 6));
	EXPECT_EQ(8, reap(&self->ring, 1));
	EXPECT_EQ(6, w);
}

TEST_F(uring, poll_tells_when_an_element_comes)
{
	struct io_uring_sqe *sqe = new_sqe(&self->ring);

	io_uring_prep_poll_add(sqe, self->ch, POLLIN);
	sqe->user_data = 1;
	must(io_uring_submit(&self->ring));
	EXPECT_TRUE(nothing_completed(&self->ring));
	must(send64(self->ch, 1));
	EXPECT_EQ(POLLIN, reap(&self->ring, 1));
	EXPECT_EQ(1, ch_len(self->ch));
}

TEST_F(uring, multishot_poll_tells_of_each_element)
{
	struct io_uring_sqe *sqe = new_sqe(&self->ring);
	int rx = must(ch_dup(self->ch, O_RDONLY)), i;

	io_uring_prep_poll_multishot(sqe, rx, POLLIN);
	sqe->user_data = 1;
	must(io_uring_submit(&self->ring));
	for (i = 0; i < 5; i++) {
		must(send64(self->ch, i));
		EXPECT_TRUE(reap(&self->ring, 1) & POLLIN);
		EXPECT_EQ(i, recv64(self->ch));
	}
}

TEST_F(uring, linked_requests_run_in_order)
{
	uint64_t v = 8, w = 0;
	struct io_uring_sqe *sqe = new_sqe(&self->ring);

	io_uring_prep_write(sqe, self->ch, &v, 8, -1);
	sqe->flags |= IOSQE_IO_LINK;
	sqe->user_data = 1;
	sqe = new_sqe(&self->ring);
	io_uring_prep_read(sqe, self->ch, &w, 8, -1);
	sqe->user_data = 2;
	must(io_uring_submit(&self->ring));
	EXPECT_EQ(8, reap(&self->ring, 1));
	EXPECT_EQ(8, reap(&self->ring, 2));
	EXPECT_EQ(8, w);
}

TEST_F(uring, messages_keep_their_length)
{
	int ch = ch_make(64, 2, CHAN_MESSAGE);
	struct io_uring_sqe *sqe = new_sqe(&self->ring);
	char b[64];

	io_uring_prep_read(sqe, ch, b, sizeof(b), -1);
	sqe->user_data = 1;
	must(io_uring_submit(&self->ring));
	must(ch_send(ch, "hello", 5));
	EXPECT_EQ(5, reap(&self->ring, 1));
	EXPECT_EQ(0, memcmp(b, "hello", 5));
}

TEST_F(uring, a_thousand_elements_through_the_ring)
{
	pid_t pid = child_fork();
	uint64_t v, w;

	if (!pid) {
		for (v = 0; v < 1000; v++)
			must(send64(self->ch, v));
		_exit(0);
	}
	for (v = 0; v < 1000; v++) {
		submit_read(&self->ring, self->ch, &w, v, v % 3 ? 0 : IOSQE_ASYNC);
		ASSERT_EQ(8, reap(&self->ring, v));
		ASSERT_EQ(v, w);
	}
	EXPECT_EQ(0, child_wait(pid));
}

TEST_HARNESS_MAIN
