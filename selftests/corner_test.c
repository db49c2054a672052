// SPDX-License-Identifier: GPL-2.0-only
/*
 * The corner cases of channels and select which implementations get wrong, by number:
 *
 *  1 double commit of a select		 7 try against close
 *  2 the loser of a claim gives up	 8 nothing ready, at one moment
 *  3 removal of stale entries		 9 one channel several times in a select
 *  4 hand-off with a full buffer	10 lost, spurious and aborted wake-ups
 *  5 close with a full buffer		11 a waiter used after its owner left
 *  6 close wakes everybody, zeroed	12 unfair choice
 *
 * CHAN_STRESS_SECONDS sets how long the two selects of case 9 are at each other (60).
 */
#include "chan_test.h"

/* Tests that take longer than others. */
FIXTURE(patient)
{
	int none;
};

FIXTURE_SETUP(patient)
{
	self->none = 0;
}

FIXTURE_TEARDOWN(patient)
{
	self->none = 0;
}

/* A barrier for two that are about to race; it sleeps only if the other one is late. */
struct gate {
	uint32_t come;
};

static void pass_gate(struct gate *gate, uint32_t round)
{
	int spins = 0;

	__atomic_add_fetch(&gate->come, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&gate->come, __ATOMIC_ACQUIRE) < 2 * round)
		if (++spins > 1000)
			sched_yield();
}

/* Somebody who does the same thing whenever told to. */
struct actor {
	struct task t;
	int start;
	int end;
	int cpu;
	int c;
	int d;
	struct gate *gate;
	long (*act)(struct actor *a);
	long ret;
	uint64_t value;
};

static long run_actor(struct task *t)
{
	struct actor *a = t->buf;

	if (a->cpu >= 0)
		pin_to(a->cpu);
	while (recv64(a->start) == 1) {
		a->ret = a->act(a);
		must(send64(a->end, 1));
	}
	return 0;
}

static void actor_start(struct actor *a, int c, int d, long (*act)(struct actor *a))
{
	a->start = ch_make(8, 0, 0);
	a->end = ch_make(8, 1, 0);
	a->c = c;
	a->d = d;
	a->act = act;
	a->t = (struct task){ .buf = a };
	task_start(&a->t, run_actor);
}

static void actor_go(struct actor *a)
{
	must(send64(a->start, 1));
}

static long actor_result(struct actor *a)
{
	if (recv64(a->end) != 1)
		die("an actor is gone");
	return a->ret;
}

static void actor_stop(struct actor *a)
{
	must(ch_close(a->start));
	task_join(&a->t);
	close(a->start);
	close(a->end);
}

static long select_both(struct actor *a)
{
	struct chan_case cases[2] = {
		sel_recv(a->c, &a->value, 8), sel_recv(a->d, &a->value, 8),
	};
	long i;

	poison(&a->value, 8);
	i = ch_select(a->c, cases, 2);
	return i < 0 ? i : i * 2 + cases[i].ok;
}

/* What select_both() returns: which one, and whether it was a value. */
#define GOT(i)		((i) * 2 + 1)
#define CLOSED(i)	((i) * 2)

static long recv_c(struct actor *a)
{
	poison(&a->value, 8);
	return ch_recv(a->c, &a->value, 8);
}

static long send_c(struct actor *a)
{
	return send64(a->c, a->value);
}

static long close_c_at_gate(struct actor *a)
{
	pass_gate(a->gate, ++a->value);
	return ch_close(a->c);
}

/* ---- 1 ---- */

TEST(case_1_two_closes_at_once_end_a_select_once)
{
	struct gate gate = {};
	struct actor selector = { .cpu = -1 }, closer = { .cpu = 0, .gate = &gate };
	int c = ch_make(8, 0, 0), d = ch_make(8, 0, 0), seen[2] = {}, round;
	long ret;

	pin_to(1);
	actor_start(&selector, c, d, select_both);
	actor_start(&closer, c, -1, close_c_at_gate);
	for (round = 1; round <= 1000; round++) {
		actor_go(&selector);
		wait_parked(c, 1, 0);
		wait_parked(d, 1, 0);
		actor_go(&closer);
		pass_gate(&gate, round);
		ASSERT_EQ(0, ch_close(d));
		ASSERT_EQ(0, actor_result(&closer));

		ret = actor_result(&selector);
		ASSERT_TRUE(ret == CLOSED(0) || ret == CLOSED(1));
		ASSERT_EQ(0, selector.value);
		seen[ret / 2]++;
		close(c);
		close(d);
		c = ch_make(8, 0, 0);
		d = ch_make(8, 0, 0);
		selector.c = c;
		selector.d = d;
		closer.c = c;
	}
	TH_LOG("c %d, d %d", seen[0], seen[1]);
	actor_stop(&selector);
	actor_stop(&closer);
}

