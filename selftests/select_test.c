// SPDX-License-Identifier: GPL-2.0-only
/* Select: which case is done, whom it waits for, and what is left alone. */
#include "select_test.h"

#define FEW	8

/* ---- one is ready ---- */

TEST(the_case_that_is_ready_is_done)
{
	int ctl = chanctl(), ready, i;
	uint64_t got[3], v;

	for (ready = 0; ready < 3; ready++) {
		struct chan_case c[3];

		poison(got, sizeof(got));
		for (i = 0; i < 3; i++)
			c[i] = sel_recv(ch_make(8, 1, 0), &got[i], 8);
		poison_results(c, 3);
		must(send64(c[ready].ch, 7));
		EXPECT_EQ(ready, ch_select(ctl, c, 3));
		EXPECT_TRUE(is_done(&c[ready], 1, 8));
		EXPECT_EQ(7, got[ready]);
		EXPECT_EQ(0, ch_len(c[ready].ch));

		v = 8;
		c[ready] = sel_send(c[ready].ch, &v, 8);
		EXPECT_EQ(ready, ch_select(ctl, c, 3));
		EXPECT_TRUE(is_done(&c[ready], 1, 8));
		EXPECT_EQ(8, try_recv64(c[ready].ch));
	}
}

TEST(what_was_not_chosen_is_untouched)
{
	int ctl = chanctl(), i;
	struct chan_case c[4], before[4];
	uint64_t got[4];

	poison(got, sizeof(got));
	for (i = 0; i < 4; i++)
		c[i] = sel_recv(ch_make(8, 1, 0), &got[i], 8);
	poison_results(c, 4);
	memcpy(before, c, sizeof(c));
	must(send64(c[2].ch, 7));
	EXPECT_EQ(2, ch_select(ctl, c, 4));
	EXPECT_EQ(7, got[2]);
	EXPECT_TRUE(is_poison(got[0]) && is_poison(got[1]) && is_poison(got[3]));
	before[2].ok = 1;
	before[2].len = 8;
	EXPECT_EQ(0, memcmp(before, c, sizeof(c)));
}

TEST_F(pair, a_case_with_a_parked_partner_is_ready)
{
	park_send64(&self->t, self->b, 7);
	EXPECT_EQ(1, ch_select(self->ctl, self->rx, 2));
	EXPECT_TRUE(is_done(&self->rx[1], 1, 8));
	EXPECT_EQ(7, self->got[1]);
	EXPECT_EQ(0, task_join(&self->t));

	park_recv64(&self->t, self->a);
	EXPECT_EQ(0, ch_try_select(self->ctl, self->tx, 2));
	EXPECT_TRUE(is_done(&self->tx[0], 1, 8));
	EXPECT_EQ(9, task_join(&self->t));
	EXPECT_EQ(100, self->t.value);
	EXPECT_EQ(1, ch_info(self->a).handoffs);
}

TEST(of_several_that_are_ready_exactly_one_is_done)
{
	int ctl = chanctl(), round, chosen, left, i;
	struct chan_case c[FEW];
	uint64_t got[FEW];

	for (i = 0; i < FEW; i++) {
		c[i] = sel_recv(ch_make(8, 10, 0), &got[i], 8);
		must(send64(c[i].ch, i));
	}
	for (round = 0; round < FEW; round++) {
		poison(got, sizeof(got));
		chosen = ch_select(ctl, c, FEW);
		ASSERT_LE(0, chosen);
		EXPECT_EQ(chosen, got[chosen]);
		for (i = 0, left = 0; i < FEW; i++) {
			left += ch_len(c[i].ch);
			EXPECT_TRUE(i == chosen || is_poison(got[i]));
		}
		EXPECT_EQ(FEW - 1 - round, left);
	}
	EXPECT_EQ(-EAGAIN, ch_try_select(ctl, c, FEW));
}

