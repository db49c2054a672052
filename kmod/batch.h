/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Several elements of fixed size in one call.
 */
#ifndef CHAN_BATCH_H
#define CHAN_BATCH_H

#include <linux/types.h>

struct chan;
struct chan_blocking;
struct chan_user;
struct iov_iter;

/**
 * struct chan_elems - what is left to move of the elements of a call
 * @iter: the caller's memory, from the next element on; NULL to receive to nowhere.
 * @size: bytes of an element, which are those of the channel's.
 * @n: how many are left.
 */
struct chan_elems {
	struct iov_iter *iter;
	u32 size;
	u32 n;
};

int chan_send_from(struct chan *c, struct chan_user *guess, struct iov_iter *from, u32 size,
		   struct chan_blocking *how);
u32 chan_send_some(struct chan *c, struct chan_elems *elems, struct chan_blocking *how);
u32 chan_recv_some(struct chan *c, struct chan_elems *elems, struct chan_blocking *how);
long chan_send_batch(struct chan *c, struct chan_user *guess, struct chan_elems *elems,
		     struct chan_blocking *how);
long chan_recv_batch(struct chan *c, struct chan_elems *elems, struct chan_blocking *how);

#endif /* CHAN_BATCH_H */
