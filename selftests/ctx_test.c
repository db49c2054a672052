// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts of libkchan, and below them channels that close at a time.  As everywhere,
 * no time is required to be short.
 */
#include <dirent.h>
#include "chan_test.h"
#include <kchan.h>

#define FAR	(3600 * SEC)

/* ---- channels that close at a time ---- */

static int closing_at(uint64_t closes, uint32_t elem_size, uint64_t cap)
{
	return must(ch_make_as((struct chan_make){
		.fd_flags = O_CLOEXEC, .elem_size = elem_size, .cap = cap, .closes = closes,
	}));
}

static void expect_closed(struct __test_metadata *_metadata, int ch)
{
	unsigned char b[8];

	EXPECT_EQ(CHAN_STATE_CLOSED, ch_info(ch).state);
	EXPECT_EQ(-EPIPE, send64(ch, 1));
	EXPECT_EQ(-EPIPE, try_send64(ch, 1));
	EXPECT_EQ(-EPIPE, ch_send_until(ch, b, 8, 0));
	EXPECT_EQ(-1, write(ch, b, 8));
	EXPECT_EQ(EPIPE, errno);
	poison(b, sizeof(b));
	EXPECT_EQ(0, ch_recv(ch, b, 8));
	EXPECT_TRUE(all_bytes(b, sizeof(b), 0));
	EXPECT_EQ(0, ch_try_recv(ch, b, 8));
	EXPECT_EQ(0, ch_recv_until(ch, b, 8, 0));
	EXPECT_EQ(0, read(ch, b, 8));
	EXPECT_EQ(POLL_RECV | POLLHUP, all_events(ch));
	EXPECT_EQ(-EPIPE, ch_close(ch));
	EXPECT_EQ(CHAN_STATE_CLOSED, ch_info(ch).state);
}

TEST(a_channel_made_to_close_in_the_past_is_closed)
{
	uint64_t past[] = { 1, now_ns() - 1, now_ns() };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(past); i++) {
		expect_closed(_metadata, closing_at(past[i], 8, 0));
		expect_closed(_metadata, closing_at(past[i], 8, 3));
	}
}

TEST(until_its_time_a_channel_is_like_any_other)
{
	uint64_t far[] = {
		0, CHAN_FOREVER, now_ns() + FAR, INT64_MAX, INT64_MAX + 1ULL, UINT64_MAX - 1,
	};
	unsigned int i;
	struct task t;
	int ch;

	for (i = 0; i < ARRAY_SIZE(far); i++) {
		ch = closing_at(far[i], 8, 1);
		EXPECT_EQ(0, ch_info(ch).state);
		EXPECT_EQ(POLL_SEND, all_events(ch));
		EXPECT_EQ(0, try_send64(ch, i));
		park_send64(&t, ch, 7);
		EXPECT_EQ(i, recv64(ch));
		EXPECT_EQ(7, recv64(ch));
		EXPECT_EQ(0, task_join(&t));
		park_recv64(&t, ch);
		EXPECT_EQ(0, ch_close(ch));
		EXPECT_EQ(0, task_join(&t));
		expect_closed(_metadata, ch);
	}
}

TEST(at_its_time_a_channel_is_closed_though_nobody_looked)
{
	uint64_t when = now_ns() + 20 * MS;
	int ch = closing_at(when, 8, 2);

	wait_until(when);
	expect_closed(_metadata, ch);
}

/* Who waits for the next element is told of the end, but has not had the processor since. */
TEST(at_its_time_a_channel_is_closed_though_a_receiver_is_still_parked)
{
	static unsigned char from[3 * 4096], to[3 * 4096];
	struct sched_param first = { .sched_priority = 1 }, ordinary = {};
	uint64_t when = now_ns() + 3 * SEC;
	int ch = closing_at(when, sizeof(to), 0);
	struct task t;

	if (!is_root())
		SKIP(return, "needs root");
	pin_to(0);
	park_recv(&t, ch, to, sizeof(to));
	must(sched_setscheduler(0, SCHED_FIFO, &first));
	wait_until(when - 10 * MS);
	while (now_ns() < when)
		;
	EXPECT_EQ(-EPIPE, ch_try_send(ch, from, sizeof(from)));
	must(sched_setscheduler(0, SCHED_OTHER, &ordinary));
	EXPECT_EQ(0, task_join(&t));
	EXPECT_EQ(0, ch_info(ch).sends);
	close(ch);
}

TEST(it_is_not_closed_early)
{
	uint64_t when;
	int ch, i;

	for (i = 0; i < 10; i++) {
		when = now_ns() + 5 * MS;
		ch = closing_at(when, 8, 0);
		while (try_send64(ch, 1) == -EAGAIN)
			;
		ASSERT_LE(when, now_ns());
		ASSERT_EQ(-EPIPE, try_send64(ch, 1));
		close(ch);
	}
}

