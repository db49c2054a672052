// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timer channels: what they yield, and what stop and reset promise.  No time is required
 * to be short: only that nothing comes early, and the arithmetic of the times received.
 */
#include "chan_test.h"
#include <kchan.h>

#define FAR	(3600 * SEC)

static int far_timer(void)
{
	return ch_timer_at(now_ns() + FAR);
}

static bool not_due(int ch)
{
	return try_recv64(ch) == UINT64_MAX && errno == EAGAIN;
}

/* ---- what a timer yields ---- */

TEST(a_timer_yields_once_the_time_at_which_it_was_due)
{
	uint64_t when = now_ns() + 20 * MS;
	int ch = ch_timer_at(when);

	EXPECT_EQ(when, recv64(ch));
	EXPECT_LE(when, now_ns());
	EXPECT_TRUE(not_due(ch));
}

/* Go's TestAfterTimes. */
TEST(received_late_it_still_yields_the_time_at_which_it_was_due)
{
	uint64_t when = now_ns() + MS;
	int ch = ch_timer_at(when);

	wait_until(when + 20 * MS);
	EXPECT_EQ(when, try_recv64(ch));
	EXPECT_TRUE(not_due(ch));
}

TEST(a_time_that_has_passed_is_due_at_once)
{
	uint64_t past[] = { 0, 1, now_ns() - 1 };
	unsigned int i;
	int ch;

	for (i = 0; i < ARRAY_SIZE(past); i++) {
		ch = ch_timer_at(past[i]);
		EXPECT_EQ(past[i], try_recv64(ch));
		EXPECT_TRUE(not_due(ch));
		close(ch);
	}
}

TEST(it_is_never_due_early)
{
	uint64_t when, v;
	int ch = ch_timer_at(CHAN_FOREVER), i;

	for (i = 0; i < 20; i++) {
		when = now_ns() + 2 * MS;
		must(ch_timer_reset(ch, when));
		while ((v = try_recv64(ch)) == UINT64_MAX)
			ASSERT_EQ(EAGAIN, errno);
		ASSERT_EQ(when, v);
		ASSERT_LE(when, now_ns());
	}
}

TEST(far_times_do_not_come)
{
	uint64_t far[] = {
		now_ns() + FAR, INT64_MAX - 1, INT64_MAX, INT64_MAX + 1ULL, UINT64_MAX - 1,
	};
	unsigned int i;
	struct task t;
	int ch;

	for (i = 0; i < ARRAY_SIZE(far); i++) {
		ch = ch_timer_at(far[i]);
		EXPECT_TRUE(not_due(ch));
		park_recv64(&t, ch);
		EXPECT_EQ(1, ch_timer_reset(ch, 5)) TH_LOG("timer %u", i);
		EXPECT_EQ(9, task_join(&t));
		EXPECT_EQ(5, t.value);
	}
}

TEST(it_has_no_length_and_no_capacity_even_when_it_is_due)
{
	int ch = ch_timer_at(1);
	struct chan_info info = ch_info(ch);

	EXPECT_EQ(0, ch_len(ch));
	EXPECT_EQ(0, ch_cap(ch));
	EXPECT_EQ(8, ch_elem_size(ch));
	EXPECT_EQ(CHAN_TIMER, info.flags);
	EXPECT_EQ(0, info.len);
	EXPECT_EQ(0, info.cap);
	EXPECT_EQ(8, info.elem_size);
	EXPECT_EQ(0, info.state);
	EXPECT_EQ(CHAN_NO_MINOR, info.minor);
	EXPECT_EQ(0, info.receives);
	EXPECT_EQ(1, info.receivers);
	EXPECT_EQ(0, info.senders);
	EXPECT_STREQ("", info.name);
	EXPECT_EQ(1, recv64(ch));
	EXPECT_EQ(1, ch_info(ch).receives);
}

TEST(it_can_neither_be_sent_to_nor_closed)
{
	int ch = ch_timer_at(1);
	uint64_t v = 3;

	EXPECT_EQ(-EBADF, send64(ch, 1));
	EXPECT_EQ(-EBADF, try_send64(ch, 1));
	EXPECT_EQ(-EBADF, ch_send_until(ch, &v, 8, 0));
	EXPECT_EQ(-1, write(ch, &v, 8));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-EBADF, ch_close(ch));
	EXPECT_EQ(1, recv64(ch));
}

