// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs programs, one after the other, as long as it was told to and all is well.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>

#include "fuzz.h"

static void print_usage(FILE *to)
{
	fputs("usage: chanfuzz [OPTION...]\n"
	      "\n"
	      "Fuzzes the interface of channels, as root, on a machine that one can do without.\n"
	      "\n"
	      "  -f, --from SEED      begin with this seed (1)\n"
	      "  -s, --seconds N      for so long (60)\n"
	      "  -S, --seed SEED      only the program of this seed\n"
	      "  -n, --times N        that many programs, or that one so many times\n"
	      "  -t, --trace          print what each task does; more than one time, or more than\n"
	      "                       one program, make a lot of it\n"
	      "  -h, --help           this text\n"
	      "\n"
	      "Each seed is printed, and goes to the kernel's log, before its program runs.\n"
	      "Exit status: 0; 1 if something is wrong, which is printed; 2 wrong usage.\n", to);
}

/* In so many programs each command has to do something. */
#define ENOUGH	100

struct plan {
	uint64_t from, times;
	double seconds;
	bool one;
};

static int run(const struct plan *plan)
{
	uint64_t programs = 0, calls = 0, seed = plan->from;
	double start = now();
	bool good = true;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while (good && programs < plan->times && now() - start < plan->seconds) {
		seed = plan->one ? plan->from : plan->from + programs;
		printf("seed %llu\n", (unsigned long long)seed);
		good = supervise(seed, &calls);
		programs++;
	}
	if (!good) {
		fprintf(stderr, "chanfuzz: seed %llu: %s\n", (unsigned long long)seed,
			shared->complaint);
		return 1;
	}
	if (!plan->one && programs >= ENOUGH && never_succeeded()) {
		fprintf(stderr, "chanfuzz: in %llu programs %s has never succeeded\n",
			(unsigned long long)programs, never_succeeded());
		return 1;
	}
	printf("ran %llu programs, %llu system calls in %.0f s, seeds %llu..%llu\n",
	       (unsigned long long)programs, (unsigned long long)calls, now() - start,
	       (unsigned long long)plan->from, (unsigned long long)seed);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "from", required_argument, NULL, 'f' },
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'S' },
		{ "times", required_argument, NULL, 'n' },
		{ "trace", no_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },
		{}
	};
	struct plan plan = { .from = 1, .times = UINT64_MAX, .seconds = 60 };
	bool bounded = false;
	int c;

	while ((c = getopt_long(argc, argv, "f:s:S:n:th", options, NULL)) != -1)
		switch (c) {
		case 'f':
			plan.from = strtoull(optarg, NULL, 0);
			break;
		case 's':
			plan.seconds = strtod(optarg, NULL);
			bounded = true;
			break;
		case 'S':
			plan.from = strtoull(optarg, NULL, 0);
			plan.one = true;
			break;
		case 'n':
			plan.times = strtoull(optarg, NULL, 0);
			break;
		case 't':
			trace_fd = 2;
			break;
		case 'h':
			print_usage(stdout);
			return 0;
		default:
			print_usage(stderr);
			return 2;
		}
	if (plan.one && plan.times == UINT64_MAX && !bounded)
		plan.times = 1;
	if (plan.times != UINT64_MAX && !bounded)
		plan.seconds = 1e9;
	supervise_init();
	return run(&plan);
}
