// SPDX-License-Identifier: GPL-2.0-only
/* What poll and epoll say of a channel in each of its states, and when they wake. */
#include "chan_test.h"

/* Poll bits as one string fits all: the descriptor may receive, send, or both. */
#define EXPECT_POLL(both, recv, send, ch) do {				\
	int __rx = must(ch_dup(ch, O_RDONLY));				\
	int __tx = must(ch_dup(ch, O_WRONLY));				\
									\
	EXPECT_EQ(both, all_events(ch));				\
	EXPECT_EQ(recv, all_events(__rx));				\
	EXPECT_EQ(send, all_events(__tx));				\
	close(__rx);							\
	close(__tx);							\
} while (0)

/* ---- the table ---- */

TEST(empty_unbuffered_is_ready_for_nothing)
{
	int ch = ch_make(8, 0, 0);

	EXPECT_POLL(0, 0, 0, ch);
}

TEST(empty_buffered_is_ready_to_send)
{
	int ch = ch_make(8, 2, 0);

	EXPECT_POLL(POLL_SEND, 0, POLL_SEND, ch);
}

TEST(parked_receiver_makes_unbuffered_ready_to_send)
{
	int ch = ch_make(8, 0, 0);
	struct task t;

	park_recv64(&t, ch);
	EXPECT_POLL(POLL_SEND, 0, POLL_SEND, ch);
	EXPECT_EQ(0, try_send64(ch, 1));
	task_join(&t);
	EXPECT_POLL(0, 0, 0, ch);
}

TEST(parked_receiver_leaves_buffered_ready_to_send)
{
	int ch = ch_make(8, 1, 0);
	struct task t;

	park_recv64(&t, ch);
	EXPECT_POLL(POLL_SEND, 0, POLL_SEND, ch);
	EXPECT_EQ(0, ch_close(ch));
	task_join(&t);
}

TEST(data_with_room_is_ready_for_both)
{
	int ch = ch_make(8, 2, 0);

	must(send64(ch, 1));
	EXPECT_POLL(POLL_RECV | POLL_SEND, POLL_RECV, POLL_SEND, ch);
}

TEST(full_is_ready_to_receive_only)
{
	int ch = ch_make(8, 1, 0);

	must(send64(ch, 1));
	EXPECT_POLL(POLL_RECV, POLL_RECV, 0, ch);
	recv64(ch);
	EXPECT_POLL(POLL_SEND, 0, POLL_SEND, ch);
}

TEST(parked_sender_makes_unbuffered_ready_to_receive)
{
	int ch = ch_make(8, 0, 0);
	struct task t;

	park_send64(&t, ch, 1);
	EXPECT_POLL(POLL_RECV, POLL_RECV, 0, ch);
	recv64(ch);
	task_join(&t);
	EXPECT_POLL(0, 0, 0, ch);
}

TEST(parked_sender_on_a_full_buffer_is_ready_to_receive_only)
{
	int ch = ch_make(8, 1, 0);
	struct task t;

	must(send64(ch, 1));
	park_send64(&t, ch, 2);
	EXPECT_POLL(POLL_RECV, POLL_RECV, 0, ch);
	recv64(ch);
	EXPECT_POLL(POLL_RECV, POLL_RECV, 0, ch);
	task_join(&t);
}

TEST(closed_with_data_is_ready_for_both_so_that_senders_learn)
{
	int ch = ch_make(8, 1, 0);

	must(send64(ch, 1));
	must(ch_close(ch));
	EXPECT_POLL(POLL_RECV | POLL_SEND, POLL_RECV, POLL_SEND, ch);
}

TEST(closed_and_drained_is_readable_and_hung_up)
{
	int ch = ch_make(8, 1, 0);

	must(send64(ch, 1));
	must(ch_close(ch));
	recv64(ch);
	EXPECT_POLL(POLL_RECV | POLLHUP, POLL_RECV | POLLHUP, POLLHUP, ch);
}