TEST(a_receive_that_fails_leaves_the_time_there)
{
	uint64_t v[2];
	int ch = ch_timer_at(7);

	EXPECT_EQ(-EMSGSIZE, ch_recv(ch, v, 4));
	EXPECT_EQ(-EMSGSIZE, ch_recv(ch, v, 16));
	EXPECT_EQ(-EFAULT, ch_recv(ch, bad_pointer(8), 8));
	EXPECT_EQ(7, recv64(ch));
	must(ch_timer_reset(ch, 8));
	EXPECT_EQ(9, ch_recv(ch, NULL, 0));
	EXPECT_TRUE(not_due(ch));
}

TEST(read_yields_8_bytes)
{
	uint64_t v[3];
	int ch = ch_timer_at(7);

	EXPECT_EQ(-1, read(ch, v, 7));
	EXPECT_EQ(EMSGSIZE, errno);
	EXPECT_EQ(8, read(ch, v, 8));
	EXPECT_EQ(7, v[0]);
	must(ch_timer_reset(ch, now_ns() + 10 * MS));
	poison(v, sizeof(v));
	EXPECT_EQ(8, read(ch, v, sizeof(v)));
	EXPECT_LE(v[0], now_ns());
	EXPECT_TRUE(all_bytes(v + 1, 16, POISON));
}

TEST(before_its_time_a_nonblocking_descriptor_says_eagain)
{
	uint64_t v, when = now_ns() + 300 * MS;
	int ch = ch_make_timer((struct chan_make_timer){ .when = when, .fd_flags = O_NONBLOCK });

	ASSERT_LE(0, ch);
	while (read(ch, &v, 8) != 8)
		ASSERT_EQ(EAGAIN, errno);
	EXPECT_EQ(when, v);
	EXPECT_LE(when, now_ns());
	EXPECT_EQ(-EAGAIN, ch_recv(ch, &v, 8));
	EXPECT_EQ(-1, read(ch, &v, 8));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(0, fcntl(ch, F_GETFL) & O_ACCMODE);
}

TEST(a_deadline_that_comes_first_leaves_the_timer_alone)
{
	uint64_t soon = now_ns() + 20 * MS, v;
	int ch = far_timer();

	EXPECT_EQ(-ETIMEDOUT, ch_recv_until(ch, &v, 8, soon));
	EXPECT_LE(soon, now_ns());
	EXPECT_EQ(-ETIMEDOUT, ch_recv_until(ch, &v, 8, 0));
	EXPECT_EQ(1, ch_timer_stop(ch));
}

TEST(a_deadline_that_comes_later_is_not_waited_for)
{
	uint64_t when = now_ns() + 20 * MS, v;
	int ch = ch_timer_at(when);

	EXPECT_EQ(9, ch_recv_until(ch, &v, 8, when + FAR));
	EXPECT_EQ(when, v);
	must(ch_timer_reset(ch, 7));
	EXPECT_EQ(9, ch_recv_until(ch, &v, 8, 0));
	EXPECT_EQ(7, v);
}

/* ---- tickers ---- */

/**
 * struct ticks - a ticker, and what its next time may be
 * @lo: the next time is later than this,
 * @hi: and not more than a period later than this: when the last one was received.
 */
struct ticks {
	int ch;
	uint64_t first;
	uint64_t period;
	uint64_t lo;
	uint64_t hi;
};

static struct ticks ticks_from(uint64_t first, uint64_t period)
{
	return (struct ticks){
		.ch = ch_ticker_at(first, period), .first = first, .period = period,
		.lo = first - 1, .hi = first - period,
	};
}

/* Whatever was missed: the first time in phase after the last one was received. */
static uint64_t next_tick(struct ticks *t)
{
	uint64_t before = now_ns(), v = recv64(t->ch), after = now_ns();

	if ((v - t->first) % t->period)
		die("%llu is out of phase", (unsigned long long)v);
	if (v <= t->lo || v - t->period > t->hi || v > after)
		die("%llu is not the tick after %llu to %llu", (unsigned long long)v,
		    (unsigned long long)t->lo, (unsigned long long)t->hi);
	t->lo = before > v ? before : v;
	t->hi = after;
	return v;
}

TEST(a_ticker_keeps_its_phase)
{
	struct ticks t = ticks_from(now_ns() + 10 * MS, 3 * MS);
	int i;

	EXPECT_EQ(t.first, next_tick(&t));
	for (i = 0; i < 30; i++)
		next_tick(&t);
	EXPECT_EQ(31, ch_info(t.ch).receives);
}

