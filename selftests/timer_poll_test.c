// SPDX-License-Identifier: GPL-2.0-only
/* poll and epoll on timer channels, and that nothing of a timer stays behind. */
#include "chan_test.h"

#define FAR	(3600 * SEC)

static int far_timer(void)
{
	return ch_timer_at(now_ns() + FAR);
}

/* ---- poll and epoll ---- */

TEST(poll_says_when_it_is_due)
{
	int ch = far_timer();

	EXPECT_EQ(0, all_events(ch));
	must(ch_timer_reset(ch, 1));
	EXPECT_EQ(POLL_RECV, all_events(ch));
	EXPECT_EQ(POLL_RECV, all_events(ch));
	EXPECT_EQ(1, recv64(ch));
	EXPECT_EQ(0, all_events(ch));
}

TEST(a_poller_wakes_at_the_time)
{
	uint64_t when = now_ns() + 300 * MS;
	int ch = ch_timer_at(when);
	struct task t;

	start_poller(&t, ch, POLLIN);
	EXPECT_EQ(POLLIN, task_join(&t));
	EXPECT_LE(when, now_ns());
	EXPECT_EQ(when, try_recv64(ch));
}

TEST(pollers_wake_at_the_time_of_a_reset)
{
	int ch = far_timer(), idle = ch_timer_at(CHAN_FOREVER);
	struct task t, u;
	uint64_t when;

	start_poller(&t, ch, POLLIN);
	start_poller(&u, idle, POLLIN);
	when = now_ns() + 20 * MS;
	must(ch_timer_reset(ch, when));
	must(ch_timer_reset(idle, when + 5 * MS));
	EXPECT_EQ(POLLIN, task_join(&t));
	EXPECT_LE(when, now_ns());
	EXPECT_EQ(POLLIN, task_join(&u));
	EXPECT_LE(when + 5 * MS, now_ns());
	EXPECT_EQ(when, try_recv64(ch));
	EXPECT_EQ(when + 5 * MS, try_recv64(idle));
}

TEST(a_poller_of_a_timer_set_later_sleeps_on)
{
	int ch = far_timer();
	struct task t;
	uint64_t soon;

	for (;;) {
		start_poller(&t, ch, POLLIN);
		soon = now_ns() + 300 * MS;
		must(ch_timer_reset(ch, soon));
		must(ch_timer_reset(ch, now_ns() + FAR));
		if (now_ns() < soon)
			break;
		/* So slow that the time may have come. */
		must(ch_timer_reset(ch, 1));
		task_join(&t);
		must(ch_timer_reset(ch, now_ns() + FAR));
	}
	wait_until(soon + 50 * MS);
	EXPECT_FALSE(task_done(&t));
	must(ch_timer_stop(ch));
	must(ch_timer_reset(ch, 1));
	EXPECT_EQ(POLLIN, task_join(&t));
}

TEST(a_poller_and_a_receiver_both_see_the_time)
{
	int ch = far_timer();
	struct task p, r;
	uint64_t when;

	start_poller(&p, ch, POLLIN);
	park_recv64(&r, ch);
	when = now_ns() + 20 * MS;
	must(ch_timer_reset(ch, when));
	EXPECT_EQ(9, task_join(&r));
	EXPECT_EQ(when, r.value);
	/* A hint may come too late for who polls: the next one will do. */
	if (!task_done(&p))
		must(ch_timer_reset(ch, 1));
	EXPECT_EQ(POLLIN, task_join(&p));
}

TEST(level_triggered_epoll_tells_until_it_is_received)
{
	uint64_t when = now_ns() + 20 * MS;
	int ch = ch_timer_at(when), ep = ep_new(ch, EPOLLIN);

	EXPECT_EQ(EPOLLIN, ep_events(ep, -1));
	EXPECT_LE(when, now_ns());
	EXPECT_EQ(EPOLLIN, ep_events(ep, 0));
	EXPECT_EQ(when, try_recv64(ch));
	EXPECT_EQ(0, ep_events(ep, 0));
}

