// SPDX-License-Identifier: GPL-2.0-only
/*
 * Elements: their memory, their moves, and how they reach a receiver's memory.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "elem.h"
#include "payload.h"
#include "pin.h"

/**
 * chan_elem_alloc() - make room for an element that is to be sent
 * @elem: uninitialised.
 * @guess: who the current task's user probably is: it pays for what is long.
 * @len: its length in bytes.
 *
 * Fill chan_elem_bytes() next.  May sleep.
 *
 * Return: 0, -EDQUOT or -ENOMEM; on error @elem owns nothing.
 */
int chan_elem_alloc(struct chan_elem *elem, struct chan_user *guess, u32 len)
{
	struct chan_payload *p;

	elem->len = len;
	if (!chan_is_long(len))
		return 0;

	p = chan_payload_new(guess, len);
	if (IS_ERR(p)) {
		elem->len = 0;
		return PTR_ERR(p);
	}
	elem->payload = p;
	return 0;
}

/* The element itself, wherever it is. */
void *chan_elem_bytes(struct chan_elem *elem)
{
	return chan_is_long(elem->len) ? elem->payload->bytes : elem->bytes;
}

int __chan_elem_from_user(struct chan_elem *elem, struct chan_user *guess,
			  const void __user *addr, u32 len)
{
	int ret = chan_elem_alloc(elem, guess, len);

	if (ret || !copy_from_user(chan_elem_bytes(elem), addr, len))
		return ret;
	chan_elem_drop(elem);
	return -EFAULT;
}

void __chan_elem_drop(struct chan_elem *elem)
{
	chan_payload_free(elem->payload);
}

static bool dest_discards(const struct chan_dest *dest)
{
	return !dest->addr && !dest->iter && !dest->elem;
}

/* NULL if there is no one place. */
static void __user *dest_addr(const struct chan_dest *dest)
{
	return dest->iter ? chan_iter_addr(dest->iter) : dest->addr;
}

static int all_or_none(struct iov_iter *iter, size_t copied, u32 len)
{
	if (copied == len)
		return 0;
	iov_iter_revert(iter, copied);
	return -EFAULT;
}

/* All of @len bytes, or none of them. */
static int dest_copy(struct chan_dest *dest, const void *bytes, u32 len)
{
	if (dest->addr)
		return copy_to_user(dest->addr, bytes, len) ? -EFAULT : 0;
	if (!dest->iter)
		return 0;
	return all_or_none(dest->iter, copy_to_iter(bytes, len, dest->iter), len);
}

static int dest_copy_nofault(struct chan_dest *dest, const void *bytes, u32 len)
{
	int ret;

	pagefault_disable();
	ret = dest_copy(dest, bytes, len);
	pagefault_enable();
	return ret;
}

static int dest_take_long(struct chan_dest *dest, u32 len, struct chan_payload *p)
{
	if (!dest_discards(dest) && dest->writable < len)
		return -EFAULT;
	dest->payload = p;
	return 0;
}

/*
 * Whether a copy that fails may have written a part: then all of the room is brought in
 * before, as for a long element.  (What a readv() was given may have several parts; it is
 * not looked at so closely.)
 */
static bool is_torn(const struct chan_dest *dest, u32 len)
{
	const void __user *addr = dest_addr(dest);

	return addr && dest->writable < len && offset_in_page(addr) + len > PAGE_SIZE;
}

int __chan_dest_take(struct chan_dest *dest, u32 len, const void *place)
{
	int ret = 0;

	if (len > dest->room)
		return -EMSGSIZE;

	if (dest->elem) {
		dest->elem->len = len;
		chan_copy(dest->elem->bytes, place, chan_moved_bytes(len));
	} else if (chan_is_long(len)) {
		ret = dest_take_long(dest, len, *(struct chan_payload * const *)place);
	} else if (unlikely(is_torn(dest, len))) {
		ret = -EFAULT;
	} else {
		ret = dest_copy_nofault(dest, place, len);
	}
	dest->len = len;
	return ret;
}

int __chan_dest_finish(struct chan_dest *dest)
{
	struct chan_payload *p = dest->payload;
	int ret = dest_copy(dest, p->bytes, dest->len);

	chan_payload_free(p);
	dest->payload = NULL;
	return ret;
}

/* It was copied to what is pinned; but is that still what is mapped? */
static int dest_is_there(struct chan_dest *dest)
{
	struct iov_iter iter, *to = dest->iter ?: &iter;

	if (!dest->iter)
		iov_iter_ubuf(&iter, ITER_DEST, dest->addr, dest->len);
	if (unlikely(!chan_pinned_is_mapped(dest->pinned)))
		return all_or_none(to, chan_pinned_to_iter(dest->pinned, dest->len, to), dest->len);
	iov_iter_advance(to, dest->len);
	return 0;
}

int __chan_dest_put(struct chan_dest *dest, struct chan_elem *elem)
{
	int ret;

	dest->len = elem->len;
	if (dest->elem)
		return 0;
	if (unlikely(chan_elem_is_there(elem))) {
		elem->len = 0;
		return dest_is_there(dest);
	}
	ret = dest_copy(dest, chan_elem_bytes(elem), elem->len);
	chan_elem_drop(elem);
	return ret;
}

int __chan_dest_fault_in(struct chan_dest *dest, u32 len)
{
	size_t left = 0;

	if (dest->addr)
		left = fault_in_safe_writeable((char __user *)dest->addr, len);
	else if (dest->iter)
		left = fault_in_iov_iter_writeable(dest->iter, len);
	if (left)
		return -EFAULT;
	dest->writable = len;
	return 0;
}

int __chan_dest_hold(struct chan_dest *dest, struct chan_user *guess, u32 len)
{
	void __user *addr = dest_addr(dest);

	if (dest->pinned)
		return 0;
	if (addr && len >= CHAN_PIN_MIN && len <= CHAN_PIN_MAX)
		dest->pinned = chan_pin_dest(guess, addr, len);
	if (!dest->pinned)
		return __chan_dest_fault_in(dest, len);
	dest->writable = len;
	return 0;
}

void __chan_dest_release(struct chan_dest *dest)
{
	chan_unpin(dest->pinned);
	dest->pinned = NULL;
}
