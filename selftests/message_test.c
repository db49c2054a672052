// SPDX-License-Identifier: GPL-2.0-only
/* Channels whose elements keep their own length. */
#include "chan_test.h"

#define ROOM	64

TEST(each_message_keeps_its_length)
{
	static const uint32_t sizes[] = { 0, 1, 7, 8, 63, 64 };
	int ch = ch_make(ROOM, ARRAY_SIZE(sizes), CHAN_MESSAGE);
	unsigned char b[ROOM], w[ROOM + 1];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		fill(b, sizes[i], i);
		EXPECT_EQ(0, ch_send(ch, b, sizes[i]));
	}
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		poison(w, sizeof(w));
		EXPECT_EQ(1 + sizes[i], ch_recv(ch, w, ROOM));
		EXPECT_TRUE(is_filled(w, sizes[i], i));
		EXPECT_TRUE(all_bytes(w + sizes[i], sizeof(w) - sizes[i], POISON));
	}
}

TEST(a_message_longer_than_the_channels_most_is_refused)
{
	char b[ROOM + 1] = {};
	int ch = ch_make(ROOM, 2, CHAN_MESSAGE);

	EXPECT_EQ(-EMSGSIZE, ch_send(ch, b, ROOM + 1));
	EXPECT_EQ(-1, write(ch, b, ROOM + 1));
	EXPECT_EQ(EMSGSIZE, errno);
	EXPECT_EQ(0, ch_send(ch, b, ROOM));
	EXPECT_EQ(1, ch_len(ch));
}

TEST(too_short_a_room_is_refused_and_nothing_is_consumed)
{
	int ch = ch_make(ROOM, 2, CHAN_MESSAGE);
	char b[ROOM];

	must(ch_send(ch, "hello", 5));
	poison(b, sizeof(b));
	EXPECT_EQ(-EMSGSIZE, ch_recv(ch, b, 4));
	EXPECT_EQ(-EMSGSIZE, ch_try_recv(ch, b, 0));
	EXPECT_TRUE(all_bytes(b, sizeof(b), POISON));
	EXPECT_EQ(1, ch_len(ch));
	EXPECT_EQ(6, ch_recv(ch, b, 5));
	EXPECT_EQ(0, memcmp(b, "hello", 5));
}

TEST(too_short_a_room_leaves_a_parked_sender_parked)
{
	int ch = ch_make(ROOM, 0, CHAN_MESSAGE);
	struct task t;
	char b[ROOM];

	park_send(&t, ch, "hello", 5);
	EXPECT_EQ(-EMSGSIZE, ch_recv(ch, b, 4));
	EXPECT_EQ(1, ch_info(ch).sendq);
	EXPECT_EQ(0, ch_info(ch).sends);
	EXPECT_EQ(6, ch_recv(ch, b, ROOM));
	EXPECT_EQ(0, task_join(&t));
}

TEST(a_parked_receiver_with_too_short_a_room_is_told_and_the_next_is_tried)
{
	unsigned char small[2], also_small[4], big[ROOM];
	int ch = ch_make(ROOM, 0, CHAN_MESSAGE);
	struct task t[3];

	poison(small, sizeof(small));
	poison(also_small, sizeof(also_small));
	park_recv(&t[0], ch, small, sizeof(small));
	park_recv(&t[1], ch, also_small, sizeof(also_small));
	park_recv(&t[2], ch, big, sizeof(big));
	EXPECT_EQ(0, ch_try_send(ch, "hello", 5));
	EXPECT_EQ(-EMSGSIZE, task_join(&t[0]));
	EXPECT_EQ(-EMSGSIZE, task_join(&t[1]));
	EXPECT_EQ(6, task_join(&t[2]));
	EXPECT_EQ(0, memcmp(big, "hello", 5));
	EXPECT_TRUE(all_bytes(small, sizeof(small), POISON));
	EXPECT_TRUE(all_bytes(also_small, sizeof(also_small), POISON));
	EXPECT_EQ(0, ch_info(ch).lost);
}

