// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory model of Go (go.dev/ref/mem, "Channel communication"): what two or more
 * tasks on two processors may take for granted of memory that they all see, because one
 * has sent, received or closed.
 */
#include "crew_test.h"

/* Two or more tasks on two processors, and memory that they all see. */
FIXTURE(memory)
{
	struct crew c;
	struct scene *s;
};

FIXTURE_VARIANT(memory)
{
	enum form send;
	enum form recv;
	bool processes;
};

FIXTURE_VARIANT_ADD(memory, plain) { PLAIN, PLAIN, false };
FIXTURE_VARIANT_ADD(memory, select) { SELECT, SELECT, false };
FIXTURE_VARIANT_ADD(memory, try_receive) { SELECT, TRY, false };
FIXTURE_VARIANT_ADD(memory, try_send) { TRY, SELECT, false };
FIXTURE_VARIANT_ADD(memory, try_receive_by_select) { PLAIN, TRY_SELECT, false };
FIXTURE_VARIANT_ADD(memory, try_send_by_select) { TRY_SELECT, PLAIN, false };
FIXTURE_VARIANT_ADD(memory, plain_processes) { PLAIN, PLAIN, true };
FIXTURE_VARIANT_ADD(memory, select_processes) { SELECT, SELECT, true };
FIXTURE_VARIANT_ADD(memory, try_processes) { PLAIN, TRY, true };

#define CLOSES		1000	/* at most */
#define PLACES		16

/* Plain memory: what makes it safe to use is the channel alone. */
struct place {
	uint64_t word[8];
} __attribute__((aligned(64)));

struct scene {
	enum form send;
	enum form recv;
	int ch;
	uint32_t cap;
	uint32_t letters;
	struct place place[PLACES];
	/* For those who close. */
	uint32_t closes;
	int door[CLOSES];
	struct place behind[CLOSES];
	struct beacon at_door;
	/* For those who count. */
	struct beacon started;
	uint32_t inside;
	uint32_t most_inside;
	uint32_t entries;
	struct place unprotected;
};

FIXTURE_SETUP(memory)
{
	set_up();
	self->c.processes = variant->processes;
	self->s = shared_alloc(sizeof(*self->s));
	self->s->send = variant->send;
	self->s->recv = variant->recv;
	self->s->letters = scaled(2500);
	self->s->closes = scaled(CLOSES);
	self->s->entries = scaled(1000);
}

FIXTURE_TEARDOWN(memory)
{
	expect_empty_queues(_metadata);
}

static void write_place(struct place *p, uint64_t v)
{
	int i;

	for (i = 7; i >= 0; i--)
		p->word[i] = v;
}

static void check_place(const struct place *p, uint64_t v)
{
	int i;

	for (i = 0; i < 8; i++)
		if (p->word[i] != v)
			die("word %d is %llu instead of %llu", i, (unsigned long long)p->word[i],
			    (unsigned long long)v);
}

static void on_channel(struct crew *c, struct scene *s, uint32_t cap)
{
	memset(s->place, 0, sizeof(s->place));
	s->cap = cap;
	s->ch = new_chan(8, cap);
	c->n = 0;
}

static void write_and_send(void *arg)
{
	struct scene *s = arg;
	uint64_t i;

	run_on(0);
	for (i = 1; i <= s->letters; i++) {
		write_place(&s->place[i % PLACES], i);
		send_by(s->send, s->ch, i);
	}
}

static void receive_and_read(void *arg)
{
	struct scene *s = arg;
	uint64_t i, v;

	run_on(1);
	for (i = 1; i <= s->letters; i++) {
		if (recv_by(s->recv, s->ch, &v) != 1 || v != i)
			die("not the element that was sent");
		check_place(&s->place[i % PLACES], i);
	}
}

/* M1. */
TEST_F(memory, what_was_written_before_a_send_is_read_after_its_receive)
{
	uint32_t cap;

	for (cap = 0; cap <= 10; cap += 5) {
		on_channel(&self->c, self->s, cap);
		hire(&self->c, write_and_send, self->s);
		hire(&self->c, receive_and_read, self->s);
		await_crew(&self->c);
	}
}

static void write_and_close(void *arg)
{
	struct scene *s = arg;
	uint32_t i;

	run_on(0);
	for (i = 0; i < s->closes; i++) {
		spin_until(&s->at_door, i + 1);
		/* Half of the time let the other one park. */
		if (i % 2 && (s->recv == PLAIN || s->recv == SELECT))
			wait_parked(s->door[i], 1, 0);
		dawdle(jitter(i));
		write_place(&s->behind[i], i + 1);
		must(kchan_close(s->door[i]));
	}
}

static void find_closed_and_read(void *arg)
{
	struct scene *s = arg;
	uint64_t v;
	uint32_t i;

	run_on(1);
	for (i = 0; i < s->closes; i++) {
		__atomic_store_n(&s->at_door.n, i + 1, __ATOMIC_RELEASE);
		if (recv_by(s->recv, s->door[i], &v) || v)
			die("an element instead of the end");
		check_place(&s->behind[i], i + 1);
	}
}

