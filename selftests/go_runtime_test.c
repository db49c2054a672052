// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the Go runtime asks of its channels in tests of its own (src/runtime/chan_test.go
 * and chanbarrier_test.go), asked of this module and libkchan: with goroutines, and with
 * processes where more than one kind of task can tell more.
 *
 * Whatever a test does, at its end nobody may be left in a queue of any channel.
 */
#include "crew_test.h"

FIXTURE(go)
{
};

FIXTURE_SETUP(go)
{
	set_up();
}

FIXTURE_TEARDOWN(go)
{
	expect_empty_queues(_metadata);
}

/* ---- TestChan: a channel alone, for many capacities ---- */

static uint64_t next_cap(uint64_t cap)
{
	return cap < 20 ? cap + 1 : cap < 100 ? 100 : UINT64_MAX;
}

#define for_each_cap(cap)						\
	for ((cap) = 0; (cap) != UINT64_MAX; (cap) = next_cap(cap))

/* A goroutine's one operation. */
struct op {
	struct worker w;
	int ch;
	uint64_t value;
	int ret;
};

static void receive_one(void *arg)
{
	struct op *op = arg;

	poison(&op->value, sizeof(op->value));
	op->ret = kchan_recv(op->ch, &op->value, sizeof(op->value));
}

static void send_one(void *arg)
{
	struct op *op = arg;

	op->ret = kchan_send(op->ch, &op->value, sizeof(op->value));
}

static void fill_up(int ch, uint64_t cap)
{
	uint64_t i;

	for (i = 0; i < cap; i++)
		must(send_value(ch, i));
}

TEST_F(go, receives_wait_while_a_channel_is_empty_and_defaults_do_not)
{
	uint64_t cap, v;
	struct op op[2];
	int i;

	for_each_cap(cap) {
		int ch = new_chan(8, cap);

		for (i = 0; i < 2; i++) {
			op[i].ch = ch;
			begin(&op[i].w, receive_one, &op[i]);
		}
		wait_parked(ch, 2, 0);
		poison(&v, sizeof(v));
		EXPECT_EQ(EAGAIN, fails_with(kchan_try_recv(ch, &v, 8)));
		EXPECT_EQ(EAGAIN, fails_with(try_one(receiving(ch, &v, 8))));
		EXPECT_TRUE(all_bytes(&v, 8, POISON));
		EXPECT_FALSE(is_done(&op[0].w) || is_done(&op[1].w));
		EXPECT_EQ(0, send_value(ch, 1));
		EXPECT_EQ(0, send_value(ch, 2));
		await_all();
		EXPECT_EQ(2, op[0].ret + op[1].ret);
		EXPECT_EQ(3, op[0].value + op[1].value);
	}
}

TEST_F(go, sends_wait_while_a_channel_is_full_and_defaults_do_not)
{
	uint64_t cap, v = 1000, i;
	struct op op;

	for_each_cap(cap) {
		int ch = new_chan(8, cap);

		fill_up(ch, cap);
		op.ch = ch;
		op.value = cap;
		begin(&op.w, send_one, &op);
		wait_parked(ch, 0, 1);
		EXPECT_EQ(EAGAIN, fails_with(kchan_try_send(ch, &v, 8)));
		EXPECT_EQ(EAGAIN, fails_with(try_one(sending(ch, &v, 8))));
		EXPECT_FALSE(is_done(&op.w));
		for (i = 0; i <= cap; i++) {
			EXPECT_EQ(1, kchan_recv(ch, &v, 8));
			EXPECT_EQ(i, v);
		}
		await_all();
		EXPECT_EQ(0, op.ret);
		v = 1000;
	}
}

TEST_F(go, a_closed_channel_gives_what_it_holds_and_then_zeroes)
{
	uint64_t cap, v, i;

	for_each_cap(cap) {
		int ch = new_chan(8, cap);

		fill_up(ch, cap);
		EXPECT_EQ(0, kchan_close(ch));
		for (i = 0; i < cap; i++) {
			EXPECT_EQ(1, i % 2 ? kchan_recv(ch, &v, 8) : try_one(receiving(ch, &v, 8)));
			EXPECT_EQ(i, v);
		}
		poison(&v, sizeof(v));
		EXPECT_EQ(0, kchan_recv(ch, &v, 8));
		EXPECT_EQ(0, v);
		poison(&v, sizeof(v));
		EXPECT_EQ(0, try_one(receiving(ch, &v, 8)));
		EXPECT_EQ(0, v);
	}
}

TEST_F(go, close_ends_a_receive_that_waits)
{
	uint64_t cap;
	struct op op;

	for_each_cap(cap) {
		op.ch = new_chan(8, cap);
		begin(&op.w, receive_one, &op);
		wait_parked(op.ch, 1, 0);
		EXPECT_EQ(0, kchan_close(op.ch));
		await_all();
		EXPECT_EQ(0, op.ret);
		EXPECT_EQ(0, op.value);
	}
}

static void send_a_hundred(void *arg)
{
	fill_up(*(int *)arg, 100);
}

TEST_F(go, a_hundred_elements_arrive_in_order)
{
	uint64_t cap, v, i;
	struct worker w;

	for_each_cap(cap) {
		int ch = new_chan(8, cap);

		begin(&w, send_a_hundred, &ch);
		for (i = 0; i < 100; i++) {
			ASSERT_EQ(1, kchan_recv(ch, &v, 8));
			ASSERT_EQ(i, v);
		}
		await_all();
	}
}

#define FOUR		4
#define EACH		1000

struct crowd_of_four {
	int ch;
	uint32_t next_sender;
	uint32_t each;
	uint8_t seen[FOUR][EACH];
};

static void send_a_share(void *arg)
{
	struct crowd_of_four *c = arg;
	uint64_t who = __atomic_fetch_add(&c->next_sender, 1, __ATOMIC_RELAXED), i;

	for (i = 0; i < c->each; i++)
		must(send_value(c->ch, who << 32 | i));
}

