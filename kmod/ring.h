/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The buffered elements of a channel: a ring of slots.
 *
 * A slot holds a short element itself and the pointer to the payload of a long
 * one (elem.h); a message's slot begins with its length.
 */
#ifndef CHAN_RING_H
#define CHAN_RING_H

#include <linux/compiler.h>
#include <linux/limits.h>
#include <linux/types.h>

#include "elem.h"

/**
 * struct chan_ring - the buffered elements
 * @slots: @cap slots of @stride bytes; NULL if they take no memory.
 * @len: slots in use.
 * @recvx: index of the oldest element.
 * @sendx: index of the slot that the next one gets.
 * @cap: slots.  Constant, as all below.
 * @stride: bytes from slot to slot.
 * @elem_size: bytes of an element, or the most of a message.
 * @message: elements keep their own length.
 * @word: bytes of an element if it is a word (word.h), or CHAN_NO_WORD.
 */
struct chan_ring {
	void *slots;
	u32 len;
	u32 recvx;
	u32 sendx;
	u32 cap;
	u32 stride;
	u32 elem_size;
	bool message;
	u32 word;
};

#define CHAN_NO_WORD		U32_MAX

struct chan_message_slot {
	u64 len;
	u8 bytes[];
};

u64 chan_ring_bytes(bool message, u32 elem_size, u64 cap);
int chan_ring_init(struct chan_ring *ring, bool message, u32 elem_size, u32 cap);
void chan_ring_free(struct chan_ring *ring);

/* What the slots take. */
static inline size_t chan_ring_memory(const struct chan_ring *ring)
{
	return ring->slots ? (size_t)ring->cap * ring->stride : 0;
}

static inline void *chan_ring_slot(const struct chan_ring *ring, u32 index)
{
	return ring->slots + (size_t)index * ring->stride;
}

static inline u32 chan_ring_next(const struct chan_ring *ring, u32 index)
{
	return index + 1 == ring->cap ? 0 : index + 1;
}

/* At some moment, without a lock. */
static inline bool chan_ring_has_room(const struct chan_ring *ring)
{
	return READ_ONCE(ring->len) < ring->cap;
}

/* The slot at the end of a ring that has room has its element. */
static inline void chan_ring_push(struct chan_ring *ring)
{
	ring->sendx = chan_ring_next(ring, ring->sendx);
	/* CHAN_IOC_LEN looks without a lock. */
	WRITE_ONCE(ring->len, ring->len + 1);
}

/* Take the oldest element, which somebody else owns by now, out of the count. */
static inline void chan_ring_pop(struct chan_ring *ring)
{
	ring->recvx = chan_ring_next(ring, ring->recvx);
	WRITE_ONCE(ring->len, ring->len - 1);
}

/*
 * The same for several, which do not go beyond the end of the memory.
 */

static inline void chan_ring_push_run(struct chan_ring *ring, u32 n)
{
	ring->sendx = ring->sendx + n == ring->cap ? 0 : ring->sendx + n;
	WRITE_ONCE(ring->len, ring->len + n);
}

static inline void chan_ring_pop_run(struct chan_ring *ring, u32 n)
{
	ring->recvx = ring->recvx + n == ring->cap ? 0 : ring->recvx + n;
	WRITE_ONCE(ring->len, ring->len - n);
}

/* How many slots, of elements that are short, are to be copied in one go. */
static inline u32 chan_ring_run(const struct chan_ring *ring)
{
	return likely(ring->stride == ring->elem_size) ? U32_MAX : 1;
}

/* Move @elem to the slot that the next one gets. */
static inline void chan_ring_store(struct chan_ring *ring, struct chan_elem *elem)
{
	void *place = chan_ring_slot(ring, ring->sendx);

	if (ring->message) {
		struct chan_message_slot *m = place;

		m->len = elem->len;
		place = m->bytes;
	}
	chan_copy(place, elem->bytes, chan_moved_bytes(elem->len));
	elem->len = 0;
}

/* Move @elem to the end of a ring that has room. */
static inline void chan_ring_put(struct chan_ring *ring, struct chan_elem *elem)
{
	chan_ring_store(ring, elem);
	chan_ring_push(ring);
}

/*
 * Move @elem to the end of a full ring, in place of the oldest element, which somebody else
 * owns by now.  The length stays as it is, or who looks at it without a lock would see a ring
 * with room, or an empty one, where there is none.
 */
static inline void chan_ring_replace(struct chan_ring *ring, struct chan_elem *elem)
{
	chan_ring_store(ring, elem);
	ring->sendx = chan_ring_next(ring, ring->sendx);
	ring->recvx = ring->sendx;
}

/* Where the oldest element of a ring that is not empty lies, and its length. */
static inline const void *chan_ring_oldest(const struct chan_ring *ring, u32 *len)
{
	const struct chan_message_slot *m = chan_ring_slot(ring, ring->recvx);

	if (!ring->message) {
		*len = ring->elem_size;
		return m;
	}
	*len = m->len;
	return m->bytes;
}

#endif /* CHAN_RING_H */
