// SPDX-License-Identifier: GPL-2.0-only
/*
 * Elements: their memory, their moves, and how they reach a receiver's memory.
 */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "elem.h"
#include "limits.h"

/* The current task pays. */
static struct chan_payload *payload_new(struct chan_user *guess, u32 len)
{
	size_t charge = struct_size((struct chan_payload *)NULL, bytes, len);
	struct chan_user *user = chan_user_current(guess);
	struct chan_payload *p;
	int ret = -ENOMEM;

	if (!user)
		return ERR_PTR(ret);
	ret = chan_charge_bytes(user, charge);
	if (ret)
		goto put_user;
	p = kvmalloc(charge, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!p) {
		ret = -ENOMEM;
		goto uncharge;
	}
	p->user = user;
	p->charge = charge;
	return p;

uncharge:
	chan_uncharge_bytes(user, charge);
put_user:
	chan_user_put(user);
	return ERR_PTR(ret);
}

static void payload_free(struct chan_payload *p)
{
	chan_uncharge_bytes(p->user, p->charge);
	chan_user_put(p->user);
	kvfree(p);
}

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

	p = payload_new(guess, len);
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
	payload_free(elem->payload);
}

static bool dest_discards(const struct chan_dest *dest)
{
	return !dest->addr && !dest->iter && !dest->elem;
}

/* All of @len bytes, or none of them. */
static int dest_copy(struct chan_dest *dest, const void *bytes, u32 len)
{
	size_t copied;

	if (dest->addr)
		return copy_to_user(dest->addr, bytes, len) ? -EFAULT : 0;
	if (!dest->iter)
		return 0;

	copied = copy_to_iter(bytes, len, dest->iter);
	if (copied == len)
		return 0;
	iov_iter_revert(dest->iter, copied);
	return -EFAULT;
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
	const void __user *addr = dest->iter ? chan_iter_addr(dest->iter) : dest->addr;

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

	payload_free(p);
	dest->payload = NULL;
	return ret;
}

int __chan_dest_put(struct chan_dest *dest, struct chan_elem *elem)
{
	int ret;

	dest->len = elem->len;
	if (dest->elem)
		return 0;
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
