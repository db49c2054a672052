// SPDX-License-Identifier: GPL-2.0-only
/*
 * White-box tests of the channel: every state against every operation, and the
 * invariants of chan.h after each step.
 *
 * A parked task is played by a wait of its own, queued by hand, so that each state
 * is set up exactly.  The tests of parking itself use kernel threads.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>

#include "kunit.h"

static void open_unbuffered_alone_neither_sends_nor_receives(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 0);

	KUNIT_EXPECT_EQ(test, try_send(test, c, 1), -EAGAIN);
	expect_no_recv(test, c, -EAGAIN);
	KUNIT_EXPECT_EQ(test, chan_len(c), 0);
	chan_put(c);
}

static void send_goes_to_oldest_parked_receiver(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 0);
	struct parked *a = park_receiver(test, c);
	struct parked *b = park_receiver(test, c);

	KUNIT_EXPECT_EQ(test, try_send(test, c, 7), 0);
	expect_completed(test, a, 0);
	KUNIT_EXPECT_EQ(test, get_value(&a->elem), 7);
	expect_parked(test, b);
	KUNIT_EXPECT_EQ(test, try_send(test, c, 8), 0);
	expect_completed(test, b, 0);
	KUNIT_EXPECT_EQ(test, get_value(&b->elem), 8);
	KUNIT_EXPECT_EQ(test, c->stats.handoffs, 2);
	chan_put(c);
}

static void send_to_parked_receiver_bypasses_buffer(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 3);
	struct parked *a = park_receiver(test, c);

	KUNIT_EXPECT_EQ(test, try_send(test, c, 7), 0);
	expect_completed(test, a, 0);
	KUNIT_EXPECT_EQ(test, chan_len(c), 0);
	KUNIT_EXPECT_EQ(test, c->ring.sendx, 0);
	chan_put(c);
}

static void receive_takes_from_oldest_parked_sender(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 0);
	struct parked *a = park_sender(test, c, 1);
	struct parked *b = park_sender(test, c, 2);

	KUNIT_EXPECT_EQ(test, chan_len(c), 0);
	expect_recv(test, c, 1);
	expect_completed(test, a, 0);
	KUNIT_EXPECT_EQ(test, a->elem.len, 0);
	expect_parked(test, b);
	expect_recv(test, c, 2);
	expect_completed(test, b, 0);
	expect_no_recv(test, c, -EAGAIN);
	chan_put(c);
}

static void buffer_is_fifo_and_bounded(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 3);
	u64 i;

	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, chan_len(c), i);
		KUNIT_EXPECT_EQ(test, try_send(test, c, i), 0);
	}
	KUNIT_EXPECT_EQ(test, try_send(test, c, 9), -EAGAIN);
	for (i = 0; i < 3; i++)
		expect_recv(test, c, i);
	expect_no_recv(test, c, -EAGAIN);
	chan_put(c);
}

/* Go: the receiver gets the oldest, the parked sender's value takes its slot. */
static void full_buffer_admits_parked_sender_at_every_offset(struct kunit *test)
{
	const u64 cap = 4;
	u64 offset, i;

	for (offset = 0; offset < cap; offset++) {
		struct chan *c = make(test, 0, 8, cap);
		struct parked *p[2];

		for (i = 0; i < offset; i++) {
			KUNIT_EXPECT_EQ(test, try_send(test, c, POISON), 0);
			expect_recv(test, c, POISON);
		}
		for (i = 0; i < cap; i++)
			KUNIT_EXPECT_EQ(test, try_send(test, c, i), 0);
		KUNIT_EXPECT_EQ(test, c->ring.recvx, offset);
		p[0] = park_sender(test, c, cap);
		p[1] = park_sender(test, c, cap + 1);

		expect_recv(test, c, 0);
		expect_completed(test, p[0], 0);
		expect_parked(test, p[1]);
		KUNIT_EXPECT_EQ(test, chan_len(c), cap);
		expect_recv(test, c, 1);
		expect_completed(test, p[1], 0);
		for (i = 2; i < cap + 2; i++)
			expect_recv(test, c, i);
		KUNIT_EXPECT_EQ(test, chan_len(c), 0);
		chan_put(c);
	}
}

