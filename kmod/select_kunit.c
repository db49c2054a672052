// SPDX-License-Identifier: GPL-2.0-only
/*
 * White-box tests of what concerns several channels, or time: claims of two waits, entries
 * of selects that do not block, timers.  Selects as a whole only receive here, and discard:
 * the kernel threads of tests have no user memory.
 */
#include <linux/kthread.h>
#include <linux/sched/signal.h>

#include "kunit.h"
#include "select.h"
#include "timer.h"

/* A select that is about to queue its second entry. */
struct half_queued {
	struct chan_wait wait;
	struct chan_waiter w[2];
	struct chan_elem elem[2];
	struct chan_blocking how;
};

/* It has queued on @a, in the queue @q of it, and looks at @b next. */
static struct half_queued *half_queue(struct kunit *test, struct chan *a, struct chan_queue *q,
				      struct chan *b)
{
	struct half_queued *h = kunit_kzalloc(test, sizeof(*h), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, h);
	chan_wait_init(&h->wait, CHAN_WAIT_SELECT, h->w, 2);
	chan_waiter_init(&h->w[0], &h->wait, a, q == &a->sendq, &h->elem[0], CHAN_ANY_ROOM);
	chan_waiter_init(&h->w[1], &h->wait, b, false, &h->elem[1], CHAN_ANY_ROOM);
	set_value(&h->elem[0], 100);
	set_value(&h->elem[1], 101);
	h->how.until = KTIME_MAX;
	h->how.own = &h->w[1];
	spin_lock(&a->lock);
	chan_enqueue(h->w[0].chan, h->w[0].queue, &h->w[0], h->wait.passing);
	spin_unlock(&a->lock);
	return h;
}

static int send_second(struct half_queued *h)
{
	h->w[1].queue = &h->w[1].chan->sendq;
	return chan_send_attempt(h->w[1].chan, &h->elem[1], &h->how, &h->w[1]);
}

static int recv_second(struct half_queued *h)
{
	struct chan_dest dest = { .elem = &h->elem[1], .room = CHAN_ANY_ROOM };

	return chan_recv_attempt(h->w[1].chan, &dest, &h->how, &h->w[1]);
}

static void expect_still_queued(struct kunit *test, const struct half_queued *h)
{
	KUNIT_EXPECT_EQ(test, h->wait.winner, CHAN_NO_WINNER);
	KUNIT_EXPECT_FALSE(test, hlist_unhashed(&h->w[0].link));
}

static void drop_both(struct half_queued *h)
{
	chan_leave(&h->w[0], false);
	chan_leave(&h->w[1], false);
}

static void send_and_receive_of_one_select_do_not_meet(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 0);
	struct half_queued *h = half_queue(test, c, &c->recvq, c);

	KUNIT_EXPECT_EQ(test, send_second(h), -EAGAIN);
	expect_still_queued(test, h);
	KUNIT_EXPECT_EQ(test, c->recvq.n, 1);
	KUNIT_EXPECT_EQ(test, c->sendq.n, 1);
	drop_both(h);
	chan_put(c);
}

static void behind_its_own_entry_a_select_finds_a_partner(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 0);
	struct half_queued *h = half_queue(test, c, &c->recvq, c);
	struct parked *p = park_receiver(test, c);

	KUNIT_EXPECT_EQ(test, send_second(h), 0);
	KUNIT_EXPECT_EQ(test, h->wait.winner, 1);
	expect_completed(test, p, 0);
	KUNIT_EXPECT_EQ(test, get_value(&p->elem), 101);
	KUNIT_EXPECT_FALSE(test, hlist_unhashed(&h->w[0].link));
	drop_both(h);
	chan_put(c);
}

