/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads that are goroutines without the library's help.
 */
#ifndef MEMBER_TEST_H
#define MEMBER_TEST_H

#include "chan_test.h"

/* The domain of the members. */
static int domain;

static inline long go_as(int fd, uint64_t id, uint64_t creator, const char *name)
{
	struct chan_go go = { .size = sizeof(go), .id = id, .creator = creator };

	strncpy(go.name, name, sizeof(go.name) - 1);
	return xioctl(fd, CHAN_IOC_GO, &go);
}

static inline long go_end(int fd)
{
	return xioctl(fd, CHAN_IOC_GO_END, NULL);
}

static inline long go_list(int fd, struct chan_go_info *infos, uint32_t room, uint32_t flags)
{
	struct chan_go_list list = {
		.size = sizeof(list), .entry_size = sizeof(*infos),
		.entries = (uintptr_t)infos, .room = room, .flags = flags,
	};

	return xioctl(fd, CHAN_IOC_GO_LIST, &list);
}

static inline long go_detect(int fd, uint32_t flags)
{
	struct chan_go_detect detect = { .size = sizeof(detect), .flags = flags };

	return xioctl(fd, CHAN_IOC_GO_DETECT, &detect);
}

static inline struct chan_go_stats go_stats(int fd)
{
	struct chan_go_stats stats = { .size = sizeof(stats) };

	must(xioctl(fd, CHAN_IOC_GO_STATS, &stats));
	return stats;
}

/**
 * struct member - a thread that is a goroutine
 * @t: the thread.
 * @id: its number.
 * @act: what it does, as one.
 * @name: its name; "member" if there is none.
 * @quiet: it does not say that it ends.
 */
struct member {
	struct task t;
	uint64_t id;
	long (*act)(struct task *t);
	const char *name;
	bool quiet;
};

/* The thread is the first of its members. */
static inline struct member *member_of(struct task *t)
{
	return (struct member *)t;
}

static inline long be_goroutine(struct task *t)
{
	struct member *m = member_of(t);
	long ret;

	must(go_as(domain, m->id, 1, m->name ?: "member"));
	ret = m->act(t);
	if (!m->quiet)
		must(go_end(domain));
	return ret;
}

static inline void member_start(struct member *m, uint64_t id, long (*act)(struct task *t))
{
	m->id = id;
	m->act = act;
	task_start(&m->t, be_goroutine);
}

#endif /* MEMBER_TEST_H */