static void close_completes_all_parked_receivers(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 1);
	struct parked *p[200];
	int i;

	for (i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = park_receiver(test, c);
	KUNIT_EXPECT_EQ(test, chan_close(c), 0);
	check_invariants(test, c);
	for (i = 0; i < ARRAY_SIZE(p); i++)
		expect_completed(test, p[i], -EPIPE);
	chan_put(c);
}

static void close_fails_parked_senders_and_keeps_buffer(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 2);
	struct parked *p;

	try_send(test, c, 1);
	try_send(test, c, 2);
	p = park_sender(test, c, 3);
	KUNIT_EXPECT_EQ(test, chan_close(c), 0);
	expect_completed(test, p, -EPIPE);
	KUNIT_EXPECT_EQ(test, get_value(&p->elem), 3);

	KUNIT_EXPECT_EQ(test, chan_len(c), 2);
	KUNIT_EXPECT_EQ(test, try_send(test, c, 4), -EPIPE);
	expect_recv(test, c, 1);
	expect_recv(test, c, 2);
	expect_no_recv(test, c, -EPIPE);
	expect_no_recv(test, c, -EPIPE);
	chan_put(c);
}

static void closed_stays_closed(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 0);

	KUNIT_EXPECT_EQ(test, chan_close(c), 0);
	KUNIT_EXPECT_EQ(test, chan_close(c), -EPIPE);
	KUNIT_EXPECT_EQ(test, try_send(test, c, 1), -EPIPE);
	expect_no_recv(test, c, -EPIPE);
	chan_put(c);
}

static void remove_drops_contents_and_fails_everybody(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 1);
	struct parked *p;

	try_send(test, c, 1);
	p = park_sender(test, c, 2);
	chan_remove(c);
	expect_completed(test, p, -EIDRM);
	KUNIT_EXPECT_EQ(test, chan_len(c), 0);
	KUNIT_EXPECT_EQ(test, try_send(test, c, 1), -EIDRM);
	KUNIT_EXPECT_EQ(test, chan_close(c), -EIDRM);
	KUNIT_EXPECT_EQ(test, chan_gone(c), -EIDRM);
	chan_put(c);
}

/* Corner case: who loses the claim tries the next one. */
static void lost_claim_goes_to_next_receiver(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 2);
	struct parked *gone = park_receiver(test, c);
	struct parked *next = park_receiver(test, c);

	abort_wait(gone);
	KUNIT_EXPECT_EQ(test, try_send(test, c, 5), 0);
	expect_completed(test, next, 0);
	KUNIT_EXPECT_EQ(test, get_value(&next->elem), 5);
	KUNIT_EXPECT_NE(test, gone->wait.progress, (int)CHAN_DONE);
	KUNIT_EXPECT_TRUE(test, hlist_unhashed(&gone->w.link));
	KUNIT_EXPECT_EQ(test, chan_len(c), 0);
	chan_put(c);
}

static void lost_claim_goes_to_next_sender(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 0);
	struct parked *gone = park_sender(test, c, 1);
	struct parked *next = park_sender(test, c, 2);

	abort_wait(gone);
	expect_recv(test, c, 2);
	expect_completed(test, next, 0);
	KUNIT_EXPECT_EQ(test, gone->elem.len, sizeof(u64));
	expect_no_recv(test, c, -EAGAIN);
	chan_put(c);
}

static void only_stale_senders_leave_a_free_slot(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 1);
	struct parked *gone;

	try_send(test, c, 1);
	gone = park_sender(test, c, 2);
	abort_wait(gone);
	expect_recv(test, c, 1);
	KUNIT_EXPECT_EQ(test, chan_len(c), 0);
	KUNIT_EXPECT_EQ(test, c->sendq.n, 0);
	chan_put(c);
}

