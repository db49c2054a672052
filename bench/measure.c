// SPDX-License-Identifier: GPL-2.0-only
/*
 * Measures a case: blocks, calibrations before and after each, rounds and sessions.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "bench.h"
#include "mech.h"

#define CALIBRATION_LOOPS	20000
#define CALIBRATIONS		3
#define MOST_RETRIES		3
#define MOST_SCALE		4096

/* Once forwards, once backwards. */
#define SESSIONS_IF_LARGE	2
#define ROUNDS_IF_LARGE		6

static unsigned int smaller(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

unsigned int cases_measured;

static const char * const placement_names[] = {
	[ON_ONE] = "one", [APART] = "apart", [ANYWHERE] = "free",
};

double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

/* ---- what a block took ---- */

static struct {
	double ns;
	double voluntary;
	double involuntary;
	double start;
	struct rusage from;
} taken;

void clock_go(void)
{
	getrusage(RUSAGE_SELF, &taken.from);
	taken.start = now_ns();
}

void clock_stop(void)
{
	struct rusage to;

	taken.ns += now_ns() - taken.start;
	getrusage(RUSAGE_SELF, &to);
	taken.voluntary += to.ru_nvcsw - taken.from.ru_nvcsw;
	taken.involuntary += to.ru_nivcsw - taken.from.ru_nivcsw;
}

static void clock_reset(void)
{
	taken.ns = 0;
	taken.voluntary = 0;
	taken.involuntary = 0;
}

/* ---- a block ---- */

static double time_of_loops(void)
{
	double start = now_ns();
	unsigned int i;

	for (i = 0; i < CALIBRATION_LOOPS; i++)
		__asm__ volatile("");
	return now_ns() - start;
}

/*
 * Nothing but instructions, whose time says how fast the machine is.  Of several times
 * the least, as a tick of the clock in one of them means nothing.
 */
static double calibrate(void)
{
	double ns, least = time_of_loops();
	int i;

	for (i = 1; i < CALIBRATIONS; i++) {
		ns = time_of_loops();
		if (ns < least)
			least = ns;
	}
	return least;
}

static bool agree(double a, double b)
{
	double difference = a > b ? a - b : b - a;

	return difference <= settings.tolerance * a;
}

/**
 * struct candidate - a way, and what has been set up for it
 * @way: the way.
 * @state: what @way has set up, or NULL.
 * @absent: it is not to be had here.
 * @ops: operations in a block.
 */
struct candidate {
	const struct way *way;
	void *state;
	bool absent;
	unsigned int ops;
};

/* Returns whether nothing came in between. */
static bool run_block(const struct candidate *c)
{
	double before = calibrate();

	clock_reset();
	clock_go();
	c->way->run(c->state, c->ops);
	clock_stop();
	return agree(before, calibrate());
}

/*
 * Threads that have waited while others were measured are in credit with the scheduler, which
 * lets them run first until that is used up.  What is to be measured comes after.
 */
static void run_in(const struct bench *b, const struct candidate *c)
{
	if (b->blocks && !b->exact)
		c->way->run(c->state, c->ops);
}

static bool run_quietly(const struct candidate *c)
{
	bool quiet;
	int i = 0;

	do
		quiet = run_block(c);
	while (!quiet && ++i < MOST_RETRIES);
	return quiet;
}

/* ---- a line ---- */

static void print_start(const struct bench *b, const char *suffix, const char *way,
			unsigned int round)
{
	printf("%s%s%s,%u,%s,%s,%u,", b->name, suffix, hogged ? "-hog" : "", b->arg,
	       placement_names[placement], way, round);
}

/**
 * bench_print() - print a figure that is not what an operation takes
 * @b: the case.
 * @suffix: what comes after its name.
 * @way: of which way it is a figure.
 * @round: and of which round.
 * @figure: the figure.
 */
void bench_print(const struct bench *b, const char *suffix, const char *way,
		 unsigned int round, double figure)
{
	print_start(b, suffix, way, round);
	printf("%.2f,0,0,1\n", figure);
}

static void print_block(const struct bench *b, const struct way *way, unsigned int round,
			unsigned int ops, bool quiet)
{
	print_start(b, "", way->name, round);
	printf("%.2f,%.4f,%.4f,%d\n", taken.ns / ops, taken.voluntary / ops,
	       taken.involuntary / ops, quiet);
}

/**
 * bench_skip() - say that a way cannot be measured here
 * @b: the case.
 * @way: the way.
 * @why: why not.
 *
 * Return: NULL, for the way's @set_up to return.
 */
void *bench_skip(const struct bench *b, const char *way, const char *why)
{
	fprintf(stderr, "chanbench: %s %u (%s): not measured with %s: %s\n", b->name, b->arg,
		placement_names[placement], way, why);
	return NULL;
}

/* ---- a case ---- */

/* The first run warms up, the second shows how long one takes. */
static void set_up(const struct bench *b, struct candidate *c)
{
	const double least = settings.least_ms * 1e6 * (b->stretch ? b->stretch : 1);
	unsigned int scale = 1;

	if (!c->absent)
		c->state = c->way->set_up(b, c->way);
	c->absent = !c->state;
	if (c->absent)
		return;
	c->way->run(c->state, b->ops);
	clock_reset();
	clock_go();
	c->way->run(c->state, b->ops);
	clock_stop();
	while (!b->exact && scale < MOST_SCALE && scale * taken.ns < least)
		scale++;
	c->ops = b->ops * scale;
}

static void measure(const struct bench *b, const struct candidate *c, unsigned int round)
{
	bool quiet;

	if (!c->state)
		return;
	run_in(b, c);
	quiet = run_quietly(c);
	print_block(b, c->way, round, c->ops, quiet);
	if (c->way->tell)
		c->way->tell(c->state, b, c->way, round);
}

static void tear_down(struct candidate *c)
{
	if (c->state)
		c->way->tear_down(c->state);
	c->state = NULL;
}

/* Every other round goes backwards. */
static struct candidate *in_turn(struct candidate *all, size_t n, size_t i, unsigned int round)
{
	return &all[round % 2 ? n - 1 - i : i];
}

static void all_at_once(const struct bench *b, struct candidate *all, size_t n,
			unsigned int from, unsigned int to)
{
	unsigned int round;
	size_t i;

	for (i = 0; i < n; i++)
		set_up(b, in_turn(all, n, i, from));
	for (round = from; round < to; round++)
		for (i = 0; i < n; i++)
			measure(b, in_turn(all, n, i, round), round);
	for (i = 0; i < n; i++)
		tear_down(&all[i]);
}

static void one_by_one(const struct bench *b, struct candidate *all, size_t n,
		       unsigned int session, unsigned int from, unsigned int to)
{
	unsigned int round;
	size_t i;

	for (i = 0; i < n; i++) {
		struct candidate *c = in_turn(all, n, i, session);

		set_up(b, c);
		for (round = from; round < to; round++)
			measure(b, c, round);
		tear_down(c);
	}
}

/**
 * bench_wanted() - whether a case was asked for, and makes sense here
 * @b: the case.
 */
bool bench_wanted(const struct bench *b)
{
	unsigned int where = b->where ? b->where : BIT_OF(ON_ONE);

	if (fnmatch(settings.pattern, b->name, 0) || (settings.quick && b->thorough) ||
	    (hogged && !b->blocks) || !(where & BIT_OF(placement)))
		return false;
	cases_measured++;
	if (settings.verbose)
		fprintf(stderr, "%s%s %u (%s)\n", b->name, hogged ? "-hog" : "", b->arg,
			placement_names[placement]);
	return true;
}

/**
 * bench_measure() - measure all ways of a case
 * @b: the case.
 * @ways: the ways.
 * @n: how many.
 */
void bench_measure(const struct bench *b, const struct way *ways, size_t n)
{
	struct candidate *all;
	unsigned int sessions = settings.sessions, rounds = settings.rounds;
	unsigned int s, from, to;
	size_t i;

	if (!bench_wanted(b))
		return;
	if (b->large) {
		sessions = smaller(sessions, SESSIONS_IF_LARGE);
		rounds = smaller(rounds, ROUNDS_IF_LARGE);
	}
	all = get_memory(n * sizeof(*all));
	for (i = 0; i < n; i++)
		all[i].way = &ways[i];
	for (s = 0; s < sessions; s++) {
		from = rounds * s / sessions;
		to = rounds * (s + 1) / sessions;
		if (b->large)
			one_by_one(b, all, n, s, from, to);
		else
			all_at_once(b, all, n, from, to);
	}
	free(all);
	fflush(stdout);
}
