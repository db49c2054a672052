// SPDX-License-Identifier: GPL-2.0-only
/*
 * What Go's tests of the language ask of channels, asked of channels and goroutines in C:
 * each operation as a plain call and as a case of a select.
 */
#include "go_test.h"

/* ---- one operation, asked for in different ways ---- */

#define MOST_CASES	11

/**
 * struct form - how an operation is asked for
 * @cases: how many the select has; 0 for the plain call.
 * @at: which of them is the operation.
 * @nil: the other channels are nil, instead of never ready.
 */
struct form {
	int cases;
	int at;
	bool nil;
};

static const struct form forms[] = {
	{ .cases = 0 },
	{ .cases = 1 },
	{ .cases = 2, .at = 0 },
	{ .cases = 2, .at = 1, .nil = true },
	{ .cases = MOST_CASES, .at = 5 },
};

/**
 * struct op - one operation
 * @call: the goroutine that carries it out, if one does.  Returns as run().
 * @form: how to ask for it.
 * @ch: the channel.
 * @dir: KCHAN_SEND or KCHAN_RECV.
 * @elem: the element, or where to.
 * @size: its bytes.
 * @try: do not block.
 */
struct op {
	struct call call;
	const struct form *form;
	int ch;
	int dir;
	void *elem;
	size_t size;
	bool try;
};

/* Nobody ever sends on the one, nor receives from the other. */
static int never_sent, never_received;

static void make_others(void)
{
	never_sent = make(8, 0);
	never_received = make(8, 0);
}

static struct kchan_case other_case(const struct form *f, int i, uint64_t *elem)
{
	if (i % 2)
		return sending(f->nil ? KCHAN_NIL : never_received, elem, sizeof(*elem));
	return receiving(f->nil ? KCHAN_NIL : never_sent, elem, sizeof(*elem));
}

static int plain_send(const struct op *op)
{
	if (op->try)
		return kchan_try_send(op->ch, op->elem, op->size);
	return kchan_send(op->ch, op->elem, op->size);
}

static int plain_recv(const struct op *op)
{
	if (op->try)
		return kchan_try_recv(op->ch, op->elem, op->size);
	return kchan_recv(op->ch, op->elem, op->size);
}

static int select_of(const struct op *op, struct kchan_case *cases)
{
	if (op->try)
		return kchan_try_select(cases, op->form->cases);
	return kchan_select(cases, op->form->cases);
}

static void check_others(const struct op *op, const struct kchan_case *cases, uint64_t elem)
{
	int i;

	if (elem != UNTOUCHED)
		die("a case that was not chosen has changed its element");
	for (i = 0; i < op->form->cases; i++)
		if (i != op->form->at && (cases[i].ok || cases[i].len))
			die("a case that was not chosen has a result");
}

static long run_select(const struct op *op)
{
	struct kchan_case cases[MOST_CASES];
	uint64_t elem = UNTOUCHED;
	int i, ret;

	for (i = 0; i < op->form->cases; i++)
		cases[i] = other_case(op->form, i, &elem);
	cases[op->form->at] = (struct kchan_case){
		.ch = op->ch, .dir = op->dir, .elem = op->elem, .size = op->size,
	};
	ret = or_errno(select_of(op, cases));
	check_others(op, cases, elem);
	if (ret < 0)
		return ret;
	if (ret != op->form->at)
		die("case %d is chosen, which cannot proceed", ret);
	return cases[ret].ok;
}

/* 1 if an element was sent or received, 0 if the channel is closed, or -errno. */
static long run(const struct op *op)
{
	if (op->form->cases)
		return run_select(op);
	if (op->dir == KCHAN_RECV)
		return or_errno(plain_recv(op));
	return plain_send(op) ? -errno : 1;
}

static long run_call(struct call *c)
{
	return run((struct op *)c);
}

/* Let a goroutine do it, and return when it is parked. */
static void park(struct op *op)
{
	struct chan_info info = ch_info(op->ch);

	call_start(&op->call, run_call);
	wait_parked(op->ch, info.recvq + (op->dir == KCHAN_RECV),
		    info.sendq + (op->dir == KCHAN_SEND));
}

static struct op a_send(const struct form *f, int ch, uint64_t *v)
{
	return (struct op){ .form = f, .ch = ch, .dir = KCHAN_SEND, .elem = v, .size = 8 };
}

