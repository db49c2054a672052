// SPDX-License-Identifier: GPL-2.0-only
/* Sends and receives with a deadline. */
#include "chan_test.h"

static long send_until(int ch, uint64_t v, uint64_t deadline)
{
	return ch_send_until(ch, &v, sizeof(v), deadline);
}

static long recv_until(int ch, uint64_t deadline)
{
	uint64_t v;

	return ch_recv_until(ch, &v, sizeof(v), deadline);
}

TEST(a_past_deadline_tries_once)
{
	int ch = ch_make(8, 1, 0);
	uint64_t past[] = { 0, 1, now_ns() - 1 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(past); i++) {
		EXPECT_EQ(-ETIMEDOUT, recv_until(ch, past[i]));
		EXPECT_EQ(0, send_until(ch, i, past[i]));
		EXPECT_EQ(-ETIMEDOUT, send_until(ch, i, past[i]));
		EXPECT_EQ(9, recv_until(ch, past[i]));
	}
	EXPECT_EQ(0, ch_info(ch).recv_parks + ch_info(ch).send_parks);
}

TEST(a_past_deadline_meets_a_parked_partner)
{
	int ch = ch_make(8, 0, 0);
	struct task t;

	park_recv64(&t, ch);
	EXPECT_EQ(0, send_until(ch, 5, 0));
	EXPECT_EQ(9, task_join(&t));
	EXPECT_EQ(5, t.value);
	park_send64(&t, ch, 6);
	EXPECT_EQ(9, recv_until(ch, 0));
	EXPECT_EQ(0, task_join(&t));
}

TEST(a_future_deadline_is_waited_for)
{
	int ch = ch_make(8, 0, 0);
	unsigned char b[8];

	poison(b, sizeof(b));
	time_out_parked(ch_info(ch).recv_parks, ch_recv_until(ch, b, 8, until));
	EXPECT_TRUE(all_bytes(b, sizeof(b), POISON));
	time_out_parked(ch_info(ch).send_parks, send_until(ch, 1, until));
	EXPECT_EQ(0, ch_info(ch).recvq + ch_info(ch).sendq);
	EXPECT_EQ(2, ch_info(ch).aborts);
	EXPECT_EQ(1, ch_info(ch).recv_parks);
	EXPECT_EQ(1, ch_info(ch).send_parks);
	EXPECT_EQ(0, ch_info(ch).sends);
}

TEST(an_element_that_timed_out_is_not_sent)
{
	int ch = ch_make(8, 0, 0);
	struct task t;

	EXPECT_EQ(-ETIMEDOUT, send_until(ch, 1, now_ns() + MS));
	park_send64(&t, ch, 2);
	EXPECT_EQ(2, recv64(ch));
	EXPECT_EQ(0, task_join(&t));
}

static long task_recv_until(struct task *t)
{
	poison(&t->value, sizeof(t->value));
	return ch_recv_until(t->fd, &t->value, sizeof(t->value), t->deadline);
}

static long task_send_until(struct task *t)
{
	return send_until(t->fd, t->value, t->deadline);
}

TEST(far_deadlines_and_forever_wait_for_a_partner)
{
	uint64_t far[] = {
		now_ns() + 3600 * SEC, INT64_MAX - 1, INT64_MAX, INT64_MAX + 1ULL,
		UINT64_MAX - 1, CHAN_FOREVER,
	};
	int ch = ch_make(8, 0, 0);
	struct task t;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(far); i++) {
		t = (struct task){ .fd = ch, .deadline = far[i] };
		park_receiver(&t, task_recv_until);
		EXPECT_EQ(0, try_send64(ch, i));
		EXPECT_EQ(9, task_join(&t));
		EXPECT_EQ(i, t.value);

		t = (struct task){ .fd = ch, .deadline = far[i], .value = i };
		park_sender(&t, task_send_until);
		EXPECT_EQ(i, try_recv64(ch));
		EXPECT_EQ(0, task_join(&t));
	}
	EXPECT_EQ(0, ch_info(ch).aborts);
}