TEST(autoclose_without_receivers_is_an_error_for_senders)
{
	int ch = ch_make(8, 1, CHAN_AUTOCLOSE);
	int tx = must(ch_dup(ch, O_WRONLY));

	EXPECT_EQ(POLL_SEND, all_events(tx));
	close(ch);
	EXPECT_EQ(POLLHUP | POLLERR, all_events(tx));
	EXPECT_EQ(-EPIPE, try_send64(tx, 1));
}

TEST(autoclose_without_senders_is_closed_for_receivers)
{
	int ch = ch_make(8, 1, CHAN_AUTOCLOSE);
	int rx = must(ch_dup(ch, O_RDONLY));

	must(send64(ch, 1));
	EXPECT_EQ(POLL_RECV, all_events(rx));
	close(ch);
	EXPECT_EQ(POLL_RECV, all_events(rx));
	recv64(rx);
	EXPECT_EQ(POLL_RECV | POLLHUP, all_events(rx));
}

TEST(removed_is_hung_up_and_an_error)
{
	int ch = must(ch_make_named("poll.removed", 8, 1, 0, 0600));

	must(send64(ch, 1));
	EXPECT_EQ(POLL_RECV, all_events(ch));
	must(ch_remove("poll.removed"));
	EXPECT_EQ(POLLHUP | POLLERR, all_events(ch));
}

TEST(only_what_was_asked_for_is_told)
{
	int ch = ch_make(8, 2, 0);

	must(send64(ch, 1));
	EXPECT_EQ(POLLIN, events_of(ch, POLLIN));
	EXPECT_EQ(POLLOUT, events_of(ch, POLLOUT));
	EXPECT_EQ(0, events_of(ch, POLLPRI));
}

TEST(poll_is_a_hint_and_takes_nothing)
{
	int ch = ch_make(8, 1, 0);

	must(send64(ch, 1));
	EXPECT_EQ(POLLIN, events_of(ch, POLLIN));
	EXPECT_EQ(POLLIN, events_of(ch, POLLIN));
	EXPECT_EQ(1, ch_len(ch));
	EXPECT_EQ(1, recv64(ch));
}

/* ---- what wakes a poller that sleeps ---- */

TEST(send_wakes_a_poller_for_receive)
{
	int ch = ch_make(8, 1, 0);
	struct task t;

	start_poller(&t, ch, POLLIN);
	must(send64(ch, 1));
	EXPECT_EQ(POLLIN, task_join(&t));
}

TEST(receive_wakes_a_poller_for_send)
{
	int ch = ch_make(8, 1, 0);
	struct task t;

	must(send64(ch, 1));
	start_poller(&t, ch, POLLOUT);
	recv64(ch);
	EXPECT_EQ(POLLOUT, task_join(&t));
}

TEST(parking_sender_wakes_a_poller_for_receive)
{
	int ch = ch_make(8, 0, 0);
	struct task t, s;

	start_poller(&t, ch, POLLIN);
	park_send64(&s, ch, 1);
	EXPECT_EQ(POLLIN, task_join(&t));
	EXPECT_EQ(1, try_recv64(ch));
	EXPECT_EQ(0, task_join(&s));
}

TEST(parking_receiver_wakes_a_poller_for_send)
{
	int ch = ch_make(8, 0, 0);
	struct task t, r;

	start_poller(&t, ch, POLLOUT);
	park_recv64(&r, ch);
	EXPECT_EQ(POLLOUT, task_join(&t));
	EXPECT_EQ(0, try_send64(ch, 1));
	EXPECT_EQ(9, task_join(&r));
}

TEST(close_wakes_pollers_of_both_directions)
{
	int ch = ch_make(8, 0, 0);
	struct task r, s, any;

	start_poller(&r, ch, POLLIN);
	start_poller(&s, ch, POLLOUT);
	start_poller(&any, ch, 0);
	must(ch_close(ch));
	EXPECT_EQ(POLLIN | POLLHUP, task_join(&r));
	EXPECT_EQ(POLLHUP, task_join(&s));
	EXPECT_EQ(POLLHUP, task_join(&any));
}

