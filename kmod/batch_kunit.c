// SPDX-License-Identifier: GPL-2.0-only
/*
 * White-box tests of batches: what is done under one lock, and to whom.
 */
#include <kunit/test.h>
#include <linux/uio.h>

#include "batch.h"
#include "kunit.h"

#define MANY	1000

/* Values in memory of the kernel, and how they are given to a batch. */
struct values {
	u64 v[MANY];
	struct kvec vec;
	struct iov_iter iter;
	struct chan_elems elems;
};

static struct values *values_new(struct kunit *test, unsigned int direction, u64 first, u32 n)
{
	struct values *a = kunit_kzalloc(test, sizeof(*a), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, a);
	for (i = 0; i < MANY; i++)
		a->v[i] = direction == ITER_SOURCE ? first + i : POISON;
	a->vec = (struct kvec){ a->v, n * sizeof(u64) };
	iov_iter_kvec(&a->iter, direction, &a->vec, 1, a->vec.iov_len);
	a->elems = (struct chan_elems){ .iter = &a->iter, .size = sizeof(u64), .n = n };
	return a;
}

static struct values *to_send(struct kunit *test, u64 first, u32 n)
{
	return values_new(test, ITER_SOURCE, first, n);
}

static struct values *room_for(struct kunit *test, u32 n)
{
	return values_new(test, ITER_DEST, 0, n);
}

/* So many were moved, and no more. */
static void expect_moved(struct kunit *test, const struct values *a, u32 n, u32 moved)
{
	KUNIT_EXPECT_EQ(test, a->elems.n, n - moved);
	KUNIT_EXPECT_EQ(test, iov_iter_count(&a->iter), (n - moved) * sizeof(u64));
}

static void expect_received(struct kunit *test, const struct values *a, u64 first, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		KUNIT_ASSERT_EQ(test, a->v[i], first + i);
	KUNIT_EXPECT_EQ(test, a->v[n], POISON);
}

static u32 send_some(struct kunit *test, struct chan *c, struct values *a)
{
	struct chan_blocking how = { .until = KTIME_MAX };
	u32 n = chan_send_some(c, &a->elems, &how);

	check_invariants(test, c);
	return n;
}

static u32 recv_some(struct kunit *test, struct chan *c, struct values *a)
{
	struct chan_blocking how = { .until = KTIME_MAX };
	u32 n = chan_recv_some(c, &a->elems, &how);

	check_invariants(test, c);
	return n;
}

static void lock_is_held_for_64_elements_at_most(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, MANY);
	struct values *a = to_send(test, 1, MANY), *b = room_for(test, MANY - 1);
	u32 left;

	for (left = MANY; left; left -= min(left, 64U))
		KUNIT_EXPECT_EQ(test, send_some(test, c, a), min(left, 64U));
	KUNIT_EXPECT_EQ(test, chan_len(c), MANY);
	expect_moved(test, a, MANY, MANY);

	for (left = MANY - 1; left; left -= min(left, 64U))
		KUNIT_EXPECT_EQ(test, recv_some(test, c, b), min(left, 64U));
	expect_received(test, b, 1, MANY - 1);
	expect_moved(test, b, MANY - 1, MANY - 1);
	chan_put(c);
}

/* However large they are. */
static void lock_is_held_for_a_page_at_most(struct kunit *test)
{
	const u32 n = PAGE_SIZE / CHAN_INLINE_BYTES;
	struct chan *c = make(test, 0, CHAN_INLINE_BYTES, 60);
	struct values *a = to_send(test, 1, 60 * CHAN_INLINE_BYTES / sizeof(u64));
	struct values *b = room_for(test, 60 * CHAN_INLINE_BYTES / sizeof(u64));

	a->elems.size = CHAN_INLINE_BYTES;
	b->elems.size = CHAN_INLINE_BYTES;
	a->elems.n = 60;
	b->elems.n = 60;
	KUNIT_EXPECT_EQ(test, send_some(test, c, a), n);
	KUNIT_EXPECT_EQ(test, send_some(test, c, a), 60 - n);
	KUNIT_EXPECT_EQ(test, recv_some(test, c, b), n);
	KUNIT_EXPECT_EQ(test, recv_some(test, c, b), 60 - n);
	expect_received(test, b, 1, 60 * CHAN_INLINE_BYTES / sizeof(u64));
	chan_put(c);
}

