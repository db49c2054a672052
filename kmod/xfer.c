// SPDX-License-Identifier: GPL-2.0-only
/*
 * Send and receive as a call makes them: attempt, park if it may, and come to an end.
 */
#include <linux/minmax.h>
#include <linux/preempt.h>
#include <linux/sched/signal.h>

#include "chan.h"
#include "command.h"
#include "core.h"
#include "file.h"
#include "ioctl.h"
#include "park.h"
#include "pin.h"
#include "trace.h"
#include "word.h"

/* Attempts to copy to memory that is brought in, and evicted again, each time. */
#define CHAN_FAULT_TRIES	16

/*
 * The end of a receive, where the element may turn out to be lost.  What was handed to
 * a task that is killed is not: it was delivered.
 */
int chan_count_lost(struct chan *c, int ret)
{
	if (fatal_signal_pending(current))
		return ret;
	spin_lock(&c->lock);
	c->stats.lost++;
	trace_chan_lost(c);
	spin_unlock(&c->lock);
	return ret;
}

static __always_inline int send_attempt(struct chan *c, struct chan_elem *elem,
					struct chan_blocking *how, struct chan_waiter *w,
					bool alone)
{
	struct chan_news news = CHAN_NEWS_INIT(news);
	int ret = chan_send_once(c, elem, how, w, &news, alone);

	chan_tell(c, &news);
	return ret;
}

/* As chan_send_once(), for a select, and all who have to know are told. */
int chan_send_attempt(struct chan *c, struct chan_elem *elem, struct chan_blocking *how,
		      struct chan_waiter *w)
{
	return send_attempt(c, elem, how, w, false);
}

/* Until it is there, memory that a receive has found missing is brought in. */
static noinline int recv_again(struct chan *c, struct chan_dest *dest, struct chan_blocking *how,
			       struct chan_waiter *w)
{
	u32 len = dest->len;
	int faults, ret;

	for (faults = 0; faults < CHAN_FAULT_TRIES; faults++) {
		struct chan_news news = CHAN_NEWS_INIT(news);

		if (chan_dest_fault_in(dest, len))
			return -EFAULT;
		ret = chan_recv_once(c, dest, how, w, &news, false);
		chan_tell(c, &news);
		if (ret != -EFAULT)
			return ret;
		/* The next attempt may meet another, longer element. */
		len = min(dest->room, c->ring.elem_size);
	}
	return -EFAULT;
}

static __always_inline int recv_attempt(struct chan *c, struct chan_dest *dest,
					struct chan_blocking *how, struct chan_waiter *w,
					bool alone)
{
	struct chan_news news = CHAN_NEWS_INIT(news);
	int ret = chan_recv_once(c, dest, how, w, &news, alone);

	chan_tell(c, &news);
	if (unlikely(ret == -EFAULT))
		ret = recv_again(c, dest, how, w);
	return ret ?: chan_recv_finish(c, dest);
}

/**
 * chan_recv_attempt() - receive at once, or else queue; with page faults
 * @c: the channel.
 * @dest: where to; its @len is set.
 * @how: who asks.
 * @w: to be queued if there is nothing to receive yet; or NULL.
 *
 * Under the lock nothing may fault, so a destination that turns out not to be there is
 * brought in, and the receive is tried again.  May sleep.
 *
 * Return: as chan_recv_once(); -EFAULT with @how->own unchanged if nothing was received,
 * otherwise the element is lost.
 */
int chan_recv_attempt(struct chan *c, struct chan_dest *dest, struct chan_blocking *how,
		      struct chan_waiter *w)
{
	return recv_attempt(c, dest, how, w, false);
}

/* ---- to memory that is pinned: see pin.h ---- */

static bool is_pinned_room(const struct chan_waiter *w, u32 len)
{
	return w->pinned && w->room >= len;
}

/* Whether the oldest receiver is one to copy to. */
static bool expects_copy(struct chan *c, u32 len)
{
	struct chan_waiter *w;
	bool does;

	if (!READ_ONCE(c->entries))
		return false;
	spin_lock(&c->lock);
	w = hlist_entry_safe(c->recvq.list.head.first, struct chan_waiter, link);
	does = w && is_pinned_room(w, len);
	spin_unlock(&c->lock);
	return does;
}

static struct chan_waiter *claim_for_copy(struct chan *c, u32 len)
{
	struct chan_blocking how = { .until = KTIME_MAX };
	struct chan_waiter *w;

	lockdep_assert_held(&c->lock);
	if (c->state)
		return NULL;
	w = chan_claim_oldest(c, &c->recvq, &how, true);
	if (IS_ERR(w))
		return NULL;
	if (is_pinned_room(w, len))
		return w;
	chan_claim_cancel(w->wait);
	return NULL;
}