TEST(case_1_two_senders_at_once_end_a_select_once)
{
	struct actor selector = { .cpu = -1 }, a = { .cpu = 0 }, b = { .cpu = 1 };
	int c = ch_make(8, 0, 0), d = ch_make(8, 0, 0), round;
	long ret;

	actor_start(&selector, c, d, select_both);
	actor_start(&a, c, -1, send_c);
	actor_start(&b, d, -1, send_c);
	for (round = 0; round < 1000; round++) {
		a.value = 2 * round;
		b.value = 2 * round + 1;
		actor_go(&selector);
		wait_parked(c, 1, 0);
		wait_parked(d, 1, 0);
		actor_go(&a);
		actor_go(&b);
		ret = actor_result(&selector);
		ASSERT_TRUE(ret == GOT(0) || ret == GOT(1));
		ASSERT_EQ(2 * round + ret / 2, selector.value);
		/* The other one has still to be received. */
		ASSERT_EQ(2 * round + !(ret / 2), recv64(ret / 2 ? c : d));
		ASSERT_EQ(0, actor_result(&a));
		ASSERT_EQ(0, actor_result(&b));
		ASSERT_TRUE(are_parked(c, 0, 0) && are_parked(d, 0, 0));
	}
	actor_stop(&selector);
	actor_stop(&a);
	actor_stop(&b);
}

/* ---- 2 ---- */

/* From here on nobody else runs on this processor but while this task sleeps. */
static void go_first(void)
{
	struct sched_param param = { .sched_priority = 1 };

	pin_to(0);
	must(sched_setscheduler(0, SCHED_FIFO, &param));
}

static void be_ordinary(void)
{
	struct sched_param param = {};

	must(sched_setscheduler(0, SCHED_OTHER, &param));
}

/* A select waits on c and d, and behind it a plain receive on c. */
TEST_F_TIMEOUT(patient, case_2_waker_that_loses_the_claim_tries_the_next, 600)
{
	struct actor selector = { .cpu = 0 }, receiver = { .cpu = 0 };
	int c = ch_make(8, 0, 0), d = ch_make(8, 0, 0), rounds = scaled(20000), round, good = 0;

	actor_start(&selector, c, d, select_both);
	actor_start(&receiver, c, -1, recv_c);
	go_first();
	for (round = 0; round < rounds; round++) {
		long to_d, to_c;

		actor_go(&selector);
		wait_parked(c, 1, 0);
		wait_parked(d, 1, 0);
		actor_go(&receiver);
		wait_parked(c, 2, 0);

		to_d = try_send64(d, 1);
		to_c = try_send64(c, 2);
		if (to_d || to_c)
			break;
		good += actor_result(&selector) == GOT(1) && selector.value == 1 &&
			actor_result(&receiver) == 9 && receiver.value == 2;
	}
	be_ordinary();
	TH_LOG("%d of %d", good, rounds);
	ASSERT_EQ(rounds, good);
	actor_stop(&selector);
	actor_stop(&receiver);
	EXPECT_TRUE(are_parked(c, 0, 0) && are_parked(d, 0, 0));
}

TEST_F_TIMEOUT(patient, case_2_without_a_next_one_the_waker_would_block, 600)
{
	struct actor selector = { .cpu = 0 };
	int c = ch_make(8, 0, 0), d = ch_make(8, 0, 0), rounds = scaled(20000), round, good = 0;

	actor_start(&selector, c, d, select_both);
	go_first();
	for (round = 0; round < rounds; round++) {
		long to_d, to_c;

		actor_go(&selector);
		wait_parked(c, 1, 0);
		wait_parked(d, 1, 0);
		to_d = try_send64(d, 1);
		to_c = try_send64(c, 2);
		if (to_d || to_c != -EAGAIN)
			break;
		good += actor_result(&selector) == GOT(1) && selector.value == 1;
	}
	be_ordinary();
	TH_LOG("%d of %d", good, rounds);
	ASSERT_EQ(rounds, good);
	actor_stop(&selector);
}

