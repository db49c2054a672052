/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A descriptor of a channel: what read, write and poll do with it.
 */
#ifndef CHAN_FILE_H
#define CHAN_FILE_H

#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/types.h>

struct chan;
struct chan_user;

extern const struct file_operations chan_fops;

struct file *chan_file_new(struct chan *c, unsigned int fd_flags, bool end);
struct chan *chan_file_chan(const struct file *file);
struct chan_user *chan_file_user(const struct file *file);
bool chan_file_is_channel(const struct file *file);
bool chan_file_is_new(const struct file *file, u64 count);
void chan_file_count_parks(struct file *file, unsigned int parks);

/* How long a call on this file may block if nothing else is said. */
ktime_t chan_file_patience(const struct file *file);

#endif /* CHAN_FILE_H */
