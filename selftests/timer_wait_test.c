// SPDX-License-Identifier: GPL-2.0-only
/* Who waits on a timer channel: in a receive, in a select, and in other processes. */
#include "chan_test.h"

#define FAR	(3600 * SEC)

static int far_timer(void)
{
	return ch_timer_at(now_ns() + FAR);
}

static bool not_due(int ch)
{
	return try_recv64(ch) == UINT64_MAX && errno == EAGAIN;
}

/* ---- several receivers ---- */

TEST(one_time_goes_to_the_oldest_of_several_receivers)
{
	int ch = far_timer(), i;
	struct task t[4];
	uint64_t when;

	for (i = 0; i < 4; i++)
		park_recv64(&t[i], ch);
	for (i = 0; i < 4; i++) {
		when = now_ns() + 5 * MS;
		EXPECT_EQ(!i, ch_timer_reset(ch, when));
		EXPECT_EQ(9, task_join(&t[i]));
		EXPECT_EQ(when, t[i].value);
		EXPECT_EQ(3 - i, ch_info(ch).recvq);
	}
	EXPECT_EQ(0, ch_info(ch).aborts);
}

/* The next tick is for the next receiver, without anybody's help. */
TEST(the_ticks_of_a_ticker_go_round_the_receivers_in_order)
{
	int ch = ch_ticker_at(CHAN_FOREVER, MS), i;
	uint64_t first, last = 0;
	struct task t[4];

	for (i = 0; i < 4; i++)
		park_recv64(&t[i], ch);
	first = now_ns() + MS;
	EXPECT_EQ(0, ch_ticker_reset(ch, first, 2 * MS));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(9, task_join(&t[i]));
		EXPECT_EQ(0, (t[i].value - first) % (2 * MS));
		EXPECT_LT(last, t[i].value);
		last = t[i].value;
	}
	EXPECT_EQ(first, t[0].value);
}

static long recv_until_its_deadline(struct task *t)
{
	return ch_recv_until(t->fd, &t->value, 8, t->deadline);
}

/* On a slow machine the oldest may still be there when the time has come. */
static void expect_one_of(struct __test_metadata *_metadata, struct task *old,
			  struct task *next, uint64_t when, long err)
{
	long ret = task_join(old);

	if (ret == 9) {
		EXPECT_EQ(when, old->value);
		EXPECT_EQ(1, ch_info(old->fd).recvq);
		EXPECT_EQ(0, ch_timer_reset(old->fd, when));
	} else {
		EXPECT_EQ(err, ret);
	}
	EXPECT_EQ(9, task_join(next));
	EXPECT_EQ(when, next->value);
}

TEST(when_the_deadline_of_the_oldest_passes_the_next_one_gets_the_time)
{
	uint64_t when = now_ns() + 3 * SEC;
	struct task a, b;
	int ch = ch_timer_at(CHAN_FOREVER);

	a = (struct task){ .fd = ch, .deadline = when - SEC };
	park_receiver(&a, recv_until_its_deadline);
	park_recv64(&b, ch);
	must(ch_timer_reset(ch, when));
	expect_one_of(_metadata, &a, &b, when, -ETIMEDOUT);
}

TEST(when_a_signal_ends_the_oldest_the_next_one_gets_the_time)
{
	struct task a, b;
	uint64_t when;
	int ch = far_timer();

	catch(SIGUSR1, 0);
	park_recv64(&a, ch);
	park_recv64(&b, ch);
	when = now_ns() + 400 * MS;
	EXPECT_EQ(1, ch_timer_reset(ch, when));
	pthread_kill(a.thread, SIGUSR1);
	expect_one_of(_metadata, &a, &b, when, -EINTR);
}

struct child_receiver {
	int ch;
	uint64_t *got;
};

static int receive_into(void *arg)
{
	struct child_receiver *r = arg;

	*r->got = recv64(r->ch);
	return 0;
}