/* Go's TestTickTimes: 20, 80, 100 for who comes at 70. */
TEST(ticks_that_nobody_received_are_dropped_but_for_the_first)
{
	struct ticks t = ticks_from(now_ns() + MS, 2 * MS);
	int i;

	for (i = 0; i < 20; i++) {
		wait_until(t.lo + 7 * MS);
		next_tick(&t);
	}
}

TEST(at_most_one_tick_is_pending)
{
	uint64_t first = now_ns() / 8, before, v;
	uint64_t period = (now_ns() - first) * 2 / 7;
	int ch = ch_ticker_at(first, period);

	before = now_ns();
	EXPECT_EQ(first, try_recv64(ch));
	v = try_recv64(ch);
	/* On any but a very slow machine there is none for a while. */
	if (v != UINT64_MAX) {
		EXPECT_LT(before, v);
		EXPECT_EQ(0, (v - first) % period);
	}
}

TEST(a_ticker_of_a_huge_period_ticks_once)
{
	uint64_t periods[] = { FAR, INT64_MAX, INT64_MAX + 1ULL, UINT64_MAX - 1, UINT64_MAX };
	unsigned int i;
	int ch;

	for (i = 0; i < ARRAY_SIZE(periods); i++) {
		ch = ch_ticker_at(5, periods[i]);
		EXPECT_EQ(5, try_recv64(ch));
		EXPECT_TRUE(not_due(ch)) TH_LOG("period %u", i);
		close(ch);
	}
}

TEST(a_ticker_of_a_tiny_period_is_always_due)
{
	uint64_t last = 0, v;
	int ch = ch_ticker_at(1, 1), i;

	for (i = 0; i < 100; i++) {
		v = recv64(ch);
		ASSERT_LT(last, v);
		ASSERT_LE(v, now_ns());
		last = v;
	}
	EXPECT_EQ(1, ch_timer_stop(ch));
}

/* Whose next time is due before the first has been copied. */
TEST(a_read_of_a_ticker_of_a_tiny_period_gives_one_time)
{
	uint64_t v[8] = {};
	struct chan_batch batch = {
		.size = sizeof(batch), .elems = (uintptr_t)v, .n = 8, .elem_size = sizeof(v[0]),
	};
	int ch = ch_ticker_at(1, 1);

	EXPECT_EQ(sizeof(v[0]), read(ch, v, sizeof(v)));
	EXPECT_EQ(1, xioctl(ch, CHAN_IOC_RECV_N, &batch));
	EXPECT_EQ(0, v[1]);
}

TEST(reset_gives_a_ticker_a_new_phase_and_period)
{
	struct ticks t = ticks_from(now_ns() + MS, MS), u;
	int i;

	next_tick(&t);
	wait_until(t.hi + 5 * MS);
	u = (struct ticks){ .ch = t.ch, .first = now_ns() + 3 * MS + 17, .period = 5 * MS + 3 };
	u.lo = u.first - 1;
	u.hi = u.first - u.period;
	EXPECT_EQ(1, ch_ticker_reset(u.ch, u.first, u.period));
	for (i = 0; i < 5; i++)
		next_tick(&u);
}

TEST(a_ticker_is_active_until_it_is_stopped)
{
	int ch = ch_ticker_at(1, MS);

	EXPECT_EQ(1, recv64(ch));
	EXPECT_EQ(1, ch_ticker_reset(ch, 1, MS));
	EXPECT_EQ(1, ch_timer_stop(ch));
	EXPECT_TRUE(not_due(ch));
	EXPECT_EQ(0, ch_timer_stop(ch));
	EXPECT_EQ(0, ch_ticker_reset(ch, 2, MS));
	EXPECT_EQ(2, recv64(ch));
}

TEST(a_ticker_can_be_made_stopped)
{
	int ch = ch_ticker_at(CHAN_FOREVER, MS);

	EXPECT_TRUE(not_due(ch));
	EXPECT_EQ(0, ch_ticker_reset(ch, 3, FAR));
	EXPECT_EQ(3, recv64(ch));
	EXPECT_TRUE(not_due(ch));
}

/* ---- stop and reset ---- */

TEST(stop_before_its_time_says_that_it_was_active)
{
	int ch = far_timer();

	EXPECT_EQ(1, ch_timer_stop(ch));
	EXPECT_EQ(0, ch_timer_stop(ch));
	EXPECT_TRUE(not_due(ch));
}

