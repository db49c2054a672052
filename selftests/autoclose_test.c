// SPDX-License-Identifier: GPL-2.0-only
/*
 * AUTOCLOSE: the channel closes when the last open file description that may send,
 * or the last that may receive, is released, whichever way that comes about.
 */
#include "chan_test.h"

static bool is_closed(int fd)
{
	return ch_info(fd).state & CHAN_STATE_CLOSED;
}

/*
 * A channel of which @rx is the only end that receives, and @tx the only one that
 * sends.  Children that inherit @tx close it unless they are to hold it.
 */
FIXTURE(ends)
{
	int rx;
	int tx;
};

FIXTURE_SETUP(ends)
{
	int ch = ch_make(8, 1, CHAN_AUTOCLOSE);

	ASSERT_LE(0, ch);
	self->rx = ch_dup(ch, O_RDONLY | O_CLOEXEC);
	self->tx = ch_dup(ch, O_WRONLY | O_CLOEXEC);
	close(ch);
	ASSERT_EQ(1, ch_info(self->rx).receivers);
	ASSERT_EQ(1, ch_info(self->rx).senders);
	ASSERT_FALSE(is_closed(self->rx));
}

FIXTURE_TEARDOWN(ends)
{
	close(self->rx);
	close(self->tx);
}

TEST_F(ends, closes_when_the_last_sender_is_closed)
{
	struct task t;

	park_recv64(&t, self->rx);
	close(self->tx);
	EXPECT_EQ(0, task_join(&t));
	EXPECT_EQ(0, t.value);
	EXPECT_TRUE(is_closed(self->rx));
	EXPECT_EQ(0, ch_info(self->rx).senders);
}

TEST_F(ends, closes_when_the_last_receiver_is_closed)
{
	struct task t;

	must(send64(self->tx, 1));
	park_send64(&t, self->tx, 2);
	close(self->rx);
	EXPECT_EQ(-EPIPE, task_join(&t));
	EXPECT_EQ(-EPIPE, send64(self->tx, 3));
	EXPECT_TRUE(is_closed(self->tx));
	EXPECT_EQ(0, ch_info(self->tx).receivers);
}

TEST_F(ends, what_is_buffered_is_still_received)
{
	must(send64(self->tx, 1));
	close(self->tx);
	EXPECT_EQ(1, recv64(self->rx));
	EXPECT_EQ(UINT64_MAX, recv64(self->rx));
	EXPECT_EQ(0, errno);
}

/* A child that holds the only sender, as the parent closes its own. */
static pid_t only_sender(int tx, int (*fn)(void *))
{
	pid_t pid = child_start(fn, &tx);

	close(tx);
	return pid;
}

static int wait_for_signal(void *arg)
{
	(void)arg;
	while (pause() < 0)
		;
	return 0;
}

static int exit_at_once(void *arg)
{
	(void)arg;
	return 0;
}

TEST_F(ends, closes_when_the_sending_process_exits)
{
	pid_t pid = only_sender(self->tx, exit_at_once);

	EXPECT_EQ(0, child_wait(pid));
	EXPECT_TRUE(eventually(is_closed(self->rx)));
}

TEST_F(ends, closes_when_the_sending_process_is_killed)
{
	pid_t pid = only_sender(self->tx, wait_for_signal);
	struct task t;

	park_recv64(&t, self->rx);
	EXPECT_FALSE(is_closed(self->rx));
	EXPECT_EQ(128 + SIGKILL, child_kill(pid));
	EXPECT_EQ(0, task_join(&t));
}

static int park_in_send(void *arg)
{
	int tx = *(int *)arg;

	must(send64(tx, 1));
	return -send64(tx, 2);
}

TEST_F(ends, closes_when_a_process_is_killed_while_it_is_parked)
{
	pid_t pid = only_sender(self->tx, park_in_send);

	wait_parked(self->rx, 0, 1);
	EXPECT_EQ(128 + SIGKILL, child_kill(pid));
	EXPECT_TRUE(eventually(is_closed(self->rx)));
	EXPECT_EQ(1, recv64(self->rx));
	EXPECT_EQ(UINT64_MAX, recv64(self->rx));
	EXPECT_EQ(0, errno);
}

TEST_F(ends, closes_when_the_receiving_process_is_killed)
{
	pid_t pid = child_fork();
	struct task t;

	if (!pid) {
		close(self->tx);
		wait_for_signal(NULL);
	}
	close(self->rx);
	must(send64(self->tx, 1));
	park_send64(&t, self->tx, 2);
	EXPECT_EQ(128 + SIGKILL, child_kill(pid));
	EXPECT_EQ(-EPIPE, task_join(&t));
	EXPECT_TRUE(events_of(self->tx, POLLOUT) & POLLERR);
}