TEST(what_was_sent_before_can_still_be_received)
{
	uint64_t when = now_ns() + 2 * SEC;
	int ch = closing_at(when, 8, 4), i;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, try_send64(ch, i));
	wait_until(when);
	EXPECT_EQ(-EPIPE, try_send64(ch, 3));
	EXPECT_EQ(3, ch_len(ch));
	EXPECT_EQ(CHAN_STATE_CLOSED, ch_info(ch).state);
	EXPECT_EQ(POLL_RECV | POLL_SEND, all_events(ch));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(i, recv64(ch));
	expect_closed(_metadata, ch);
}

TEST(parked_senders_fail_at_the_time)
{
	uint64_t when = now_ns() + 3 * SEC;
	int unbuffered = closing_at(when, 8, 0), full = closing_at(when, 8, 1), i;
	struct task t[4];

	ASSERT_EQ(0, try_send64(full, 5));
	for (i = 0; i < 4; i++)
		park_send64(&t[i], i % 2 ? full : unbuffered, i);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(-EPIPE, task_join(&t[i]));
	EXPECT_LE(when, now_ns());
	EXPECT_EQ(5, recv64(full));
	expect_closed(_metadata, full);
	expect_closed(_metadata, unbuffered);
	EXPECT_EQ(1, ch_info(full).sends);
}

TEST(parked_receivers_get_zeroes_at_the_time)
{
	uint64_t when = now_ns() + 3 * SEC;
	int ch = closing_at(when, 8, 0), i;
	struct task t[3];

	for (i = 0; i < 3; i++)
		park_recv64(&t[i], ch);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, task_join(&t[i]));
		EXPECT_EQ(0, t[i].value);
	}
	EXPECT_LE(when, now_ns());
	EXPECT_EQ(0, ch_info(ch).recvq);
	EXPECT_EQ(0, ch_info(ch).receives);
}

static long recv_before_deadline(struct task *t)
{
	return ch_recv_until(t->fd, &t->value, 8, t->deadline);
}

TEST(of_deadline_and_close_the_earlier_one_ends_a_call)
{
	uint64_t when = now_ns() + 20 * MS;
	struct task t = { .fd = closing_at(when, 8, 0), .deadline = when + FAR };

	EXPECT_EQ(0, recv_before_deadline(&t));
	EXPECT_LE(when, now_ns());
	t.deadline = now_ns() + 20 * MS;
	t.fd = closing_at(t.deadline + FAR, 8, 0);
	EXPECT_EQ(-ETIMEDOUT, recv_before_deadline(&t));
	EXPECT_LE(t.deadline, now_ns());
	EXPECT_EQ(0, ch_info(t.fd).state);
}

TEST(a_select_sees_the_close_in_either_direction)
{
	uint64_t v = 3, when = now_ns() + 20 * MS;
	int quiet = ch_make(8, 0, 0), ch = closing_at(when, 8, 0);
	struct chan_case c[] = {
		sel_recv(quiet, &v, 8), sel_recv(ch, &v, 8),
	};

	c[1].ok = 7;
	EXPECT_EQ(1, ch_select(ch, c, 2));
	EXPECT_LE(when, now_ns());
	EXPECT_EQ(0, c[1].ok);
	EXPECT_EQ(0, v);

	when = now_ns() + 20 * MS;
	c[1] = sel_send(closing_at(when, 8, 0), &v, 8);
	EXPECT_EQ(-EPIPE, ch_select(ch, c, 2));
	EXPECT_LE(when, now_ns());
	EXPECT_EQ(-EPIPE, c[1].ok);
	EXPECT_EQ(0, ch_info(quiet).recvq);
}

TEST(pollers_of_both_directions_wake_at_the_time)
{
	uint64_t when = now_ns() + 500 * MS;
	int ch = closing_at(when, 8, 0);
	struct task r, s, any;

	start_poller(&r, ch, POLLIN);
	start_poller(&s, ch, POLLOUT);
	start_poller(&any, ch, 0);
	EXPECT_EQ(POLLIN | POLLHUP, task_join(&r));
	EXPECT_EQ(POLLHUP, task_join(&s));
	EXPECT_EQ(POLLHUP, task_join(&any));
	EXPECT_LE(when, now_ns());
}

