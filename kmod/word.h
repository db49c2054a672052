/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Words: elements of 1, 2, 4 or 8 bytes, and their short ways.
 *
 * A word travels in a register where it can.  Often all there is to do is to put it into the
 * ring or to take it from there, to hand it to who waits for it, or to wait for it alone.
 * That is so little beside what a system call and a switch cost that it has functions of its
 * own: they do that, or nothing.
 */
#ifndef CHAN_WORD_H
#define CHAN_WORD_H

#include <linux/uaccess.h>

#include "chan.h"
#include "command.h"
#include "core.h"
#include "park.h"
#include "trace.h"

static __always_inline int chan_get_word(u64 *word, const void __user *addr, u32 len)
{
	if (likely(len == 8))
		return get_user(*word, (const u64 __user *)addr);
	if (len == 4)
		return get_user(*word, (const u32 __user *)addr);
	if (len == 2)
		return get_user(*word, (const u16 __user *)addr);
	return get_user(*word, (const u8 __user *)addr);
}

static __always_inline int chan_put_word(u64 word, void __user *addr, u32 len)
{
	if (likely(len == 8))
		return put_user(word, (u64 __user *)addr);
	if (len == 4)
		return put_user(word, (u32 __user *)addr);
	if (len == 2)
		return put_user(word, (u16 __user *)addr);
	return put_user(word, (u8 __user *)addr);
}

static __always_inline int chan_put_word_nofault(u64 word, void __user *addr, u32 len)
{
	int ret;

	pagefault_disable();
	ret = chan_put_word(word, addr, len);
	pagefault_enable();
	return ret;
}

/* At places of ours, which are aligned as a word has to be. */
static __always_inline u64 chan_load_word(const void *place, u32 len)
{
	if (likely(len == 8))
		return *(const u64 *)place;
	if (len == 4)
		return *(const u32 *)place;
	if (len == 2)
		return *(const u16 *)place;
	return *(const u8 *)place;
}

static __always_inline void chan_store_word(void *place, u64 word, u32 len)
{
	if (likely(len == 8))
		*(u64 *)place = word;
	else if (len == 4)
		*(u32 *)place = word;
	else if (len == 2)
		*(u16 *)place = word;
	else
		*(u8 *)place = word;
}

/*
 * Whether an element of this size at this place is to be tried as a word first.  The size is
 * what a caller says, which may be CHAN_NO_WORD.
 */
static __always_inline bool chan_takes_word(const struct chan *c, const void __user *addr,
					    u32 size)
{
	return size <= sizeof(u64) && size == c->ring.word && chan_is_word_at(addr, size);
}

/* ---- the ring ---- */

/*
 * Both know a channel that is locked and has not ended, and a ring that has room, or has an
 * element.
 */

static __always_inline void chan_ring_put_word(struct chan *c, u64 word, u32 len)
{
	struct chan_ring *ring = &c->ring;

	chan_store_word(ring->slots + (size_t)ring->sendx * len, word, len);
	chan_ring_push(ring);
	c->stats.sends++;
	trace_chan_send(c, CHAN_PATH_BUFFERED, len);
}

/* Whether @addr could be written without a page fault. */
static __always_inline bool chan_ring_take_word(struct chan *c, void __user *addr, u32 len)
{
	struct chan_ring *ring = &c->ring;
	u64 word = chan_load_word(ring->slots + (size_t)ring->recvx * len, len);

	if (unlikely(chan_put_word_nofault(word, addr, len)))
		return false;
	chan_ring_pop(ring);
	c->stats.receives++;
	trace_chan_recv(c, CHAN_PATH_BUFFERED, len);
	return true;
}

/* ---- from hand to hand ---- */

/* The oldest entry, claimed; NULL if there is none, or to find one takes more than this. */
static __always_inline struct chan_waiter *chan_claim_head(const struct chan_queue *q)
{
	struct chan_waiter *w = hlist_entry_safe(q->list.head.first, struct chan_waiter, link);

	return w && likely(chan_claim(w->wait)) ? w : NULL;
}