TEST(stop_of_one_that_is_due_says_active_and_takes_the_time_back)
{
	int ch = ch_timer_at(1);

	EXPECT_EQ(POLLIN, events_of(ch, POLLIN));
	EXPECT_EQ(1, ch_timer_stop(ch));
	EXPECT_TRUE(not_due(ch));
	EXPECT_EQ(0, events_of(ch, POLLIN));
	EXPECT_EQ(0, ch_info(ch).receives);
}

TEST(stop_after_the_receive_says_not_active)
{
	int ch = ch_timer_at(1);

	EXPECT_EQ(1, recv64(ch));
	EXPECT_EQ(0, ch_timer_stop(ch));
}

/* Go's TestResetResult. */
TEST(reset_says_whether_it_was_active_and_only_the_new_time_comes)
{
	int ch = far_timer();

	EXPECT_EQ(1, ch_timer_reset(ch, 2));
	EXPECT_EQ(1, ch_timer_reset(ch, 3));
	EXPECT_EQ(3, recv64(ch));
	EXPECT_TRUE(not_due(ch));
	EXPECT_EQ(0, ch_timer_reset(ch, 4));
	EXPECT_EQ(1, ch_timer_reset(ch, now_ns() + FAR));
	EXPECT_TRUE(not_due(ch));
	EXPECT_EQ(1, ch_timer_stop(ch));
	EXPECT_EQ(0, ch_timer_reset(ch, 5));
	EXPECT_EQ(5, recv64(ch));
}

TEST(reset_to_an_earlier_time_wakes_a_parked_receiver)
{
	uint64_t when[] = { 0, 1, now_ns() + 20 * MS };
	struct task t;
	unsigned int i;
	int ch;

	for (i = 0; i < ARRAY_SIZE(when); i++) {
		ch = far_timer();
		park_recv64(&t, ch);
		EXPECT_EQ(1, ch_timer_reset(ch, when[i]));
		EXPECT_EQ(9, task_join(&t));
		EXPECT_EQ(when[i], t.value);
		EXPECT_LE(when[i], now_ns());
		EXPECT_EQ(0, ch_timer_stop(ch));
		close(ch);
	}
}

TEST(reset_to_a_later_time_keeps_a_receiver_parked)
{
	uint64_t soon, when;
	int ch = far_timer();
	struct task t;

	for (;;) {
		park_recv64(&t, ch);
		soon = now_ns() + 300 * MS;
		must(ch_timer_reset(ch, soon));
		if (ch_timer_reset(ch, now_ns() + FAR))
			break;
		/* So slow that the time had come. */
		EXPECT_EQ(9, task_join(&t));
		EXPECT_EQ(soon, t.value);
	}
	wait_until(soon + 50 * MS);
	EXPECT_EQ(1, ch_info(ch).recvq);
	EXPECT_FALSE(task_done(&t));
	when = now_ns() + 20 * MS;
	EXPECT_EQ(1, ch_timer_reset(ch, when));
	EXPECT_EQ(9, task_join(&t));
	EXPECT_EQ(when, t.value);
}

TEST(a_receiver_of_a_stopped_timer_stays_parked_until_the_reset)
{
	int ch = far_timer();
	struct task t;

	park_recv64(&t, ch);
	EXPECT_EQ(1, ch_timer_stop(ch));
	EXPECT_EQ(0, ch_timer_stop(ch));
	EXPECT_EQ(1, ch_info(ch).recvq);
	EXPECT_EQ(0, ch_timer_reset(ch, 4));
	EXPECT_EQ(9, task_join(&t));
	EXPECT_EQ(4, t.value);

	ch = ch_timer_at(CHAN_FOREVER);
	park_recv64(&t, ch);
	EXPECT_EQ(0, ch_timer_reset(ch, 5));
	EXPECT_EQ(9, task_join(&t));
	EXPECT_EQ(5, t.value);
}

/* ---- what is wrong ---- */

static long make_and_close(const void *make)
{
	long ch = ctl_ioctl(CHAN_IOC_MAKE_TIMER, make);

	if (ch >= 0)
		close(ch);
	return ch < 0 ? ch : 0;
}