TEST(epoll_wakes_at_the_time)
{
	uint64_t when = now_ns() + 20 * MS;
	int ch = closing_at(when, 8, 0);
	int lt = ep_new(ch, EPOLLIN), et = ep_new(ch, EPOLLIN | EPOLLET);

	EXPECT_EQ(EPOLLIN | EPOLLHUP, ep_events(et, -1));
	EXPECT_LE(when, now_ns());
	EXPECT_EQ(EPOLLIN | EPOLLHUP, ep_events(lt, -1));
	EXPECT_EQ(EPOLLIN | EPOLLHUP, ep_events(lt, 0));
	EXPECT_EQ(0, ep_events(et, 20));
}

TEST(messages_and_named_channels_close_at_a_time_too)
{
	static const char name[] = "ctx_test.closes";
	uint64_t when = now_ns() + 3 * SEC;
	int msg = ch_make_as((struct chan_make){
		.flags = CHAN_MESSAGE, .elem_size = 64, .cap = 2, .closes = when,
	});
	int named = ch_make_as((struct chan_make){
		.flags = CHAN_NAMED, .elem_size = 8, .name = (uintptr_t)name, .mode = 0600,
		.closes = when,
	});
	char b[64];
	int fd;

	ASSERT_LE(0, msg);
	ASSERT_LE(0, named);
	ASSERT_EQ(0, ch_send(msg, "abc", 3));
	wait_until(when);
	EXPECT_EQ(-EPIPE, ch_send(msg, "abc", 3));
	EXPECT_EQ(4, ch_recv(msg, b, sizeof(b)));
	EXPECT_EQ(0, ch_recv(msg, b, sizeof(b)));
	fd = open("/dev/chan/ctx_test.closes", O_RDWR | O_CLOEXEC);
	EXPECT_LE(0, fd);
	expect_closed(_metadata, fd);
	EXPECT_EQ(0, ch_remove(name));
	EXPECT_EQ(-EIDRM, ch_recv(fd, b, 8));
}

TEST(closed_by_hand_it_stays_closed_past_its_time)
{
	uint64_t when = now_ns() + 2 * SEC;
	int ch = closing_at(when, 8, 2);

	ASSERT_EQ(0, try_send64(ch, 1));
	ASSERT_EQ(0, ch_close(ch));
	wait_until(when);
	EXPECT_EQ(1, recv64(ch));
	expect_closed(_metadata, ch);
}

static long close_at_value(struct task *t)
{
	while (now_ns() < t->deadline + t->value - 400000)
		;
	return ch_close(t->fd);
}

/* Whoever comes first, the channel is closed once, and all that waits ends. */
TEST(close_races_with_its_time)
{
	struct task c, r;
	uint64_t when;
	int i, won = 0;

	for (i = 0; i < 100; i++) {
		when = now_ns() + 4 * MS;
		c = (struct task){
			.fd = closing_at(when, 8, 0), .deadline = when, .value = i * 8000,
		};
		r = c;
		task_start(&c, close_at_value);
		task_start(&r, task_do_recv64);
		won += !task_join(&c);
		ASSERT_TRUE(!c.ret || c.ret == -EPIPE);
		ASSERT_EQ(0, task_join(&r));
		ASSERT_EQ(0, r.value);
		ASSERT_EQ(-EPIPE, ch_close(c.fd));
		ASSERT_EQ(CHAN_STATE_CLOSED, ch_info(c.fd).state);
		close(c.fd);
	}
	TH_LOG("closed by hand %d times of 100", won);
}

TEST(the_module_says_that_channels_can_close_at_a_time)
{
	EXPECT_TRUE(ch_query(chanctl()).features & CHAN_FEATURE_CLOSES);
}

/* ---- contexts ---- */

static struct kchan_ctx *background(void)
{
	return kchan_ctx_background();
}

static struct kchan_ctx *with_cancel(struct kchan_ctx *parent)
{
	struct kchan_ctx *ctx = kchan_ctx_with_cancel(parent);

	if (!ctx)
		die("no context: %m");
	return ctx;
}

static struct kchan_ctx *with_deadline(struct kchan_ctx *parent, uint64_t deadline)
{
	struct timespec ts = timespec_of(deadline);
	struct kchan_ctx *ctx = kchan_ctx_with_deadline(parent, &ts);

	if (!ctx)
		die("no context: %m");
	return ctx;
}

static bool is_done(struct kchan_ctx *ctx)
{
	int ret = kchan_try_recv(kchan_ctx_done(ctx), NULL, 0);

	if (ret < 0 && errno != EAGAIN)
		die("done: %m");
	return !ret;
}

#define EXPECT_CTX(err, ctx) do {					\
	EXPECT_EQ(err, kchan_ctx_err(ctx));				\
	EXPECT_EQ(!!(err), is_done(ctx));				\
} while (0)