TEST(draining_a_closed_channel_wakes_a_poller_for_hang_up)
{
	int ch = ch_make(8, 2, 0), tx = must(ch_dup(ch, O_WRONLY));
	struct task t;

	must(send64(ch, 1));
	must(send64(ch, 2));
	must(ch_close(ch));
	start_poller(&t, tx, 0);
	recv64(ch);
	EXPECT_EQ(POLL_SEND, all_events(tx));
	recv64(ch);
	EXPECT_EQ(POLLHUP, task_join(&t));
}

static long read_a_byte(struct task *t)
{
	char c;

	return read(t->fd, &c, 1) == 1 ? c : -errno;
}

TEST(a_rest_wakes_a_poller_of_the_same_description)
{
	int ch = ch_make(8, 0, CHAN_MESSAGE);
	struct task r = { .fd = ch }, t;

	park_receiver(&r, read_a_byte);
	start_poller(&t, ch, POLLIN);
	/* It goes straight to the reader, who leaves half of it. */
	must(ch_try_send(ch, "ab", 2));
	EXPECT_EQ('a', task_join(&r));
	EXPECT_EQ(POLLIN, task_join(&t));
	EXPECT_EQ('b', read_a_byte(&r));
}

TEST(remove_wakes_pollers)
{
	int ch = must(ch_make_named("poll.wake", 8, 0, 0, 0600));
	struct task t;

	start_poller(&t, ch, POLLIN);
	must(ch_remove("poll.wake"));
	EXPECT_EQ(POLLHUP | POLLERR, task_join(&t));
}

TEST(the_last_receivers_end_wakes_a_poller_for_send)
{
	int ch = ch_make(8, 1, CHAN_AUTOCLOSE);
	int tx = must(ch_dup(ch, O_WRONLY));
	struct task t;

	must(send64(ch, 1));
	start_poller(&t, tx, POLLOUT);
	close(ch);
	EXPECT_EQ(POLLOUT | POLLERR, task_join(&t));
}

static long poll_a_while(struct task *t)
{
	struct pollfd p = { .fd = t->fd, .events = t->value };

	return poll(&p, 1, 200);
}

/* Documented: on an unbuffered channel one side has to block in a call. */
TEST(two_pollers_on_an_unbuffered_channel_never_meet)
{
	int ch = ch_make(8, 0, 0);
	struct task r = { .fd = must(ch_dup(ch, O_RDONLY)), .value = POLLIN };
	struct task s = { .fd = must(ch_dup(ch, O_WRONLY)), .value = POLLOUT };

	task_start(&r, poll_a_while);
	task_start(&s, poll_a_while);
	EXPECT_EQ(0, task_join(&r));
	EXPECT_EQ(0, task_join(&s));
}

TEST(a_message_partly_read_stays_ready)
{
	int ch = ch_make(8, 1, CHAN_MESSAGE);
	int other = must(ch_dup(ch, O_RDONLY));
	char c;

	must(ch_send(ch, "ab", 2));
	EXPECT_EQ(1, read(ch, &c, 1));
	EXPECT_EQ(POLLIN, events_of(ch, POLLIN));
	/* The rest belongs to the description that read the first part. */
	EXPECT_EQ(0, events_of(other, POLLIN));
	EXPECT_EQ(1, read(ch, &c, 1));
	EXPECT_EQ(0, events_of(ch, POLLIN));
}

/* ---- epoll ---- */

TEST(edge_triggered_tells_of_each_new_element)
{
	int ch = ch_make(8, 3, 0), rx = must(ch_dup(ch, O_RDONLY));
	int ep = ep_new(rx, EPOLLIN | EPOLLET), i;

	EXPECT_EQ(0, ep_events(ep, 0));
	for (i = 0; i < 3; i++) {
		must(send64(ch, i));
		EXPECT_EQ(EPOLLIN, ep_events(ep, 0));
		EXPECT_EQ(0, ep_events(ep, 0));
	}
}

