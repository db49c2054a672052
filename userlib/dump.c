// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who waits for what: dumps in the manner of Go's.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "internal.h"

static const char *const states[] = {
	[CHAN_GO_IDLE] = "idle",
	[CHAN_GO_RUNNABLE] = "runnable",
	[CHAN_GO_RUNNING] = "running",
	[CHAN_GO_WAITING] = "waiting",
	[CHAN_GO_DEAD] = "dead",
};

static const char *const reasons[] = {
	[CHAN_REASON_RECV] = "chan receive",
	[CHAN_REASON_SEND] = "chan send",
	[CHAN_REASON_SELECT] = "select",
	[CHAN_REASON_SELECT_NONE] = "select (no cases)",
};

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

const char *kchan_state_of(const struct chan_go_info *g)
{
	if (g->state == CHAN_GO_WAITING)
		return g->reason < COUNT(reasons) ? reasons[g->reason] : "waiting";
	return g->state < COUNT(states) && states[g->state] ? states[g->state] : "unknown";
}

static void print_seconds(FILE *f, __u64 ns)
{
	fprintf(f, "%" PRIu64 ".%09" PRIu64 "s", (uint64_t)ns / NSEC_PER_SEC,
		(uint64_t)ns % NSEC_PER_SEC);
}

static __u64 waited(const struct chan_go_info *g, __u64 now)
{
	return now > g->since ? now - g->since : 0;
}

static void print_headline(FILE *f, const struct chan_go_info *g, __u64 now)
{
	fprintf(f, "goroutine %" PRIu64 " [%s%s", (uint64_t)g->id, kchan_state_of(g),
		g->flags & CHAN_GO_LEAKED ? " (leaked)" : "");
	if (g->state == CHAN_GO_WAITING) {
		fputs(", ", f);
		print_seconds(f, waited(g, now));
	}
	fputs("]:\n", f);
}

static void print_cases(FILE *f, const struct chan_go_info *g)
{
	__u32 i;

	for (i = 0; i < g->cases && i < CHAN_GO_CASES; i++) {
		bool sends = g->where[i].dir == CHAN_DIR_SEND;

		fprintf(f, "\t%s channel %" PRIu64 "\n", sends ? "to send on" : "to receive from",
			(uint64_t)g->where[i].chan);
	}
	if (g->cases > CHAN_GO_CASES)
		fprintf(f, "\tand %u cases more\n", g->cases - CHAN_GO_CASES);
	if (g->flags & CHAN_GO_BOUNDED)
		fputs("\tor until a time\n", f);
}

/* As good as the dynamic symbols of a program are; addr2line(1) knows the rest. */
static void print_address(FILE *f, const void *address)
{
	const char *file;
	Dl_info info;

	if (!dladdr(address, &info) || !info.dli_fname) {
		fprintf(f, "%p", address);
		return;
	}
	file = strrchr(info.dli_fname, '/');
	file = file ? file + 1 : info.dli_fname;
	if (info.dli_sname)
		fprintf(f, "%s+0x%zx (%s)", info.dli_sname,
			(size_t)((const char *)address - (const char *)info.dli_saddr), file);
	else
		fprintf(f, "%s+0x%zx", file,
			(size_t)((const char *)address - (const char *)info.dli_fbase));
}

static void print_place(FILE *f, const struct chan_go_info *g)
{
	const void *caller = kchan_caller_of(g->id);

	if (g->state == CHAN_GO_WAITING && caller) {
		fputs("\tat ", f);
		print_address(f, caller);
		fputc('\n', f);
	}
	fprintf(f, "\tin thread %d\n", g->tid);
}

static void print_creator(FILE *f, const struct chan_go_info *g, const struct chan_go_info *all,
			  int n)
{
	int i;

	if (!g->creator)
		return;
	for (i = 0; i < n && all[i].id != g->creator; i++)
		;
	fprintf(f, "created by %s in goroutine %" PRIu64 "\n", i < n ? all[i].name : "another",
		(uint64_t)g->creator);
}

static void print_goroutine(FILE *f, const struct chan_go_info *g, const struct chan_go_info *all,
			    int n, __u64 now)
{
	print_headline(f, g, now);
	fprintf(f, "%s()\n", g->name);
	if (g->state == CHAN_GO_WAITING)
		print_cases(f, g);
	print_place(f, g);
	print_creator(f, g, all, n);
	fputc('\n', f);
}

