/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What sysfs shows: Documentation/ABI/testing describes each file.
 */
#ifndef CHAN_SYSFS_H
#define CHAN_SYSFS_H

struct attribute_group;

/* Of a named channel, and of /dev/chanctl. */
extern const struct attribute_group *chan_groups[];
extern const struct attribute_group *chanctl_groups[];

#endif /* CHAN_SYSFS_H */