/* @v may be NULL. */
static struct op a_recv(const struct form *f, int ch, uint64_t *v)
{
	return (struct op){
		.form = f, .ch = ch, .dir = KCHAN_RECV, .elem = v, .size = v ? 8 : 0,
	};
}

static long send_now(const struct form *f, int ch, uint64_t v)
{
	struct op op = a_send(f, ch, &v);

	return run(&op);
}

static long try_send(const struct form *f, int ch, uint64_t v)
{
	struct op op = a_send(f, ch, &v);

	op.try = true;
	return run(&op);
}

static long recv_now(const struct form *f, int ch, uint64_t *v)
{
	struct op op = a_recv(f, ch, v);

	return run(&op);
}

static long try_recv(const struct form *f, int ch, uint64_t *v)
{
	struct op op = a_recv(f, ch, v);

	op.try = true;
	return run(&op);
}

/* ---- what blocks, what does not, what fails: in each form ---- */

FIXTURE(operation)
{
	uint64_t v;
};

FIXTURE_VARIANT(operation)
{
	int form;
};

FIXTURE_VARIANT_ADD(operation, plain) { .form = 0 };
FIXTURE_VARIANT_ADD(operation, select_of_one) { .form = 1 };
FIXTURE_VARIANT_ADD(operation, select_of_two) { .form = 2 };
FIXTURE_VARIANT_ADD(operation, select_with_nil) { .form = 3 };
FIXTURE_VARIANT_ADD(operation, select_of_many) { .form = 4 };

FIXTURE_SETUP(operation)
{
	make_others();
	self->v = UNTOUCHED;
}

/* What ended otherwise has left nothing behind. */
FIXTURE_TEARDOWN(operation)
{
	EXPECT_TRUE(are_parked(never_sent, 0, 0));
	EXPECT_TRUE(are_parked(never_received, 0, 0));
}

#define FORM	(&forms[variant->form])

TEST_F(operation, receive_blocks_while_the_channel_is_empty)
{
	struct op op;
	size_t cap;
	int ch;

	for (cap = 0; cap < 3; cap++) {
		ch = make(8, cap);
		EXPECT_EQ(-EAGAIN, try_recv(FORM, ch, &self->v));
		EXPECT_EQ(-EAGAIN, try_recv(FORM, ch, NULL));

		op = a_recv(FORM, ch, &self->v);
		park(&op);
		EXPECT_EQ(-EINTR, call_interrupt(&op.call));
		EXPECT_TRUE(are_parked(ch, 0, 0));
		EXPECT_EQ(UNTOUCHED, self->v);
	}
}

TEST_F(operation, send_blocks_while_the_channel_is_full)
{
	uint64_t one = 1;
	struct op op;
	size_t cap;
	int ch;

	for (cap = 0; cap < 3; cap++) {
		ch = make(8, cap);
		while (try_send(FORM, ch, 5) == 1)
			;
		EXPECT_EQ(cap, kchan_len(ch));
		EXPECT_EQ(-EAGAIN, try_send(FORM, ch, 1));

		op = a_send(FORM, ch, &one);
		park(&op);
		EXPECT_EQ(-EINTR, call_interrupt(&op.call));
		EXPECT_TRUE(are_parked(ch, 0, 0));
		EXPECT_EQ(cap, kchan_len(ch));
	}
}

TEST_F(operation, the_buffer_keeps_it_from_blocking)
{
	int ch = make(8, 2);

	EXPECT_EQ(1, send_now(FORM, ch, 1));
	EXPECT_EQ(1, try_send(FORM, ch, 2));
	EXPECT_EQ(2, kchan_len(ch));
	EXPECT_EQ(1, recv_now(FORM, ch, &self->v));
	EXPECT_EQ(1, self->v);
	EXPECT_EQ(1, try_recv(FORM, ch, &self->v));
	EXPECT_EQ(2, self->v);
	EXPECT_EQ(0, kchan_len(ch));
	EXPECT_EQ(0, ch_info(ch).send_parks + ch_info(ch).recv_parks);
}