static void an_entry_leaves_from_anywhere_and_the_rest_keep_their_order(struct kunit *test)
{
	int left, i, value;

	for (left = 0; left < 3; left++) {
		struct chan *c = make(test, 0, 8, 0);
		struct parked *p[4];

		for (i = 0; i < 3; i++)
			p[i] = park_receiver(test, c);
		chan_leave(&p[left]->w, false);
		KUNIT_EXPECT_EQ(test, c->recvq.n, 2);
		/* Once more does nothing. */
		chan_leave(&p[left]->w, false);
		KUNIT_EXPECT_EQ(test, c->recvq.n, 2);
		p[3] = park_receiver(test, c);
		for (i = 0, value = 1; i < 4; i++) {
			if (i == left)
				continue;
			try_send(test, c, value);
			expect_completed(test, p[i], 0);
			KUNIT_EXPECT_EQ(test, get_value(&p[i]->elem), value);
			value++;
		}
		KUNIT_EXPECT_NE(test, p[left]->wait.progress, (int)CHAN_DONE);
		KUNIT_EXPECT_EQ(test, c->entries, 0);
		chan_put(c);
	}
}

static void zero_size_elements_count(struct kunit *test)
{
	struct chan_blocking how = { .until = CHAN_NOWAIT };
	struct chan *c = make(test, 0, 0, 2);
	struct chan_elem elem = {};
	struct chan_dest dest = { .room = CHAN_ANY_ROOM };

	KUNIT_EXPECT_NULL(test, c->ring.slots);
	KUNIT_EXPECT_EQ(test, chan_send(c, &elem, &how), 0);
	KUNIT_EXPECT_EQ(test, chan_send(c, &elem, &how), 0);
	KUNIT_EXPECT_EQ(test, chan_send(c, &elem, &how), -EAGAIN);
	KUNIT_EXPECT_EQ(test, chan_len(c), 2);
	KUNIT_EXPECT_EQ(test, chan_recv(c, &dest, &how), 0);
	KUNIT_EXPECT_EQ(test, chan_close(c), 0);
	KUNIT_EXPECT_EQ(test, chan_recv(c, &dest, &how), 0);
	KUNIT_EXPECT_EQ(test, chan_recv(c, &dest, &how), -EPIPE);
	chan_put(c);
}

static void fill(struct kunit *test, struct chan *c, struct chan_elem *elem, u32 len, u8 byte)
{
	KUNIT_ASSERT_EQ(test, chan_elem_alloc(elem, c->user, len), 0);
	memset(chan_elem_bytes(elem), byte, len);
}

static void expect_message(struct kunit *test, struct chan *c, u32 len, u8 byte)
{
	struct chan_blocking how = { .until = CHAN_NOWAIT };
	struct chan_elem elem = {};
	struct chan_dest dest = { .elem = &elem, .room = CHAN_ANY_ROOM };

	KUNIT_ASSERT_EQ(test, chan_recv(c, &dest, &how), 0);
	KUNIT_EXPECT_EQ(test, elem.len, len);
	KUNIT_EXPECT_NULL(test, memchr_inv(chan_elem_bytes(&elem), byte, len));
	chan_elem_drop(&elem);
}

static void messages_keep_length_and_content(struct kunit *test)
{
	static const u32 lens[] = { 0, 1, 7, 8, 127, 128, 129, 4096, 100000 };
	struct chan_blocking how = { .until = CHAN_NOWAIT };
	long before, bytes;
	struct chan *c;
	int i;

	c = make(test, CHAN_MESSAGE, 100000, ARRAY_SIZE(lens));
	before = atomic_long_read(&c->user->bytes);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		struct chan_elem elem;

		fill(test, c, &elem, lens[i], i);
		KUNIT_EXPECT_EQ(test, chan_send(c, &elem, &how), 0);
	}
	bytes = atomic_long_read(&c->user->bytes) - before;
	KUNIT_EXPECT_GE(test, bytes, 129 + 4096 + 100000);
	for (i = 0; i < ARRAY_SIZE(lens); i++)
		expect_message(test, c, lens[i], i);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&c->user->bytes), before);
	chan_put(c);
}