TEST(when_the_oldest_is_killed_the_others_get_the_times)
{
	uint64_t *got = shared_alloc(4096), when;
	int ch = far_timer(), i;
	pid_t pid[3];

	for (i = 0; i < 3; i++) {
		struct child_receiver r = { ch, got + i };

		pid[i] = child_start(receive_into, &r);
		wait_parked(ch, i + 1, 0);
	}
	when = now_ns() + 3 * SEC;
	EXPECT_EQ(1, ch_timer_reset(ch, when));
	if (!child_kill(pid[0])) {
		/* So slow that it had got it. */
		EXPECT_EQ(when, got[0]);
		EXPECT_EQ(0, ch_timer_reset(ch, when));
	}
	EXPECT_EQ(0, child_wait(pid[1]));
	EXPECT_EQ(when, got[1]);
	wait_parked(ch, 1, 0);
	EXPECT_EQ(0, ch_timer_reset(ch, 5));
	EXPECT_EQ(0, child_wait(pid[2]));
	EXPECT_EQ(5, got[2]);
}

TEST(a_signal_without_sa_restart_ends_a_receive_and_leaves_the_timer)
{
	int ch = far_timer();
	struct task t;

	catch(SIGUSR1, 0);
	park_recv64(&t, ch);
	pthread_kill(t.thread, SIGUSR1);
	EXPECT_EQ(-EINTR, task_join(&t));
	EXPECT_TRUE(all_bytes(&t.value, 8, POISON));
	EXPECT_EQ(0, ch_info(ch).recvq);
	EXPECT_EQ(1, ch_timer_stop(ch));
}

TEST(a_signal_with_sa_restart_leaves_the_receive_and_the_timer)
{
	int ch = far_timer();
	struct task t;

	catch(SIGUSR1, SA_RESTART);
	park_recv64(&t, ch);
	pthread_kill(t.thread, SIGUSR1);
	EXPECT_TRUE(eventually(ch_info(ch).recv_parks == 2));
	EXPECT_EQ(1, handled);
	wait_parked(ch, 1, 0);
	EXPECT_EQ(1, ch_timer_reset(ch, 6));
	EXPECT_EQ(9, task_join(&t));
	EXPECT_EQ(6, t.value);
}

/* ---- select ---- */

TEST(a_select_cannot_send_to_a_timer)
{
	uint64_t v = 3;
	struct chan_case c = {
		.ch = ch_timer_at(1), .dir = CHAN_DIR_SEND, .elem = (uintptr_t)&v, .size = 8,
	};

	EXPECT_EQ(-EBADF, ch_select(c.ch, &c, 1));
	EXPECT_EQ(-EBADF, c.ok);
	EXPECT_EQ(1, recv64(c.ch));
}

static long pick_two(struct task *t)
{
	struct chan_case *c = t->buf;

	return ch_select(t->fd, c, 2);
}

/* Go's select with time.After(). */
TEST(a_timer_bounds_a_select)
{
	uint64_t v, stamp, when = now_ns() + 20 * MS;
	int data = ch_make(8, 0, 0), ch = ch_timer_at(when);
	struct chan_case c[] = { sel_recv(data, &v, 8), sel_recv(ch, &stamp, 8) };

	poison(&v, 8);
	EXPECT_EQ(1, ch_select(ch, c, 2));
	EXPECT_EQ(when, stamp);
	EXPECT_LE(when, now_ns());
	EXPECT_EQ(1, c[1].ok);
	EXPECT_EQ(8, c[1].len);
	EXPECT_TRUE(all_bytes(&v, 8, POISON));
	EXPECT_EQ(0, ch_info(data).recvq);
	EXPECT_EQ(0, ch_timer_stop(ch));
}

TEST(data_that_comes_first_leaves_the_timer_active)
{
	uint64_t v, stamp;
	int data = ch_make(8, 0, 0), ch = far_timer();
	struct chan_case c[] = { sel_recv(ch, &stamp, 8), sel_recv(data, &v, 8) };
	struct task t = { .fd = data, .buf = c };

	poison(&stamp, 8);
	park_receiver(&t, pick_two);
	EXPECT_EQ(1, ch_info(ch).recvq);
	EXPECT_EQ(0, try_send64(data, 3));
	EXPECT_EQ(1, task_join(&t));
	EXPECT_EQ(3, v);
	EXPECT_TRUE(all_bytes(&stamp, 8, POISON));
	EXPECT_EQ(0, ch_info(ch).recvq);
	EXPECT_EQ(1, ch_timer_stop(ch));
}

