/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the operations by command have in common: who may do what, and what they return.
 */
#ifndef CHAN_COMMAND_H
#define CHAN_COMMAND_H

#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/jump_label.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/uaccess.h>

#include "chan.h"
#include "file.h"

DECLARE_STATIC_KEY_FALSE(chan_asks_modules_key);

/*
 * Whether the security modules are to be asked before a send or a receive by command.  For
 * the command itself the kernel has asked them, as for any ioctl, and whoever holds a
 * descriptor of a channel may use it; to ask again, as before a read or a write, costs more
 * than all the rest of a short send.
 */
static inline bool chan_asks_modules(void)
{
	return static_branch_unlikely(&chan_asks_modules_key);
}

static inline bool chan_size_suits(const struct chan *c, size_t size)
{
	return size == c->ring.elem_size || (c->ring.message && size < c->ring.elem_size);
}

/* What the VFS asks before a read or a write, for commands that amount to one. */
static __always_inline int chan_may_transfer(struct file *file, fmode_t mode, size_t size)
{
	if (unlikely(!(file->f_mode & mode)))
		return -EBADF;
	if (!chan_asks_modules())
		return 0;
	return rw_verify_area(mode == FMODE_WRITE ? WRITE : READ, file, NULL,
			      min_t(size_t, size, MAX_RW_COUNT));
}

/* Whether an element of this size can be sent by command: 0 or an errno. */
static __always_inline int chan_may_send(struct file *file, size_t size)
{
	int ret = chan_may_transfer(file, FMODE_WRITE, size);

	if (ret)
		return ret;
	return chan_size_suits(chan_file_chan(file), size) ? 0 : -EMSGSIZE;
}

/* Whether an element can be received by command to this place. */
static __always_inline int chan_may_recv(struct file *file, const void __user *addr, size_t size)
{
	const struct chan *c = chan_file_chan(file);
	int ret = chan_may_transfer(file, FMODE_READ, size);

	if (ret)
		return ret;
	if (likely(size == c->ring.elem_size) || c->ring.message || (!addr && !size))
		return 0;
	return -EMSGSIZE;
}

/* How long an element a receive by command takes. */
static inline u32 chan_room_at(void __user *addr, u64 size)
{
	return addr ? min_t(u64, size, CHAN_ANY_ROOM) : CHAN_ANY_ROOM;
}

/* The place that a receive by command names.  Field by field, as chan_blocking_init(). */
static __always_inline void chan_dest_init(struct chan_dest *dest, void __user *addr, u64 size)
{
	dest->addr = addr;
	dest->iter = NULL;
	dest->elem = NULL;
	dest->room = chan_room_at(addr, size);
	dest->writable = 0;
	dest->len = 0;
	dest->pinned = NULL;
	dest->payload = NULL;
}

/* To receive from a channel that is closed and drained. */
static __always_inline int chan_recv_zero(void __user *addr, u32 size)
{
	return addr && clear_user(addr, size) ? -EFAULT : 0;
}

/*
 * What a receive by command returns: 0 when the channel is closed and drained, where the
 * zero value is received; 1 + length of the element; or an errno.
 */
static __always_inline int chan_recv_result(const struct chan *c, const struct chan_dest *dest,
					    int ret)
{
	if (unlikely(ret == -EPIPE))
		return chan_recv_zero(dest->addr, min(dest->room, c->ring.elem_size));
	return ret ?: 1 + dest->len;
}

/* A descriptor that is a channel, counted. */
static __always_inline struct file *chan_get_channel(int fd)
{
	struct file *file = fget(fd);

	if (!file)
		return ERR_PTR(-EBADF);
	if (chan_file_is_channel(file))
		return file;
	fput(file);
	return ERR_PTR(-ENOTTY);
}

#endif /* CHAN_COMMAND_H */
