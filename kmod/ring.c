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

static u32 slot_stride(bool message, u32 elem_size)
{
	if (message)
		return sizeof(struct chan_message_slot) +
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
	size_t bytes = chan_ring_bytes(message, elem_size, cap);

	ring->cap = cap;
	ring->stride = slot_stride(message, elem_size);
	ring->elem_size = elem_size;
	ring->message = message;
	ring->word = !message && chan_is_word(elem_size) ? elem_size : CHAN_NO_WORD;
	if (!bytes)
		return 0;

	ring->slots = kvzalloc(bytes, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	return ring->slots ? 0 : -ENOMEM;
}

/* Drop all elements, and the slots.  May sleep. */
void chan_ring_free(struct chan_ring *ring)
{
	/* Short ones have nothing but their slots. */
	while (ring->len && chan_is_long(ring->elem_size)) {
		struct chan_elem elem;
		const void *place = chan_ring_oldest(ring, &elem.len);

		memcpy(elem.bytes, place, chan_moved_bytes(elem.len));
		chan_ring_pop(ring);
		chan_elem_drop(&elem);
		cond_resched();
	}
	kvfree(ring->slots);
	ring->slots = NULL;
}
