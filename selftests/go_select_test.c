// SPDX-License-Identifier: GPL-2.0-only
/* What Go's tests of the language ask of select, asked of channels and goroutines in C. */
#include "go_test.h"

/* ---- nil channels, and selects without a case ---- */

/* A select of which a goroutine does not come back. */
struct lone {
	struct call call;
	struct kchan_case *cases;
	size_t n;
};

static long lone_select(struct call *c)
{
	struct lone *l = (struct lone *)c;

	return or_errno(kchan_select(l->cases, l->n));
}

static void expect_eternal(struct __test_metadata *_metadata, struct kchan_case *cases, size_t n)
{
	struct lone l = { .cases = cases, .n = n };

	EXPECT_EQ(-EAGAIN, or_errno(kchan_try_select(cases, n)));
	call_start(&l.call, lone_select);
	wait_asleep(call_tid(&l.call));
	EXPECT_FALSE(call_done(&l.call));
	EXPECT_EQ(-EINTR, call_interrupt(&l.call));
}

TEST(select_without_cases_blocks_for_ever)
{
	expect_eternal(_metadata, NULL, 0);
}

TEST(select_of_nil_channels_blocks_for_ever)
{
	uint64_t v = UNTOUCHED;
	struct kchan_case cases[20];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		cases[i] = receiving(KCHAN_NIL, &v, 8);
	for (i = 1; i < ARRAY_SIZE(cases); i += 2)
		cases[i].dir = KCHAN_SEND;
	expect_eternal(_metadata, &cases[0], 1);
	expect_eternal(_metadata, &cases[1], 1);
	expect_eternal(_metadata, cases, 2);
	expect_eternal(_metadata, cases, ARRAY_SIZE(cases));
	EXPECT_EQ(UNTOUCHED, v);
}

TEST(nil_is_no_channel_outside_of_select)
{
	EXPECT_EQ(-EBADF, or_errno(kchan_send(KCHAN_NIL, NULL, 0)));
	EXPECT_EQ(-EBADF, or_errno(kchan_recv(KCHAN_NIL, NULL, 0)));
	EXPECT_EQ(-EBADF, or_errno(kchan_close(KCHAN_NIL)));
}

struct receipt {
	struct call call;
	int ch;
	uint64_t v;
};

static long receive_one(struct call *c)
{
	struct receipt *r = (struct receipt *)c;

	return kchan_recv(r->ch, &r->v, 8);
}

/* The order is that of chance, but each is chosen once, as it is nil then. */
TEST(a_case_that_was_made_nil_is_not_chosen_again)
{
	struct kchan_case cases[3];
	struct receipt receipts[3];
	uint64_t v[3] = { 10, 11, 12 };
	int i, round, index;

	for (i = 0; i < 3; i++) {
		receipts[i].ch = make(8, 0);
		cases[i] = sending(receipts[i].ch, &v[i], 8);
		call_start(&receipts[i].call, receive_one);
	}
	for (round = 0; round < 3; round++) {
		index = must(kchan_select(cases, 3));
		ASSERT_NE(KCHAN_NIL, cases[index].ch);
		cases[index].ch = KCHAN_NIL;
	}
	EXPECT_EQ(-EAGAIN, or_errno(kchan_try_select(cases, 3)));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(1, call_finish(&receipts[i].call));
		EXPECT_EQ(v[i], receipts[i].v);
		EXPECT_EQ(1, ch_info(receipts[i].ch).sends);
	}
}

/* ---- which case ---- */

TEST(a_ready_case_proceeds_and_the_other_destination_stays)
{
	int ready = make(8, 1), other = make(8, 1), i;
	uint64_t got, untouched = UNTOUCHED, v = 42;
	struct kchan_case cases[2];

	for (i = 0; i < 2; i++) {
		got = 0;
		cases[i] = receiving(ready, &got, 8);
		cases[!i] = receiving(other, &untouched, 8);
		EXPECT_EQ(0, kchan_send(ready, &v, 8));
		EXPECT_EQ(i, kchan_select(cases, 2));
		EXPECT_EQ(42, got);
		EXPECT_EQ(1, cases[i].ok);
		EXPECT_EQ(8, cases[i].len);

		cases[!i] = receiving(other, bad_pointer(8), 8);
		EXPECT_EQ(0, kchan_send(ready, &v, 8));
		EXPECT_EQ(i, kchan_select(cases, 2));
	}
	EXPECT_EQ(UNTOUCHED, untouched);
}

