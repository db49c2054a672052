/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What root sees of all goroutines and channels.  It is for people, and resembles what Go
 * prints.
 *
 * Who reads a file may stop in the middle for as long as he likes.  So between two reads no
 * lock is held and no channel or goroutine is referred to:
 *
 *	goroutines	are all written down when the file is opened, since it takes a look at
 *			all of them to know who is leaked;
 *	channels	are looked at one by one as they are read; the position is the number
 *			of the next one.
 */
#ifndef CHAN_DEBUGFS_H
#define CHAN_DEBUGFS_H

#include <linux/fs.h>
#include <linux/ktime.h>

struct seq_file;

extern const struct file_operations chan_debugfs_goroutines;
extern const struct file_operations chan_debugfs_channels;

void chan_debugfs_show_seconds(struct seq_file *m, ktime_t since, ktime_t now);
void chan_debugfs_show_comm(struct seq_file *m, const char *comm);

#endif /* CHAN_DEBUGFS_H */
