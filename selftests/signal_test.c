// SPDX-License-Identifier: GPL-2.0-only
/* Signals: what they interrupt, what they do not, and that nothing gets lost. */
#include "chan_test.h"

TEST(without_sa_restart_a_parked_receive_ends_with_eintr)
{
	int ch = ch_make(8, 0, 0);
	struct task t;

	catch(SIGUSR1, 0);
	park_recv64(&t, ch);
	pthread_kill(t.thread, SIGUSR1);
	EXPECT_EQ(-EINTR, task_join(&t));
	EXPECT_TRUE(all_bytes(&t.value, 8, POISON));
	EXPECT_EQ(1, handled);
	EXPECT_EQ(0, ch_info(ch).recvq);
	EXPECT_EQ(1, ch_info(ch).aborts);
}

TEST(without_sa_restart_a_parked_send_ends_with_eintr_and_sends_nothing)
{
	int ch = ch_make(8, 1, 0);
	struct task t;

	catch(SIGUSR1, 0);
	must(send64(ch, 1));
	park_send64(&t, ch, 2);
	pthread_kill(t.thread, SIGUSR1);
	EXPECT_EQ(-EINTR, task_join(&t));
	EXPECT_EQ(0, ch_info(ch).sendq);
	EXPECT_EQ(1, recv64(ch));
	EXPECT_EQ(UINT64_MAX, try_recv64(ch));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(1, ch_info(ch).sends);
}

TEST(with_sa_restart_a_parked_receive_goes_on)
{
	int ch = ch_make(8, 0, 0);
	struct task t;

	catch(SIGUSR1, SA_RESTART);
	park_recv64(&t, ch);
	pthread_kill(t.thread, SIGUSR1);
	EXPECT_TRUE(eventually(ch_info(ch).recv_parks == 2));
	EXPECT_EQ(1, handled);
	wait_parked(ch, 1, 0);
	EXPECT_EQ(0, try_send64(ch, 5));
	EXPECT_EQ(9, task_join(&t));
	EXPECT_EQ(5, t.value);
}

TEST(with_sa_restart_a_parked_send_goes_on_and_sends_once)
{
	int ch = ch_make(8, 0, 0);
	struct task t;

	catch(SIGUSR1, SA_RESTART);
	park_send64(&t, ch, 5);
	pthread_kill(t.thread, SIGUSR1);
	EXPECT_TRUE(eventually(ch_info(ch).send_parks == 2));
	wait_parked(ch, 0, 1);
	EXPECT_EQ(5, recv64(ch));
	EXPECT_EQ(0, task_join(&t));
	EXPECT_EQ(UINT64_MAX, try_recv64(ch));
	EXPECT_EQ(1, ch_info(ch).sends);
}

static long recv_until(struct task *t)
{
	return ch_recv_until(t->fd, &t->value, sizeof(t->value), t->deadline);
}

/* Deadlines are absolute, so a restart does not prolong them. */
TEST(with_sa_restart_a_deadline_stays_what_it_was)
{
	struct task t = { .fd = ch_make(8, 0, 0), .deadline = now_ns() + 2000 * MS };

	catch(SIGUSR1, SA_RESTART);
	task_start(&t, recv_until);
	while (!task_done(&t)) {
		pthread_kill(t.thread, SIGUSR1);
		usleep(20000);
	}
	EXPECT_EQ(-ETIMEDOUT, task_join(&t));
	EXPECT_LE(t.deadline, now_ns());
	EXPECT_LT(0, handled);
}

TEST(a_restarted_call_queues_again_at_the_end)
{
	int ch = ch_make(8, 0, 0);
	struct task a, b;

	catch(SIGUSR1, SA_RESTART);
	park_recv64(&a, ch);
	park_recv64(&b, ch);
	pthread_kill(a.thread, SIGUSR1);
	EXPECT_TRUE(eventually(ch_info(ch).recv_parks == 3));
	wait_parked(ch, 2, 0);
	must(try_send64(ch, 1));
	must(try_send64(ch, 2));
	task_join(&a);
	task_join(&b);
	EXPECT_EQ(1, b.value);
	EXPECT_EQ(2, a.value);
}

TEST(an_ignored_signal_disturbs_nobody)
{
	int ch = ch_make(8, 0, 0);
	struct task t;

	signal(SIGUSR1, SIG_IGN);
	park_recv64(&t, ch);
	pthread_kill(t.thread, SIGUSR1);
	must(try_send64(ch, 1));
	EXPECT_EQ(9, task_join(&t));
	EXPECT_EQ(1, ch_info(ch).recv_parks);
}

TEST(stop_and_continue_resume_the_call)
{
	int ch = ch_make(8, 0, 0), status;
	pid_t pid = child_fork();

	if (!pid)
		_exit(recv64(ch) == 7 ? 0 : 1);
	wait_parked(ch, 1, 0);
	kill(pid, SIGSTOP);
	must(waitpid(pid, &status, WUNTRACED));
	EXPECT_TRUE(WIFSTOPPED(status));
	kill(pid, SIGCONT);
	must(send64(ch, 7));
	EXPECT_EQ(0, child_wait(pid));
}

