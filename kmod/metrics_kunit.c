// SPDX-License-Identifier: GPL-2.0-only
/*
 * White-box tests of what is counted: buckets, totals, and the list of channels.
 */
#include <kunit/test.h>
#include <linux/minmax.h>
#include <linux/slab.h>

#include "kunit.h"
#include "metrics.h"

static void buckets_take_their_bound_and_nothing_above(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < CHAN_HIST_BUCKETS - 1; i++) {
		KUNIT_EXPECT_EQ(test, chan_hist_bucket(chan_hist_bound(i)), i);
		KUNIT_EXPECT_EQ(test, chan_hist_bucket(chan_hist_bound(i) + 1), i + 1);
	}
}

static void every_time_has_a_bucket(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, chan_hist_bucket(0), 0);
	KUNIT_EXPECT_EQ(test, chan_hist_bucket(1), 0);
	KUNIT_EXPECT_EQ(test, chan_hist_bucket(1024), 0);
	KUNIT_EXPECT_EQ(test, chan_hist_bucket(1025), 1);
	KUNIT_EXPECT_EQ(test, chan_hist_bucket(NSEC_PER_SEC), 20);
	KUNIT_EXPECT_EQ(test, chan_hist_bucket(1ULL << 39), CHAN_HIST_BUCKETS - 2);
	KUNIT_EXPECT_EQ(test, chan_hist_bucket(U64_MAX), CHAN_HIST_BUCKETS - 1);
}

static void histograms_add_up(struct kunit *test)
{
	struct chan_hist a = {}, b = {};

	chan_hist_add(&a, 1000);
	chan_hist_add(&a, 3000);
	chan_hist_add(&b, 4000);
	chan_hist_merge(&a, &b);
	KUNIT_EXPECT_EQ(test, a.count[0], 1);
	KUNIT_EXPECT_EQ(test, a.count[1], 0);
	KUNIT_EXPECT_EQ(test, a.count[2], 2);
	KUNIT_EXPECT_EQ(test, a.sum, 8000);
}

static void the_longest_histogram_fits_a_file(struct kunit *test)
{
	char *page = (char *)get_zeroed_page(GFP_KERNEL);
	struct chan_hist h;
	int len;

	KUNIT_ASSERT_NOT_NULL(test, page);
	memset(&h, 0xff, sizeof(h));
	len = chan_hist_emit(page, &h);
	KUNIT_EXPECT_LT(test, len, (int)PAGE_SIZE - 1);
	KUNIT_EXPECT_STREQ(test, page + len - 25, "sum 18446744073709551615\n");
	free_page((unsigned long)page);
}

static void move_one(struct kunit *test, struct chan *c)
{
	KUNIT_EXPECT_EQ(test, try_send(test, c, 1), 0);
	expect_recv(test, c, 1);
}

static void totals_survive_the_channel(struct kunit *test)
{
	u64 made = chan_made(), freed = chan_totals_freed();
	struct chan *c = make(test, 0, 8, 2);
	struct chan_stats before, living, after;

	KUNIT_EXPECT_EQ(test, chan_made(), made + 1);
	KUNIT_EXPECT_EQ(test, chan_totals(&before), 0);
	move_one(test, c);
	move_one(test, c);
	KUNIT_EXPECT_EQ(test, chan_totals(&living), 0);
	KUNIT_EXPECT_EQ(test, living.sends, before.sends + 2);
	KUNIT_EXPECT_EQ(test, chan_totals_freed(), freed);
	chan_put(c);
	KUNIT_EXPECT_EQ(test, chan_totals_freed(), freed + 1);
	KUNIT_EXPECT_EQ(test, chan_totals(&after), 0);
	KUNIT_EXPECT_MEMEQ(test, &after, &living, sizeof(after));
}

static void the_list_has_each_channel_once_in_order(struct kunit *test)
{
	struct chan *made[3], *c;
	unsigned int i, seen = 0;
	u64 last = 0;

	for (i = 0; i < ARRAY_SIZE(made); i++)
		made[i] = make(test, 0, 8, 0);
	chan_for_each(c) {
		KUNIT_EXPECT_GT(test, c->id, last);
		last = c->id;
		for (i = 0; i < ARRAY_SIZE(made); i++)
			seen += c == made[i];
	}
	KUNIT_EXPECT_EQ(test, seen, ARRAY_SIZE(made));
	for (i = 0; i < ARRAY_SIZE(made); i++)
		chan_put(made[i]);
}

static void who_goes_on_later_finds_the_next_one(struct kunit *test)
{
	struct chan *made[20], *c;
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(made); i++)
		made[i] = make(test, 0, 8, 0);
	for (i = 0; i < ARRAY_SIZE(made); i++) {
		u64 id = made[i]->id;

		c = chan_from(id);
		KUNIT_EXPECT_PTR_EQ(test, c, made[i]);
		chan_put(c);
		chan_put(made[i]);
		for (k = 0; k < 2; k++) {
			c = chan_from(id + k);
			KUNIT_EXPECT_PTR_EQ(test, c, i + 1 < ARRAY_SIZE(made) ? made[i + 1] : NULL);
			if (c)
				chan_put(c);
		}
	}
	c = chan_from(0);
	KUNIT_EXPECT_NULL(test, c);
}