/* More than are told while the channel is locked once. */
TEST(many_parked_receivers_with_too_short_a_room_are_told)
{
	enum { N = 150 };
	unsigned char small[2], big[ROOM];
	struct task t[N + 1];
	int ch = ch_make(ROOM, 0, CHAN_MESSAGE), i;

	for (i = 0; i < N; i++) {
		t[i] = (struct task){ .fd = ch, .buf = small, .size = sizeof(small) };
		task_start(&t[i], task_do_recv);
	}
	wait_parked(ch, N, 0);
	park_recv(&t[N], ch, big, sizeof(big));
	EXPECT_EQ(0, ch_try_send(ch, "hello", 5));
	for (i = 0; i < N; i++)
		EXPECT_EQ(-EMSGSIZE, task_join(&t[i])) TH_LOG("%d", i);
	EXPECT_EQ(6, task_join(&t[N]));
	EXPECT_EQ(0, ch_info(ch).lost);
}

TEST(a_message_for_none_of_the_parked_receivers_stays_with_its_sender)
{
	unsigned char small[2];
	int ch = ch_make(ROOM, 0, CHAN_MESSAGE);
	struct task t;

	park_recv(&t, ch, small, sizeof(small));
	EXPECT_EQ(-EAGAIN, ch_try_send(ch, "hello", 5));
	EXPECT_EQ(-EMSGSIZE, task_join(&t));
	EXPECT_EQ(0, ch_info(ch).sends);

	/* With a buffer it goes there. */
	ch = ch_make(ROOM, 1, CHAN_MESSAGE);
	park_recv(&t, ch, small, sizeof(small));
	EXPECT_EQ(0, ch_try_send(ch, "hello", 5));
	EXPECT_EQ(-EMSGSIZE, task_join(&t));
	EXPECT_EQ(1, ch_len(ch));
}

TEST(a_receive_without_destination_discards_a_message_of_any_length)
{
	int ch = ch_make(ROOM, 2, CHAN_MESSAGE);

	must(ch_send(ch, "hello", 5));
	must(ch_send(ch, "", 0));
	EXPECT_EQ(6, ch_recv(ch, NULL, 0));
	EXPECT_EQ(1, ch_recv(ch, NULL, 0));
	EXPECT_EQ(0, ch_len(ch));
}

TEST(closed_zeroes_the_whole_room)
{
	unsigned char b[ROOM];
	int ch = ch_make(ROOM, 0, CHAN_MESSAGE);

	must(ch_close(ch));
	poison(b, sizeof(b));
	EXPECT_EQ(0, ch_recv(ch, b, 10));
	EXPECT_TRUE(all_bytes(b, 10, 0));
	EXPECT_TRUE(all_bytes(b + 10, sizeof(b) - 10, POISON));
}

TEST(an_empty_message_is_no_end)
{
	int ch = ch_make(ROOM, 1, CHAN_MESSAGE);
	char b[ROOM];

	must(ch_send(ch, NULL, 0));
	EXPECT_EQ(1, ch_recv(ch, b, ROOM));
	must(ch_close(ch));
	EXPECT_EQ(0, ch_recv(ch, b, ROOM));
}

/* ---- read and write ---- */

TEST(one_write_is_one_message_and_one_read_gives_one)
{
	int ch = ch_make(ROOM, 4, CHAN_MESSAGE);
	char b[2 * ROOM];

	EXPECT_EQ(5, write(ch, "hello", 5));
	EXPECT_EQ(2, write(ch, "ab", 2));
	EXPECT_EQ(2, ch_len(ch));
	EXPECT_EQ(5, read(ch, b, sizeof(b)));
	EXPECT_EQ(0, memcmp(b, "hello", 5));
	EXPECT_EQ(2, read(ch, b, sizeof(b)));
}

TEST(writev_gathers_one_message_and_readv_scatters_it)
{
	struct iovec out[] = { { "he", 2 }, { "l", 1 }, { "lo", 2 } };
	char a[2], b[10];
	struct iovec in[] = { { a, 2 }, { b, 10 } };
	int ch = ch_make(ROOM, 4, CHAN_MESSAGE);

	EXPECT_EQ(5, writev(ch, out, 3));
	EXPECT_EQ(1, ch_len(ch));
	EXPECT_EQ(5, readv(ch, in, 2));
	EXPECT_EQ(0, memcmp(a, "he", 2));
	EXPECT_EQ(0, memcmp(b, "llo", 3));
}