TEST(a_timer_that_loses_a_select_keeps_its_time)
{
	int data = ch_make(8, 1, 0), ch = ch_timer_at(CHAN_FOREVER);
	uint64_t v, stamp, i, won = 0;
	struct chan_case c[] = { sel_recv(ch, &stamp, 8), sel_recv(data, &v, 8) };
	long which;

	for (i = 0; i < 100; i++) {
		must(ch_timer_reset(ch, i));
		must(try_send64(data, i));
		which = ch_select(ch, c, 2);
		won += !which;
		ASSERT_EQ(i, which ? v : stamp);
		ASSERT_EQ(i, try_recv64(which ? ch : data));
		ASSERT_TRUE(not_due(ch));
	}
	EXPECT_LT(0, won);
	EXPECT_GT(100, won);
}

TEST(a_select_with_default_sees_a_timer_that_is_due)
{
	uint64_t stamp;
	int ch = far_timer();
	struct chan_case c[] = { sel_recv(CHAN_NIL, NULL, 0), sel_recv(ch, &stamp, 8) };

	EXPECT_EQ(-EAGAIN, ch_try_select(ch, c, 2));
	must(ch_timer_reset(ch, 9));
	EXPECT_EQ(1, ch_try_select(ch, c, 2));
	EXPECT_EQ(9, stamp);
	EXPECT_EQ(-EAGAIN, ch_try_select(ch, c, 2));
}

TEST(of_a_timer_and_a_deadline_the_earlier_one_ends_a_select)
{
	uint64_t stamp, when = now_ns() + 20 * MS;
	int ch = ch_timer_at(when);
	struct chan_case c[] = { sel_recv(ch, &stamp, 8) };

	EXPECT_EQ(0, ch_select_until(ch, c, 1, when + FAR));
	EXPECT_EQ(when, stamp);
	must(ch_timer_reset(ch, now_ns() + FAR));
	when = now_ns() + 20 * MS;
	EXPECT_EQ(-ETIMEDOUT, ch_select_until(ch, c, 1, when));
	EXPECT_LE(when, now_ns());
	EXPECT_EQ(1, ch_timer_reset(ch, 5));
	/* The deadline has passed, which means to try once. */
	EXPECT_EQ(0, ch_select_until(ch, c, 1, 1));
	EXPECT_EQ(5, stamp);
	EXPECT_EQ(-ETIMEDOUT, ch_select_until(ch, c, 1, 1));
}

TEST(a_timer_may_be_in_a_select_twice)
{
	uint64_t a, b, when = now_ns() + 10 * MS;
	int ch = ch_timer_at(when);
	struct chan_case c[] = { sel_recv(ch, &a, 8), sel_recv(ch, &b, 8) };

	EXPECT_EQ(when, ch_select(ch, c, 2) ? b : a);
	EXPECT_TRUE(not_due(ch));
	EXPECT_EQ(0, ch_info(ch).recvq);
}

TEST(reset_reaches_a_select_that_is_parked)
{
	uint64_t a, b, when;
	int slow = far_timer(), ch = ch_timer_at(CHAN_FOREVER);
	struct chan_case c[] = { sel_recv(slow, &a, 8), sel_recv(ch, &b, 8) };
	struct task t = { .fd = ch, .buf = c };

	park_receiver(&t, pick_two);
	when = now_ns() + 10 * MS;
	EXPECT_EQ(0, ch_timer_reset(ch, when));
	EXPECT_EQ(1, task_join(&t));
	EXPECT_EQ(when, b);
	EXPECT_EQ(0, ch_info(slow).recvq);
	EXPECT_EQ(1, ch_timer_stop(slow));
}

TEST(selects_and_receives_take_their_turns_on_a_timer)
{
	int ch = ch_timer_at(CHAN_FOREVER), quiet = ch_make(8, 0, 0), i;
	uint64_t v[2];
	struct chan_case c[2][2] = {
		{ sel_recv(quiet, NULL, 0), sel_recv(ch, &v[0], 8) },
		{ sel_recv(ch, &v[1], 8), sel_recv(quiet, NULL, 0) },
	};
	struct task t[3];

	for (i = 0; i < 3; i++) {
		t[i] = (struct task){ .fd = ch, .buf = c[i / 2] };
		park_receiver(&t[i], i == 1 ? task_do_recv64 : pick_two);
	}
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, ch_timer_reset(ch, i));
		EXPECT_EQ(i == 0 ? 1 : i == 1 ? 9 : 0, task_join(&t[i]));
		wait_parked(ch, 2 - i, 0);
	}
	EXPECT_EQ(0, v[0]);
	EXPECT_EQ(1, t[1].value);
	EXPECT_EQ(2, v[1]);
	EXPECT_EQ(0, ch_info(quiet).recvq);
}