/* ---- 3 ---- */

TEST(case_3_losing_entry_leaves_its_neighbours_in_place)
{
	struct actor first = { .cpu = -1 }, selector = { .cpu = -1 }, last = { .cpu = -1 };
	int c = ch_make(8, 0, 0), d = ch_make(8, 0, 0), round;

	actor_start(&first, c, -1, recv_c);
	actor_start(&selector, c, d, select_both);
	actor_start(&last, c, -1, recv_c);
	for (round = 0; round < 200; round++) {
		/* At the head, in the middle, and at the end of the queue in turn. */
		if (round % 3) {
			actor_go(&first);
			wait_parked(c, 1, 0);
		}
		actor_go(&selector);
		wait_parked(d, 1, 0);
		wait_parked(c, round % 3 ? 2 : 1, 0);
		if (round % 3 < 2) {
			actor_go(&last);
			wait_parked(c, round % 3 ? 3 : 2, 0);
		}
		ASSERT_EQ(0, send64(d, 7));
		ASSERT_EQ(GOT(1), actor_result(&selector));
		ASSERT_TRUE(are_parked(c, round % 3 == 1 ? 2 : 1, 0));
		if (round % 3) {
			ASSERT_EQ(0, send64(c, 8));
			ASSERT_EQ(9, actor_result(&first));
			ASSERT_EQ(8, first.value);
		}
		if (round % 3 < 2) {
			ASSERT_EQ(0, send64(c, 9));
			ASSERT_EQ(9, actor_result(&last));
			ASSERT_EQ(9, last.value);
		}
		ASSERT_TRUE(are_parked(c, 0, 0) && are_parked(d, 0, 0));
	}
	actor_stop(&first);
	actor_stop(&selector);
	actor_stop(&last);
}

/* ---- 4 and 5 ---- */

static long select_send_c(struct actor *a)
{
	struct chan_case cases[2] = { sel_send(a->c, &a->value, 8), sel_recv(a->d, NULL, 0) };

	return ch_select(a->c, cases, 2);
}

static void fill_and_park_selects(int c, int never, struct actor *a)
{
	int i;

	must(try_send64(c, 1));
	must(try_send64(c, 2));
	for (i = 0; i < 2; i++) {
		a[i] = (struct actor){ .cpu = -1, .value = 3 + i };
		actor_start(&a[i], c, never, select_send_c);
		actor_go(&a[i]);
		wait_parked(c, 0, 1 + i);
	}
}

TEST(case_4_full_buffer_is_served_before_parked_selects_and_in_order)
{
	static const int len[] = { 2, 2, 1, 0 };
	int never = ch_make(8, 0, 0), c, offset, i;
	struct actor a[2];

	for (offset = 0; offset < 2; offset++) {
		c = ch_make(8, 2, 0);
		if (offset) {
			ASSERT_EQ(0, try_send64(c, 9));
			ASSERT_EQ(9, try_recv64(c));
		}
		fill_and_park_selects(c, never, a);
		for (i = 0; i < 4; i++) {
			uint64_t v;
			struct chan_case one[2] = { sel_recv(c, &v, 8), sel_recv(never, NULL, 0) };

			ASSERT_EQ(0, ch_try_select(c, one, 2));
			EXPECT_EQ(1 + i, v);
			EXPECT_EQ(len[i], ch_len(c));
		}
		for (i = 0; i < 2; i++) {
			EXPECT_EQ(0, actor_result(&a[i]));
			actor_stop(&a[i]);
		}
		EXPECT_TRUE(are_parked(never, 0, 0));
	}
}

TEST(case_5_close_fails_parked_selects_and_keeps_what_is_buffered)
{
	int never = ch_make(8, 0, 0), c = ch_make(8, 2, 0), i;
	struct actor a[2];

	fill_and_park_selects(c, never, a);
	EXPECT_EQ(0, ch_close(c));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(-EPIPE, actor_result(&a[i]));
		actor_stop(&a[i]);
	}
	EXPECT_EQ(1, recv64(c));
	EXPECT_EQ(2, recv64(c));
	EXPECT_EQ(UINT64_MAX, recv64(c));
	EXPECT_EQ(0, errno);
	EXPECT_TRUE(are_parked(never, 0, 0));
}

/* ---- 6 ---- */

#define SLEEPERS	20