TEST(the_background_is_never_done)
{
	struct kchan_ctx *ctx = background();
	struct kchan_case c = { .ch = kchan_ctx_done(ctx), .dir = KCHAN_RECV };

	ASSERT_NE(NULL, ctx);
	EXPECT_EQ(ctx, background());
	EXPECT_EQ(KCHAN_NIL, kchan_ctx_done(ctx));
	EXPECT_EQ(0, kchan_ctx_err(ctx));
	kchan_ctx_cancel(ctx);
	kchan_ctx_free(ctx);
	kchan_ctx_free(NULL);
	EXPECT_EQ(0, kchan_ctx_err(ctx));
	EXPECT_EQ(KCHAN_NIL, kchan_ctx_done(ctx));
	EXPECT_EQ(EAGAIN, fails_with(kchan_try_select(&c, 1)));
}

TEST(cancel_closes_done)
{
	struct kchan_ctx *ctx = with_cancel(background());
	int done = kchan_ctx_done(ctx);

	EXPECT_LE(0, done);
	EXPECT_EQ(done, kchan_ctx_done(ctx));
	EXPECT_EQ(0, ch_elem_size(done));
	EXPECT_EQ(FD_CLOEXEC, fcntl(done, F_GETFD));
	EXPECT_CTX(0, ctx);
	kchan_ctx_cancel(ctx);
	EXPECT_CTX(ECANCELED, ctx);
	EXPECT_EQ(0, kchan_recv(done, NULL, 0));
	kchan_ctx_cancel(ctx);
	EXPECT_CTX(ECANCELED, ctx);
	kchan_ctx_free(ctx);
}

TEST(a_deadline_closes_done)
{
	uint64_t when = now_ns() + 20 * MS;
	struct kchan_ctx *ctx = with_deadline(background(), when);

	EXPECT_EQ(0, kchan_recv(kchan_ctx_done(ctx), NULL, 0));
	EXPECT_LE(when, now_ns());
	EXPECT_CTX(ETIMEDOUT, ctx);
	kchan_ctx_free(ctx);
}

TEST(a_context_is_not_done_before_its_deadline)
{
	struct kchan_ctx *ctx;
	uint64_t when;
	int i;

	for (i = 0; i < 10; i++) {
		when = now_ns() + 5 * MS;
		ctx = with_deadline(background(), when);
		while (!kchan_ctx_err(ctx))
			;
		ASSERT_LE(when, now_ns());
		ASSERT_TRUE(is_done(ctx));
		kchan_ctx_free(ctx);
	}
}

TEST(a_deadline_that_has_passed_is_done_at_once)
{
	struct timespec past[] = { { 0, 0 }, { 0, 1 }, { -1, 0 }, in_ns(0) };
	struct kchan_ctx *ctx;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(past); i++) {
		ctx = kchan_ctx_with_deadline(background(), &past[i]);
		ASSERT_NE(NULL, ctx);
		EXPECT_CTX(ETIMEDOUT, ctx);
		kchan_ctx_cancel(ctx);
		EXPECT_CTX(ETIMEDOUT, ctx);
		kchan_ctx_free(ctx);
	}
}

TEST(without_a_deadline_or_with_a_far_one_only_cancel_ends_it)
{
	struct timespec far[] = {
		in_ns(FAR), { INT64_MAX / SEC, 999999999 }, { INT64_MAX, 999999999 },
	};
	struct kchan_ctx *ctx = kchan_ctx_with_deadline(background(), NULL);
	unsigned int i;

	for (i = 0; i <= ARRAY_SIZE(far); i++) {
		ASSERT_NE(NULL, ctx);
		EXPECT_CTX(0, ctx);
		kchan_ctx_cancel(ctx);
		EXPECT_CTX(ECANCELED, ctx);
		kchan_ctx_free(ctx);
		ctx = kchan_ctx_with_deadline(background(), &far[i % ARRAY_SIZE(far)]);
	}
	kchan_ctx_free(ctx);
}

TEST(a_timeout_is_a_deadline_from_now_on)
{
	struct timespec soon = { .tv_nsec = 20 * MS }, never = { .tv_sec = INT64_MAX };
	uint64_t begin = now_ns();
	struct kchan_ctx *ctx = kchan_ctx_with_timeout(background(), &soon);

	ASSERT_NE(NULL, ctx);
	EXPECT_EQ(0, kchan_recv(kchan_ctx_done(ctx), NULL, 0));
	EXPECT_LE(begin + 20 * MS, now_ns());
	EXPECT_EQ(ETIMEDOUT, kchan_ctx_err(ctx));
	kchan_ctx_free(ctx);

	ctx = kchan_ctx_with_timeout(background(), &never);
	ASSERT_NE(NULL, ctx);
	EXPECT_EQ(0, kchan_ctx_err(ctx));
	kchan_ctx_free(ctx);
}

