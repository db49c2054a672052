// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is known of the goroutines of this process: what the kernel says, and from where in
 * the program each has called.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "internal.h"

/* Some may start between two looks. */
#define SPARE	16

__thread struct kchan_self kchan_self;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kchan_self *first;

/* The calling thread is this goroutine, until it is left out of the list or exits. */
void kchan_enlist(int64_t id)
{
	struct kchan_self *self = &kchan_self;

	self->id = id;
	pthread_mutex_lock(&lock);
	self->next = first;
	self->link = &first;
	if (first)
		first->link = &self->next;
	first = self;
	pthread_mutex_unlock(&lock);
}

void kchan_delist(void)
{
	struct kchan_self *self = &kchan_self;

	pthread_mutex_lock(&lock);
	*self->link = self->next;
	if (self->next)
		self->next->link = self->link;
	pthread_mutex_unlock(&lock);
}

/* In a forked child there is nobody but the caller, who is not registered. */
void kchan_delist_all(void)
{
	pthread_mutex_init(&lock, NULL);
	first = NULL;
}

/* Where in the program a goroutine has last called something that may block; or NULL. */
const void *kchan_caller_of(int64_t id)
{
	const void *caller = NULL;
	struct kchan_self *self;

	pthread_mutex_lock(&lock);
	for (self = first; self && !caller; self = self->next)
		if (self->id == id)
			caller = __atomic_load_n(&self->caller, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&lock);
	return caller;
}

/**
 * kchan_list() - the goroutines as the kernel sees them
 * @infos: set to an array of them, which the caller frees.
 * @flags: CHAN_GO_FIND_LEAKS or 0.
 *
 * Return: how many; or -1.
 */
int kchan_list(struct chan_go_info **infos, __u32 flags)
{
	struct chan_go_list list = {
		.size = sizeof(list),
		.entry_size = sizeof(**infos),
		.flags = flags,
	};
	int domain = kchan_domain();
	int n = SPARE;

	*infos = NULL;
	if (domain < 0)
		return -1;
	do {
		free(*infos);
		list.room = n + SPARE;
		*infos = calloc(list.room, sizeof(**infos));
		if (!*infos)
			return -1;
		list.entries = (uintptr_t)*infos;
		n = ioctl(domain, CHAN_IOC_GO_LIST, &list);
	} while (n > (int)list.room);
	if (n >= 0)
		return n;
	free(*infos);
	*infos = NULL;
	return -1;
}