static void meeting_ends_both_selects(struct kunit *test)
{
	struct chan *a = make(test, 0, 8, 0), *b = make(test, 0, 8, 0);
	struct half_queued *h = half_queue(test, a, &a->recvq, b);
	struct half_queued *other = half_queue(test, b, &b->recvq, a);

	KUNIT_EXPECT_EQ(test, send_second(h), 0);
	KUNIT_EXPECT_EQ(test, h->wait.winner, 1);
	KUNIT_EXPECT_EQ(test, other->wait.winner, 0);
	KUNIT_EXPECT_EQ(test, get_value(&other->elem[0]), 101);
	/* The other one has been completed: it does nothing more. */
	KUNIT_EXPECT_EQ(test, send_second(other), -ECANCELED);
	KUNIT_EXPECT_NE(test, h->wait.progress, (int)CHAN_DONE);
	chan_leave(&h->w[0], false);
	KUNIT_EXPECT_EQ(test, a->recvq.n + a->sendq.n + b->recvq.n + b->sendq.n, 0);
	chan_put(a);
	chan_put(b);
}

static void completed_select_completes_nobody(struct kunit *test)
{
	struct chan *a = make(test, 0, 8, 0), *b = make(test, 0, 8, 0);
	struct half_queued *h = half_queue(test, a, &a->recvq, b);
	struct parked *p = park_receiver(test, b);

	KUNIT_EXPECT_EQ(test, try_send(test, a, 5), 0);
	KUNIT_EXPECT_EQ(test, send_second(h), -ECANCELED);
	KUNIT_EXPECT_EQ(test, h->wait.winner, 0);
	KUNIT_EXPECT_EQ(test, h->elem[1].len, 8);
	expect_parked(test, p);
	chan_leave(&p->w, false);
	chan_put(a);
	chan_put(b);
}

static void completed_select_leaves_the_buffer_alone(struct kunit *test)
{
	struct chan *a = make(test, 0, 8, 0), *b = make(test, 0, 8, 1);
	struct half_queued *h = half_queue(test, a, &a->recvq, b);

	KUNIT_EXPECT_EQ(test, try_send(test, a, 5), 0);
	KUNIT_EXPECT_EQ(test, send_second(h), -ECANCELED);
	KUNIT_EXPECT_EQ(test, chan_len(b), 0);
	KUNIT_EXPECT_EQ(test, try_send(test, b, 6), 0);
	h->how.own = &h->w[1];
	KUNIT_EXPECT_EQ(test, recv_second(h), -ECANCELED);
	KUNIT_EXPECT_EQ(test, chan_len(b), 1);
	chan_put(a);
	chan_put(b);
}

/* While it has no claim it may be completed, by who can see it: then it meets nobody. */
static void select_completed_in_the_gap_completes_nobody(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 0);
	struct parked *own = park_receiver(test, c), *p = park_receiver(test, c);

	spin_lock(&c->lock);
	KUNIT_EXPECT_TRUE(test, chan_claim(&own->wait));
	own->wait.winner = 0;
	KUNIT_EXPECT_EQ(test, chan_claim_both(&p->wait, &own->wait), -ECANCELED);
	spin_unlock(&c->lock);
	/* Neither is claimed, so both can be. */
	KUNIT_EXPECT_FALSE(test, chan_abort(&own->wait));
	KUNIT_EXPECT_TRUE(test, chan_abort(&p->wait));
	chan_leave(&own->w, false);
	chan_leave(&p->w, false);
	chan_put(c);
}

static void stale_partner_does_not_end_a_select(struct kunit *test)
{
	struct chan *a = make(test, 0, 8, 0), *b = make(test, 0, 8, 0);
	struct half_queued *h = half_queue(test, a, &a->recvq, b);
	struct parked *gone = park_receiver(test, b);

	abort_wait(gone);
	KUNIT_EXPECT_EQ(test, send_second(h), -EAGAIN);
	expect_still_queued(test, h);
	KUNIT_EXPECT_TRUE(test, hlist_unhashed(&gone->w.link));
	KUNIT_EXPECT_EQ(test, b->sendq.n, 1);
	drop_both(h);
	chan_put(a);
	chan_put(b);
}