TEST(case_6_close_wakes_plain_and_select_receivers_zeroed)
{
	struct actor plain[SLEEPERS], select[SLEEPERS];
	int c = ch_make(8, 3, 0), d = ch_make(8, 0, 0), i;

	for (i = 0; i < SLEEPERS; i++) {
		plain[i] = (struct actor){ .cpu = -1 };
		select[i] = (struct actor){ .cpu = -1 };
		actor_start(&plain[i], c, -1, recv_c);
		actor_start(&select[i], d, c, select_both);
		actor_go(&plain[i]);
		actor_go(&select[i]);
		wait_parked(c, 2 * (i + 1), 0);
	}
	wait_parked(d, SLEEPERS, 0);
	ASSERT_EQ(0, ch_close(c));
	for (i = 0; i < SLEEPERS; i++) {
		EXPECT_EQ(0, actor_result(&plain[i]));
		EXPECT_EQ(0, plain[i].value);
		EXPECT_EQ(CLOSED(1), actor_result(&select[i]));
		EXPECT_EQ(0, select[i].value);
		actor_stop(&plain[i]);
		actor_stop(&select[i]);
	}
	EXPECT_TRUE(are_parked(c, 0, 0) && are_parked(d, 0, 0));
}

/* ---- 7 ---- */

/* There is something to receive, and then the channel is closed: never "would block". */
TEST(case_7_try_receive_of_what_is_there_survives_a_close)
{
	struct gate gate = {};
	struct actor closer = { .cpu = 0, .gate = &gate };
	int never = ch_make(8, 0, 0), rounds = scaled(5000), round;
	uint64_t v;

	pin_to(1);
	actor_start(&closer, -1, -1, close_c_at_gate);
	for (round = 1; round <= rounds; round++) {
		int c = ch_make(8, 1, 0);
		struct chan_case cases[2] = { sel_recv(c, &v, 8), sel_recv(never, NULL, 0) };

		must(try_send64(c, round));
		closer.c = c;
		actor_go(&closer);
		pass_gate(&gate, round);
		if (round % 2)
			v = try_recv64(c);
		else
			ASSERT_EQ(0, ch_try_select(c, cases, 2));
		ASSERT_EQ(round, v);
		ASSERT_EQ(0, actor_result(&closer));
		close(c);
	}
	actor_stop(&closer);
}

TEST(case_7_try_send_on_a_closed_channel_fails)
{
	int c = ch_make(8, 1, 0), never = ch_make(8, 0, 0);
	uint64_t v = 1;
	struct chan_case cases[2] = { sel_recv(never, NULL, 0), sel_send(c, &v, 8) };

	must(ch_close(c));
	EXPECT_EQ(-EPIPE, try_send64(c, 1));
	EXPECT_EQ(-EPIPE, ch_try_select(c, cases, 2));
	EXPECT_EQ(-EPIPE, cases[1].ok);
}

/* ---- 8 ---- */

/*
 * An element is now in c, now in d, and there is another one before it is taken away.  A select
 * looks at one channel after the other: the many that stay quiet give that time to happen.
 */
#define QUIET		126

static long move_element(struct actor *a)
{
	int at = a->c, to = a->d;

	while (!__atomic_load_n(&a->value, __ATOMIC_RELAXED)) {
		must(send64(to, 1));
		must(ch_recv(at, NULL, 0));
		to = at;
		at = at == a->c ? a->d : a->c;
	}
	return 0;
}

TEST_F_TIMEOUT(patient, case_8_try_select_finds_what_is_ready_all_the_time, 600)
{
	struct actor mover = { .cpu = 0 };
	int c = ch_make(8, 1, 0), d = ch_make(8, 1, 0), quiet = ch_make(8, 1, 0);
	int finds = scaled(20000), round, i;
	struct chan_case cases[2 + QUIET] = { sel_recv(c, NULL, 0), sel_recv(d, NULL, 0) };

	for (i = 2; i < 2 + QUIET; i++)
		cases[i] = sel_recv(quiet, NULL, 0);
	must(send64(c, 1));
	pin_to(1);
	actor_start(&mover, c, d, move_element);
	actor_go(&mover);
	for (round = 0; round < finds; round++) {
		i = ch_try_select(c, cases, 2 + QUIET);
		ASSERT_LE(0, i);
		ASSERT_GE(1, i);
		must(send64(cases[i].ch, 1));
	}
	__atomic_store_n(&mover.value, 1, __ATOMIC_RELAXED);
	EXPECT_EQ(0, actor_result(&mover));
	EXPECT_EQ(1, ch_len(c) + ch_len(d));
	actor_stop(&mover);
}