TEST_F(pair, select_works_on_any_channels_descriptor)
{
	int other = ch_make(1, 0, CHAN_MESSAGE);
	int fds[] = { self->ctl, self->a, must(ch_dup(self->b, O_RDONLY)), other,
		      must(ch_dup(other, O_WRONLY)) };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		EXPECT_EQ(-EAGAIN, ch_try_select(fds[i], self->rx, 2));
		park_select(&self->t, fds[i], self->rx, 2);
		EXPECT_EQ(0, try_send64(self->a, i));
		EXPECT_EQ(0, task_join(&self->t));
		EXPECT_EQ(i, self->got[0]);
	}
}

TEST_F(pair, o_nonblock_is_ignored)
{
	must(fcntl(self->a, F_SETFL, O_RDWR | O_NONBLOCK));
	must(fcntl(self->b, F_SETFL, O_RDWR | O_NONBLOCK));
	park_select(&self->t, self->a, self->rx, 2);
	EXPECT_EQ(0, try_send64(self->b, 5));
	EXPECT_EQ(1, task_join(&self->t));
	park_select(&self->t, self->a, self->rx, 1);
	EXPECT_EQ(0, try_send64(self->a, 6));
	EXPECT_EQ(0, task_join(&self->t));
	EXPECT_EQ(6, self->got[0]);
}

/* ---- none is ready ---- */

TEST_F(pair, a_try_says_that_it_would_block)
{
	struct chan_case both[2] = { self->tx[0], self->rx[1] };

	EXPECT_EQ(-EAGAIN, ch_try_select(self->ctl, self->rx, 2));
	EXPECT_EQ(-EAGAIN, ch_try_select(self->ctl, self->tx, 2));
	EXPECT_EQ(-EAGAIN, ch_try_select(self->ctl, both, 2));
	EXPECT_TRUE(is_untouched(&self->rx[0]) && is_untouched(&self->rx[1]));
	EXPECT_TRUE(is_untouched(&self->tx[0]) && is_untouched(&self->tx[1]));
	EXPECT_TRUE(is_untouched(&both[0]) && is_untouched(&both[1]));
	EXPECT_TRUE(all_bytes(self->got, sizeof(self->got), POISON));
	EXPECT_EQ(0, ch_info(self->a).sends + ch_info(self->b).sends);
	EXPECT_EQ(0, ch_info(self->a).send_parks + ch_info(self->a).recv_parks);
	EXPECT_EQ(0, ch_info(self->a).aborts);
}

TEST_F(pair, a_past_deadline_tries_once)
{
	uint64_t past[] = { 0, 1, now_ns() - 1 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(past); i++) {
		EXPECT_EQ(-ETIMEDOUT, ch_select_until(self->ctl, self->rx, 2, past[i]));
		EXPECT_TRUE(is_untouched(&self->rx[0]) && is_untouched(&self->rx[1]));
	}
	EXPECT_EQ(0, ch_info(self->a).recv_parks);
	park_send64(&self->t, self->a, 7);
	EXPECT_EQ(0, ch_select_until(self->ctl, self->rx, 2, 0));
	EXPECT_EQ(7, self->got[0]);
	EXPECT_EQ(0, task_join(&self->t));
}

TEST_F(pair, a_future_deadline_is_waited_for)
{
	struct chan_case both[2] = { self->tx[0], self->rx[1] };

	time_out_parked(ch_info(self->a).send_parks, ch_select_until(self->ctl, both, 2, until));
	EXPECT_TRUE(is_untouched(&both[0]) && is_untouched(&both[1]));
	EXPECT_TRUE(is_poison(self->got[1]));
	EXPECT_TRUE(is_idle(self->a) && is_idle(self->b));
	EXPECT_EQ(1, ch_info(self->a).send_parks);
	EXPECT_EQ(1, ch_info(self->b).recv_parks);
	EXPECT_EQ(1, ch_info(self->a).aborts);
	EXPECT_EQ(1, ch_info(self->b).aborts);
	EXPECT_EQ(0, ch_info(self->a).sends);
}