/* Who claims a select through another channel must not take the time with it. */
TEST(a_time_for_a_select_that_is_taken_elsewhere_goes_to_the_next_receiver)
{
	int ch = ch_timer_at(CHAN_FOREVER), data = ch_make(8, 0, 0), i, both = 0;
	struct chan_case c[2];
	uint64_t v, stamp;
	struct task s, r;
	long which;

	for (i = 0; i < 100; i++) {
		c[0] = sel_recv(data, &v, 8);
		c[1] = sel_recv(ch, &stamp, 8);
		s = (struct task){ .fd = ch, .buf = c };
		park_receiver(&s, pick_two);
		park_recv64(&r, ch);
		must(ch_timer_reset(ch, now_ns() + i * 5000));
		which = try_send64(data, i);
		ASSERT_TRUE(!which || which == -EAGAIN);
		both += !which;
		ASSERT_EQ(!!which, task_join(&s));
		/* The select had the time: one more for the receiver. */
		if (which)
			must(ch_timer_reset(ch, 1));
		ASSERT_EQ(9, task_join(&r));
		ASSERT_EQ(0, ch_timer_stop(ch));
	}
	EXPECT_LT(0, both);
}

#define MANY	1000

/* As many timers as @MANY, of which only each 97th will come. */
static struct chan_case *many_timers(uint64_t *stamps, uint64_t *when)
{
	struct rlimit files = { 3 * MANY, 3 * MANY };
	struct chan_case *c = calloc(MANY, sizeof(*c));
	int i;

	if (setrlimit(RLIMIT_NOFILE, &files))
		return NULL;
	for (i = 0; i < MANY; i++) {
		when[i] = now_ns() + (i % 97 ? FAR : (i * 7 % 11 + 1) * 20 * MS);
		c[i] = sel_recv(ch_timer_at(when[i]), &stamps[i], 8);
	}
	return c;
}

TEST(a_thousand_timers_in_one_select)
{
	static uint64_t stamps[MANY], when[MANY];
	struct chan_case *c = many_timers(stamps, when);
	int ctl = chanctl(), fired = 0;
	long i;

	if (!c)
		SKIP(return, "no limit of %d files", 3 * MANY);
	poison(stamps, sizeof(stamps));
	while (fired < (MANY + 96) / 97) {
		i = ch_select(ctl, c, MANY);
		ASSERT_LE(0, i);
		ASSERT_EQ(0, i % 97);
		ASSERT_EQ(when[i], stamps[i]);
		ASSERT_LE(when[i], now_ns());
		c[i].ch = CHAN_NIL;
		fired++;
	}
	EXPECT_EQ(-EAGAIN, ch_try_select(ctl, c, MANY));
	for (i = 0; i < MANY; i++)
		if (i % 97)
			ASSERT_TRUE(all_bytes(&stamps[i], 8, POISON));
	EXPECT_EQ(0, ch_info(c[1].ch).recvq);
	EXPECT_EQ(1, ch_timer_reset(c[777].ch, 4));
	EXPECT_EQ(777, ch_select(ctl, c, MANY));
	EXPECT_EQ(4, stamps[777]);
}

/* ---- nothing stale: one thread sets, others take ---- */

#define SETTINGS	1500

/**
 * struct contest - one who sets a timer, and those who take its times
 * @oldest: no receive that begins now may yield an earlier time.
 * @when: the times it was set to, ascending.
 * @active: what the next stop or reset said.
 * @taken: how often each was received.
 */
struct contest {
	int ch;
	int quiet;
	bool over;
	bool ticked;
	uint64_t oldest;
	size_t n;
	uint64_t when[SETTINGS];
	long active[SETTINGS];
	uint32_t taken[SETTINGS];
};

struct taker {
	struct contest *c;
	long (*take)(struct contest *c, uint64_t *v);
	uint64_t got[SETTINGS];
	size_t n;
};

static long take_by_receive(struct contest *c, uint64_t *v)
{
	return ch_recv_until(c->ch, v, 8, now_ns() + MS) == 9;
}

static long take_by_trying(struct contest *c, uint64_t *v)
{
	return ch_try_recv(c->ch, v, 8) == 9;
}

