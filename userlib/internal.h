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
void kchan_be_helper(void);
void kchan_unregister(void);

/* go.c */
void kchan_register_main(void);

/**
 * struct kchan_self - what the library knows of the calling thread
 * @id: the goroutine that it is.
 * @caller: where in the program it has last called what may block.
 * @next: in the list of goroutines.
 * @link: what points to this one.
 */
struct kchan_self {
	int64_t id;
	const void *caller;
	struct kchan_self *next;
	struct kchan_self **link;
};

extern __thread struct kchan_self kchan_self
	__attribute__((visibility("hidden"), tls_model("initial-exec")));

/* goroutines.c */
struct chan_go_info;
void kchan_enlist(int64_t id);
void kchan_delist(void);
void kchan_delist_all(void);
const void *kchan_caller_of(int64_t id);
int kchan_list(struct chan_go_info **infos, __u32 flags);

/* dump.c */
const char *kchan_state_of(const struct chan_go_info *g);
void kchan_report_deadlock(void);

/* debug.c */
void kchan_debug(void);

/* Every public call that may block begins and ends with these. */
#define begin_blocking()	(kchan_self.caller = __builtin_return_address(0))

static inline long end_blocking(long ret)
{
	if (__builtin_expect(ret < 0, 0) && errno == EDEADLK)
		kchan_report_deadlock();
	return ret;
}

/* xfer.c: as part of another call */
int kchan_recv_within(int ch, void *elem, size_t size);

int kchan_control(unsigned int cmd, void *arg);
int kchan_make_as(struct chan_make *make, size_t elem_size, size_t cap, unsigned int flags);
int kchan_close_fd(int fd);

#endif /* KCHAN_INTERNAL_H */