TEST_F(pair, a_select_waits_for_a_sender_and_receives_once)
{
	int round, chosen;

	for (round = 0; round < 10; round++) {
		chosen = round % 2;
		poison(self->got, sizeof(self->got));
		poison_results(self->rx, 2);
		park_select(&self->t, self->ctl, self->rx, 2);
		EXPECT_FALSE(task_done(&self->t));
		EXPECT_EQ(0, try_send64(self->rx[chosen].ch, round));
		EXPECT_EQ(chosen, task_join(&self->t));
		EXPECT_EQ(round, self->got[chosen]);
		EXPECT_TRUE(is_poison(self->got[!chosen]));
		EXPECT_TRUE(is_done(&self->rx[chosen], 1, 8));
		EXPECT_TRUE(is_untouched(&self->rx[!chosen]));
		EXPECT_TRUE(is_idle(self->a) && is_idle(self->b));
		EXPECT_EQ(-EAGAIN, try_send64(self->a, 99));
		EXPECT_EQ(-EAGAIN, try_send64(self->b, 99));
	}
	EXPECT_EQ(5, ch_info(self->a).receives);
	EXPECT_EQ(5, ch_info(self->b).receives);
	EXPECT_EQ(10, ch_info(self->a).recv_parks);
	EXPECT_EQ(0, ch_info(self->a).aborts);
}

TEST_F(pair, a_select_waits_for_a_receiver_and_sends_once)
{
	int round, chosen;

	for (round = 0; round < 10; round++) {
		chosen = round % 2;
		poison_results(self->tx, 2);
		park_select(&self->t, self->ctl, self->tx, 2);
		EXPECT_FALSE(task_done(&self->t));
		EXPECT_EQ(self->put[chosen], try_recv64(self->tx[chosen].ch));
		EXPECT_EQ(chosen, task_join(&self->t));
		EXPECT_TRUE(is_done(&self->tx[chosen], 1, 8));
		EXPECT_TRUE(is_untouched(&self->tx[!chosen]));
		EXPECT_TRUE(is_idle(self->a) && is_idle(self->b));
		EXPECT_EQ(UINT64_MAX, try_recv64(self->tx[!chosen].ch));
		EXPECT_EQ(EAGAIN, errno);
	}
	EXPECT_EQ(5, ch_info(self->a).sends);
	EXPECT_EQ(5, ch_info(self->b).sends);
}

TEST(a_select_waits_for_room_in_a_buffer)
{
	int ctl = chanctl(), full = ch_make(8, 1, 0), empty = ch_make(8, 1, 0);
	uint64_t v = 2, got;
	struct chan_case c[2] = { sel_send(full, &v, 8), sel_recv(empty, &got, 8) };
	struct task t;

	must(send64(full, 1));
	park_select(&t, ctl, c, 2);
	EXPECT_EQ(1, try_recv64(full));
	EXPECT_EQ(0, task_join(&t));
	EXPECT_EQ(2, try_recv64(full));
	EXPECT_TRUE(is_idle(empty));

	must(send64(full, 3));
	park_select(&t, ctl, c, 2);
	EXPECT_EQ(0, try_send64(empty, 4));
	EXPECT_EQ(1, task_join(&t));
	EXPECT_EQ(4, got);
	EXPECT_EQ(1, ch_len(full));
	EXPECT_EQ(3, try_recv64(full));
}

TEST_F(pair, the_values_offered_are_those_of_the_time_of_the_call)
{
	park_select(&self->t, self->ctl, self->tx, 2);
	self->put[0] = 0;
	self->put[1] = 0;
	EXPECT_EQ(200, try_recv64(self->b));
	EXPECT_EQ(1, task_join(&self->t));
}

