// SPDX-License-Identifier: GPL-2.0-only
/*
 * chanbench: measures and prints, one line for each block.  What the lines say is for
 * bench/report.py to work out.
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"
#include "mech.h"

enum placement placement;
bool hogged;

struct settings settings = {
	.rounds = 15, .sessions = 3, .least_ms = 10, .tolerance = 0.005, .pattern = "*",
};

void die(const char *what)
{
	fprintf(stderr, "chanbench: %s: %s\n", what, strerror(errno));
	exit(1);
}

void *get_memory(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		die("no memory");
	return memory;
}

/* How many pages an element lies in decides on what a copy costs: as few as can be. */
void *get_element(size_t size)
{
	size_t page = sysconf(_SC_PAGESIZE), whole = (size + page - 1) / page * page;
	void *memory = aligned_alloc(page, whole);

	if (!memory)
		die("no memory");
	return memset(memory, 0, whole);
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	must(sched_setaffinity(0, sizeof(set), &set));
}

void place(int which)
{
	if (placement == ON_ONE)
		pin(0);
	else if (placement == APART)
		pin(which);
}

/* ---- limits ---- */

static void raise_limit(int resource, const char *name, rlim_t most)
{
	struct rlimit limit = { most, most };

	if (setrlimit(resource, &limit))
		fprintf(stderr, "chanbench: %s stays as it is: %s (needs root)\n", name,
			strerror(errno));
}

void write_setting(const char *path, const char *value)
{
	FILE *f = fopen(path, "w");
	bool done = f && fputs(value, f) >= 0;

	if (f && fclose(f))
		done = false;
	if (!done)
		fprintf(stderr, "chanbench: %s stays as it is: %s (needs root)\n", path,
			strerror(errno));
}

static void raise_limits(void)
{
	raise_limit(RLIMIT_NOFILE, "RLIMIT_NOFILE", 1 << 20);
	raise_limit(RLIMIT_NPROC, "RLIMIT_NPROC", 100000);
	raise_limit(RLIMIT_MSGQUEUE, "RLIMIT_MSGQUEUE", RLIM_INFINITY);
	write_setting("/proc/sys/kernel/threads-max", "100000");
	write_setting("/proc/sys/kernel/pid_max", "200000");
	write_setting("/proc/sys/vm/max_map_count", "262144");
}

/* ---- busy loops ---- */

/* Processes of their own, so that their switches are not counted as ours. */
static void start_hog(int cpu)
{
	pid_t parent = getpid();

	if (must(fork()))
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	pin(cpu);
	for (;;)
		__asm__ volatile("");
}

static void start_hogs(void)
{
	int cpu, cpus = placement == ON_ONE ? 1 : sysconf(_SC_NPROCESSORS_ONLN);

	for (cpu = 0; cpu < cpus; cpu++)
		start_hog(cpu);
}

/* ---- all ---- */

