// SPDX-License-Identifier: GPL-2.0-only
/* read and write on channels of fixed elements. */
#include "chan_test.h"

TEST(write_sends_and_read_receives_one_element)
{
	int ch = ch_make(8, 1, 0);
	uint64_t v = 42, w;

	EXPECT_EQ(8, write(ch, &v, 8));
	poison(&w, 8);
	EXPECT_EQ(8, read(ch, &w, 8));
	EXPECT_EQ(42, w);
}

TEST(write_and_read_meet_ioctl)
{
	int ch = ch_make(8, 2, 0);
	uint64_t v = 1, w;

	EXPECT_EQ(8, write(ch, &v, 8));
	EXPECT_EQ(1, recv64(ch));
	EXPECT_EQ(0, send64(ch, 2));
	EXPECT_EQ(8, read(ch, &w, 8));
	EXPECT_EQ(2, w);
}

TEST(a_batch_is_that_many_elements)
{
	uint64_t v[5] = { 1, 2, 3, 4, 5 }, w[5];
	int ch = ch_make(8, 5, 0);

	EXPECT_EQ(sizeof(v), write(ch, v, sizeof(v)));
	EXPECT_EQ(5, ch_len(ch));
	EXPECT_EQ(5, ch_info(ch).sends);
	poison(w, sizeof(w));
	EXPECT_EQ(sizeof(w), read(ch, w, sizeof(w)));
	EXPECT_EQ(0, memcmp(v, w, sizeof(v)));
}

TEST(a_partial_element_is_not_written)
{
	char b[24] = {};
	int ch = ch_make(8, 3, 0);
	size_t n;

	for (n = 1; n < sizeof(b); n++) {
		if (n % 8 == 0)
			continue;
		errno = 0;
		EXPECT_EQ(-1, write(ch, b, n));
		EXPECT_EQ(EMSGSIZE, errno);
	}
	EXPECT_EQ(0, ch_len(ch));
}

TEST(a_read_is_rounded_down_to_whole_elements)
{
	uint64_t v[2] = { 1, 2 };
	unsigned char b[23];
	int ch = ch_make(8, 4, 0);

	must(write(ch, v, 16));
	must(write(ch, v, 16));
	poison(b, sizeof(b));
	EXPECT_EQ(16, read(ch, b, sizeof(b)));
	EXPECT_EQ(0, memcmp(b, v, 16));
	EXPECT_TRUE(all_bytes(b + 16, 7, POISON));
	EXPECT_EQ(2, ch_len(ch));
}

TEST(a_read_too_short_for_one_element_fails_and_takes_nothing)
{
	char b[7];
	int ch = ch_make(8, 1, 0);

	must(send64(ch, 1));
	EXPECT_EQ(-1, read(ch, b, 7));
	EXPECT_EQ(EMSGSIZE, errno);
	EXPECT_EQ(1, ch_len(ch));
}

TEST(zero_bytes_do_nothing)
{
	int ch = ch_make(8, 1, 0);
	char b;

	EXPECT_EQ(0, write(ch, &b, 0));
	EXPECT_EQ(0, read(ch, &b, 0));
	EXPECT_EQ(0, ch_len(ch));
	EXPECT_EQ(0, ch_info(ch).sends);
	must(send64(ch, 1));
	EXPECT_EQ(0, read(ch, &b, 0));
	EXPECT_EQ(1, ch_len(ch));
}

TEST(elements_of_size_0_need_the_ioctl)
{
	int ch = ch_make(0, 1, 0);
	char b;

	EXPECT_EQ(-1, write(ch, &b, 1));
	EXPECT_EQ(EMSGSIZE, errno);
	EXPECT_EQ(-1, read(ch, &b, 1));
	EXPECT_EQ(EMSGSIZE, errno);
	EXPECT_EQ(0, write(ch, &b, 0));
	EXPECT_EQ(0, ch_len(ch));
}

static long write_buf(struct task *t)
{
	ssize_t n = write(t->fd, t->buf, t->size);

	return n < 0 ? -errno : n;
}

static long read_buf(struct task *t)
{
	ssize_t n = read(t->fd, t->buf, t->size);

	return n < 0 ? -errno : n;
}

TEST(a_blocking_write_parks_for_each_element_it_must)
{
	uint64_t v[4] = { 1, 2, 3, 4 }, i;
	struct task t = { .fd = ch_make(8, 1, 0), .buf = v, .size = sizeof(v) };

	task_start(&t, write_buf);
	for (i = 1; i <= 3; i++) {
		wait_parked(t.fd, 0, 1);
		EXPECT_EQ(i, recv64(t.fd));
	}
	EXPECT_EQ(sizeof(v), task_join(&t));
	EXPECT_EQ(4, recv64(t.fd));
	EXPECT_EQ(3, ch_info(t.fd).send_parks);
}

