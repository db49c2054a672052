/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of deadlocks and leaks share.
 */
#ifndef STUCK_TEST_H
#define STUCK_TEST_H

#include <dirent.h>

#include "go_test.h"

/* The descriptor that the library keeps: the only one of /dev/chanctl in the process. */
static inline int library_domain(void)
{
	char path[64], target[64];
	ssize_t n;
	int fd;

	for (fd = 0; fd < 1024; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		if (!strcmp(target, CHANCTL))
			return fd;
	}
	die("the library has no domain");
}

static inline struct chan_go_stats domain_stats(void)
{
	struct chan_go_stats stats = { .size = sizeof(stats) };

	must(xioctl(library_domain(), CHAN_IOC_GO_STATS, &stats));
	return stats;
}

/* Whether a thread sleeps, or has gone. */
static inline bool thread_sleeps(const char *tid)
{
	char path[64], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%.20s/stat", tid);
	f = fopen(path, "r");
	if (!f)
		return true;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(f);
	return state == 'S';
}

static inline bool other_threads_sleep(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	bool sleep = true;

	if (!tasks)
		die("/proc/self/task: %m");
	while (sleep && (entry = readdir(tasks)))
		if (entry->d_name[0] != '.' && atoi(entry->d_name) != gettid())
			sleep = thread_sleeps(entry->d_name);
	closedir(tasks);
	return sleep;
}

/*
 * Wait until so many goroutines are parked, and asleep: a select waits from its first entry on,
 * but may still be about to queue others.
 */
static inline void wait_goroutines_parked(unsigned int n)
{
	if (!eventually(domain_stats().waiting == n && other_threads_sleep()))
		die("%u goroutines parked, expected %u", domain_stats().waiting, n);
}

static inline void recv_forever(void *arg)
{
	uint64_t v;

	kchan_recv((intptr_t)arg, &v, 8);
}

static inline void send_forever(void *arg)
{
	uint64_t v = 1;

	kchan_send((intptr_t)arg, &v, 8);
}

static inline void *on(int ch)
{
	return (void *)(intptr_t)ch;
}

#endif /* STUCK_TEST_H */
