/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A descriptor of a channel: what read, write and poll do with it.
 */
#ifndef CHAN_FILE_H
#define CHAN_FILE_H

#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/types.h>

#include "wait.h"

struct chan;
struct chan_rest;
struct chan_user;

extern const struct file_operations chan_fops;

/**
 * struct chan_file - an open file description of a channel
 * @chan: the channel.
 * @user: who opened it, probably the one to charge.
 * @rest: of a message; made when it is first needed.
 * @parks: how often calls on it parked.
 * @found: in which count stuck.c has last seen it.
 * @end: whether it is an end for AUTOCLOSE.
 */
struct chan_file {
	struct chan *chan;
	struct chan_user *user;
	struct chan_rest *rest;
	atomic_long_t parks;
	u64 found;
	bool end;
};

static inline struct chan *chan_file_chan(const struct file *file)
{
	const struct chan_file *f = file->private_data;

	return f->chan;
}

/* Who probably pays for what is sent by this descriptor. */
static inline struct chan_user *chan_file_user(const struct file *file)
{
	const struct chan_file *f = file->private_data;

	return f->user;
}

static inline bool chan_file_is_channel(const struct file *file)
{
	return file->f_op == &chan_fops;
}

static inline void chan_file_count_parks(struct file *file, unsigned int parks)
{
	struct chan_file *f = file->private_data;

	if (parks)
		atomic_long_add(parks, &f->parks);
}

/* How long a call on this file may block if nothing else is said. */
static inline ktime_t chan_file_patience(const struct file *file)
{
	return file->f_flags & O_NONBLOCK ? CHAN_NOWAIT : KTIME_MAX;
}

struct file *chan_file_new(struct chan *c, unsigned int fd_flags, bool end);
bool chan_file_is_new(const struct file *file, u64 count);

#endif /* CHAN_FILE_H */
