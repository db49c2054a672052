// SPDX-License-Identifier: GPL-2.0-only
/* Who gets which element when both sides, or a full buffer, are involved. */
#include "chan_test.h"

FIXTURE(ring)
{
	int ch;
};

FIXTURE_VARIANT(ring)
{
	uint64_t cap;
};

FIXTURE_VARIANT_ADD(ring, cap_1) { .cap = 1 };
FIXTURE_VARIANT_ADD(ring, cap_2) { .cap = 2 };
FIXTURE_VARIANT_ADD(ring, cap_3) { .cap = 3 };
FIXTURE_VARIANT_ADD(ring, cap_7) { .cap = 7 };

FIXTURE_SETUP(ring)
{
	self->ch = ch_make(8, variant->cap, 0);
	ASSERT_LE(0, self->ch);
}

FIXTURE_TEARDOWN(ring)
{
	close(self->ch);
}

static void turn_ring(int ch, uint64_t steps)
{
	while (steps--) {
		must(try_send64(ch, 99));
		if (try_recv64(ch) != 99)
			die("the ring does not turn");
	}
}

/* Corner case 4: cap 2 holds 1, 2 with 3, 4 parked: 1, 2, 3, 4, len 2, 2, 1, 0. */
TEST_F(ring, full_buffer_rule_holds_at_every_offset)
{
	uint64_t cap = variant->cap, offset, i;
	struct task t[2];

	for (offset = 0; offset < cap; offset++) {
		close(self->ch);
		self->ch = ch_make(8, cap, 0);
		turn_ring(self->ch, offset);
		for (i = 0; i < cap; i++)
			ASSERT_EQ(0, try_send64(self->ch, i));
		park_send64(&t[0], self->ch, cap);
		park_send64(&t[1], self->ch, cap + 1);
		ASSERT_EQ(cap, ch_len(self->ch));

		for (i = 0; i < cap + 2; i++) {
			EXPECT_EQ(i, try_recv64(self->ch));
			EXPECT_EQ(i < 2 ? cap : cap + 1 - i, ch_len(self->ch));
			EXPECT_EQ(i < 2 ? 1 - i : 0, ch_info(self->ch).sendq);
		}
		EXPECT_EQ(0, task_join(&t[0]));
		EXPECT_EQ(0, task_join(&t[1]));
	}
}

TEST_F(ring, element_for_a_parked_receiver_bypasses_the_buffer)
{
	uint64_t offset;
	struct task t;

	for (offset = 0; offset < variant->cap; offset++) {
		turn_ring(self->ch, 1);
		park_recv64(&t, self->ch);
		EXPECT_EQ(0, try_send64(self->ch, 5));
		EXPECT_EQ(0, ch_len(self->ch));
		EXPECT_EQ(9, task_join(&t));
		EXPECT_EQ(5, t.value);
		EXPECT_EQ(offset + 1, ch_info(self->ch).handoffs);
	}
}

TEST_F(ring, sends_until_full_and_receives_until_empty)
{
	uint64_t i;

	for (i = 0; i < variant->cap; i++) {
		EXPECT_EQ(0, try_send64(self->ch, i));
		EXPECT_EQ(i + 1, ch_len(self->ch));
	}
	EXPECT_EQ(-EAGAIN, try_send64(self->ch, i));
	EXPECT_EQ(variant->cap, ch_len(self->ch));
	for (i = 0; i < variant->cap; i++)
		EXPECT_EQ(i, try_recv64(self->ch));
	EXPECT_EQ(UINT64_MAX, try_recv64(self->ch));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(0, ch_info(self->ch).handoffs);
}

TEST(len_of_an_unbuffered_channel_is_0_with_parked_senders)
{
	int ch = ch_make(8, 0, 0), i;
	struct task t[3];

	for (i = 0; i < 3; i++)
		park_send64(&t[i], ch, i);
	EXPECT_EQ(0, ch_len(ch));
	EXPECT_EQ(0, ch_cap(ch));
	EXPECT_EQ(0, ch_info(ch).len);
	EXPECT_EQ(3, ch_info(ch).sendq);
	for (i = 0; i < 3; i++)
		EXPECT_EQ(i, recv64(ch));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, task_join(&t[i]));
}

/* Looks until told otherwise: returns how often the channel was not full. */
static long watch_full(struct task *t)
{
	long looks = 0;

	while (!__atomic_load_n(&t->value, __ATOMIC_RELAXED))
		looks += ch_len(t->fd) != ch_cap(t->fd);
	return looks;
}

static long send_in_turn(struct task *t)
{
	uint64_t i;

	for (i = 0; i < t->value; i++)
		must(send64(t->fd, i));
	return 0;
}

/* So short a moment that many are needed to see it, and another processor. */
#define MOMENTS			5000

TEST(a_receive_that_lets_a_sender_in_leaves_the_buffer_full_all_the_time)
{
	int ch = ch_make(8, 1, 0), i;
	struct task sender = { .fd = ch, .value = MOMENTS }, watch = { .fd = ch };

	must(try_send64(ch, 99));
	park_sender(&sender, send_in_turn);
	task_start(&watch, watch_full);
	for (i = 1; i < MOMENTS; i++) {
		wait_parked(ch, 0, 1);
		EXPECT_EQ(i == 1 ? 99 : i - 2, recv64(ch));
	}
	wait_parked(ch, 0, 1);
	__atomic_store_n(&watch.value, 1, __ATOMIC_RELAXED);
	EXPECT_EQ(0, task_join(&watch));
	EXPECT_EQ(MOMENTS - 2, recv64(ch));
	EXPECT_EQ(MOMENTS - 1, recv64(ch));
	EXPECT_EQ(0, task_join(&sender));
}