TEST_F(pair, a_parked_select_keeps_its_place_among_plain_receivers)
{
	struct task first, last;

	park_recv64(&first, self->a);
	self->t = (struct task){
		.fd = self->ctl, .buf = self->rx, .size = 2, .deadline = CHAN_FOREVER,
	};
	task_start(&self->t, task_do_select);
	wait_parked(self->a, 2, 0);
	wait_parked(self->b, 1, 0);
	park_recv64(&last, self->a);

	EXPECT_EQ(0, try_send64(self->a, 1));
	EXPECT_EQ(0, try_send64(self->a, 2));
	EXPECT_EQ(0, try_send64(self->a, 3));
	task_join(&first);
	task_join(&last);
	EXPECT_EQ(0, task_join(&self->t));
	EXPECT_EQ(1, first.value);
	EXPECT_EQ(2, self->got[0]);
	EXPECT_EQ(3, last.value);
}

TEST_F(pair, a_select_that_goes_does_not_disturb_those_around_it)
{
	int before, i;

	for (before = 0; before <= 2; before++) {
		struct task others[2];

		for (i = 0; i < before; i++)
			park_recv64(&others[i], self->a);
		self->t = (struct task){
			.fd = self->ctl, .buf = self->rx, .size = 2, .deadline = CHAN_FOREVER,
		};
		task_start(&self->t, task_do_select);
		wait_parked(self->a, before + 1, 0);
		wait_parked(self->b, 1, 0);
		for (; i < 2; i++)
			park_recv64(&others[i], self->a);

		EXPECT_EQ(0, try_send64(self->b, 9));
		EXPECT_EQ(1, task_join(&self->t));
		EXPECT_TRUE(are_parked(self->a, 2, 0));
		for (i = 0; i < 2; i++)
			EXPECT_EQ(0, try_send64(self->a, i));
		for (i = 0; i < 2; i++) {
			EXPECT_EQ(9, task_join(&others[i]));
			EXPECT_EQ(i, others[i].value);
		}
		EXPECT_EQ(-EAGAIN, try_send64(self->a, 9));
	}
}

/* ---- no case, nil cases, one case ---- */

static long select_none(struct task *t)
{
	return ch_select_until(t->fd, NULL, 0, CHAN_FOREVER);
}

static long interrupt_until_done(struct task *t)
{
	while (!task_done(t)) {
		pthread_kill(t->thread, SIGUSR1);
		breathe();
	}
	return task_join(t);
}

TEST_F(pair, no_cases_wait_for_the_deadline_or_a_signal)
{
	int fds[] = { self->ctl, self->a };
	uint64_t until;
	unsigned int i;

	catch(SIGUSR1, 0);
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		EXPECT_EQ(-EAGAIN, ch_try_select(fds[i], NULL, 0));
		EXPECT_EQ(-ETIMEDOUT, ch_select_until(fds[i], NULL, 0, 0));
		until = now_ns() + 20 * MS;
		EXPECT_EQ(-ETIMEDOUT, ch_select_until(fds[i], NULL, 0, until));
		EXPECT_LE(until, now_ns());

		self->t = (struct task){ .fd = fds[i] };
		task_start(&self->t, select_none);
		wait_asleep(task_tid(&self->t));
		EXPECT_EQ(-EINTR, interrupt_until_done(&self->t));
	}
}

TEST_F(pair, none_but_nil_cases_are_no_cases)
{
	struct chan_case c[3] = {
		sel_recv(CHAN_NIL, self->got, 8), sel_send(CHAN_NIL, self->put, 8),
		sel_recv(INT32_MIN, self->got, 8),
	};
	uint64_t until = now_ns() + 20 * MS;

	catch(SIGUSR1, 0);
	poison_results(c, 3);
	EXPECT_EQ(-EAGAIN, ch_try_select(self->ctl, c, 3));
	EXPECT_EQ(-ETIMEDOUT, ch_select_until(self->ctl, c, 1, until));
	EXPECT_LE(until, now_ns());
	self->t = (struct task){
		.fd = self->ctl, .buf = c, .size = 3, .deadline = CHAN_FOREVER,
	};
	task_start(&self->t, task_do_select);
	wait_asleep(task_tid(&self->t));
	EXPECT_EQ(-EINTR, interrupt_until_done(&self->t));
	EXPECT_TRUE(is_untouched(&c[0]) && is_untouched(&c[1]) && is_untouched(&c[2]));
	EXPECT_TRUE(is_poison(self->got[0]));
}

