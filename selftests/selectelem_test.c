// SPDX-License-Identifier: GPL-2.0-only
/* Select: elements of every kind and size, and what they cost while under way. */
#include "select_test.h"

TEST_F(pair, no_destination_discards)
{
	self->rx[0].elem = 0;
	self->rx[1].elem = 0;
	self->rx[1].size = 0;
	park_send64(&self->t, self->a, 1);
	EXPECT_EQ(0, ch_select(self->ctl, self->rx, 2));
	EXPECT_TRUE(is_done(&self->rx[0], 1, 8));
	EXPECT_EQ(0, task_join(&self->t));
	park_select(&self->t, self->ctl, self->rx, 2);
	EXPECT_EQ(0, try_send64(self->b, 2));
	EXPECT_EQ(1, task_join(&self->t));
	EXPECT_TRUE(is_done(&self->rx[1], 1, 8));
	EXPECT_EQ(1, ch_info(self->b).receives);
}

TEST(elements_of_size_0)
{
	int ctl = chanctl(), a = ch_make(0, 0, 0), b = ch_make(0, 2, 0);
	struct chan_case tx[2] = { sel_send(a, NULL, 0), sel_send(b, NULL, 0) };
	struct chan_case rx[2] = { sel_recv(a, NULL, 0), sel_recv(b, bad_pointer(16), 0) };
	struct task t;

	EXPECT_EQ(1, ch_select(ctl, tx, 2));
	EXPECT_EQ(1, ch_select(ctl, tx, 2));
	EXPECT_TRUE(is_done(&tx[1], 1, 0));
	EXPECT_EQ(-EAGAIN, ch_try_select(ctl, tx, 2));
	EXPECT_EQ(2, ch_len(b));
	EXPECT_EQ(1, ch_select(ctl, rx, 2));
	EXPECT_EQ(1, ch_select(ctl, rx, 2));
	EXPECT_TRUE(is_done(&rx[1], 1, 0));
	park_select(&t, ctl, rx, 2);
	EXPECT_EQ(0, ch_try_select(ctl, tx, 1));
	EXPECT_EQ(0, task_join(&t));
	EXPECT_TRUE(is_done(&rx[0], 1, 0));
}

TEST_F(pair, sizes_that_do_not_suit_fixed_elements)
{
	uint64_t sizes[] = { 0, 7, 9, 1ULL << 32, (1ULL << 32) + 8, UINT64_MAX };
	unsigned int i, at;
	struct task t;

	park_send64(&t, self->b, 7);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (at = 0; at < 2; at++) {
			struct chan_case rx[2] = { self->rx[0], self->rx[1] };
			struct chan_case tx[2] = { self->tx[0], self->tx[1] };

			rx[at].size = sizes[i];
			tx[at].size = sizes[i];
			EXPECT_EQ(-EMSGSIZE, ch_select(self->ctl, rx, 2));
			EXPECT_EQ(-EMSGSIZE, ch_select(self->ctl, tx, 2));
			EXPECT_TRUE(has_failed(&rx[at], -EMSGSIZE));
			EXPECT_TRUE(has_failed(&tx[at], -EMSGSIZE));
			EXPECT_TRUE(is_untouched(&rx[!at]) && is_untouched(&tx[!at]));
		}
	}
	self->rx[0].elem = 0;
	self->rx[0].size = 4;
	EXPECT_EQ(-EMSGSIZE, ch_select(self->ctl, self->rx, 2));
	EXPECT_TRUE(are_parked(self->b, 0, 1));
	EXPECT_EQ(7, recv64(self->b));
	EXPECT_EQ(0, task_join(&t));
}

FIXTURE(message)
{
	int ctl, ch, other;
	char got[64];
	struct chan_case rx[2];
};

FIXTURE_SETUP(message)
{
	self->ctl = chanctl();
	self->ch = ch_make(sizeof(self->got), 4, CHAN_MESSAGE);
	self->other = ch_make(sizeof(self->got), 0, CHAN_MESSAGE);
	ASSERT_LE(0, self->ch);
	ASSERT_LE(0, self->other);
	poison(self->got, sizeof(self->got));
	self->rx[0] = sel_recv(self->ch, self->got, sizeof(self->got));
	self->rx[1] = sel_recv(self->other, self->got, sizeof(self->got));
	poison_results(self->rx, 2);
}