TEST(a_bad_deadline_is_refused)
{
	struct timespec odd = { 1, 1000000000 }, minus = { 1, -1 };

	errno = 0;
	EXPECT_EQ(NULL, kchan_ctx_with_deadline(background(), &odd));
	EXPECT_EQ(EINVAL, errno);
	errno = 0;
	EXPECT_EQ(NULL, kchan_ctx_with_deadline(background(), &minus));
	EXPECT_EQ(EINVAL, errno);
}

static int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	if (!dir)
		die("%s: %m", path);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

TEST(a_context_costs_one_descriptor_and_no_thread)
{
	int threads = count_entries("/proc/self/task"), files = count_entries("/proc/self/fd");
	uint64_t when = now_ns() + 300 * MS;
	struct kchan_ctx *ctx[20];
	int i;

	for (i = 0; i < 20; i++)
		ctx[i] = i % 2 ? with_cancel(ctx[i - 1]) : with_deadline(background(), when + i);
	EXPECT_EQ(threads, count_entries("/proc/self/task"));
	EXPECT_EQ(files + 20, count_entries("/proc/self/fd"));
	for (i = 0; i < 20; i++)
		EXPECT_EQ(0, kchan_recv(kchan_ctx_done(ctx[i]), NULL, 0));
	EXPECT_LE(when, now_ns());
	EXPECT_EQ(threads, count_entries("/proc/self/task"));
	for (i = 0; i < 20; i++)
		kchan_ctx_free(ctx[i]);
	EXPECT_EQ(files, count_entries("/proc/self/fd"));
}

TEST(what_ended_a_context_first_stays_the_reason)
{
	uint64_t when = now_ns() + 2 * SEC;
	struct kchan_ctx *cancelled = with_deadline(background(), when);
	struct kchan_ctx *late = with_deadline(background(), when);

	kchan_ctx_cancel(cancelled);
	EXPECT_CTX(ECANCELED, cancelled);
	wait_until(when);
	kchan_ctx_cancel(late);
	EXPECT_CTX(ETIMEDOUT, late);
	EXPECT_CTX(ECANCELED, cancelled);
	kchan_ctx_free(late);
	kchan_ctx_free(cancelled);
}

/* ---- parents and children ---- */

TEST(cancel_reaches_children_and_grandchildren)
{
	struct kchan_ctx *parent = with_cancel(background());
	struct kchan_ctx *a = with_cancel(parent), *b = with_deadline(parent, now_ns() + FAR);
	struct kchan_ctx *grandchild = with_cancel(a), *other = with_cancel(background());

	EXPECT_CTX(0, grandchild);
	kchan_ctx_cancel(parent);
	EXPECT_CTX(ECANCELED, parent);
	EXPECT_CTX(ECANCELED, a);
	EXPECT_CTX(ECANCELED, b);
	EXPECT_CTX(ECANCELED, grandchild);
	EXPECT_CTX(0, other);
	kchan_ctx_free(grandchild);
	kchan_ctx_free(a);
	kchan_ctx_free(b);
	kchan_ctx_free(parent);
	kchan_ctx_free(other);
}

TEST(cancel_of_a_child_leaves_parent_and_siblings)
{
	struct kchan_ctx *parent = with_cancel(background());
	struct kchan_ctx *a = with_cancel(parent), *b = with_cancel(parent);
	struct kchan_ctx *grandchild = with_cancel(a);

	kchan_ctx_cancel(a);
	EXPECT_CTX(ECANCELED, a);
	EXPECT_CTX(ECANCELED, grandchild);
	EXPECT_CTX(0, parent);
	EXPECT_CTX(0, b);
	kchan_ctx_free(a);
	EXPECT_CTX(0, parent);
	kchan_ctx_cancel(parent);
	EXPECT_CTX(ECANCELED, b);
	kchan_ctx_free(parent);
	kchan_ctx_free(b);
	kchan_ctx_free(grandchild);
}

TEST(a_child_of_one_that_is_done_is_done)
{
	struct kchan_ctx *parent = with_cancel(background());
	struct kchan_ctx *late = with_deadline(background(), 1), *child;

	kchan_ctx_cancel(parent);
	child = with_cancel(parent);
	EXPECT_CTX(ECANCELED, child);
	kchan_ctx_free(child);
	child = with_deadline(parent, now_ns() + FAR);
	EXPECT_CTX(ECANCELED, child);
	kchan_ctx_free(child);
	child = with_cancel(late);
	EXPECT_CTX(ETIMEDOUT, child);
	kchan_ctx_free(child);
	kchan_ctx_free(late);
	kchan_ctx_free(parent);
}

