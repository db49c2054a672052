// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a buffered send and a rendezvous take, to be compared with those of a module that
 * cannot be watched: scripts/watch-cost runs it with both, where time counts instructions.
 *
 * Prints lines "NAME INSTRUCTIONS", the median of many rounds.  With the argument "go" the
 * threads are registered goroutines.
 *
 * A round of a rendezvous is there and back, with a park and a ready each.  Left alone, hardly
 * two of them are alike:
 *
 * - Whether the woken thread runs at once is decided by the fair scheduler from what both have
 *   had before.  So both get the same real-time priority here, and it never does.
 *
 * - Who comes first, and parks, may be the receivers or the senders, and goes on to be until
 *   something disturbs them.  So either is arranged, and counted by itself.
 *
 * - While real-time threads keep the processor, others that would run are waiting, and the
 *   scheduler sees to that at each switch.  So they are given time in between.
 *
 * Ordinary threads come last.  Of these it is the mean, over all the ways to meet that they
 * get into from a start with the receiver parked.
 */
#include "chan_test.h"

#define STRETCH		23
#define ROUNDS		(87 * STRETCH)
#define ORDINARY_ROUNDS	(5 * ROUNDS)
#define LOOPS		10000

static int there, back;
static bool registered;
static uint64_t taken[ROUNDS];

/* How many instructions have been executed, if the clock counts them. */
static uint64_t executed(void)
{
#ifdef __x86_64__
	return __builtin_ia32_rdtsc();
#else
	return now_ns();
#endif
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static uint64_t median(void)
{
	qsort(taken, ROUNDS, sizeof(*taken), compare);
	return taken[ROUNDS / 2];
}

static void print(const char *name, uint64_t instructions)
{
	printf("%s %llu\n", name, (unsigned long long)instructions);
}

/* Each round of a loop takes the same few instructions. */
static void must_count(void)
{
	uint64_t start;
	int i, n;

	for (i = 0; i < ROUNDS; i++) {
		start = executed();
		for (n = 0; n < LOOPS; n++)
			__asm__ volatile("");
		taken[i] = executed() - start;
	}
	if (median() != taken[0] || taken[0] < 2 * LOOPS || taken[0] > 10 * LOOPS)
		die("time does not count instructions here: run scripts/watch-cost");
}

static void set_policy(int policy)
{
	struct sched_param p = { .sched_priority = policy == SCHED_FIFO ? 50 : 0 };

	must(sched_setscheduler(0, policy, &p));
}

/* Everybody else gets done what there is to do. */
static void rest(void)
{
	struct timespec ts = { .tv_nsec = 10 * MS };

	nanosleep(&ts, NULL);
}

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

static void count_buffered_send(void)
{
	int ch = must(ch_make(8, 1, 0)), i;
	uint64_t v = 1, start;

	for (i = 0; i < ROUNDS; i++) {
		start = executed();
		must(ch_send(ch, &v, 8));
		taken[i] = executed() - start;
		must(ch_recv(ch, &v, 8));
	}
	close(ch);
	print("buffered-send", median());
}

static long answer(struct task *t)
{
	(void)t;
	be_goroutine(2);
	while (recv64(there) == 1)
		must(send64(back, 1));
	return 0;
}

/*
 * Once there and back, so many times.  As long as both have the same real-time priority, the
 * new thread does nothing until this one sleeps.
 */
static struct chan_info count_stretch(bool receiver_first, uint64_t *rounds)
{
	struct chan_info info;
	struct task t = {};
	uint64_t start;
	int i;

	there = must(ch_make(8, 0, 0));
	back = must(ch_make(8, 0, 0));
	task_start(&t, answer);
	if (receiver_first)
		wait_parked(there, 1, 0);
	for (i = 0; i < STRETCH; i++) {
		start = executed();
		must(send64(there, 1));
		recv64(back);
		rounds[i] = executed() - start;
	}
	info = ch_info(back);
	must(ch_close(there));
	task_join(&t);
	close(there);
	close(back);
	return info;
}

static void count_rendezvous(const char *name, bool receiver_first)
{
	struct chan_info info;
	int i;

	for (i = 0; i < ROUNDS; i += STRETCH) {
		rest();
		info = count_stretch(receiver_first, &taken[i]);
		if ((receiver_first ? info.recv_parks : info.send_parks) != STRETCH)
			die("%s: in %u rounds %llu receivers and %llu senders have parked", name,
			    STRETCH, (unsigned long long)info.recv_parks,
			    (unsigned long long)info.send_parks);
	}
	print(name, median());
}

static void count_ordinary_rendezvous(void)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < ORDINARY_ROUNDS; i++) {
		if (i % STRETCH == 0) {
			rest();
			count_stretch(true, taken);
		}
		sum += taken[i % STRETCH];
	}
	print("rendezvous-of-ordinary-threads", sum / ORDINARY_ROUNDS);
}

int main(int argc, char **argv)
{
	registered = argc > 1 && !strcmp(argv[1], "go");
	pin_to(0);
	must_count();
	be_goroutine(1);
	set_policy(SCHED_FIFO);
	count_buffered_send();
	count_rendezvous("rendezvous-receiver-first", true);
	count_rendezvous("rendezvous-sender-first", false);
	set_policy(SCHED_OTHER);
	count_ordinary_rendezvous();
	return 0;
}