/* ---- 9 ---- */

TEST(case_9_select_does_not_meet_itself)
{
	int c = ch_make(8, 0, 0), i;
	uint64_t v = 1, w;
	struct chan_case cases[4] = {
		sel_send(c, &v, 8), sel_recv(c, &w, 8), sel_send(c, &v, 8), sel_recv(c, &w, 8),
	};

	poison(&w, 8);
	for (i = 0; i < 100; i++) {
		EXPECT_EQ(-EAGAIN, ch_try_select(c, cases, 4));
		EXPECT_EQ(-ETIMEDOUT, ch_select_until(c, cases, 4, now_ns() + MS / 10));
	}
	EXPECT_TRUE(all_bytes(&w, 8, POISON));
	EXPECT_EQ(0, ch_info(c).sends);
	EXPECT_TRUE(are_parked(c, 0, 0));
}

/* Both send and receive on each of two channels, which they list in opposite orders. */
struct fighter {
	struct task t;
	int ch[2];
	uint64_t sent;
	uint64_t received;
	uint64_t sum_sent;
	uint64_t sum_received;
	uint64_t end;
};

static long fight(struct task *t)
{
	struct fighter *f = t->buf;
	uint64_t v = t->value, w;

	while (now_ns() < f->end) {
		struct chan_case cases[4] = {
			sel_send(f->ch[0], &v, 8), sel_recv(f->ch[1], &w, 8),
			sel_recv(f->ch[0], &w, 8), sel_send(f->ch[1], &v, 8),
		};
		long i = ch_select_until(f->ch[0], cases, 4, f->end);

		if (i == -ETIMEDOUT)
			break;
		must(i);
		if (cases[i].dir == CHAN_DIR_SEND) {
			f->sent++;
			f->sum_sent += v;
			v += 2;
		} else {
			f->received++;
			f->sum_received += w;
		}
	}
	return 0;
}

static void run_fight(struct __test_metadata *_metadata, uint64_t cap, uint64_t ns)
{
	int c = ch_make(8, cap, 0), d = ch_make(8, cap, 0), i;
	struct fighter f[3] = {};
	uint64_t sent = 0, received = 0, sum = 0, end = now_ns() + ns;

	for (i = 0; i < 3; i++) {
		f[i] = (struct fighter){
			.t = { .buf = &f[i], .value = i }, .ch = { i % 2 ? c : d, i % 2 ? d : c },
			.end = end,
		};
		task_start(&f[i].t, fight);
	}
	while (now_ns() < end)
		usleep(10000);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, task_join(&f[i].t));
		sent += f[i].sent;
		received += f[i].received;
		sum += f[i].sum_sent - f[i].sum_received;
	}
	EXPECT_TRUE(are_parked(c, 0, 0) && are_parked(d, 0, 0));
	for (i = 0; i < 2; i++) {
		uint64_t v;

		while ((v = try_recv64(i ? d : c)) != UINT64_MAX) {
			received++;
			sum -= v;
		}
	}
	TH_LOG("cap %llu: %llu elements", (unsigned long long)cap, (unsigned long long)sent);
	EXPECT_LT(0, sent);
	EXPECT_EQ(sent, received);
	EXPECT_EQ(0, sum);
}

TEST_F_TIMEOUT(patient, case_9_opposite_orders_do_not_hang_unbuffered, 3600)
{
	run_fight(_metadata, 0, stress_ns(60) / 2);
}

TEST_F_TIMEOUT(patient, case_9_opposite_orders_do_not_hang_buffered, 3600)
{
	run_fight(_metadata, 1, stress_ns(60) / 2);
}

/* ---- 10 ---- */

struct tally {
	int c;
	int d;
	int flags;
	uint64_t n;
	uint64_t received;	/* without zeroes */
	uint64_t sum;
};

/* Sends 1..n by select on one channel or the other, under signals. */
static int stormy_sender(void *arg)
{
	struct tally *t = arg;
	uint64_t v;

	start_storm(t->flags, 700);
	for (v = 1; v <= t->n; v++) {
		struct chan_case cases[2] = { sel_send(t->c, &v, 8), sel_send(t->d, &v, 8) };
		long i;

		do
			i = ch_select(t->c, cases, 2);
		while (i == -EINTR);
		must(i);
	}
	return 0;
}