TEST(an_earlier_deadline_of_the_parent_holds_for_the_child)
{
	uint64_t when = now_ns() + 2 * SEC;
	struct kchan_ctx *parent = with_deadline(background(), when);
	struct kchan_ctx *later = with_deadline(parent, when + FAR);
	struct kchan_ctx *child = with_cancel(parent), *grandchild = with_cancel(child);
	struct kchan_ctx *cancelled = with_cancel(parent);

	kchan_ctx_cancel(cancelled);
	EXPECT_EQ(0, kchan_recv(kchan_ctx_done(later), NULL, 0));
	EXPECT_LE(when, now_ns());
	EXPECT_CTX(ETIMEDOUT, later);
	EXPECT_CTX(ETIMEDOUT, child);
	EXPECT_CTX(ETIMEDOUT, grandchild);
	EXPECT_CTX(ETIMEDOUT, parent);
	EXPECT_CTX(ECANCELED, cancelled);
	kchan_ctx_free(parent);
	EXPECT_CTX(ETIMEDOUT, grandchild);
	kchan_ctx_free(child);
	kchan_ctx_free(later);
	kchan_ctx_free(cancelled);
	kchan_ctx_free(grandchild);
}

TEST(an_earlier_deadline_of_the_child_leaves_the_parent)
{
	uint64_t when = now_ns() + 20 * MS;
	struct kchan_ctx *parent = with_deadline(background(), when + FAR);
	struct kchan_ctx *child = with_deadline(parent, when);

	EXPECT_EQ(0, kchan_recv(kchan_ctx_done(child), NULL, 0));
	EXPECT_LE(when, now_ns());
	EXPECT_CTX(ETIMEDOUT, child);
	EXPECT_CTX(0, parent);
	kchan_ctx_cancel(parent);
	EXPECT_CTX(ETIMEDOUT, child);
	EXPECT_CTX(ECANCELED, parent);
	kchan_ctx_free(child);
	kchan_ctx_free(parent);
}

TEST(free_cancels_the_children_which_remain)
{
	struct kchan_ctx *parent = with_cancel(background());
	struct kchan_ctx *child = with_cancel(parent), *grandchild = with_cancel(child), *late;

	kchan_ctx_free(parent);
	EXPECT_CTX(ECANCELED, child);
	EXPECT_CTX(ECANCELED, grandchild);
	kchan_ctx_cancel(child);
	late = with_cancel(child);
	EXPECT_CTX(ECANCELED, late);
	kchan_ctx_free(child);
	EXPECT_CTX(ECANCELED, late);
	kchan_ctx_free(late);
	kchan_ctx_free(grandchild);
}

TEST(a_view_of_done_outlives_the_context)
{
	struct kchan_ctx *ctx = with_cancel(background());
	int view = kchan_dup(kchan_ctx_done(ctx), O_RDONLY);

	ASSERT_LE(0, view);
	EXPECT_EQ(EAGAIN, fails_with(kchan_try_recv(view, NULL, 0)));
	kchan_ctx_free(ctx);
	EXPECT_EQ(0, kchan_try_recv(view, NULL, 0));
}

TEST(a_thousand_children_of_one_parent)
{
	enum { N = 1000 };
	static struct kchan_ctx *child[N];
	struct rlimit files = { 3 * N, 3 * N };
	struct kchan_ctx *parent = with_cancel(background());
	int i;

	if (setrlimit(RLIMIT_NOFILE, &files))
		SKIP(return, "no limit of %d files", 3 * N);
	for (i = 0; i < N; i++)
		child[i] = with_cancel(i % 3 ? parent : background());
	for (i = 0; i < N; i += 7)
		kchan_ctx_free(child[i]);
	kchan_ctx_cancel(parent);
	for (i = 0; i < N; i++) {
		if (i % 7 == 0)
			continue;
		ASSERT_EQ(i % 3 ? ECANCELED : 0, kchan_ctx_err(child[i]));
		ASSERT_EQ(i % 3 != 0, is_done(child[i]));
		kchan_ctx_free(child[i]);
	}
	kchan_ctx_free(parent);
}

/* ---- those who wait ---- */

#define WAITERS	30

/**
 * struct work - who waits for an element or for the end
 * @ch: where elements come from.
 * @left: who has not seen the end yet.
 */
struct work {
	int ch;
	struct kchan_ctx *ctx;
	struct kchan_wg left;
	int err[WAITERS];
	int done;
};

static struct work work;