static __always_inline void chan_complete_word(struct chan *c, struct chan_queue *q,
					       struct chan_waiter *w)
{
	chan_commit(c, q, w, 0);
	c->stats.sends++;
	c->stats.receives++;
	c->stats.handoffs++;
}

/**
 * chan_give_word() - hand a word to the oldest receiver
 * @c: the channel, locked, which has not ended.
 * @word: the word.
 * @len: its bytes.
 *
 * Return: the receiver, to be told by chan_finish() when no lock is held; NULL with nothing
 * done.
 */
static __always_inline struct chan_waiter *chan_give_word(struct chan *c, u64 word, u32 len)
{
	struct chan_waiter *w;

	lockdep_assert_held(&c->lock);
	w = chan_claim_head(&c->recvq);
	if (!w)
		return NULL;
	/* Elements of a channel of words are of one size, so there is room. */
	w->elem->len = len;
	chan_store_word(w->elem->bytes, word, len);
	chan_complete_word(c, &c->recvq, w);
	trace_chan_send(c, CHAN_PATH_DIRECT, len);
	return w;
}

/**
 * chan_take_word() - take a word from the oldest sender
 * @c: the channel, locked, which has not ended and has nothing in its ring.
 * @addr: where to.
 * @len: its bytes.
 *
 * Return: as chan_give_word().
 */
static __always_inline struct chan_waiter *chan_take_word(struct chan *c, void __user *addr,
							  u32 len)
{
	struct chan_waiter *w;
	u64 word;

	lockdep_assert_held(&c->lock);
	w = chan_claim_head(&c->sendq);
	if (!w)
		return NULL;
	word = chan_load_word(w->elem->bytes, len);
	if (unlikely(chan_put_word_nofault(word, addr, len))) {
		chan_claim_cancel(w->wait);
		return NULL;
	}
	w->elem->len = 0;
	chan_complete_word(c, &c->sendq, w);
	trace_chan_recv(c, CHAN_PATH_DIRECT, len);
	return w;
}

/* ---- send and receive ---- */

/* Unlock, and tell pollers, if there are any, what they wait for. */
static __always_inline void chan_unlock_polled(struct chan *c, __poll_t events)
	__releases(c->lock)
{
	bool polled = chan_is_polled(c);

	spin_unlock(&c->lock);
	if (unlikely(polled))
		wake_up_interruptible_poll(&c->poll, events);
}

/* Without the lock: whether it is worth an attempt, as at some moment there was room for it. */
static __always_inline bool chan_may_send_word(const struct chan *c)
{
	return chan_ring_has_room(&c->ring) || !chan_fifo_is_empty(&c->recvq.list);
}

/* Likewise, as at some moment there was one. */
static __always_inline bool chan_may_recv_word(const struct chan *c)
{
	return chan_len(c) || !chan_fifo_is_empty(&c->sendq.list);
}

/**
 * chan_send_word() - send to the ring, or to who waits
 * @c: a channel that takes it as a word.
 * @addr: the element.
 * @len: its bytes.
 *
 * May sleep, but not on account of the channel.
 *
 * Return: 0, -EFAULT, or -EAGAIN: there is more to do, see chan_send().
 */
static __always_inline int chan_send_word(struct chan *c, const void __user *addr, u32 len)
{
	struct chan_waiter *w;
	u64 word;

	if (unlikely(chan_get_word(&word, addr, len)))
		return -EFAULT;
	spin_lock(&c->lock);
	if (likely(chan_is_calm(c) && c->ring.len != c->ring.cap)) {
		chan_ring_put_word(c, word, len);
		chan_unlock_polled(c, CHAN_POLL_RECV);
		return 0;
	}
	w = c->state ? NULL : chan_give_word(c, word, len);
	spin_unlock(&c->lock);
	if (!w)
		return -EAGAIN;
	chan_finish(w->wait, false);
	return 0;
}

