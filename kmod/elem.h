/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How an element travels.
 *
 * Up to CHAN_INLINE_BYTES it is copied: into the struct chan_elem of its sender,
 * from there into a slot of the ring or into the struct chan_elem of a receiver.
 * A longer one gets a buffer of its own, charged to its sender, and what moves
 * from place to place is the pointer.  So moving an element under a channel's
 * lock costs the same whatever its size, and can neither fail nor sleep.
 *
 * The bytes at a place (a struct chan_elem or a slot) are either the element or,
 * for a long one, the pointer to its struct chan_payload: its length tells.
 */
#ifndef CHAN_ELEM_H
#define CHAN_ELEM_H

#include <linux/align.h>
#include <linux/mutex.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <asm/futex.h>

#include "payload.h"

struct chan_pinned;
struct chan_user;

#define CHAN_INLINE_BYTES	128

/* No limit on what a receiver takes. */
#define CHAN_ANY_ROOM		U32_MAX

/**
 * struct chan_elem - an element, or the room for one
 * @len: bytes.
 * @bytes: the element if it is short.
 * @payload: the element if it is longer than CHAN_INLINE_BYTES.
 *
 * Whoever has one owns its payload.  With @len 0 it owns nothing.  What a receiver was given
 * may be where it goes already (pin.h): then @payload is NULL.
 */
struct chan_elem {
	u32 len;
	union {
		u8 bytes[CHAN_INLINE_BYTES] __aligned(8);
		struct chan_payload *payload;
	};
};

/**
 * struct chan_dest - where a receive puts its element
 * @addr: user memory, or
 * @iter: an iterator of the VFS, or
 * @elem: a struct chan_elem; or none of the three: the element is discarded.
 * @room: longest element it takes.
 * @writable: bytes at the start of it which were writable a moment ago.
 * @pinned: it is pinned, so a sender can copy to it.  Otherwise NULL.
 * @len: out: length of the element.
 * @payload: out of chan_dest_take(): a long element on its way to @addr or
 *	@iter, or to nowhere.  chan_dest_finish() brings it there.
 */
struct chan_dest {
	void __user *addr;
	struct iov_iter *iter;
	struct chan_elem *elem;
	u32 room;
	u32 writable;
	u32 len;
	struct chan_pinned *pinned;
	struct chan_payload *payload;
};

static inline bool chan_is_long(u32 len)
{
	return len > CHAN_INLINE_BYTES;
}

/* Whether it has been brought to its receiver's memory. */
static inline bool chan_elem_is_there(const struct chan_elem *elem)
{
	return chan_is_long(elem->len) && !elem->payload;
}

/* What has to be copied at a place when an element moves. */
static inline u32 chan_moved_bytes(u32 len)
{
	return chan_is_long(len) ? sizeof(struct chan_payload *) : len;
}

/* A word is an element of 1, 2, 4 or 8 bytes: see word.h. */
static inline bool chan_is_word(u32 len)
{
	return len == 8 || len == 4 || len == 2 || len == 1;
}

/* From one place of ours to another. */
static __always_inline void chan_copy(void *to, const void *from, u32 len)
{
	if (likely(len == 8))
		*(u64 *)to = *(const u64 *)from;
	else
		memcpy(to, from, len);
}

int chan_elem_alloc(struct chan_elem *elem, struct chan_user *guess, u32 len);
int __chan_elem_from_user(struct chan_elem *elem, struct chan_user *guess,
			  const void __user *addr, u32 len);
void *chan_elem_bytes(struct chan_elem *elem);
void __chan_elem_drop(struct chan_elem *elem);

/* Hand @from over to @to, which owned nothing.  Never fails, never sleeps. */
static __always_inline void chan_elem_move(struct chan_elem *to, struct chan_elem *from)
{
	to->len = from->len;
	chan_copy(to->bytes, from->bytes, chan_moved_bytes(from->len));
	from->len = 0;
}

/* Free what @elem owns.  May sleep. */
static inline void chan_elem_drop(struct chan_elem *elem)
{
	if (unlikely(chan_is_long(elem->len)))
		__chan_elem_drop(elem);
	elem->len = 0;
}

/* The place to which an iterator of the VFS points, if it is one; NULL if there are several. */
static inline void __user *chan_iter_addr(const struct iov_iter *iter)
{
	return iter_is_ubuf(iter) ? iter->ubuf + iter->iov_offset : NULL;
}

int __chan_dest_take(struct chan_dest *dest, u32 len, const void *place);
int __chan_dest_finish(struct chan_dest *dest);
int __chan_dest_put(struct chan_dest *dest, struct chan_elem *elem);
int __chan_dest_fault_in(struct chan_dest *dest, u32 len);
int __chan_dest_hold(struct chan_dest *dest, struct chan_user *guess, u32 len);
void __chan_dest_release(struct chan_dest *dest);

/* ---- what is short for the most common element, of eight bytes ---- */

/* Not every processor can access a word anywhere, nor all of it or nothing. */
static inline bool chan_is_word_at(const void __user *addr, u32 len)
{
	return IS_ALIGNED((unsigned long)addr, len);
}