static long take_by_select(struct contest *c, uint64_t *v)
{
	struct chan_case cases[] = { sel_recv(c->quiet, NULL, 0), sel_recv(c->ch, v, 8) };

	return ch_select_until(c->ch, cases, 2, now_ns() + MS) == 1;
}

static long take_after_poll(struct contest *c, uint64_t *v)
{
	struct pollfd p = { .fd = c->ch, .events = POLLIN };

	return poll(&p, 1, 2) == 1 && ch_try_recv(c->ch, v, 8) == 9;
}

static long take_all(struct task *t)
{
	struct taker *k = t->buf;
	struct contest *c = k->c;
	uint64_t v, oldest;

	pin_to(1);
	while (!__atomic_load_n(&c->over, __ATOMIC_ACQUIRE)) {
		oldest = __atomic_load_n(&c->oldest, __ATOMIC_ACQUIRE);
		if (!k->take(c, &v))
			continue;
		if (v < oldest || v > now_ns() || k->n == SETTINGS)
			die("stale or early: %llu", (unsigned long long)v);
		k->got[k->n++] = v;
	}
	return 0;
}

/* Sets and stops; returns how often a time was taken back. */
static int set_and_stop(struct contest *c)
{
	unsigned int seed = 1;
	int back = 0, i;
	long was;

	for (i = 0; i < SETTINGS; i++) {
		c->when[i] = now_ns() + rand_r(&seed) % 300000;
		if (i && c->when[i] <= c->when[i - 1])
			c->when[i] = c->when[i - 1] + 1;
		was = must(ch_timer_reset(c->ch, c->when[i]));
		if (i && c->active[i - 1] < 0)
			c->active[i - 1] = was;
		else if (was)
			die("active after it was stopped");
		__atomic_store_n(&c->oldest, c->when[i], __ATOMIC_RELEASE);
		linger(rand_r(&seed) % 600000);
		/* Those who take may have no processor for long: they get this one. */
		if (i == SETTINGS - 2 && !eventually(ch_info(c->ch).receives))
			die("nobody takes a time");
		c->active[i] = i % 4 && i < SETTINGS - 1 ? -1 : must(ch_timer_stop(c->ch));
	}
	for (i = 0; i < SETTINGS; i++)
		back += c->active[i];
	return back;
}

static void count_taken(struct contest *c, const struct taker *k)
{
	size_t i, lo, hi, mid;

	for (i = 0; i < k->n; i++) {
		for (lo = 0, hi = SETTINGS; hi - lo > 1;) {
			mid = (lo + hi) / 2;
			if (c->when[mid] <= k->got[i])
				lo = mid;
			else
				hi = mid;
		}
		if (c->when[lo] != k->got[i])
			die("never set: %llu", (unsigned long long)k->got[i]);
		c->taken[lo]++;
	}
}

FIXTURE(contest)
{
	struct contest c;
	struct taker k[2];
};

FIXTURE_VARIANT(contest)
{
	long (*take)(struct contest *c, uint64_t *v);
};

FIXTURE_VARIANT_ADD(contest, by_receive) { .take = take_by_receive };
FIXTURE_VARIANT_ADD(contest, by_trying) { .take = take_by_trying };
FIXTURE_VARIANT_ADD(contest, by_select) { .take = take_by_select };
FIXTURE_VARIANT_ADD(contest, after_poll) { .take = take_after_poll };

FIXTURE_SETUP(contest)
{
	self->c.ch = ch_timer_at(CHAN_FOREVER);
	self->c.quiet = ch_make(8, 0, 0);
	ASSERT_LE(0, self->c.quiet);
}

FIXTURE_TEARDOWN(contest)
{
	close(self->c.ch);
	close(self->c.quiet);
}

/* A time is received once, or taken back by stop or reset, which say so. */
TEST_F(contest, every_time_is_either_received_or_taken_back)
{
	struct contest *c = &self->c;
	struct task t[2];
	int i, back;

	for (i = 0; i < 2; i++) {
		self->k[i] = (struct taker){ .c = c, .take = variant->take };
		t[i] = (struct task){ .buf = &self->k[i] };
		task_start(&t[i], take_all);
	}
	pin_to(0);
	back = set_and_stop(c);
	__atomic_store_n(&c->over, true, __ATOMIC_RELEASE);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(0, task_join(&t[i]));
		count_taken(c, &self->k[i]);
	}
	for (i = 0; i < SETTINGS; i++)
		ASSERT_EQ(1, c->taken[i] + c->active[i]) TH_LOG("setting %d", i);
	TH_LOG("%d of %d taken back", back, SETTINGS);
	EXPECT_LT(0, back);
	EXPECT_GT(SETTINGS, back);
	EXPECT_EQ(SETTINGS - back, ch_info(c->ch).receives);
}

