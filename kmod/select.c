// SPDX-License-Identifier: GPL-2.0-only
/*
 * Select.  select.h says how it works.
 */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "chan.h"
#include "core.h"
#include "park.h"
#include "select.h"
#include "timer.h"
#include "word.h"

/**
 * struct selecting - a select that is not over at once
 * @wait: its wait.
 * @cases: the cases.
 * @waiters: the entry of each, in random order: waiters[k] is that of nth(cases, k).
 * @elems: what the cases send; those that receive share one, as only one will.
 * @n: how many cases.
 * @prepared: how many have their element.
 * @queued: how many are queued.
 */
struct selecting {
	struct chan_wait wait;
	struct chan_scase *cases;
	struct chan_waiter *waiters;
	struct chan_elem *elems;
	unsigned int n;
	unsigned int prepared;
	unsigned int queued;
};

static void selecting_init(struct selecting *s, struct chan_scase *cases, unsigned int n,
			   struct chan_waiter *waiters, struct chan_elem *elems)
{
	s->cases = cases;
	s->waiters = waiters;
	s->elems = elems;
	s->n = n;
	s->prepared = 0;
	s->queued = 0;
}

static struct chan_scase *nth(struct chan_scase *cases, unsigned int k)
{
	return &cases[cases[k].order];
}

/* One step of a Fisher-Yates shuffle: which case is the @k-th? */
static struct chan_scase *draw(struct chan_scase *cases, unsigned int n, unsigned int k,
			       u32 *seed)
{
	unsigned int other;

	other = k + (((u64)chan_next_random(seed) * (n - k)) >> 32);
	swap(cases[k].order, cases[other].order);
	return nth(cases, k);
}

static struct chan_dest dest_of(const struct chan_scase *sc)
{
	return (struct chan_dest){ .addr = sc->addr, .room = sc->size };
}

static int send_now(struct chan_scase *sc, struct chan_blocking *how,
		    int (*send)(struct chan *c, struct chan_elem *elem,
				struct chan_blocking *how))
{
	struct chan_elem elem __uninitialized;
	int ret = chan_elem_from_user(&elem, sc->user, sc->addr, sc->size);

	if (ret)
		return ret;
	ret = send(sc->chan, &elem, how);
	chan_elem_drop(&elem);
	return ret;
}

static int try_send_now(struct chan *c, struct chan_elem *elem, struct chan_blocking *how)
{
	return chan_send_attempt(c, elem, how, NULL);
}

static __always_inline int try_word(struct chan_scase *sc)
{
	int ret;

	if (sc->send)
		return chan_send_word(sc->chan, sc->addr, sc->size);
	ret = chan_recv_word(sc->chan, sc->addr, sc->size);
	if (ret < 0)
		return ret;
	sc->len = sc->size;
	return 0;
}

static int try_now(struct chan_scase *sc, struct chan_blocking *how)
{
	struct chan_dest dest;
	int ret;

	if (likely(sc->addr && chan_takes_word(sc->chan, sc->addr, sc->size))) {
		ret = try_word(sc);
		if (ret != -EAGAIN)
			return ret;
	}
	dest = dest_of(sc);
	if (sc->send)
		return send_now(sc, how, try_send_now);
	ret = chan_recv_attempt(sc->chan, &dest, how, NULL);
	sc->len = dest.len;
	return ret;
}

/**
 * chan_select_this() - do one case of a select, which looked ready
 * @sc: the case.
 *
 * May sleep, but does not park.
 *
 * Return: as chan_select() does with a case, or -EAGAIN: it is ready no more.
 */
int chan_select_this(struct chan_scase *sc)
{
	struct chan_blocking how = { .until = CHAN_NOWAIT };

	return try_now(sc, &how);
}

/* What is captured of a send that is not ready is nothing: there may be many. */
static int poll_cases(struct chan_scase *cases, unsigned int n, struct chan_blocking *how,
		      struct chan_scase **chosen)
{
	u32 seed = get_random_u32();
	unsigned int k;
	int ret;

	for (k = 0; k < n; k++) {
		struct chan_scase *sc = draw(cases, n, k, &seed);

		if (!chan_looks_ready(sc->chan, sc->send))
			continue;
		ret = try_now(sc, how);
		if (ret != -EAGAIN) {
			*chosen = sc;
			return ret;
		}
		/* What was ready no more may have been copied. */
		cond_resched();
	}
	return -EAGAIN;
}

