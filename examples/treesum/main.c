// SPDX-License-Identifier: GPL-2.0-only
/*
 * treesum: makes the channels, starts the processes, collects, and judges.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <kchan.h>
#include <linux/chan.h>

#include "treesum.h"

#define MOST_WORKERS	256

static const char help[] =
"Usage: treesum [OPTION]... DIRECTORY\n"
"\n"
"Print the SHA-256 sums of all regular files below DIRECTORY, sorted by path, as\n"
"sha256sum does.  One process walks, several hash, one collects; they pass paths\n"
"and sums through two named channels.  At the end the real sha256sum is run over\n"
"the same tree and its output compared.  All but the sums goes to standard error.\n"
"\n"
"  --workers N          processes that hash (default 4)\n"
"  --require-files N    fail if there are fewer files (default 1)\n"
"  --require-parked N   fail if fewer workers ever waited in the kernel (default 0)\n"
"  --no-check           do not compare with sha256sum\n"
"  --help               print this\n"
"\n"
"Exit status: 0 if all went well and the outputs are identical; 1 if anything is\n"
"missing, doubled or different, a file cannot be read, a process failed, or less\n"
"than is required happened; 2 for wrong usage.\n"
"\n"
"The channels are treesum-paths-PID and treesum-sums-PID.  They are removed at the\n"
"end, but not if treesum is killed by SIGKILL: then use \"chanctl remove\".\n";

/* What the command line asks for beside the directory. */
struct demands {
	unsigned long workers;
	unsigned long files;
	unsigned long parked;
	bool check;
};

static volatile sig_atomic_t stopped;

/* In one piece, as several processes do it. */
void complain(const char *fmt, ...)
{
	char text[PATH_ROOM + 256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fprintf(stderr, "treesum: %s\n", text);
}

/* Receives are interrupted, so that the channels get removed. */
static void stop(int sig)
{
	stopped = sig;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = stop };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static void release_signals(void)
{
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
}

/* ---- processes ---- */

/* An end that nobody uses would keep a channel open. */
static void close_all_but(int fd)
{
	if (fd > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, fd - 1, 0);
	close_range(fd < 0 ? STDERR_FILENO + 1 : fd + 1, ~0U, 0);
}

static pid_t start_worker(const struct job *job, unsigned int number)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	release_signals();
	close_all_but(-1);
	_exit(work(job, number));
}

/*
 * The walker inherits its end of the channel, so that its death, however early, closes
 * that.
 */
static pid_t start_walker(const struct job *job)
{
	int paths = kchan_open(job->paths, O_WRONLY);
	pid_t pid;

	if (paths < 0)
		return -1;
	pid = fork();
	if (!pid) {
		release_signals();
		close_all_but(paths);
		_exit(walk(job, paths));
	}
	close(paths);
	return pid;
}

static bool start_all(struct job *job)
{
	unsigned int i;
	pid_t pid;

	for (i = 0; i < job->nworkers; i++) {
		pid = start_worker(job, i);
		if (pid < 0)
			return false;
		job->workers[i].pid = pid;
	}
	pid = start_walker(job);
	if (pid < 0)
		return false;
	job->walker = pid;
	return true;
}

/* Which process that was; NULL for one that is not ours. */
static const char *forget(struct job *job, pid_t pid, char name[32])
{
	unsigned int i;

	if (pid == job->walker) {
		job->walker = 0;
		return "the walker";
	}
	for (i = 0; i < job->nworkers; i++) {
		if (job->workers[i].pid != pid)
			continue;
		job->workers[i].pid = 0;
		snprintf(name, 32, "worker %u", i);
		return name;
	}
	return NULL;
}

static void judge_exit(struct job *job, const char *who, int status)
{
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return;
	job->failed = true;
	if (WIFSIGNALED(status))
		complain("%s was killed by signal %d", who, WTERMSIG(status));
	else
		complain("%s failed", who);
}

/* Wait for those that have ended; with WNOHANG only if they have. */
void reap(struct job *job, int options)
{
	const char *who;
	char name[32];
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, options)) > 0 || (pid < 0 && errno == EINTR)) {
		who = pid > 0 ? forget(job, pid, name) : NULL;
		if (who)
			judge_exit(job, who, status);
	}
}

/* ---- channels ---- */

static int make_channel(const char *name, size_t size, size_t cap)
{
	int ch = kchan_make_named(name, size, cap, KCHAN_MESSAGE | KCHAN_AUTOCLOSE, 0600);

	if (ch < 0)
		complain("cannot make the channel \"%s\": %s%s", name, strerror(errno),
			 errno == ENODEV ? " (is the module loaded?)" : "");
	return ch;
}

static void print_channel(const char *name, int ch)
{
	struct chan_info info = { .size = sizeof(info) };

	if (ioctl(ch, CHAN_IOC_INFO, &info))
		return;
	fprintf(stderr,
		"%-6s %8llu messages, %8llu handed over directly, parked: %llu receives, %llu sends\n",
		name, (unsigned long long)info.sends, (unsigned long long)info.handoffs,
		(unsigned long long)info.recv_parks, (unsigned long long)info.send_parks);
}