/* What sh's read builtin does. */
TEST(a_message_can_be_read_byte_by_byte)
{
	static const char text[] = "hello\nab\n";
	int ch = ch_make(ROOM, 4, CHAN_MESSAGE);
	unsigned int i;
	char c[2];

	must(write(ch, "hello\n", 6));
	must(write(ch, "ab\n", 3));
	for (i = 0; i < sizeof(text) - 1; i++) {
		poison(c, sizeof(c));
		ASSERT_EQ(1, read(ch, c, 1));
		EXPECT_EQ(text[i], c[0]);
		EXPECT_EQ((char)POISON, c[1]);
	}
	must(ch_close(ch));
	EXPECT_EQ(0, read(ch, c, 1));
}

TEST(a_read_never_joins_two_messages)
{
	int ch = ch_make(ROOM, 4, CHAN_MESSAGE);
	char b[2 * ROOM];

	must(write(ch, "hello", 5));
	must(write(ch, "world", 5));
	EXPECT_EQ(3, read(ch, b, 3));
	EXPECT_EQ(2, read(ch, b, sizeof(b)));
	EXPECT_EQ(0, memcmp(b, "lo", 2));
	EXPECT_EQ(5, read(ch, b, sizeof(b)));
}

TEST(the_rest_of_a_message_belongs_to_one_open_file_description)
{
	int ch = ch_make(ROOM, 4, CHAN_MESSAGE);
	int copy = dup(ch), view = must(ch_dup(ch, O_RDONLY));
	char b[ROOM];

	must(write(ch, "hello", 5));
	must(write(ch, "world", 5));
	EXPECT_EQ(1, read(ch, b, 1));
	EXPECT_EQ(5, read(view, b, ROOM));
	EXPECT_EQ(0, memcmp(b, "world", 5));
	EXPECT_EQ(4, read(copy, b, ROOM));
	EXPECT_EQ(0, memcmp(b, "ello", 4));
}

TEST(an_ioctl_receive_ignores_the_rest)
{
	int ch = ch_make(ROOM, 4, CHAN_MESSAGE);
	char b[ROOM];

	must(write(ch, "hello", 5));
	must(write(ch, "world", 5));
	EXPECT_EQ(1, read(ch, b, 1));
	EXPECT_EQ(6, ch_recv(ch, b, ROOM));
	EXPECT_EQ(0, memcmp(b, "world", 5));
	EXPECT_EQ(4, read(ch, b, ROOM));
	EXPECT_EQ(0, memcmp(b, "ello", 4));
}

TEST(the_rest_survives_close)
{
	int ch = ch_make(ROOM, 4, CHAN_MESSAGE);
	char b[ROOM];

	must(write(ch, "hello", 5));
	EXPECT_EQ(1, read(ch, b, 1));
	must(ch_close(ch));
	EXPECT_EQ(4, read(ch, b, ROOM));
	EXPECT_EQ(0, read(ch, b, ROOM));
}

TEST(reads_pass_over_empty_messages)
{
	int ch = ch_make(ROOM, 4, CHAN_MESSAGE);
	char b[ROOM];

	must(ch_send(ch, NULL, 0));
	must(ch_send(ch, NULL, 0));
	must(ch_send(ch, "x", 1));
	must(ch_send(ch, NULL, 0));
	EXPECT_EQ(1, read(ch, b, ROOM));
	EXPECT_EQ('x', b[0]);
	must(ch_send(ch, NULL, 0));
	must(ch_send(ch, "y", 1));
	EXPECT_EQ(1, read(ch, b, 1));
	EXPECT_EQ('y', b[0]);
	must(ch_send(ch, NULL, 0));
	must(ch_close(ch));
	EXPECT_EQ(0, read(ch, b, 1));
}

TEST(a_parked_read_passes_over_empty_messages)
{
	int ch = ch_make(ROOM, 0, CHAN_MESSAGE);
	pid_t pid[2];
	char b[ROOM];
	int i;

	/* One with room for any message, one which reads byte by byte. */
	for (i = 0; i < 2; i++) {
		pid[i] = child_fork();
		if (!pid[i])
			_exit(read(ch, b, i ? 1 : ROOM) == 1 && b[0] == 'x' ? 0 : 1);
		wait_parked(ch, 1, 0);
		must(ch_send(ch, NULL, 0));
		wait_parked(ch, 1, 0);
		must(ch_send(ch, "x", 1));
		EXPECT_EQ(0, child_wait(pid[i]));
	}
}

TEST(a_write_of_0_bytes_sends_nothing)
{
	int ch = ch_make(ROOM, 1, CHAN_MESSAGE);

	EXPECT_EQ(0, write(ch, "", 0));
	EXPECT_EQ(0, ch_len(ch));
	EXPECT_EQ(0, ch_info(ch).sends);
}