TEST(make_refuses_what_it_does_not_know)
{
	struct chan_make_timer make = { .size = sizeof(make), .when = 1 };
	int bit;

	EXPECT_EQ(0, make_and_close(&make));
	for (bit = 0; bit < 32; bit++) {
		make.flags = 1U << bit;
		make.period = bit ? 0 : 1;
		EXPECT_EQ(bit ? -EINVAL : 0, make_and_close(&make)) TH_LOG("flag %d", bit);
		make.flags = 0;
		make.period = 0;
		make.fd_flags = 1U << bit;
		EXPECT_EQ(make.fd_flags & (O_CLOEXEC | O_NONBLOCK) ? 0 : -EINVAL,
			  make_and_close(&make)) TH_LOG("fd_flag %d", bit);
		make.fd_flags = 0;
		make.reserved = 1U << bit;
		EXPECT_EQ(-EINVAL, make_and_close(&make));
		make.reserved = 0;
	}
}

TEST(only_a_ticker_has_a_period)
{
	struct chan_make_timer make = { .size = sizeof(make), .when = 1, .period = 1 };

	EXPECT_EQ(-EINVAL, make_and_close(&make));
	make.flags = CHAN_TIMER_TICK;
	EXPECT_EQ(0, make_and_close(&make));
	make.period = 0;
	EXPECT_EQ(-EINVAL, make_and_close(&make));
	make.when = CHAN_FOREVER;
	EXPECT_EQ(-EINVAL, make_and_close(&make));
}

TEST(set_refuses_what_it_does_not_know_and_changes_nothing)
{
	struct chan_set_timer set = { .size = sizeof(set), .when = 2 };
	int ch = ch_timer_at(1), ticker = ch_ticker_at(1, FAR), bit;

	for (bit = 0; bit < 32; bit++) {
		set.flags = 1U << bit;
		EXPECT_EQ(-EINVAL, xioctl(ch, CHAN_IOC_SET_TIMER, &set));
	}
	EXPECT_EQ(-EINVAL, ch_timer_reset(ticker, 2));
	EXPECT_EQ(1, recv64(ch));
	EXPECT_EQ(1, recv64(ticker));
	EXPECT_EQ(1, ch_timer_stop(ticker));
	/* The period of a timer that does not tick is not looked at. */
	EXPECT_EQ(0, ch_ticker_reset(ch, 3, 4));
	EXPECT_EQ(3, recv64(ch));
	EXPECT_TRUE(not_due(ch));
}

TEST(structs_may_be_shorter_and_longer_as_everywhere)
{
	struct {
		struct chan_make_timer make;
		uint64_t more;
	} m = { .make = { .when = 1 } };
	struct {
		struct chan_set_timer set;
		uint64_t more;
	} s = { .set = { .when = 1 } };
	int ch = ch_timer_at(1);

	for (m.make.size = 0; m.make.size <= sizeof(m); m.make.size++)
		EXPECT_EQ(m.make.size < 8 ? -EINVAL : 0, make_and_close(&m));
	for (s.set.size = 0; s.set.size <= sizeof(s); s.set.size++)
		EXPECT_EQ(s.set.size < 8 ? -EINVAL : 1, xioctl(ch, CHAN_IOC_SET_TIMER, &s));
	m.make.size = sizeof(m);
	m.more = 1;
	EXPECT_EQ(-E2BIG, make_and_close(&m));
	s.set.size = sizeof(s);
	s.more = 1;
	EXPECT_EQ(-E2BIG, xioctl(ch, CHAN_IOC_SET_TIMER, &s));
	EXPECT_EQ(-EFAULT, make_and_close(bad_pointer(8)));
	EXPECT_EQ(-EFAULT, xioctl(ch, CHAN_IOC_SET_TIMER, bad_pointer(8)));
	m.make.size = 4097;
	s.set.size = 4097;
	EXPECT_EQ(-E2BIG, make_and_close(&m));
	EXPECT_EQ(-E2BIG, xioctl(ch, CHAN_IOC_SET_TIMER, &s));
}

TEST(only_a_timer_channel_can_be_set)
{
	struct chan_make_timer make = { .size = sizeof(make), .when = 1 };
	struct chan_set_timer set = { .size = sizeof(set), .when = 1 };
	int ch = ch_make(8, 1, 0);

	EXPECT_EQ(-EINVAL, xioctl(ch, CHAN_IOC_SET_TIMER, &set));
	EXPECT_EQ(-EINVAL, xioctl(ch_make(8, 1, CHAN_MESSAGE), CHAN_IOC_SET_TIMER, &set));
	EXPECT_EQ(-ENOTTY, ctl_ioctl(CHAN_IOC_SET_TIMER, &set));
	EXPECT_EQ(-ENOTTY, xioctl(ch, CHAN_IOC_MAKE_TIMER, &make));
	EXPECT_EQ(0, ch_info(ch).flags);
}