static void receive_a_share(void *arg)
{
	struct crowd_of_four *c = arg;
	uint64_t v, i;

	for (i = 0; i < c->each; i++) {
		if (must(kchan_recv(c->ch, &v, sizeof(v))) != 1)
			die("the channel is closed");
		if (v >> 32 >= FOUR || (uint32_t)v >= c->each)
			die("nobody sent 0x%llx", (unsigned long long)v);
		__atomic_fetch_add(&c->seen[v >> 32][(uint32_t)v], 1, __ATOMIC_RELAXED);
	}
}

TEST_F(go, four_senders_and_four_receivers_pass_each_element_once)
{
	static struct crowd_of_four c;
	struct worker w[2 * FOUR];
	uint64_t cap;
	int i;

	for_each_cap(cap) {
		memset(&c, 0, sizeof(c));
		c.ch = new_chan(8, cap);
		c.each = scaled(EACH);
		for (i = 0; i < FOUR; i++) {
			begin(&w[i], send_a_share, &c);
			begin(&w[FOUR + i], receive_a_share, &c);
		}
		await_all();
		for (i = 0; i < FOUR; i++)
			EXPECT_TRUE(all_bytes(c.seen[i], c.each, 1));
		EXPECT_EQ(FOUR * c.each, ch_info(c.ch).receives);
		EXPECT_EQ(0, kchan_len(c.ch));
	}
}

TEST_F(go, len_and_cap_tell_of_the_buffer)
{
	uint64_t cap;

	for_each_cap(cap) {
		int ch = new_chan(8, cap);

		EXPECT_EQ(0, kchan_len(ch));
		EXPECT_EQ(cap, kchan_cap(ch));
		fill_up(ch, cap);
		EXPECT_EQ(cap, kchan_len(ch));
		EXPECT_EQ(cap, kchan_cap(ch));
	}
}

/* ---- a default is not taken while something is ready ---- */

#define FEWEST		1000

/**
 * struct race - how long one goes on
 * @rounds: so often,
 * @until: unless the machine is so busy that it takes longer than this.
 */
struct race {
	uint32_t rounds;
	uint64_t until;
};

static struct race new_race(void)
{
	return (struct race){ scaled(100000), now_ns() + scaled(120 * SEC) };
}

static bool goes_on(const struct race *race, uint32_t rounds)
{
	return rounds < FEWEST ||
	       (rounds < race->rounds && (rounds % 64 || now_ns() < race->until));
}

/*
 * A select with a default looks at one channel after the other, and much can happen between
 * two looks if it has many cases: so half of the rounds have this many that are never ready.
 */
#define QUIET_CASES	126
#define TWO_CASES	(2 + QUIET_CASES)

static bool is_crowded(uint32_t round)
{
	return round % 2;
}

/* Of these two, and in half of the rounds of very many. */
static int try_either(struct kchan_case *two, uint32_t round)
{
	struct kchan_case c[TWO_CASES] = { two[0], two[1] };
	int i;

	for (i = 2; i < TWO_CASES; i++)
		c[i] = receiving(quiet, NULL, 8);
	i = kchan_try_select(c, is_crowded(round) ? TWO_CASES : 2);
	if (i > 1)
		die("something came on the quiet channel");
	two[0] = c[0];
	two[1] = c[1];
	return i < 0 ? -errno : i;
}

/**
 * struct shell_game - one thing that is now in this channel, now in that one
 * @ch: the two channels, with a buffer of one.
 * @room: the thing is room for an element, not an element.
 * @over: it is over.
 * @w: the goroutine that moves it.
 */
struct shell_game {
	int ch[2];
	bool room;
	bool over;
	struct worker w;
};

static void take_thing(const struct shell_game *g, int i)
{
	if (g->room)
		must(send_value(g->ch[i], 1));
	else
		must(kchan_recv(g->ch[i], NULL, 0));
}

static void put_thing(const struct shell_game *g, int i)
{
	if (g->room)
		must(kchan_recv(g->ch[i], NULL, 0));
	else
		must(send_value(g->ch[i], 1));
}

/* Another such thing is there before the first one is taken away. */
static void move_thing(void *arg)
{
	struct shell_game *g = arg;
	int to;

	run_on(1);
	for (to = 1; !__atomic_load_n(&g->over, __ATOMIC_RELAXED); to = !to) {
		put_thing(g, to);
		take_thing(g, !to);
	}
}

static int find_thing(const struct shell_game *g, uint32_t round)
{
	uint64_t v[2] = { 1, 1 };
	struct kchan_case c[2] = {
		receiving(g->ch[0], &v[0], 8), receiving(g->ch[1], &v[1], 8),
	};

	if (g->room) {
		c[0] = sending(g->ch[0], &v[0], 8);
		c[1] = sending(g->ch[1], &v[1], 8);
	}
	return try_either(c, round);
}

static void play_shell_game(struct __test_metadata *_metadata, bool room)
{
	struct shell_game g = { .room = room, .ch = { new_chan(8, 1), new_chan(8, 1) } };
	struct race race = new_race();
	int found[2] = {}, i;
	uint32_t n;

	must(send_value(g.ch[room], 1));
	run_on(0);
	begin(&g.w, move_thing, &g);
	for (n = 0; goes_on(&race, n); n++) {
		i = find_thing(&g, n);
		ASSERT_LE(0, i);
		found[i]++;
		put_thing(&g, i);
	}
	__atomic_store_n(&g.over, true, __ATOMIC_RELAXED);
	await_all();
	TH_LOG("found: %d and %d times", found[0], found[1]);
	EXPECT_EQ(1, kchan_len(g.ch[0]) + kchan_len(g.ch[1]));
}

TEST_F_TIMEOUT(go, a_select_always_finds_the_one_of_two_channels_that_holds_an_element,
	       600)
{
	play_shell_game(_metadata, false);
}

TEST_F_TIMEOUT(go, a_select_always_finds_the_one_of_two_channels_that_has_room,
	       600)
{
	play_shell_game(_metadata, true);
}

#define DOORS		500