TEST(batches_interleave_with_other_senders)
{
	uint64_t v[2] = { 1, 2 };
	struct task t = { .fd = ch_make(8, 0, 0), .buf = v, .size = sizeof(v) };
	struct task other;

	task_start(&t, write_buf);
	wait_parked(t.fd, 0, 1);
	park_send64(&other, t.fd, 9);
	EXPECT_EQ(1, recv64(t.fd));
	/* The second element queues behind who came before it. */
	EXPECT_EQ(9, recv64(t.fd));
	EXPECT_EQ(2, recv64(t.fd));
	EXPECT_EQ(16, task_join(&t));
	EXPECT_EQ(0, task_join(&other));
}

TEST(a_read_blocks_only_for_its_first_element)
{
	uint64_t w[4];
	struct task t = { .fd = ch_make(8, 4, 0), .buf = w, .size = sizeof(w) };

	poison(w, sizeof(w));
	task_start(&t, read_buf);
	wait_parked(t.fd, 1, 0);
	must(send64(t.fd, 1));
	EXPECT_EQ(8, task_join(&t));
	EXPECT_EQ(1, w[0]);
	EXPECT_TRUE(all_bytes(w + 1, 24, POISON));
}

TEST(read_takes_what_is_there)
{
	uint64_t w[4];
	int ch = ch_make(8, 4, 0);

	must(send64(ch, 1));
	must(send64(ch, 2));
	EXPECT_EQ(16, read(ch, w, sizeof(w)));
	EXPECT_EQ(1, w[0]);
	EXPECT_EQ(2, w[1]);
}

TEST(read_takes_parked_senders_too)
{
	uint64_t w[4];
	int ch = ch_make(8, 0, 0), i;
	struct task t[3];

	for (i = 0; i < 3; i++)
		park_send64(&t[i], ch, i);
	EXPECT_EQ(24, read(ch, w, sizeof(w)));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(i, w[i]);
		EXPECT_EQ(0, task_join(&t[i]));
	}
}

TEST(nonblocking_read_and_write)
{
	int ch = ch_make_as((struct chan_make){ .elem_size = 8, .cap = 2, .fd_flags = O_NONBLOCK });
	uint64_t v[3] = { 1, 2, 3 };

	EXPECT_EQ(-1, read(ch, v, 8));
	EXPECT_EQ(EAGAIN, errno);
	/* The count so far, where a blocking one would park. */
	EXPECT_EQ(16, write(ch, v, 24));
	EXPECT_EQ(-1, write(ch, v, 8));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(16, read(ch, v, 24));
}

