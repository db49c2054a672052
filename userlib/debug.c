// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the environment variable KCHANDEBUG asks for: a line about the goroutines now and then,
 * and a dump at SIGQUIT.  Each takes a thread, which is no goroutine.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

#define MOST_MS		(24L * 3600 * 1000)
#define STACK_BYTES	((size_t)64 << 10)

/* What is asked for: numbers, 0 if it is not. */
static struct {
	const char *name;
	long most;
	long value;
} settings[] = {
	{ .name = "schedtrace", .most = MOST_MS },
	{ .name = "scheddetail", .most = 1 },
	{ .name = "sigquit", .most = 1 },
};

enum { SCHEDTRACE, SCHEDDETAIL, SIGQUIT_DUMP, SETTINGS };

static void complain(const char *word)
{
	fprintf(stderr, "libkchan: KCHANDEBUG: '%s' is not understood: it takes %s\n", word,
		"schedtrace=MILLISECONDS, scheddetail=1 and sigquit=1, with commas between");
}

static bool set(const char *word)
{
	const char *equals = strchr(word, '=');
	char *end;
	long value;
	int i;

	if (!equals)
		return false;
	value = strtol(equals + 1, &end, 10);
	for (i = 0; i < SETTINGS; i++) {
		if (strncmp(word, settings[i].name, equals - word) ||
		    settings[i].name[equals - word])
			continue;
		if (end == equals + 1 || *end || value < 0 || value > settings[i].most)
			return false;
		settings[i].value = value;
		return true;
	}
	return false;
}

static void parse(const char *value)
{
	char *copy = strdup(value), *rest = copy, *word;

	while (copy && (word = strsep(&rest, ",")))
		if (*word && !set(word))
			complain(word);
	free(copy);
}

/* ---- schedtrace ---- */

static unsigned int count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	unsigned int n = 0;

	while (dir && (entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n;
}

static void print_goroutines(void)
{
	struct chan_go_info *infos;
	int n = kchan_list(&infos, 0), i;

	for (i = 0; i < n; i++) {
		const struct chan_go_info *g = &infos[i];

		fprintf(stderr, "  G%" PRIu64 ": status=%u", (uint64_t)g->id, g->state);
		if (g->state == CHAN_GO_WAITING)
			fprintf(stderr, "(%s)", kchan_state_of(g));
		fprintf(stderr, " m=%d", g->tid);
		if (g->cases)
			fprintf(stderr, " chan=%" PRIu64, (uint64_t)g->where[0].chan);
		fprintf(stderr, " parks=%" PRIu64 " name=%s\n", (uint64_t)g->parks, g->name);
	}
	free(infos);
}

static void print_line(__u64 start, const struct chan_go_stats *now,
		       const struct chan_go_stats *last)
{
	fprintf(stderr, "SCHED %" PRIu64 "ms: gomaxprocs=%d threads=%u",
		(uint64_t)(kchan_now() - start) / 1000000, kchan_gomaxprocs(0), count_threads());
	fprintf(stderr, " goroutines=%u running=%u runnable=%u waiting=%u", now->goroutines,
		now->running, now->runnable, now->waiting);
	fprintf(stderr, " parks=%" PRIu64 " readies=%" PRIu64 "\n",
		(uint64_t)(now->parks - last->parks), (uint64_t)(now->readies - last->readies));
	if (settings[SCHEDDETAIL].value)
		print_goroutines();
}

static void *trace(void *unused)
{
	struct timespec pause = {
		.tv_sec = settings[SCHEDTRACE].value / 1000,
		.tv_nsec = settings[SCHEDTRACE].value % 1000 * 1000000,
	};
	struct chan_go_stats last = {}, now = {};
	__u64 start = kchan_now();

	kchan_be_helper();
	for (;;) {
		nanosleep(&pause, NULL);
		now.size = sizeof(now);
		if (ioctl(kchan_domain(), CHAN_IOC_GO_STATS, &now))
			return unused;
		flockfile(stderr);
		print_line(start, &now, &last);
		funlockfile(stderr);
		last = now;
	}
}

/* ---- SIGQUIT ---- */

/* As in Go: everything is told, in one piece, and that is the end. */
static void *await_quit(void *unused)
{
	sigset_t quit;
	int sig;

	kchan_be_helper();
	sigemptyset(&quit);
	sigaddset(&quit, SIGQUIT);
	if (sigwait(&quit, &sig))
		return unused;
	flockfile(stderr);
	fputs("SIGQUIT: quit\n\n", stderr);
	kchan_dump(stderr);
	_exit(2);
}

/* ---- both ---- */

static void start(void *(*fn)(void *))
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	err = pthread_create(&thread, &attr, fn, NULL);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		fprintf(stderr, "libkchan: KCHANDEBUG: no thread for it: %s\n", strerror(err));
}

/* The goroutines to come inherit the mask. */
static void leave_to_thread(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void start_all(void)
{
	const char *value = secure_getenv("KCHANDEBUG");

	if (!value)
		return;
	parse(value);
	if (settings[SCHEDTRACE].value)
		start(trace);
	if (settings[SIGQUIT_DUMP].value) {
		leave_to_thread(SIGQUIT);
		start(await_quit);
	}
}

/* Before the first goroutine starts. */
void kchan_debug(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int err = errno;

	pthread_once(&once, start_all);
	errno = err;
}
