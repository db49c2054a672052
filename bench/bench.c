// SPDX-License-Identifier: GPL-2.0-only
/*
 * chanbench: measures and prints, one line for each block.  What the lines say is for
 * bench/report.py to work out.
 */
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"
#include "mech.h"

#define CALIBRATION_LOOPS	20000
#define MOST_RETRIES		5

enum placement placement;
bool hogged;

static unsigned int rounds = 15;
static double tolerance = 0.005;
static const char *pattern = "*";
static const char *placement_name = "one";

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

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

/* ---- a block ---- */

/* Nothing but instructions, whose time says what else took some. */
static double calibrate(void)
{
	double start = now_ns();
	unsigned int i;

	for (i = 0; i < CALIBRATION_LOOPS; i++)
		__asm__ volatile("");
	return now_ns() - start;
}

struct block {
	double ns;
	double voluntary;
	double involuntary;
	bool quiet;
};

static bool agree(double a, double b)
{
	double difference = a > b ? a - b : b - a;

	return difference <= tolerance * a;
}

static struct block run_block(const struct way *way, void *state, unsigned int ops)
{
	double before = calibrate(), start, ns;
	struct rusage from, to;

	getrusage(RUSAGE_SELF, &from);
	start = now_ns();
	way->run(state, ops);
	ns = now_ns() - start;
	getrusage(RUSAGE_SELF, &to);
	return (struct block){
		.ns = ns / ops,
		.voluntary = (double)(to.ru_nvcsw - from.ru_nvcsw) / ops,
		.involuntary = (double)(to.ru_nivcsw - from.ru_nivcsw) / ops,
		.quiet = agree(before, calibrate()),
	};
}

/* Once more if something came in between. */
static struct block quiet_block(const struct way *way, void *state, unsigned int ops)
{
	struct block block;
	int i = 0;

	do
		block = run_block(way, state, ops);
	while (!block.quiet && ++i < MOST_RETRIES);
	return block;
}

/* ---- a case ---- */

static void measure_way(const struct bench *b, const struct way *way, void *state,
			unsigned int round)
{
	struct block block;

	if (!state)
		return;
	block = quiet_block(way, state, b->ops);
	printf("%s%s,%u,%s,%s,%u,%.2f,%.4f,%.4f,%d\n", b->name, hogged ? "-hog" : "", b->arg,
	       placement_name, way->name, round, block.ns, block.voluntary,
	       block.involuntary, block.quiet);
}

/**
 * bench_measure() - measure all ways of a case
 * @b: the case.
 * @ways: the ways.
 * @n: how many.
 */
void bench_measure(const struct bench *b, const struct way *ways, size_t n)
{
	void *states[n];
	unsigned int round;
	size_t i;

	if (fnmatch(pattern, b->name, 0))
		return;
	for (i = 0; i < n; i++) {
		states[i] = ways[i].set_up(b, &ways[i]);
		if (states[i])
			ways[i].run(states[i], b->ops);
	}
	for (round = 0; round < rounds; round++)
		for (i = 0; i < n; i++) {
			size_t k = round % 2 ? n - 1 - i : i;

			measure_way(b, &ways[k], states[k], round);
		}
	for (i = 0; i < n; i++)
		if (states[i])
			ways[i].tear_down(states[i]);
	fflush(stdout);
}

/* ---- hogs ---- */

static void *hog(void *cpu)
{
	pin((intptr_t)cpu);
	for (;;)
		__asm__ volatile("");
	return NULL;
}

static void start_hogs(void)
{
	long cpu, cpus = placement == ON_ONE ? 1 : sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t thread;

	for (cpu = 0; cpu < cpus; cpu++)
		if (pthread_create(&thread, NULL, hog, (void *)cpu))
			die("pthread_create");
}

/* ---- all ---- */

static void usage(FILE *to)
{
	fputs("usage: chanbench [OPTION...] [CASE]\n"
	      "\n"
	      "Measures channels beside other mechanisms: all cases, or those whose names match the\n"
	      "pattern CASE.  Prints a line for each block of operations:\n"
	      "case,size,placement,way,round,ns,voluntary,involuntary,quiet - nanoseconds and\n"
	      "switches are of one operation; quiet is 0 if something else took time.\n"
	      "\n"
	      "  -r N      rounds (15)\n"
	      "  -p WHERE  threads run on one processor (one, the default), each thread of a\n"
	      "            pair on another (apart), or where the scheduler wants (free)\n"
	      "  -g        with a busy loop on each processor beside them\n"
	      "  -t PART   how far two calibrations may differ before a block is repeated (0.005)\n"
	      "  -h        this text\n",
	      to);
}

static bool parse_placement(const char *name)
{
	static const char * const names[] = {
		[ON_ONE] = "one", [APART] = "apart", [ANYWHERE] = "free",
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i])) {
			placement = i;
			placement_name = names[i];
			return true;
		}
	fprintf(stderr, "chanbench: -p takes one, apart or free, not %s\n", name);
	return false;
}

static void parse(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "r:p:gt:h")) != -1)
		switch (opt) {
		case 'r':
			rounds = atoi(optarg);
			break;
		case 'p':
			if (!parse_placement(optarg))
				exit(2);
			break;
		case 'g':
			hogged = true;
			break;
		case 't':
			tolerance = atof(optarg);
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	if (optind < argc)
		pattern = argv[optind];
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	if (hogged)
		start_hogs();
	place(0);
	bench_pair();
	bench_round_trip();
	bench_stream();
	bench_choose();
	return 0;
}