/**
 * struct corridor - channels, one after the other, that are closed
 * @door: the channels.
 * @closed: how many of them are closed, and done with.
 * @looked_at: of how many somebody has begun to look.
 * @patience: how long to wait then, at most and in 1021sts, if the select is small, and if
 *	it is large; 0 is not even to wait for the look.
 * @ch: another channel.
 * @seen: how often what was seen.
 * @w: the goroutine that closes them.
 */
struct corridor {
	int door[DOORS];
	struct beacon closed;
	struct beacon looked_at;
	uint32_t patience[2];
	int ch;
	uint32_t seen[2];
	struct worker w;
};

/* The number of the first one that may still be open. */
static uint32_t first_open(const struct corridor *c)
{
	return __atomic_load_n(&c->closed.n, __ATOMIC_ACQUIRE);
}

static void look_at(struct corridor *c, uint32_t i)
{
	__atomic_store_n(&c->looked_at.n, i + 1, __ATOMIC_RELEASE);
}

/* Meet the look in another place at each door.  False if there is none left. */
static bool close_next(struct corridor *c)
{
	uint32_t i = c->closed.n;

	if (i == DOORS)
		return false;
	if (c->patience[is_crowded(i)]) {
		spin_until(&c->looked_at, i + 1);
		dawdle(jitter(i) * c->patience[is_crowded(i)]);
	}
	must(kchan_close(c->door[i]));
	return true;
}

static void go_on(struct corridor *c)
{
	__atomic_store_n(&c->closed.n, c->closed.n + 1, __ATOMIC_RELEASE);
}

/* Let @visit see @door and what is behind, until @close has closed them all; many times. */
static void walk_down(struct corridor *c, uint64_t cap, void (*close_all)(void *corridor),
		      void (*visit)(struct corridor *c))
{
	struct race race = new_race();
	int ctl = chanctl(), i;
	uint32_t n;

	run_on(0);
	for (n = 0; n < FEWEST || (n < race.rounds && now_ns() < race.until); n += DOORS) {
		for (i = 0; i < DOORS; i++) {
			c->door[i] = make_short_lived(ctl, cap);
			fill_up(c->door[i], cap);
		}
		c->closed.n = 0;
		c->looked_at.n = 0;
		begin(&c->w, close_all, c);
		visit(c);
		await_all();
		for (i = 0; i < DOORS; i++)
			close_short_lived(c->door[i]);
	}
	close(ctl);
}

static void close_and_drain(void *arg)
{
	struct corridor *c = arg;

	run_on(1);
	while (close_next(c)) {
		must(kchan_recv(c->door[c->closed.n], NULL, 0));
		go_on(c);
	}
}

static int try_to_enter(int door, uint32_t round)
{
	uint64_t v;

	if (round % 2)
		return kchan_try_recv(door, &v, sizeof(v));
	return select_or_quiet(TRY_SELECT, receiving(door, &v, 8));
}

static void enter_each(struct corridor *c)
{
	unsigned int turns = 0;
	uint32_t i;
	int ret;

	for (i = 0; i < DOORS; i = first_open(c)) {
		look_at(c, i);
		ret = try_to_enter(c->door[i], i);
		if (ret < 0)
			die("door %u: %m", i);
		c->seen[ret]++;
		/* Having taken the element this is the one who leaves nothing behind. */
		while (ret && first_open(c) == i)
			spin(&turns, 1 << 16);
	}
}

/* It holds an element until it is closed, and somebody drains it at once. */
TEST_F_TIMEOUT(go, a_channel_that_is_closed_with_an_element_is_never_not_ready,
	       600)
{
	struct corridor c = {};

	raise_limit_of_files();
	walk_down(&c, 1, close_and_drain, enter_each);
	TH_LOG("an element %u times, closed %u times", c.seen[1], c.seen[0]);
}

/* A channel is closed before the element in the other one is taken away. */
static void close_and_take(void *arg)
{
	struct corridor *c = arg;

	run_on(1);
	while (close_next(c)) {
		must(kchan_recv(c->ch, NULL, 0));
		must(send_value(c->ch, 1));
		go_on(c);
	}
}

static int element_or_closed(int ch, int door, uint32_t round)
{
	uint64_t v[2];
	struct kchan_case two[2] = { receiving(ch, &v[0], 8), receiving(door, &v[1], 8) };
	int i;

	poison(v, sizeof(v));
	i = try_either(two, round);
	if (i < 0)
		die("neither an element nor closed: %s", strerror(-i));
	if (v[i] != (i ? 0 : 1) || two[i].ok != !i)
		die("not what case %d receives", i);
	if (!all_bytes(&v[!i], sizeof(v[0]), POISON))
		die("the other case's memory was touched");
	return i;
}

static void see_element_or_closed(struct corridor *c)
{
	uint32_t i;
	int seen;

	for (i = 0; i < DOORS; i = first_open(c)) {
		look_at(c, i);
		seen = element_or_closed(c->ch, c->door[i], i);
		c->seen[seen]++;
		if (!seen)
			must(send_value(c->ch, 1));
	}
}

TEST_F_TIMEOUT(go, a_select_always_sees_an_element_or_that_a_channel_is_closed,
	       600)
{
	struct corridor c = { .ch = new_chan(8, 1), .patience = { 8, 256 } };

	raise_limit_of_files();
	must(send_value(c.ch, 1));
	walk_down(&c, 0, close_and_take, see_element_or_closed);
	TH_LOG("an element %u times, closed %u times", c.seen[0], c.seen[1]);
	EXPECT_EQ(1, kchan_len(c.ch));
}

/* ---- one channel in several cases ---- */

struct narcissus {
	struct worker w;
	int ch;
	uint64_t me;
	uint64_t sent;
	uint64_t received;
	uint64_t received_own;
};

#define LOOKS		5000

static void send_or_receive(void *arg)
{
	struct narcissus *s = arg;
	uint64_t out = s->me, in, i;
	struct kchan_case c[2];

	for (i = 0; i < LOOKS; i++) {
		int send = s->me % 2 && i % 2;

		c[send] = sending(s->ch, &out, 8);
		c[!send] = receiving(s->ch, &in, 8);
		if (must(kchan_select(c, 2)) == send) {
			s->sent++;
			continue;
		}
		s->received++;
		s->received_own += in == s->me;
	}
}