TEST(edge_triggered_epoll_tells_once_of_each_time)
{
	int ch = ch_timer_at(CHAN_FOREVER), ep = ep_new(ch, EPOLLIN | EPOLLET), i;
	uint64_t when;

	for (i = 0; i < 5; i++) {
		when = now_ns() + 5 * MS;
		must(ch_timer_reset(ch, when));
		EXPECT_EQ(EPOLLIN, ep_events(ep, -1));
		EXPECT_LE(when, now_ns());
		EXPECT_EQ(0, ep_events(ep, 20));
		if (i % 2)
			EXPECT_EQ(when, try_recv64(ch));
	}
}

TEST(epoll_tells_of_every_tick_that_is_received)
{
	int triggers[] = { EPOLLIN, EPOLLIN | EPOLLET }, ep, ch, i, j;
	uint64_t first, last, v;

	for (i = 0; i < 2; i++) {
		first = now_ns() + 2 * MS;
		ch = ch_ticker_at(first, 2 * MS);
		ep = ep_new(ch, triggers[i]);
		for (j = 0, last = 0; j < 20; j++, last = v) {
			ASSERT_EQ(EPOLLIN, ep_events(ep, -1));
			v = try_recv64(ch);
			ASSERT_LE(v, now_ns());
			ASSERT_LT(last, v);
			ASSERT_EQ(0, (v - first) % (2 * MS));
		}
		close(ep);
		close(ch);
	}
}

/* Its interrupts must not take all the time there is. */
TEST(a_ticker_of_a_tiny_period_under_epoll_starves_nobody)
{
	int ch = ch_ticker_at(1, 1), ep = ep_new(ch, EPOLLIN | EPOLLET), i;
	struct task t;

	start_poller(&t, ch, POLLPRI);
	for (i = 0; i < 200; i++) {
		ASSERT_EQ(EPOLLIN, ep_events(ep, -1));
		ASSERT_LE(recv64(ch), now_ns());
	}
	wait_until(now_ns() + 50 * MS);
	EXPECT_EQ(1, ch_timer_stop(ch));
	EXPECT_EQ(0, ep_events(ep, 0));
}

TEST(epoll_does_not_tell_of_a_time_taken_back)
{
	int ch = ch_timer_at(CHAN_FOREVER), et = ep_new(ch, EPOLLIN | EPOLLET);
	int lt = ep_new(ch, EPOLLIN);
	uint64_t soon = now_ns() + 20 * MS;

	must(ch_timer_reset(ch, soon));
	wait_until(soon);
	must(ch_timer_stop(ch));
	EXPECT_EQ(0, ep_events(lt, 10));
	EXPECT_EQ(0, ep_events(et, 10));
	must(ch_timer_reset(ch, 1));
	EXPECT_EQ(EPOLLIN, ep_events(lt, -1));
	EXPECT_EQ(EPOLLIN, ep_events(et, -1));
}

TEST(one_epoll_loop_serves_many_timers)
{
	enum { N = 50 };
	int ep = must(epoll_create1(EPOLL_CLOEXEC)), ch[N], i, n;
	struct epoll_event ev;
	uint64_t when[N];

	for (i = 0; i < N; i++) {
		when[i] = now_ns() + (i * 7 % N + 1) * 2 * MS;
		ch[i] = ch_timer_at(when[i]);
		ev = (struct epoll_event){ .events = EPOLLIN | EPOLLET, .data.u32 = i };
		must(epoll_ctl(ep, EPOLL_CTL_ADD, ch[i], &ev));
	}
	for (n = 0; n < N; n++) {
		ASSERT_EQ(1, epoll_wait(ep, &ev, 1, 60000));
		i = ev.data.u32;
		ASSERT_LE(when[i], now_ns());
		ASSERT_EQ(when[i], try_recv64(ch[i]));
	}
	EXPECT_EQ(0, epoll_wait(ep, &ev, 1, 0));
}

/* ---- what they cost and leave behind ---- */

#define MAX_CHANNELS	PARAM_DIR "max_user_channels"

static int within_a_limit_of_three(void *arg)
{
	struct chan_make_timer one_more = { .when = 1 };
	int ch[3], i;

	(void)arg;
	become_nobody();
	for (i = 0; i < 3; i++)
		ch[i] = i ? ch_timer_at(i) : ch_ticker_at(1, MS);
	if (ch_query(ch[0]).user_channels != 3)
		return 1;
	if (ch_make_timer(one_more) != -EDQUOT)
		return 2;
	close(ch[1]);
	ch[1] = ch_timer_at(1);
	return ch_make(8, 0, 0) == -EDQUOT ? 0 : 3;
}

