/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the white-box tests share: channels, parked tasks played by hand, and what is to be
 * expected of both.
 */
#ifndef CHAN_KUNIT_H
#define CHAN_KUNIT_H

#include <kunit/test.h>

#include "chan.h"
#include "core.h"
#include "park.h"

#define POISON		0xaaaaaaaaaaaaaaaaULL

/* For what another thread does, however slow the machine is. */
#define soon(cond) ({							\
	ktime_t __end = ktime_get() + 60 * NSEC_PER_SEC;		\
	bool __ok;							\
									\
	while (!(__ok = (cond)) && ktime_get() < __end)			\
		schedule_timeout_uninterruptible(1);			\
	__ok;								\
})

/* Somebody who waits. */
struct parked {
	struct chan_wait wait;
	struct chan_waiter w;
	struct chan_elem elem;
};

static __maybe_unused void set_value(struct chan_elem *elem, u64 value)
{
	elem->len = sizeof(value);
	memcpy(elem->bytes, &value, sizeof(value));
}

static __maybe_unused u64 get_value(const struct chan_elem *elem)
{
	u64 value;

	memcpy(&value, elem->bytes, sizeof(value));
	return value;
}

static __maybe_unused unsigned int live(const struct chan_queue *q)
{
	struct chan_waiter *w;
	unsigned int n = 0;

	hlist_for_each_entry(w, &q->list.head, link)
		n += w->wait->winner == CHAN_NO_WINNER;
	return n;
}

static __maybe_unused void check_invariants(struct kunit *test, struct chan *c)
{
	const struct chan_ring *r = &c->ring;

	KUNIT_EXPECT_FALSE(test, live(&c->recvq) && live(&c->sendq));		/* I1 */
	if (r->cap) {								/* I2 */
		KUNIT_EXPECT_FALSE(test, r->len && c->recvq.n);
		KUNIT_EXPECT_FALSE(test, r->len < r->cap && c->sendq.n);
		KUNIT_EXPECT_EQ(test, (r->recvx + r->len) % r->cap, r->sendx);	/* I3 */
	}
	KUNIT_EXPECT_LE(test, r->len, r->cap);
	if (c->state)								/* I4 */
		KUNIT_EXPECT_FALSE(test, c->recvq.n || c->sendq.n);
	if (!(c->state & CHAN_STATE_REMOVED))
		KUNIT_EXPECT_EQ(test, c->stats.sends, c->stats.receives + r->len);
}

static __maybe_unused struct chan *make(struct kunit *test, u32 flags, u32 elem_size, u64 cap)
{
	struct chan *c = chan_new(flags, elem_size, cap);

	KUNIT_ASSERT_FALSE(test, IS_ERR(c));
	check_invariants(test, c);
	return c;
}

static __maybe_unused struct parked *parked_new(struct kunit *test, struct chan *c,
						enum chan_wait_reason reason)
{
	struct parked *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	chan_wait_init(&p->wait, reason, &p->w, 1);
	chan_waiter_init(&p->w, &p->wait, c, reason == CHAN_WAIT_SEND, &p->elem, CHAN_ANY_ROOM);
	return p;
}

static __maybe_unused struct parked *park_sender(struct kunit *test, struct chan *c, u64 value)
{
	struct parked *p = parked_new(test, c, CHAN_WAIT_SEND);

	set_value(&p->elem, value);
	spin_lock(&c->lock);
	chan_enqueue(p->w.chan, p->w.queue, &p->w, p->wait.passing);
	spin_unlock(&c->lock);
	return p;
}

static __maybe_unused struct parked *park_receiver(struct kunit *test, struct chan *c)
{
	struct parked *p = parked_new(test, c, CHAN_WAIT_RECV);

	spin_lock(&c->lock);
	chan_enqueue(p->w.chan, p->w.queue, &p->w, p->wait.passing);
	spin_unlock(&c->lock);
	return p;
}

static __maybe_unused void abort_wait(struct parked *p)
{
	p->wait.winner = CHAN_ABORTED;
}

static __maybe_unused int try_send(struct kunit *test, struct chan *c, u64 value)
{
	struct chan_blocking how = { .until = CHAN_NOWAIT };
	struct chan_elem elem;
	int ret;

	set_value(&elem, value);
	ret = chan_send(c, &elem, &how);
	KUNIT_EXPECT_EQ(test, elem.len, ret ? sizeof(value) : 0);
	check_invariants(test, c);
	return ret;
}

static __maybe_unused int try_recv(struct kunit *test, struct chan *c, u64 *value)
{
	struct chan_blocking how = { .until = CHAN_NOWAIT };
	struct chan_elem elem = {};
	struct chan_dest dest = { .elem = &elem, .room = CHAN_ANY_ROOM };
	int ret;

	set_value(&elem, POISON);
	ret = chan_recv(c, &dest, &how);
	*value = get_value(&elem);
	check_invariants(test, c);
	return ret;
}

static __maybe_unused void expect_recv(struct kunit *test, struct chan *c, u64 expected)
{
	u64 value;

	KUNIT_EXPECT_EQ(test, try_recv(test, c, &value), 0);
	KUNIT_EXPECT_EQ(test, value, expected);
}

static __maybe_unused void expect_no_recv(struct kunit *test, struct chan *c, int error)
{
	u64 value;

	KUNIT_EXPECT_EQ(test, try_recv(test, c, &value), error);
	KUNIT_EXPECT_EQ(test, value, POISON);
}

static __maybe_unused void expect_parked(struct kunit *test, const struct parked *p)
{
	KUNIT_EXPECT_EQ(test, p->wait.winner, CHAN_NO_WINNER);
	KUNIT_EXPECT_NE(test, p->wait.progress, (int)CHAN_DONE);
	KUNIT_EXPECT_FALSE(test, hlist_unhashed(&p->w.link));
}

static __maybe_unused void expect_completed(struct kunit *test, const struct parked *p, int result)
{
	KUNIT_EXPECT_EQ(test, p->wait.winner, 0);
	KUNIT_EXPECT_EQ(test, p->wait.result, result);
	KUNIT_EXPECT_EQ(test, p->wait.progress, (int)CHAN_DONE);
}

#endif /* CHAN_KUNIT_H */