static void select_that_takes_from_a_full_buffer_lets_a_sender_in(struct kunit *test)
{
	struct chan *a = make(test, 0, 8, 0), *b = make(test, 0, 8, 1);
	struct half_queued *h = half_queue(test, a, &a->recvq, b);
	struct parked *p;

	try_send(test, b, 1);
	p = park_sender(test, b, 2);
	KUNIT_EXPECT_EQ(test, recv_second(h), 0);
	KUNIT_EXPECT_EQ(test, get_value(&h->elem[1]), 1);
	KUNIT_EXPECT_EQ(test, h->wait.winner, 1);
	expect_completed(test, p, 0);
	expect_recv(test, b, 2);
	drop_both(h);
	chan_put(a);
	chan_put(b);
}

static void second_channel_that_is_closed_ends_a_select(struct kunit *test)
{
	struct chan *a = make(test, 0, 8, 0), *b = make(test, 0, 8, 0);
	struct half_queued *h = half_queue(test, a, &a->recvq, b);

	chan_close(b);
	KUNIT_EXPECT_EQ(test, send_second(h), -EPIPE);
	KUNIT_EXPECT_EQ(test, h->wait.winner, 1);
	KUNIT_EXPECT_EQ(test, h->wait.result, -EPIPE);
	drop_both(h);
	chan_put(a);
	chan_put(b);
}

/* A select that does not block, queued on @c as a receiver. */
static struct parked *passing_receiver(struct kunit *test, struct chan *c)
{
	struct parked *p = parked_new(test, c, CHAN_WAIT_SELECT);

	p->wait.passing = true;
	spin_lock(&c->lock);
	chan_enqueue(p->w.chan, p->w.queue, &p->w, p->wait.passing);
	spin_unlock(&c->lock);
	return p;
}

static int blocking_send(struct chan *c, u64 value)
{
	struct chan_blocking how = { .until = KTIME_MAX };
	struct chan_elem elem;

	set_value(&elem, value);
	return chan_send_attempt(c, &elem, &how, NULL);
}

static void two_that_do_not_block_pass_on_an_unbuffered_channel(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 0);
	struct parked *p = passing_receiver(test, c);
	struct chan_blocking past = { .until = 1 };
	struct chan_elem elem;

	KUNIT_EXPECT_EQ(test, try_send(test, c, 1), -EAGAIN);
	set_value(&elem, 1);
	KUNIT_EXPECT_EQ(test, chan_send(c, &elem, &past), -ETIMEDOUT);
	expect_parked(test, p);
	KUNIT_EXPECT_EQ(test, blocking_send(c, 2), 0);
	expect_completed(test, p, 0);
	chan_put(c);
}

static void on_a_buffered_channel_nobody_passes(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 1);
	struct parked *p = passing_receiver(test, c);

	KUNIT_EXPECT_EQ(test, try_send(test, c, 1), 0);
	expect_completed(test, p, 0);
	KUNIT_EXPECT_EQ(test, chan_len(c), 0);
	chan_put(c);
}

static void parked_receivers_come_before_passing_ones(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 0);
	struct parked *passing = passing_receiver(test, c);
	struct parked *p = park_receiver(test, c);

	KUNIT_EXPECT_EQ(test, blocking_send(c, 1), 0);
	expect_completed(test, p, 0);
	expect_parked(test, passing);
	chan_leave(&passing->w, false);
	chan_put(c);
}

static void passing_entries_are_not_seen_by_pollers(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 0);
	struct parked *p = passing_receiver(test, c);

	KUNIT_EXPECT_EQ(test, c->recvq.n, 0);
	KUNIT_EXPECT_EQ(test, chan_poll_events(c, FMODE_READ | FMODE_WRITE), 0);
	chan_leave(&p->w, false);
	KUNIT_EXPECT_EQ(test, c->recvq.n, 0);
	chan_put(c);
}

static void close_ends_passing_entries_too(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 0);
	struct parked *p = passing_receiver(test, c);

	chan_close(c);
	expect_completed(test, p, -EPIPE);
	chan_put(c);
}

/* Whoever ended the channel has set its state, and has not come to those in its queues. */
static void end_that_is_not_told_yet_is_noticed(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 0);
	struct parked *p = passing_receiver(test, c);

	c->state = CHAN_STATE_CLOSED;
	KUNIT_EXPECT_EQ(test, chan_end_passing(&p->wait, -EAGAIN), -EPIPE);
	chan_put(c);
}