/* As chan_hand_over(), but for the element, which is still to come. */
static struct chan_waiter *send_in_advance(struct chan *c, u32 len, struct chan_news *news)
{
	struct chan_waiter *w;

	chan_lock_settled(c, news);
	w = claim_for_copy(c, len);
	if (w) {
		w->elem->len = len;
		w->elem->payload = NULL;
		chan_complete(c, &c->recvq, w, 0, news);
		c->stats.sends++;
		c->stats.receives++;
		c->stats.handoffs++;
		trace_chan_send(c, CHAN_PATH_DIRECT, len);
	}
	spin_unlock(&c->lock);
	return w;
}

/**
 * chan_send_copy_once() - send a large element to a receiver whose memory is pinned
 * @c: the channel.
 * @guess: as for chan_elem_alloc().
 * @addr: the element.
 * @len: its bytes.
 * @news: what chan_tell() has to be told.
 *
 * May sleep, but not on account of the channel.
 *
 * Return: what chan_put_source() has to let go, once the receiver has been told; NULL if nothing
 * was done: send it as any other.
 */
struct chan_pinned *chan_send_copy_once(struct chan *c, struct chan_user *guess,
					const void __user *addr, u32 len, struct chan_news *news)
{
	struct chan_pinned *from;
	struct chan_waiter *w;

	if (!expects_copy(c, len))
		return NULL;
	from = chan_hold_source(guess, addr, len);
	if (!from)
		return NULL;
	/* From the claim on it is not free to leave: nobody is to come between. */
	preempt_disable();
	w = send_in_advance(c, len, news);
	if (w)
		chan_pinned_copy(w->pinned, from, len);
	preempt_enable();
	if (w)
		return from;
	chan_put_source(from);
	return NULL;
}

/* As chan_send_copy_once(), and all is done that follows: 0, or -EAGAIN. */
int chan_send_copy(struct chan *c, struct chan_user *guess, const void __user *addr, u32 len)
{
	struct chan_news news = CHAN_NEWS_INIT(news);
	struct chan_pinned *from = chan_send_copy_once(c, guess, addr, len, &news);

	chan_tell(c, &news);
	if (!from)
		return -EAGAIN;
	chan_put_source(from);
	return 0;
}

/* ---- send ---- */

/* Out of line, for the frame: most calls need none of it. */
static noinline int send_parked(struct chan *c, struct chan_elem *elem, struct chan_blocking *how)
{
	struct chan_single s __uninitialized;
	int ret;

	chan_single_init(&s, c, true, elem, elem->len);
	ret = send_attempt(c, elem, how, &s.w, true);
	return ret == -EAGAIN ? chan_park_single(&s, how) : ret;
}

/* See chan_send(). */
static __always_inline int send(struct chan *c, struct chan_elem *elem, struct chan_blocking *how)
{
	int ret;

	/* There is no need to attempt what is not ready: to queue comes with another look. */
	if (chan_looks_ready(c, true)) {
		ret = send_attempt(c, elem, how, NULL, true);
		if (ret != -EAGAIN)
			return ret;
	}
	ret = chan_may_park(how);
	if (!ret)
		return send_parked(c, elem, how);
	trace_chan_send(c, CHAN_PATH_WOULD_BLOCK, 0);
	return ret;
}

/**
 * chan_send() - send an element
 * @c: the channel.
 * @elem: the element.  Owns nothing after success; the caller's to drop if not.
 * @how: whether to block.
 *
 * Go specification, "Send statements".  May sleep if @how allows it.
 *
 * Return: 0, -EAGAIN, -ETIMEDOUT, -ERESTARTSYS, -EPIPE (closed), -EIDRM (removed),
 * -EDEADLK (see deadlock.c).
 */
int chan_send(struct chan *c, struct chan_elem *elem, struct chan_blocking *how)
{
	return send(c, elem, how);
}

static noinline int recv_or_park(struct chan *c, struct chan_dest *dest,
				 struct chan_blocking *how)
{
	struct chan_elem elem __uninitialized;
	struct chan_single s __uninitialized;
	int ret;

	if (chan_dest_hold(dest, c->user, min(dest->room, c->ring.elem_size)))
		return -EFAULT;
	chan_single_init(&s, c, false, dest->elem ?: &elem, dest->room);
	s.w.pinned = dest->pinned;
	ret = recv_attempt(c, dest, how, &s.w, true);
	if (ret == -EAGAIN)
		ret = chan_recv_parked(c, dest, &s, how);
	chan_dest_release(dest);
	return ret;
}

/* See chan_recv(). */
static __always_inline int recv(struct chan *c, struct chan_dest *dest, struct chan_blocking *how)
{
	int ret;

	if (chan_looks_ready(c, false)) {
		ret = recv_attempt(c, dest, how, NULL, true);
		if (ret != -EAGAIN)
			return ret;
	}
	ret = chan_may_park(how);
	if (!ret)
		return recv_or_park(c, dest, how);
	trace_chan_recv(c, CHAN_PATH_WOULD_BLOCK, 0);
	return ret;
}

