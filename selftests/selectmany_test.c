// SPDX-License-Identifier: GPL-2.0-only
/* Select: a thousand cases, and chance. */
#include "select_test.h"

#define MANY	1024

FIXTURE(many)
{
	int ctl;
	struct chan_case *c;
	uint64_t *elems;
	struct task t;
};

static bool raise_nofile(rlim_t n)
{
	struct rlimit lim;

	must(getrlimit(RLIMIT_NOFILE, &lim));
	if (lim.rlim_cur >= n)
		return true;
	lim.rlim_cur = n;
	if (lim.rlim_max < n)
		lim.rlim_max = n;
	return !setrlimit(RLIMIT_NOFILE, &lim);
}

/* The even ones receive; the odd ones send 10000 and their number. */
FIXTURE_SETUP(many)
{
	int i;

	if (!raise_nofile(MANY + 100))
		SKIP(return, "needs a higher limit on open files");
	self->ctl = chanctl();
	self->c = calloc(MANY, sizeof(*self->c));
	self->elems = calloc(MANY, sizeof(*self->elems));
	for (i = 0; i < MANY; i++) {
		int ch = must(ch_make(8, 0, 0));

		self->elems[i] = 10000 + i;
		self->c[i] = i % 2 ? sel_send(ch, &self->elems[i], 8)
				   : sel_recv(ch, &self->elems[i], 8);
	}
}

FIXTURE_TEARDOWN(many)
{
	int i;

	for (i = 0; i < MANY; i++)
		close(self->c[i].ch);
	close(self->ctl);
}

static const int some_of_many[] = { 0, 1, 2, 511, 512, MANY - 2, MANY - 1 };

static int count_idle(const struct chan_case *c)
{
	int i, n = 0;

	for (i = 0; i < MANY; i++)
		n += is_idle(c[i].ch);
	return n;
}

static int count_changed(const uint64_t *elems)
{
	int i, n = 0;

	for (i = 0; i < MANY; i++)
		n += elems[i] != 10000 + (uint64_t)i;
	return n;
}

TEST_F(many, any_of_many_that_is_ready_is_found)
{
	unsigned int i;

	EXPECT_EQ(-EAGAIN, ch_try_select(self->ctl, self->c, MANY));
	EXPECT_EQ(MANY, count_idle(self->c));
	for (i = 0; i < ARRAY_SIZE(some_of_many); i++) {
		int k = some_of_many[i];
		struct chan_case partner = sel_send(self->c[k].ch, &(uint64_t){ 7 }, 8);

		if (k % 2)
			partner = sel_recv(self->c[k].ch, NULL, 0);
		park_select(&self->t, self->ctl, &partner, 1);
		EXPECT_EQ(k, ch_try_select(self->ctl, self->c, MANY));
		EXPECT_EQ(0, task_join(&self->t));
		EXPECT_TRUE(is_done(&self->c[k], 1, 8));
	}
	EXPECT_EQ(MANY, count_idle(self->c));
	EXPECT_EQ(4, count_changed(self->elems));
}

/* Be the partner of a case: the element it sends, or 0 if it takes @v. */
static long meet(const struct chan_case *c, uint64_t v)
{
	return c->dir == CHAN_DIR_SEND ? (long)try_recv64(c->ch) : try_send64(c->ch, v);
}

TEST_F(many, any_of_many_wakes_a_select_that_leaves_all)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(some_of_many); i++) {
		int k = some_of_many[i];

		poison_results(self->c, MANY);
		park_select(&self->t, self->ctl, self->c, MANY);
		EXPECT_EQ(k % 2 ? 10000 + k : 0, meet(&self->c[k], k));
		EXPECT_EQ(k, task_join(&self->t));
		EXPECT_TRUE(is_done(&self->c[k], 1, 8));
		EXPECT_EQ(k % 2 ? 10000 + k : k, self->elems[k]);
		EXPECT_TRUE(is_untouched(&self->c[(k + 1) % MANY]));
		EXPECT_EQ(MANY, count_idle(self->c));
	}
	EXPECT_EQ(4, count_changed(self->elems));
}

TEST_F(many, close_of_one_of_many_wakes_a_select)
{
	park_select(&self->t, self->ctl, self->c, MANY);
	must(ch_close(self->c[700].ch));
	EXPECT_EQ(700, task_join(&self->t));
	EXPECT_TRUE(is_done(&self->c[700], 0, 0));
	EXPECT_EQ(0, self->elems[700]);
	EXPECT_EQ(1, count_changed(self->elems));
	EXPECT_EQ(MANY, count_idle(self->c));
}

TEST_F(many, deadline_and_kill_leave_nothing_on_many)
{
	pid_t pid;

	EXPECT_EQ(-ETIMEDOUT, ch_select_until(self->ctl, self->c, MANY, now_ns() + 20 * MS));
	EXPECT_EQ(MANY, count_idle(self->c));
	pid = child_fork();
	if (!pid)
		_exit(-ch_select(self->ctl, self->c, MANY));
	wait_select_parked(self->c, MANY);
	EXPECT_EQ(128 + SIGKILL, child_kill(pid));
	EXPECT_EQ(MANY, count_idle(self->c));
	EXPECT_EQ(0, count_changed(self->elems));
}

