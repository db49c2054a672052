// SPDX-License-Identifier: GPL-2.0-only
/* Elements of every size arrive whole, whichever way they travel. */
#include "chan_test.h"

FIXTURE(size)
{
	unsigned char *src;
	unsigned char *dst;
};

FIXTURE_VARIANT(size)
{
	uint32_t n;
};

FIXTURE_VARIANT_ADD(size, 0) { .n = 0 };
FIXTURE_VARIANT_ADD(size, 1) { .n = 1 };
FIXTURE_VARIANT_ADD(size, 2) { .n = 2 };
FIXTURE_VARIANT_ADD(size, 4) { .n = 4 };
FIXTURE_VARIANT_ADD(size, 7) { .n = 7 };
FIXTURE_VARIANT_ADD(size, 8) { .n = 8 };
FIXTURE_VARIANT_ADD(size, 127) { .n = 127 };
FIXTURE_VARIANT_ADD(size, 128) { .n = 128 };
FIXTURE_VARIANT_ADD(size, 129) { .n = 129 };
FIXTURE_VARIANT_ADD(size, 4096) { .n = 4096 };
FIXTURE_VARIANT_ADD(size, 65536) { .n = 65536 };
FIXTURE_VARIANT_ADD(size, 1M) { .n = 1 << 20 };

/* One byte more, to see that it stays untouched. */
FIXTURE_SETUP(size)
{
	self->src = malloc(variant->n + 1);
	self->dst = malloc(variant->n + 1);
	poison(self->dst, variant->n + 1);
}

FIXTURE_TEARDOWN(size)
{
	free(self->src);
	free(self->dst);
}

static bool arrived(const unsigned char *dst, uint32_t n, uint32_t seed)
{
	return is_filled(dst, n, seed) && dst[n] == POISON;
}

TEST_F(size, fixed_through_the_buffer)
{
	uint32_t n = variant->n, i;
	int ch = ch_make(n, 3, 0);

	ASSERT_LE(0, ch);
	for (i = 0; i < 3; i++) {
		fill(self->src, n, i);
		EXPECT_EQ(0, ch_send(ch, self->src, n));
	}
	EXPECT_EQ(3, ch_len(ch));
	EXPECT_EQ(-EAGAIN, ch_try_send(ch, self->src, n));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(1 + n, ch_recv(ch, self->dst, n));
		EXPECT_TRUE(arrived(self->dst, n, i));
	}
	EXPECT_EQ(-EAGAIN, ch_try_recv(ch, self->dst, n));
}

TEST_F(size, fixed_to_a_parked_receiver)
{
	uint32_t n = variant->n;
	int ch = ch_make(n, 0, 0);
	struct task t;

	fill(self->src, n, 1);
	park_recv(&t, ch, self->dst, n);
	EXPECT_EQ(0, ch_try_send(ch, self->src, n));
	EXPECT_EQ(1 + n, task_join(&t));
	EXPECT_TRUE(arrived(self->dst, n, 1));
}

TEST_F(size, fixed_from_a_parked_sender)
{
	uint32_t n = variant->n;
	int ch = ch_make(n, 0, 0);
	struct task t;

	fill(self->src, n, 2);
	park_send(&t, ch, self->src, n);
	poison(self->src, n);
	EXPECT_EQ(1 + n, ch_try_recv(ch, self->dst, n));
	EXPECT_EQ(0, task_join(&t));
	EXPECT_TRUE(arrived(self->dst, n, 2));
}

TEST_F(size, fixed_from_a_parked_sender_through_a_full_buffer)
{
	uint32_t n = variant->n, i;
	int ch = ch_make(n, 1, 0);
	struct task t;

	fill(self->src, n, 3);
	must(ch_send(ch, self->src, n));
	fill(self->src, n, 4);
	park_send(&t, ch, self->src, n);
	for (i = 3; i < 5; i++) {
		EXPECT_EQ(1 + n, ch_try_recv(ch, self->dst, n));
		EXPECT_TRUE(arrived(self->dst, n, i));
	}
	EXPECT_EQ(0, task_join(&t));
}

TEST_F(size, fixed_by_write_and_read)
{
	uint32_t n = variant->n;
	int ch = ch_make(n, 1, 0);

	if (!n)
		return;
	fill(self->src, n, 5);
	EXPECT_EQ(n, write(ch, self->src, n));
	EXPECT_EQ(n, read(ch, self->dst, n));
	EXPECT_TRUE(arrived(self->dst, n, 5));
}

TEST_F(size, fixed_is_zeroed_when_closed)
{
	uint32_t n = variant->n;
	int ch = ch_make(n, 1, 0);

	must(ch_close(ch));
	EXPECT_EQ(0, ch_recv(ch, self->dst, n));
	EXPECT_TRUE(all_bytes(self->dst, n, 0));
	EXPECT_EQ(POISON, self->dst[n]);
}

TEST_F(size, discarded_without_destination)
{
	uint32_t n = variant->n;
	int ch = ch_make(n, 2, 0);
	struct task t;

	must(ch_send(ch, self->src, n));
	must(ch_send(ch, self->src, n));
	EXPECT_EQ(1 + n, ch_recv(ch, NULL, 0));
	EXPECT_EQ(1 + n, ch_recv(ch, NULL, n));
	EXPECT_EQ(0, ch_len(ch));

	park_recv(&t, ch, NULL, 0);
	EXPECT_EQ(0, ch_try_send(ch, self->src, n));
	EXPECT_EQ(1 + n, task_join(&t));

	ch = ch_make(n, 0, 0);
	park_send(&t, ch, self->src, n);
	EXPECT_EQ(1 + n, ch_try_recv(ch, NULL, 0));
	EXPECT_EQ(0, task_join(&t));
	must(ch_close(ch));
	EXPECT_EQ(0, ch_recv(ch, NULL, 0));
}