static void passing_select_has_done_what_another_call_has_done_with_it(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 0);
	struct parked *p = passing_receiver(test, c);

	KUNIT_EXPECT_EQ(test, blocking_send(c, 2), 0);
	KUNIT_EXPECT_EQ(test, chan_end_passing(&p->wait, -EAGAIN), 0);
	KUNIT_EXPECT_EQ(test, get_value(&p->elem), 2);
	chan_put(c);
}

static void passing_select_that_nobody_needs_has_done_nothing(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 0);
	struct parked *p = passing_receiver(test, c);

	KUNIT_EXPECT_EQ(test, chan_end_passing(&p->wait, -EAGAIN), -EAGAIN);
	chan_leave(&p->w, false);
	KUNIT_EXPECT_EQ(test, c->recvq.n, 0);
	chan_put(c);
}

/* As many as take several goes with the lock. */
static void crowd_of_stale_entries_is_passed(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 1);
	struct parked *gone, *p;
	int i;

	for (i = 0; i < 300; i++) {
		gone = park_receiver(test, c);
		abort_wait(gone);
	}
	p = park_receiver(test, c);
	KUNIT_EXPECT_EQ(test, try_send(test, c, 5), 0);
	expect_completed(test, p, 0);
	KUNIT_EXPECT_EQ(test, c->recvq.n, 0);

	KUNIT_EXPECT_EQ(test, try_send(test, c, 6), 0);
	for (i = 0; i < 300; i++) {
		gone = park_sender(test, c, i);
		abort_wait(gone);
	}
	p = park_sender(test, c, 7);
	expect_recv(test, c, 6);
	expect_completed(test, p, 0);
	expect_recv(test, c, 7);
	KUNIT_EXPECT_EQ(test, c->sendq.n, 0);

	for (i = 0; i < 300; i++) {
		gone = park_receiver(test, c);
		abort_wait(gone);
	}
	p = park_receiver(test, c);
	chan_close(c);
	expect_completed(test, p, -EPIPE);
	KUNIT_EXPECT_EQ(test, c->recvq.n, 0);
	chan_put(c);
}

static void blocking_operation_meets_a_passing_one_also_after_its_deadline(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 0);
	struct parked *p = passing_receiver(test, c);
	struct parked *own = parked_new(test, c, CHAN_WAIT_SEND);
	struct chan_blocking how = { .until = 1 };

	/* It decided to queue when its deadline had not passed: then it must not pass over. */
	set_value(&own->elem, 3);
	KUNIT_EXPECT_EQ(test, chan_send_attempt(c, &own->elem, &how, &own->w), 0);
	expect_completed(test, p, 0);
	KUNIT_EXPECT_EQ(test, get_value(&p->elem), 3);
	chan_put(c);
}

/* A select that receives from all of these. */
struct selector {
	struct chan **c;
	unsigned int n;
	struct chan_blocking how;
	int ret;
	int chosen;
};

static int select_once(void *data)
{
	struct selector *s = data;
	struct chan_scase *cases = kcalloc(s->n, sizeof(*cases), GFP_KERNEL);
	struct chan_scase *chosen;
	unsigned int i;

	for (i = 0; i < s->n; i++)
		cases[i] = (struct chan_scase){
			.chan = s->c[i], .size = CHAN_ANY_ROOM, .order = i,
		};
	s->ret = chan_select(cases, s->n, &s->how, &chosen);
	s->chosen = -1;
	if (chosen)
		s->chosen = chosen - cases;
	kfree(cases);
	return 0;
}

static void make_several(struct kunit *test, struct chan **c, unsigned int n)
{
	while (n--)
		c[n] = make(test, 0, 8, 0);
}