/* The six kinds of case of which every mix is tried. */
enum {
	RECV_READY, SEND_READY, RECV_NEVER, SEND_NEVER, RECV_NIL, SEND_NIL, KINDS
};

/* The three ways to ask. */
enum {
	BLOCK, DEFAULT, PAST_DEADLINE, WAYS
};

struct mix {
	int full;		/* has one element, and room for no other */
	int roomy;		/* has room for one */
	uint64_t recv_elem;
	uint64_t send_elem;
};

static struct kchan_case case_of(struct mix *m, int kind)
{
	switch (kind) {
	case RECV_READY:
		return receiving(m->full, &m->recv_elem, 8);
	case SEND_READY:
		return sending(m->roomy, &m->send_elem, 8);
	case RECV_NEVER:
		return receiving(m->roomy, NULL, 0);
	case SEND_NEVER:
		return sending(m->full, &m->send_elem, 8);
	case RECV_NIL:
		return receiving(KCHAN_NIL, bad_pointer(8), 8);
	default:
		return sending(KCHAN_NIL, bad_pointer(8), 8);
	}
}

static long ask(int way, struct kchan_case *cases, size_t n)
{
	const struct timespec past = { 0 };

	switch (way) {
	case BLOCK:
		return or_errno(kchan_select(cases, n));
	case DEFAULT:
		return or_errno(kchan_try_select(cases, n));
	default:
		return or_errno(kchan_select_until(cases, n, &past));
	}
}

/* Returns how many cases there are; their kinds, in an order that begins at @turn. */
static int kinds_of(unsigned int set, int turn, int *kinds)
{
	int i, n = 0;

	for (i = 0; i < KINDS; i++)
		if (set & 1 << (i + turn) % KINDS)
			kinds[n++] = (i + turn) % KINDS;
	return n;
}

static void try_mix(struct __test_metadata *_metadata, struct mix *m, unsigned int set, int turn,
		    int way)
{
	bool ready = set & (1 << RECV_READY | 1 << SEND_READY);
	struct kchan_case cases[KINDS];
	int kinds[KINDS], i, n = kinds_of(set, turn, kinds);
	long ret;

	if (!ready && way == BLOCK)
		return;
	for (i = 0; i < n; i++)
		cases[i] = case_of(m, kinds[i]);
	m->recv_elem = UNTOUCHED;
	ret = ask(way, cases, n);
	if (!ready) {
		ASSERT_EQ(way == DEFAULT ? -EAGAIN : -ETIMEDOUT, ret);
		return;
	}
	ASSERT_LE(0, ret);
	if (kinds[ret] == RECV_READY) {
		ASSERT_EQ(7, m->recv_elem);
		ASSERT_EQ(0, kchan_try_send(m->full, &m->recv_elem, 8));
	} else {
		ASSERT_EQ(SEND_READY, kinds[ret]);
		ASSERT_EQ(UNTOUCHED, m->recv_elem);
		ASSERT_EQ(1, kchan_try_recv(m->roomy, &m->recv_elem, 8));
		ASSERT_EQ(9, m->recv_elem);
	}
}

TEST(every_mix_of_ready_and_other_cases_with_and_without_a_default)
{
	struct mix m = { .full = make(8, 1), .roomy = make(8, 1), .send_elem = 9 };
	uint64_t seven = 7;
	unsigned int set;
	int turn, way;

	EXPECT_EQ(0, kchan_send(m.full, &seven, 8));
	for (set = 0; set < 1 << KINDS; set++) {
		for (turn = 0; turn < KINDS; turn++)
			for (way = 0; way < WAYS; way++)
				try_mix(_metadata, &m, set, turn, way);
		EXPECT_EQ(1, kchan_len(m.full));
		EXPECT_EQ(0, kchan_len(m.roomy));
	}
	EXPECT_TRUE(are_parked(m.full, 0, 0));
	EXPECT_TRUE(are_parked(m.roomy, 0, 0));
}

