/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tests with many workers share: channels that are looked at when a test ends,
 * goroutines or processes, and two processors.
 */
#ifndef CREW_TEST_H
#define CREW_TEST_H

#include "go_test.h"

#define MOST_CHANNELS	2048
#define MOST_WORKERS	32

/* Numbers that tasks look at without disturbing those who use the memory beside them. */
struct beacon {
	uint32_t n;
} __attribute__((aligned(64)));

/* What a call that fails says, as one number. */
#define fails_with(call) ({						\
	errno = 0;							\
	(long)(call) == -1 ? errno : 0;					\
})

/* ---- channels, which are looked at when a test ends ---- */

static int made[MOST_CHANNELS];
static int n_made;

static inline int new_chan(size_t size, size_t cap)
{
	int ch = must(kchan_make(size, cap, 0));

	if (n_made == MOST_CHANNELS)
		die("too many channels");
	made[n_made++] = ch;
	return ch;
}

/* One of very many, made by way of an open descriptor, which is faster. */
static inline int make_short_lived(int ctl, uint64_t cap)
{
	struct chan_make m = {
		.size = sizeof(m), .fd_flags = O_CLOEXEC, .elem_size = 8, .cap = cap,
	};

	return must(xioctl(ctl, CHAN_IOC_MAKE, &m));
}

static inline void close_short_lived(int ch)
{
	if (!are_parked(ch, 0, 0))
		die("somebody is left in a queue");
	close(ch);
}

static inline void expect_empty_queues(struct __test_metadata *_metadata)
{
	int i;

	for (i = 0; i < n_made; i++) {
		EXPECT_EQ(0, ch_info(made[i]).recvq);
		EXPECT_EQ(0, ch_info(made[i]).sendq);
		close(made[i]);
	}
}

static inline int send_value(int ch, uint64_t v)
{
	return kchan_send(ch, &v, sizeof(v));
}

static inline int try_send_value(int ch, uint64_t v)
{
	return kchan_try_send(ch, &v, sizeof(v));
}

/* As a select with this case and a default. */
static inline int try_one(struct kchan_case c)
{
	int i = kchan_try_select(&c, 1);

	return i < 0 ? -1 : c.ok;
}

/* ---- workers: goroutines, or processes ---- */

/**
 * struct worker - a task and what it does
 * @fn: does it.
 * @arg: with this.
 * @done: it has returned, if it is a goroutine.
 * @pid: of a process; 0 for a goroutine.
 */
struct worker {
	void (*fn)(void *arg);
	void *arg;
	bool done;
	pid_t pid;
};

struct crew {
	struct worker w[MOST_WORKERS];
	int n;
	bool processes;
};

static struct kchan_wg wg;

static inline void run_worker(void *arg)
{
	struct worker *w = arg;

	w->fn(w->arg);
	__atomic_store_n(&w->done, true, __ATOMIC_RELEASE);
	must(kchan_wg_done(&wg));
}

static inline void begin(struct worker *w, void (*fn)(void *), void *arg)
{
	*w = (struct worker){ .fn = fn, .arg = arg };
	must(kchan_wg_add(&wg, 1));
	must(kchan_go(run_worker, w));
}

static inline bool is_done(const struct worker *w)
{
	return __atomic_load_n(&w->done, __ATOMIC_ACQUIRE);
}

static inline void await(const struct worker *w)
{
	if (!eventually(is_done(w)))
		die("a goroutine that should have ended still blocks");
}

static inline void await_all(void)
{
	must(kchan_wg_wait(&wg));
}

static inline void hire(struct crew *c, void (*fn)(void *), void *arg)
{
	struct worker *w = &c->w[c->n++];

	if (c->n > MOST_WORKERS)
		die("too many workers");
	if (!c->processes) {
		begin(w, fn, arg);
		return;
	}
	w->pid = child_fork();
	if (!w->pid) {
		fn(arg);
		_exit(0);
	}
}