/* One who waits on a channel. */
struct waiter {
	uint64_t chan;
	__u32 dir;
	const struct chan_go_info *g;
};

static int by_channel_and_time(const void *a, const void *b)
{
	const struct waiter *v = a, *w = b;

	if (v->chan != w->chan)
		return v->chan < w->chan ? -1 : 1;
	if (v->dir != w->dir)
		return v->dir < w->dir ? 1 : -1;
	return v->g->since < w->g->since ? -1 : v->g->since > w->g->since;
}

static size_t list_waiters(struct waiter *waiters, const struct chan_go_info *all, int n)
{
	size_t found = 0;
	__u32 c;
	int i;

	for (i = 0; i < n; i++)
		for (c = 0; c < all[i].cases && c < CHAN_GO_CASES; c++)
			waiters[found++] = (struct waiter){
				all[i].where[c].chan, all[i].where[c].dir, &all[i],
			};
	qsort(waiters, found, sizeof(*waiters), by_channel_and_time);
	return found;
}

/* The first who wait in a queue, oldest first; returns how many there are. */
static size_t print_queue(FILE *f, const struct waiter *w, size_t left, __u64 now)
{
	size_t n = 0, i;

	while (n < left && w[n].chan == w->chan && w[n].dir == w->dir)
		n++;
	fprintf(f, "channel %" PRIu64 ": %zu to %s, the oldest for ", w->chan, n,
		w->dir == CHAN_DIR_SEND ? "send" : "receive");
	print_seconds(f, waited(w->g, now));
	fputs(n > 1 ? ": goroutines" : ": goroutine", f);
	for (i = 0; i < n && i < 16; i++)
		fprintf(f, " %" PRIu64, (uint64_t)w[i].g->id);
	fputs(i < n ? " ...\n" : "\n", f);
	return n;
}

static int print_channels(FILE *f, const struct chan_go_info *all, int n, __u64 now)
{
	struct waiter *waiters = calloc((size_t)n * CHAN_GO_CASES + 1, sizeof(*waiters));
	size_t found, i;

	if (!waiters)
		return -1;
	found = list_waiters(waiters, all, n);
	for (i = 0; i < found;)
		i += print_queue(f, &waiters[i], found - i, now);
	free(waiters);
	return 0;
}

static int finish(FILE *f)
{
	return fflush(f) ? -1 : 0;
}

KCHAN_API int kchan_dump(FILE *f)
{
	struct chan_go_info *all;
	int n = kchan_list(&all, 0);
	__u64 now = kchan_now();
	int i, ret;

	if (n < 0)
		return -1;
	if (!n)
		fputs("no goroutines\n", f);
	for (i = 0; i < n; i++)
		print_goroutine(f, &all[i], all, n, now);
	ret = print_channels(f, all, n, now);
	free(all);
	return ret ? -1 : finish(f);
}

KCHAN_API int kchan_leaks(FILE *f)
{
	struct chan_go_info *all;
	int n = kchan_list(&all, CHAN_GO_FIND_LEAKS);
	__u64 now = kchan_now();
	int leaks = 0, i;

	if (n < 0)
		return -1;
	for (i = 0; i < n; i++) {
		if (!(all[i].flags & CHAN_GO_LEAKED))
			continue;
		leaks++;
		if (f)
			print_goroutine(f, &all[i], all, n, now);
	}
	free(all);
	return f && finish(f) ? -1 : leaks;
}

KCHAN_API int kchan_detect_deadlock(int on)
{
	struct chan_go_detect detect = {
		.size = sizeof(detect),
		.flags = on ? CHAN_GO_DEADLOCK : 0,
	};
	int domain = kchan_domain();

	if (domain < 0)
		return -1;
	kchan_register_main();
	kchan_debug();
	return ioctl(domain, CHAN_IOC_GO_DETECT, &detect);
}

static void print_deadlock(void)
{
	fputs("fatal error: all goroutines are asleep - deadlock!\n\n", stderr);
	kchan_dump(stderr);
}

/* All goroutines hear of it; nobody goes on before the first one has said who waited. */
void kchan_report_deadlock(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int err = errno;

	pthread_once(&once, print_deadlock);
	errno = err;
}