/* The iterator's reference is the last one: the channel goes when it moves on. */
static void a_channel_may_end_while_it_is_looked_at(struct kunit *test)
{
	struct chan *a = make(test, 0, 8, 0), *b = make(test, 0, 8, 0), *c;
	u64 freed = chan_totals_freed();

	chan_for_each(c)
		if (c == a)
			break;
	KUNIT_ASSERT_PTR_EQ(test, c, a);
	chan_put(a);
	KUNIT_EXPECT_EQ(test, chan_totals_freed(), freed);
	c = chan_next(c);
	KUNIT_EXPECT_PTR_EQ(test, c, b);
	KUNIT_EXPECT_EQ(test, chan_totals_freed(), freed + 1);
	chan_put(c);
	chan_put(b);
}

static void recording_is_on_request_and_stays(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 0);
	struct chan_hist h;
	struct chan_waits *waits;

	KUNIT_EXPECT_NULL(test, c->waits);
	KUNIT_EXPECT_FALSE(test, chan_waits_get(c, false, &h));
	KUNIT_EXPECT_EQ(test, chan_waits_record(c), 0);
	waits = c->waits;
	KUNIT_EXPECT_TRUE(test, chan_waits_get(c, false, &h));
	KUNIT_EXPECT_EQ(test, h.sum, 0);
	KUNIT_EXPECT_EQ(test, chan_waits_record(c), 0);
	KUNIT_EXPECT_PTR_EQ(test, c->waits, waits);
	chan_put(c);
}

static u64 count_in(const struct chan_hist *h, unsigned int first, unsigned int last)
{
	u64 n = 0;

	while (first <= last)
		n += h->count[first++];
	return n;
}

/* A wait that began a second ago, and ends with this winner and result. */
static void end_wait(struct parked *p, int winner, int result)
{
	p->wait.parked = true;
	p->wait.winner = winner;
	p->wait.since = chan_clock() - NSEC_PER_SEC;
	chan_metrics_waited(&p->wait, chan_wait_time(&p->wait), result);
}

static void a_wait_counts_in_its_queue(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 0);
	struct parked *recv = parked_new(test, c, CHAN_WAIT_RECV);
	struct parked *send = parked_new(test, c, CHAN_WAIT_SEND);
	struct chan_hist r, s;

	KUNIT_ASSERT_EQ(test, chan_waits_record(c), 0);
	end_wait(recv, 0, 0);
	end_wait(recv, CHAN_ABORTED, -ETIMEDOUT);
	end_wait(send, 0, -EPIPE);
	chan_waits_get(c, false, &r);
	chan_waits_get(c, true, &s);
	KUNIT_EXPECT_EQ(test, count_in(&r, 20, CHAN_HIST_BUCKETS - 1), 2);
	KUNIT_EXPECT_EQ(test, count_in(&r, 0, 19), 0);
	KUNIT_EXPECT_EQ(test, count_in(&s, 20, CHAN_HIST_BUCKETS - 1), 1);
	KUNIT_EXPECT_GE(test, r.sum, 2 * NSEC_PER_SEC);
	chan_put(c);
}

static void expect_one_more(struct kunit *test, enum chan_wait_reason kind,
			    enum chan_wait_end end, int winner, int result)
{
	struct chan *c = make(test, 0, 8, 0);
	struct parked *p = parked_new(test, c, kind);
	struct chan_hist before = {}, after = {};

	chan_waits_total(kind, end, &before);
	end_wait(p, winner, result);
	chan_waits_total(kind, end, &after);
	KUNIT_EXPECT_EQ(test, count_in(&after, 20, CHAN_HIST_BUCKETS - 1),
			count_in(&before, 20, CHAN_HIST_BUCKETS - 1) + 1);
	KUNIT_EXPECT_GE(test, after.sum, before.sum + NSEC_PER_SEC);
	chan_put(c);
}

static void waits_are_told_apart(struct kunit *test)
{
	unsigned int kind;

	for (kind = 0; kind < CHAN_WAIT_KINDS; kind++) {
		expect_one_more(test, kind, CHAN_WAIT_READY, 0, 0);
		expect_one_more(test, kind, CHAN_WAIT_READY, 0, -EIDRM);
		expect_one_more(test, kind, CHAN_WAIT_TIMEOUT, CHAN_ABORTED, -ETIMEDOUT);
		expect_one_more(test, kind, CHAN_WAIT_SIGNAL, CHAN_ABORTED, -ERESTARTSYS);
		expect_one_more(test, kind, CHAN_WAIT_DEADLOCK, CHAN_ABORTED, -EDEADLK);
	}
}

static struct kunit_case chan_metrics_cases[] = {
	KUNIT_CASE(buckets_take_their_bound_and_nothing_above),
	KUNIT_CASE(every_time_has_a_bucket),
	KUNIT_CASE(histograms_add_up),
	KUNIT_CASE(the_longest_histogram_fits_a_file),
	KUNIT_CASE(totals_survive_the_channel),
	KUNIT_CASE(the_list_has_each_channel_once_in_order),
	KUNIT_CASE(who_goes_on_later_finds_the_next_one),
	KUNIT_CASE(a_channel_may_end_while_it_is_looked_at),
	KUNIT_CASE(recording_is_on_request_and_stays),
	KUNIT_CASE(a_wait_counts_in_its_queue),
	KUNIT_CASE(waits_are_told_apart),
	{}
};

static struct kunit_suite chan_metrics_suite = {
	.name = "chan_metrics",
	.test_cases = chan_metrics_cases,
};

kunit_test_suite(chan_metrics_suite);