static long take_ticks(struct task *t)
{
	struct contest *c = t->buf;
	uint64_t v, oldest;
	long n = 0;

	pin_to(1);
	while (!__atomic_load_n(&c->over, __ATOMIC_ACQUIRE)) {
		oldest = __atomic_load_n(&c->oldest, __ATOMIC_ACQUIRE);
		if (!take_by_receive(c, &v))
			continue;
		if (v < oldest || v > now_ns())
			die("a stale or early tick: %llu", (unsigned long long)v);
		__atomic_store_n(&c->ticked, true, __ATOMIC_RELEASE);
		n++;
	}
	return n;
}

TEST_F(contest, no_stale_tick_follows_the_reset_of_a_ticker)
{
	struct contest *c = &self->c;
	uint64_t first = 0, next;
	struct task t[2];
	int i;

	c->ch = ch_ticker_at(CHAN_FOREVER, MS);
	for (i = 0; i < 2; i++) {
		t[i] = (struct task){ .buf = c };
		task_start(&t[i], take_ticks);
	}
	pin_to(0);
	/* The processor of those who take may be away for longer than that takes. */
	for (i = 0; i < 300 || !__atomic_load_n(&c->ticked, __ATOMIC_ACQUIRE); i++) {
		next = now_ns() + i % 7 * 20000;
		/* Never earlier than the last one: that would look like a stale one. */
		first = next > first ? next : first;
		must(ch_ticker_reset(c->ch, first, 30000 + i % 300));
		__atomic_store_n(&c->oldest, first, __ATOMIC_RELEASE);
		linger(i % 11 * 50000);
	}
	__atomic_store_n(&c->over, true, __ATOMIC_RELEASE);
	EXPECT_LT(0, task_join(&t[0]) + task_join(&t[1]));
}

/* ---- views and other processes ---- */

TEST(a_view_is_the_same_timer)
{
	uint64_t v;
	int ch = far_timer(), view = ch_dup(ch, O_RDONLY | O_NONBLOCK);

	ASSERT_LE(0, view);
	EXPECT_EQ(-EBADF, ch_dup(ch, O_RDWR));
	EXPECT_EQ(-EBADF, ch_dup(ch, O_WRONLY));
	EXPECT_EQ(ch_info(ch).id, ch_info(view).id);
	EXPECT_EQ(2, ch_info(ch).receivers);
	EXPECT_EQ(-EAGAIN, ch_recv(view, &v, 8));
	EXPECT_EQ(1, ch_timer_reset(view, 5));
	EXPECT_EQ(5, recv64(ch));
	EXPECT_EQ(0, ch_timer_reset(ch, 6));
	close(ch);
	EXPECT_EQ(6, recv64(view));
}

TEST(a_forked_child_shares_the_timer)
{
	uint64_t *got = shared_alloc(4096);
	struct child_receiver r = { far_timer(), got };
	pid_t pid = child_start(receive_into, &r);

	wait_parked(r.ch, 1, 0);
	EXPECT_EQ(1, ch_timer_reset(r.ch, 8));
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(8, *got);
	EXPECT_EQ(0, ch_timer_stop(r.ch));
}

static int reset_what_comes(void *arg)
{
	int *sock = arg;
	int ch = take_fd(sock[1]);

	return ch_timer_reset(ch, 8) == 1 ? 0 : 1;
}

TEST(a_timer_can_be_passed_to_another_process)
{
	int sock[2], ch;
	struct task t;
	pid_t pid;

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	pid = child_start(reset_what_comes, sock);
	ch = far_timer();
	park_recv64(&t, ch);
	pass_fd(sock[0], ch);
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(9, task_join(&t));
	EXPECT_EQ(8, t.value);
}

struct shifted {
	int soon;
	int mine;
	uint64_t when;
	int64_t shift;
};