static void put_several(struct kunit *test, struct chan **c, unsigned int n)
{
	while (n--) {
		KUNIT_EXPECT_EQ(test, c[n]->recvq.n + c[n]->sendq.n, 0);
		KUNIT_EXPECT_TRUE(test, chan_fifo_is_empty(&c[n]->recvq.passing));
		KUNIT_EXPECT_TRUE(test, chan_fifo_is_empty(&c[n]->sendq.passing));
		chan_put(c[n]);
	}
}

static void select_without_a_ready_case_is_refused_and_leaves(struct kunit *test)
{
	struct chan *c[20];
	struct selector s = { .c = c, .how = { .until = CHAN_NOWAIT } };

	make_several(test, c, ARRAY_SIZE(c));
	for (s.n = 0; s.n <= ARRAY_SIZE(c); s.n++) {
		select_once(&s);
		KUNIT_EXPECT_EQ(test, s.ret, -EAGAIN);
		KUNIT_EXPECT_EQ(test, s.chosen, -1);
	}
	put_several(test, c, ARRAY_SIZE(c));
}

static void select_chooses_the_case_that_is_ready(struct kunit *test)
{
	struct chan *c[12];
	struct selector s = { .c = c, .n = ARRAY_SIZE(c), .how = { .until = CHAN_NOWAIT } };
	struct parked *p;

	make_several(test, c, ARRAY_SIZE(c));
	p = park_sender(test, c[7], 1);
	select_once(&s);
	KUNIT_EXPECT_EQ(test, s.ret, 0);
	KUNIT_EXPECT_EQ(test, s.chosen, 7);
	expect_completed(test, p, 0);
	put_several(test, c, ARRAY_SIZE(c));
}

static void parked_select_ends_with_any_case(struct kunit *test, unsigned int n)
{
	struct chan *c[40];
	struct selector s = { .c = c, .n = n, .how = { .until = KTIME_MAX } };
	unsigned int i;

	make_several(test, c, n);
	for (i = 0; i < n; i++) {
		struct task_struct *task = kthread_create(select_once, &s, "chan-kunit");

		KUNIT_ASSERT_FALSE(test, IS_ERR(task));
		get_task_struct(task);
		wake_up_process(task);
		KUNIT_ASSERT_TRUE(test, soon(READ_ONCE(c[i]->recvq.n)));
		chan_close(c[i]);
		kthread_stop(task);
		put_task_struct(task);
		KUNIT_EXPECT_EQ(test, s.ret, -EPIPE);
		KUNIT_EXPECT_EQ(test, s.chosen, i);
		chan_put(c[i]);
		c[i] = make(test, 0, 8, 0);
	}
	put_several(test, c, n);
}

static void parked_small_select_ends_with_any_case(struct kunit *test)
{
	parked_select_ends_with_any_case(test, 8);
}

static void parked_large_select_ends_with_any_case(struct kunit *test)
{
	parked_select_ends_with_any_case(test, 40);
}

static struct chan *make_timer(struct kunit *test, ktime_t when, ktime_t period)
{
	struct chan *c = make(test, CHAN_TIMER, 8, 0);

	KUNIT_ASSERT_EQ(test, chan_timer_add(c, when, period, false), 0);
	return c;
}

static void timer_yields_when_it_was_due_and_only_once(struct kunit *test)
{
	ktime_t when = ktime_get() - 12345;
	struct chan *c = make_timer(test, when, CHAN_ONCE);

	expect_recv(test, c, when);
	expect_no_recv(test, c, -EAGAIN);
	KUNIT_EXPECT_EQ(test, chan_timer_set(c, CHAN_STOPPED, 0), 0);
	chan_put(c);
}

static void ticker_drops_what_was_missed_and_keeps_its_phase(struct kunit *test)
{
	ktime_t period = 1000 * NSEC_PER_SEC;
	ktime_t when = ktime_get() - 5 * period / 2;
	struct chan *c;

	if (when < 0)
		when = ktime_get() - period / 1000;
	c = make_timer(test, when, period);
	expect_recv(test, c, when);
	KUNIT_EXPECT_EQ(test, (u64)(c->timer->when - when) % period, 0);
	KUNIT_EXPECT_GT(test, c->timer->when, ktime_get());
	KUNIT_EXPECT_LE(test, c->timer->when, ktime_get() + period);
	expect_no_recv(test, c, -EAGAIN);
	chan_put(c);
}