static int receive_one(void *arg)
{
	struct task *t = arg;

	return recv64(t->fd) == t->value ? 0 : 1;
}

TEST(a_killed_receiver_is_passed_over)
{
	int ch = ch_make(8, 0, 0), i;
	pid_t pid[3];

	for (i = 0; i < 3; i++) {
		struct task t = { .fd = ch, .value = i };

		pid[i] = child_start(receive_one, &t);
		wait_parked(ch, i + 1, 0);
	}
	EXPECT_EQ(128 + SIGKILL, child_kill(pid[0]));
	wait_parked(ch, 2, 0);
	EXPECT_EQ(0, try_send64(ch, 1));
	EXPECT_EQ(0, try_send64(ch, 2));
	EXPECT_EQ(0, child_wait(pid[1]));
	EXPECT_EQ(0, child_wait(pid[2]));
	EXPECT_EQ(1, ch_info(ch).aborts);
	EXPECT_EQ(2, ch_info(ch).receives);
	EXPECT_EQ(0, ch_info(ch).lost);
}

static int send_one(void *arg)
{
	struct task *t = arg;

	return -send64(t->fd, t->value);
}

TEST(a_killed_sender_is_passed_over_and_its_element_never_sent)
{
	int ch = ch_make(8, 1, 0), i;
	pid_t pid[3];

	must(send64(ch, 100));
	for (i = 0; i < 3; i++) {
		struct task t = { .fd = ch, .value = i };

		pid[i] = child_start(send_one, &t);
		wait_parked(ch, 0, i + 1);
	}
	EXPECT_EQ(128 + SIGKILL, child_kill(pid[1]));
	wait_parked(ch, 0, 2);
	EXPECT_EQ(100, recv64(ch));
	EXPECT_EQ(0, recv64(ch));
	EXPECT_EQ(2, recv64(ch));
	EXPECT_EQ(UINT64_MAX, try_recv64(ch));
	EXPECT_EQ(0, child_wait(pid[0]));
	EXPECT_EQ(0, child_wait(pid[2]));
	EXPECT_EQ(3, ch_info(ch).sends);
}

TEST(killing_all_who_are_parked_leaves_a_working_channel)
{
	int ch = ch_make(8, 0, 0), i;
	struct task t = { .fd = ch };
	pid_t pid[8];

	for (i = 0; i < 8; i++)
		pid[i] = child_start(receive_one, &t);
	wait_parked(ch, 8, 0);
	for (i = 0; i < 8; i++)
		EXPECT_EQ(128 + SIGKILL, child_kill(pid[i]));
	wait_parked(ch, 0, 0);
	EXPECT_EQ(-EAGAIN, try_send64(ch, 1));
	park_send64(&t, ch, 2);
	EXPECT_EQ(2, recv64(ch));
	EXPECT_EQ(0, task_join(&t));
}

/* ---- storm: sender count == receiver count (corner case 10) ---- */

/*
 * Runs under a storm; EINTR means that nothing was sent. A processor may be
 * taken from the guest for so long that @least are sent without a signal.
 */
static int storm_sender(int ch, uint64_t least, int flags)
{
	uint64_t i;
	long ret;

	start_storm(flags, 700);
	for (i = 0; i < least || !handled; i++) {
		while ((ret = send64(ch, i)) == -EINTR)
			if (flags)
				die("EINTR in spite of SA_RESTART");
		must(ret);
	}
	return 0;
}

static int storm_receiver(int ch, int flags)
{
	uint64_t v, next = 0;

	start_storm(flags, 700);
	for (;;) {
		v = recv64(ch);
		if (v != UINT64_MAX && v != next++)
			die("got %llu instead of %llu", (unsigned long long)v,
			    (unsigned long long)next - 1);
		if (v == UINT64_MAX && !errno)
			return next == ch_info(ch).sends ? 0 : 3;
		if (v == UINT64_MAX && (errno != EINTR || flags))
			die("receive: %m");
	}
}

static void check_storm(struct __test_metadata *_metadata, uint64_t cap, int flags)
{
	uint64_t least = scaled(3000);
	int ch = ch_make(8, cap, 0);
	pid_t rx, tx;

	rx = child_fork();
	if (!rx)
		_exit(storm_receiver(ch, flags));
	tx = child_fork();
	if (!tx)
		_exit(storm_sender(ch, least, flags));
	EXPECT_EQ(0, child_wait(tx));
	must(ch_close(ch));
	EXPECT_EQ(0, child_wait(rx));
	EXPECT_LE(least, ch_info(ch).sends);
	EXPECT_EQ(ch_info(ch).sends, ch_info(ch).receives);
}

TEST(timer_storm_loses_nothing_unbuffered)
{
	check_storm(_metadata, 0, 0);
}

TEST(timer_storm_loses_nothing_buffered)
{
	check_storm(_metadata, 3, 0);
}

TEST(timer_storm_with_sa_restart_loses_nothing_unbuffered)
{
	check_storm(_metadata, 0, SA_RESTART);
}

TEST(timer_storm_with_sa_restart_loses_nothing_buffered)
{
	check_storm(_metadata, 3, SA_RESTART);
}

TEST_HARNESS_MAIN