static void send_goes_to_parked_receivers_first_then_into_the_ring(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 4);
	struct values *a = to_send(test, 1, 10);
	struct parked *p[3];
	int i;

	for (i = 0; i < 3; i++)
		p[i] = park_receiver(test, c);
	KUNIT_EXPECT_EQ(test, send_some(test, c, a), 7);
	for (i = 0; i < 3; i++) {
		expect_completed(test, p[i], 0);
		KUNIT_EXPECT_EQ(test, get_value(&p[i]->elem), 1 + i);
	}
	KUNIT_EXPECT_EQ(test, chan_len(c), 4);
	KUNIT_EXPECT_EQ(test, c->stats.sends, 7);
	KUNIT_EXPECT_EQ(test, c->stats.receives, 3);
	KUNIT_EXPECT_EQ(test, c->stats.handoffs, 3);
	expect_moved(test, a, 10, 7);
	KUNIT_EXPECT_EQ(test, send_some(test, c, a), 0);
	expect_moved(test, a, 10, 7);
	for (i = 3; i < 7; i++)
		expect_recv(test, c, 1 + i);
	chan_put(c);
}

static void send_to_fewer_than_are_parked_leaves_the_youngest(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 4);
	struct values *a = to_send(test, 1, 2);
	struct parked *p[3];
	int i;

	for (i = 0; i < 3; i++)
		p[i] = park_receiver(test, c);
	KUNIT_EXPECT_EQ(test, send_some(test, c, a), 2);
	expect_completed(test, p[0], 0);
	expect_completed(test, p[1], 0);
	expect_parked(test, p[2]);
	KUNIT_EXPECT_EQ(test, chan_len(c), 0);
	KUNIT_EXPECT_EQ(test, try_send(test, c, 3), 0);
	KUNIT_EXPECT_EQ(test, get_value(&p[2]->elem), 3);
	chan_put(c);
}

/* At every offset, so that it goes round the end of the ring at each place. */
static void receive_takes_the_ring_and_lets_in_who_is_parked(struct kunit *test)
{
	const u32 cap = 5;
	u32 offset, i;

	for (offset = 0; offset < cap; offset++) {
		struct chan *c = make(test, 0, 8, cap);
		struct values *a = to_send(test, 1, cap), *b = room_for(test, cap + 2);
		struct parked *p[3];

		for (i = 0; i < offset; i++) {
			KUNIT_EXPECT_EQ(test, try_send(test, c, POISON), 0);
			expect_recv(test, c, POISON);
		}
		KUNIT_EXPECT_EQ(test, send_some(test, c, a), cap);
		for (i = 0; i < 3; i++)
			p[i] = park_sender(test, c, cap + 1 + i);
		KUNIT_EXPECT_EQ(test, recv_some(test, c, b), cap + 2);
		expect_received(test, b, 1, cap + 2);
		for (i = 0; i < 3; i++)
			expect_completed(test, p[i], 0);
		KUNIT_EXPECT_EQ(test, chan_len(c), 1);
		expect_recv(test, c, cap + 3);
		KUNIT_EXPECT_EQ(test, c->stats.handoffs, 0);
		chan_put(c);
	}
}

static void unbuffered_receive_takes_from_parked_senders(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 0);
	struct values *b = room_for(test, 4);
	struct parked *p[3];
	int i;

	for (i = 0; i < 3; i++)
		p[i] = park_sender(test, c, 1 + i);
	KUNIT_EXPECT_EQ(test, recv_some(test, c, b), 3);
	expect_received(test, b, 1, 3);
	for (i = 0; i < 3; i++)
		expect_completed(test, p[i], 0);
	KUNIT_EXPECT_EQ(test, c->stats.handoffs, 3);
	expect_moved(test, b, 4, 3);
	KUNIT_EXPECT_EQ(test, recv_some(test, c, b), 0);
	chan_put(c);
}