/* Whichever is there first, and whether or not the second may block. */
static void meet(struct __test_metadata *_metadata, const struct form *f, int ch,
		 uint64_t *dest, bool receiver_first, bool try)
{
	uint64_t v = 77;
	struct op send = a_send(f, ch, &v), recv = a_recv(f, ch, dest);
	struct op *first = receiver_first ? &recv : &send;
	struct op *second = receiver_first ? &send : &recv;

	park(first);
	second->try = try;
	EXPECT_EQ(1, run(second));
	EXPECT_EQ(1, call_finish(&first->call));
	EXPECT_EQ(2, ch_info(ch).sends + ch_info(ch).receives);
	if (dest)
		EXPECT_EQ(77, *dest);
}

TEST_F(operation, a_parked_partner_is_met)
{
	int i;

	for (i = 0; i < 4; i++) {
		self->v = UNTOUCHED;
		meet(_metadata, FORM, make(8, 0), &self->v, i & 1, i & 2);
	}
}

TEST_F(operation, a_receiver_may_discard_the_element)
{
	uint64_t v = 1;
	struct op send, recv;
	unsigned int i;
	int ch;

	for (i = 0; i < 4; i++)
		meet(_metadata, FORM, make(8, 0), NULL, i & 1, i & 2);

	/* The same with a sender of each form. */
	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		ch = make(8, 0);
		send = a_send(&forms[i], ch, &v);
		park(&send);
		EXPECT_EQ(1, try_recv(FORM, ch, NULL));
		EXPECT_EQ(1, call_finish(&send.call));

		recv = a_recv(FORM, ch, NULL);
		park(&recv);
		EXPECT_EQ(1, try_send(&forms[i], ch, v));
		EXPECT_EQ(1, call_finish(&recv.call));

		ch = make(8, 1);
		EXPECT_EQ(1, send_now(&forms[i], ch, v));
		EXPECT_EQ(1, recv_now(FORM, ch, NULL));
		EXPECT_EQ(0, kchan_len(ch));
	}
}

static void expect_drained(struct __test_metadata *_metadata, const struct form *f, int ch)
{
	uint64_t v;
	int i;

	for (i = 0; i < 2; i++) {
		v = UNTOUCHED;
		EXPECT_EQ(0, recv_now(f, ch, &v));
		EXPECT_EQ(0, v);
		v = UNTOUCHED;
		EXPECT_EQ(0, try_recv(f, ch, &v));
		EXPECT_EQ(0, v);
		EXPECT_EQ(0, recv_now(f, ch, NULL));
		EXPECT_EQ(0, try_recv(f, ch, NULL));
	}
}

TEST_F(operation, receive_drains_a_closed_channel_and_then_yields_zeroes)
{
	int ch = make(8, 0);

	EXPECT_EQ(0, kchan_close(ch));
	expect_drained(_metadata, FORM, ch);

	ch = make(8, 2);
	EXPECT_EQ(1, send_now(FORM, ch, 1));
	EXPECT_EQ(1, send_now(FORM, ch, 2));
	EXPECT_EQ(0, kchan_close(ch));
	EXPECT_EQ(1, recv_now(FORM, ch, &self->v));
	EXPECT_EQ(1, self->v);
	EXPECT_EQ(1, try_recv(FORM, ch, &self->v));
	EXPECT_EQ(2, self->v);
	expect_drained(_metadata, FORM, ch);
}

TEST_F(operation, send_on_a_closed_channel_fails)
{
	size_t cap;
	int ch;

	for (cap = 0; cap < 2; cap++) {
		ch = make(8, cap);
		EXPECT_EQ(0, kchan_close(ch));
		EXPECT_EQ(-EPIPE, send_now(FORM, ch, 1));
		EXPECT_EQ(-EPIPE, try_send(FORM, ch, 1));
		EXPECT_EQ(-EPIPE, or_errno(kchan_close(ch)));
		EXPECT_EQ(0, kchan_len(ch));
		EXPECT_EQ(0, try_recv(FORM, ch, NULL));
	}
}

