// SPDX-License-Identifier: GPL-2.0-only
/*
 * chantrace record: run a command, and write what it did with channels.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture.h"
#include "complain.h"
#include "json.h"
#include "record.h"
#include "scope.h"

#define DEFAULT_KIB	4096
#define MOST_KIB	(1024UL * 1024)
#define DRAIN_EVERY_MS	50

/* The inode of the first process-id namespace, whose numbers the events have. */
#define FIRST_PID_NAMESPACE	0xeffffffcUL

struct options {
	const char *output;
	unsigned long kib;
	bool everybody;
	char **command;
};

/* ---- the command ---- */

/**
 * struct child - the command while it runs
 * @pid: its process.
 * @go: written to when it may begin.
 * @trouble: what exec failed with is read from it.
 * @signals: a signalfd.
 * @interrupts: how often we were asked to stop.
 * @yields_stdout: its standard output is not ours, where the trace goes, but standard error.
 * @status: as waitpid() gives it.
 */
struct child {
	pid_t pid;
	int go;
	int trouble;
	int signals;
	int interrupts;
	bool yields_stdout;
	int status;
};

static void block_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGCHLD);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGHUP);
	sigprocmask(SIG_BLOCK, signals, NULL);
}

static void become_command(const struct child *child, char **command, int go, int trouble,
			   const sigset_t *blocked)
{
	char c;
	int err;

	sigprocmask(SIG_UNBLOCK, blocked, NULL);
	/* The tracer has gone. */
	if (read(go, &c, 1) != 1)
		_exit(FAILED);
	if (!child->yields_stdout || dup2(STDERR_FILENO, STDOUT_FILENO) == STDOUT_FILENO)
		execvp(command[0], command);
	err = errno;
	if (write(trouble, &err, sizeof(err)) != sizeof(err))
		_exit(FAILED);
	_exit(err == ENOENT ? NOT_FOUND : NOT_EXECUTABLE);
}

static int start_child(struct child *child, char **command)
{
	int go[2], trouble[2];
	sigset_t signals;

	if (pipe2(go, O_CLOEXEC) || pipe2(trouble, O_CLOEXEC)) {
		complain("cannot make a pipe: %s", strerror(errno));
		return -1;
	}
	block_signals(&signals);
	child->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (child->signals < 0) {
		complain("cannot make a signalfd: %s", strerror(errno));
		return -1;
	}
	child->pid = fork();
	if (!child->pid) {
		close(go[1]);
		become_command(child, command, go[0], trouble[1], &signals);
	}
	close(go[0]);
	close(trouble[1]);
	child->go = go[1];
	child->trouble = trouble[0];
	if (child->pid > 0)
		return 0;
	complain("cannot start a process: %s", strerror(errno));
	return -1;
}

/* Returns 0 if the command runs, or why it does not. */
static int let_go(struct child *child)
{
	int err;

	if (write(child->go, "", 1) != 1)
		return errno;
	if (read(child->trouble, &err, sizeof(err)) == sizeof(err))
		return err;
	close(child->go);
	close(child->trouble);
	return 0;
}

/*
 * A terminal sends Ctrl-C to the command too, somebody who kills us does not.  Whoever asks
 * twice is tired of waiting.
 */
static void pass_on(struct child *child, const struct signalfd_siginfo *info)
{
	if (child->interrupts++)
		kill(child->pid, SIGKILL);
	else if (info->ssi_code != SI_KERNEL)
		kill(child->pid, info->ssi_signo);
}

