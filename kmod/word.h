/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Words: elements of 1, 2, 4 or 8 bytes, and the short way into a ring and out of it.
 *
 * A word travels in a register where it can.  Where nobody waits for anybody, a send has
 * only to put it into the ring, and a receive to take it from there.  That is so often all
 * there is to do, and so little beside what a system call costs, that it has functions of
 * its own: they do that, or nothing.
 */
#ifndef CHAN_WORD_H
#define CHAN_WORD_H

#include <linux/uaccess.h>

#include "chan.h"
#include "core.h"
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

/* Whether an element of this size at this place is to be tried as a word of the ring first. */
static __always_inline bool chan_is_ring_word(const struct chan *c, const void __user *addr,
					      u32 size)
{
	return size == c->ring.word && chan_is_word_at(addr, size);
}

/* Nobody is to be served, woken or told of an end. */
static __always_inline bool chan_is_calm(const struct chan *c)
{
	return !c->state && !c->entries;
}

/**
 * chan_send_word() - send what only has to be put into the ring
 * @c: a channel whose ring is one of words.
 * @addr: the element, aligned as a word has to be.
 *
 * May sleep.
 *
 * Return: 0, -EFAULT, or -EAGAIN: there is more to do, see chan_send().
 */
static __always_inline int chan_send_word(struct chan *c, const void __user *addr)
{
	struct chan_ring *ring = &c->ring;
	bool polled;
	u64 word;

	if (unlikely(chan_get_word(&word, addr, ring->stride)))
		return -EFAULT;
	spin_lock(&c->lock);
	if (unlikely(!chan_is_calm(c) || ring->len == ring->cap)) {
		spin_unlock(&c->lock);
		return -EAGAIN;
	}
	chan_store_word(chan_ring_slot(ring, ring->sendx), word, ring->stride);
	chan_ring_push(ring);
	c->stats.sends++;
	trace_chan_send(c, CHAN_PATH_BUFFERED, ring->stride);
	polled = chan_is_polled(c);
	spin_unlock(&c->lock);
	if (unlikely(polled))
		wake_up_interruptible_poll(&c->poll, CHAN_POLL_RECV);
	return 0;
}

/**
 * chan_recv_word() - receive what only has to be taken from the ring
 * @c: a channel whose ring is one of words.
 * @addr: where to; not NULL, and aligned as a word has to be.
 *
 * Never sleeps.
 *
 * Return: 0, or -EAGAIN: there is more to do, see chan_recv().
 */
static __always_inline int chan_recv_word(struct chan *c, void __user *addr)
{
	struct chan_ring *ring = &c->ring;
	bool polled;
	u64 word;
	int ret;

	spin_lock(&c->lock);
	if (unlikely(!chan_is_calm(c) || !ring->len))
		goto more;
	word = chan_load_word(chan_ring_slot(ring, ring->recvx), ring->stride);
	pagefault_disable();
	ret = chan_put_word(word, addr, ring->stride);
	pagefault_enable();
	if (unlikely(ret))
		goto more;
	chan_ring_pop(ring);
	c->stats.receives++;
	trace_chan_recv(c, CHAN_PATH_BUFFERED, ring->stride);
	polled = chan_is_polled(c);
	spin_unlock(&c->lock);
	if (unlikely(polled))
		wake_up_interruptible_poll(&c->poll, CHAN_POLL_SEND);
	return 0;

more:
	spin_unlock(&c->lock);
	return -EAGAIN;
}

#endif /* CHAN_WORD_H */