TEST_F(size, message_of_this_length_through_the_buffer)
{
	uint32_t n = variant->n;
	int ch = ch_make(1 << 20, 2, CHAN_MESSAGE);

	fill(self->src, n, 6);
	EXPECT_EQ(0, ch_send(ch, self->src, n));
	EXPECT_EQ(0, ch_send(ch, "end", 3));
	EXPECT_EQ(1 + n, ch_recv(ch, self->dst, n));
	EXPECT_TRUE(arrived(self->dst, n, 6));
	EXPECT_EQ(4, ch_recv(ch, NULL, 0));
}

TEST_F(size, message_of_this_length_by_rendezvous)
{
	uint32_t n = variant->n;
	int ch = ch_make(1 << 20, 0, CHAN_MESSAGE);
	struct task t;

	fill(self->src, n, 7);
	park_recv(&t, ch, self->dst, n);
	EXPECT_EQ(0, ch_try_send(ch, self->src, n));
	EXPECT_EQ(1 + n, task_join(&t));
	EXPECT_TRUE(arrived(self->dst, n, 7));

	poison(self->dst, n);
	fill(self->src, n, 8);
	park_send(&t, ch, self->src, n);
	EXPECT_EQ(1 + n, ch_try_recv(ch, self->dst, n));
	EXPECT_EQ(0, task_join(&t));
	EXPECT_TRUE(arrived(self->dst, n, 8));
}

TEST_F(size, message_of_this_length_in_pieces)
{
	uint32_t n = variant->n, got = 0, step = n / 7 + 1;
	int ch = ch_make(1 << 20, 2, CHAN_MESSAGE);

	if (!n)
		return;
	fill(self->src, n, 9);
	EXPECT_EQ(n, write(ch, self->src, n));
	while (got < n) {
		uint32_t want = step < n - got ? step : n - got;

		ASSERT_EQ(want, read(ch, self->dst + got, want));
		got += want;
	}
	EXPECT_TRUE(arrived(self->dst, n, 9));
}

TEST_F(size, message_channel_with_this_most)
{
	uint32_t n = variant->n;
	int ch = ch_make(n, 2, CHAN_MESSAGE);

	ASSERT_LE(0, ch);
	EXPECT_EQ(0, ch_send(ch, self->src, n));
	EXPECT_EQ(0, ch_send(ch, self->src, 0));
	EXPECT_EQ(-EMSGSIZE, ch_try_send(ch, self->src, n + 1));
	EXPECT_EQ(1 + n, ch_recv(ch, self->dst, n));
	EXPECT_EQ(1, ch_recv(ch, self->dst, n));
}

TEST(zero_size_elements_queue_and_block_like_others)
{
	int ch = ch_make(0, 2, 0);
	struct task t;

	EXPECT_EQ(0, ch_send(ch, NULL, 0));
	EXPECT_EQ(0, ch_send(ch, bad_pointer(8), 0));
	EXPECT_EQ(2, ch_len(ch));
	EXPECT_EQ(2, ch_cap(ch));
	EXPECT_EQ(-EAGAIN, ch_try_send(ch, NULL, 0));
	park_send(&t, ch, NULL, 0);
	EXPECT_EQ(1, ch_recv(ch, NULL, 0));
	EXPECT_EQ(2, ch_len(ch));
	EXPECT_EQ(0, task_join(&t));
	must(ch_close(ch));
	EXPECT_EQ(1, ch_recv(ch, NULL, 0));
	EXPECT_EQ(1, ch_recv(ch, bad_pointer(8), 0));
	EXPECT_EQ(0, ch_recv(ch, NULL, 0));
}

static long semaphore_user(struct task *t)
{
	static int inside;
	long most = 0;
	int i, n;

	for (i = 0; i < 300; i++) {
		must(ch_send(t->fd, NULL, 0));
		n = __atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST);
		most = n > most ? n : most;
		sched_yield();
		__atomic_sub_fetch(&inside, 1, __ATOMIC_SEQ_CST);
		must(ch_recv(t->fd, NULL, 0));
	}
	return most;
}

/* Go's BenchmarkChanSem: capacity C lets C in. */
TEST(zero_size_elements_make_a_semaphore)
{
	int ch = ch_make(0, 3, 0), i;
	struct task t[6];

	for (i = 0; i < 6; i++) {
		t[i] = (struct task){ .fd = ch };
		task_start(&t[i], semaphore_user);
	}
	for (i = 0; i < 6; i++)
		EXPECT_GE(3, task_join(&t[i]));
	EXPECT_EQ(0, ch_len(ch));
}

TEST(a_deep_buffer_of_tiny_elements)
{
	enum { N = 100000 };
	int ch = ch_make(1, N, 0), i;
	unsigned char *b = malloc(N), *w = malloc(N);

	fill(b, N, 1);
	for (i = 0; i < N; i += 1000)
		ASSERT_EQ(1000, write(ch, b + i, 1000));
	EXPECT_EQ(N, ch_len(ch));
	EXPECT_EQ(N, read(ch, w, N));
	EXPECT_TRUE(is_filled(w, N, 1));
}

TEST_HARNESS_MAIN