static void long_elements_left_behind_are_freed(struct kunit *test)
{
	struct chan_blocking how = { .until = CHAN_NOWAIT };
	struct chan *c = make(test, 0, 5000, 2);
	struct chan_user *user = chan_user_get(c->user);
	struct chan_elem elem;
	long before;

	before = atomic_long_read(&user->bytes) - 2 * sizeof(void *);
	fill(test, c, &elem, 5000, 1);
	KUNIT_EXPECT_EQ(test, chan_send(c, &elem, &how), 0);
	chan_put(c);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&user->bytes), before);
	chan_user_put(user);
}

static void message_too_long_is_not_consumed(struct kunit *test)
{
	struct chan_blocking how = { .until = CHAN_NOWAIT };
	struct chan *c = make(test, CHAN_MESSAGE, 16, 1);
	struct chan_dest dest = { .room = 7 };

	try_send(test, c, 1);
	KUNIT_EXPECT_EQ(test, chan_recv(c, &dest, &how), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, chan_len(c), 1);
	expect_recv(test, c, 1);
	chan_put(c);
}

static void parked_receiver_without_room_is_passed_over(struct kunit *test)
{
	struct chan *c = make(test, CHAN_MESSAGE, 16, 0);
	struct parked *narrow = park_receiver(test, c);
	struct parked *wide = park_receiver(test, c);

	narrow->w.room = 7;
	KUNIT_EXPECT_EQ(test, try_send(test, c, 3), 0);
	expect_completed(test, narrow, -EMSGSIZE);
	expect_completed(test, wide, 0);
	KUNIT_EXPECT_EQ(test, get_value(&wide->elem), 3);
	chan_put(c);
}

/* Between locking a claim and its end nothing changes if it is called off. */
static void sender_stays_queued_when_the_element_does_not_fit(struct kunit *test)
{
	struct chan_blocking how = { .until = CHAN_NOWAIT };
	struct chan *c = make(test, CHAN_MESSAGE, 16, 0);
	struct parked *p = park_sender(test, c, 4);
	struct chan_dest dest = { .room = 7 };

	KUNIT_EXPECT_EQ(test, chan_recv(c, &dest, &how), -EMSGSIZE);
	expect_parked(test, p);
	expect_recv(test, c, 4);
	expect_completed(test, p, 0);
	chan_put(c);
}

static void autoclose_by_last_sender(struct kunit *test)
{
	struct chan *c = make(test, CHAN_AUTOCLOSE, 8, 1);
	struct parked *p;

	chan_add_end(c, FMODE_WRITE);
	chan_add_end(c, FMODE_WRITE);
	p = park_receiver(test, c);
	chan_drop_end(c, FMODE_WRITE);
	expect_parked(test, p);
	chan_drop_end(c, FMODE_WRITE);
	expect_completed(test, p, -EPIPE);
	KUNIT_EXPECT_EQ(test, chan_poll_events(c, FMODE_WRITE) & EPOLLERR, 0);
	chan_put(c);
}

static void autoclose_by_last_receiver(struct kunit *test)
{
	struct chan *c = make(test, CHAN_AUTOCLOSE, 8, 0);
	struct parked *p = park_sender(test, c, 1);

	chan_add_end(c, FMODE_READ);
	chan_drop_end(c, FMODE_READ);
	expect_completed(test, p, -EPIPE);
	KUNIT_EXPECT_EQ(test, chan_poll_events(c, FMODE_WRITE) & EPOLLERR, EPOLLERR);
	KUNIT_EXPECT_EQ(test, chan_poll_events(c, FMODE_READ) & EPOLLERR, 0);
	chan_put(c);
}

