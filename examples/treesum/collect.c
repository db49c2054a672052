// SPDX-License-Identifier: GPL-2.0-only
/*
 * The collector receives the sums until all workers have gone, and prints them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <kchan.h>

#include "treesum.h"

/* How often to say how far it is, in milliseconds. */
#define TERMINAL_MS	200
#define LOG_MS		2000

/**
 * struct progress - what standard error is told
 * @terminal: it overwrites its last line.
 * @start: of the run.
 * @next: when to say something again.
 */
struct progress {
	bool terminal;
	struct timespec start;
	struct timespec next;
};

static void set_next(struct progress *p)
{
	long ms = p->terminal ? TERMINAL_MS : LOG_MS;

	clock_gettime(CLOCK_MONOTONIC, &p->next);
	p->next.tv_sec += ms / 1000;
	p->next.tv_nsec += ms % 1000 * 1000000;
	if (p->next.tv_nsec >= 1000000000) {
		p->next.tv_nsec -= 1000000000;
		p->next.tv_sec++;
	}
}

static void start_progress(struct progress *p)
{
	p->terminal = isatty(STDERR_FILENO);
	clock_gettime(CLOCK_MONOTONIC, &p->start);
	set_next(p);
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec - start->tv_sec + (now.tv_nsec - start->tv_nsec) / 1e9;
}

static void show_progress(const struct progress *p, const struct job *job, const char *end)
{
	double seconds = seconds_since(&p->start);

	fprintf(stderr, "%s%zu files in %.1f s, %.0f files/s%s", p->terminal ? "\r" : "",
		job->nentries, seconds, seconds > 0 ? job->nentries / seconds : 0.0, end);
}

static bool is_due(const struct progress *p)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec != p->next.tv_sec)
		return now.tv_sec > p->next.tv_sec;
	return now.tv_nsec >= p->next.tv_nsec;
}

static void add_entry(struct job *job, const struct report *report)
{
	struct entry *entry;

	if (job->nentries == job->room) {
		job->room = job->room ? 2 * job->room : 1024;
		job->entries = realloc(job->entries, job->room * sizeof(*job->entries));
		if (!job->entries)
			abort();
	}
	entry = &job->entries[job->nentries++];
	memcpy(entry->hash, report->hash, HASH_BYTES);
	entry->path = strdup(report->path);
	if (!entry->path)
		abort();
}

static void take_report(struct job *job, const struct report *report)
{
	struct worker *worker = &job->workers[report->worker];

	switch (report->kind) {
	case WORKER_START:
		worker->started = true;
		break;
	case FILE_SUM:
		add_entry(job, report);
		worker->files++;
		worker->bytes += report->bytes;
		break;
	case FILE_ERROR:
		complain("%s: %s", report->path, strerror(report->error));
		job->unreadable++;
		break;
	case WORKER_END:
		worker->ended = true;
		memcpy(worker->parks, report->parks, sizeof(worker->parks));
		break;
	}
}

static bool all_started(const struct job *job)
{
	unsigned int i;

	for (i = 0; i < job->nworkers; i++)
		if (job->workers[i].pid && !job->workers[i].started)
			return false;
	return true;
}

/*
 * Until every worker has opened the channel, or has died, the collector holds it open
 * by a sender of its own.
 */
static void let_go(const struct job *job, int *hold)
{
	if (*hold < 0 || !all_started(job))
		return;
	close(*hold);
	*hold = -1;
}

static void tick(struct job *job, struct progress *p)
{
	reap(job, WNOHANG);
	show_progress(p, job, p->terminal ? "" : "\n");
	set_next(p);
}

/* Returns 1 with a report, 0 at the end, -1 if it is time to look around. */
static int next_report(struct job *job, int sums, struct report *report, struct progress *p)
{
	int ret;

	if (is_due(p))
		tick(job, p);
	ret = kchan_recv_until(sums, report, sizeof(*report), &p->next);
	if (ret >= 0)
		return ret;
	if (errno == ETIMEDOUT)
		return -1;
	complain("collector: %s", strerror(errno));
	job->failed = true;
	return 0;
}

/* By path, and each of several entries of one path by hash. */
static int compare(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	int order = strcmp(left->path, right->path);

	return order ? order : memcmp(left->hash, right->hash, HASH_BYTES);
}

void collect(struct job *job, int sums, int hold)
{
	static struct report report;
	struct progress progress;
	int ret;

	start_progress(&progress);
	while ((ret = next_report(job, sums, &report, &progress))) {
		if (ret > 0)
			take_report(job, &report);
		let_go(job, &hold);
	}
	if (hold >= 0)
		close(hold);
	show_progress(&progress, job, "\n");
	if (job->nentries)
		qsort(job->entries, job->nentries, sizeof(*job->entries), compare);
}

/* As sha256sum does: a line that begins with a backslash has escapes in its path. */
static void print_path(const char *path)
{
	for (; *path; path++) {
		switch (*path) {
		case '\\':
			fputs("\\\\", stdout);
			break;
		case '\n':
			fputs("\\n", stdout);
			break;
		case '\r':
			fputs("\\r", stdout);
			break;
		default:
			putchar(*path);
		}
	}
	putchar('\n');
}

static void print_entry(const struct entry *entry)
{
	int i;

	if (strpbrk(entry->path, "\\\n\r"))
		putchar('\\');
	for (i = 0; i < HASH_BYTES; i++)
		printf("%02x", entry->hash[i]);
	fputs("  ", stdout);
	print_path(entry->path);
}

bool print_sums(const struct job *job)
{
	size_t i;

	for (i = 0; i < job->nentries; i++)
		print_entry(&job->entries[i]);
	return !fflush(stdout);
}