TEST(edge_triggered_tells_of_each_parked_sender)
{
	int ch = ch_make(8, 0, 0), rx = must(ch_dup(ch, O_RDONLY)), i;
	int ep = ep_new(rx, EPOLLIN | EPOLLET);
	struct task t[3];

	for (i = 0; i < 3; i++) {
		park_send64(&t[i], ch, i);
		EXPECT_EQ(EPOLLIN, ep_events(ep, PATIENCE_NS / MS));
		EXPECT_EQ(0, ep_events(ep, 0));
	}
	for (i = 0; i < 3; i++)
		EXPECT_EQ(i, recv64(ch));
	for (i = 0; i < 3; i++)
		task_join(&t[i]);
}

TEST(edge_triggered_tells_of_an_element_let_in_by_a_receive)
{
	int ch = ch_make(8, 1, 0), rx = must(ch_dup(ch, O_RDONLY));
	int ep = ep_new(rx, EPOLLIN | EPOLLET);
	struct task t;

	must(send64(ch, 1));
	park_send64(&t, ch, 2);
	while (ep_events(ep, 0))
		;
	EXPECT_EQ(1, recv64(ch));
	EXPECT_EQ(EPOLLIN, ep_events(ep, 0));
	EXPECT_EQ(2, recv64(ch));
	task_join(&t);
}

TEST(edge_triggered_tells_of_each_freed_slot)
{
	int ch = ch_make(8, 3, 0), tx = must(ch_dup(ch, O_WRONLY));
	int ep = ep_new(tx, EPOLLOUT | EPOLLET), i;

	EXPECT_EQ(EPOLLOUT, ep_events(ep, 0));
	for (i = 0; i < 3; i++)
		must(send64(ch, i));
	EXPECT_EQ(0, ep_events(ep, 0));
	for (i = 0; i < 3; i++) {
		recv64(ch);
		EXPECT_EQ(EPOLLOUT, ep_events(ep, 0));
		EXPECT_EQ(0, ep_events(ep, 0));
	}
}

TEST(level_triggered_tells_until_it_is_taken)
{
	int ch = ch_make(8, 3, 0), rx = must(ch_dup(ch, O_RDONLY));
	int ep = ep_new(rx, EPOLLIN);

	must(send64(ch, 1));
	EXPECT_EQ(EPOLLIN, ep_events(ep, 0));
	EXPECT_EQ(EPOLLIN, ep_events(ep, 0));
	recv64(ch);
	EXPECT_EQ(0, ep_events(ep, 0));
}

TEST(oneshot_tells_once_until_it_is_armed_again)
{
	int ch = ch_make(8, 3, 0);
	int ep = ep_new(ch, EPOLLIN | EPOLLONESHOT);
	struct epoll_event ev = { .events = EPOLLIN | EPOLLONESHOT };

	must(send64(ch, 1));
	EXPECT_EQ(EPOLLIN, ep_events(ep, 0));
	must(send64(ch, 2));
	EXPECT_EQ(0, ep_events(ep, 0));
	must(epoll_ctl(ep, EPOLL_CTL_MOD, ch, &ev));
	EXPECT_EQ(EPOLLIN, ep_events(ep, 0));
}

TEST(epoll_in_epoll_tells_of_the_channel)
{
	int ch = ch_make(8, 1, 0), rx = must(ch_dup(ch, O_RDONLY));
	int inner = ep_new(rx, EPOLLIN);
	int outer = ep_new(inner, EPOLLIN | EPOLLET);

	EXPECT_EQ(0, ep_events(outer, 0));
	must(send64(ch, 1));
	EXPECT_EQ(EPOLLIN, ep_events(outer, 0));
	EXPECT_EQ(EPOLLIN, ep_events(inner, 0));
}