TEST(a_channel_may_be_listed_a_thousand_times)
{
	int ctl = chanctl(), ch = ch_make(8, 0, 0), i;
	struct chan_case *c = calloc(MANY, sizeof(*c));
	uint64_t *got = malloc(MANY * sizeof(*got));
	struct task t, behind;
	long chosen;

	poison(got, MANY * sizeof(*got));
	for (i = 0; i < MANY; i++)
		c[i] = sel_recv(ch, &got[i], 8);
	t = (struct task){ .fd = ctl, .buf = c, .size = MANY, .deadline = CHAN_FOREVER };
	task_start(&t, task_do_select);
	wait_parked(ch, MANY, 0);
	park_recv64(&behind, ch);
	EXPECT_EQ(0, try_send64(ch, 1));
	EXPECT_EQ(0, try_send64(ch, 2));
	EXPECT_EQ(9, task_join(&behind));
	EXPECT_EQ(2, behind.value);
	chosen = task_join(&t);
	ASSERT_TRUE(chosen >= 0 && chosen < MANY);
	for (i = 0; i < MANY; i++)
		ASSERT_TRUE(i == chosen ? got[i] == 1 : is_poison(got[i]));
	EXPECT_TRUE(is_idle(ch));
	EXPECT_EQ(-EAGAIN, try_send64(ch, 3));
}

/* ---- chance ---- */

/* Within six standard deviations of @rounds * 1/@n: by chance that fails never. */
static bool is_share(long hits, long rounds, int n)
{
	double off = hits - (double)rounds / n;

	return off * off <= 36.0 * rounds * (n - 1) / ((double)n * n);
}

FIXTURE(chance)
{
	int ctl, closed;
};

FIXTURE_SETUP(chance)
{
	self->ctl = chanctl();
	self->closed = ch_make(8, 0, 0);
	ASSERT_EQ(0, ch_close(self->closed));
}

FIXTURE_TEARDOWN(chance)
{
	close(self->closed);
	close(self->ctl);
}

/*
 * A half-full buffer so large that it stays ready for both, and what is closed.  A kernel
 * that checks itself takes minutes for it.
 */
TEST_F_TIMEOUT(chance, cases_that_are_ready_have_the_same_probability, 600)
{
	enum { CAP = 10000 };
	int half = ch_make(0, CAP, 0), closed = self->closed, rounds = scaled(400000), i;
	struct chan_case c[5];
	long hits[5] = {};

	for (i = 0; i < CAP / 2; i++)
		must(ch_send(half, NULL, 0));
	c[0] = sel_recv(closed, NULL, 0);
	c[1] = sel_send(half, NULL, 0);
	c[2] = sel_recv(closed, NULL, 0);
	c[3] = sel_recv(half, NULL, 0);
	c[4] = sel_recv(ch_make(8, 0, 0), NULL, 0);
	must(ch_close(c[4].ch));
	for (i = 0; i < rounds; i++)
		hits[must(ch_try_select(self->ctl, c, 5))]++;
	for (i = 0; i < 5; i++)
		EXPECT_TRUE(is_share(hits[i], rounds, 5)) TH_LOG("case %d: %ld", i, hits[i]);
	EXPECT_EQ(CAP / 2 + hits[1] - hits[3], ch_len(half));
}

TEST_F(chance, cases_that_are_not_ready_do_not_change_the_probability)
{
	enum { N = 12, READY = 3 };
	int never = ch_make(8, 0, 0), closed = self->closed, rounds = scaled(60000), i;
	struct chan_case c[N];
	long hits[N] = {};

	for (i = 0; i < N; i++)
		c[i] = sel_recv(i % 3 ? never : CHAN_NIL, NULL, 0);
	c[4].ch = closed;
	c[5].ch = closed;
	c[11].ch = closed;
	for (i = 0; i < rounds; i++)
		hits[must(ch_try_select(self->ctl, c, N))]++;
	for (i = 0; i < N; i++)
		EXPECT_TRUE(c[i].ch == closed ? is_share(hits[i], rounds, READY) : !hits[i])
			TH_LOG("case %d: %ld", i, hits[i]);
}

static long select_for_ever(struct task *t)
{
	long ret;

	do {
		ret = ch_select(t->fd, t->buf, t->size);
	} while (ret >= 0);
	return ret;
}

TEST(parked_duplicates_are_chosen_at_random_too)
{
	enum { TIMES = 300 };
	int ctl = chanctl(), ch = ch_make(8, 0, 0), hits[2] = {}, i;
	uint64_t put[2] = { 0, 1 }, v;
	struct chan_case c[2] = { sel_send(ch, &put[0], 8), sel_send(ch, &put[1], 8) };
	struct task t = { .fd = ctl, .buf = c, .size = 2 };

	task_start(&t, select_for_ever);
	for (i = 0; i < TIMES; i++) {
		wait_parked(ch, 0, 2);
		v = try_recv64(ch);
		ASSERT_GE(1, v);
		hits[v]++;
	}
	EXPECT_LT(TIMES / 10, hits[0]);
	EXPECT_LT(TIMES / 10, hits[1]);
	wait_parked(ch, 0, 2);
	must(ch_close(ch));
	EXPECT_EQ(-EPIPE, task_join(&t));
}

TEST_HARNESS_MAIN