TEST_F(pair, nil_cases_count_but_take_no_part)
{
	void *nowhere = bad_pointer(16);
	struct chan_case c[5] = {
		sel_recv(CHAN_NIL, nowhere, 8), self->rx[0], sel_send(CHAN_NIL, nowhere, 1),
		self->rx[1], sel_recv(CHAN_NIL, NULL, 0),
	};

	poison_results(c, 5);
	park_select(&self->t, self->ctl, c, 5);
	EXPECT_EQ(0, try_send64(self->b, 5));
	EXPECT_EQ(3, task_join(&self->t));
	EXPECT_EQ(5, self->got[1]);
	EXPECT_TRUE(is_done(&c[3], 1, 8));
	EXPECT_TRUE(is_untouched(&c[0]) && is_untouched(&c[1]) && is_untouched(&c[2]) &&
		    is_untouched(&c[4]));
	park_send64(&self->t, self->a, 6);
	EXPECT_EQ(1, ch_try_select(self->ctl, c, 3));
	EXPECT_EQ(6, self->got[0]);
	EXPECT_EQ(0, task_join(&self->t));
}

TEST_F(pair, one_case_is_the_plain_operation)
{
	EXPECT_EQ(-EAGAIN, ch_try_select(self->ctl, self->rx, 1));
	EXPECT_EQ(-EAGAIN, ch_try_select(self->ctl, self->tx, 1));
	EXPECT_EQ(-ETIMEDOUT, ch_select_until(self->ctl, self->rx, 1, now_ns() + MS));
	EXPECT_EQ(-ETIMEDOUT, ch_select_until(self->ctl, self->tx, 1, now_ns() + MS));
	EXPECT_TRUE(is_untouched(&self->rx[0]) && is_untouched(&self->tx[0]));

	park_select(&self->t, self->ctl, self->rx, 1);
	EXPECT_EQ(0, ch_try_select(self->ctl, self->tx, 1));
	EXPECT_EQ(0, task_join(&self->t));
	EXPECT_EQ(100, self->got[0]);
	EXPECT_TRUE(is_done(&self->rx[0], 1, 8));
	EXPECT_TRUE(is_done(&self->tx[0], 1, 8));

	park_select(&self->t, self->ctl, self->tx, 1);
	EXPECT_EQ(0, ch_try_select(self->ctl, self->rx, 1));
	EXPECT_EQ(0, task_join(&self->t));
	EXPECT_TRUE(is_idle(self->a));
}

/* ---- a channel more than once ---- */

TEST(a_channel_may_be_listed_more_than_once)
{
	int ctl = chanctl(), ch = ch_make(8, 0, 0), other = ch_make(8, 0, 0), chosen, i;
	uint64_t got[3];
	struct chan_case c[4] = {
		sel_recv(ch, &got[0], 8), sel_recv(other, NULL, 0),
		sel_recv(ch, &got[1], 8), sel_recv(ch, &got[2], 8),
	};
	struct task t;

	poison(got, sizeof(got));
	poison_results(c, 4);
	park_select(&t, ctl, c, 4);
	EXPECT_EQ(3, ch_info(ch).recvq);
	EXPECT_EQ(0, try_send64(ch, 5));
	EXPECT_EQ(-EAGAIN, try_send64(ch, 6));
	chosen = task_join(&t);
	ASSERT_TRUE(chosen == 0 || chosen == 2 || chosen == 3);
	for (i = 0; i < 4; i++)
		EXPECT_TRUE(i == chosen ? is_done(&c[i], 1, 8) : is_untouched(&c[i]));
	for (i = 0; i < 3; i++)
		EXPECT_TRUE(got[i] == 5 || is_poison(got[i]));
	EXPECT_EQ(5, got[chosen ? chosen - 1 : 0]);
	EXPECT_TRUE(is_idle(ch) && is_idle(other));
	EXPECT_EQ(1, ch_info(ch).receives);
}

