// SPDX-License-Identifier: GPL-2.0-only
/* Select: how close, removal, signals and death end it, and what poll says of it. */
#include "select_test.h"

/* ---- closed and removed ---- */

TEST_F(pair, receive_from_a_closed_channel_is_ready)
{
	must(ch_close(self->b));
	EXPECT_EQ(1, ch_select(self->ctl, self->rx, 2));
	EXPECT_TRUE(is_done(&self->rx[1], 0, 0));
	EXPECT_EQ(0, self->got[1]);
	EXPECT_TRUE(is_poison(self->got[0]));
	self->rx[1].elem = 0;
	EXPECT_EQ(1, ch_try_select(self->ctl, self->rx, 2));
	EXPECT_TRUE(is_done(&self->rx[1], 0, 0));
}

TEST_F(pair, send_on_a_closed_channel_is_ready_and_fails)
{
	int n;

	must(ch_close(self->a));
	for (n = 1; n <= 2; n++) {
		poison_results(self->tx, 2);
		EXPECT_EQ(-EPIPE, ch_select(self->ctl, self->tx, n));
		EXPECT_TRUE(has_failed(&self->tx[0], -EPIPE));
		EXPECT_TRUE(is_untouched(&self->tx[1]));
		self->tx[0].ok = 0;
		EXPECT_EQ(-EPIPE, ch_try_select(self->ctl, self->tx, n));
		EXPECT_TRUE(has_failed(&self->tx[0], -EPIPE));
	}
}

TEST(what_is_buffered_comes_before_the_close)
{
	int ctl = chanctl(), ch = ch_make(8, 2, 0), other = ch_make(8, 0, 0), i;
	uint64_t got;
	struct chan_case c[2] = { sel_recv(other, NULL, 0), sel_recv(ch, &got, 8) };

	must(send64(ch, 0));
	must(send64(ch, 1));
	must(ch_close(ch));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(1, ch_select(ctl, c, 2));
		EXPECT_TRUE(is_done(&c[1], 1, 8));
		EXPECT_EQ(i, got);
	}
	EXPECT_EQ(1, ch_select(ctl, c, 2));
	EXPECT_TRUE(is_done(&c[1], 0, 0));
}

TEST_F(pair, send_on_a_closed_channel_is_chosen_beside_others)
{
	struct chan_case c[2] = { self->tx[0], self->rx[1] };
	int seen[2] = {}, i;

	must(ch_close(self->a));
	must(ch_close(self->b));
	for (i = 0; i < 200; i++) {
		long ret = ch_select(self->ctl, c, 2);

		ASSERT_TRUE(ret == 1 || ret == -EPIPE);
		seen[ret == 1]++;
	}
	EXPECT_LT(0, seen[0]);
	EXPECT_LT(0, seen[1]);
}

TEST_F(pair, close_wakes_a_parked_select)
{
	struct chan_case c[2] = { self->tx[0], self->rx[1] };

	park_select(&self->t, self->ctl, c, 2);
	must(ch_close(self->b));
	EXPECT_EQ(1, task_join(&self->t));
	EXPECT_TRUE(is_done(&c[1], 0, 0));
	EXPECT_TRUE(is_untouched(&c[0]));
	EXPECT_EQ(0, self->got[1]);
	EXPECT_TRUE(is_idle(self->a) && is_idle(self->b));

	c[1].ch = CHAN_NIL;
	poison_results(c, 2);
	park_select(&self->t, self->ctl, c, 2);
	must(ch_close(self->a));
	EXPECT_EQ(-EPIPE, task_join(&self->t));
	EXPECT_TRUE(has_failed(&c[0], -EPIPE));
	EXPECT_TRUE(is_untouched(&c[1]));
}

TEST_F(pair, close_of_either_channel_ends_a_parked_send)
{
	park_select(&self->t, self->ctl, self->tx, 2);
	must(ch_close(self->b));
	EXPECT_EQ(-EPIPE, task_join(&self->t));
	EXPECT_TRUE(has_failed(&self->tx[1], -EPIPE));
	EXPECT_TRUE(is_untouched(&self->tx[0]));
	EXPECT_TRUE(is_idle(self->a) && is_idle(self->b));
	EXPECT_EQ(0, ch_info(self->a).sends + ch_info(self->b).sends);
}