/* After a case is queued nothing may fail, so all that can is done before. */
static int prepare_case(struct chan_scase *sc, struct chan_elem *elem)
{
	struct chan_dest dest = dest_of(sc);

	if (sc->send)
		return chan_elem_from_user(elem, sc->user, sc->addr, sc->size);
	return chan_dest_fault_in(&dest, min(sc->size, sc->chan->ring.elem_size));
}

static int prepare(struct selecting *s, struct chan_scase **chosen)
{
	struct chan_elem *next = s->elems, *received = NULL;
	unsigned int k;
	int ret;

	for (k = 0; k < s->n; k++) {
		struct chan_scase *sc = nth(s->cases, k);
		struct chan_elem *elem = sc->send || !received ? next++ : received;

		ret = prepare_case(sc, elem);
		if (ret) {
			*chosen = sc;
			return ret;
		}
		if (!sc->send)
			received = elem;
		chan_waiter_init(&s->waiters[k], &s->wait, sc->chan, sc->send, elem, sc->size);
		s->waiters[k].scase = sc - s->cases;
		s->prepared++;
		cond_resched();
	}
	return 0;
}

/* Do it if it is ready by now, or else queue. */
static int queue_case(struct chan_scase *sc, struct chan_waiter *w, struct chan_blocking *how)
{
	struct chan_dest dest = dest_of(sc);
	int ret;

	if (sc->send)
		return chan_send_attempt(sc->chan, w->elem, how, w);
	dest.writable = min(sc->size, sc->chan->ring.elem_size);
	ret = chan_recv_attempt(sc->chan, &dest, how, w);
	sc->len = dest.len;
	return ret;
}

static int queue_all(struct selecting *s, struct chan_blocking *how)
{
	int ret;

	for (; s->queued < s->n; s->queued++) {
		struct chan_waiter *w = &s->waiters[s->queued];

		/* As long as nothing is queued, nobody else can complete this select. */
		how->own = s->queued ? w : NULL;
		ret = queue_case(nth(s->cases, s->queued), w, how);
		if (ret != -EAGAIN)
			return ret;
		cond_resched();
	}
	return -EAGAIN;
}

/* End a select whose case at hand was refused or is done, if nobody has ended it. */
static int end_here(struct selecting *s, struct chan_blocking *how, int ret,
		    struct chan_scase **chosen)
{
	/* Not done, and still to be claimed: a page of the destination does not stay. */
	if (how->own && !chan_abort(&s->wait))
		return -ECANCELED;
	*chosen = nth(s->cases, s->queued);
	return ret;
}

/*
 * What makes a channel ready completes who is queued there, but for two things: time does
 * not, and an end of the channel does it later.  Neither is withdrawn, so if they have not
 * come by now, there was a moment, after the last case was queued, at which none was ready.
 */
static int look_once_more(struct chan_wait *wait)
{
	unsigned int k;

	for (k = 0; k < wait->n && !chan_has_winner(wait); k++) {
		struct chan *c = wait->waiters[k].chan;

		if (chan_has_ended(c))
			chan_fire(c);
		cond_resched();
	}
	return wait->timed ? chan_timer_none_due(wait) : 0;
}

/**
 * chan_end_passing() - end a select that does not block and is queued everywhere
 * @wait: the select, of the current task.
 * @refusal: what it fails with if none of its cases is ready.
 *
 * Return: @refusal; -ERESTARTSYS if a signal came before a moment at which none was ready, see
 * chan_timer_none_due(); or what it was completed with meanwhile.
 */
int chan_end_passing(struct chan_wait *wait, int refusal)
{
	int ret = look_once_more(wait);

	if (!chan_abort(wait))
		return chan_await(wait);
	return ret ?: refusal;
}

static int end_without_case(struct selecting *s, struct chan_blocking *how, int refusal)
{
	if (refusal)
		return chan_end_passing(&s->wait, refusal);
	how->parks++;
	if (!s->n)
		chan_wait_parked(&s->wait, NULL, how);
	return chan_park(&s->wait, s->n ? s->waiters : NULL, how->until);
}

/* The case that somebody has completed. */
static int take_given(struct selecting *s, int ret, struct chan_scase **chosen)
{
	struct chan_waiter *w = &s->waiters[s->wait.winner];
	struct chan_scase *sc = nth(s->cases, s->wait.winner);
	struct chan_dest dest = dest_of(sc);

	*chosen = sc;
	if (ret || sc->send)
		return ret;
	ret = chan_recv_given(sc->chan, &dest, w->elem);
	sc->len = dest.len;
	return ret;
}

static void leave_all(struct selecting *s, bool aborted)
{
	unsigned int k;

	for (k = 0; k < s->queued; k++) {
		if (k != s->wait.winner)
			chan_leave(&s->waiters[k], aborted);
		cond_resched();
	}
}