TEST(an_element_wakes_an_exclusive_epoll_and_close_wakes_all)
{
	enum { N = 4 };
	int ch = ch_make(8, 4, 0), rx = must(ch_dup(ch, O_RDONLY)), i, woken;
	struct task t[N];

	for (i = 0; i < N; i++) {
		t[i] = (struct task){ .fd = ep_new(rx, EPOLLIN | EPOLLEXCLUSIVE) };
		task_start(&t[i], ep_wait_forever);
		wait_asleep(task_tid(&t[i]));
	}
	must(send64(ch, 1));
	EXPECT_TRUE(eventually(task_done(&t[0]) || task_done(&t[1]) ||
			       task_done(&t[2]) || task_done(&t[3])));
	for (i = 0, woken = 0; i < N; i++)
		woken += task_done(&t[i]);
	EXPECT_GT(N, woken);
	must(ch_close(ch));
	for (i = 0; i < N; i++)
		EXPECT_TRUE(task_join(&t[i]) & EPOLLIN);
}

TEST(epoll_loop_receives_every_element)
{
	enum { N = 2000 };
	int ch = ch_make_as((struct chan_make){ .elem_size = 8, .cap = 7 });
	int rx = must(ch_dup(ch, O_RDONLY | O_NONBLOCK));
	int ep = ep_new(rx, EPOLLIN | EPOLLET);
	uint64_t got = 0, v;
	pid_t pid = child_fork();

	if (!pid) {
		for (v = 0; v < N; v++)
			must(send64(ch, v));
		_exit(-ch_close(ch));
	}
	for (;;) {
		if (!ep_events(ep, 60000))
			break;
		while ((v = recv64(rx)) == got && got < N)
			got++;
		if (errno != EAGAIN)
			break;
	}
	EXPECT_EQ(UINT64_MAX, v);
	EXPECT_EQ(0, errno);
	EXPECT_EQ(N, got);
	EXPECT_EQ(0, child_wait(pid));
}

/* ---- several consumers of one description ---- */

struct drainers {
	int ch, ep;
	uint64_t got;
};

/* As a user of edge-triggered epoll has to: after an event, read until EAGAIN. */
static void *drain(void *arg)
{
	struct drainers *d = arg;
	struct epoll_event e;
	char c;

	for (;;) {
		if (epoll_wait(d->ep, &e, 1, -1) < 1)
			continue;
		while (read(d->ch, &c, 1) == 1) {
			if (c == 'q') {
				/* Pass it on, with an event of its own. */
				must(write(d->ch, &c, 1));
				return NULL;
			}
			__atomic_add_fetch(&d->got, 1, __ATOMIC_SEQ_CST);
		}
	}
}

TEST(byte_readers_of_one_edge_triggered_description_miss_nothing)
{
	struct drainers d = { .ch = ch_make(8, 64, CHAN_MESSAGE) };
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };
	uint64_t end = now_ns() + 3 * SEC, sent = 0;
	pthread_t threads[3];
	bool held = true;
	int i;

	must(fcntl(d.ch, F_SETFL, O_NONBLOCK));
	d.ep = must(epoll_create1(EPOLL_CLOEXEC));
	must(epoll_ctl(d.ep, EPOLL_CTL_ADD, d.ch, &e));
	for (i = 0; i < 3; i++)
		must(-pthread_create(&threads[i], NULL, drain, &d));
	while (held && now_ns() < end) {
		for (i = rand() % 3; i >= 0; i--)
			sent += must(write(d.ch, "x", 1));
		held = eventually(__atomic_load_n(&d.got, __ATOMIC_SEQ_CST) == sent);
	}
	EXPECT_TRUE(held);
	must(write(d.ch, "q", 1));
	for (i = 0; held && i < 3; i++)
		pthread_join(threads[i], NULL);
}

TEST_HARNESS_MAIN