static void two_who_send_or_receive(struct __test_metadata *_metadata, uint64_t cap)
{
	struct narcissus s[2] = { { .me = 1 }, { .me = 2 } };
	int i, ch = new_chan(8, cap);

	for (i = 0; i < 2; i++) {
		s[i].ch = ch;
		begin(&s[i].w, send_or_receive, &s[i]);
	}
	await_all();
	EXPECT_EQ(s[0].sent + s[1].sent, s[0].received + s[1].received + kchan_len(ch));
	EXPECT_EQ(s[0].sent + s[1].sent, ch_info(ch).sends);
	if (cap)
		return;
	EXPECT_EQ(0, s[0].received_own + s[1].received_own);
	EXPECT_EQ(s[0].sent, s[1].received);
	EXPECT_EQ(s[1].sent, s[0].received);
}

TEST_F(go, a_select_never_receives_what_it_sends_itself)
{
	two_who_send_or_receive(_metadata, 0);
}

TEST_F(go, a_select_that_sends_and_receives_with_a_buffer_never_waits_for_itself)
{
	two_who_send_or_receive(_metadata, 10);
}

/* A goroutine's one select. */
struct choice {
	struct worker w;
	struct kchan_case c[4];
	size_t n;
	int ret;
};

static void choose(void *arg)
{
	struct choice *s = arg;

	s->ret = kchan_select(s->c, s->n);
}

/* As if a goroutine that has another place in the queue were to be lost with the select's. */
TEST_F(go, a_select_with_two_cases_on_a_channel_leaves_others_their_place)
{
	int c = new_chan(8, 0), d = new_chan(8, 0);
	struct choice a = { .n = 3 };
	struct op b = { .ch = c };
	uint64_t v[3];

	poison(v, sizeof(v));
	a.c[0] = receiving(c, &v[0], 8);
	a.c[1] = receiving(c, &v[1], 8);
	a.c[2] = receiving(d, &v[2], 8);
	begin(&a.w, choose, &a);
	wait_parked(c, 2, 0);
	wait_parked(d, 1, 0);
	begin(&b.w, receive_one, &b);
	wait_parked(c, 3, 0);
	ASSERT_EQ(0, try_send_value(d, 7));
	await(&a.w);
	EXPECT_EQ(2, a.ret);
	EXPECT_EQ(7, v[2]);
	EXPECT_TRUE(all_bytes(v, 16, POISON));
	EXPECT_TRUE(are_parked(c, 1, 0));
	ASSERT_EQ(0, try_send_value(c, 8));
	await_all();
	EXPECT_EQ(1, b.ret);
	EXPECT_EQ(8, b.value);
	EXPECT_EQ(EAGAIN, fails_with(try_send_value(c, 9)));
}

/* Who is woken on this processor has to wait.  Without the right to do so it may be sooner. */
static void go_first(void)
{
	struct sched_param first = { .sched_priority = 1 };

	if (sched_setscheduler(0, SCHED_FIFO, &first) && errno != EPERM)
		die("sched_setscheduler: %m");
}

/* In the queue: a receiver, the select twice, another receiver. */
TEST_F(go, the_second_case_on_the_chosen_channel_is_passed_over)
{
	struct choice a = { .n = 2 };
	int c = new_chan(8, 0);
	struct op b[2] = { { .ch = c }, { .ch = c } };
	uint64_t v[2];

	run_on(0);
	poison(v, sizeof(v));
	begin(&b[0].w, receive_one, &b[0]);
	wait_parked(c, 1, 0);
	a.c[0] = receiving(c, &v[0], 8);
	a.c[1] = receiving(c, &v[1], 8);
	begin(&a.w, choose, &a);
	wait_parked(c, 3, 0);
	begin(&b[1].w, receive_one, &b[1]);
	wait_parked(c, 4, 0);
	/* The select has no time to leave the queue by itself. */
	go_first();
	ASSERT_EQ(0, try_send_value(c, 1));
	ASSERT_EQ(0, try_send_value(c, 2));
	ASSERT_EQ(0, try_send_value(c, 3));
	await_all();
	EXPECT_EQ(1, b[0].value);
	EXPECT_EQ(3, b[1].value);
	ASSERT_TRUE(a.ret == 0 || a.ret == 1);
	EXPECT_EQ(2, v[a.ret]);
	EXPECT_TRUE(all_bytes(&v[!a.ret], 8, POISON));
	EXPECT_EQ(EAGAIN, fails_with(try_send_value(c, 4)));
}

TEST_F(go, the_second_send_on_the_chosen_channel_is_passed_over)
{
	int c = new_chan(8, 0), d = new_chan(8, 0);
	uint64_t v[3] = { 10, 11, 12 }, got, next;
	struct choice a = { .n = 3 };
	struct op b = { .ch = c, .value = 20 };

	run_on(0);
	a.c[0] = sending(c, &v[0], 8);
	a.c[1] = sending(c, &v[1], 8);
	a.c[2] = sending(d, &v[2], 8);
	begin(&a.w, choose, &a);
	wait_parked(c, 0, 2);
	wait_parked(d, 0, 1);
	begin(&b.w, send_one, &b);
	wait_parked(c, 0, 3);
	go_first();
	ASSERT_EQ(1, kchan_try_recv(c, &got, 8));
	ASSERT_EQ(1, kchan_try_recv(c, &next, 8));
	EXPECT_EQ(EAGAIN, fails_with(kchan_try_recv(d, NULL, 0)));
	EXPECT_TRUE(got == 10 || got == 11);
	EXPECT_EQ(20, next);
	await_all();
	EXPECT_EQ(got - 10, a.ret);
	EXPECT_EQ(0, b.ret);
	EXPECT_EQ(EAGAIN, fails_with(kchan_try_recv(c, NULL, 0)));
}

/* ---- elements that are pointers ---- */

