/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The buffered elements of a channel: a ring of slots.
 *
 * A slot holds a short element itself and the pointer to the payload of a long
 * one (elem.h); a message's slot begins with its length.
 */
#ifndef CHAN_RING_H
#define CHAN_RING_H

#include <linux/types.h>

struct chan_elem;

/**
 * struct chan_ring - the buffered elements
 * @slots: @cap slots of @stride bytes; NULL if they take no memory.
 * @bytes: what they take.
 * @len: slots in use.
 * @recvx: index of the oldest element.
 * @sendx: index of the slot that the next one gets.
 * @cap: slots.  Constant, as all below.
 * @stride: bytes from slot to slot.
 * @elem_size: bytes of an element, or the most of a message.
 * @message: elements keep their own length.
 */
struct chan_ring {
	void *slots;
	size_t bytes;
	u32 len;
	u32 recvx;
	u32 sendx;
	u32 cap;
	u32 stride;
	u32 elem_size;
	bool message;
};

u64 chan_ring_bytes(bool message, u32 elem_size, u64 cap);
int chan_ring_init(struct chan_ring *ring, bool message, u32 elem_size, u32 cap);
void chan_ring_free(struct chan_ring *ring);

void chan_ring_put(struct chan_ring *ring, struct chan_elem *elem);
const void *chan_ring_oldest(const struct chan_ring *ring, u32 *len);
void chan_ring_pop(struct chan_ring *ring);

#endif /* CHAN_RING_H */