static int stormy_receiver(void *arg)
{
	struct tally *t = arg;
	uint64_t v;

	start_storm(t->flags, 700);
	for (;;) {
		struct chan_case cases[2] = { sel_recv(t->c, &v, 8), sel_recv(t->d, &v, 8) };
		long i = ch_select(t->c, cases, 2);

		if (i == -EINTR)
			continue;
		must(i);
		if (!cases[i].ok)
			return 0;
		__atomic_add_fetch(&t->received, !!v, __ATOMIC_RELAXED);
		__atomic_add_fetch(&t->sum, v, __ATOMIC_RELAXED);
	}
}

/* Sends zeroes, which do not count, until it is killed. */
static int bystander(void *arg)
{
	struct tally *t = arg;
	uint64_t v = 0;
	struct chan_case cases[2] = { sel_send(t->c, &v, 8), sel_send(t->d, &v, 8) };

	for (;;)
		ch_select(t->c, cases, 2);
	return 0;
}

FIXTURE(signals)
{
	struct tally *t;
};

FIXTURE_VARIANT(signals)
{
	int flags;
	uint64_t cap;
};

FIXTURE_VARIANT_ADD(signals, interrupt_unbuffered) { .flags = 0, .cap = 0 };
FIXTURE_VARIANT_ADD(signals, interrupt_buffered) { .flags = 0, .cap = 2 };
FIXTURE_VARIANT_ADD(signals, restart_unbuffered) { .flags = SA_RESTART, .cap = 0 };
FIXTURE_VARIANT_ADD(signals, restart_buffered) { .flags = SA_RESTART, .cap = 2 };

FIXTURE_SETUP(signals)
{
	self->t = shared_alloc(sizeof(*self->t));
	*self->t = (struct tally){
		.c = ch_make(8, variant->cap, 0), .d = ch_make(8, variant->cap, 0),
		.flags = variant->flags, .n = scaled(5000),
	};
}

FIXTURE_TEARDOWN(signals)
{
	close(self->t->c);
	close(self->t->d);
}

TEST_F(signals, case_10_lose_nothing_and_double_nothing)
{
	struct tally *t = self->t;
	pid_t senders[2], receivers[2];
	int i;

	for (i = 0; i < 2; i++) {
		senders[i] = child_start(stormy_sender, t);
		receivers[i] = child_start(stormy_receiver, t);
	}
	for (i = 0; i < 20; i++) {
		pid_t pid = child_start(bystander, t);

		usleep(1000 * i);
		child_kill(pid);
	}
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, child_wait(senders[i]));
	ASSERT_EQ(0, ch_close(t->c));
	/* Who sees one closed may leave something in the other: so drain it. */
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, child_wait(receivers[i]));
	for (i = 0; i < 2; i++) {
		uint64_t v;

		while ((v = try_recv64(i ? t->d : t->c)) != UINT64_MAX) {
			t->received += !!v;
			t->sum += v;
		}
	}
	EXPECT_EQ(2 * t->n, t->received);
	EXPECT_EQ(t->n * (t->n + 1), t->sum);
	EXPECT_TRUE(are_parked(t->c, 0, 0) && are_parked(t->d, 0, 0));
}

/* ---- 11 ---- */

#define MANY	24	/* cases: more than lie in a stack frame */

static long select_many(struct task *t)
{
	struct chan_case cases[MANY];
	uint64_t v, got = 0;
	int i;

	for (;;) {
		for (i = 0; i < MANY; i++)
			cases[i] = sel_recv(((int *)t->buf)[i % t->size], &v, 8);
		i = must(ch_select(cases[0].ch, cases, MANY));
		if (!cases[i].ok)
			return got;
		got++;
	}
}

/* Who is woken frees its entries at once, while its waker has others to complete. */
TEST(case_11_entries_are_gone_as_soon_as_their_owner)
{
	int ch[3], n = scaled(9000), total = 0, i;
	struct task t[8];

	for (i = 0; i < 3; i++)
		ch[i] = ch_make(8, i, 0);
	for (i = 0; i < 8; i++) {
		t[i] = (struct task){ .buf = ch, .size = 3 };
		task_start(&t[i], select_many);
	}
	for (i = 0; i < n; i++)
		ASSERT_EQ(0, send64(ch[i % 3], i));
	for (i = 0; i < 3; i++)
		ASSERT_TRUE(eventually(!ch_len(ch[i])));
	/* All of them are parked on all three, and one close wakes all. */
	wait_parked(ch[0], 8 * MANY / 3, 0);
	wait_parked(ch[2], 8 * MANY / 3, 0);
	ASSERT_EQ(0, ch_close(ch[1]));
	for (i = 0; i < 8; i++)
		total += task_join(&t[i]);
	EXPECT_EQ(n, total);
	EXPECT_TRUE(are_parked(ch[0], 0, 0) && are_parked(ch[1], 0, 0) &&
		    are_parked(ch[2], 0, 0));
}

