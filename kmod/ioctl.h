/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The commands, and what those of them do that make channels and descriptors.
 */
#ifndef CHAN_IOCTL_H
#define CHAN_IOCTL_H

struct chan;
struct chan_info;
struct chan_make;
struct chan_query;
struct chan_remove;
struct file;

/* ioctl.c */
long chan_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long chanctl_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* control.c */
int chan_control_make(const struct chan_make *make);
int chan_control_remove(const struct chan_remove *remove);
int chan_control_dup(struct file *file, unsigned int fd_flags);
void chan_control_info(struct chan *c, struct chan_info *info);
void chan_control_query(struct chan_query *q);
int chan_control_init(void);
void chan_control_exit(void);

#endif /* CHAN_IOCTL_H */