TEST_F(operation, close_ends_it_while_it_blocks)
{
	uint64_t one = 1;
	struct op op;
	int ch;

	ch = make(8, 1);
	op = a_recv(FORM, ch, &self->v);
	park(&op);
	EXPECT_EQ(0, kchan_close(ch));
	EXPECT_EQ(0, call_finish(&op.call));
	EXPECT_EQ(0, self->v);

	ch = make(8, 1);
	EXPECT_EQ(1, send_now(FORM, ch, 4));
	op = a_send(FORM, ch, &one);
	park(&op);
	EXPECT_EQ(0, kchan_close(ch));
	EXPECT_EQ(-EPIPE, call_finish(&op.call));
	EXPECT_EQ(1, recv_now(FORM, ch, &self->v));
	EXPECT_EQ(4, self->v);
	EXPECT_EQ(0, recv_now(FORM, ch, &self->v));
}

/* ---- elements of every size meet without blocking ---- */

struct words {
	char text[24];
	uint32_t len;
	uint16_t more[3];
};

FIXTURE(element)
{
	unsigned char sent[sizeof(struct words)], got[sizeof(struct words)];
	int ch;
};

FIXTURE_VARIANT(element)
{
	size_t size;
	size_t cap;
};

FIXTURE_VARIANT_ADD(element, bool_cap_0) { .size = sizeof(bool), .cap = 0 };
FIXTURE_VARIANT_ADD(element, bool_cap_1) { .size = sizeof(bool), .cap = 1 };
FIXTURE_VARIANT_ADD(element, int32_cap_0) { .size = sizeof(int32_t), .cap = 0 };
FIXTURE_VARIANT_ADD(element, int32_cap_1) { .size = sizeof(int32_t), .cap = 1 };
FIXTURE_VARIANT_ADD(element, int64_cap_0) { .size = sizeof(int64_t), .cap = 0 };
FIXTURE_VARIANT_ADD(element, int64_cap_1) { .size = sizeof(int64_t), .cap = 1 };
FIXTURE_VARIANT_ADD(element, struct_cap_0) { .size = sizeof(struct words), .cap = 0 };
FIXTURE_VARIANT_ADD(element, struct_cap_1) { .size = sizeof(struct words), .cap = 1 };

FIXTURE_SETUP(element)
{
	make_others();
	self->ch = make(variant->size, variant->cap);
	fill(self->sent, sizeof(self->sent), 1);
	poison(self->got, sizeof(self->got));
}

FIXTURE_TEARDOWN(element)
{
	close(self->ch);
}

TEST_F(element, is_not_passed_without_a_partner_or_a_buffer)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		struct op send = {
			.form = &forms[i], .ch = self->ch, .dir = KCHAN_SEND,
			.elem = self->sent, .size = variant->size, .try = true,
		};
		struct op recv = send;

		recv.dir = KCHAN_RECV;
		recv.elem = self->got;
		poison(self->got, sizeof(self->got));
		EXPECT_EQ(-EAGAIN, run(&recv));
		EXPECT_TRUE(all_bytes(self->got, sizeof(self->got), POISON));
		EXPECT_EQ(variant->cap ? 1 : -EAGAIN, run(&send));
		EXPECT_EQ(-EAGAIN, run(&send));
		EXPECT_EQ(variant->cap ? 1 : -EAGAIN, run(&recv));
		EXPECT_EQ(0, variant->cap && memcmp(self->got, self->sent, variant->size));
		EXPECT_EQ(-EAGAIN, run(&recv));
	}
}

TEST_F(element, is_passed_at_once_when_the_partner_is_parked)
{
	struct op send = {
		.ch = self->ch, .dir = KCHAN_SEND, .elem = self->sent, .size = variant->size,
	};
	struct op recv = send;
	unsigned int i;

	recv.dir = KCHAN_RECV;
	recv.elem = self->got;
	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		send.form = &forms[i];
		recv.form = &forms[i];
		poison(self->got, sizeof(self->got));
		send.try = true;
		recv.try = false;
		park(&recv);
		EXPECT_EQ(1, run(&send));
		EXPECT_EQ(1, call_finish(&recv.call));
		EXPECT_EQ(0, memcmp(self->got, self->sent, variant->size));

		poison(self->got, sizeof(self->got));
		send.try = false;
		recv.try = true;
		if (variant->cap)
			EXPECT_EQ(1, run(&send));
		park(&send);
		EXPECT_EQ(1, run(&recv));
		EXPECT_EQ(1, call_finish(&send.call));
		if (variant->cap)
			EXPECT_EQ(1, run(&recv));
		EXPECT_EQ(0, memcmp(self->got, self->sent, variant->size));
		EXPECT_TRUE(all_bytes(self->got + variant->size,
				      sizeof(self->got) - variant->size, POISON));
	}
}

