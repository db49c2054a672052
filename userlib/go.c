// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Goroutines: detached threads with small stacks.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#define DEFAULT_STACK	((size_t)64 << 10)
#define MOST_STACK	((size_t)1 << 30)
#define MAIN_ID		1

/* What a new thread is told; it frees it. */
struct start {
	void (*fn)(void *arg);
	void *arg;
	int64_t id;
	int64_t creator;
	char name[CHAN_GO_NAME_MAX];
};

static atomic_size_t stack_size = DEFAULT_STACK;
static atomic_int_least64_t last_id = MAIN_ID;
static __thread int64_t my_id;

static size_t fit_stack(size_t bytes)
{
	size_t page = sysconf(_SC_PAGESIZE);
	size_t least = PTHREAD_STACK_MIN;

	if (bytes < least)
		bytes = least;
	return (bytes + page - 1) & ~(page - 1);
}

KCHAN_API int kchan_stack_size(size_t bytes)
{
	if (bytes > MOST_STACK)
		return fail(EINVAL);
	if (bytes)
		atomic_store(&stack_size, bytes);
	return fit_stack(atomic_load(&stack_size));
}

static void end(void *unused)
{
	(void)unused;
	kchan_unregister();
}

static void *run(void *data)
{
	struct start start = *(struct start *)data;

	free(data);
	my_id = start.id;
	kchan_register(start.id, start.creator, start.name);
	/* The function may end by pthread_exit(). */
	pthread_cleanup_push(end, NULL);
	start.fn(start.arg);
	pthread_cleanup_pop(1);
	return NULL;
}

/* Returns 0 or an errno, as pthread functions do. */
static int start_thread(struct start *start)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	err = pthread_attr_init(&attr);
	if (err)
		return err;
	err = pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (!err)
		err = pthread_attr_setstacksize(&attr, fit_stack(atomic_load(&stack_size)));
	if (!err)
		err = pthread_create(&thread, &attr, run, start);
	pthread_attr_destroy(&attr);
	return err;
}

/* The symbol at @fn if it is exported, or else where in which file it is. */
static void find_name(void (*fn)(void *), char *name, size_t size)
{
	const char *file;
	Dl_info info;

	if (!dladdr((void *)fn, &info)) {
		snprintf(name, size, "%p", (void *)fn);
	} else if (info.dli_sname) {
		snprintf(name, size, "%s", info.dli_sname);
	} else {
		file = strrchr(info.dli_fname, '/');
		snprintf(name, size, "%s+0x%zx", file ? file + 1 : info.dli_fname,
			 (char *)fn - (char *)info.dli_fbase);
	}
}

/* Until somebody wants to know, or it starts a goroutine, there is nothing to tell of it. */
void kchan_register_main(void)
{
	if (gettid() == getpid())
		kchan_register(kchan_goid(), 0, "main");
}

KCHAN_API int64_t kchan_go_named(void (*fn)(void *), void *arg, const char *name)
{
	struct start *start = malloc(sizeof(*start));
	int64_t id;
	int err;

	if (!start)
		return -1;
	kchan_register_main();
	kchan_debug();
	id = atomic_fetch_add(&last_id, 1) + 1;
	*start = (struct start){ .fn = fn, .arg = arg, .id = id, .creator = my_id };
	if (name)
		snprintf(start->name, sizeof(start->name), "%s", name);
	else
		find_name(fn, start->name, sizeof(start->name));
	err = start_thread(start);
	if (!err)
		return id;
	free(start);
	return fail(err);
}

KCHAN_API int64_t (kchan_go)(void (*fn)(void *), void *arg)
{
	return kchan_go_named(fn, arg, NULL);
}

KCHAN_API int64_t kchan_goid(void)
{
	if (!my_id && gettid() == getpid())
		my_id = MAIN_ID;
	return my_id;
}