TEST(o_nonblock_can_be_switched_by_fcntl)
{
	int ch = ch_make(8, 1, 0);
	struct task t;

	must(fcntl(ch, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(UINT64_MAX, recv64(ch));
	EXPECT_EQ(EAGAIN, errno);
	must(fcntl(ch, F_SETFL, 0));
	park_recv64(&t, ch);
	must(send64(ch, 3));
	EXPECT_EQ(9, task_join(&t));
}

TEST(read_returns_0_when_closed_and_drained)
{
	int ch = ch_make(8, 2, 0);
	uint64_t w[2];

	must(send64(ch, 1));
	must(ch_close(ch));
	poison(w, sizeof(w));
	EXPECT_EQ(8, read(ch, w, sizeof(w)));
	EXPECT_EQ(1, w[0]);
	poison(w, sizeof(w));
	EXPECT_EQ(0, read(ch, w, sizeof(w)));
	EXPECT_TRUE(all_bytes(w, sizeof(w), POISON));
	EXPECT_EQ(0, read(ch, w, sizeof(w)));
}

TEST(write_on_a_closed_channel_is_epipe_without_a_signal)
{
	int ch = ch_make(8, 2, 0);
	uint64_t v = 1;

	must(ch_close(ch));
	EXPECT_EQ(-1, write(ch, &v, 8));
	EXPECT_EQ(EPIPE, errno);
}

TEST(close_gives_a_parked_reader_0_and_a_writer_its_count)
{
	uint64_t v[3] = { 1, 2, 3 }, w;
	struct task r = { .fd = ch_make(8, 0, 0), .buf = &w, .size = 8 };
	struct task s = { .fd = ch_make(8, 2, 0), .buf = v, .size = sizeof(v) };
	struct task e = { .fd = ch_make(8, 0, 0), .buf = v, .size = sizeof(v) };

	task_start(&r, read_buf);
	wait_parked(r.fd, 1, 0);
	must(ch_close(r.fd));
	EXPECT_EQ(0, task_join(&r));

	task_start(&s, write_buf);
	wait_parked(s.fd, 0, 1);
	must(ch_close(s.fd));
	EXPECT_EQ(16, task_join(&s));

	task_start(&e, write_buf);
	wait_parked(e.fd, 0, 1);
	must(ch_close(e.fd));
	EXPECT_EQ(-EPIPE, task_join(&e));
}

static void nothing(int sig)
{
	(void)sig;
}

TEST(a_signal_gives_a_writer_its_count_so_far)
{
	struct sigaction sa = { .sa_handler = nothing };
	uint64_t v[3] = { 1, 2, 3 };
	struct task t = { .fd = ch_make(8, 2, 0), .buf = v, .size = sizeof(v) };

	sigaction(SIGUSR1, &sa, NULL);
	task_start(&t, write_buf);
	wait_parked(t.fd, 0, 1);
	pthread_kill(t.thread, SIGUSR1);
	EXPECT_EQ(16, task_join(&t));
	EXPECT_EQ(2, ch_len(t.fd));
	wait_parked(t.fd, 0, 0);
}

TEST(readv_and_writev_cut_elements_anywhere)
{
	unsigned char v[24], w[24];
	struct iovec out[] = { { v, 3 }, { v + 3, 13 }, { v + 16, 8 } };
	struct iovec in[] = { { w, 9 }, { w + 9, 1 }, { w + 10, 14 } };
	int ch = ch_make(8, 3, 0);

	fill(v, sizeof(v), 1);
	poison(w, sizeof(w));
	EXPECT_EQ(24, writev(ch, out, 3));
	EXPECT_EQ(3, ch_len(ch));
	EXPECT_EQ(24, readv(ch, in, 3));
	EXPECT_TRUE(is_filled(w, sizeof(w), 1));
}

TEST(readv_of_parked_reader_scatters)
{
	unsigned char w[8];
	struct iovec in[] = { { w, 3 }, { w + 3, 5 } };
	int ch = ch_make(8, 0, 0);
	pid_t pid = child_fork();

	if (!pid)
		_exit(readv(ch, in, 2) == 8 && is_filled(w, 8, 4) ? 0 : 1);
	wait_parked(ch, 1, 0);
	fill(w, 8, 4);
	EXPECT_EQ(8, write(ch, w, 8));
	EXPECT_EQ(0, child_wait(pid));
}

TEST(a_large_batch_of_large_elements_arrives_whole)
{
	enum { SIZE = 5000, N = 20 };
	static unsigned char v[SIZE * N], w[SIZE * N];
	int ch = ch_make(SIZE, N, 0);

	fill(v, sizeof(v), 9);
	EXPECT_EQ(sizeof(v), write(ch, v, sizeof(v)));
	EXPECT_EQ(sizeof(w), read(ch, w, sizeof(w)));
	EXPECT_TRUE(is_filled(w, sizeof(w), 9));
}

TEST(a_channel_has_no_position)
{
	int ch = ch_make(8, 1, 0);
	uint64_t v = 1;

	EXPECT_EQ(-1, pread(ch, &v, 8, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pwrite(ch, &v, 8, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, lseek(ch, 0, SEEK_CUR));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(0, ch_len(ch));
}

TEST(a_channel_cannot_be_mapped_or_spliced)
{
	int ch = ch_make(8, 1, 0), p[2];

	must(pipe(p));
	must(send64(ch, 1));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, ch, 0));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, splice(ch, NULL, p[1], NULL, 8, 0));
	EXPECT_EQ(EINVAL, errno);
	must(write(p[1], "12345678", 8));
	EXPECT_EQ(-1, splice(p[0], NULL, ch, NULL, 8, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(1, ch_len(ch));
}

TEST(rwf_nowait_does_not_block)
{
	int ch = ch_make(8, 1, 0);
	uint64_t v = 1;
	struct iovec iov = { &v, 8 };

	EXPECT_EQ(-1, preadv2(ch, &iov, 1, -1, RWF_NOWAIT));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(8, pwritev2(ch, &iov, 1, -1, RWF_NOWAIT));
	EXPECT_EQ(-1, pwritev2(ch, &iov, 1, -1, RWF_NOWAIT));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(8, preadv2(ch, &iov, 1, -1, RWF_NOWAIT));
}

/* The VFS cuts a write off below 2 GiB, at no multiple of an element. */
TEST(a_huge_write_is_cut_to_whole_elements)
{
	const size_t size = 3 * 800000000UL;
	int ch = ch_make(3, 5, 0);
	char *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	ASSERT_NE(MAP_FAILED, p);
	must(fcntl(ch, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(15, write(ch, p, size));
	EXPECT_EQ(5, ch_len(ch));
	munmap(p, size);
}

TEST_HARNESS_MAIN