static void longest_period_does_not_overflow(struct kunit *test)
{
	struct chan *c = make_timer(test, 1, KTIME_MAX);

	expect_recv(test, c, 1);
	KUNIT_EXPECT_EQ(test, c->timer->when, CHAN_LAST_TIME);
	chan_put(c);
}

static void stopped_timer_yields_nothing(struct kunit *test)
{
	struct chan *c = make_timer(test, 1, CHAN_ONCE);

	KUNIT_EXPECT_EQ(test, chan_timer_set(c, CHAN_STOPPED, 0), 1);
	expect_no_recv(test, c, -EAGAIN);
	KUNIT_EXPECT_EQ(test, chan_timer_set(c, 2, 0), 0);
	expect_recv(test, c, 2);
	chan_put(c);
}

static void what_is_due_goes_to_the_oldest_receiver(struct kunit *test)
{
	struct chan *c = make_timer(test, CHAN_STOPPED, CHAN_ONCE);
	struct parked *a = park_receiver(test, c), *b = park_receiver(test, c);

	c->timer->when = 7;
	/* A newcomer finds it due, and serves who was there before. */
	expect_no_recv(test, c, -EAGAIN);
	expect_completed(test, a, 0);
	KUNIT_EXPECT_EQ(test, get_value(&a->elem), 7);
	expect_parked(test, b);
	chan_leave(&b->w, false);
	chan_put(c);
}

/* As many as take several goes with the lock, before who gets the time. */
static void what_is_due_passes_a_crowd_of_stale_entries(struct kunit *test)
{
	struct chan *c = make_timer(test, CHAN_STOPPED, CHAN_ONCE);
	struct parked *p;
	int i;

	for (i = 0; i < 300; i++)
		abort_wait(park_receiver(test, c));
	p = park_receiver(test, c);
	c->timer->when = 7;
	expect_no_recv(test, c, -EAGAIN);
	expect_completed(test, p, 0);
	KUNIT_EXPECT_EQ(test, get_value(&p->elem), 7);
	KUNIT_EXPECT_EQ(test, c->recvq.n, 0);
	chan_put(c);
}

/* A select that looked at a timer before it was due may not say that nothing is ready. */
static void passing_select_notices_what_becomes_due(struct kunit *test)
{
	struct chan *c = make_timer(test, ktime_get() + 1000 * NSEC_PER_SEC, CHAN_ONCE);
	struct parked *p = passing_receiver(test, c);

	KUNIT_EXPECT_EQ(test, chan_timer_none_due(&p->wait), 0);
	expect_parked(test, p);
	c->timer->when = 7;
	KUNIT_EXPECT_EQ(test, chan_timer_none_due(&p->wait), 0);
	expect_completed(test, p, 0);
	KUNIT_EXPECT_EQ(test, get_value(&p->elem), 7);
	chan_put(c);
}

/* Those before it may receive again and again what is due again. */
static void passing_select_that_served_others_minds_signals(struct kunit *test)
{
	struct chan *c = make_timer(test, CHAN_STOPPED, CHAN_ONCE);
	struct parked *before = park_receiver(test, c);
	struct parked *p = passing_receiver(test, c);

	allow_signal(SIGUSR1);
	send_sig(SIGUSR1, current, 1);
	KUNIT_EXPECT_EQ(test, chan_timer_none_due(&p->wait), 0);
	c->timer->when = 7;
	KUNIT_EXPECT_EQ(test, chan_timer_none_due(&p->wait), -ERESTARTSYS);
	disallow_signal(SIGUSR1);
	flush_signals(current);
	expect_completed(test, before, 0);
	expect_parked(test, p);
	chan_leave(&p->w, false);
	chan_put(c);
}