FIXTURE_TEARDOWN(message)
{
	close(self->ch);
	close(self->other);
	close(self->ctl);
}

TEST_F(message, messages_tell_their_length)
{
	struct chan_case tx[2] = {
		sel_send(self->other, "abc", 3), sel_send(self->ch, "hello", 5),
	};

	EXPECT_EQ(1, ch_select(self->ctl, tx, 2));
	EXPECT_TRUE(is_done(&tx[1], 1, 5));
	EXPECT_EQ(0, ch_select(self->ctl, self->rx, 2));
	EXPECT_TRUE(is_done(&self->rx[0], 1, 5));
	EXPECT_EQ(0, memcmp(self->got, "hello", 5));
	EXPECT_TRUE(all_bytes(self->got + 5, sizeof(self->got) - 5, POISON));

	tx[1].size = 0;
	EXPECT_EQ(1, ch_select(self->ctl, tx, 2));
	EXPECT_TRUE(is_done(&tx[1], 1, 0));
	EXPECT_EQ(0, ch_select(self->ctl, self->rx, 2));
	EXPECT_TRUE(is_done(&self->rx[0], 1, 0));
	EXPECT_EQ(0, memcmp(self->got, "hello", 5));
}

TEST_F(message, messages_tell_their_length_after_parking)
{
	struct task t;

	park_select(&t, self->ctl, self->rx, 2);
	EXPECT_EQ(0, ch_try_send(self->other, "hello", 5));
	EXPECT_EQ(1, task_join(&t));
	EXPECT_TRUE(is_done(&self->rx[1], 1, 5));
	EXPECT_TRUE(all_bytes(self->got + 5, sizeof(self->got) - 5, POISON));
}

TEST_F(message, a_message_that_is_longer_than_the_room_stays)
{
	int n;

	must(ch_send(self->ch, "hello", 5));
	self->rx[0].size = 4;
	for (n = 1; n <= 2; n++) {
		poison_results(self->rx, 2);
		EXPECT_EQ(-EMSGSIZE, ch_select(self->ctl, self->rx, n));
		EXPECT_TRUE(has_failed(&self->rx[0], -EMSGSIZE));
		EXPECT_TRUE(is_untouched(&self->rx[1]));
	}
	EXPECT_TRUE(all_bytes(self->got, sizeof(self->got), POISON));
	EXPECT_EQ(1, ch_len(self->ch));
	self->rx[0].size = 5;
	EXPECT_EQ(0, ch_select(self->ctl, self->rx, 2));
	EXPECT_TRUE(is_done(&self->rx[0], 1, 5));
}

TEST_F(message, a_parked_select_is_told_that_its_room_is_too_short)
{
	struct task t;

	self->rx[0].size = 4;
	park_select(&t, self->ctl, self->rx, 2);
	EXPECT_EQ(0, ch_try_send(self->ch, "hello", 5));
	EXPECT_EQ(-EMSGSIZE, task_join(&t));
	EXPECT_TRUE(has_failed(&self->rx[0], -EMSGSIZE));
	EXPECT_TRUE(is_untouched(&self->rx[1]));
	EXPECT_TRUE(all_bytes(self->got, sizeof(self->got), POISON));
	EXPECT_TRUE(is_idle(self->other));
	EXPECT_EQ(6, ch_try_recv(self->ch, self->got, sizeof(self->got)));
}

TEST_F(message, a_message_that_is_longer_than_the_channels_is_not_sent)
{
	char big[65] = {};
	struct chan_case tx[2] = { self->rx[1], sel_send(self->ch, big, sizeof(big)) };

	poison_results(tx, 2);
	EXPECT_EQ(-EMSGSIZE, ch_select(self->ctl, tx, 2));
	EXPECT_TRUE(has_failed(&tx[1], -EMSGSIZE));
	EXPECT_TRUE(is_untouched(&tx[0]));
	EXPECT_EQ(0, ch_len(self->ch));
}

/* Elements that do not travel in the entry itself, and are paid for while under way. */
FIXTURE(large)
{
	int ctl, a, b;
	unsigned char *put, *got;
	struct chan_case rx[2], tx[2];
	uint64_t bytes;
	struct task t;
};

FIXTURE_VARIANT(large)
{
	uint32_t size;
};

FIXTURE_VARIANT_ADD(large, just) { .size = 129 };
FIXTURE_VARIANT_ADD(large, page_and_a_bit) { .size = 5000 };
FIXTURE_VARIANT_ADD(large, kib_64) { .size = 64 << 10 };

