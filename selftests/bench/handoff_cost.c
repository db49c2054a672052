// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a hand-off costs while 1, 100 or 10,000 others wait: it must not depend on it.
 *
 * Wall time lies, so this says something only where time counts instructions
 * (scripts/vm --icount, with CHAN_ICOUNT=1 in the environment); elsewhere it prints
 * what it measures and skips the verdict.
 *
 * The one who hands over runs with real-time priority, so that whom it wakes does not
 * interrupt it, and lets everybody settle before the next time.
 */
#include "chan_test.h"

#define ROUNDS		31
#define STACK		(16 << 10)
#define CROWD		10000

/*
 * How long everybody sleeps before each time.  Waking who has slept for long costs the
 * scheduler more than who has just run, and in a crowd it is always the former.
 */
#define REST_NS		(400 * MS)

/* The cost with a crowd is at most so many percent above that with one. */
#define TOLERANCE	3

static int ch;

static void *receiver_main(void *arg)
{
	(void)arg;
	while (recv64(ch) != UINT64_MAX)
		;
	return NULL;
}

static void *sender_main(void *arg)
{
	(void)arg;
	while (!send64(ch, 1))
		;
	return NULL;
}

static void raise_limits(void)
{
	struct rlimit many = { 100000, 100000 };

	setrlimit(RLIMIT_NPROC, &many);
	write_text("/proc/sys/kernel/threads-max", "100000");
	write_text("/proc/sys/kernel/pid_max", "200000");
	write_text("/proc/sys/vm/max_map_count", "262144");
}

static void set_priority(int policy, int priority)
{
	struct sched_param p = { .sched_priority = priority };

	must(sched_setscheduler(0, policy, &p));
}

static bool settled(bool receivers, unsigned int n)
{
	struct chan_info info = ch_info(ch);

	return (receivers ? info.recvq : info.sendq) == n;
}

static bool counting(void)
{
	return getenv("CHAN_ICOUNT");
}

static void rest(void)
{
	struct timespec ts = { .tv_nsec = counting() ? REST_NS : MS };

	nanosleep(&ts, NULL);
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void start_crowd(pthread_t *threads, unsigned int n, bool receivers)
{
	char *stacks = mmap(NULL, (size_t)n * STACK, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	pthread_attr_t attr;
	unsigned int i;

	if (stacks == MAP_FAILED)
		die("no stacks: %m");
	madvise(stacks, (size_t)n * STACK, MADV_NOHUGEPAGE);
	pthread_attr_init(&attr);
	for (i = 0; i < n; i++) {
		must(-pthread_attr_setstack(&attr, stacks + (size_t)i * STACK, STACK));
		must(-pthread_create(&threads[i], &attr, receivers ? receiver_main : sender_main,
				     NULL));
	}
	if (!eventually(settled(receivers, n)))
		die("%u do not park", n);
}

/* Nanoseconds of one call that completes the oldest of @n who wait: the median. */
static uint64_t handoff_cost(unsigned int n, bool receivers)
{
	pthread_t *threads = calloc(n, sizeof(*threads));
	uint64_t ns[ROUNDS], v = 1, start;
	unsigned int i;
	long ret;

	ch = must(ch_make(8, 0, 0));
	start_crowd(threads, n, receivers);
	for (i = 0; i < ROUNDS; i++) {
		rest();
		set_priority(SCHED_FIFO, 50);
		start = now_ns();
		ret = receivers ? ch_try_send(ch, &v, 8) : ch_try_recv(ch, &v, 8);
		ns[i] = now_ns() - start;
		set_priority(SCHED_OTHER, 0);
		must(ret);
		if (!eventually(settled(receivers, n)))
			die("the one who was served does not park again");
	}
	must(ch_close(ch));
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	close(ch);
	free(threads);
	qsort(ns, ROUNDS, sizeof(ns[0]), compare);
	return ns[ROUNDS / 2];
}

static void check_cost(struct __test_metadata *_metadata, bool receivers)
{
	static const unsigned int sizes[] = { 1, 100, CROWD };
	uint64_t cost[ARRAY_SIZE(sizes)];
	cpu_set_t one;
	unsigned int i;

	if (!is_root())
		SKIP(return, "needs root");
	raise_limits();
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	must(sched_setaffinity(0, sizeof(one), &one));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		cost[i] = handoff_cost(sizes[i], receivers);
		TH_LOG("%5u parked %s: %llu ns", sizes[i], receivers ? "receivers" : "senders",
		       (unsigned long long)cost[i]);
	}
	if (!counting())
		SKIP(return, "time does not count instructions here (CHAN_ICOUNT is not set)");
	for (i = 1; i < ARRAY_SIZE(sizes); i++)
		EXPECT_GE(cost[0] * (100 + TOLERANCE) / 100, cost[i]);
}

FIXTURE(cost)
{
};

FIXTURE_SETUP(cost)
{
}

FIXTURE_TEARDOWN(cost)
{
}

TEST_F_TIMEOUT(cost, of_a_send_does_not_depend_on_how_many_receivers_wait, 1800)
{
	check_cost(_metadata, true);
}

TEST_F_TIMEOUT(cost, of_a_receive_does_not_depend_on_how_many_senders_wait, 1800)
{
	check_cost(_metadata, false);
}

TEST_HARNESS_MAIN