/* As in Go: select { case v := <-ch: ...; case <-ctx.Done(): return ctx.Err() } */
static void work_until_done(void *arg)
{
	uintptr_t i = (uintptr_t)arg;
	uint64_t v;
	struct kchan_case c[] = {
		{ .ch = work.ch, .dir = KCHAN_RECV, .elem = &v, .size = 8 },
		{ .ch = kchan_ctx_done(work.ctx), .dir = KCHAN_RECV, .ok = 7 },
	};

	while (must(kchan_select(c, 2)) == 0)
		__atomic_add_fetch(&work.done, 1, __ATOMIC_RELAXED);
	work.err[i] = c[1].ok ? -1 : kchan_ctx_err(work.ctx);
	kchan_wg_done(&work.left);
}

static void wait_for_done(void *arg)
{
	uintptr_t i = (uintptr_t)arg;

	work.err[i] = must(kchan_recv(kchan_ctx_done(work.ctx), NULL, 0)) ? -1 :
		      kchan_ctx_err(work.ctx);
	kchan_wg_done(&work.left);
}

static void start_workers(struct kchan_ctx *ctx)
{
	uintptr_t i;

	memset(&work, 0, sizeof(work));
	work.ctx = ctx;
	work.ch = must(kchan_make(8, 0, 0));
	must(kchan_wg_init(&work.left));
	must(kchan_wg_add(&work.left, WAITERS));
	for (i = 0; i < WAITERS; i++)
		must(kchan_go(i % 2 ? work_until_done : wait_for_done, (void *)i));
}

static void expect_all_ended(struct __test_metadata *_metadata, int err)
{
	int i;

	EXPECT_EQ(0, kchan_wg_wait(&work.left));
	for (i = 0; i < WAITERS; i++)
		EXPECT_EQ(err, work.err[i]);
	EXPECT_EQ(0, ch_info(kchan_ctx_done(work.ctx)).recvq);
	EXPECT_EQ(0, ch_info(work.ch).recvq);
}

TEST(cancel_wakes_all_who_wait)
{
	uint64_t v = 1;
	int i;

	start_workers(with_cancel(background()));
	wait_parked(kchan_ctx_done(work.ctx), WAITERS, 0);
	for (i = 0; i < 20; i++)
		EXPECT_EQ(0, kchan_send(work.ch, &v, 8));
	EXPECT_TRUE(eventually(__atomic_load_n(&work.done, __ATOMIC_RELAXED) == 20));
	wait_parked(kchan_ctx_done(work.ctx), WAITERS, 0);
	kchan_ctx_cancel(work.ctx);
	expect_all_ended(_metadata, ECANCELED);
	kchan_ctx_free(work.ctx);
}

TEST(the_deadline_wakes_all_who_wait)
{
	uint64_t when = now_ns() + 8 * SEC;
	struct kchan_ctx *parent = with_deadline(background(), when);

	start_workers(with_cancel(parent));
	wait_parked(kchan_ctx_done(work.ctx), WAITERS, 0);
	expect_all_ended(_metadata, ETIMEDOUT);
	EXPECT_LE(when, now_ns());
	kchan_ctx_free(work.ctx);
	kchan_ctx_free(parent);
}

TEST(cancel_of_the_parent_wakes_who_waits_for_the_child)
{
	struct kchan_ctx *parent = with_cancel(background());

	start_workers(with_deadline(with_cancel(parent), now_ns() + FAR));
	wait_parked(kchan_ctx_done(work.ctx), WAITERS, 0);
	kchan_ctx_cancel(parent);
	expect_all_ended(_metadata, ECANCELED);
}

TEST(poll_on_done_wakes_at_the_deadline_and_at_cancel)
{
	uint64_t when = now_ns() + 500 * MS;
	struct kchan_ctx *late = with_deadline(background(), when);
	struct kchan_ctx *ctx = with_cancel(background());
	struct task a, b;

	start_poller(&a, kchan_ctx_done(late), POLLIN);
	start_poller(&b, kchan_ctx_done(ctx), POLLIN);
	EXPECT_EQ(POLLIN | POLLHUP, task_join(&a));
	EXPECT_LE(when, now_ns());
	EXPECT_FALSE(task_done(&b));
	kchan_ctx_cancel(ctx);
	EXPECT_EQ(POLLIN | POLLHUP, task_join(&b));
}

TEST(epoll_on_done_wakes_at_the_deadline)
{
	uint64_t when = now_ns() + 20 * MS;
	struct kchan_ctx *ctx = with_deadline(background(), when);
	int ep = ep_new(kchan_ctx_done(ctx), EPOLLIN | EPOLLET);

	EXPECT_EQ(EPOLLIN | EPOLLHUP, ep_events(ep, -1));
	EXPECT_LE(when, now_ns());
	EXPECT_CTX(ETIMEDOUT, ctx);
}

static int wait_in_a_child(void *arg)
{
	return kchan_recv(*(int *)arg, NULL, 0) ? 1 : 0;
}