TEST(the_module_says_that_it_has_timers)
{
	EXPECT_TRUE(ch_query(chanctl()).features & CHAN_FEATURE_TIMERS);
}

TEST(a_failed_make_opens_no_descriptor)
{
	int next = dup(0);

	close(next);
	EXPECT_EQ(-EINVAL, ch_make_timer((struct chan_make_timer){ .reserved = 1 }));
	EXPECT_EQ(next, dup(0));
}

/* ---- the library ---- */

static bool between(uint64_t low, uint64_t v, uint64_t high)
{
	return low <= v && v <= high;
}

TEST(kchan_after_yields_the_time_it_was_due)
{
	struct timespec delay = { .tv_nsec = 20 * MS };
	uint64_t before = now_ns(), v;
	int ch = kchan_after(&delay);
	uint64_t after = now_ns();
	size_t len;

	ASSERT_LE(0, ch);
	EXPECT_EQ(FD_CLOEXEC, fcntl(ch, F_GETFD));
	EXPECT_EQ(0, kchan_len(ch));
	EXPECT_EQ(0, kchan_cap(ch));
	EXPECT_EQ(1, kchan_recv_msg(ch, &v, 8, &len));
	EXPECT_LE(v, now_ns());
	EXPECT_EQ(8, len);
	EXPECT_TRUE(between(before + 20 * MS, v, after + 20 * MS));
	EXPECT_EQ(EBADF, fails_with(kchan_close(ch)));
	EXPECT_EQ(EAGAIN, fails_with(kchan_try_recv(ch, &v, 8)));
}

TEST(kchan_after_no_time_or_less_is_due_at_once)
{
	struct timespec delays[] = {
		{ 0, 0 }, { -1, 0 }, { -1, 999999999 }, { -1000000, 5 }, { INT64_MIN, 0 },
	};
	unsigned int i;
	uint64_t v;

	for (i = 0; i < ARRAY_SIZE(delays); i++) {
		EXPECT_EQ(1, kchan_try_recv(kchan_after(&delays[i]), &v, 8));
		EXPECT_LE(v, now_ns());
	}
}

/* Go's TestOverflowSleep. */
TEST(kchan_after_a_very_long_time_does_not_come)
{
	struct timespec delays[] = {
		{ 1000000, 0 }, { INT64_MAX / SEC, 0 }, { INT64_MAX / SEC + 1, 0 },
		{ UINT64_MAX / SEC, 999999999 }, { INT64_MAX, 999999999 },
	};
	unsigned int i;
	int ch;

	for (i = 0; i < ARRAY_SIZE(delays); i++) {
		ch = kchan_after(&delays[i]);
		EXPECT_LE(0, ch);
		EXPECT_EQ(EAGAIN, fails_with(kchan_try_recv(ch, NULL, 0)));
		EXPECT_EQ(1, kchan_timer_stop(ch)) TH_LOG("delay %u", i);
	}
}

TEST(kchan_tick_ticks_in_phase)
{
	struct timespec period = { .tv_nsec = 3 * MS };
	uint64_t before = now_ns(), first, v, last;
	int ch = kchan_tick(&period), i;
	uint64_t after = now_ns();

	ASSERT_LE(0, ch);
	EXPECT_EQ(1, kchan_recv(ch, &first, 8));
	EXPECT_TRUE(between(before + 3 * MS, first, after + 3 * MS));
	for (i = 0, last = first; i < 10; i++, last = v) {
		EXPECT_EQ(1, kchan_recv(ch, &v, 8));
		EXPECT_EQ(0, (v - first) % (3 * MS));
		EXPECT_LT(last, v);
		EXPECT_LE(v, now_ns());
	}
	wait_until(last + 10 * MS);
	EXPECT_EQ(1, kchan_recv_n(ch, &v, 1));
	EXPECT_EQ(1, kchan_timer_stop(ch));
	EXPECT_EQ(EAGAIN, fails_with(kchan_try_recv(ch, &v, 8)));
	EXPECT_EQ(0, kchan_timer_stop(ch));
}