TEST(forms_with_a_deadline_ignore_o_nonblock)
{
	int ch = ch_make_as((struct chan_make){ .elem_size = 8, .fd_flags = O_NONBLOCK });
	uint64_t until = now_ns() + 20 * MS;
	struct task t = { .fd = ch, .deadline = CHAN_FOREVER };

	EXPECT_EQ(-ETIMEDOUT, recv_until(ch, until));
	EXPECT_LE(until, now_ns());
	park_receiver(&t, task_recv_until);
	EXPECT_EQ(0, try_send64(ch, 1));
	EXPECT_EQ(9, task_join(&t));
}

TEST(one_that_timed_out_leaves_the_queue_in_order)
{
	int ch = ch_make(8, 0, 0);
	struct task a, b, c;

	park_recv64(&a, ch);
	b = (struct task){ .fd = ch, .deadline = now_ns() + 3 * SEC };
	park_receiver(&b, task_recv_until);
	park_recv64(&c, ch);
	EXPECT_EQ(-ETIMEDOUT, task_join(&b));
	wait_parked(ch, 2, 0);
	EXPECT_EQ(0, try_send64(ch, 1));
	EXPECT_EQ(0, try_send64(ch, 2));
	EXPECT_EQ(9, task_join(&a));
	EXPECT_EQ(9, task_join(&c));
	EXPECT_EQ(1, a.value);
	EXPECT_EQ(2, c.value);
}

static long short_sends(struct task *t)
{
	uint64_t sent = 0, v;

	for (v = 0; v < t->value; v++)
		sent += !send_until(t->fd, v, now_ns() + v % 97 * 1000);
	return sent;
}

/* Only the winner decides: what timed out was not received, all else was. */
TEST(deadlines_that_race_with_a_partner_lose_nothing)
{
	struct task t = { .fd = ch_make(8, 0, 0), .value = 5000 };
	uint64_t got = 0;

	task_start(&t, short_sends);
	while (!task_done(&t))
		got += recv_until(t.fd, now_ns() + got % 89 * 1000) == 9;
	EXPECT_EQ(got, task_join(&t));
	EXPECT_EQ(got, ch_info(t.fd).sends);
	EXPECT_EQ(got, ch_info(t.fd).receives);
}

/* In a time namespace, a deadline is in the caller's own time. */
static int in_shifted_time(void *arg)
{
	int ch = *(int *)arg;
	uint64_t start = now_ns(), v;

	must(send_until(ch, 1, start + 3600 * SEC));
	if (ch_recv_until(ch, &v, 8, start + 3600 * SEC) != 9)
		return 1;
	if (recv_until(ch, start + 20 * MS) != -ETIMEDOUT || now_ns() < start + 20 * MS)
		return 2;
	if (recv_until(ch, start - SEC) != -ETIMEDOUT)
		return 3;
	return 0;
}

static void check_time_namespace(struct __test_metadata *_metadata, const char *offset,
				 int64_t shift)
{
	int ch = ch_make(8, 1, 0);
	uint64_t before = now_ns();
	pid_t pid = child_fork();
	int64_t diff;

	if (!pid) {
		if (unshare(CLONE_NEWTIME) || shift_time(offset) < 0)
			_exit(KSFT_SKIP);
		pid = child_fork();
		if (pid)
			_exit(child_wait(pid));
		diff = now_ns() - before;
		if (diff < shift * (int64_t)SEC || diff > (shift + 300) * (int64_t)SEC)
			die("the clock did not shift");
		_exit(in_shifted_time(&ch));
	}
	switch (child_wait(pid)) {
	case 0:
		return;
	case KSFT_SKIP:
		SKIP(return, "no time namespaces here");
	default:
		EXPECT_TRUE(false);
	}
}

TEST(a_time_namespace_ahead_of_the_host)
{
	check_time_namespace(_metadata, "monotonic 100000 0\n", 100000);
}

TEST(a_time_namespace_behind_the_host)
{
	struct timespec up = { .tv_sec = now_ns() / SEC };
	char offset[64];

	if (up.tv_sec < 2)
		sleep(2);
	up.tv_sec = now_ns() / SEC - 1;
	snprintf(offset, sizeof(offset), "monotonic -%ld 0\n", (long)up.tv_sec);
	check_time_namespace(_metadata, offset, -up.tv_sec);
}

TEST_HARNESS_MAIN