/* M2. */
TEST_F(memory, what_was_written_before_a_close_is_read_after_the_receive_that_finds_it)
{
	struct scene *s = self->s;
	uint32_t i;

	raise_limit_of_files();
	for (i = 0; i < s->closes; i++)
		s->door[i] = new_chan(8, i % 3);
	hire(&self->c, write_and_close, s);
	hire(&self->c, find_closed_and_read, s);
	await_crew(&self->c);
}

static void write_and_receive(void *arg)
{
	struct scene *s = arg;
	uint64_t i, v;

	run_on(0);
	for (i = 1; i <= s->letters; i++) {
		write_place(&s->place[i % 2], i);
		if (recv_by(s->recv, s->ch, &v) != 1 || v != i)
			die("not the element that was sent");
	}
}

static void send_and_read(void *arg)
{
	struct scene *s = arg;
	uint64_t i;

	run_on(1);
	for (i = 1; i <= s->letters; i++) {
		send_by(s->send, s->ch, i);
		check_place(&s->place[i % 2], i);
	}
}

/* M3. */
TEST_F(memory, what_was_written_before_a_receive_is_read_after_its_unbuffered_send)
{
	on_channel(&self->c, self->s, 0);
	hire(&self->c, write_and_receive, self->s);
	hire(&self->c, send_and_read, self->s);
	await_crew(&self->c);
}

/* The fewest with which a place is free again when its turn comes. */
static struct place *place_of(struct scene *s, uint64_t i)
{
	return &s->place[i % (s->cap + 2)];
}

static void fill_places(void *arg)
{
	struct scene *s = arg;
	uint64_t i;

	run_on(0);
	for (i = 1; i <= s->letters; i++) {
		check_place(place_of(s, i), 0);
		write_place(place_of(s, i), i);
		send_by(s->send, s->ch, i);
	}
}

static void empty_places(void *arg)
{
	struct scene *s = arg;
	uint64_t i, v;

	run_on(1);
	for (i = 1; i <= s->letters; i++) {
		if (recv_by(s->recv, s->ch, &v) != 1 || v != i)
			die("not the element that was sent");
		check_place(place_of(s, i), i);
		write_place(place_of(s, i), 0);
	}
}

/* M4: receive k comes before the end of send k + cap. */
TEST_F(memory, a_send_that_ends_tells_that_the_receiver_is_not_further_behind_than_the_buffer)
{
	uint32_t cap;

	for (cap = 0; cap <= 3; cap++) {
		on_channel(&self->c, self->s, cap);
		hire(&self->c, fill_places, self->s);
		hire(&self->c, empty_places, self->s);
		await_crew(&self->c);
	}
}

#define INSIDERS	4

static void note_the_most(struct scene *s, uint32_t inside)
{
	uint32_t most = __atomic_load_n(&s->most_inside, __ATOMIC_RELAXED);

	while (inside > most &&
	       !__atomic_compare_exchange_n(&s->most_inside, &most, inside, false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

/* What a semaphore lets in, or whom a mutex keeps out, if who is kept out parks. */
static bool has_company(const struct scene *s)
{
	if (s->cap > 1)
		return __atomic_load_n(&s->most_inside, __ATOMIC_RELAXED) > 1;
	return s->send == TRY || s->send == TRY_SELECT || ch_info(s->ch).send_parks;
}

/*
 * Who is inside has an element there, so that its receive need not wait. The first of all waits
 * for the others to come: on a starved processor it could be through before they begin.
 */
static void enter_and_leave(void *arg)
{
	struct scene *s = arg;
	uint64_t v, i, n;

	run_on(__atomic_fetch_add(&s->started.n, 1, __ATOMIC_RELAXED) % 2);
	spin_until(&s->started, INSIDERS);
	for (i = 0; i < s->entries; i++) {
		send_by(s->send, s->ch, i);
		note_the_most(s, __atomic_add_fetch(&s->inside, 1, __ATOMIC_RELAXED));
		n = s->unprotected.word[0];
		if (!i && !eventually(has_company(s)))
			die("nobody else has come");
		if (i % 8 == 0)
			sched_yield();
		dawdle(jitter(i));
		s->unprotected.word[0] = n + 1;
		__atomic_sub_fetch(&s->inside, 1, __ATOMIC_RELAXED);
		if (recv_once(s->recv, s->ch, &v) != 1)
			die("who leaves finds nobody inside");
	}
}

static void let_them_in(struct crew *c, struct scene *s, uint32_t cap)
{
	int i;

	on_channel(c, s, cap);
	for (i = 0; i < INSIDERS; i++)
		hire(c, enter_and_leave, s);
	await_crew(c);
}

TEST_F(memory, a_buffer_of_one_is_a_mutex)
{
	let_them_in(&self->c, self->s, 1);
	EXPECT_EQ(1, self->s->most_inside);
	EXPECT_EQ(INSIDERS * self->s->entries, self->s->unprotected.word[0]);
}

TEST_F(memory, a_buffer_of_three_is_a_semaphore)
{
	let_them_in(&self->c, self->s, 3);
	EXPECT_GE(3, self->s->most_inside);
	EXPECT_EQ(0, self->s->inside);
	EXPECT_EQ(INSIDERS * self->s->entries, ch_info(self->s->ch).receives);
}

TEST_HARNESS_MAIN