static inline void await_crew(struct crew *c)
{
	int i;

	if (!c->processes)
		await_all();
	for (i = 0; c->processes && i < c->n; i++)
		if (child_wait(c->w[i].pid))
			die("worker %d failed", i);
}

/* ---- two processors ---- */

/* The same one twice, if there is but one. */
static int cpus[2];

static inline void find_cpus(void)
{
	cpu_set_t set;
	int cpu, n = 0;

	must(sched_getaffinity(0, sizeof(set), &set));
	for (cpu = 0; cpu < CPU_SETSIZE && n < 2; cpu++)
		if (CPU_ISSET(cpu, &set))
			cpus[n++] = cpu;
	if (n == 1)
		cpus[1] = cpus[0];
}

static inline void run_on(int i)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpus[i], &set);
	must(sched_setaffinity(0, sizeof(set), &set));
}

/*
 * Stay awake as long as the other task seems to run too.  After so many turns it may be
 * that its emulated processor waits for this one to sleep.
 */
static inline void spin(unsigned int *turns, unsigned int most)
{
	if (++*turns % most == 0)
		breathe();
	else if (*turns % 4096 == 0)
		sched_yield();
	else
		__asm__ volatile("" ::: "memory");
}

static inline void spin_until(const struct beacon *b, uint32_t n)
{
	unsigned int turns = 0;

	while (__atomic_load_n(&b->n, __ATOMIC_ACQUIRE) != n)
		spin(&turns, 1 << 19);
}

/* So that two tasks which begin together meet in another place in each round. */
static inline uint32_t jitter(uint32_t round)
{
	return round * 7919 % 1021;
}

static inline void dawdle(uint32_t turns)
{
	while (turns--)
		__asm__ volatile("" ::: "memory");
}

/* ---- send and receive in one form or another ---- */

enum form {
	PLAIN,
	SELECT,		/* with a channel that is quiet */
	TRY,		/* until it is ready */
	TRY_SELECT,
};

/* Nobody ever sends on it. */
static int quiet;

static inline void set_up(void)
{
	must(kchan_wg_init(&wg));
	find_cpus();
	quiet = new_chan(8, 0);
}

static inline int select_or_quiet(enum form form, struct kchan_case mine)
{
	struct kchan_case c[2] = { mine, { .ch = quiet, .dir = KCHAN_RECV } };
	int i = form == SELECT ? kchan_select(c, 2) : kchan_try_select(c, 2);

	if (i > 0)
		die("something came on the quiet channel");
	return i < 0 ? -1 : c[0].ok;
}

/* 0 or -errno. */
static inline int send_once(enum form form, int ch, uint64_t v)
{
	int ret;

	if (form == PLAIN)
		ret = kchan_send(ch, &v, sizeof(v));
	else if (form == TRY)
		ret = kchan_try_send(ch, &v, sizeof(v));
	else
		ret = select_or_quiet(form, sending(ch, &v, 8));
	return ret < 0 ? -errno : 0;
}

/* 1, 0 if the channel is closed, or -errno. */
static inline int recv_once(enum form form, int ch, uint64_t *v)
{
	int ret;

	if (form == PLAIN)
		ret = kchan_recv(ch, v, sizeof(*v));
	else if (form == TRY)
		ret = kchan_try_recv(ch, v, sizeof(*v));
	else
		ret = select_or_quiet(form, receiving(ch, v, 8));
	return ret < 0 ? -errno : ret;
}

static inline void send_by(enum form form, int ch, uint64_t v)
{
	unsigned int turns = 0;
	int ret;

	while ((ret = send_once(form, ch, v)) == -EAGAIN)
		spin(&turns, 32);
	must(ret);
}

static inline int recv_by(enum form form, int ch, uint64_t *v)
{
	unsigned int turns = 0;
	int ret;

	while ((ret = recv_once(form, ch, v)) == -EAGAIN)
		spin(&turns, 32);
	return must(ret);
}

#endif /* CREW_TEST_H */
