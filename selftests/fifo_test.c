// SPDX-License-Identifier: GPL-2.0-only
/* Order: of elements, and of those who wait. */
#include "chan_test.h"

#define WAITERS		16

TEST(buffered_elements_come_out_in_order)
{
	int ch = ch_make(8, 10, 0);
	uint64_t i;

	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, send64(ch, i));
	for (i = 0; i < 10; i++)
		EXPECT_EQ(i, recv64(ch));
}

TEST(the_ring_keeps_order_across_its_end)
{
	uint64_t cap, in, out, step;

	for (cap = 1; cap <= 5; cap++) {
		int ch = ch_make(8, cap, 0);

		for (in = 0, out = 0, step = 0; out < 50; step++) {
			uint64_t n = 1 + step % cap;

			for (; n; n--)
				ASSERT_EQ(0, try_send64(ch, in++));
			while (out < in)
				ASSERT_EQ(out++, try_recv64(ch));
		}
		close(ch);
	}
}

TEST(parked_senders_are_served_in_order)
{
	int ch = ch_make(8, 0, 0);
	struct task t[WAITERS];
	uint64_t i;

	for (i = 0; i < WAITERS; i++)
		park_send64(&t[i], ch, i);
	for (i = 0; i < WAITERS; i++)
		EXPECT_EQ(i, recv64(ch));
	for (i = 0; i < WAITERS; i++)
		EXPECT_EQ(0, task_join(&t[i]));
	EXPECT_EQ(WAITERS, ch_info(ch).send_parks);
}

TEST(parked_receivers_are_served_in_order)
{
	int ch = ch_make(8, 0, 0);
	struct task t[WAITERS];
	uint64_t i;

	for (i = 0; i < WAITERS; i++)
		park_recv64(&t[i], ch);
	for (i = 0; i < WAITERS; i++)
		EXPECT_EQ(0, try_send64(ch, i));
	for (i = 0; i < WAITERS; i++) {
		EXPECT_EQ(9, task_join(&t[i]));
		EXPECT_EQ(i, t[i].value);
	}
	EXPECT_EQ(WAITERS, ch_info(ch).recv_parks);
}

TEST(parked_receivers_of_a_buffered_channel_are_served_in_order)
{
	int ch = ch_make(8, 4, 0);
	struct task t[WAITERS];
	uint64_t i;

	for (i = 0; i < WAITERS; i++)
		park_recv64(&t[i], ch);
	for (i = 0; i < WAITERS; i++)
		EXPECT_EQ(0, try_send64(ch, i));
	EXPECT_EQ(0, ch_len(ch));
	for (i = 0; i < WAITERS; i++) {
		EXPECT_EQ(9, task_join(&t[i]));
		EXPECT_EQ(i, t[i].value);
	}
}

static int send_own_number(void *arg)
{
	struct task *t = arg;

	return -send64(t->fd, t->value);
}

TEST(parked_processes_are_served_in_order)
{
	int ch = ch_make(8, 1, 0);
	pid_t pid[6];
	uint64_t i;

	ASSERT_EQ(0, send64(ch, 0));
	for (i = 0; i < ARRAY_SIZE(pid); i++) {
		struct task t = { .fd = ch, .value = i + 1 };

		pid[i] = child_start(send_own_number, &t);
		wait_parked(ch, 0, i + 1);
	}
	for (i = 0; i <= ARRAY_SIZE(pid); i++)
		EXPECT_EQ(i, recv64(ch));
	for (i = 0; i < ARRAY_SIZE(pid); i++)
		EXPECT_EQ(0, child_wait(pid[i]));
}

TEST(a_newcomer_does_not_overtake_a_parked_sender)
{
	int ch = ch_make(8, 1, 0);
	struct task t;

	ASSERT_EQ(0, send64(ch, 1));
	park_send64(&t, ch, 2);
	EXPECT_EQ(-EAGAIN, try_send64(ch, 3));
	EXPECT_EQ(1, recv64(ch));
	/* The slot went to the parked sender before anybody else could ask. */
	EXPECT_EQ(-EAGAIN, try_send64(ch, 3));
	EXPECT_EQ(0, task_join(&t));
	EXPECT_EQ(2, recv64(ch));
}

TEST(a_newcomer_does_not_overtake_a_parked_receiver)
{
	int ch = ch_make(8, 1, 0);
	struct task t;

	park_recv64(&t, ch);
	EXPECT_EQ(0, try_send64(ch, 1));
	EXPECT_EQ(UINT64_MAX, try_recv64(ch));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(9, task_join(&t));
	EXPECT_EQ(1, t.value);
}

static long forward_one(struct task *t)
{
	uint64_t v = recv64(t->fd);

	return send64(t->deadline, v + 1);
}

/* Go's test/chan/fifo.go passes a value along a chain of unbuffered channels. */
TEST(a_value_travels_a_chain_of_channels)
{
	enum { LINKS = 50 };
	int ch[LINKS + 1], i;
	struct task t[LINKS];

	for (i = 0; i <= LINKS; i++)
		ch[i] = ch_make(8, 0, 0);
	for (i = 0; i < LINKS; i++) {
		t[i] = (struct task){ .fd = ch[i], .deadline = ch[i + 1] };
		task_start(&t[i], forward_one);
	}
	EXPECT_EQ(0, send64(ch[0], 1000));
	EXPECT_EQ(1000 + LINKS, recv64(ch[LINKS]));
	for (i = 0; i < LINKS; i++)
		EXPECT_EQ(0, task_join(&t[i]));
}

static long send_thousand(struct task *t)
{
	uint64_t i;

	for (i = 0; i < 1000; i++)
		must(send64(t->fd, t->value << 32 | i));
	return 0;
}

TEST(elements_of_one_sender_keep_their_order_among_many)
{
	enum { SENDERS = 4 };
	uint64_t next[SENDERS] = {}, v;
	int ch = ch_make(8, 3, 0), i;
	struct task t[SENDERS];

	for (i = 0; i < SENDERS; i++) {
		t[i] = (struct task){ .fd = ch, .value = i };
		task_start(&t[i], send_thousand);
	}
	for (i = 0; i < SENDERS * 1000; i++) {
		v = recv64(ch);
		ASSERT_GT(SENDERS, v >> 32);
		ASSERT_EQ(next[v >> 32]++, (uint32_t)v);
	}
	for (i = 0; i < SENDERS; i++)
		EXPECT_EQ(0, task_join(&t[i]));
}

TEST_HARNESS_MAIN
