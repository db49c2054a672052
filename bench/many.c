// SPDX-License-Identifier: GPL-2.0-only
/* Threads with small stacks, so that there can be very many. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "many.h"

#define STACK	(32UL << 10)

/**
 * many_start() - start threads
 * @m: is filled.
 * @n: how many.
 * @fn: what each of them does.
 * @arg: with this.
 */
void many_start(struct many *m, size_t n, void *(*fn)(void *arg), void *arg)
{
	pthread_attr_t attr;
	size_t i;

	m->n = n;
	m->threads = get_memory(n * sizeof(*m->threads));
	m->stacks = mmap(NULL, n * STACK, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->stacks == MAP_FAILED)
		die("memory for stacks");
	/* Otherwise each that is touched takes 2 MiB. */
	madvise(m->stacks, n * STACK, MADV_NOHUGEPAGE);
	pthread_attr_init(&attr);
	for (i = 0; i < n; i++) {
		errno = pthread_attr_setstack(&attr, m->stacks + i * STACK, STACK);
		if (!errno)
			errno = pthread_create(&m->threads[i], &attr, fn, arg);
		if (errno)
			die("pthread_create");
	}
	pthread_attr_destroy(&attr);
}

/**
 * many_join() - wait until all threads have ended
 * @m: the threads.
 */
void many_join(struct many *m)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		pthread_join(m->threads[i], NULL);
	munmap(m->stacks, m->n * STACK);
	free(m->threads);
}

/* Whether a thread of this process sleeps: the letter behind its name in parentheses. */
static bool sleeps(int dir, const char *tid)
{
	char path[64], text[128] = "", *p;
	int fd;

	snprintf(path, sizeof(path), "%.20s/stat", tid);
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	p = strrchr(text, ')');
	return !p || p[2] == 'S';
}

/* Of all threads of the process, only this one runs. */
static bool others_sleep(void)
{
	DIR *tasks = opendir("/proc/self/task");
	unsigned int awake = 0;
	struct dirent *entry;

	if (!tasks)
		die("/proc/self/task");
	while ((entry = readdir(tasks)))
		if (entry->d_name[0] != '.' && !sleeps(dirfd(tasks), entry->d_name))
			awake++;
	closedir(tasks);
	return awake == 1;
}

/* Nothing else runs at all, which is quickly found out. */
static bool alone_in_system(void)
{
	FILE *f = fopen("/proc/loadavg", "r");
	unsigned int running;
	bool alone;

	if (!f)
		die("/proc/loadavg");
	alone = fscanf(f, "%*s %*s %*s %u/", &running) == 1 && running == 1;
	fclose(f);
	return alone;
}

/**
 * many_await_sleep() - wait until all other threads of this process sleep
 */
void many_await_sleep(void)
{
	const struct timespec moment = { .tv_nsec = 10000000 };

	do
		nanosleep(&moment, NULL);
	while (!alone_in_system() && !others_sleep());
}
