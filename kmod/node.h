/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names: the device node of a channel.
 */
#ifndef CHAN_NODE_H
#define CHAN_NODE_H

#include <linux/types.h>

struct chan;
struct chan_node;
struct device;
struct inode;

int chan_node_get_name(char *name, const char __user *uname);
int chan_node_add(struct chan *c, const char *name, u32 mode);
struct chan *chan_node_find(const struct inode *inode);
int chan_node_remove(const char __user *name);
void chan_node_put(struct chan_node *node);
const char *chan_node_name(const struct chan_node *node);
u32 chan_node_minor(const struct chan_node *node);
struct chan *chan_node_chan(const struct device *dev);

int chan_node_init(void);
void chan_node_exit(void);

#endif /* CHAN_NODE_H */