/**
 * chan_recv_word() - receive from the ring, or from who waits
 * @c: a channel that takes it as a word.
 * @addr: where to; not NULL.
 * @len: its bytes.
 *
 * Never sleeps.
 *
 * Return: as chan_command_recv(), or -EAGAIN: there is more to do, see chan_recv().
 */
static __always_inline int chan_recv_word(struct chan *c, void __user *addr, u32 len)
{
	struct chan_waiter *w = NULL;

	spin_lock(&c->lock);
	if (likely(chan_is_calm(c) && c->ring.len)) {
		if (unlikely(!chan_ring_take_word(c, addr, len)))
			goto more;
		chan_unlock_polled(c, CHAN_POLL_SEND);
		return 1 + len;
	}
	/* What a sender has waits behind what is buffered. */
	if (!c->state && !c->ring.len)
		w = chan_take_word(c, addr, len);
	if (!w)
		goto more;
	spin_unlock(&c->lock);
	chan_finish(w->wait, false);
	return 1 + len;

more:
	spin_unlock(&c->lock);
	return -EAGAIN;
}

/* ---- to wait alone ---- */

/**
 * struct chan_word_wait - a send or a receive of a word that waits
 * @how: how long: for ever.
 * @s: its wait.
 * @elem: what it sends, or gets.
 */
struct chan_word_wait {
	struct chan_blocking how;
	struct chan_single s;
	struct chan_elem elem;
};

static __always_inline void chan_word_wait_init(struct chan_word_wait *wait, struct chan *c,
						bool send, u32 len, struct file *file)
{
	chan_blocking_init(&wait->how, KTIME_MAX, file);
	chan_single_init(&wait->s, c, send, &wait->elem, len);
	wait->how.entry = &wait->s.w;
}

/* Whether a wait on a calm channel is all there is to a send or a receive. */
static __always_inline bool chan_has_to_wait(const struct chan *c, bool send)
{
	return chan_is_calm(c) && c->ring.len == (send ? c->ring.cap : 0);
}

/**
 * chan_queue_word() - queue a wait on a channel where nothing else goes on
 * @wait: the wait.
 * @send: whether it is a send.
 *
 * Return: whether it is queued; if not, nothing is done.
 */
static __always_inline bool chan_queue_word(struct chan_word_wait *wait, bool send)
{
	struct chan *c = wait->s.w.chan;
	struct chan_news news = CHAN_NEWS_INIT(news);

	spin_lock(&c->lock);
	if (unlikely(!chan_has_to_wait(c, send))) {
		spin_unlock(&c->lock);
		return false;
	}
	if (send)
		chan_enqueue_call(c, &c->sendq, &wait->how, &c->stats.send_parks, &news,
				  CHAN_POLL_RECV, true);
	else
		chan_enqueue_call(c, &c->recvq, &wait->how, &c->stats.recv_parks, &news,
				  CHAN_POLL_SEND, true);
	chan_unlock_polled(c, news.events);
	return true;
}

/**
 * chan_recv_word_parked() - wait for a word
 * @wait: the receive, queued.
 * @addr: where to; it was writable.
 * @len: bytes of it.
 *
 * May sleep.
 *
 * Return: as chan_command_recv().
 */
static __always_inline int chan_recv_word_parked(struct chan_word_wait *wait, void __user *addr,
						 u32 len)
{
	struct chan *c = wait->s.w.chan;
	int ret = chan_park_single(&wait->s, &wait->how);

	if (unlikely(ret))
		return ret == -EPIPE ? chan_recv_zero(addr, len) : ret;
	if (unlikely(chan_put_word(chan_load_word(wait->elem.bytes, len), addr, len)))
		return chan_count_lost(c, -EFAULT);
	return 1 + len;
}

#endif /* CHAN_WORD_H */