/* ---- 12 ---- */

/* Within 6 standard deviations of its share of n. */
static bool is_fair(int count, int n, int of)
{
	double mean = (double)n / of, variance = mean * (of - 1) / of;
	double off = count - mean;

	return off * off <= 36 * variance;
}

TEST(case_12_nil_cases_do_not_skew_the_choice)
{
	int c = ch_make(0, 0, 0), d = ch_make(0, 0, 0), n = scaled(20000), seen[5] = {}, i;

	must(ch_close(c));
	must(ch_close(d));
	for (i = 0; i < n; i++) {
		struct chan_case cases[5] = {
			sel_recv(c, NULL, 0), sel_recv(-1, NULL, 0), sel_recv(-1, NULL, 0),
			sel_recv(d, NULL, 0), sel_send(-1, NULL, 0),
		};

		seen[must(ch_select(c, cases, 5))]++;
	}
	EXPECT_EQ(0, seen[1] + seen[2] + seen[4]);
	EXPECT_TRUE(is_fair(seen[0], n, 2)) TH_LOG("%d, %d", seen[0], seen[3]);
}

static long select_duplicates(struct actor *a)
{
	uint64_t one = 1, two = 2;
	struct chan_case cases[2] = { sel_send(a->c, &one, 8), sel_send(a->c, &two, 8) };

	return ch_select(a->c, cases, 2);
}

/* The receiver comes when both are queued; which is the first is random all the same. */
TEST(case_12_blocked_duplicates_are_chosen_at_random)
{
	struct actor a = { .cpu = -1 };
	int c = ch_make(8, 0, 0), n = scaled(2000), ones = 0, i;

	actor_start(&a, c, -1, select_duplicates);
	for (i = 0; i < n; i++) {
		uint64_t v;

		actor_go(&a);
		wait_parked(c, 0, 2);
		v = recv64(c);
		ASSERT_EQ(v - 1, actor_result(&a));
		ones += v == 1;
	}
	EXPECT_TRUE(is_fair(ones, n, 2)) TH_LOG("%d of %d", ones, n);
	actor_stop(&a);
}

/* ---- two that do not block never meet ---- */

static long any_try(int c, int other, bool send, int kind)
{
	uint64_t v = 1;
	struct chan_case cases[2] = {
		send ? sel_send(c, &v, 8) : sel_recv(c, &v, 8), sel_recv(other, NULL, 0),
	};

	switch (kind % 4) {
	case 0:
		return send ? ch_try_send(c, &v, 8) : ch_try_recv(c, &v, 8);
	case 1:
		return ch_try_select(c, cases, 2);
	case 2:
		return ch_select_until(c, cases, 2, 0);
	default:
		return send ? ch_send_until(c, &v, 8, 0) : ch_recv_until(c, &v, 8, 0);
	}
}

static long keep_trying(struct task *t)
{
	int other = ch_make(8, 0, 0), tries = scaled(500000), i;
	long ret;

	pin_to(t->size);
	for (i = 0; i < tries; i++) {
		ret = any_try(t->fd, other, t->size, i / 7);
		if (ret != -EAGAIN && ret != -ETIMEDOUT)
			return ret ?: 1;
	}
	return 0;
}

TEST_F_TIMEOUT(patient, operations_that_do_not_block_never_meet_unbuffered, 600)
{
	struct task t[2];
	int c = ch_make(8, 0, 0), i;

	for (i = 0; i < 2; i++) {
		t[i] = (struct task){ .fd = c, .size = i };
		task_start(&t[i], keep_trying);
	}
	while (!task_done(&t[0]) || !task_done(&t[1]))
		usleep(10000);
	EXPECT_EQ(0, task_join(&t[0]));
	EXPECT_EQ(0, task_join(&t[1]));
	EXPECT_EQ(0, ch_info(c).sends);
}

TEST_HARNESS_MAIN