/* Times are in the clock of who sets and of who receives. */
static int in_shifted_time(void *arg)
{
	struct shifted *s = arg;
	uint64_t when = now_ns() + 20 * MS;
	int ch = ch_timer_at(when);

	if (recv64(ch) != when || now_ns() < when)
		return 1;
	if (recv64(s->soon) != s->when + s->shift || now_ns() < s->when + s->shift)
		return 2;
	/* By the parent's clock, that would be far away. */
	must(ch_timer_reset(s->mine, now_ns() + 20 * MS));
	return 0;
}

TEST(in_a_time_namespace_times_are_in_its_own_clock)
{
	struct shifted s = { .shift = 100000 * SEC, .mine = ch_timer_at(CHAN_FOREVER) };
	pid_t pid;
	int ret;

	s.when = now_ns() + 100 * MS;
	s.soon = ch_timer_at(s.when);
	pid = child_fork();
	if (!pid) {
		if (unshare(CLONE_NEWTIME) || shift_time("monotonic 100000 0\n") < 0)
			_exit(KSFT_SKIP);
		_exit(child_wait(child_start(in_shifted_time, &s)));
	}
	ret = child_wait(pid);
	if (ret == KSFT_SKIP)
		SKIP(return, "no time namespaces here");
	EXPECT_EQ(0, ret);
	EXPECT_LE(recv64(s.mine), now_ns());
}

/* ---- a timer that somebody sets all the time ---- */

/* On a processor of its own, so that nobody who wants one gets it. */
static long set_all_the_time(struct task *t)
{
	pin_to(0);
	while (!__atomic_load_n(&t->value, __ATOMIC_RELAXED))
		ch_timer_reset(t->fd, t->deadline);
	return 0;
}

/* The timer, and another that nobody sets, in as many cases as there may be: to look takes long. */
FIXTURE(set_timer)
{
	int timer;
	struct chan_case *cases;
	uint32_t n;
	struct task setter;
};

FIXTURE_SETUP(set_timer)
{
	int other = far_timer();
	uint32_t i;

	pin_to(1);
	self->timer = far_timer();
	self->n = ch_query(chanctl()).max_select_cases;
	self->cases = calloc(self->n, sizeof(*self->cases));
	self->cases[0] = sel_recv(self->timer, NULL, 0);
	for (i = 1; i < self->n; i++)
		self->cases[i] = sel_recv(other, NULL, 0);
	self->setter = (struct task){ .fd = self->timer, .deadline = now_ns() + FAR };
}

FIXTURE_TEARDOWN(set_timer)
{
	__atomic_store_n(&self->setter.value, 1, __ATOMIC_RELAXED);
	task_join(&self->setter);
}

TEST_F(set_timer, does_not_keep_a_select_from_being_killed)
{
	pid_t pid = child_fork();

	if (!pid)
		_exit(ch_select(chanctl(), self->cases, self->n) & 1);
	wait_parked(self->timer, 1, 0);
	task_start(&self->setter, set_all_the_time);
	linger(10 * MS);
	EXPECT_EQ(128 + SIGKILL, child_kill(pid));
}

TEST_F(set_timer, does_not_keep_a_select_from_its_deadline)
{
	struct task selector = {
		.fd = chanctl(), .buf = self->cases, .size = self->n,
		.deadline = now_ns() + 100 * MS,
	};

	task_start(&self->setter, set_all_the_time);
	task_start(&selector, task_do_select);
	EXPECT_EQ(-ETIMEDOUT, task_join(&selector));
}

TEST_F(set_timer, comes_to_an_end_though_another_one_sets_it)
{
	struct task selector = {
		.fd = chanctl(), .buf = self->cases, .size = self->n, .deadline = CHAN_FOREVER,
	};
	uint32_t i;

	for (i = 0; i < self->n; i++)
		self->cases[i] = sel_recv(self->timer, NULL, 0);
	task_start(&selector, task_do_select);
	wait_parked(self->timer, self->n, 0);
	/* Nobody is to look at a time that does not come, so to set that takes no time. */
	self->setter.deadline = CHAN_FOREVER;
	task_start(&self->setter, set_all_the_time);
	for (i = 0; i < 20; i++)
		must(ch_timer_reset(self->timer, now_ns() + FAR));
	__atomic_store_n(&self->setter.value, 1, __ATOMIC_RELAXED);
	task_join(&self->setter);
	must(ch_timer_reset(self->timer, now_ns()));
	EXPECT_LE(0, task_join(&selector));
	/* The fixture waits for one. */
	task_start(&self->setter, set_all_the_time);
}

TEST_HARNESS_MAIN
