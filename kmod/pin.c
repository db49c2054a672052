// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pinned user memory: see pin.h.
 */
#include <linux/capability.h>
#include <linux/container_of.h>
#include <linux/err.h>
#include <linux/highmem.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/lockdep.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/user_namespace.h>

#include "compat.h"
#include "count.h"
#include "payload.h"
#include "pin.h"

/* ---- RLIMIT_MEMLOCK, as all who pin for long share it ---- */

/* What else a user locks has no choice but to fail, so half of the limit is left to that. */
static bool may_lock(unsigned long pages)
{
	if (pages <= rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT >> 1)
		return true;
	return ns_capable_noaudit(&init_user_ns, CAP_IPC_LOCK);
}

static bool lock_pages(unsigned int n)
{
	atomic_long_t *locked = chan_locked_pages();
	long old;

	if (!locked)
		return false;
	old = atomic_long_read(locked);
	do {
		if (!may_lock(old + n))
			return false;
	} while (!atomic_long_try_cmpxchg(locked, &old, old + n));
	atomic64_add(n, &current->mm->pinned_vm);
	return true;
}

/* By the task that has locked them. */
static void unlock_pages(unsigned int n)
{
	atomic_long_sub(n, chan_locked_pages());
	atomic64_sub(n, &current->mm->pinned_vm);
}

/* ---- pinning ---- */

/* The list of the pages is a payload like any other: it costs nothing when there are spares. */
static struct chan_pinned *pinned_new(struct chan_user *guess, unsigned long addr, u32 len)
{
	unsigned int n = DIV_ROUND_UP(offset_in_page(addr) + (u64)len, PAGE_SIZE);
	struct chan_pinned *pinned;
	struct chan_payload *p;

	p = chan_payload_new(guess, struct_size(pinned, pages, n));
	if (IS_ERR(p))
		return NULL;
	pinned = (struct chan_pinned *)p->bytes;
	pinned->addr = addr;
	pinned->locked = false;
	pinned->written = false;
	pinned->n = n;
	return pinned;
}

static void pinned_free(struct chan_pinned *pinned)
{
	if (pinned->locked)
		unlock_pages(pinned->n);
	chan_payload_free(container_of((u8 (*)[])pinned, struct chan_payload, bytes));
}

static bool pin_pages(struct chan_pinned *pinned)
{
	int n = pin_user_pages_fast(pinned->addr & PAGE_MASK, pinned->n,
				    FOLL_WRITE | FOLL_LONGTERM, pinned->pages);

	if (n == pinned->n)
		return true;
	if (n > 0)
		unpin_user_pages(pinned->pages, n);
	return false;
}

static bool may_stay(const struct chan_pinned *pinned)
{
	unsigned int i;

	for (i = 0; i < pinned->n; i++)
		if (!chan_may_stay_pinned(pinned->pages[i]))
			return false;
	return true;
}

static bool pin_for_long(struct chan_pinned *pinned)
{
	if (!pin_pages(pinned))
		return false;
	if (likely(may_stay(pinned)))
		return true;
	unpin_user_pages(pinned->pages, pinned->n);
	return false;
}

/**
 * chan_hold_source() - hold the pages of an element for as long as it takes to copy it
 * @guess: the user of the current task, probably.
 * @addr: the element.
 * @len: its bytes.
 *
 * Not pinned, since it is only read, and only if it has been unmapped meanwhile.  May sleep.
 *
 * Return: what is held, for chan_put_source(); NULL if that was not possible.
 */
struct chan_pinned *chan_hold_source(struct chan_user *guess, const void __user *addr, u32 len)
{
	struct chan_pinned *held = pinned_new(guess, (unsigned long)addr, len);
	int n;

	if (!held)
		return NULL;
	n = get_user_pages_fast(held->addr & PAGE_MASK, held->n, 0, held->pages);
	if (n == held->n)
		return held;
	held->n = max(n, 0);
	chan_put_source(held);
	return NULL;
}

/**
 * chan_put_source() - let go of what chan_hold_source() holds
 * @held: the pages.
 *
 * May sleep.
 */
void chan_put_source(struct chan_pinned *held)
{
	unsigned int i;

	for (i = 0; i < held->n; i++)
		put_page(held->pages[i]);
	pinned_free(held);
}

/**
 * chan_pin_dest() - pin where an element is to go, for as long as it may take to come
 * @guess: the user of the current task, probably.
 * @addr: where.
 * @len: bytes.
 *
 * Changes nothing in that memory.  May sleep.
 *
 * Return: what was pinned, for chan_unpin() by the same task; NULL if that was not possible,
 * is more than the task may lock, or nothing is pinned by this kernel.
 */
struct chan_pinned *chan_pin_dest(struct chan_user *guess, void __user *addr, u32 len)
{
	struct chan_pinned *pinned = NULL;

	/* See chan_send_copy_once(). */
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		pinned = pinned_new(guess, (unsigned long)addr, len);
	if (!pinned)
		return NULL;
	pinned->locked = lock_pages(pinned->n);
	if (pinned->locked && pin_for_long(pinned))
		return pinned;
	pinned_free(pinned);
	return NULL;
}

/**
 * chan_unpin() - let go of a pinned destination
 * @pinned: the destination.
 *
 * May sleep.
 */