/* ---- one run ---- */

static void run_processes(struct job *job)
{
	int sums = kchan_open(job->sums, O_RDONLY);
	int hold = kchan_open(job->sums, O_WRONLY);

	if (sums >= 0 && hold >= 0 && start_all(job)) {
		collect(job, sums, hold);
	} else {
		complain("cannot start: %s", strerror(errno));
		job->failed = true;
		close(hold);
	}
	close(sums);
}

/* From here on nobody waits, whatever has happened. */
static void end_processes(struct job *job)
{
	if (job->failed || stopped) {
		kchan_remove(job->paths);
		kchan_remove(job->sums);
	}
	reap(job, 0);
}

static void run_with(struct job *job, int paths, int sums)
{
	run_processes(job);
	end_processes(job);
	print_channel("paths", paths);
	print_channel("sums", sums);
}

static void run_job(struct job *job)
{
	int paths, sums;

	snprintf(job->paths, sizeof(job->paths), "treesum-paths-%d", getpid());
	snprintf(job->sums, sizeof(job->sums), "treesum-sums-%d", getpid());
	job->failed = true;
	paths = make_channel(job->paths, PATH_ROOM, PATHS_CAP);
	if (paths < 0)
		return;
	sums = make_channel(job->sums, sizeof(struct report), SUMS_CAP);
	if (sums >= 0) {
		job->failed = false;
		run_with(job, paths, sums);
		kchan_remove(job->sums);
		close(sums);
	}
	kchan_remove(job->paths);
	close(paths);
}

/* ---- the verdict ---- */

static unsigned int count_parked(const struct job *job)
{
	unsigned int i, parked = 0;

	for (i = 0; i < job->nworkers; i++) {
		const struct worker *w = &job->workers[i];

		fprintf(stderr,
			"worker %-3u %8llu files %12llu bytes, parked: %llu receives, %llu sends%s\n",
			i, (unsigned long long)w->files, (unsigned long long)w->bytes,
			(unsigned long long)w->parks[0], (unsigned long long)w->parks[1],
			w->ended ? "" : ", did not end as it should");
		parked += w->parks[0] || w->parks[1];
	}
	return parked;
}

static bool is_enough(const struct job *job, const struct demands *demands)
{
	unsigned int parked = count_parked(job);
	bool enough = true;

	fprintf(stderr, "%zu files, %zu unreadable, %u of %u workers parked\n", job->nentries,
		job->unreadable, parked, job->nworkers);
	if (job->nentries < demands->files) {
		complain("%lu files are required", demands->files);
		enough = false;
	}
	if (parked < demands->parked) {
		complain("%lu workers that parked are required", demands->parked);
		enough = false;
	}
	return enough;
}

static bool is_identical(const struct job *job)
{
	bool identical = check_against_sha256sum(job);

	fprintf(stderr, "treesum and sha256sum: %s\n", identical ? "identical" : "DIFFERENT");
	return identical;
}

static bool all_ended(const struct job *job)
{
	unsigned int i;

	for (i = 0; i < job->nworkers; i++)
		if (!job->workers[i].ended)
			return false;
	return true;
}

static int judge(const struct job *job, const struct demands *demands)
{
	bool good = !job->failed && !job->unreadable && all_ended(job);

	if (!print_sums(job)) {
		complain("cannot write: %s", strerror(errno));
		good = false;
	}
	good &= is_enough(job, demands);
	if (demands->check)
		good &= is_identical(job);
	return good ? 0 : 1;
}

/* ---- arguments ---- */

static const struct option long_options[] = {
	{ "workers", required_argument, NULL, 'w' },
	{ "require-files", required_argument, NULL, 'f' },
	{ "require-parked", required_argument, NULL, 'p' },
	{ "no-check", no_argument, NULL, 'n' },
	{ "help", no_argument, NULL, 'h' },
	{}
};

static int misuse(void)
{
	fputs("See \"treesum --help\".\n", stderr);
	return 2;
}

static bool parse_number(unsigned long *n)
{
	char *end;

	*n = strtoul(optarg, &end, 10);
	if (end != optarg && !*end)
		return true;
	complain("\"%s\" is not a number", optarg);
	return false;
}

static bool set_option(struct demands *demands, int opt)
{
	switch (opt) {
	case 'w':
		return parse_number(&demands->workers);
	case 'f':
		return parse_number(&demands->files);
	case 'p':
		return parse_number(&demands->parked);
	case 'n':
		demands->check = false;
		return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	struct demands demands = { .workers = 4, .files = 1, .check = true };
	struct job job = {};
	int opt;

	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (opt == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (!set_option(&demands, opt))
			return misuse();
	}
	if (optind != argc - 1 || !demands.workers || demands.workers > MOST_WORKERS)
		return misuse();

	job.dir = argv[optind];
	job.nworkers = demands.workers;
	job.workers = calloc(job.nworkers, sizeof(*job.workers));
	if (!job.workers)
		abort();
	catch_signals();
	run_job(&job);
	release_signals();
	if (stopped)
		raise(stopped);
	return judge(&job, &demands);
}