TEST_F(pair, a_removed_channel_fails_its_cases)
{
	struct chan_case c[2];
	const char *name = "select.removed";
	int ch, n;

	ch_remove(name);
	ch = must(ch_make_named(name, 8, 1, 0, 0600));
	must(send64(ch, 1));
	must(ch_remove(name));
	for (n = 1; n <= 2; n++) {
		c[0] = sel_recv(ch, &self->got[0], 8);
		c[1] = self->rx[1];
		poison_results(c, 2);
		EXPECT_EQ(-EIDRM, ch_select(self->ctl, c, n));
		EXPECT_TRUE(has_failed(&c[0], -EIDRM));
		c[0] = sel_send(ch, &self->put[0], 8);
		poison_results(c, 2);
		EXPECT_EQ(-EIDRM, ch_try_select(self->ctl, c, n));
		EXPECT_TRUE(has_failed(&c[0], -EIDRM));
		EXPECT_TRUE(is_untouched(&c[1]));
	}
	EXPECT_TRUE(is_poison(self->got[0]));
	EXPECT_EQ(-EAGAIN, ch_try_select(ch, self->rx, 2));
}

TEST_F(pair, removal_wakes_a_parked_select)
{
	const char *name = "select.parked";
	struct chan_case c[2];
	int ch, sends;

	ch_remove(name);
	for (sends = 0; sends < 2; sends++) {
		ch = must(ch_make_named(name, 8, 0, 0, 0600));
		c[0] = self->rx[0];
		c[1] = sends ? sel_send(ch, self->put, 8) : sel_recv(ch, &self->got[1], 8);
		poison_results(c, 2);
		park_select(&self->t, self->ctl, c, 2);
		must(ch_remove(name));
		EXPECT_EQ(-EIDRM, task_join(&self->t));
		EXPECT_TRUE(has_failed(&c[1], -EIDRM));
		EXPECT_TRUE(is_untouched(&c[0]));
		EXPECT_TRUE(is_poison(self->got[1]));
		EXPECT_TRUE(is_idle(self->a) && is_idle(ch));
		close(ch);
	}
}

/* ---- processes and signals ---- */

TEST_F(pair, selects_of_processes_meet)
{
	struct chan_case c[2] = { self->rx[0], self->tx[1] };
	pid_t pid = child_fork();

	if (!pid) {
		if (ch_select(self->a, c, 2) != 0 || self->got[0] != 7)
			_exit(1);
		if (ch_select(self->a, c, 2) != 1)
			_exit(2);
		_exit(0);
	}
	wait_select_parked(c, 2);
	self->put[0] = 7;
	EXPECT_EQ(0, ch_try_select(self->ctl, self->tx, 1));
	EXPECT_EQ(1, ch_select(self->ctl, &self->rx[0], 2));
	EXPECT_EQ(200, self->got[1]);
	EXPECT_EQ(0, child_wait(pid));
}

TEST_F(pair, a_signal_ends_a_parked_select_and_nothing_happened)
{
	struct chan_case c[2] = { self->tx[0], self->rx[1] };
	int n;

	catch(SIGUSR1, 0);
	for (n = 1; n <= 2; n++) {
		park_select(&self->t, self->ctl, c, n);
		pthread_kill(self->t.thread, SIGUSR1);
		EXPECT_EQ(-EINTR, task_join(&self->t));
		EXPECT_TRUE(is_untouched(&c[0]) && is_untouched(&c[1]));
		EXPECT_TRUE(is_poison(self->got[1]));
		EXPECT_TRUE(is_idle(self->a) && is_idle(self->b));
		EXPECT_EQ(n, ch_info(self->a).aborts);
	}
	EXPECT_EQ(1, ch_info(self->b).aborts);
	EXPECT_EQ(0, ch_info(self->a).sends);
	EXPECT_EQ(-EAGAIN, try_send64(self->b, 1));
}

TEST_F(pair, with_sa_restart_a_parked_select_goes_on)
{
	catch(SIGUSR1, SA_RESTART);
	park_select(&self->t, self->ctl, self->rx, 2);
	pthread_kill(self->t.thread, SIGUSR1);
	EXPECT_TRUE(eventually(ch_info(self->a).recv_parks == 2));
	EXPECT_TRUE(eventually(ch_info(self->b).recv_parks == 2));
	wait_parked(self->a, 1, 0);
	wait_parked(self->b, 1, 0);
	EXPECT_EQ(0, try_send64(self->b, 5));
	EXPECT_EQ(1, task_join(&self->t));
	EXPECT_EQ(5, self->got[1]);
	EXPECT_EQ(1, ch_info(self->b).receives);
}