/**
 * chan_elem_from_user() - take an element that is to be sent out of user memory
 * @elem: uninitialised.
 * @guess: as for chan_elem_alloc().
 * @addr: where it is.
 * @len: its length in bytes.
 *
 * May sleep.
 *
 * Return: 0, -EDQUOT, -ENOMEM or -EFAULT; on error @elem owns nothing.
 */
static __always_inline int chan_elem_from_user(struct chan_elem *elem, struct chan_user *guess,
					       const void __user *addr, u32 len)
{
	if (unlikely(len != 8 || !chan_is_word_at(addr, 8)))
		return __chan_elem_from_user(elem, guess, addr, len);
	elem->len = len;
	return get_user(*(u64 *)elem->bytes, (const u64 __user *)addr);
}

static __always_inline bool chan_dest_is_word(const struct chan_dest *dest, u32 len)
{
	return likely(len == 8 && dest->addr && chan_is_word_at(dest->addr, 8));
}

/**
 * chan_dest_take() - move an element to its destination without sleeping
 * @dest: the destination.
 * @len: length of the element.
 * @place: its bytes, or the pointer to its payload.
 *
 * Return: 0, with chan_dest_finish() to follow when no lock is held any more, and
 * the element at @place to be regarded as gone; or with nothing moved -EMSGSIZE
 * (too long for the room) or -EFAULT (a page has to be brought in first:
 * chan_dest_fault_in()).
 */
static __always_inline int chan_dest_take(struct chan_dest *dest, u32 len, const void *place)
{
	int ret;

	if (!chan_dest_is_word(dest, len) || unlikely(dest->room < len))
		return __chan_dest_take(dest, len, place);
	dest->len = len;
	pagefault_disable();
	ret = put_user(*(const u64 *)place, (u64 __user *)dest->addr);
	pagefault_enable();
	return ret;
}

/**
 * chan_dest_finish() - the part of a receive which may sleep
 * @dest: the destination, after chan_dest_take().
 *
 * Return: 0, or -EFAULT when memory that was writable no longer is; the element
 * is lost then.
 */
static inline int chan_dest_finish(struct chan_dest *dest)
{
	return likely(!dest->payload) ? 0 : __chan_dest_finish(dest);
}

/**
 * chan_dest_put() - bring what a parked receiver was given to its destination
 * @dest: the destination; its @elem, if any, is where @elem is already.
 * @elem: the element; owns nothing afterwards.
 *
 * May sleep.
 *
 * Return: as chan_dest_finish().
 */
static __always_inline int chan_dest_put(struct chan_dest *dest, struct chan_elem *elem)
{
	if (!chan_dest_is_word(dest, elem->len))
		return __chan_dest_put(dest, elem);
	dest->len = elem->len;
	elem->len = 0;
	return put_user(*(const u64 *)elem->bytes, (u64 __user *)dest->addr);
}

/*
 * Whether a word can be written, by an atomic operation that leaves it, and what may be beside
 * it, as it is.  For a futex the kernel has one, of four bytes.
 */
static __always_inline bool chan_is_writable(void __user *addr)
{
	void __user *four = PTR_ALIGN_DOWN(addr, 4);
	int old;

	return likely(!arch_futex_atomic_op_inuser(FUTEX_OP_OR, 0, &old, four));
}

/* Whether it is a word that can be written, and needs no more preparation. */
static __always_inline bool chan_dest_is_ready_word(struct chan_dest *dest, u32 len)
{
	if (!chan_dest_is_word(dest, len) || !chan_is_writable(dest->addr))
		return false;
	dest->writable = len;
	return true;
}

/**
 * chan_dest_fault_in() - see to it that a destination can be written
 * @dest: the destination.
 * @len: how much of it.
 *
 * Changes nothing in that memory.  May sleep.
 *
 * Return: 0 or -EFAULT.
 */
static __always_inline int chan_dest_fault_in(struct chan_dest *dest, u32 len)
{
	return chan_dest_is_ready_word(dest, len) ? 0 : __chan_dest_fault_in(dest, len);
}

/**
 * chan_dest_hold() - see to it that a destination can be written, perhaps by the sender
 * @dest: the destination.
 * @guess: as for chan_elem_alloc().
 * @len: how much of it.
 *
 * Changes nothing in that memory.  chan_dest_release() has to follow if it succeeds.  May
 * sleep.
 *
 * Return: 0 or -EFAULT.
 */
static __always_inline int chan_dest_hold(struct chan_dest *dest, struct chan_user *guess, u32 len)
{
	return chan_dest_is_ready_word(dest, len) ? 0 : __chan_dest_hold(dest, guess, len);
}

/**
 * chan_dest_release() - let go of what chan_dest_hold() may have pinned
 * @dest: the destination.
 *
 * May sleep.
 */
static inline void chan_dest_release(struct chan_dest *dest)
{
	if (unlikely(dest->pinned))
		__chan_dest_release(dest);
}

#endif /* CHAN_ELEM_H */