/**
 * chan_recv() - receive an element
 * @c: the channel.
 * @dest: where to; its @len is set.
 * @how: whether to block.
 *
 * Go specification, "Receive operator".  Nothing after a claim may fail, and under
 * the lock nothing may fault, so the destination is brought in beforehand: as much
 * as the element needs when it is there already, all of it before parking.  May
 * sleep even if @how does not allow to park.
 *
 * Return: 0; or with nothing received -EAGAIN, -ETIMEDOUT, -ERESTARTSYS, -EPIPE
 * (closed and drained), -EIDRM (removed), -EMSGSIZE (the element is longer than the
 * room), -EDEADLK, -EFAULT.  With -EFAULT the element is lost if, and only if, the destination
 * was writable when the call began to wait or to take the element, and later was not.
 */
int chan_recv(struct chan *c, struct chan_dest *dest, struct chan_blocking *how)
{
	return recv(c, dest, how);
}

/* ---- by command ---- */

/**
 * chan_command_send_parked() - one send of a word by command that has to wait
 * @file: the descriptor.
 * @addr: the word.
 * @size: its bytes.
 *
 * Return: as chan_command_send(); or -EAGAIN, with nothing done: there is more to it.
 */
int chan_command_send_parked(struct file *file, const void __user *addr, u32 size)
{
	struct chan_word_wait wait __uninitialized;
	u64 word;
	int ret;

	if (chan_get_word(&word, addr, size))
		return -EFAULT;
	chan_word_wait_init(&wait, chan_file_chan(file), true, size, file);
	wait.elem.len = size;
	chan_store_word(wait.elem.bytes, word, size);
	if (!chan_queue_word(&wait, true))
		return -EAGAIN;
	ret = chan_park_single(&wait.s, &wait.how);
	chan_file_count_parks(file, wait.how.parks);
	return ret;
}

/**
 * chan_command_recv_parked() - one receive of a word by command that has to wait
 * @file: the descriptor.
 * @addr: where to; not NULL.
 * @size: bytes of it.
 *
 * Return: as chan_command_recv(); or -EAGAIN, with nothing done: there is more to it.
 */
int chan_command_recv_parked(struct file *file, void __user *addr, u32 size)
{
	struct chan_word_wait wait __uninitialized;
	int ret;

	if (!chan_is_writable(addr))
		return -EAGAIN;
	chan_word_wait_init(&wait, chan_file_chan(file), false, size, file);
	if (!chan_queue_word(&wait, false))
		return -EAGAIN;
	ret = chan_recv_word_parked(&wait, addr, size);
	chan_file_count_parks(file, wait.how.parks);
	return ret;
}

/**
 * chan_command_send() - one send by command
 * @file: the descriptor.
 * @addr: the element.
 * @size: its bytes.
 * @until: how long it may block.
 *
 * Return: 0 or an errno of chan_send() or chan_elem_from_user(), -EBADF, -EMSGSIZE.
 */
int chan_command_send(struct file *file, const void __user *addr, u32 size, ktime_t until)
{
	struct chan_blocking how __uninitialized;
	struct chan_elem elem __uninitialized;
	int ret;

	chan_blocking_init(&how, until, file);
	ret = chan_may_send(file, size);
	if (ret)
		return ret;
	if (unlikely(size >= CHAN_PIN_MIN) &&
	    !chan_send_copy(chan_file_chan(file), chan_file_user(file), addr, size))
		return 0;
	ret = chan_elem_from_user(&elem, chan_file_user(file), addr, size);
	if (ret)
		return ret;
	ret = send(chan_file_chan(file), &elem, &how);
	chan_elem_drop(&elem);
	chan_file_count_parks(file, how.parks);
	return ret;
}

/**
 * chan_command_recv() - one receive by command
 * @file: the descriptor.
 * @addr: where to; NULL discards.
 * @size: how much room there is.
 * @until: how long it may block.
 *
 * Return: 0 when the channel is closed and drained, 1 + length of the element received,
 * or an errno of chan_recv(), -EBADF.
 */
int chan_command_recv(struct file *file, void __user *addr, u32 size, ktime_t until)
{
	struct chan_dest dest __uninitialized;
	struct chan_blocking how __uninitialized;
	struct chan *c = chan_file_chan(file);
	int ret;

	chan_dest_init(&dest, addr, size);
	chan_blocking_init(&how, until, file);
	ret = chan_may_recv(file, addr, size);
	if (ret)
		return ret;
	ret = recv(c, &dest, &how);
	chan_file_count_parks(file, how.parks);
	return chan_recv_result(c, &dest, ret);
}