static int queue_and_wait(struct selecting *s, struct chan_blocking *how, int refusal,
			  struct chan_scase **chosen)
{
	int ret = queue_all(s, how);

	if (ret == -EAGAIN)
		ret = end_without_case(s, how, refusal);
	else if (ret != -ECANCELED)
		ret = end_here(s, how, ret, chosen);
	if (ret == -ECANCELED)
		ret = chan_await(&s->wait);

	leave_all(s, s->wait.winner == CHAN_ABORTED && how->parks);
	chan_wait_over(&s->wait, ret);
	how->own = NULL;
	if (*chosen || s->wait.winner == CHAN_ABORTED)
		return ret;
	return take_given(s, ret, chosen);
}

static int select_slowly(struct selecting *s, struct chan_blocking *how,
			 struct chan_scase **chosen)
{
	int refusal = chan_may_park(how);
	unsigned int k;
	int ret;

	chan_wait_init(&s->wait, s->n ? CHAN_WAIT_SELECT : CHAN_WAIT_SELECT_NONE, s->waiters,
		       s->n);
	s->wait.passing = refusal != 0;
	ret = prepare(s, chosen);
	if (!ret)
		ret = queue_and_wait(s, how, refusal, chosen);
	for (k = 0; k < s->prepared; k++)
		if (nth(s->cases, k)->send)
			chan_elem_drop(s->waiters[k].elem);
	return ret;
}

/* What such a select needs beside its cases. */
struct small_select {
	struct selecting s;
	struct chan_waiter waiters[CHAN_SMALL_SELECT];
	struct chan_elem elems[CHAN_SMALL_SELECT];
};

static noinline int select_small(struct chan_scase *cases, unsigned int n,
				 struct chan_blocking *how, struct chan_scase **chosen)
{
	struct small_select small __uninitialized;

	selecting_init(&small.s, cases, n, small.waiters, small.elems);
	return select_slowly(&small.s, how, chosen);
}

static unsigned int count_elems(const struct chan_scase *cases, unsigned int n)
{
	unsigned int sends = 0, i;

	for (i = 0; i < n; i++)
		sends += cases[i].send;
	return sends + (sends < n);
}

static int select_large(struct chan_scase *cases, unsigned int n, struct chan_blocking *how,
			struct chan_scase **chosen)
{
	struct chan_waiter *waiters;
	struct chan_elem *elems;
	struct selecting s;
	int ret = -ENOMEM;

	waiters = kvmalloc_array(n, sizeof(*waiters), GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	elems = kvmalloc_array(count_elems(cases, n), sizeof(*elems),
			       GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (waiters && elems) {
		selecting_init(&s, cases, n, waiters, elems);
		ret = select_slowly(&s, how, chosen);
	}
	kvfree(elems);
	kvfree(waiters);
	return ret;
}

/* Nothing but this case: the plain operation. */
static int select_one(struct chan_scase *sc, struct chan_blocking *how,
		      struct chan_scase **chosen)
{
	struct chan_dest dest = dest_of(sc);
	int ret;

	ret = sc->send ? send_now(sc, how, chan_send) : chan_recv(sc->chan, &dest, how);
	sc->len = dest.len;
	if (ret != -EAGAIN && ret != -ETIMEDOUT && ret != -ERESTARTSYS && ret != -EDEADLK)
		*chosen = sc;
	return ret;
}

/**
 * chan_select() - do one of several sends and receives
 * @cases: the cases; the @order of each is its place among them, or any other permutation.
 * @n: how many, up to CHAN_SELECT_MOST; 0 waits for the end of patience.
 * @how: whether to block.
 * @chosen: set to the case that was done or that failed; to NULL if there is none.
 *
 * Go specification, "Select statements".  May sleep even if @how does not allow to park.
 *
 * Return: 0; -EAGAIN, -EDEADLK, -ETIMEDOUT, -ERESTARTSYS, -ENOMEM without a case; or
 * with it an errno of chan_send() or chan_recv(), or of chan_elem_from_user().
 */
int chan_select(struct chan_scase *cases, unsigned int n, struct chan_blocking *how,
		struct chan_scase **chosen)
{
	int ret;

	*chosen = NULL;
	if (n == 1)
		return select_one(cases, how, chosen);
	ret = poll_cases(cases, n, how, chosen);
	if (ret != -EAGAIN)
		return ret;
	if (n <= CHAN_SMALL_SELECT)
		return select_small(cases, n, how, chosen);
	return select_large(cases, n, how, chosen);
}
