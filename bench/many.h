/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Very many threads.
 */
#ifndef MANY_H
#define MANY_H

#include <pthread.h>
#include <stddef.h>

/**
 * struct many - threads that do the same
 * @threads: the threads.
 * @n: how many.
 * @stacks: memory for their stacks.
 */
struct many {
	pthread_t *threads;
	size_t n;
	char *stacks;
};

void many_start(struct many *m, size_t n, void *(*fn)(void *arg), void *arg);
void many_join(struct many *m);
void many_await_sleep(void);

#endif /* MANY_H */
