/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one user, and all together, may have.
 *
 * Memory is charged twice over: to the memory cgroup of the task that allocates
 * it, by the allocator, and to the user of that task, here.  A channel and its
 * ring are charged to who makes it, a long element to who sends it, until it is
 * copied out or dropped.  A short element lies in the ring or in its sender's
 * frame, and costs nothing of its own.  What a select of many cases needs while it
 * lasts is charged to the cgroup only, as in poll(2).
 */
#ifndef CHAN_LIMITS_H
#define CHAN_LIMITS_H

#include <linux/atomic.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include "payload.h"

struct chan_query;

/**
 * struct chan_user - what one user has in use
 * @link: in the table of users.
 * @uid: the user.
 * @refs: references.
 * @channels: channels made.
 * @names: names held.
 * @bytes: in rings and in long elements.
 * @spares: buffers of long elements it has sent; not among those @bytes.
 */
struct chan_user {
	struct hlist_node link;
	kuid_t uid;
	refcount_t refs;
	atomic_long_t channels;
	atomic_long_t names;
	atomic_long_t bytes;
	struct chan_spares spares;
};

struct chan_user *chan_user_current(struct chan_user *guess);
struct chan_user *chan_user_get(struct chan_user *user);
void chan_user_put(struct chan_user *user);

unsigned int chan_max_select_cases(void);
int chan_check_size(u32 elem_size, u64 cap, u64 ring_bytes);
int chan_charge_channel(struct chan_user *user);
void chan_uncharge_channel(struct chan_user *user);
int chan_charge_name(struct chan_user *user);
void chan_uncharge_name(struct chan_user *user);
int chan_charge_bytes(struct chan_user *user, size_t bytes);
void chan_uncharge_bytes(struct chan_user *user, size_t bytes);

void chan_limits_query(struct chan_query *q);

#endif /* CHAN_LIMITS_H */