static void without_autoclose_ends_do_not_close(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 1);

	chan_add_end(c, FMODE_READ | FMODE_WRITE);
	chan_drop_end(c, FMODE_READ | FMODE_WRITE);
	KUNIT_EXPECT_EQ(test, try_send(test, c, 1), 0);
	chan_put(c);
}

static void wait_reasons_are_those_of_go(struct kunit *test)
{
	KUNIT_EXPECT_STREQ(test, chan_wait_reason(CHAN_WAIT_RECV), "chan receive");
	KUNIT_EXPECT_STREQ(test, chan_wait_reason(CHAN_WAIT_SEND), "chan send");
	KUNIT_EXPECT_STREQ(test, chan_wait_reason(CHAN_WAIT_SELECT), "select");
	KUNIT_EXPECT_STREQ(test, chan_wait_reason(CHAN_WAIT_SELECT_NONE), "select (no cases)");
}

/* A thread that receives once, and tells with what result. */
struct receiver {
	struct chan *c;
	ktime_t until;
	struct chan_blocking how;
	struct chan_elem elem;
	int ret;
};

static int receive_once(void *data)
{
	struct receiver *r = data;
	struct chan_dest dest = { .elem = &r->elem, .room = CHAN_ANY_ROOM };

	r->how.until = r->until;
	WRITE_ONCE(r->ret, chan_recv(r->c, &dest, &r->how));
	return 0;
}

static struct task_struct *start_receiver(struct kunit *test, struct receiver *r)
{
	struct task_struct *task = kthread_create(receive_once, r, "chan-kunit");

	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	get_task_struct(task);
	wake_up_process(task);
	return task;
}

static void join(struct task_struct *task)
{
	kthread_stop(task);
	put_task_struct(task);
}

static void parked_thread_is_woken_with_its_element(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 0);
	struct receiver r = { .c = c, .until = KTIME_MAX };
	struct task_struct *task = start_receiver(test, &r);

	KUNIT_ASSERT_TRUE(test, soon(READ_ONCE(c->recvq.n) == 1));
	KUNIT_EXPECT_EQ(test, try_send(test, c, 6), 0);
	join(task);
	KUNIT_EXPECT_EQ(test, r.ret, 0);
	KUNIT_EXPECT_EQ(test, get_value(&r.elem), 6);
	KUNIT_EXPECT_EQ(test, r.how.parks, 1);
	KUNIT_EXPECT_EQ(test, c->stats.recv_parks, 1);
	chan_put(c);
}

static void parked_thread_gives_up_at_its_deadline(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 0);
	struct receiver r = { .c = c };
	unsigned int ms;

	/* On a busy machine the thread may run only when its deadline has passed. */
	for (ms = 20; ms < 60 * MSEC_PER_SEC && !r.how.parks; ms *= 4) {
		struct task_struct *task;

		r.until = ktime_add_ms(ktime_get(), ms);
		r.ret = 1;
		task = start_receiver(test, &r);
		KUNIT_EXPECT_TRUE(test, soon(READ_ONCE(r.ret) <= 0));
		join(task);
		KUNIT_EXPECT_EQ(test, r.ret, -ETIMEDOUT);
	}
	KUNIT_EXPECT_EQ(test, c->stats.aborts, 1);
	KUNIT_EXPECT_EQ(test, c->recvq.n, 0);
	KUNIT_EXPECT_EQ(test, try_send(test, c, 1), -EAGAIN);
	chan_put(c);
}

static void past_deadline_means_try_once(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 1);
	struct receiver r = { .c = c, .until = 0 };

	receive_once(&r);
	KUNIT_EXPECT_EQ(test, r.ret, -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, r.how.parks, 0);
	try_send(test, c, 1);
	receive_once(&r);
	KUNIT_EXPECT_EQ(test, r.ret, 0);
	chan_put(c);
}