/* ---- order ---- */

TEST(a_buffered_channel_is_first_in_first_out)
{
	enum { N = 10 };
	int ch = make(8, N);
	uint64_t i, v;

	for (i = 0; i < N; i++)
		EXPECT_EQ(0, kchan_send(ch, &i, 8));
	for (i = 0; i < N; i++) {
		EXPECT_EQ(1, kchan_recv(ch, &v, 8));
		EXPECT_EQ(i, v);
	}
}

/**
 * struct link - a goroutine of a daisy chain
 * @ch: what all of them receive from.
 * @before: its turn comes with an element of this,
 * @after: and the next one's with one of that.
 * @expected: what it has to receive.
 */
struct link {
	int ch;
	int before;
	int after;
	uint64_t expected;
};

static void take_turn(void *arg)
{
	struct link *l = arg;
	uint64_t v;

	must(kchan_recv(l->before, NULL, 0));
	must(kchan_recv(l->ch, &v, 8));
	if (v != l->expected)
		die("%llu received instead of %llu", (unsigned long long)v,
		    (unsigned long long)l->expected);
	must(kchan_send(l->after, NULL, 0));
}

TEST(an_unbuffered_channel_is_first_in_first_out_for_those_who_take_turns)
{
	enum { N = 10 };
	struct link links[N];
	int ch = make(8, 0), first = make(0, 0), in = first, i;

	for (i = 0; i < N; i++) {
		links[i] = (struct link){ ch, in, make(0, 0), i };
		in = links[i].after;
		start(take_turn, &links[i]);
	}
	EXPECT_EQ(0, kchan_send(first, NULL, 0));
	for (i = 0; i < N; i++)
		EXPECT_EQ(0, kchan_send(ch, &(uint64_t){ i }, 8));
	EXPECT_EQ(1, kchan_recv(in, NULL, 0));
}

struct hop {
	int left;
	int right;
};

static void pass_left(void *arg)
{
	struct hop *h = arg;
	uint64_t v;

	must(kchan_recv(h->right, &v, 8));
	v++;
	must(kchan_send(h->left, &v, 8));
}

TEST(a_value_passes_a_long_chain_of_goroutines)
{
	enum { MOST = 1000 };
	static struct hop hops[MOST];
	int leftmost, right, n = scaled(MOST), i;
	uint64_t v = 0;

	raise_limit_of_files();
	leftmost = make(8, 0);
	right = leftmost;
	for (i = 0; i < n; i++) {
		hops[i] = (struct hop){ right, make(8, 0) };
		right = hops[i].right;
		start(pass_left, &hops[i]);
	}
	EXPECT_EQ(0, kchan_send(right, &v, 8));
	EXPECT_EQ(1, kchan_recv(leftmost, &v, 8));
	EXPECT_EQ(n, v);
}

/* ---- what a channel may carry, and how much of it ---- */

static void serve_squares(void *arg)
{
	int requests = *(int *)arg, reply;
	uint64_t v;

	while (must(kchan_recv(requests, &reply, sizeof(reply)))) {
		must(kchan_recv(reply, &v, 8));
		v *= v;
		must(kchan_send(reply, &v, 8));
	}
}

TEST(channels_carry_channels)
{
	int requests = make(sizeof(int), 0), reply, i;
	uint64_t v;

	start(serve_squares, &requests);
	for (i = 0; i < 10; i++) {
		reply = make(8, 0);
		v = i;
		EXPECT_EQ(0, kchan_send(requests, &reply, sizeof(reply)));
		EXPECT_EQ(0, kchan_send(reply, &v, 8));
		EXPECT_EQ(1, kchan_recv(reply, &v, 8));
		EXPECT_EQ(i * i, v);
		close(reply);
	}
	EXPECT_EQ(0, kchan_close(requests));
}