TEST(select_alone_does_not_send_to_itself)
{
	uint64_t in = UNTOUCHED, out = 1;
	int ch = make(8, 0);
	struct kchan_case cases[2] = { sending(ch, &out, 8), receiving(ch, &in, 8) };
	struct lone l = { .cases = cases, .n = 2 };

	EXPECT_EQ(-EAGAIN, or_errno(kchan_try_select(cases, 2)));
	call_start(&l.call, lone_select);
	wait_parked(ch, 1, 1);
	EXPECT_EQ(-EINTR, call_interrupt(&l.call));
	EXPECT_EQ(UNTOUCHED, in);
	EXPECT_TRUE(are_parked(ch, 0, 0));
	EXPECT_EQ(0, ch_info(ch).sends);
}

TEST(select_alone_sends_and_receives_by_way_of_the_buffer)
{
	uint64_t in, out = 1;
	int ch = make(8, 1), i;
	struct kchan_case cases[2] = { sending(ch, &out, 8), receiving(ch, &in, 8) };

	for (i = 0; i < 20; i++) {
		EXPECT_EQ(0, kchan_select(cases, 2));
		EXPECT_EQ(1, kchan_select(cases, 2));
		EXPECT_EQ(out++, in);
	}
}

/* ---- a select commits one case ---- */

enum { VALUES = 100000, LANES = 4 };	/* at most so many values */

struct lanes {
	int ch[LANES];
	int done;
	uint32_t values;
	uint8_t seen[VALUES];
};

static void send_on_any(void *arg)
{
	struct kchan_case cases[LANES];
	struct lanes *l = arg;
	uint32_t i;
	int lane;

	for (lane = 0; lane < LANES; lane++)
		cases[lane] = sending(l->ch[lane], &i, sizeof(i));
	for (i = 0; i < l->values; i++)
		must(kchan_select(cases, LANES));
	for (lane = 0; lane < LANES; lane++)
		must(kchan_close(l->ch[lane]));
}

struct lane {
	struct lanes *all;
	int ch;
};

static void receive_from_one(void *arg)
{
	struct lane *l = arg;
	uint32_t v;

	while (must(kchan_recv(l->ch, &v, sizeof(v)))) {
		if (v >= l->all->values)
			die("%u was never sent", v);
		__atomic_add_fetch(&l->all->seen[v], 1, __ATOMIC_RELAXED);
	}
	must(kchan_send(l->all->done, NULL, 0));
}

TEST(a_select_sends_each_of_very_many_values_once)
{
	static struct lanes l;
	struct lane lane[LANES];
	uint64_t sends = 0;
	int i;

	l.done = make(0, 0);
	l.values = scaled(VALUES);
	for (i = 0; i < LANES; i++) {
		l.ch[i] = make(sizeof(uint32_t), 0);
		lane[i] = (struct lane){ &l, l.ch[i] };
		start(receive_from_one, &lane[i]);
	}
	for (i = 0; i < LANES; i++)
		wait_parked(l.ch[i], 1, 0);
	start(send_on_any, &l);
	for (i = 0; i < LANES; i++)
		ASSERT_EQ(1, kchan_recv(l.done, NULL, 0));

	for (i = 0; i < LANES; i++) {
		EXPECT_LT(0, ch_info(l.ch[i]).sends);
		sends += ch_info(l.ch[i]).sends;
	}
	EXPECT_EQ(l.values, sends);
	for (i = 0; i < (int)l.values; i++)
		ASSERT_EQ(1, l.seen[i]);
}

/* ---- losing cases leave nothing behind ---- */

/* Longer than what the kernel keeps without allocating. */
struct large {
	char bytes[500];
};

struct dummies {
	int ch;
	int recv_dummy;
	int send_dummy;
	int done;
	uint32_t selects;
};

static void select_beside_dummies(void *arg)
{
	struct dummies *d = arg;
	struct large large = {};
	uint32_t v, i;
	struct kchan_case cases[] = {
		receiving(d->recv_dummy, NULL, 0),
		receiving(d->ch, &v, sizeof(v)),
		sending(d->send_dummy, &large, sizeof(large)),
	};

	for (i = 0; i < d->selects; i++) {
		if (must(kchan_select(cases, ARRAY_SIZE(cases))) != 1)
			die("a dummy was chosen");
		if (v != i)
			die("%u received instead of %u", v, i);
	}
	must(kchan_send(d->done, NULL, 0));
}