TEST(nonblocking_reads_of_messages)
{
	int ch = ch_make_as((struct chan_make){
		.elem_size = ROOM, .cap = 1, .flags = CHAN_MESSAGE, .fd_flags = O_NONBLOCK,
	});
	char b[ROOM];

	EXPECT_EQ(-1, read(ch, b, ROOM));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(-1, read(ch, b, 1));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(2, write(ch, "ab", 2));
	EXPECT_EQ(-1, write(ch, "ab", 2));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(1, read(ch, b, 1));
	EXPECT_EQ(1, read(ch, b, 1));
	EXPECT_EQ('b', b[0]);
	EXPECT_EQ(-1, read(ch, b, 1));
	EXPECT_EQ(EAGAIN, errno);
}

static long read_a_byte(struct task *t)
{
	char c;

	return read(t->fd, &c, 1) == 1 ? c : -errno;
}

TEST(byte_readers_of_one_description_get_each_byte_once)
{
	int ch = ch_make(ROOM, 4, CHAN_MESSAGE), i, sum = 0;
	struct task t[6];

	for (i = 0; i < 6; i++) {
		t[i] = (struct task){ .fd = ch };
		task_start(&t[i], read_a_byte);
	}
	wait_parked(ch, 1, 0);
	must(write(ch, "\1\2\4", 3));
	must(write(ch, "\10\20\40", 3));
	for (i = 0; i < 6; i++)
		sum += task_join(&t[i]);
	EXPECT_EQ(63, sum);
}

TEST(a_nonblocking_byte_reader_does_not_wait_for_one_that_is_parked)
{
	int ch = ch_make(ROOM, 0, CHAN_MESSAGE);
	struct iovec iov;
	struct task t = { .fd = ch };
	char c;

	task_start(&t, read_a_byte);
	wait_parked(ch, 1, 0);
	iov = (struct iovec){ &c, 1 };
	EXPECT_EQ(-1, preadv2(ch, &iov, 1, -1, RWF_NOWAIT));
	EXPECT_EQ(EAGAIN, errno);
	must(ch_send(ch, "x", 1));
	EXPECT_EQ('x', task_join(&t));
}

TEST(a_byte_reader_whose_buffer_is_bad_consumes_nothing)
{
	int ch = ch_make(ROOM, 1, CHAN_MESSAGE);
	char b[ROOM];

	must(ch_send(ch, "hello", 5));
	EXPECT_EQ(-1, read(ch, bad_pointer(8), 1));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, read(ch, bad_pointer(8), ROOM));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(1, ch_len(ch));
	EXPECT_EQ(5, read(ch, b, ROOM));
}

TEST(a_large_message_that_was_read_to_its_end_is_charged_no_more)
{
	enum { LARGE = 100000 };
	int ch = ch_make(LARGE, 1, CHAN_MESSAGE);
	uint64_t before = ch_query(ch).user_bytes;
	char *b = calloc(1, LARGE);

	must(ch_send(ch, b, LARGE));
	EXPECT_EQ(LARGE / 2, read(ch, b, LARGE / 2));
	EXPECT_LE(before + LARGE, ch_query(ch).user_bytes);
	EXPECT_EQ(LARGE / 2, read(ch, b, LARGE / 2));
	EXPECT_EQ(before, ch_query(ch).user_bytes);
	free(b);
}

static int send_empty_for_ever(void *arg)
{
	while (!ch_send(*(int *)arg, NULL, 0))
		;
	return 0;
}

static int read_for_ever(void *arg)
{
	char c;

	return read(*(int *)arg, &c, 1);
}

/* Who is fed nothing but empty messages never parks, and has to look at signals too. */
TEST(a_reader_of_nothing_but_empty_messages_can_be_killed)
{
	int ch = ch_make(ROOM, 1000, CHAN_MESSAGE), i;
	uint64_t receives;
	pid_t sender[2], reader;

	for (i = 0; i < 2; i++)
		sender[i] = child_start(send_empty_for_ever, &ch);
	reader = child_start(read_for_ever, &ch);
	receives = ch_info(ch).receives;
	EXPECT_TRUE(eventually(ch_info(ch).receives > receives + 1000));
	EXPECT_EQ(128 + SIGKILL, child_kill(reader));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(128 + SIGKILL, child_kill(sender[i]));
}

TEST_HARNESS_MAIN
