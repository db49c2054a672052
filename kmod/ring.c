// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring: where buffered elements lie, and in which order.
 */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "elem.h"
#include "ring.h"

struct message_slot {
	u64 len;
	u8 bytes[];
};

static u32 slot_stride(bool message, u32 elem_size)
{
	if (message)
		return sizeof(struct message_slot) +
		       round_up(min_t(u32, elem_size, CHAN_INLINE_BYTES), 8);
	if (chan_is_long(elem_size))
		return sizeof(struct chan_payload *);
	return elem_size <= 8 ? elem_size : round_up(elem_size, 8);
}

/* Memory for the slots; U64_MAX if there cannot be so much. */
u64 chan_ring_bytes(bool message, u32 elem_size, u64 cap)
{
	u64 bytes;

	if (check_mul_overflow(cap, (u64)slot_stride(message, elem_size), &bytes))
		return U64_MAX;
	return bytes;
}

/**
 * chan_ring_init() - make an empty ring
 * @ring: zeroed.
 * @message: whether elements keep their own length.
 * @elem_size: bytes of an element, or the most of a message.
 * @cap: slots.
 *
 * May sleep.
 *
 * Return: 0 or -ENOMEM.
 */
int chan_ring_init(struct chan_ring *ring, bool message, u32 elem_size, u32 cap)
{
	ring->bytes = chan_ring_bytes(message, elem_size, cap);
	ring->cap = cap;
	ring->stride = slot_stride(message, elem_size);
	ring->elem_size = elem_size;
	ring->message = message;
	if (!ring->bytes)
		return 0;

	ring->slots = kvzalloc(ring->bytes, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	return ring->slots ? 0 : -ENOMEM;
}

static void *slot(const struct chan_ring *ring, u32 index)
{
	return ring->slots + (size_t)index * ring->stride;
}

static u32 next_index(const struct chan_ring *ring, u32 index)
{
	return index + 1 == ring->cap ? 0 : index + 1;
}

/* Move @elem to the end of a ring that has room. */
void chan_ring_put(struct chan_ring *ring, struct chan_elem *elem)
{
	void *place = slot(ring, ring->sendx);

	if (ring->message) {
		struct message_slot *m = place;

		m->len = elem->len;
		place = m->bytes;
	}
	memcpy(place, elem->bytes, chan_moved_bytes(elem->len));
	elem->len = 0;
	ring->sendx = next_index(ring, ring->sendx);
	/* CHAN_IOC_LEN looks without a lock. */
	WRITE_ONCE(ring->len, ring->len + 1);
}

/* Where the oldest element of a ring that is not empty lies, and its length. */
const void *chan_ring_oldest(const struct chan_ring *ring, u32 *len)
{
	const struct message_slot *m = slot(ring, ring->recvx);

	if (!ring->message) {
		*len = ring->elem_size;
		return m;
	}
	*len = m->len;
	return m->bytes;
}

/* Take the oldest element, which somebody else owns by now, out of the count. */
void chan_ring_pop(struct chan_ring *ring)
{
	ring->recvx = next_index(ring, ring->recvx);
	WRITE_ONCE(ring->len, ring->len - 1);
}

/* Drop all elements, and the slots.  May sleep. */
void chan_ring_free(struct chan_ring *ring)
{
	while (ring->len) {
		struct chan_elem elem;
		const void *place = chan_ring_oldest(ring, &elem.len);

		memcpy(elem.bytes, place, chan_moved_bytes(elem.len));
		chan_ring_pop(ring);
		chan_elem_drop(&elem);
	}
	kvfree(ring->slots);
	ring->slots = NULL;
}