static void timer_that_is_stopped_late_is_received_by_who_waits(struct kunit *test)
{
	struct chan *c = make_timer(test, CHAN_STOPPED, CHAN_ONCE);
	struct parked *p = park_receiver(test, c);

	c->timer->when = 7;
	KUNIT_EXPECT_EQ(test, chan_timer_set(c, CHAN_STOPPED, 0), 0);
	expect_completed(test, p, 0);
	chan_put(c);
}

static void channel_counts_as_closed_from_its_time_on(struct kunit *test)
{
	struct chan *c = make(test, 0, 8, 2);
	struct chan_info info = {};

	KUNIT_ASSERT_EQ(test, chan_timer_add(c, KTIME_MAX - 1, CHAN_ONCE, true), 0);
	KUNIT_EXPECT_EQ(test, try_send(test, c, 1), 0);
	c->timer->when = 1;
	chan_get_info(c, &info);
	KUNIT_EXPECT_EQ(test, info.state, CHAN_STATE_CLOSED);
	KUNIT_EXPECT_EQ(test, try_send(test, c, 2), -EPIPE);
	KUNIT_EXPECT_EQ(test, chan_close(c), -EPIPE);
	expect_recv(test, c, 1);
	expect_no_recv(test, c, -EPIPE);
	KUNIT_EXPECT_EQ(test, chan_timer_set(c, 5, 0), -EINVAL);
	chan_put(c);
}

static struct kunit_case chan_select_cases[] = {
	KUNIT_CASE(send_and_receive_of_one_select_do_not_meet),
	KUNIT_CASE(behind_its_own_entry_a_select_finds_a_partner),
	KUNIT_CASE(meeting_ends_both_selects),
	KUNIT_CASE(completed_select_completes_nobody),
	KUNIT_CASE(completed_select_leaves_the_buffer_alone),
	KUNIT_CASE(select_completed_in_the_gap_completes_nobody),
	KUNIT_CASE(stale_partner_does_not_end_a_select),
	KUNIT_CASE(select_that_takes_from_a_full_buffer_lets_a_sender_in),
	KUNIT_CASE(second_channel_that_is_closed_ends_a_select),
	KUNIT_CASE(two_that_do_not_block_pass_on_an_unbuffered_channel),
	KUNIT_CASE(on_a_buffered_channel_nobody_passes),
	KUNIT_CASE(parked_receivers_come_before_passing_ones),
	KUNIT_CASE(passing_entries_are_not_seen_by_pollers),
	KUNIT_CASE(close_ends_passing_entries_too),
	KUNIT_CASE(end_that_is_not_told_yet_is_noticed),
	KUNIT_CASE(passing_select_has_done_what_another_call_has_done_with_it),
	KUNIT_CASE(passing_select_that_nobody_needs_has_done_nothing),
	KUNIT_CASE(crowd_of_stale_entries_is_passed),
	KUNIT_CASE(blocking_operation_meets_a_passing_one_also_after_its_deadline),
	KUNIT_CASE(select_without_a_ready_case_is_refused_and_leaves),
	KUNIT_CASE(select_chooses_the_case_that_is_ready),
	KUNIT_CASE(parked_small_select_ends_with_any_case),
	KUNIT_CASE(parked_large_select_ends_with_any_case),
	KUNIT_CASE(timer_yields_when_it_was_due_and_only_once),
	KUNIT_CASE(ticker_drops_what_was_missed_and_keeps_its_phase),
	KUNIT_CASE(longest_period_does_not_overflow),
	KUNIT_CASE(stopped_timer_yields_nothing),
	KUNIT_CASE(what_is_due_goes_to_the_oldest_receiver),
	KUNIT_CASE(what_is_due_passes_a_crowd_of_stale_entries),
	KUNIT_CASE(passing_select_notices_what_becomes_due),
	KUNIT_CASE(passing_select_that_served_others_minds_signals),
	KUNIT_CASE(timer_that_is_stopped_late_is_received_by_who_waits),
	KUNIT_CASE(channel_counts_as_closed_from_its_time_on),
	{}
};

static struct kunit_suite chan_select_suite = {
	.name = "chan_select",
	.test_cases = chan_select_cases,
};

kunit_test_suite(chan_select_suite);