TEST(library_calls_refuse_bad_times)
{
	struct timespec odd = { 1, 1000000000 }, minus = { 1, -1 }, zero = {}, past = { -1, 0 };
	struct timespec one = { 1, 0 };
	int ch = kchan_after(&one), ticker = kchan_tick(&one), data = kchan_make(8, 1, 0);

	EXPECT_EQ(EINVAL, fails_with(kchan_after(&odd)));
	EXPECT_EQ(EINVAL, fails_with(kchan_after(&minus)));
	EXPECT_EQ(EINVAL, fails_with(kchan_tick(&odd)));
	EXPECT_EQ(EINVAL, fails_with(kchan_tick(&minus)));
	EXPECT_EQ(EINVAL, fails_with(kchan_tick(&zero)));
	EXPECT_EQ(EINVAL, fails_with(kchan_tick(&past)));
	EXPECT_EQ(EINVAL, fails_with(kchan_timer_reset(ch, &odd)));
	EXPECT_EQ(EINVAL, fails_with(kchan_timer_reset(ticker, &zero)));
	EXPECT_EQ(EINVAL, fails_with(kchan_timer_reset(ticker, &past)));
	EXPECT_EQ(EINVAL, fails_with(kchan_timer_reset(data, &one)));
	EXPECT_EQ(EINVAL, fails_with(kchan_timer_stop(data)));
	EXPECT_EQ(EBADF, fails_with(kchan_timer_stop(-1)));
	EXPECT_EQ(1, kchan_timer_stop(ch));
	EXPECT_EQ(1, kchan_timer_stop(ticker));
}

TEST(kchan_timer_reset_counts_from_now)
{
	struct timespec far = { 3600, 0 }, soon = { .tv_nsec = 10 * MS };
	int ch = kchan_after(&far), ticker = kchan_tick(&far);
	uint64_t before, after, v, w;

	before = now_ns();
	EXPECT_EQ(1, kchan_timer_reset(ch, &soon));
	EXPECT_EQ(1, kchan_timer_reset(ticker, &soon));
	after = now_ns();
	EXPECT_EQ(1, kchan_recv(ch, &v, 8));
	EXPECT_TRUE(between(before + 10 * MS, v, after + 10 * MS));
	EXPECT_EQ(0, kchan_timer_reset(ch, &soon));
	EXPECT_EQ(1, kchan_recv(ticker, &v, 8));
	EXPECT_TRUE(between(before + 10 * MS, v, after + 10 * MS));
	EXPECT_EQ(1, kchan_recv(ticker, &w, 8));
	EXPECT_EQ(0, (w - v) % (10 * MS));
	EXPECT_LT(v, w);
}

/* Go's tick_test.TestChan, in short: length, capacity and what each step leaves. */
TEST(kchan_timers_and_tickers_step_by_step)
{
	struct timespec far = { 3600, 0 }, soon = { .tv_nsec = MS };
	struct timespec *delay[] = { &far, &soon };
	int ch, tick, active;
	uint64_t v;

	for (tick = 0; tick < 2; tick++) {
		ch = tick ? kchan_tick(delay[0]) : kchan_after(delay[0]);
		EXPECT_EQ(EAGAIN, fails_with(kchan_try_recv(ch, &v, 8)));
		EXPECT_EQ(1, kchan_timer_reset(ch, &soon));
		EXPECT_EQ(1, kchan_recv(ch, &v, 8));
		active = kchan_timer_stop(ch);
		EXPECT_EQ(tick, active);
		EXPECT_EQ(EAGAIN, fails_with(kchan_try_recv(ch, &v, 8)));
		EXPECT_EQ(0, kchan_timer_reset(ch, &soon));
		wait_until(now_ns() + 3 * MS);
		EXPECT_EQ(0, kchan_len(ch));
		EXPECT_EQ(1, kchan_timer_reset(ch, &far));
		EXPECT_EQ(EAGAIN, fails_with(kchan_try_recv(ch, &v, 8)));
		EXPECT_EQ(1, kchan_timer_reset(ch, &soon));
		wait_until(now_ns() + 3 * MS);
		EXPECT_EQ(1, kchan_timer_stop(ch));
		EXPECT_EQ(EAGAIN, fails_with(kchan_try_recv(ch, &v, 8)));
		EXPECT_EQ(0, kchan_timer_stop(ch));
		EXPECT_EQ(0, kchan_cap(ch));
		close(ch);
	}
}

TEST_HARNESS_MAIN