/* By trying, which succeeds only once the select has queued, and by blocking. */
static int send_to_select(int ch, uint32_t i)
{
	int ret;

	if (i % 2)
		return kchan_send(ch, &i, sizeof(i));
	while ((ret = or_errno(kchan_try_send(ch, &i, sizeof(i)))) == -EAGAIN)
		sched_yield();
	return ret;
}

TEST(the_losing_cases_of_very_many_selects_leave_nothing_behind)
{
	struct dummies d = {
		.ch = make(sizeof(uint32_t), 0), .recv_dummy = make(8, 0),
		.send_dummy = make(sizeof(struct large), 0), .done = make(0, 0),
		.selects = scaled(100000),
	};
	struct chan_query before = ch_query(d.ch);
	uint32_t i;

	start(select_beside_dummies, &d);
	for (i = 0; i < d.selects; i++) {
		ASSERT_EQ(0, send_to_select(d.ch, i));
		if (i % 1000)
			continue;
		ASSERT_GE(1, ch_info(d.recv_dummy).recvq);
		ASSERT_GE(1, ch_info(d.send_dummy).sendq);
	}
	ASSERT_EQ(1, kchan_recv(d.done, NULL, 0));

	EXPECT_TRUE(are_parked(d.recv_dummy, 0, 0));
	EXPECT_TRUE(are_parked(d.send_dummy, 0, 0));
	EXPECT_EQ(before.user_bytes, ch_query(d.ch).user_bytes);
	/* Or else there was nothing to leave behind. */
	EXPECT_LE(d.selects / 8, ch_info(d.send_dummy).send_parks);

	/* No reference to a channel either. */
	close(d.recv_dummy);
	close(d.send_dummy);
	EXPECT_TRUE(eventually(ch_query(d.ch).channels == before.channels - 2));
}

/**
 * struct loser - one who waits on @ch, in a select or not
 * @call: the goroutine.
 * @ch: the channel.
 * @dir: KCHAN_SEND or KCHAN_RECV.
 * @v: the element.
 * @other: if this is a channel, it waits in a select which loses on @ch and ends with
 *	an element of @other; after that, it waits on @ch alone.
 */
struct loser {
	struct call call;
	int ch;
	int dir;
	uint64_t v;
	int other;
};

static long lose_then_wait(struct call *c)
{
	struct loser *l = (struct loser *)c;
	struct kchan_case cases[2] = {
		{ .ch = l->ch, .dir = l->dir, .elem = &l->v, .size = 8 },
		receiving(l->other, NULL, 0),
	};

	if (l->other != KCHAN_NIL && must(kchan_select(cases, 2)) != 1)
		die("the select has not lost");
	return kchan_select(cases, 1);
}

static long meet(int dir, int ch, uint64_t *v)
{
	return or_errno(dir == KCHAN_RECV ? kchan_try_send(ch, v, 8) : kchan_try_recv(ch, v, 8));
}

/* Three wait, the @place-th of them with a select that ends on another channel. */
static void lose_at(struct __test_metadata *_metadata, int dir, int place)
{
	int order[3] = { place == 0, 1 + (place <= 1), place };
	int ch = make(8, 0), other = make(8, 0), i;
	bool recv = dir == KCHAN_RECV;
	struct loser losers[3], *l;
	uint64_t v;

	for (i = 0; i < 3; i++) {
		losers[i] = (struct loser){
			.ch = ch, .dir = dir, .v = 100 + i, .other = i == place ? other : KCHAN_NIL,
		};
		call_start(&losers[i].call, lose_then_wait);
		wait_parked(ch, recv ? i + 1 : 0, recv ? 0 : i + 1);
	}
	wait_parked(other, 1, 0);
	EXPECT_EQ(0, kchan_try_send(other, &v, 8));
	/* It has joined the queue again, as the last one, when four have parked in all. */
	ASSERT_TRUE(eventually(ch_info(ch).recv_parks + ch_info(ch).send_parks == 4));
	EXPECT_TRUE(are_parked(ch, recv ? 3 : 0, recv ? 0 : 3));
	EXPECT_TRUE(are_parked(other, 0, 0));

	for (i = 0; i < 3; i++) {
		l = &losers[order[i]];
		v = 1000 + i;
		EXPECT_EQ(recv ? 0 : 1, meet(dir, ch, &v));
		EXPECT_EQ(0, call_finish(&l->call));
		EXPECT_EQ(recv ? 1000 + i : 100 + order[i], recv ? l->v : v);
	}
	EXPECT_TRUE(are_parked(ch, 0, 0));
}