TEST_F(go, pointers_are_sent_by_either_of_two_cases_on_one_channel)
{
	uint64_t target[3] = { 100, 101, 102 };
	uint64_t *p = &target[2], *q[2] = { &target[0], &target[1] }, *got;
	int ch = new_chan(sizeof(p), 1), i;
	struct kchan_case c[2] = {
		{ .ch = ch, .dir = KCHAN_SEND, .elem = &q[0], .size = sizeof(q[0]) },
		{ .ch = ch, .dir = KCHAN_SEND, .elem = &q[1], .size = sizeof(q[1]) },
	};

	EXPECT_EQ(0, kchan_send(ch, &p, sizeof(p)));
	EXPECT_EQ(EAGAIN, fails_with(kchan_try_select(c, 1)));
	EXPECT_EQ(EAGAIN, fails_with(kchan_try_select(c, 2)));
	EXPECT_EQ(1, kchan_recv(ch, &got, sizeof(got)));
	EXPECT_EQ(102, *got);
	i = kchan_try_select(c, 2);
	ASSERT_TRUE(i == 0 || i == 1);
	EXPECT_EQ(1, kchan_len(ch));
	EXPECT_EQ(1, kchan_recv(ch, &got, sizeof(got)));
	EXPECT_EQ(target[i], *got);
}

/* What a request is answered with. */
struct answer {
	uint64_t error;
	struct answer *response;
	unsigned char check[40];
};

struct responder {
	int ch;
	int done;
	uint32_t number;
	bool by_select;
};

static struct answer *new_answer(uint32_t number)
{
	struct answer *a = malloc(sizeof(*a));

	if (!a)
		die("no memory");
	*a = (struct answer){ .error = number };
	fill(a->check, sizeof(a->check), number);
	return a;
}

static void respond(void *arg)
{
	struct responder r = *(struct responder *)arg;
	struct answer *a = new_answer(r.number);
	struct kchan_case c[2] = {
		{ .ch = r.ch, .dir = KCHAN_SEND, .elem = &a, .size = sizeof(a) },
		{ .ch = r.done, .dir = KCHAN_RECV },
	};

	free(arg);
	if (r.by_select ? must(kchan_select(c, 2)) : must(kchan_send(r.ch, &a, sizeof(a))))
		die("not the send was chosen");
	must(kchan_wg_done(&wg));
}

static void request(int ctl, const struct responder *like)
{
	struct responder *r = malloc(sizeof(*r));
	int ch = make_short_lived(ctl, 0);
	struct answer *a;

	*r = *like;
	r->ch = ch;
	must(kchan_wg_add(&wg, 1));
	must(kchan_go(respond, r));
	if (must(kchan_recv(ch, &a, sizeof(a))) != 1)
		die("no answer");
	sched_yield();
	if (a->error != like->number || a->response ||
	    !is_filled(a->check, sizeof(a->check), like->number))
		die("not what the pointer pointed to");
	poison(a, sizeof(*a));
	free(a);
	close_short_lived(ch);
}

#define REQUESTS	100

static void request_again_and_again(void *arg)
{
	struct responder r = *(struct responder *)arg;
	int ctl = chanctl(), i;

	for (i = 0; i < REQUESTS; i++) {
		r.number++;
		request(ctl, &r);
	}
	close(ctl);
}

/* Every answer is memory that another goroutine has just written, and then freed. */
static void requests_from_many(bool by_select)
{
	enum { N = 8 };
	struct responder like[N];
	struct worker w[N];
	int i, done = new_chan(0, 0);

	for (i = 0; i < N; i++) {
		like[i] = (struct responder){
			.done = done, .number = i << 16, .by_select = by_select,
		};
		begin(&w[i], request_again_and_again, &like[i]);
	}
	await_all();
}

TEST_F(go, what_a_pointer_points_to_comes_with_a_send)
{
	requests_from_many(false);
}

TEST_F(go, what_a_pointer_points_to_comes_with_a_send_of_a_select)
{
	requests_from_many(true);
}

/* ---- which case is chosen ---- */

struct chooser {
	int quiet[2];
	int ready[2];
	int out;
	int done;
};

static void forward(void *arg)
{
	struct chooser *s = arg;
	uint64_t v, w;
	struct kchan_case in[4] = {
		receiving(s->quiet[0], &w, 8), receiving(s->quiet[1], &w, 8),
		receiving(s->ready[0], &v, 8), receiving(s->ready[1], &v, 8),
	};
	struct kchan_case out[2] = {
		sending(s->out, &v, 8), { .ch = s->done, .dir = KCHAN_RECV },
	};

	do {
		if (must(kchan_select(in, 4)) < 2)
			die("a channel without elements was chosen");
	} while (must(kchan_select(out, 2)) == 0);
}

/* 10 standard deviations are 500. */
TEST_F(go, of_two_channels_that_are_ready_each_is_chosen_half_of_the_time)
{
	enum { TRIALS = 10000 };
	static uint64_t ones[TRIALS + 1], twos[TRIALS + 1];
	struct chooser s = {
		.quiet = { new_chan(8, 0), new_chan(8, 0) },
		.out = new_chan(8, 0), .done = new_chan(0, 0),
		.ready = { new_chan(8, TRIALS + 1), new_chan(8, TRIALS + 1) },
	};
	int i, count[3] = {};
	struct worker w;
	uint64_t v;

	for (i = 0; i < TRIALS + 1; i++) {
		ones[i] = 1;
		twos[i] = 2;
	}
	ASSERT_EQ(TRIALS + 1, kchan_send_n(s.ready[0], ones, TRIALS + 1));
	ASSERT_EQ(TRIALS + 1, kchan_send_n(s.ready[1], twos, TRIALS + 1));
	begin(&w, forward, &s);
	for (i = 0; i < TRIALS; i++) {
		ASSERT_EQ(1, kchan_recv(s.out, &v, 8));
		ASSERT_TRUE(v == 1 || v == 2);
		count[v]++;
	}
	EXPECT_EQ(0, kchan_close(s.done));
	await_all();
	TH_LOG("chosen: %d and %d", count[1], count[2]);
	EXPECT_LT(TRIALS / 2 - 500, count[1]);
	EXPECT_GT(TRIALS / 2 + 500, count[1]);
}

