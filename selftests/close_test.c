// SPDX-License-Identifier: GPL-2.0-only
/* Close: what it ends, what it leaves, and whom it wakes. */
#include "chan_test.h"

TEST(receive_from_a_closed_channel_gives_zeroes_for_ever)
{
	int ch = ch_make(8, 1, 0), i;
	unsigned char b[8];

	EXPECT_EQ(0, ch_close(ch));
	for (i = 0; i < 3; i++) {
		poison(b, sizeof(b));
		EXPECT_EQ(0, ch_recv(ch, b, 8));
		EXPECT_TRUE(all_bytes(b, sizeof(b), 0));
		poison(b, sizeof(b));
		EXPECT_EQ(0, ch_try_recv(ch, b, 8));
		EXPECT_TRUE(all_bytes(b, sizeof(b), 0));
		poison(b, sizeof(b));
		EXPECT_EQ(0, ch_recv_until(ch, b, 8, 0));
		EXPECT_TRUE(all_bytes(b, sizeof(b), 0));
	}
	EXPECT_EQ(0, ch_recv(ch, NULL, 0));
	EXPECT_EQ(CHAN_STATE_CLOSED, ch_info(ch).state);
}

TEST(send_on_a_closed_channel_fails_in_every_form)
{
	int ch = ch_make(8, 1, 0);
	uint64_t v = 1;

	EXPECT_EQ(0, ch_close(ch));
	EXPECT_EQ(-EPIPE, send64(ch, 1));
	/* Corner case 7: not "would block". */
	EXPECT_EQ(-EPIPE, try_send64(ch, 1));
	EXPECT_EQ(-EPIPE, ch_send_until(ch, &v, 8, 0));
	EXPECT_EQ(-EPIPE, ch_send_until(ch, &v, 8, CHAN_FOREVER));
	EXPECT_EQ(0, ch_info(ch).sends);
	EXPECT_EQ(0, ch_len(ch));
}

TEST(closing_twice_fails)
{
	int ch = ch_make(8, 0, 0);

	EXPECT_EQ(0, ch_close(ch));
	EXPECT_EQ(-EPIPE, ch_close(ch));
}

TEST(len_and_cap_survive_close)
{
	int ch = ch_make(8, 4, 0);

	EXPECT_EQ(0, send64(ch, 1));
	EXPECT_EQ(0, send64(ch, 2));
	EXPECT_EQ(0, ch_close(ch));
	EXPECT_EQ(2, ch_len(ch));
	EXPECT_EQ(4, ch_cap(ch));
	EXPECT_EQ(1, recv64(ch));
	EXPECT_EQ(1, ch_len(ch));
}

/* Corner case 5. */
TEST(close_with_a_full_buffer_and_parked_senders)
{
	int ch = ch_make(8, 2, 0), i;
	struct task t[3];
	uint64_t v;

	EXPECT_EQ(0, send64(ch, 1));
	EXPECT_EQ(0, send64(ch, 2));
	for (i = 0; i < 3; i++)
		park_send64(&t[i], ch, 3 + i);
	EXPECT_EQ(0, ch_close(ch));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(-EPIPE, task_join(&t[i]));
	EXPECT_EQ(1, recv64(ch));
	EXPECT_EQ(2, recv64(ch));
	poison(&v, sizeof(v));
	EXPECT_EQ(0, ch_recv(ch, &v, 8));
	EXPECT_EQ(0, v);
	EXPECT_EQ(2, ch_info(ch).sends);
	EXPECT_EQ(2, ch_info(ch).receives);
	EXPECT_EQ(0, ch_info(ch).sendq);
}

/* Corner case 6: more than one batch of them. */
TEST(close_wakes_every_parked_receiver_with_zeroes)
{
	enum { N = 150 };
	static struct task t[N];
	int ch = ch_make(8, 2, 0), i;

	for (i = 0; i < N; i++)
		park_recv64(&t[i], ch);
	EXPECT_EQ(0, ch_close(ch));
	for (i = 0; i < N; i++) {
		EXPECT_EQ(0, task_join(&t[i]));
		EXPECT_EQ(0, t[i].value);
	}
	EXPECT_EQ(0, ch_info(ch).recvq);
	EXPECT_EQ(0, ch_info(ch).receives);
}

TEST(close_wakes_every_parked_sender)
{
	enum { N = 150 };
	static struct task t[N];
	int ch = ch_make(8, 0, 0), i;

	for (i = 0; i < N; i++)
		park_send64(&t[i], ch, i);
	EXPECT_EQ(0, ch_close(ch));
	for (i = 0; i < N; i++)
		EXPECT_EQ(-EPIPE, task_join(&t[i]));
	EXPECT_EQ(0, ch_info(ch).sendq);
	EXPECT_EQ(0, ch_info(ch).sends);
}

TEST(close_zeroes_a_parked_receivers_whole_destination)
{
	static unsigned char big[4096];
	int ch = ch_make(sizeof(big), 0, 0);
	struct task t;

	poison(big, sizeof(big));
	park_recv(&t, ch, big, sizeof(big));
	EXPECT_EQ(0, ch_close(ch));
	EXPECT_EQ(0, task_join(&t));
	EXPECT_TRUE(all_bytes(big, sizeof(big), 0));
}

