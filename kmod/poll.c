// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a channel looks like from outside, at some moment.
 */
#include "chan.h"
#include "timer.h"

/* 0, or -EIDRM for a channel that was removed. */
int chan_gone(struct chan *c)
{
	return READ_ONCE(c->state) & CHAN_STATE_REMOVED ? -EIDRM : 0;
}

/* Whether a channel has ended, so far as its time has been seen to. */
bool chan_has_ended(const struct chan *c)
{
	return READ_ONCE(c->state);
}

/**
 * chan_state() - the state of a channel
 * @c: the channel, locked.
 *
 * Return: its state, CHAN_STATE_CLOSED included if its time to close has come.
 */
u32 chan_state(const struct chan *c)
{
	/* One that is being made is listed before it has its time: see chan_timer_add(). */
	const struct chan_timer *t = READ_ONCE(c->timer);
	bool closes = t && t->closes && chan_timer_is_due(t);

	return c->state | (closes ? CHAN_STATE_CLOSED : 0);
}

/* A state as people know it. */
const char *chan_state_name(u32 state)
{
	if (state & CHAN_STATE_REMOVED)
		return "removed";
	return state & CHAN_STATE_CLOSED ? "closed" : "open";
}

static __poll_t open_events(const struct chan *c, bool due)
{
	__poll_t events = 0;

	if (c->ring.len || c->sendq.n || due)
		events |= CHAN_POLL_RECV;
	if (c->ring.len < c->ring.cap || c->recvq.n)
		events |= CHAN_POLL_SEND;
	return events;
}

/* Both directions are ready, if only to learn that the channel is closed. */
static __poll_t closed_events(const struct chan *c)
{
	__poll_t events = CHAN_POLL_RECV;

	events |= c->ring.len ? CHAN_POLL_SEND : EPOLLHUP;
	return events;
}

/**
 * chan_poll_events() - what a descriptor of this channel is ready for
 * @c: the channel; the caller is on its @poll queue.
 * @mode: what the descriptor may do.
 *
 * A hint: somebody else may be faster.
 *
 * Return: the events.
 */
__poll_t chan_poll_events(struct chan *c, fmode_t mode)
{
	struct chan_timer *t = c->timer;
	__poll_t events;
	bool due;
	u32 state;

	spin_lock(&c->lock);
	due = t && chan_timer_is_due(t);
	state = c->state | (due && t->closes ? CHAN_STATE_CLOSED : 0);
	events = state ? closed_events(c) : open_events(c, due);
	if (t && !due)
		chan_timer_arm(t);
	spin_unlock(&c->lock);

	if (state & CHAN_STATE_REMOVED)
		return EPOLLHUP | EPOLLERR;
	if (!(mode & FMODE_READ))
		events &= ~CHAN_POLL_RECV;
	if (!(mode & FMODE_WRITE))
		events &= ~CHAN_POLL_SEND;
	else if (state & CHAN_DESERTED)
		events |= EPOLLERR;
	return events;
}