static int exec_sleep(void *arg)
{
	(void)arg;
	execl("/bin/sleep", "sleep", "1000", NULL);
	return 1;
}

TEST_F(ends, closes_at_exec_with_cloexec)
{
	pid_t pid = only_sender(self->tx, exec_sleep);

	EXPECT_TRUE(eventually(is_closed(self->rx)));
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	child_kill(pid);
}

TEST_F(ends, stays_open_at_exec_without_cloexec)
{
	pid_t pid;

	must(fcntl(self->tx, F_SETFD, 0));
	pid = only_sender(self->tx, exec_sleep);
	EXPECT_TRUE(eventually(task_state(pid) == 'S'));
	EXPECT_FALSE(is_closed(self->rx));
	child_kill(pid);
	EXPECT_TRUE(eventually(is_closed(self->rx)));
}

TEST_F(ends, closes_when_dup2_puts_another_file_in_its_place)
{
	int null = must(open("/dev/null", O_RDWR));

	must(dup2(null, self->tx));
	EXPECT_TRUE(is_closed(self->rx));
}

TEST_F(ends, stays_open_while_a_dup_is_left)
{
	int copy = must(dup(self->tx));

	close(self->tx);
	EXPECT_FALSE(is_closed(self->rx));
	EXPECT_EQ(1, ch_info(self->rx).senders);
	close(copy);
	EXPECT_TRUE(is_closed(self->rx));
}

TEST_F(ends, each_view_is_an_end_of_its_own)
{
	int view = must(ch_dup(self->tx, O_WRONLY));

	EXPECT_EQ(2, ch_info(self->rx).senders);
	close(self->tx);
	EXPECT_FALSE(is_closed(self->rx));
	EXPECT_EQ(1, ch_info(self->rx).senders);
	close(view);
	EXPECT_TRUE(is_closed(self->rx));
}

/* A child shares the description: its exit ends nothing that the parent holds. */
TEST_F(ends, forked_children_share_an_end)
{
	pid_t pid = child_start(exit_at_once, NULL);

	EXPECT_EQ(0, child_wait(pid));
	EXPECT_FALSE(is_closed(self->rx));
	EXPECT_EQ(1, ch_info(self->rx).senders);
	EXPECT_EQ(1, ch_info(self->rx).receivers);
}

TEST_F(ends, forked_children_keep_an_end_open)
{
	pid_t pid = child_start(wait_for_signal, NULL);

	close(self->tx);
	EXPECT_FALSE(is_closed(self->rx));
	child_kill(pid);
	EXPECT_TRUE(eventually(is_closed(self->rx)));
}

TEST_F(ends, closes_when_a_socket_queue_that_holds_the_last_sender_is_dropped)
{
	int sock[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	pass_fd(sock[1], self->tx);
	close(self->tx);
	EXPECT_FALSE(is_closed(self->rx));
	close(sock[1]);
	EXPECT_FALSE(is_closed(self->rx));
	close(sock[0]);
	EXPECT_TRUE(eventually(is_closed(self->rx)));
}

TEST_F(ends, closes_when_the_message_that_carries_the_last_sender_is_read_away)
{
	int sock[2];
	char byte;

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	pass_fd(sock[1], self->tx);
	close(self->tx);
	EXPECT_FALSE(is_closed(self->rx));
	EXPECT_EQ(1, read(sock[0], &byte, 1));
	EXPECT_TRUE(eventually(is_closed(self->rx)));
}

TEST_F(ends, an_explicit_close_comes_first)
{
	must(ch_close(self->tx));
	EXPECT_TRUE(is_closed(self->rx));
	close(self->rx);
	/* Nothing more happens; the sender hears EPIPE as before. */
	EXPECT_EQ(-EPIPE, send64(self->tx, 1));
	EXPECT_FALSE(events_of(self->tx, POLLOUT) & POLLERR);
}

TEST_F(ends, a_poller_for_receive_hears_of_it)
{
	int ep = must(epoll_create1(EPOLL_CLOEXEC));
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };

	must(epoll_ctl(ep, EPOLL_CTL_ADD, self->rx, &ev));
	EXPECT_EQ(0, epoll_wait(ep, &ev, 1, 0));
	close(self->tx);
	EXPECT_EQ(1, epoll_wait(ep, &ev, 1, 0));
	EXPECT_EQ(EPOLLIN | EPOLLHUP, ev.events);
}

static long close_fd(struct task *t)
{
	return close(t->fd);
}