#define COIN_TOSSES	200

static void toss_coins(void *arg)
{
	int ch = *(int *)arg, i;
	uint64_t v[2] = { 0, 1 };

	for (i = 0; i < COIN_TOSSES; i++) {
		struct kchan_case c[2] = { sending(ch, &v[1], 8), sending(ch, &v[0], 8) };

		must(kchan_select(c, 2));
	}
}

/* How often it was 1, if the receiver waits until the sender does, or else does not. */
static int count_coins(int ch, bool sender_first)
{
	struct worker w;
	int i, n = 0;
	uint64_t v;

	begin(&w, toss_coins, &ch);
	for (i = 0; i < COIN_TOSSES; i++) {
		if (sender_first && !eventually(ch_info(ch).sendq))
			die("the sender does not wait");
		if (must(kchan_recv(ch, &v, 8)) != 1 || v > 1)
			die("not what was sent");
		n += v;
	}
	await_all();
	return n;
}

TEST_F(go, a_select_sends_random_bits_to_a_receiver_that_waits)
{
	int n = count_coins(new_chan(8, 0), false);

	EXPECT_LT(COIN_TOSSES / 10, n);
	EXPECT_GT(COIN_TOSSES - COIN_TOSSES / 10, n);
}

TEST_F(go, a_select_that_waits_sends_random_bits)
{
	int n = count_coins(new_chan(8, 0), true);

	EXPECT_LT(COIN_TOSSES / 10, n);
	EXPECT_GT(COIN_TOSSES - COIN_TOSSES / 10, n);
}

TEST_F(go, a_select_sends_random_bits_into_a_buffer)
{
	int n = count_coins(new_chan(8, 100), false);

	EXPECT_LT(COIN_TOSSES / 10, n);
	EXPECT_GT(COIN_TOSSES - COIN_TOSSES / 10, n);
}

/* ---- what is not chosen is left alone ---- */

#define LARGE		3000
#define LEFT_ALONE	77

struct four_rooms {
	struct choice s;
	unsigned char room[4][LARGE];
};

/* Receive cases on c, d and, with @twice, on each again; otherwise nil. */
static void four_cases(struct four_rooms *f, int c, int d, uint32_t size, bool twice)
{
	int ch[4] = { c, twice ? c : KCHAN_NIL, d, twice ? d : KCHAN_NIL }, i;

	poison(f->room, sizeof(f->room));
	f->s.n = 4;
	for (i = 0; i < 4; i++)
		f->s.c[i] = (struct kchan_case){
			.ch = ch[i], .dir = KCHAN_RECV, .elem = f->room[i], .size = size,
			.ok = LEFT_ALONE, .len = LEFT_ALONE,
		};
}

static void expect_one_touched(struct __test_metadata *_metadata, const struct four_rooms *f,
			       const void *elem, uint32_t size, int ok)
{
	int i, chosen = f->s.ret;

	ASSERT_TRUE(chosen == 2 || chosen == 3);
	EXPECT_EQ(ok, f->s.c[chosen].ok);
	EXPECT_EQ(ok ? size : 0, f->s.c[chosen].len);
	EXPECT_EQ(0, memcmp(f->room[chosen], elem, size));
	EXPECT_TRUE(all_bytes(f->room[chosen] + size, LARGE - size, POISON));
	for (i = 0; i < 4; i++) {
		if (i == chosen)
			continue;
		EXPECT_TRUE(all_bytes(f->room[i], LARGE, POISON));
		EXPECT_EQ(LEFT_ALONE, f->s.c[i].ok);
		EXPECT_EQ(LEFT_ALONE, f->s.c[i].len);
	}
}

static void wake_two_selects(struct __test_metadata *_metadata, uint32_t size, bool by_close)
{
	static struct four_rooms f[2];
	int c = new_chan(size, 0), d = new_chan(size, 0), i;
	unsigned char elem[LARGE] = {};

	for (i = 0; i < 2; i++) {
		four_cases(&f[i], c, d, size, i);
		begin(&f[i].s.w, choose, &f[i].s);
	}
	wait_parked(c, 3, 0);
	wait_parked(d, 3, 0);
	if (by_close) {
		EXPECT_EQ(0, kchan_close(d));
	} else {
		fill(elem, size, size);
		ASSERT_EQ(0, kchan_try_send(d, elem, size));
		ASSERT_EQ(0, kchan_try_send(d, elem, size));
	}
	await_all();
	for (i = 0; i < 2; i++)
		expect_one_touched(_metadata, &f[i], elem, size, !by_close);
}

TEST_F(go, close_touches_only_the_chosen_case_of_a_select)
{
	wake_two_selects(_metadata, 8, true);
	wake_two_selects(_metadata, LARGE, true);
}

TEST_F(go, an_element_touches_only_the_chosen_case_of_a_select)
{
	wake_two_selects(_metadata, 8, false);
	wake_two_selects(_metadata, LARGE, false);
}

/* ---- a channel on which very many selects wait ---- */

#define POPULAR		1000	/* with so many selects, at most */
#define VISITS		10

struct visitor {
	struct worker w;
	int popular;
	int own;
};

static void visit(void *arg)
{
	struct visitor *s = arg;
	int i;

	for (i = 0; i < VISITS; i++) {
		uint64_t u, v;
		struct kchan_case c[2] = { receiving(s->popular, &u, 8), receiving(s->own, &v, 8) };

		if (must(kchan_select(c, 2)) != 1 || v != (uint64_t)s->own)
			die("a wrong case was chosen");
	}
}

/* From the back, or every second one before the others. */
static int shuffled(int i, int n, int visit)
{
	if (visit % 2)
		return n - 1 - i;
	return i < (n + 1) / 2 ? 2 * i : 2 * (i - (n + 1) / 2) + 1;
}