static uint64_t user_bytes(int ctl)
{
	return ch_query(ctl).user_bytes;
}

FIXTURE_SETUP(large)
{
	self->ctl = chanctl();
	self->a = ch_make(variant->size, 0, 0);
	self->b = ch_make(variant->size, 1, 0);
	ASSERT_LE(0, self->a);
	ASSERT_LE(0, self->b);
	self->put = malloc(variant->size);
	self->got = malloc(variant->size);
	fill(self->put, variant->size, variant->size);
	poison(self->got, variant->size);
	self->rx[0] = sel_recv(self->a, self->got, variant->size);
	self->rx[1] = sel_recv(self->b, self->got, variant->size);
	self->tx[0] = sel_send(self->a, self->put, variant->size);
	self->tx[1] = sel_send(self->b, self->put, variant->size);
	self->bytes = user_bytes(self->ctl);
}

FIXTURE_TEARDOWN(large)
{
	close(self->a);
	close(self->b);
	close(self->ctl);
}

TEST_F(large, large_elements_at_once)
{
	EXPECT_EQ(1, ch_select(self->ctl, self->tx, 2));
	EXPECT_TRUE(is_done(&self->tx[1], 1, variant->size));
	EXPECT_LE(self->bytes + variant->size, user_bytes(self->ctl));
	EXPECT_GT(self->bytes + 2 * variant->size, user_bytes(self->ctl));
	EXPECT_EQ(1, ch_select(self->ctl, self->rx, 2));
	EXPECT_TRUE(is_done(&self->rx[1], 1, variant->size));
	EXPECT_TRUE(is_filled(self->got, variant->size, variant->size));
	EXPECT_EQ(self->bytes, user_bytes(self->ctl));
}

TEST_F(large, large_elements_after_parking)
{
	park_select(&self->t, self->ctl, self->rx, 2);
	EXPECT_EQ(self->bytes, user_bytes(self->ctl));
	EXPECT_EQ(0, ch_try_select(self->ctl, self->tx, 1));
	EXPECT_EQ(0, task_join(&self->t));
	EXPECT_TRUE(is_done(&self->rx[0], 1, variant->size));
	EXPECT_TRUE(is_filled(self->got, variant->size, variant->size));
	EXPECT_EQ(self->bytes, user_bytes(self->ctl));

	must(ch_send(self->b, self->put, variant->size));
	park_select(&self->t, self->ctl, self->tx, 2);
	EXPECT_LE(self->bytes + 3 * variant->size, user_bytes(self->ctl));
	poison(self->got, variant->size);
	memset(self->put, 0, variant->size);
	EXPECT_EQ(0, ch_try_select(self->ctl, self->rx, 1));
	EXPECT_EQ(0, task_join(&self->t));
	EXPECT_TRUE(is_filled(self->got, variant->size, variant->size));
	EXPECT_EQ(1 + variant->size, ch_try_recv(self->b, NULL, 0));
	EXPECT_EQ(self->bytes, user_bytes(self->ctl));
}

TEST_F(large, large_elements_that_nobody_took_are_given_back)
{
	uint64_t full;
	pid_t pid;

	must(ch_send(self->b, self->put, variant->size));
	full = user_bytes(self->ctl);
	EXPECT_EQ(-EAGAIN, ch_try_select(self->ctl, self->tx, 2));
	EXPECT_EQ(full, user_bytes(self->ctl));
	EXPECT_EQ(-ETIMEDOUT, ch_select_until(self->ctl, self->tx, 2, now_ns() + MS));
	EXPECT_EQ(full, user_bytes(self->ctl));

	pid = child_fork();
	if (!pid)
		_exit(-ch_select(self->ctl, self->tx, 2));
	wait_select_parked(self->tx, 2);
	EXPECT_LE(full + 2 * variant->size, user_bytes(self->ctl));
	EXPECT_EQ(128 + SIGKILL, child_kill(pid));
	EXPECT_EQ(full, user_bytes(self->ctl));

	park_select(&self->t, self->ctl, self->tx, 2);
	must(ch_close(self->b));
	EXPECT_EQ(-EPIPE, task_join(&self->t));
	EXPECT_EQ(full, user_bytes(self->ctl));
}

TEST_HARNESS_MAIN