FIXTURE(quota)
{
	char saved[32];
};

FIXTURE_SETUP(quota)
{
	if (!is_root())
		SKIP(return, "needs root");
	must(read_text(MAX_CHANNELS, self->saved, sizeof(self->saved)));
}

FIXTURE_TEARDOWN(quota)
{
	write_text(MAX_CHANNELS, self->saved);
}

TEST_F(quota, timers_count_as_channels)
{
	must(write_text(MAX_CHANNELS, "3"));
	EXPECT_EQ(0, child_wait(child_start(within_a_limit_of_three, NULL)));
}

static uint64_t channels(void)
{
	int ctl = chanctl();
	struct chan_query q = ch_query(ctl);

	close(ctl);
	return q.channels;
}

/* Go's TestTimerGC. */
TEST(very_many_made_and_closed_unstopped_leave_nothing)
{
	int ctl = chanctl(), ep = must(epoll_create1(EPOLL_CLOEXEC)), n = scaled(10000), ch, i;
	struct chan_query before = ch_query(ctl), after;
	struct epoll_event ev = { .events = EPOLLIN };

	for (i = 0; i < n; i++) {
		struct chan_make_timer make = {
			.size = sizeof(make), .flags = i % 2 ? CHAN_TIMER_TICK : 0,
			.when = now_ns() + i % 3 * MS, .period = i % 2 ? MS : 0,
		};

		ch = must(xioctl(ctl, CHAN_IOC_MAKE_TIMER, &make));
		if (i % 5 == 0)
			must(epoll_ctl(ep, EPOLL_CTL_ADD, ch, &ev));
		close(ch);
	}
	EXPECT_TRUE(eventually(channels() == before.channels));
	after = ch_query(ctl);
	EXPECT_EQ(before.user_channels, after.user_channels);
	EXPECT_EQ(before.user_bytes, after.user_bytes);
}

TEST(closed_while_epoll_waits_for_it_a_timer_is_gone_at_once)
{
	uint64_t before = channels(), when = now_ns() + 3 * SEC;
	int ch = ch_timer_at(when);
	struct task t = { .fd = ep_new(ch, EPOLLIN) };

	task_start(&t, ep_wait_forever);
	wait_asleep(task_tid(&t));
	close(ch);
	EXPECT_TRUE(eventually(channels() == before));
	wait_until(when + 20 * MS);
	EXPECT_FALSE(task_done(&t));
}

TEST(closed_while_poll_waits_for_it_a_timer_lasts_as_long)
{
	uint64_t before = channels(), when = now_ns() + 3 * SEC;
	int ch = ch_timer_at(when);
	struct task t;

	start_poller(&t, ch, POLLIN);
	close(ch);
	EXPECT_EQ(before + 1, channels());
	/* It wakes and looks at the descriptor, which is gone. */
	EXPECT_EQ(POLLNVAL, task_join(&t));
	EXPECT_LE(when, now_ns());
	EXPECT_TRUE(eventually(channels() == before));
}

static long ep_wait_till_told(struct task *t)
{
	struct epoll_event ev[8];
	int *over = t->buf;

	while (!__atomic_load_n(over, __ATOMIC_RELAXED))
		epoll_wait(t->fd, ev, 8, 1);
	return 0;
}

/* Their times come just when they are closed. */
TEST(timers_closed_as_they_expire_under_epoll)
{
	uint64_t before = channels();
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = must(epoll_create1(EPOLL_CLOEXEC)), n = scaled(1000), over = 0, i, ch;
	struct task t = { .fd = ep, .buf = &over };

	task_start(&t, ep_wait_till_told);
	for (i = 0; i < n; i++) {
		ch = ch_ticker_at(now_ns() + i % 50 * 2000, 10000);
		must(epoll_ctl(ep, EPOLL_CTL_ADD, ch, &ev));
		linger(i % 37 * 3000);
		close(ch);
	}
	__atomic_store_n(&over, 1, __ATOMIC_RELAXED);
	EXPECT_EQ(0, task_join(&t));
	EXPECT_TRUE(eventually(channels() == before));
}

TEST_HARNESS_MAIN