TEST(two_tries_never_meet_on_an_unbuffered_channel)
{
	int ch = ch_make(8, 0, 0);

	EXPECT_EQ(-EAGAIN, try_send64(ch, 1));
	EXPECT_EQ(UINT64_MAX, try_recv64(ch));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(0, ch_info(ch).sends);
}

TEST(a_try_meets_a_parked_partner)
{
	int ch = ch_make(8, 0, 0);
	struct task t;

	park_recv64(&t, ch);
	EXPECT_EQ(0, try_send64(ch, 11));
	EXPECT_EQ(9, task_join(&t));
	EXPECT_EQ(11, t.value);

	park_send64(&t, ch, 12);
	EXPECT_EQ(12, try_recv64(ch));
	EXPECT_EQ(0, task_join(&t));
	EXPECT_EQ(2, ch_info(ch).handoffs);
}

TEST(a_failed_try_leaves_the_destination_alone)
{
	int ch = ch_make(8, 0, 0);
	unsigned char b[8];

	poison(b, sizeof(b));
	EXPECT_EQ(-EAGAIN, ch_try_recv(ch, b, 8));
	EXPECT_TRUE(all_bytes(b, sizeof(b), POISON));
}

TEST(an_unbuffered_send_waits_for_its_receiver)
{
	int ch = ch_make(8, 0, 0);
	struct task t;

	park_send64(&t, ch, 1);
	EXPECT_FALSE(task_done(&t));
	EXPECT_EQ(1, recv64(ch));
	EXPECT_EQ(0, task_join(&t));
}

TEST(the_value_sent_is_that_of_the_time_of_the_call)
{
	static unsigned char big[4096], got[4096];
	uint64_t small = 1, v;
	struct task t;
	int ch;

	ch = ch_make(8, 0, 0);
	park_send(&t, ch, &small, 8);
	small = 2;
	EXPECT_EQ(9, ch_recv(ch, &v, 8));
	EXPECT_EQ(1, v);
	EXPECT_EQ(0, task_join(&t));

	ch = ch_make(sizeof(big), 0, 0);
	fill(big, sizeof(big), 1);
	park_send(&t, ch, big, sizeof(big));
	poison(big, sizeof(big));
	EXPECT_EQ(1 + sizeof(got), ch_recv(ch, got, sizeof(got)));
	EXPECT_TRUE(is_filled(got, sizeof(got), 1));
	EXPECT_EQ(0, task_join(&t));
}

/* ---- elements of each kind ---- */

FIXTURE(kind)
{
	unsigned char sent[5000], got[5000];
};

FIXTURE_VARIANT(kind)
{
	uint32_t flags;
	uint32_t size;
};

FIXTURE_VARIANT_ADD(kind, word) { .size = 8 };
FIXTURE_VARIANT_ADD(kind, small) { .size = 16 };
FIXTURE_VARIANT_ADD(kind, message) { .flags = CHAN_MESSAGE, .size = 100 };
FIXTURE_VARIANT_ADD(kind, long_one) { .size = 5000 };

FIXTURE_SETUP(kind)
{
	fill(self->sent, variant->size, 1);
}

FIXTURE_TEARDOWN(kind)
{
}

static void expect_counts(struct __test_metadata *_metadata, int ch, uint64_t elements,
			  uint64_t handoffs)
{
	struct chan_info info = ch_info(ch);

	EXPECT_EQ(elements, info.sends);
	EXPECT_EQ(elements, info.receives);
	EXPECT_EQ(handoffs, info.handoffs);
}

TEST_F(kind, a_hand_off_is_one_send_and_one_receive_whoever_came_first)
{
	int ch = ch_make(variant->size, 0, variant->flags);
	struct task t;

	park_recv(&t, ch, self->got, variant->size);
	EXPECT_EQ(0, ch_send(ch, self->sent, variant->size));
	EXPECT_EQ(1 + variant->size, task_join(&t));
	EXPECT_TRUE(is_filled(self->got, variant->size, 1));
	expect_counts(_metadata, ch, 1, 1);

	park_send(&t, ch, self->sent, variant->size);
	EXPECT_EQ(1 + variant->size, ch_recv(ch, self->got, variant->size));
	EXPECT_EQ(0, task_join(&t));
	expect_counts(_metadata, ch, 2, 2);
}

TEST_F(kind, through_the_buffer_it_is_one_send_and_one_receive_and_no_hand_off)
{
	int ch = ch_make(variant->size, 1, variant->flags);

	EXPECT_EQ(0, ch_send(ch, self->sent, variant->size));
	EXPECT_EQ(1, ch_info(ch).sends);
	EXPECT_EQ(0, ch_info(ch).receives);
	EXPECT_EQ(1 + variant->size, ch_recv(ch, self->got, variant->size));
	expect_counts(_metadata, ch, 1, 0);
}

/* ---- back and forth ---- */

static long ping(struct task *t)
{
	uint64_t i;

	for (i = 0; i < t->value; i++) {
		must(send64(t->fd, i));
		if (recv64(t->deadline) != i)
			return -EIO;
	}
	return 0;
}

TEST(ping_pong_over_two_unbuffered_channels)
{
	struct task t = { .fd = ch_make(8, 0, 0), .deadline = ch_make(8, 0, 0), .value = 2000 };
	uint64_t i;

	task_start(&t, ping);
	for (i = 0; i < t.value; i++) {
		ASSERT_EQ(i, recv64(t.fd));
		ASSERT_EQ(0, send64(t.deadline, i));
	}
	EXPECT_EQ(0, task_join(&t));
	EXPECT_EQ(2000, ch_info(t.fd).sends);
	EXPECT_EQ(2000, ch_info(t.fd).receives);
	EXPECT_EQ(2000, ch_info(t.fd).handoffs);
}

TEST_HARNESS_MAIN