TEST(close_wakes_parked_processes)
{
	int ch = ch_make(8, 0, 0), i;
	pid_t pid[4];

	for (i = 0; i < 4; i++) {
		pid[i] = child_fork();
		if (!pid[i]) {
			uint64_t v = recv64(ch);

			_exit(v == UINT64_MAX && !errno ? 0 : 1);
		}
	}
	wait_parked(ch, 4, 0);
	EXPECT_EQ(0, ch_close(ch));
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, child_wait(pid[i]));
}

TEST(close_wakes_those_parked_until_a_deadline)
{
	uint64_t far = now_ns() + 1000 * SEC, v;
	int ch = ch_make(8, 0, 0);
	pid_t pid = child_fork();

	if (!pid)
		_exit(ch_recv_until(ch, &v, 8, far) ? 1 : 0);
	wait_parked(ch, 1, 0);
	EXPECT_EQ(0, ch_close(ch));
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(0, ch_info(ch).aborts);
}

struct race {
	int ch;
	pthread_barrier_t at_start;
};

static long close_at_barrier(struct task *t)
{
	struct race *race = t->buf;

	for (;;) {
		pthread_barrier_wait(&race->at_start);
		if (race->ch < 0)
			return 0;
		must(ch_close(race->ch));
		pthread_barrier_wait(&race->at_start);
	}
}

/*
 * Corner case 7, Go's TestNonblockRecvRace: a channel that has an element, or is
 * closed, at every instant never "would block".
 */
TEST(try_receive_never_would_block_while_an_element_or_close_is_there)
{
	struct race race;
	struct task t = { .buf = &race };
	uint64_t v;
	int i;

	pthread_barrier_init(&race.at_start, NULL, 2);
	task_start(&t, close_at_barrier);
	for (i = 0; i < 1000; i++) {
		race.ch = ch_make(8, 1, 0);
		must(try_send64(race.ch, 7));
		pthread_barrier_wait(&race.at_start);
		v = try_recv64(race.ch);
		ASSERT_EQ(7, v) TH_LOG("errno %d in round %d", errno, i);
		pthread_barrier_wait(&race.at_start);
		close(race.ch);
	}
	race.ch = -1;
	pthread_barrier_wait(&race.at_start);
	EXPECT_EQ(0, task_join(&t));
}

TEST(try_send_says_closed_or_succeeds_while_it_is_being_closed)
{
	struct race race;
	struct task t = { .buf = &race };
	long ret;
	int i;

	pthread_barrier_init(&race.at_start, NULL, 2);
	task_start(&t, close_at_barrier);
	for (i = 0; i < 1000; i++) {
		race.ch = ch_make(8, 1, 0);
		pthread_barrier_wait(&race.at_start);
		ret = try_send64(race.ch, 7);
		ASSERT_TRUE(!ret || ret == -EPIPE) TH_LOG("%ld in round %d", ret, i);
		pthread_barrier_wait(&race.at_start);
		ASSERT_EQ(ret ? 0 : 1, ch_len(race.ch));
		close(race.ch);
	}
	race.ch = -1;
	pthread_barrier_wait(&race.at_start);
	EXPECT_EQ(0, task_join(&t));
}

static long close_it(struct task *t)
{
	return ch_close(t->fd);
}

TEST(exactly_one_of_many_closers_succeeds)
{
	enum { N = 8 };
	int ch = ch_make(8, 0, 0), i, won = 0;
	struct task t[N];
	long ret;

	for (i = 0; i < N; i++) {
		t[i] = (struct task){ .fd = ch };
		task_start(&t[i], close_it);
	}
	for (i = 0; i < N; i++) {
		ret = task_join(&t[i]);
		EXPECT_TRUE(!ret || ret == -EPIPE);
		won += !ret;
	}
	EXPECT_EQ(1, won);
}

static long drain_sum(struct task *t)
{
	uint64_t v;

	t->value = 0;
	while ((v = recv64(t->fd)) != UINT64_MAX)
		t->value += v;
	return -errno;
}

/* Go's TestMultiConsumer: workers range over a queue until it is closed. */
TEST(many_receivers_drain_a_queue_until_it_is_closed)
{
	enum { WORKERS = 11, ELEMENTS = 5000 };
	uint64_t sum = 0, i;
	int ch = ch_make(8, 16, 0);
	struct task t[WORKERS];

	for (i = 0; i < WORKERS; i++) {
		t[i] = (struct task){ .fd = ch };
		task_start(&t[i], drain_sum);
	}
	for (i = 1; i <= ELEMENTS; i++)
		ASSERT_EQ(0, send64(ch, i));
	EXPECT_EQ(0, ch_close(ch));
	for (i = 0; i < WORKERS; i++) {
		EXPECT_EQ(0, task_join(&t[i]));
		sum += t[i].value;
	}
	EXPECT_EQ(ELEMENTS * (ELEMENTS + 1ULL) / 2, sum);
}

TEST_HARNESS_MAIN