TEST(of_duplicates_in_a_buffered_channel_one_is_done)
{
	int ctl = chanctl(), ch = ch_make(8, 4, 0);
	uint64_t put[2] = { 1, 2 };
	struct chan_case c[2] = { sel_send(ch, &put[0], 8), sel_send(ch, &put[1], 8) };
	long chosen = ch_select(ctl, c, 2);

	ASSERT_TRUE(chosen == 0 || chosen == 1);
	EXPECT_EQ(1, ch_len(ch));
	EXPECT_EQ(put[chosen], try_recv64(ch));
}

/* The two ends of a channel in one select. */
static void both_ends(struct chan_case c[2], int ch, uint64_t *put, uint64_t *got)
{
	c[0] = sel_send(ch, put, 8);
	c[1] = sel_recv(ch, got, 8);
	poison_results(c, 2);
}

TEST_F(pair, a_select_never_meets_itself)
{
	struct chan_case c[2];

	both_ends(c, self->a, &self->put[0], &self->got[0]);
	EXPECT_EQ(-EAGAIN, ch_try_select(self->ctl, c, 2));
	EXPECT_EQ(-ETIMEDOUT, ch_select_until(self->ctl, c, 2, now_ns() + 5 * MS));
	EXPECT_TRUE(is_idle(self->a));

	park_select(&self->t, self->ctl, c, 2);
	EXPECT_TRUE(are_parked(self->a, 1, 1));
	EXPECT_EQ(100, try_recv64(self->a));
	EXPECT_EQ(0, task_join(&self->t));
	EXPECT_TRUE(is_poison(self->got[0]));

	park_select(&self->t, self->ctl, c, 2);
	EXPECT_EQ(0, try_send64(self->a, 5));
	EXPECT_EQ(1, task_join(&self->t));
	EXPECT_EQ(5, self->got[0]);
	EXPECT_TRUE(is_idle(self->a));
	EXPECT_EQ(2, ch_info(self->a).sends);
}

TEST_F(pair, two_selects_with_both_ends_meet_each_other)
{
	uint64_t put[2] = { 1, 2 }, got[2];
	struct chan_case c[2], d[2];
	int round;
	long i;

	for (round = 0; round < 20; round++) {
		both_ends(c, self->a, &put[0], &got[0]);
		both_ends(d, self->a, &put[1], &got[1]);
		poison(got, sizeof(got));
		park_select(&self->t, self->ctl, c, 2);
		i = ch_select(self->ctl, d, 2);
		ASSERT_TRUE(i == 0 || i == 1);
		EXPECT_EQ(!i, task_join(&self->t));
		EXPECT_EQ(i ? 1 : 2, got[i]);
		EXPECT_TRUE(is_poison(got[!i]));
		EXPECT_TRUE(is_idle(self->a));
	}
}

TEST(both_ends_of_a_half_full_channel_are_ready)
{
	int ctl = chanctl(), ch = ch_make(8, 2, 0), seen[2] = {}, round, chosen;
	uint64_t put = 1, got;
	struct chan_case c[2];

	both_ends(c, ch, &put, &got);
	for (round = 0; round < 200; round++) {
		while (ch_len(ch) > 1)
			must(recv64(ch) == 1 ? 0 : -1);
		if (!ch_len(ch))
			must(send64(ch, 1));
		chosen = ch_select(ctl, c, 2);
		ASSERT_TRUE(chosen == 0 || chosen == 1);
		EXPECT_EQ(chosen ? 0 : 2, ch_len(ch));
		seen[chosen]++;
	}
	EXPECT_LT(0, seen[0]);
	EXPECT_LT(0, seen[1]);
}

/* ---- a select meets a select ---- */

#define MEETINGS	2000

