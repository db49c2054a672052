/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Buffers of long elements.
 *
 * Each is charged to the user and to the memory cgroup of who sends, for as long as it is in
 * use.  What is no longer needed is kept for the next element of the same user, up to
 * CHAN_SPARES and CHAN_SPARE_BYTES of it: so who sends long elements all the time allocates
 * nothing, which for large ones is as much work as to copy them.  The oldest spare goes when
 * there are more, and all of them after a rest of one to two seconds, or with the last that a
 * user has of channels.
 */
#ifndef CHAN_PAYLOAD_H
#define CHAN_PAYLOAD_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct chan_user;
struct mem_cgroup;

/* Kept of each user, at most. */
#define CHAN_SPARE_BYTES	(4UL << 20)
#define CHAN_SPARES		1024

/**
 * struct chan_spares - buffers that a user has had, for the next elements
 * @lock: guards all of it.  Nothing else is taken under it.
 * @list: of struct chan_payload, through its @link, the newest first.
 * @bytes: what they take.
 * @n: how many they are.
 * @kept: one has been since @rest has last looked.
 * @rest: gives them back if none has; under way whenever there are some.
 */
struct chan_spares {
	spinlock_t lock; /* the list and its size */
	struct list_head list;
	size_t bytes;
	unsigned int n;
	bool kept;
	struct delayed_work rest;
};

/**
 * struct chan_payload - buffer of a long element
 * @user: who is charged with it; with a reference while it is in use.
 * @cgroup: to which its memory was charged; to compare, it may have gone.
 * @link: among the spares of @user.
 * @charge: bytes charged: all of this and what comes behind it.
 * @bytes: the element.
 */
struct chan_payload {
	struct chan_user *user;
	const struct mem_cgroup *cgroup;
	struct list_head link;
	size_t charge;
	u8 bytes[] __aligned(8);
};

void chan_spares_init(struct chan_spares *spares);
void chan_spares_free(struct chan_spares *spares);

struct chan_payload *chan_payload_new(struct chan_user *guess, size_t len);
void chan_payload_free(struct chan_payload *p);

#endif /* CHAN_PAYLOAD_H */
