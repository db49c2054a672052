// SPDX-License-Identifier: GPL-2.0-only
/*
 * chantrace: what a program does with channels.  What reads traces is written in Python, and
 * lies beside this program or in ../libexec/chantrace.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "complain.h"
#include "record.h"

static const char help[] =
"Usage: chantrace COMMAND [OPTION]... [ARGUMENT]...\n"
"\n"
"Record what a program does with channels, and look at it.\n"
"\n"
"chantrace record [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
"    Run PROGRAM and write a trace: the events of the module and the scheduler that\n"
"    concern its processes, the channels that they use, and who else uses these.\n"
"    Needs root.  Ctrl-C stops PROGRAM, and the trace is written all the same.\n"
"      -o, --output FILE   where to (default chantrace.jsonl); - is standard output,\n"
"                          and what PROGRAM prints there goes to standard error\n"
"      -b, --buffer KIB    memory for each processor's events until they are taken\n"
"                          out of the kernel (default 4096); more, if some are lost\n"
"      -a, --all           the events of everybody who uses channels\n"
"\n"
"chantrace report FILE\n"
"    Print, for each channel, what went through and who waited how long; who woke\n"
"    whom; and where each goroutine spent its time.\n"
"\n"
"chantrace check FILE\n"
"    Check that the trace is one of channels that work: that goroutines change their\n"
"    states as they may, that each park has one end, that queues are served in order,\n"
"    and that buffers hold what they can.\n"
"\n"
"chantrace perfetto FILE [-o OUT]\n"
"    Write the trace for ui.perfetto.dev or chrome://tracing (default FILE with\n"
"    .perfetto.json instead of .jsonl).\n"
"\n"
"chantrace html FILE [-o OUT]\n"
"    Write a page that shows the trace as a timeline, for any browser.\n"
"\n"
"chantrace --help\n"
"    Print this.  \"chantrace report --help\" and so on say more.\n"
"\n"
"Exit status:\n"
"    record: that of PROGRAM, 128+N if signal N killed it, 127 if it was not found,\n"
"            126 if it could not be run, 125 if it could not be traced\n"
"    others: 0, or 1 if check found something wrong\n"
"    2       wrong usage; others: no trace, or not one that can be read or checked\n"
"\n"
"Example:\n"
"    chantrace record -- ./sieve 20\n"
"    chantrace check chantrace.jsonl && chantrace report chantrace.jsonl\n";

/**
 * complain() - say what is wrong
 * @fmt: as in printf(), without a newline.
 */
void complain(const char *fmt, ...)
{
	va_list args;

	fputs("chantrace: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	putc('\n', stderr);
}

/* The directory of this program, with a slash at the end; false if it is not to be found. */
static bool own_directory(char dir[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", dir, PATH_MAX - 1);
	char *slash;

	if (n < 0)
		return false;
	dir[n] = '\0';
	slash = strrchr(dir, '/');
	if (!slash)
		return false;
	slash[1] = '\0';
	return true;
}

/* Where the script of a command is, NULL if nowhere. */
static char *find_script(const char *command)
{
	static const char * const places[] = { "chantrace.d", "../libexec/chantrace" };
	char dir[PATH_MAX], *path;
	size_t i;

	if (!own_directory(dir))
		return NULL;
	for (i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (asprintf(&path, "%s%s/%s.py", dir, places[i], command) < 0)
			return NULL;
		if (!access(path, R_OK))
			return path;
		free(path);
	}
	return NULL;
}

/* Does not return if the script runs. */
static int run_script(const char *command, char **args, int n)
{
	char *path = find_script(command), **argv;
	int i;

	argv = calloc(n + 4, sizeof(*argv));
	if (!path || !argv) {
		complain("cannot find %s.py: neither in chantrace.d nor in ../libexec/chantrace",
			 command);
		return FAILED;
	}
	argv[0] = "python3";
	argv[1] = "-B";
	argv[2] = path;
	for (i = 0; i < n; i++)
		argv[3 + i] = args[i];
	execvp(argv[0], argv);
	complain("cannot run python3, which reads traces: %s", strerror(errno));
	return FAILED;
}

static bool has_script(const char *command)
{
	static const char * const commands[] = { "report", "check", "perfetto", "html" };
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(command, commands[i]))
			return true;
	return false;
}

static bool is_help(const char *arg)
{
	return !strcmp(arg, "--help") || !strcmp(arg, "-h") || !strcmp(arg, "help");
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		complain("a command is missing; see \"chantrace --help\"");
		return USAGE;
	}
	if (is_help(argv[1]) ||
	    (!strcmp(argv[1], "record") && argc > 2 && is_help(argv[2]))) {
		fputs(help, stdout);
		return fflush(stdout) ? 1 : DONE;
	}
	if (has_script(argv[1]))
		return run_script(argv[1], argv + 2, argc - 2);
	if (strcmp(argv[1], "record")) {
		complain("there is no command %s; see \"chantrace --help\"", argv[1]);
		return USAGE;
	}
	/* What getopt_long() begins its complaints with. */
	argv[1] = "chantrace";
	return record(argc - 1, argv + 1);
}
