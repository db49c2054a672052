// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a buffered send and a rendezvous take, to be compared with those of a module that
 * cannot be watched: scripts/watch-cost runs it with both, where time counts instructions.
 *
 * Prints lines "NAME NANOSECONDS", the median of many.  With the argument "go" the threads
 * are registered goroutines.
 */
#include "chan_test.h"

#define ROUNDS	1001

static int there, back;
static bool registered;

static void be_goroutine(uint64_t id)
{
	static int domain;
	struct chan_go go = { .size = sizeof(go), .id = id };

	if (!registered)
		return;
	if (!domain)
		domain = chanctl();
	must(xioctl(domain, CHAN_IOC_GO, &go));
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void print_median(const char *name, uint64_t *ns)
{
	qsort(ns, ROUNDS, sizeof(*ns), compare);
	printf("%s %llu\n", name, (unsigned long long)ns[ROUNDS / 2]);
}

static void time_buffered_send(void)
{
	static uint64_t ns[ROUNDS];
	int ch = ch_make(8, 1, 0), i;
	uint64_t v = 1, start;

	for (i = 0; i < ROUNDS; i++) {
		start = now_ns();
		must(ch_send(ch, &v, 8));
		ns[i] = now_ns() - start;
		must(ch_recv(ch, &v, 8));
	}
	close(ch);
	print_median("buffered-send", ns);
}

static long answer(struct task *t)
{
	(void)t;
	be_goroutine(2);
	while (recv64(there) == 1)
		must(send64(back, 1));
	return 0;
}

/* There and back: two rendezvous, each with a park and a ready. */
static void time_rendezvous(void)
{
	static uint64_t ns[ROUNDS];
	struct task t = {};
	uint64_t start;
	int i;

	there = ch_make(8, 0, 0);
	back = ch_make(8, 0, 0);
	task_start(&t, answer);
	for (i = 0; i < ROUNDS; i++) {
		start = now_ns();
		must(send64(there, 1));
		recv64(back);
		ns[i] = now_ns() - start;
	}
	must(ch_close(there));
	task_join(&t);
	print_median("rendezvous", ns);
}

int main(int argc, char **argv)
{
	registered = argc > 1 && !strcmp(argv[1], "go");
	pin_to(0);
	be_goroutine(1);
	time_buffered_send();
	time_rendezvous();
	return 0;
}