TEST_F(go, very_many_selects_leave_the_queue_of_a_popular_channel)
{
	static struct visitor s[POPULAR];
	int popular = new_chan(8, 0), n = scaled(POPULAR), i, round;

	raise_limit_of_files();
	for (i = 0; i < n; i++) {
		s[i].popular = popular;
		s[i].own = new_chan(8, 0);
		begin(&s[i].w, visit, &s[i]);
	}
	for (round = 0; round < VISITS; round++) {
		/* All of this round first: who has just been served may still be in the queue. */
		for (i = 0; i < n; i++)
			wait_parked(s[i].own, 1, 0);
		wait_parked(popular, n, 0);
		for (i = 0; i < n; i++) {
			int own = s[shuffled(i, n, round)].own;

			ASSERT_EQ(0, try_send_value(own, own));
		}
	}
	await_all();
	EXPECT_TRUE(are_parked(popular, 0, 0));
	EXPECT_EQ(0, ch_info(popular).sends);
	EXPECT_EQ(VISITS * n, ch_info(popular).recv_parks);
}

/* ---- many senders and receivers: goroutines, then processes ---- */

FIXTURE(crew)
{
	struct crew c;
};

FIXTURE_VARIANT(crew)
{
	bool processes;
};

FIXTURE_VARIANT_ADD(crew, goroutines) { .processes = false };
FIXTURE_VARIANT_ADD(crew, processes) { .processes = true };

FIXTURE_SETUP(crew)
{
	set_up();
	self->c.processes = variant->processes;
}

FIXTURE_TEARDOWN(crew)
{
	expect_empty_queues(_metadata);
}

#define KINDS		4
#define SHARE		2000	/* of each sender, on each channel */
#define BY_SELECT	1

struct stress {
	int ch[KINDS];
	uint32_t share;
	/* By channel, then by sender: a plain one, and one that selects. */
	uint8_t seen[KINDS][2][SHARE];
};

/* A worker that knows but one channel. */
struct specialist {
	struct stress *s;
	int kind;
};

static void mark(struct stress *s, int kind, uint64_t v)
{
	uint32_t who = v >> 32 & 1, number = v;

	if (v >> 33 != (uint64_t)kind || number >= s->share)
		die("0x%llx was not sent on channel %d", (unsigned long long)v, kind);
	if (__atomic_fetch_add(&s->seen[kind][who][number], 1, __ATOMIC_RELAXED))
		die("0x%llx came twice", (unsigned long long)v);
}

static uint64_t stress_value(int kind, int who, uint32_t number)
{
	return (uint64_t)kind << 33 | (uint64_t)who << 32 | number;
}

static void send_plainly(void *arg)
{
	struct specialist *p = arg;
	uint32_t i;

	for (i = 0; i < p->s->share; i++)
		must(send_value(p->s->ch[p->kind], stress_value(p->kind, 0, i)));
}

static void receive_plainly(void *arg)
{
	struct specialist *p = arg;
	uint64_t v;
	uint32_t i;

	for (i = 0; i < p->s->share; i++) {
		if (must(kchan_recv(p->s->ch[p->kind], &v, sizeof(v))) != 1)
			die("closed");
		mark(p->s, p->kind, v);
	}
}

static void send_by_select(void *arg)
{
	struct stress *s = arg;
	uint32_t number[KINDS] = {}, i;
	struct kchan_case c[KINDS];
	uint64_t v[KINDS];
	int k;

	for (k = 0; k < KINDS; k++) {
		v[k] = stress_value(k, BY_SELECT, 0);
		c[k] = sending(s->ch[k], &v[k], 8);
	}
	for (i = 0; i < KINDS * s->share; i++) {
		k = must(kchan_select(c, KINDS));
		v[k] = stress_value(k, BY_SELECT, ++number[k]);
		if (number[k] == s->share)
			c[k].ch = KCHAN_NIL;
	}
}

static void receive_by_select(void *arg)
{
	struct stress *s = arg;
	struct kchan_case c[KINDS];
	uint32_t n[KINDS] = {}, i;
	uint64_t v[KINDS];
	int k;

	for (k = 0; k < KINDS; k++)
		c[k] = receiving(s->ch[k], &v[k], 8);
	poison(v, sizeof(v));
	for (i = 0; i < KINDS * s->share; i++) {
		k = must(kchan_select(c, KINDS));
		mark(s, k, v[k]);
		poison(&v[k], sizeof(v[k]));
		if (!all_bytes(v, sizeof(v), POISON))
			die("more than one case received");
		if (++n[k] == s->share)
			c[k].ch = KCHAN_NIL;
	}
}

TEST_F(crew, ten_who_send_and_receive_plainly_and_by_select_commit_one_case_each)
{
	static const size_t caps[KINDS] = { 0, 0, 2, 3 };
	struct stress *s = shared_alloc(sizeof(*s));
	struct specialist p[KINDS];
	int k;

	s->share = scaled(SHARE);
	for (k = 0; k < KINDS; k++) {
		s->ch[k] = new_chan(8, caps[k]);
		p[k] = (struct specialist){ .s = s, .kind = k };
	}
	for (k = 0; k < KINDS; k++) {
		hire(&self->c, send_plainly, &p[k]);
		hire(&self->c, receive_plainly, &p[k]);
	}
	hire(&self->c, send_by_select, s);
	hire(&self->c, receive_by_select, s);
	await_crew(&self->c);
	for (k = 0; k < KINDS; k++) {
		EXPECT_TRUE(all_bytes(s->seen[k][0], s->share, 1));
		EXPECT_TRUE(all_bytes(s->seen[k][BY_SELECT], s->share, 1));
		EXPECT_EQ(2 * s->share, ch_info(s->ch[k]).sends);
		EXPECT_EQ(2 * s->share, ch_info(s->ch[k]).receives);
		EXPECT_EQ(0, kchan_len(s->ch[k]));
	}
}

#define CONSUMERS	23
#define ITEMS		27182

struct pipeline {
	int in;
	int out;
	uint32_t working;
};

static void feed(void *arg)
{
	struct pipeline *p = arg;

	fill_up(p->in, scaled(ITEMS));
	must(kchan_close(p->in));
}