void chan_unpin(struct chan_pinned *pinned)
{
	if (pinned->written)
		unpin_user_pages_dirty_lock(pinned->pages, pinned->n, true);
	else
		unpin_user_pages(pinned->pages, pinned->n);
	pinned_free(pinned);
}

/* The rest of the page at a place of the memory, but no more than @len. */
static size_t rest_of_page(const struct chan_pinned *pinned, size_t pos, size_t len)
{
	return min(len, PAGE_SIZE - offset_in_page(pinned->addr + pos));
}

static struct page *page_at(const struct chan_pinned *pinned, size_t pos)
{
	return pinned->pages[(offset_in_page(pinned->addr) + pos) / PAGE_SIZE];
}

/* Of what is mapped, to a page; as it is of the current task, the processor knows it best. */
static bool copy_mapped(struct page *page, size_t offset, unsigned long from, size_t n)
{
	void *to = kmap_local_page(page);
	unsigned long left;

	pagefault_disable();
	left = __copy_from_user_inatomic(to + offset, (const void __user *)from, n);
	pagefault_enable();
	kunmap_local(to);
	return !left;
}

/* The element and its room have this page in common: the parts may overlap. */
static void move_within(struct page *page, size_t to, size_t from, size_t n)
{
	u8 *bytes = kmap_local_page(page);

	memmove(bytes + to, bytes + from, n);
	kunmap_local(bytes);
}

/* Of one page to one page. */
static void copy_part(struct chan_pinned *to, const struct chan_pinned *from, size_t pos, size_t n)
{
	struct page *page = page_at(to, pos), *held = page_at(from, pos);
	size_t offset = offset_in_page(to->addr + pos);
	size_t source = offset_in_page(from->addr + pos);

	if (unlikely(page == held))
		move_within(page, offset, source, n);
	else if (unlikely(!copy_mapped(page, offset, from->addr + pos, n)))
		memcpy_page(page, offset, held, source, n);
	flush_dcache_page(page);
}

static void copy_forwards(struct chan_pinned *to, const struct chan_pinned *from, u32 len)
{
	size_t pos, n;

	for (pos = 0; pos < len; pos += n) {
		n = rest_of_page(to, pos, rest_of_page(from, pos, len - pos));
		copy_part(to, from, pos, n);
	}
}

/* How much of the page in which a part of the memory ends is before that end. */
static size_t beginning_of_page(const struct chan_pinned *pinned, size_t end)
{
	return offset_in_page(pinned->addr + end - 1) + 1;
}

static void copy_backwards(struct chan_pinned *to, const struct chan_pinned *from, u32 len)
{
	size_t end, n;

	for (end = len; end; end -= n) {
		n = min3(end, beginning_of_page(to, end), beginning_of_page(from, end));
		copy_part(to, from, end - n, n);
	}
}

/**
 * chan_pinned_copy() - copy an element from where it is to where it goes
 * @to: destination.
 * @from: source, of the current task: what is mapped there, or if nothing is any more, what
 *	was when it was taken hold of.
 * @len: bytes; no more than are pinned of the one and held of the other.
 *
 * The two may overlap, if the receiver is another thread, or shares the memory at the same
 * address.
 */
void chan_pinned_copy(struct chan_pinned *to, const struct chan_pinned *from, u32 len)
{
	lockdep_assert_preemption_disabled();
	if (unlikely(to->addr - from->addr < len))
		copy_backwards(to, from, len);
	else
		copy_forwards(to, from, len);
	to->written = true;
	chan_count(CHAN_ONE_COPIES);
}

/* So many pages are compared in one go. */
#define SOME_PAGES	16

/* How many of @n pages, which begin at this one, are mapped where they were. */
static int compare_pages(unsigned long addr, struct page *const *pages, int n)
{
	struct page *mapped[SOME_PAGES];
	int i, same = 0, found = get_user_pages_fast_only(addr, n, FOLL_WRITE, mapped);

	for (i = 0; i < found; i++) {
		same += mapped[i] == pages[i];
		put_page(mapped[i]);
	}
	return same;
}

/**
 * chan_pinned_is_mapped() - whether a destination is still mapped as when it was pinned
 * @pinned: the destination, of the current task.
 *
 * Return: whether it certainly is.
 */
bool chan_pinned_is_mapped(const struct chan_pinned *pinned)
{
	unsigned long start = pinned->addr & PAGE_MASK;
	unsigned int i;
	int n;

	for (i = 0; i < pinned->n; i += n) {
		n = min_t(unsigned int, pinned->n - i, SOME_PAGES);
		if (compare_pages(start + i * PAGE_SIZE, pinned->pages + i, n) != n)
			return false;
	}
	return true;
}

/**
 * chan_pinned_to_iter() - copy an element from where it was copied to
 * @pinned: there.
 * @len: its bytes.
 * @iter: where to.
 *
 * May sleep.
 *
 * Return: how much could be copied.
 */
size_t chan_pinned_to_iter(const struct chan_pinned *pinned, u32 len, struct iov_iter *iter)
{
	size_t pos, n;

	for (pos = 0; pos < len; pos += n) {
		size_t rest = rest_of_page(pinned, pos, len - pos);

		n = copy_page_to_iter(page_at(pinned, pos), offset_in_page(pinned->addr + pos),
				      rest, iter);
		if (n != rest)
			return pos + n;
	}
	return len;
}