/* The call in progress holds the description, so this end is still one. */
TEST_F(ends, a_parked_call_keeps_its_end)
{
	struct task t, c = { .fd = self->tx };

	must(send64(self->tx, 1));
	park_send64(&t, self->tx, 2);
	task_start(&c, close_fd);
	EXPECT_EQ(0, task_join(&c));
	EXPECT_FALSE(is_closed(self->rx));
	EXPECT_EQ(1, recv64(self->rx));
	EXPECT_EQ(0, task_join(&t));
	EXPECT_EQ(2, recv64(self->rx));
	EXPECT_TRUE(eventually(is_closed(self->rx)));
}

/* ---- without the fixture ---- */

TEST(a_descriptor_for_both_directions_is_both_ends)
{
	int ch = ch_make(8, 1, CHAN_AUTOCLOSE), rx;

	EXPECT_EQ(1, ch_info(ch).receivers);
	EXPECT_EQ(1, ch_info(ch).senders);
	rx = must(ch_dup(ch, O_RDONLY));
	EXPECT_EQ(2, ch_info(ch).receivers);
	EXPECT_EQ(1, ch_info(ch).senders);
	close(ch);
	EXPECT_TRUE(is_closed(rx));
}

TEST(without_autoclose_no_end_closes_the_channel)
{
	int ch = ch_make(8, 1, 0), rx = must(ch_dup(ch, O_RDONLY));

	close(ch);
	EXPECT_FALSE(is_closed(rx));
	EXPECT_EQ(0, ch_info(rx).senders);
}

TEST(the_maker_of_a_named_channel_is_no_end)
{
	int ch = must(ch_make_named("auto.maker", 8, 1, CHAN_AUTOCLOSE, 0600)), rx;

	EXPECT_EQ(0, ch_info(ch).receivers);
	EXPECT_EQ(0, ch_info(ch).senders);
	close(ch);
	rx = must(open("/dev/chan/auto.maker", O_RDONLY));
	EXPECT_FALSE(is_closed(rx));
	EXPECT_EQ(1, ch_info(rx).receivers);
	must(ch_remove("auto.maker"));
}

TEST(a_name_that_nobody_has_opened_to_send_stays_open)
{
	struct task t;
	int rx, tx;

	close(must(ch_make_named("auto.early", 8, 1, CHAN_AUTOCLOSE, 0600)));
	rx = must(open("/dev/chan/auto.early", O_RDONLY));
	park_recv64(&t, rx);
	tx = must(open("/dev/chan/auto.early", O_WRONLY));
	must(send64(tx, 1));
	EXPECT_EQ(9, task_join(&t));
	park_recv64(&t, rx);
	close(tx);
	EXPECT_EQ(0, task_join(&t));
	EXPECT_TRUE(is_closed(rx));
	must(ch_remove("auto.early"));
}

TEST(a_closed_name_stays_closed_for_who_opens_it_later)
{
	int fd;

	close(must(ch_make_named("auto.late", 8, 1, CHAN_AUTOCLOSE, 0600)));
	close(must(open("/dev/chan/auto.late", O_WRONLY)));
	fd = must(open("/dev/chan/auto.late", O_RDWR));
	EXPECT_TRUE(is_closed(fd));
	EXPECT_EQ(-EPIPE, send64(fd, 1));
	must(ch_remove("auto.late"));
}

TEST(a_crashed_producer_ends_its_consumers_loops)
{
	enum { CONSUMERS = 3 };
	int ch = ch_make(8, 0, CHAN_AUTOCLOSE);
	int rx = must(ch_dup(ch, O_RDONLY)), i;
	pid_t producer, consumer[CONSUMERS];
	uint64_t v;

	producer = child_fork();
	if (!producer) {
		close(rx);
		for (v = 0; v < 20; v++)
			must(send64(ch, v));
		kill(getpid(), SIGSEGV);
		wait_for_signal(NULL);
	}
	for (i = 0; i < CONSUMERS; i++) {
		consumer[i] = child_fork();
		if (consumer[i])
			continue;
		close(ch);
		while (recv64(rx) != UINT64_MAX)
			;
		_exit(errno);
	}
	close(ch);
	for (i = 0; i < CONSUMERS; i++)
		EXPECT_EQ(0, child_wait(consumer[i]));
	EXPECT_EQ(128 + SIGSEGV, child_wait(producer));
}

TEST(an_open_that_fails_is_no_end)
{
	int ch = must(ch_make_named("auto.direct", 8, 1, CHAN_AUTOCLOSE, 0600));
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		EXPECT_EQ(-1, open("/dev/chan/auto.direct", modes[i] | O_DIRECT));
		EXPECT_EQ(EINVAL, errno);
	}
	EXPECT_EQ(0, send64(ch, 1));
	must(ch_remove("auto.direct"));
}

TEST_HARNESS_MAIN