static void consume(void *arg)
{
	struct pipeline *p = arg;
	uint64_t v;

	while (must(kchan_recv(p->in, &v, sizeof(v)))) {
		/* Some dawdle, so that the order changes. */
		if (v % 7 == 0)
			sched_yield();
		must(send_value(p->out, v));
	}
	if (!__atomic_sub_fetch(&p->working, 1, __ATOMIC_ACQ_REL))
		must(kchan_close(p->out));
}

TEST_F(crew, twenty_three_consumers_share_a_queue_until_it_is_closed)
{
	struct pipeline *p = shared_alloc(sizeof(*p));
	uint64_t items = scaled(ITEMS), v, sum = 0, i;
	static uint8_t seen[ITEMS];

	*p = (struct pipeline){ new_chan(8, 3 * CONSUMERS), new_chan(8, 3 * CONSUMERS), CONSUMERS };
	for (i = 0; i < CONSUMERS; i++)
		hire(&self->c, consume, p);
	hire(&self->c, feed, p);
	for (i = 0; must(kchan_recv(p->out, &v, 8)); i++) {
		ASSERT_GT(items, v);
		seen[v]++;
		sum += v;
	}
	await_crew(&self->c);
	EXPECT_EQ(items, i);
	EXPECT_EQ(items * (items - 1) / 2, sum);
	EXPECT_TRUE(all_bytes(seen, items, 1));
}

/* ---- signals while goroutines are about to park, parked, or woken ---- */

/* Two who play ping-pong. */
struct storm {
	enum form form;
	int ping;
	int pong;
	bool over;
	uint64_t rounds;
	pid_t tid[2];
	uint64_t interrupted[2];
};

static void on_signal(int sig)
{
	(void)sig;
}

static void insist_send(struct storm *s, int who, int ch, uint64_t v)
{
	int ret;

	while ((ret = send_once(s->form, ch, v)) == -EINTR)
		s->interrupted[who]++;
	must(ret);
}

static int insist_recv(struct storm *s, int who, int ch, uint64_t *v)
{
	int ret;

	while ((ret = recv_once(s->form, ch, v)) == -EINTR)
		s->interrupted[who]++;
	return must(ret);
}

static void join_storm(struct storm *s, int who)
{
	__atomic_store_n(&s->tid[who], gettid(), __ATOMIC_RELEASE);
}

static void play_ping(void *arg)
{
	struct storm *s = arg;
	uint64_t i, v;

	join_storm(s, 0);
	for (i = 1; !__atomic_load_n(&s->over, __ATOMIC_RELAXED); i++) {
		insist_send(s, 0, s->ping, i);
		if (insist_recv(s, 0, s->pong, &v) != 1 || v != i)
			die("the answer to %llu is lost", (unsigned long long)i);
		__atomic_store_n(&s->rounds, i, __ATOMIC_RELAXED);
	}
	must(kchan_close(s->ping));
}

static void play_pong(void *arg)
{
	struct storm *s = arg;
	uint64_t i, v;

	join_storm(s, 1);
	for (i = 1; insist_recv(s, 1, s->ping, &v); i++) {
		if (v != i)
			die("%llu came instead of %llu", (unsigned long long)v,
			    (unsigned long long)i);
		insist_send(s, 1, s->pong, v);
	}
}

FIXTURE(storm)
{
	struct storm s;
};

FIXTURE_VARIANT(storm)
{
	enum form form;
	int flags;
};

FIXTURE_VARIANT_ADD(storm, plain) { .form = PLAIN };
FIXTURE_VARIANT_ADD(storm, plain_restart) { .form = PLAIN, .flags = SA_RESTART };
FIXTURE_VARIANT_ADD(storm, select) { .form = SELECT };
FIXTURE_VARIANT_ADD(storm, select_restart) { .form = SELECT, .flags = SA_RESTART };

FIXTURE_SETUP(storm)
{
	set_up();
	self->s = (struct storm){
		.form = variant->form, .ping = new_chan(8, 0), .pong = new_chan(8, 0),
	};
}

FIXTURE_TEARDOWN(storm)
{
	expect_empty_queues(_metadata);
}

#define STORM_ROUNDS	3000
#define STORM_ABORTS	100

static bool has_stormed(const struct storm *s)
{
	uint64_t aborts = ch_info(s->ping).aborts + ch_info(s->pong).aborts;

	return __atomic_load_n(&s->rounds, __ATOMIC_RELAXED) >= scaled(STORM_ROUNDS) &&
	       aborts >= STORM_ABORTS;
}

static void send_signals(const struct storm *s, uint32_t n)
{
	uint32_t i;

	for (i = n; i < n + 64; i++) {
		syscall(SYS_tgkill, getpid(), s->tid[i % 2], SIGUSR1);
		dawdle(2 * jitter(i));
	}
}

/* Go shrinks stacks there; here signals end the parks, at every stage of them. */
TEST_F(storm, signals_at_any_stage_of_parking_lose_and_double_nothing)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = variant->flags };
	struct worker w[2];
	struct storm *s = &self->s;
	uint32_t n = 0;

	must(sigaction(SIGUSR1, &sa, NULL));
	begin(&w[0], play_ping, s);
	begin(&w[1], play_pong, s);
	ASSERT_TRUE(eventually(__atomic_load_n(&s->tid[0], __ATOMIC_ACQUIRE) &&
			       __atomic_load_n(&s->tid[1], __ATOMIC_ACQUIRE)));
	for (; !has_stormed(s); n += 64)
		send_signals(s, n);
	__atomic_store_n(&s->over, true, __ATOMIC_RELAXED);
	await_all();
	TH_LOG("%llu rounds, %u signals, %llu interrupted calls", (unsigned long long)s->rounds,
	       n, (unsigned long long)(s->interrupted[0] + s->interrupted[1]));
	EXPECT_EQ(s->rounds, ch_info(s->ping).receives);
	EXPECT_EQ(s->rounds, ch_info(s->pong).receives);
	EXPECT_EQ(!(variant->flags & SA_RESTART), s->interrupted[0] + s->interrupted[1] > 0);
}

TEST_HARNESS_MAIN