TEST(a_forked_child_waits_for_a_context_of_its_parent)
{
	uint64_t when = now_ns() + 1000 * MS;
	struct kchan_ctx *ctx = with_cancel(background());
	struct kchan_ctx *late = with_deadline(background(), when);
	int done = kchan_ctx_done(ctx), end = kchan_ctx_done(late);
	pid_t a = child_start(wait_in_a_child, &done), b = child_start(wait_in_a_child, &end);

	wait_parked(done, 1, 0);
	EXPECT_EQ(0, child_wait(b));
	EXPECT_LE(when, now_ns());
	EXPECT_EQ(1, ch_info(done).recvq);
	kchan_ctx_cancel(ctx);
	EXPECT_EQ(0, child_wait(a));
}

/* ---- err and done agree, whoever looks ---- */

#define ROUNDS	2000	/* at most */

static struct kchan_ctx *watched[ROUNDS];
static uint32_t current;

static bool look_at(struct kchan_ctx *ctx)
{
	int err = kchan_ctx_err(ctx);

	if (err && !is_done(ctx))
		die("err is %d, done is open", err);
	if (!is_done(ctx))
		return false;
	err = kchan_ctx_err(ctx);
	if (err != ECANCELED && err != ETIMEDOUT)
		die("done is closed, err is %d", err);
	linger(20000);
	if (kchan_ctx_err(ctx) != err)
		die("err changed from %d", err);
	return true;
}

static long watch_contexts(struct task *t)
{
	uint32_t i;

	pin_to(1);
	for (i = 0; i < t->size; i++) {
		while (__atomic_load_n(&current, __ATOMIC_ACQUIRE) <= i)
			;
		while (!look_at(watched[i]))
			t->value++;
	}
	return 0;
}

/* Some by their deadline, some by cancel, some by both at about the same time. */
static void end_one(struct kchan_ctx *parent, int i)
{
	struct kchan_ctx *ctx;
	uint64_t when = now_ns() + i % 50 * 4000 + 20000;

	ctx = with_deadline(parent, i % 3 ? when : now_ns() + FAR);
	watched[i] = i % 4 ? ctx : with_cancel(ctx);
	__atomic_store_n(&current, i + 1, __ATOMIC_RELEASE);
	linger(i % 41 * 5000);
	if (i % 3 != 1)
		kchan_ctx_cancel(ctx);
}

TEST(err_is_set_exactly_when_done_is_closed)
{
	struct kchan_ctx *parent = with_cancel(background());
	struct rlimit files = { 4 * ROUNDS, 4 * ROUNDS };
	struct task t = { .size = scaled(ROUNDS) };
	uint32_t i;

	if (setrlimit(RLIMIT_NOFILE, &files))
		SKIP(return, "no limit of %d files", 4 * ROUNDS);
	task_start(&t, watch_contexts);
	pin_to(0);
	for (i = 0; i < t.size; i++)
		end_one(parent, i);
	EXPECT_EQ(0, task_join(&t));
	TH_LOG("seen not done %llu times", (unsigned long long)t.value);
	kchan_ctx_free(parent);
	for (i = 0; i < t.size; i++)
		EXPECT_NE(0, kchan_ctx_err(watched[i]));
}

static long make_and_free_children(struct task *t)
{
	struct kchan_ctx *parent = t->buf, *ctx;
	int children = scaled(500), i;

	for (i = 0; i < children; i++) {
		ctx = i % 2 ? with_cancel(parent) : with_deadline(parent, now_ns() + i * 1000);
		kchan_ctx_free(with_cancel(ctx));
		if (i % 3)
			kchan_ctx_cancel(ctx);
		kchan_ctx_free(ctx);
	}
	ctx = with_cancel(parent);
	while (must(kchan_recv(kchan_ctx_done(ctx), NULL, 0)))
		;
	i = kchan_ctx_err(ctx);
	kchan_ctx_free(ctx);
	return i;
}

TEST(threads_make_and_free_children_of_one_parent)
{
	struct kchan_ctx *parent = with_cancel(background());
	int files = count_entries("/proc/self/fd"), i;
	struct task t[4];

	for (i = 0; i < 4; i++) {
		t[i] = (struct task){ .buf = parent };
		task_start(&t[i], make_and_free_children);
	}
	linger(50 * MS);
	kchan_ctx_cancel(parent);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(ECANCELED, task_join(&t[i]));
	EXPECT_EQ(files, count_entries("/proc/self/fd"));
	kchan_ctx_free(parent);
	EXPECT_EQ(files - 1, count_entries("/proc/self/fd"));
}

TEST_HARNESS_MAIN
