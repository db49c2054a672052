/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A descriptor of a channel: what read, write, poll and the send and receive
 * commands do with it.
 */
#ifndef CHAN_FILE_H
#define CHAN_FILE_H

#include <linux/fs.h>
#include <linux/ktime.h>

struct chan;
struct chan_xfer;

extern const struct file_operations chan_fops;

struct file *chan_file_new(struct chan *c, unsigned int fd_flags, bool end);
struct chan *chan_file_chan(const struct file *file);

/* How long a call on this file may block if nothing else is said. */
ktime_t chan_file_patience(const struct file *file);

int chan_file_send(struct file *file, const struct chan_xfer *x, ktime_t until);
int chan_file_recv(struct file *file, const struct chan_xfer *x, ktime_t until);

#endif /* CHAN_FILE_H */
