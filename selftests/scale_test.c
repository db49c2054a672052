// SPDX-License-Identifier: GPL-2.0-only
/* Many who wait: their order, their number, and what parking costs. */
#include "chan_test.h"

#define CROWD		10000	/* at most */
#define STACK		(16 << 10)

static int crowd_ch;
static long *results;

static void *sender_main(void *arg)
{
	uint64_t v = (uintptr_t)arg;

	results[v] = send64(crowd_ch, v);
	return NULL;
}

/* Leaves the element received. */
static void *receiver_main(void *arg)
{
	results[(uintptr_t)arg] = recv64(crowd_ch);
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

/* Each is parked before the next one starts, so the order is known. */
static void park_crowd(pthread_t *threads, size_t n, void *(*fn)(void *), bool receivers)
{
	char *stacks = mmap(NULL, n * STACK, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	pthread_attr_t attr;
	uintptr_t i;

	if (stacks == MAP_FAILED)
		die("no stacks: %m");
	/* Otherwise each touched stack takes 2 MiB. */
	madvise(stacks, n * STACK, MADV_NOHUGEPAGE);
	pthread_attr_init(&attr);
	for (i = 0; i < n; i++) {
		must(-pthread_attr_setstack(&attr, stacks + i * STACK, STACK));
		must(-pthread_create(&threads[i], &attr, fn, (void *)i));
		wait_parked(crowd_ch, receivers ? i + 1 : 0, receivers ? 0 : i + 1);
	}
}

FIXTURE(crowd)
{
	pthread_t *threads;
};

FIXTURE_SETUP(crowd)
{
	if (!is_root())
		SKIP(return, "needs root, to raise limits on threads");
	raise_limits();
	results = calloc(CROWD, sizeof(*results));
	self->threads = calloc(CROWD, sizeof(*self->threads));
	crowd_ch = ch_make(8, 0, 0);
	ASSERT_LE(0, crowd_ch);
}

FIXTURE_TEARDOWN(crowd)
{
	close(crowd_ch);
}

TEST_F_TIMEOUT(crowd, a_crowd_of_parked_senders_is_served_in_order, 600)
{
	uint64_t n = scaled(CROWD), i;

	park_crowd(self->threads, n, sender_main, false);
	EXPECT_EQ(n, ch_info(crowd_ch).sendq);
	for (i = 0; i < n; i++)
		ASSERT_EQ(i, try_recv64(crowd_ch));
	for (i = 0; i < n; i++) {
		pthread_join(self->threads[i], NULL);
		ASSERT_EQ(0, results[i]);
	}
	EXPECT_EQ(n, ch_info(crowd_ch).sends);
	EXPECT_EQ(n, ch_info(crowd_ch).send_parks);
	EXPECT_EQ(0, ch_info(crowd_ch).aborts);
}

TEST_F_TIMEOUT(crowd, a_crowd_of_parked_receivers_is_served_in_order, 600)
{
	uint64_t n = scaled(2000), i;

	park_crowd(self->threads, n, receiver_main, true);
	EXPECT_EQ(n, ch_info(crowd_ch).recvq);
	for (i = 0; i < n; i++)
		ASSERT_EQ(0, try_send64(crowd_ch, i));
	for (i = 0; i < n; i++) {
		pthread_join(self->threads[i], NULL);
		ASSERT_EQ(i, results[i]);
	}
	EXPECT_EQ(n, ch_info(crowd_ch).handoffs);
}

TEST_F_TIMEOUT(crowd, close_wakes_a_crowd, 600)
{
	uint64_t n = scaled(2000), i;

	park_crowd(self->threads, n, sender_main, false);
	EXPECT_EQ(0, ch_close(crowd_ch));
	for (i = 0; i < n; i++) {
		pthread_join(self->threads[i], NULL);
		ASSERT_EQ(-EPIPE, results[i]);
	}
}

/* ---- parking allocates nothing ---- */

#define TRACING		"/sys/kernel/tracing/"

static const char * const alloc_events[] = {
	"kmem/kmalloc", "kmem/kmalloc_node", "kmem/kmem_cache_alloc",
	"kmem/kmem_cache_alloc_node", "kmem/mm_page_alloc",
};

static int set_events(const char *text)
{
	char path[128];
	unsigned int i;
	int n = 0;

	for (i = 0; i < ARRAY_SIZE(alloc_events); i++) {
		snprintf(path, sizeof(path), TRACING "events/%s/enable", alloc_events[i]);
		n += write_text(path, text) > 0;
	}
	return n;
}

/* Allocations traced so far, but for those of interrupts that came in between. */
static int count_allocations(char *first, size_t size)
{
	FILE *f = fopen(TRACING "trace", "r");
	char line[1024], *p;
	int n = 0;

	if (!f)
		die("no trace: %m");
	while (fgets(line, sizeof(line), f)) {
		/* task-pid [cpu] flags time: the third flag tells of an interrupt. */
		p = strchr(line, ']');
		if (*line == '#' || !p || strlen(p) < 6 || strchr("hHsZz", p[4]))
			continue;
		if (!n++)
			snprintf(first, size, "%s", line);
	}
	fclose(f);
	return n;
}

/* To open it so is what clears it; truncate(2) does not. */
static void clear_trace(void)
{
	close(must(open(TRACING "trace", O_WRONLY | O_TRUNC)));
}

struct parker {
	int ch;
	int back;
	int rounds;
	int quiet;		/* in the other cases of a select; or -1: no select */
};

/* One operation, by itself or as the last case of a select that fits a stack frame. */
static long do_one(const struct parker *p, struct chan_case one)
{
	struct chan_case cases[8];
	int i;

	for (i = 0; i < 7; i++)
		cases[i] = sel_recv(p->quiet, NULL, 0);
	cases[7] = one;
	if (p->quiet >= 0)
		return -(ch_select(one.ch, cases, 8) != 7);
	if (one.dir == CHAN_DIR_SEND)
		return ch_send(one.ch, (void *)(uintptr_t)one.elem, one.size);
	return ch_recv(one.ch, (void *)(uintptr_t)one.elem, one.size) - 1 - one.size;
}

/* Parks in a receive, then in a send, as often as it is asked to. */
static long park_and_park(struct task *t)
{
	struct parker *p = t->buf;
	uint64_t v = 0, two = 2;
	int i;

	/* The first time, user memory may have to be brought in. */
	for (i = 0; i < p->rounds + 1; i++) {
		must(do_one(p, sel_recv(p->ch, &v, 8)));
		if (v != 1)
			return -EIO;
		must(do_one(p, sel_send(p->back, &two, 8)));
	}
	close(must(ch_dup(p->ch, O_RDWR)));
	must(do_one(p, sel_recv(p->ch, &v, 8)));
	return v == 3 ? 0 : -EIO;
}

static void one_round(const struct parker *p)
{
	wait_parked(p->ch, 1, 0);
	must(send64(p->ch, 1));
	wait_parked(p->back, 0, 1);
	if (recv64(p->back) != 2)
		die("wrong element");
}

static void check_allocations(struct __test_metadata *_metadata, int quiet)
{
	struct parker p = {
		.ch = ch_make(8, 0, 0), .back = ch_make(8, 0, 0), .rounds = 100, .quiet = quiet,
	};
	struct task t = { .buf = &p, .fd = p.ch };
	char first[1024] = "", pid[16];
	int i, n;

	task_start(&t, park_and_park);
	one_round(&p);
	wait_parked(p.ch, 1, 0);

	snprintf(pid, sizeof(pid), "%d\n", task_tid(&t));
	must(write_text(TRACING "set_event_pid", pid));
	clear_trace();
	EXPECT_LT(2, set_events("1"));
	for (i = 0; i < p.rounds - 1; i++)
		one_round(&p);
	wait_parked(p.ch, 1, 0);
	n = count_allocations(first, sizeof(first));
	EXPECT_EQ(0, n) TH_LOG("the first of %d: %s", n, first);

	/* The same trace does see what the thread allocates in another command. */
	one_round(&p);
	wait_parked(p.ch, 1, 0);
	n = count_allocations(first, sizeof(first));
	set_events("0");
	EXPECT_LT(0, n);
	close(must(open(TRACING "set_event_pid", O_WRONLY | O_TRUNC)));
	clear_trace();
	must(send64(p.ch, 3));
	EXPECT_EQ(0, task_join(&t));
	EXPECT_LE(2 * p.rounds, ch_info(p.ch).recv_parks + ch_info(p.back).send_parks);
}

TEST(parking_allocates_nothing)
{
	if (access(TRACING "trace", W_OK))
		SKIP(return, "no tracefs at " TRACING);
	check_allocations(_metadata, -1);
}

TEST(parking_in_a_select_of_8_allocates_nothing)
{
	if (access(TRACING "trace", W_OK))
		SKIP(return, "no tracefs at " TRACING);
	check_allocations(_metadata, ch_make(8, 0, 0));
}

TEST_HARNESS_MAIN