TEST(channels_carry_channels_of_channels)
{
	int outer = make(sizeof(int), 1), inner = make(sizeof(int), 1), innermost = make(8, 1);
	uint64_t v = 9;
	int got;

	EXPECT_EQ(0, kchan_send(outer, &inner, sizeof(inner)));
	EXPECT_EQ(0, kchan_send(inner, &innermost, sizeof(innermost)));
	EXPECT_EQ(0, kchan_send(innermost, &v, 8));
	EXPECT_EQ(1, kchan_recv(outer, &got, sizeof(got)));
	EXPECT_EQ(1, kchan_recv(got, &got, sizeof(got)));
	v = 0;
	EXPECT_EQ(1, kchan_recv(got, &v, 8));
	EXPECT_EQ(9, v);
}

TEST(elements_without_size_are_counted_like_others)
{
	size_t cap, i;
	int ch;

	for (cap = 0; cap < 4; cap++) {
		ch = make(0, cap);
		EXPECT_EQ(cap, kchan_cap(ch));
		for (i = 0; i < cap; i++) {
			EXPECT_EQ(i, kchan_len(ch));
			EXPECT_EQ(0, kchan_try_send(ch, NULL, 0));
		}
		EXPECT_EQ(-EAGAIN, or_errno(kchan_try_send(ch, NULL, 0)));
		for (i = 0; i < cap; i++)
			EXPECT_EQ(1, kchan_try_recv(ch, NULL, 0));
		EXPECT_EQ(-EAGAIN, or_errno(kchan_try_recv(ch, NULL, 0)));
		EXPECT_EQ(0, kchan_close(ch));
		EXPECT_EQ(0, kchan_recv(ch, NULL, 0));
	}
}

TEST(elements_without_size_meet_and_are_selected)
{
	int ch = make(0, 0);
	struct op op = { .ch = ch, .dir = KCHAN_RECV };
	struct kchan_case send = sending(ch, NULL, 0);
	unsigned int i;

	make_others();
	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		op.form = &forms[i];
		park(&op);
		EXPECT_EQ(0, kchan_try_select(&send, 1));
		EXPECT_EQ(1, call_finish(&op.call));
	}
}

TEST(len_and_cap_of_every_capacity)
{
	static const size_t caps[] = { 0, 1, 2, 10, 1000 };
	unsigned int i, n;
	int ch;

	for (i = 0; i < ARRAY_SIZE(caps); i++) {
		ch = make(8, caps[i]);
		EXPECT_EQ(caps[i], kchan_cap(ch));
		for (n = 0; n < caps[i] && n < 5; n++) {
			EXPECT_EQ(n, kchan_len(ch));
			EXPECT_EQ(0, kchan_send(ch, &(uint64_t){ n }, 8));
		}
		EXPECT_EQ(n, kchan_len(ch));
		EXPECT_EQ(caps[i], kchan_cap(ch));
	}
}

TEST(sizes_that_make_no_sense_are_refused)
{
	static const size_t sizes[] = { 0, 1, 8, 1 << 10, 1 << 20 };
	static const size_t caps[] = {
		(size_t)-1, (size_t)-1 >> 1, (size_t)1 << 63, (size_t)1 << 62, (size_t)1 << 40,
	};
	unsigned int s, c;

	for (s = 0; s < ARRAY_SIZE(sizes); s++)
		for (c = 0; c < ARRAY_SIZE(caps); c++)
			EXPECT_EQ(-ENOSPC, or_errno(kchan_make(sizes[s], caps[c], 0)));
	for (c = 0; c < ARRAY_SIZE(caps); c++)
		EXPECT_EQ(-ENOSPC, or_errno(kchan_make(caps[c], 1, 0)));
}

/* ---- range ---- */

static void count_up(void *arg)
{
	int ch = *(int *)arg;
	uint64_t i;

	for (i = 1; i <= 100; i++)
		must(kchan_send(ch, &i, 8));
	must(kchan_close(ch));
}

TEST(a_loop_over_a_channel_ends_when_it_is_closed_and_drained)
{
	static const size_t caps[] = { 0, 1, 7, 100 };
	uint64_t v, last;
	unsigned int i;
	int ch;

	for (i = 0; i < ARRAY_SIZE(caps); i++) {
		ch = make(8, caps[i]);
		last = 0;
		start(count_up, &ch);
		while (kchan_recv(ch, &v, 8) == 1)
			EXPECT_EQ(++last, v);
		EXPECT_EQ(100, last);
		EXPECT_EQ(0, v);
	}
}

TEST_HARNESS_MAIN
