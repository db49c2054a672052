/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pinned user memory, so that a large element is copied once.
 *
 * A receiver of large elements pins its destination before it parks.  A sender that finds it
 * there takes hold of the pages of its element, claims the receiver, lets go of the channel,
 * and only then copies: all pages are there, so nothing can fail or wait for anything once
 * the receiver is claimed, and no lock is held for as long as it takes.  The receiver, claimed
 * but not done, stays where it is until then, even if it is killed.  So the sender is not
 * preempted either: whoever competes with it for its processor would hold up the receiver.
 *
 * It is an offer that may be declined: if either memory cannot be had, or the receiver may
 * not lock so much (RLIMIT_MEMLOCK), or it is the sender that came first, the element goes
 * through a buffer (payload.h).
 *
 * What is unmapped while it is pinned is written all the same, where nobody sees it.  So the
 * receiver looks, before it returns, whether what it has pinned is still what it has mapped,
 * and if not, copies the element from the one to the other.
 */
#ifndef CHAN_PIN_H
#define CHAN_PIN_H

#include <linux/mm_types.h>
#include <linux/sizes.h>
#include <linux/types.h>
#include <asm/page.h>

struct chan_user;
struct iov_iter;

/* From so many bytes on it costs less than a second copy. */
#define CHAN_PIN_MIN		PAGE_SIZE

/* As long as it takes to copy so many, a processor may be kept from all other tasks. */
#define CHAN_PIN_MAX		SZ_1M

/**
 * struct chan_pinned - user memory whose pages are pinned, or held
 * @addr: where it begins.
 * @locked: whether it counts against RLIMIT_MEMLOCK.
 * @written: whether it was.
 * @n: pages.
 * @pages: they.
 */
struct chan_pinned {
	unsigned long addr;
	bool locked;
	bool written;
	unsigned int n;
	struct page *pages[];
};

struct chan_pinned *chan_hold_source(struct chan_user *guess, const void __user *addr, u32 len);
void chan_put_source(struct chan_pinned *held);
struct chan_pinned *chan_pin_dest(struct chan_user *guess, void __user *addr, u32 len);
void chan_unpin(struct chan_pinned *pinned);
void chan_pinned_copy(struct chan_pinned *to, const struct chan_pinned *from, u32 len);
bool chan_pinned_is_mapped(const struct chan_pinned *pinned);
size_t chan_pinned_to_iter(const struct chan_pinned *pinned, u32 len, struct iov_iter *iter);

#endif /* CHAN_PIN_H */