TEST(a_losing_select_leaves_the_queue_from_any_place)
{
	int place;

	for (place = 0; place < 3; place++) {
		lose_at(_metadata, KCHAN_RECV, place);
		lose_at(_metadata, KCHAN_SEND, place);
	}
}

/* ---- many selects that share a channel ---- */

FIXTURE(popular)
{
	int shared;
	struct kchan_wg wg;
};

FIXTURE_VARIANT(popular)
{
	int n;
};

FIXTURE_VARIANT_ADD(popular, by_some) { .n = 200 };
FIXTURE_VARIANT_ADD(popular, by_many) { .n = 2000 };

FIXTURE_SETUP(popular)
{
	raise_limit_of_files();
	self->shared = make(8, 0);
	must(kchan_wg_init(&self->wg));
}

FIXTURE_TEARDOWN(popular)
{
	close(self->shared);
}

struct fan {
	int own;
	int shared;
	struct kchan_wg *wg;
	uint64_t woken;
};

static void wait_on_both(void *arg)
{
	struct fan *f = arg;
	struct kchan_case cases[] = {
		receiving(f->shared, NULL, 0), receiving(f->own, NULL, 0),
	};

	while (must(kchan_select(cases, ARRAY_SIZE(cases))) == 1)
		f->woken++;
	if (cases[0].ok)
		die("an element that nobody has sent");
	must(kchan_wg_done(f->wg));
}

/* What is still in the shared queue from before is gone when a new wait is in its own. */
static void wait_all_parked(const struct fan *fans, int n)
{
	int i;

	for (i = 0; i < n; i++)
		wait_parked(fans[i].own, 1, 0);
	wait_parked(fans[0].shared, n, 0);
}

/* From the front, from the back, and every second one before the others. */
static int in_order(int round, int i, int n)
{
	switch (round) {
	case 0:
		return i;
	case 1:
		return n - 1 - i;
	default:
		return i < (n + 1) / 2 ? 2 * i : 2 * (i - (n + 1) / 2) + 1;
	}
}

/*
 * Waking one concerns no other: in each round every entry leaves the shared queue once,
 * most of them from its middle, and is queued once again.
 */
TEST_F(popular, a_channel_is_left_and_joined_once_for_each_wake)
{
	enum { ROUNDS = 3 };
	int n = scaled(variant->n), i, round;
	struct fan *fans = calloc(n, sizeof(*fans));

	must(kchan_wg_add(&self->wg, n));
	for (i = 0; i < n; i++) {
		fans[i] = (struct fan){
			.own = make(8, 0), .shared = self->shared, .wg = &self->wg,
		};
		start(wait_on_both, &fans[i]);
	}
	for (round = 0; round < ROUNDS; round++) {
		wait_all_parked(fans, n);
		for (i = 0; i < n; i++)
			ASSERT_EQ(0, kchan_try_send(fans[in_order(round, i, n)].own,
						    &(uint64_t){ 0 }, 8));
	}
	wait_all_parked(fans, n);
	EXPECT_EQ((ROUNDS + 1) * n, ch_info(self->shared).recv_parks);

	EXPECT_EQ(0, kchan_close(self->shared));
	EXPECT_EQ(0, kchan_wg_wait(&self->wg));
	EXPECT_TRUE(are_parked(self->shared, 0, 0));
	for (i = 0; i < n; i++) {
		ASSERT_EQ(ROUNDS, fans[i].woken);
		ASSERT_TRUE(are_parked(fans[i].own, 0, 0));
		close(fans[i].own);
	}
}

TEST_HARNESS_MAIN
