/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of libkchan share.
 */
#ifndef KCHAN_INTERNAL_H
#define KCHAN_INTERNAL_H

#include <errno.h>
#include <stdint.h>
#include <linux/chan.h>

#include "kchan.h"

#define KCHAN_API	__attribute__((visibility("default")))

#define KCHAN_CONTROL	"/dev/chanctl"

static inline int fail(int err)
{
	errno = err;
	return -1;
}

#define NSEC_PER_SEC	1000000000L

/* time.c: 0, or -1 with EINVAL */
int kchan_ns(const struct timespec *ts, __u64 *ns);
int kchan_deadline(const struct timespec *ts, __u64 *ns);
__u64 kchan_now(void);
__u64 kchan_from_now(__u64 delay);

/* domain.c */
int kchan_domain(void);
void kchan_register(int64_t id, int64_t creator, const char *name);
void kchan_unregister(void);

int kchan_control(unsigned int cmd, void *arg);
int kchan_make_as(struct chan_make *make, size_t elem_size, size_t cap, unsigned int flags);
int kchan_close_fd(int fd);

#endif /* KCHAN_INTERNAL_H */