static void who_has_gone_elsewhere_is_passed_over_and_bounds_the_lock_too(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 4);
	struct values *a = to_send(test, 1, 2);
	struct parked *last;
	int i;

	for (i = 0; i < 63; i++)
		abort_wait(park_receiver(test, c));
	last = park_receiver(test, c);
	/* With the last one, 64 have left the queue: enough for this time. */
	KUNIT_EXPECT_EQ(test, send_some(test, c, a), 1);
	expect_completed(test, last, 0);
	KUNIT_EXPECT_EQ(test, c->entries, 0);
	KUNIT_EXPECT_EQ(test, send_some(test, c, a), 1);
	expect_recv(test, c, 2);
	chan_put(c);
}

static void element_for_who_has_gone_elsewhere_stays_with_its_sender(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 0);
	struct values *a = to_send(test, 1, 2);
	struct parked *p;

	abort_wait(park_receiver(test, c));
	KUNIT_EXPECT_EQ(test, send_some(test, c, a), 0);
	expect_moved(test, a, 2, 0);
	p = park_receiver(test, c);
	KUNIT_EXPECT_EQ(test, send_some(test, c, a), 1);
	expect_completed(test, p, 0);
	KUNIT_EXPECT_EQ(test, get_value(&p->elem), 1);
	expect_moved(test, a, 2, 1);
	chan_put(c);
}

static void ends_are_left_to_a_single_send_or_receive(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 4);
	struct values *a = to_send(test, 1, 3), *b = room_for(test, 4);
	struct chan_blocking how = { .until = KTIME_MAX };

	KUNIT_EXPECT_EQ(test, send_some(test, c, a), 3);
	KUNIT_EXPECT_EQ(test, chan_close(c), 0);
	a = to_send(test, 1, 3);
	KUNIT_EXPECT_EQ(test, send_some(test, c, a), 0);
	KUNIT_EXPECT_EQ(test, chan_send_batch(c, c->user, &a->elems, &how), -EPIPE);
	expect_moved(test, a, 3, 0);
	KUNIT_EXPECT_EQ(test, chan_recv_batch(c, &b->elems, &how), 3);
	expect_received(test, b, 1, 3);
	how.until = KTIME_MAX;
	KUNIT_EXPECT_EQ(test, recv_some(test, c, b), 0);
	KUNIT_EXPECT_EQ(test, chan_recv_batch(c, &b->elems, &how), -EPIPE);
	chan_put(c);
}

static void a_batch_that_may_not_wait_stops_where_it_would(struct kunit *test)
{
	struct chan_blocking how = { .until = CHAN_NOWAIT };
	struct chan *c = make(test, 0, 8, 100);
	struct values *a = to_send(test, 1, MANY), *b = room_for(test, MANY - 1);

	KUNIT_EXPECT_EQ(test, chan_send_batch(c, c->user, &a->elems, &how), 100);
	expect_moved(test, a, MANY, 100);
	KUNIT_EXPECT_EQ(test, chan_send_batch(c, c->user, &a->elems, &how), -EAGAIN);
	KUNIT_EXPECT_EQ(test, chan_recv_batch(c, &b->elems, &how), 100);
	expect_received(test, b, 1, 100);
	expect_moved(test, b, MANY - 1, 100);
	KUNIT_EXPECT_EQ(test, chan_recv_batch(c, &b->elems, &how), -EAGAIN);
	check_invariants(test, c);
	chan_put(c);
}

static struct kunit_case batch_cases[] = {
	KUNIT_CASE(lock_is_held_for_64_elements_at_most),
	KUNIT_CASE(lock_is_held_for_a_page_at_most),
	KUNIT_CASE(send_goes_to_parked_receivers_first_then_into_the_ring),
	KUNIT_CASE(send_to_fewer_than_are_parked_leaves_the_youngest),
	KUNIT_CASE(receive_takes_the_ring_and_lets_in_who_is_parked),
	KUNIT_CASE(unbuffered_receive_takes_from_parked_senders),
	KUNIT_CASE(who_has_gone_elsewhere_is_passed_over_and_bounds_the_lock_too),
	KUNIT_CASE(element_for_who_has_gone_elsewhere_stays_with_its_sender),
	KUNIT_CASE(ends_are_left_to_a_single_send_or_receive),
	KUNIT_CASE(a_batch_that_may_not_wait_stops_where_it_would),
	{}
};

static struct kunit_suite batch_suite = {
	.name = "chan_batch",
	.test_cases = batch_cases,
};

kunit_test_suite(batch_suite);