/* Counts how often it was the first case. */
static long select_often(struct task *t)
{
	struct chan_case *c = t->buf;
	uint64_t *got = (void *)(uintptr_t)c[1 - (c[0].dir == CHAN_DIR_RECV)].elem;
	long i, ret, first = 0;

	for (i = 0; i < MEETINGS; i++) {
		*got = 0;
		ret = must(ch_select(t->fd, c, 2));
		first += !ret;
		if (c[ret].dir == CHAN_DIR_RECV && *got != 100 + 100 * (uint64_t)ret)
			die("case %ld received %llu", ret, (unsigned long long)*got);
	}
	return first;
}

/* Opposite directions, opposite orders. */
TEST_F(pair, two_selects_meet_on_either_channel)
{
	struct chan_case c[2] = { self->tx[0], self->rx[1] }, d[2] = { self->rx[0], self->tx[1] };
	struct task u = { .fd = self->ctl, .buf = d };
	long first;

	self->t = (struct task){ .fd = self->ctl, .buf = c };
	task_start(&self->t, select_often);
	task_start(&u, select_often);
	first = task_join(&self->t);
	EXPECT_EQ(first, task_join(&u));
	EXPECT_EQ(first, ch_info(self->a).receives);
	EXPECT_EQ(MEETINGS - first, ch_info(self->b).receives);
	EXPECT_TRUE(is_idle(self->a) && is_idle(self->b));
}

static long try_often(struct task *t)
{
	long tries = scaled(10 * MEETINGS), done = 0, i;

	for (i = 0; i < tries; i++)
		done += ch_try_select(t->fd, t->buf, 2) != -EAGAIN;
	return done;
}

TEST_F(pair, two_tries_never_meet)
{
	struct task u = { .fd = self->ctl, .buf = self->tx };

	self->t = (struct task){ .fd = self->ctl, .buf = self->rx };
	task_start(&self->t, try_often);
	task_start(&u, try_often);
	EXPECT_EQ(0, task_join(&self->t));
	EXPECT_EQ(0, task_join(&u));
	EXPECT_EQ(0, ch_info(self->a).sends + ch_info(self->b).sends);
	EXPECT_TRUE(is_idle(self->a) && is_idle(self->b));
}

struct pokers {
	pthread_barrier_t at_start;
	bool stop;
};

static long poke_at_barrier(struct task *t)
{
	struct pokers *pokers = t->buf;

	for (;;) {
		pthread_barrier_wait(&pokers->at_start);
		if (pokers->stop)
			return 0;
		t->ret = try_send64(t->fd, t->value);
		pthread_barrier_wait(&pokers->at_start);
	}
}

TEST(several_senders_at_once_complete_a_select_once)
{
	enum { N = 4, ROUNDS = 100 };
	int ctl = chanctl(), round, won, i;
	struct pokers pokers = {};
	struct task t, poker[N];
	struct chan_case c[N];
	uint64_t got[N];

	pthread_barrier_init(&pokers.at_start, NULL, N + 1);
	for (i = 0; i < N; i++) {
		c[i] = sel_recv(ch_make(8, 0, 0), &got[i], 8);
		poker[i] = (struct task){ .fd = c[i].ch, .buf = &pokers, .value = i };
		task_start(&poker[i], poke_at_barrier);
	}
	for (round = 0; round < ROUNDS; round++) {
		poison(got, sizeof(got));
		park_select(&t, ctl, c, N);
		pthread_barrier_wait(&pokers.at_start);
		pthread_barrier_wait(&pokers.at_start);
		for (i = 0, won = 0; i < N; i++) {
			ASSERT_EQ(poker[i].ret ? -EAGAIN : 0, poker[i].ret);
			won += !poker[i].ret;
		}
		ASSERT_EQ(1, won);
		i = task_join(&t);
		ASSERT_LE(0, i);
		ASSERT_EQ(0, poker[i].ret);
		ASSERT_EQ(i, got[i]);
	}
	pokers.stop = true;
	pthread_barrier_wait(&pokers.at_start);
	for (i = 0; i < N; i++)
		task_join(&poker[i]);
}

TEST_HARNESS_MAIN