TEST_F(pair, with_sa_restart_a_deadline_stays_what_it_was)
{
	catch(SIGUSR1, SA_RESTART);
	self->t = (struct task){
		.fd = self->ctl, .buf = self->rx, .size = 2, .deadline = now_ns() + 200 * MS,
	};
	task_start(&self->t, task_do_select);
	while (!task_done(&self->t)) {
		pthread_kill(self->t.thread, SIGUSR1);
		usleep(10000);
	}
	EXPECT_EQ(-ETIMEDOUT, task_join(&self->t));
	EXPECT_LE(self->t.deadline, now_ns());
	EXPECT_TRUE(is_idle(self->a) && is_idle(self->b));
}

TEST_F(pair, a_killed_select_leaves_nothing)
{
	struct chan_case c[2] = { self->tx[0], self->rx[1] };
	pid_t pid = child_fork();

	if (!pid)
		_exit(-ch_select(self->ctl, c, 2));
	wait_select_parked(c, 2);
	EXPECT_EQ(128 + SIGKILL, child_kill(pid));
	EXPECT_TRUE(is_idle(self->a) && is_idle(self->b));
	EXPECT_EQ(1, ch_info(self->a).aborts);
	EXPECT_EQ(UINT64_MAX, try_recv64(self->a));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(-EAGAIN, try_send64(self->b, 1));
}

TEST_F(pair, a_killed_select_is_passed_over)
{
	pid_t pid = child_fork();
	struct task t;

	if (!pid)
		_exit(-ch_select(self->ctl, self->rx, 2));
	wait_select_parked(self->rx, 2);
	park_recv64(&t, self->b);
	EXPECT_EQ(128 + SIGKILL, child_kill(pid));
	EXPECT_EQ(0, try_send64(self->b, 5));
	EXPECT_EQ(9, task_join(&t));
	EXPECT_EQ(5, t.value);
}

/* ---- poll ---- */

static uint32_t edges(int ep)
{
	struct epoll_event ev = {};

	return must(epoll_wait(ep, &ev, 1, 0)) ? ev.events : 0;
}

static int edges_of(int fd)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
	int ep = must(epoll_create1(EPOLL_CLOEXEC));

	must(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	return ep;
}

static long poll_forever(struct task *t)
{
	struct pollfd p = { .fd = t->fd, .events = t->size };

	return must(poll(&p, 1, -1)) == 1 ? p.revents : 0;
}

TEST_F(pair, a_parked_select_makes_its_channels_ready_for_others)
{
	struct chan_case c[2] = { self->tx[0], self->rx[1] };
	struct task poller = { .fd = self->b, .size = POLLOUT };

	EXPECT_EQ(0, all_events(self->a) | all_events(self->b));
	task_start(&poller, poll_forever);
	wait_asleep(task_tid(&poller));
	park_select(&self->t, self->ctl, c, 2);
	EXPECT_EQ(POLL_RECV, all_events(self->a));
	EXPECT_EQ(POLL_SEND, all_events(self->b));
	EXPECT_EQ(POLLOUT, task_join(&poller));
	EXPECT_EQ(0, try_send64(self->b, 1));
	EXPECT_EQ(1, task_join(&self->t));
	EXPECT_EQ(0, all_events(self->a) | all_events(self->b));
}

/* Both are ready for the other direction, so that a wake-up would show as an edge. */
TEST(a_try_that_fails_tells_nobody_and_leaves_nothing)
{
	int ctl = chanctl(), empty = ch_make(8, 1, 0), full = ch_make(8, 1, 0), ep[2], i;
	uint64_t v = 2, got;
	struct chan_case c[2] = { sel_recv(empty, &got, 8), sel_send(full, &v, 8) };
	struct task t;

	must(send64(full, 1));
	ep[0] = edges_of(empty);
	ep[1] = edges_of(full);
	EXPECT_EQ(EPOLLOUT, edges(ep[0]));
	EXPECT_EQ(EPOLLIN, edges(ep[1]));
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(-EAGAIN, ch_try_select(ctl, c, 2));
		ASSERT_EQ(-ETIMEDOUT, ch_select_until(ctl, c, 2, 0));
		ASSERT_EQ(0, edges(ep[0]));
		ASSERT_EQ(0, edges(ep[1]));
		ASSERT_TRUE(is_idle(empty) && is_idle(full));
	}
	EXPECT_EQ(0, ch_info(empty).recv_parks + ch_info(full).send_parks);
	EXPECT_EQ(0, ch_info(empty).aborts + ch_info(full).aborts);
	EXPECT_EQ(1, ch_len(full));

	park_select(&t, ctl, c, 2);
	EXPECT_TRUE(eventually(edges(ep[0]) == EPOLLOUT));
	EXPECT_TRUE(eventually(edges(ep[1]) == EPOLLIN));
	EXPECT_EQ(1, recv64(full));
	EXPECT_EQ(1, task_join(&t));
}

TEST_HARNESS_MAIN