static void handle_signals(struct child *child)
{
	struct signalfd_siginfo info;

	while (read(child->signals, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			pass_on(child, &info);
}

static bool has_ended(struct child *child)
{
	return waitpid(child->pid, &child->status, WNOHANG) == child->pid;
}

/* Until the command ends; goes on without tracing if that fails. */
static int trace_child(struct child *child, struct capture *capture)
{
	struct pollfd poll_signals = { .fd = child->signals, .events = POLLIN };
	int ret = 0;

	while (!has_ended(child)) {
		poll(&poll_signals, 1, DRAIN_EVERY_MS);
		handle_signals(child);
		if (!ret)
			ret = capture_drain(capture);
	}
	return ret;
}

/*
 * A child that has not become the command.  It has to be gone before the tracefs instance is
 * removed, of which it has files open.
 */
static void give_up(struct child *child)
{
	close(child->go);
	close(child->trouble);
	waitpid(child->pid, &child->status, 0);
}

static int exit_status_of(const struct child *child)
{
	if (WIFSIGNALED(child->status))
		return SIGNALLED + WTERMSIG(child->status);
	return WEXITSTATUS(child->status);
}

/* ---- the trace file ---- */

/**
 * struct written - what was written
 * @events: all of them.
 * @of_chan: those of the module.
 */
struct written {
	unsigned long long events;
	unsigned long long of_chan;
};

static bool to_stdout(const struct options *opts)
{
	return !strcmp(opts->output, "-");
}

static const char *name_of_output(const struct options *opts)
{
	return to_stdout(opts) ? "standard output" : opts->output;
}

static int write_events(FILE *file, struct scope *scope, struct capture *capture,
			struct written *written)
{
	struct replay *replay = replay_open(capture);
	struct event event;

	if (!replay)
		return -1;
	while (replay_next(replay, &event)) {
		if (scope_holds(scope, &event)) {
			json_event(file, scope, &event);
			written->events++;
			written->of_chan += event_is_of_chan(&event);
		}
		scope_follow(scope, &event);
	}
	replay_close(replay);
	return 0;
}

static int write_trace(FILE *file, const struct header *header, struct capture *capture,
		       struct written *written)
{
	struct scope scope = { .everybody = header->everybody };
	int ret;

	json_header(file, header);
	ret = scope_find(&scope, capture, header->pid);
	if (!ret)
		ret = write_events(file, &scope, capture, written);
	scope_free(&scope);
	return ret;
}

static void summarize(const struct options *opts, const struct header *header,
		      const struct written *written)
{
	fprintf(stderr, "chantrace: %llu events in %s%s\n", written->events,
		name_of_output(opts), header->lost ? "" : ", none lost");
	if (header->lost)
		complain("%llu EVENTS WERE LOST, the trace has holes; give it more room: -b %lu",
			 header->lost, 4 * opts->kib);
	else if (!written->of_chan)
		complain("none of channels: did %s use any?", *opts->command);
}

static int save(const struct options *opts, FILE *file, const struct header *header,
		struct capture *capture)
{
	struct written written = {};

	if (write_trace(file, header, capture, &written))
		return -1;
	if (fflush(file) || ferror(file)) {
		complain("cannot write %s: %s", name_of_output(opts), strerror(errno));
		return -1;
	}
	summarize(opts, header, &written);
	return 0;
}

/* ---- all of it ---- */

static int explain_exec(const char *command, int err)
{
	complain("cannot run %s: %s", command, strerror(err));
	return err == ENOENT ? NOT_FOUND : NOT_EXECUTABLE;
}

static int run(const struct options *opts, FILE *file, struct capture *capture)
{
	struct header header = { .command = opts->command, .everybody = opts->everybody };
	struct child child = { .yields_stdout = to_stdout(opts) };
	int err, ret;

	if (start_child(&child, opts->command))
		return FAILED;
	if (capture_start(capture)) {
		give_up(&child);
		return FAILED;
	}
	err = let_go(&child);
	if (err) {
		give_up(&child);
		return explain_exec(opts->command[0], err);
	}
	ret = trace_child(&child, capture);
	if (capture_stop(capture, &header.lost) || ret)
		return FAILED;
	header.pid = child.pid;
	if (save(opts, file, &header, capture))
		return FAILED;
	return exit_status_of(&child);
}

/* In another one the command's process would not be found among the events. */
static bool in_first_pid_namespace(void)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st) || st.st_ino == FIRST_PID_NAMESPACE)
		return true;
	complain("a trace has no process ids of containers such as this one: run it outside");
	return false;
}

static int record_command(const struct options *opts)
{
	struct capture *capture;
	FILE *file;
	int ret;

	if (!in_first_pid_namespace())
		return FAILED;
	capture = capture_open(opts->kib);
	if (!capture)
		return FAILED;
	file = to_stdout(opts) ? stdout : fopen(opts->output, "we");
	if (file) {
		ret = run(opts, file, capture);
		fclose(file);
	} else {
		complain("cannot write %s: %s", opts->output, strerror(errno));
		ret = FAILED;
	}
	capture_close(capture);
	return ret;
}

static bool parse_kib(const char *arg, unsigned long *kib)
{
	char *end;

	errno = 0;
	*kib = strtoul(arg, &end, 10);
	return *arg >= '0' && *arg <= '9' && !*end && !errno && *kib && *kib <= MOST_KIB;
}

static int parse(int argc, char **argv, struct options *opts)
{
	static const struct option long_options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "buffer", required_argument, NULL, 'b' },
		{ "all", no_argument, NULL, 'a' },
		{}
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "+o:b:a", long_options, NULL)) != -1)
		switch (opt) {
		case 'o':
			opts->output = optarg;
			break;
		case 'b':
			if (parse_kib(optarg, &opts->kib))
				break;
			complain("-b takes kibibytes, 1 to %lu, not %s", MOST_KIB, optarg);
			return -1;
		case 'a':
			opts->everybody = true;
			break;
		default:
			return -1;
		}
	opts->command = argv + optind;
	if (*opts->command)
		return 0;
	complain("a command is missing; see \"chantrace --help\"");
	return -1;
}

/**
 * record() - chantrace record
 * @argc: how many arguments, with what getopt_long() is to complain as.
 * @argv: the arguments.
 *
 * Return: the exit status.
 */
int record(int argc, char **argv)
{
	struct options opts = { .output = "chantrace.jsonl", .kib = DEFAULT_KIB };

	return parse(argc, argv, &opts) ? USAGE : record_command(&opts);
}