/* A claim that came before the deadline decides, however late done comes. */
static void claimed_wait_outlives_its_deadline(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 0);
	struct receiver r = { .c = c, .until = ktime_add_ms(ktime_get(), 5000) };
	struct task_struct *task = start_receiver(test, &r);
	struct chan_elem elem;
	struct chan_blocking how = { .until = CHAN_NOWAIT };
	struct chan_news news = CHAN_NEWS_INIT(news);

	KUNIT_ASSERT_TRUE(test, soon(READ_ONCE(c->recvq.n) == 1));
	set_value(&elem, 9);
	KUNIT_EXPECT_EQ(test, chan_send_once(c, &elem, &how, NULL, &news, true), 0);

	msleep(5100);
	KUNIT_EXPECT_EQ(test, c->stats.aborts, 0);
	chan_tell(c, &news);
	join(task);
	KUNIT_EXPECT_EQ(test, r.ret, 0);
	KUNIT_EXPECT_EQ(test, get_value(&r.elem), 9);
	chan_put(c);
}

static void limits_have_their_own_errors(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, PTR_ERR(chan_new(0, (1U << 20) + 1, 0)), -ENOSPC);
	KUNIT_EXPECT_EQ(test, PTR_ERR(chan_new(0, 8, (1U << 20) + 1)), -ENOSPC);
	KUNIT_EXPECT_EQ(test, PTR_ERR(chan_new(0, 8, U64_MAX)), -ENOSPC);
}

static struct kunit_case chan_core_cases[] = {
	KUNIT_CASE(open_unbuffered_alone_neither_sends_nor_receives),
	KUNIT_CASE(send_goes_to_oldest_parked_receiver),
	KUNIT_CASE(send_to_parked_receiver_bypasses_buffer),
	KUNIT_CASE(receive_takes_from_oldest_parked_sender),
	KUNIT_CASE(buffer_is_fifo_and_bounded),
	KUNIT_CASE(full_buffer_admits_parked_sender_at_every_offset),
	KUNIT_CASE(close_completes_all_parked_receivers),
	KUNIT_CASE(close_fails_parked_senders_and_keeps_buffer),
	KUNIT_CASE(closed_stays_closed),
	KUNIT_CASE(remove_drops_contents_and_fails_everybody),
	KUNIT_CASE(lost_claim_goes_to_next_receiver),
	KUNIT_CASE(lost_claim_goes_to_next_sender),
	KUNIT_CASE(only_stale_senders_leave_a_free_slot),
	KUNIT_CASE(an_entry_leaves_from_anywhere_and_the_rest_keep_their_order),
	KUNIT_CASE(zero_size_elements_count),
	KUNIT_CASE(messages_keep_length_and_content),
	KUNIT_CASE(long_elements_left_behind_are_freed),
	KUNIT_CASE(message_too_long_is_not_consumed),
	KUNIT_CASE(parked_receiver_without_room_is_passed_over),
	KUNIT_CASE(sender_stays_queued_when_the_element_does_not_fit),
	KUNIT_CASE(autoclose_by_last_sender),
	KUNIT_CASE(autoclose_by_last_receiver),
	KUNIT_CASE(without_autoclose_ends_do_not_close),
	KUNIT_CASE(wait_reasons_are_those_of_go),
	KUNIT_CASE(parked_thread_is_woken_with_its_element),
	KUNIT_CASE(parked_thread_gives_up_at_its_deadline),
	KUNIT_CASE(past_deadline_means_try_once),
	KUNIT_CASE(claimed_wait_outlives_its_deadline),
	KUNIT_CASE(limits_have_their_own_errors),
	{}
};

static struct kunit_suite chan_core_suite = {
	.name = "chan_core",
	.test_cases = chan_core_cases,
};

kunit_test_suite(chan_core_suite);