static void print_help(FILE *to)
{
	fputs("usage: chanbench [OPTION...] [CASE]\n"
	      "\n"
	      "Measures channels beside other mechanisms: all cases, or those whose names match the\n"
	      "pattern CASE.  Prints a line for each block of operations:\n"
	      "case,size,placement,way,round,ns,voluntary,involuntary,quiet - nanoseconds and\n"
	      "switches are of one operation; quiet is 0 if something else took time.  A way that\n"
	      "is not to be had is told of on standard error.\n"
	      "\n"
	      "  -r N      rounds: blocks of each way (15)\n"
	      "  -s N      sessions: how often all is set up anew on the way (3); there are fewer\n"
	      "            of them, and of rounds, for sizes that take long to set up\n"
	      "  -m MS     how long a block takes at least (10)\n"
	      "  -p WHERE  threads run on one processor (one, the default), each thread of a\n"
	      "            pair on another (apart), or where the scheduler wants (free)\n"
	      "  -g        with a busy loop on each processor beside them: those cases in which\n"
	      "            somebody waits, and \"-hog\" behind their names\n"
	      "  -q        quick: fewer sizes\n"
	      "  -t PART   how far two calibrations may differ before a block is repeated (0.005)\n"
	      "  -v        say on standard error which case is begun\n"
	      "  -h        this text\n"
	      "\n"
	      "Exit status: 0; 1 if something failed; 2 for wrong usage; 3 if there is no such case.\n"
	      "\n"
	      "The cases, and what the figure in \"ns\" is the cost of:\n"
	      "  send-and-receive        one thread sends 8 bytes and receives them\n"
	      "  round-trip              a request to another thread, and its reply\n"
	      "  latency                 likewise, each timed by itself: the mean\n"
	      "  latency-p50, -p99       and the 50th and 99th percentile in a block\n"
	      "  stream                  an element from one thread to another, unbuffered\n"
	      "  stream-buffered SIZE    likewise, SIZE buffered (pipe: its 64 KiB)\n"
	      "  stream-batches SIZE     an element, SIZE sent and received at once, 128 buffered;\n"
	      "                          \"-single\" ways do one at a time whatever SIZE is\n"
	      "  one-of-many-ready SIZE  one of SIZE is made ready, found, and its element taken,\n"
	      "                          by one thread\n"
	      "  one-of-many-blocked SIZE  a thread waits on SIZE; one gets an element, which the\n"
	      "                          thread takes and acknowledges\n"
	      "  waiters SIZE            an element to one of SIZE blocked receivers, and its reply\n"
	      "  close SIZE              to end the waits of SIZE receivers: of each of them\n"
	      "  payload SIZE            an element of SIZE bytes from one thread to another,\n"
	      "                          unbuffered; where time counts instructions, copies of\n"
	      "                          1 KiB and more say little: there are no caches, and other\n"
	      "                          instructions than a processor would choose\n"
	      "  payload-buffered SIZE   one thread sends SIZE bytes and receives them\n"
	      "  many-to-many SIZE       an element from one of SIZE senders to one of SIZE\n"
	      "                          receivers, over one channel, 128 buffered\n"
	      "  pairs SIZE              an element, SIZE threads in pairs with a channel each\n"
	      "  make-and-close SIZE     to make one and close it, while SIZE others are there\n"
	      "  idle-bytes SIZE         memory of an idle one, in bytes, with SIZE there\n"
	      "  idle-bytes-own SIZE     of this what is neither its file nor its inode and dentry\n",
	      to);
}

static void parse_placement(const char *name)
{
	if (!strcmp(name, "one")) {
		placement = ON_ONE;
	} else if (!strcmp(name, "apart")) {
		placement = APART;
	} else if (!strcmp(name, "free")) {
		placement = ANYWHERE;
	} else {
		fprintf(stderr, "chanbench: -p takes one, apart or free, not %s\n", name);
		exit(2);
	}
}

static double parse_number(char option, const char *text, double least)
{
	char *end;
	double value = strtod(text, &end);

	if (*end || end == text || value < least) {
		fprintf(stderr, "chanbench: -%c takes a number not below %g, not %s\n", option,
			least, text);
		exit(2);
	}
	return value;
}

static void parse(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "r:s:m:p:gqt:vh")) != -1)
		switch (opt) {
		case 'r':
			settings.rounds = parse_number(opt, optarg, 1);
			break;
		case 's':
			settings.sessions = parse_number(opt, optarg, 1);
			break;
		case 'm':
			settings.least_ms = parse_number(opt, optarg, 0);
			break;
		case 'p':
			parse_placement(optarg);
			break;
		case 'g':
			hogged = true;
			break;
		case 'q':
			settings.quick = true;
			break;
		case 't':
			settings.tolerance = parse_number(opt, optarg, 0);
			break;
		case 'v':
			settings.verbose = true;
			break;
		case 'h':
			print_help(stdout);
			exit(0);
		default:
			print_help(stderr);
			exit(2);
		}
	if (optind < argc)
		settings.pattern = argv[optind++];
	if (optind < argc) {
		print_help(stderr);
		exit(2);
	}
	if (settings.sessions > settings.rounds)
		settings.sessions = settings.rounds;
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	raise_limits();
	if (placement == APART && sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		fputs("chanbench: -p apart needs two processors\n", stderr);
		return 2;
	}
	if (hogged)
		start_hogs();
	place(0);
	bench_pair();
	bench_round_trip();
	bench_latency();
	bench_stream();
	bench_batches();
	bench_choose();
	bench_waiters();
	bench_close();
	bench_payload();
	bench_crowd();
	bench_make();
	bench_memory();
	if (!cases_measured) {
		fprintf(stderr, "chanbench: no case here matches %s (see chanbench -h)\n",
			settings.pattern);
		return 3;
	}
	return 0;
}
