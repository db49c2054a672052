/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The commands, and what they do.
 */
#ifndef CHAN_IOCTL_H
#define CHAN_IOCTL_H

#include <linux/ktime.h>
#include <linux/types.h>

struct chan;
struct chan_batch;
struct chan_call;
struct chan_info;
struct chan_make;
struct chan_make_timer;
struct chan_query;
struct chan_remove;
struct chan_select;
struct chan_set_timer;
struct file;

/* ioctl.c */
long chan_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long chanctl_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
int chan_get_args(void *args, u32 known, const void __user *from);

/* xfer.c */
int chan_command_send(struct file *file, const void __user *addr, u32 size, ktime_t until);
int chan_command_recv(struct file *file, void __user *addr, u32 size, ktime_t until);
int chan_command_send_parked(struct file *file, const void __user *addr, u32 size);
int chan_command_recv_parked(struct file *file, void __user *addr, u32 size);

/* batch.c */
long chan_command_batch(struct file *file, bool sends, const struct chan_batch *args);

/* command.c, call.c */
int chan_command_select(struct file *file, const struct chan_select *args);
long chan_command_call(struct file *file, struct chan_call __user *ucall);

/* control.c */
int chan_control_make(const struct chan_make *make);
int chan_control_make_timer(const struct chan_make_timer *make);
int chan_control_set_timer(struct chan *c, const struct chan_set_timer *set);
int chan_control_remove(const struct chan_remove *remove);
int chan_control_dup(struct file *file, unsigned int fd_flags);
void chan_control_info(struct chan *c, struct chan_info *info);
void chan_control_query(struct chan_query *q);
int chan_control_init(void);
void chan_control_exit(void);

#endif /* CHAN_IOCTL_H */
