// SPDX-License-Identifier: GPL-2.0-only
/*
 * A storm of kills.  Processes of several threads send, receive, select, call, poll and make
 * channels of their own, and are killed at random moments, one after the other.  Two others,
 * who use the same channels, are never killed, and must not stop; in the end nothing is left.
 *
 * CHAN_KILLS sets how many are killed, 100 by default (scaled); CHAN_SEED repeats what they do.
 */
#include "chan_test.h"

#define WORKERS		6
#define THREADS		3
#define LONG		3000
#define LARGE		65536
#define SOON		(3 * MS)
#define HELD		60
#define LOOKS		32		/* kills between two looks at the survivors */
#define DEEDS		10

/* What everybody uses. */
enum { WORDS, BUFFERED, MESSAGES, LARGES, BACK, TICKS, SHARED };

struct storm {
	int ch[SHARED];
	uint64_t seed;
	uint64_t steps[2];	/* of the survivors */
	uint64_t done[DEEDS];	/* of those who are killed: what came to something, by deed */
	unsigned int kills;
};

struct party {
	struct storm *s;
	uint32_t random;
	int held[HELD];		/* descriptors */
	unsigned int n_held;
	unsigned char room[LARGE];
};

static uint32_t draw(struct party *p, uint32_t n)
{
	p->random = p->random * 1664525 + 1013904223;
	return ((uint64_t)p->random * n) >> 32;
}

/* ---- what those do who are killed; each says whether it came to something ---- */

/* How long an element is, on each of the channels. */
static uint32_t some_size(struct party *p, int i)
{
	if (i == MESSAGES)
		return draw(p, 2) ? draw(p, LONG) : draw(p, 64);
	return i == LARGES ? LARGE : 8;
}

/* The room that any element of the channel fits. */
static uint32_t room_for(struct party *p, int i)
{
	return i == MESSAGES ? LONG : some_size(p, i);
}

static bool do_send(struct party *p)
{
	int i = draw(p, BACK + 1);

	return ch_send(p->s->ch[i], p->room, some_size(p, i)) >= 0;
}

static bool do_recv(struct party *p)
{
	int i = draw(p, SHARED);

	return ch_recv(p->s->ch[i], p->room, room_for(p, i)) > 0;
}

static bool do_until(struct party *p)
{
	int i = draw(p, BACK + 1);

	if (draw(p, 2))
		return !ch_send_until(p->s->ch[i], p->room, some_size(p, i), now_ns() + SOON);
	return ch_recv_until(p->s->ch[i], p->room, room_for(p, i), now_ns() + SOON) > 0;
}

static bool do_file(struct party *p)
{
	int i = draw(p, BACK);

	if (draw(p, 2))
		return write(p->s->ch[i], p->room, some_size(p, i)) >= 0;
	return read(p->s->ch[i], p->room, draw(p, sizeof(p->room))) > 0;
}

static bool do_batch(struct party *p)
{
	int ch = p->s->ch[draw(p, BUFFERED + 1)];

	if (draw(p, 2))
		return ch_send_n(ch, p->room, 1 + draw(p, 20)) > 0;
	return ch_recv_n(ch, p->room, 1 + draw(p, 20)) > 0;
}

static struct chan_case some_case(struct party *p)
{
	int i = draw(p, SHARED);

	if (i != TICKS && draw(p, 2))
		return sel_send(p->s->ch[i], p->room, some_size(p, i));
	return sel_recv(p->s->ch[i], p->room, room_for(p, i));
}

static bool do_select(struct party *p)
{
	uint32_t n = 2 + draw(p, 8), i;
	struct chan_case cases[10];

	for (i = 0; i < n; i++)
		cases[i] = some_case(p);
	if (draw(p, 4))
		return ch_select(p->s->ch[0], cases, n) >= 0;
	return ch_try_select(p->s->ch[0], cases, n) >= 0;
}

static bool do_call(struct party *p)
{
	uint64_t rep;
	struct chan_call call = {
		.size = sizeof(call), .out = CHAN_CALL_HERE, .in = p->s->ch[BACK],
		.req = (uintptr_t)p->room, .rep = (uintptr_t)&rep, .req_size = 8, .rep_size = 8,
		.deadline = CHAN_FOREVER,
	};

	return xioctl(p->s->ch[WORDS], CHAN_IOC_CALL, &call) >= 0;
}

static bool do_poll(struct party *p)
{
	struct pollfd fds[SHARED];
	int i;

	for (i = 0; i < SHARED; i++)
		fds[i] = (struct pollfd){ p->s->ch[i], POLLIN | POLLOUT, 0 };
	return poll(fds, SHARED, 1) > 0;
}

/* In the place of the one that is held longest. */
static void hold(struct party *p, int fd)
{
	int *place = &p->held[p->n_held++ % HELD];

	if (*place > 0)
		close(*place);
	*place = fd;
}

/* Left behind: with elements in it, in queues of its own, with two ends. */
static bool do_hold(struct party *p)
{
	int ch = ch_make(LONG, 4, CHAN_MESSAGE | CHAN_AUTOCLOSE);
	bool done = !ch_send(ch, p->room, LONG) && !ch_send(ch, p->room, 10);

	hold(p, ch_dup(ch, O_RDONLY));
	hold(p, ch_ticker_at(now_ns(), MS));
	if (draw(p, 2))
		close(ch);
	else
		hold(p, ch);
	return done;
}

static bool (*const deeds[DEEDS])(struct party *p) = {
	do_send, do_recv, do_until, do_file, do_batch, do_select, do_select, do_call, do_poll,
	do_hold,
};

static void *act(void *arg)
{
	struct party *p = arg;
	unsigned int i;

	for (;;) {
		i = draw(p, DEEDS);
		if (deeds[i](p))
			__atomic_add_fetch(&p->s->done[i], 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static pid_t start_worker(struct storm *s, uint32_t seed)
{
	pid_t pid = child_fork();
	pthread_t thread;
	int i;

	if (pid)
		return pid;
	for (i = 0; i < THREADS; i++) {
		struct party *p = calloc(1, sizeof(*p));

		p->s = s;
		p->random = seed * THREADS + i;
		must(-pthread_create(&thread, NULL, act, p));
	}
	for (;;)
		pause();
}

/* ---- those who are not ---- */

/*
 * One sends on whichever channel takes it, the other receives from whichever has something: so
 * whatever the others do, these two can go on.  The deadline is for a test that fails.
 */
static __noreturn void survive(struct storm *s, bool sends)
{
	struct party p = { .s = s };
	struct chan_case cases[BACK + 1];
	long ret;
	int i;

	for (;;) {
		for (i = 0; i <= BACK; i++) {
			if (sends)
				cases[i] = sel_send(s->ch[i], p.room, some_size(&p, i));
			else
				cases[i] = sel_recv(s->ch[i], p.room, room_for(&p, i));
		}
		ret = ch_select_until(s->ch[0], cases, ARRAY_SIZE(cases),
				      now_ns() + PATIENCE_NS);
		if (ret < 0)
			die("a survivor that %s: %ld", sends ? "sends" : "receives", ret);
		__atomic_add_fetch(&s->steps[sends], 1, __ATOMIC_RELAXED);
	}
}

static pid_t start_survivor(struct storm *s, bool sends)
{
	pid_t pid = child_fork();

	if (!pid)
		survive(s, sends);
	return pid;
}

static bool go_on(struct storm *s)
{
	uint64_t before[2];
	int i;

	for (i = 0; i < 2; i++) {
		before[i] = __atomic_load_n(&s->steps[i], __ATOMIC_RELAXED);
		if (!eventually(__atomic_load_n(&s->steps[i], __ATOMIC_RELAXED) > before[i] + 1))
			return false;
	}
	return true;
}

/* ---- the storm ---- */

static void open_shared(struct storm *s)
{
	s->ch[WORDS] = ch_make(8, 0, 0);
	s->ch[BUFFERED] = ch_make(8, 5, 0);
	s->ch[MESSAGES] = ch_make(LONG, 2, CHAN_MESSAGE);
	s->ch[LARGES] = ch_make(LARGE, 0, 0);
	s->ch[BACK] = ch_make(8, 0, 0);
	s->ch[TICKS] = ch_ticker_at(now_ns(), MS);
}

static void close_shared(struct storm *s)
{
	int i;

	for (i = 0; i < SHARED; i++)
		close(s->ch[i]);
}

/* Now and then it is to be killed when it has just begun, or long after. */
static void let_pass(struct party *p)
{
	uint64_t us = draw(p, 4) ? draw(p, 400) : draw(p, 4000);

	linger(us * 1000);
}

/* Whether all of them are killed, and the survivors go on. */
static bool rage(struct __test_metadata *_metadata, struct storm *s, unsigned int kills)
{
	struct party killer = { .random = s->seed };
	pid_t workers[WORKERS];
	unsigned int n, i;
	bool sound = kills;

	for (i = 0; i < WORKERS; i++)
		workers[i] = start_worker(s, s->seed + i);
	for (n = 0; n < kills && sound; n++) {
		i = draw(&killer, WORKERS);
		let_pass(&killer);
		EXPECT_EQ(128 + SIGKILL, child_kill(workers[i])) {
			TH_LOG("kill %u does not end it", n);
			sound = false;
		}
		workers[i] = start_worker(s, s->seed + WORKERS + n);
		if (n % LOOKS == 0)
			EXPECT_TRUE(sound = sound && go_on(s)) TH_LOG("after %u kills", n);
	}
	for (i = 0; i < WORKERS; i++)
		EXPECT_EQ(128 + SIGKILL, child_kill(workers[i]));
	for (i = 0; i < DEEDS && kills > 50; i++)
		EXPECT_LT(0, s->done[i]) TH_LOG("deed %u", i);
	s->kills = n;
	return sound;
}

/*
 * Root has parked and been killed while its pages were locked.  If any of them are still counted,
 * somebody who may lock no more than those of one element may not lock these either.
 */
static int receive_with_pages_locked(void *arg)
{
	unsigned char *memory = mmap(NULL, 2 * LARGE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* Half of it is left to others. */
	struct rlimit limit = { .rlim_cur = 2 * LARGE, .rlim_max = 2 * LARGE };
	uint64_t before = read_total("one_copies");
	int ch = ch_make(LARGE, 0, 0);
	struct task t = {};

	(void)arg;
	must(setrlimit(RLIMIT_MEMLOCK, &limit));
	drop_capabilities();
	park_recv(&t, ch, memory, LARGE);
	must(ch_send(ch, memory + LARGE, LARGE));
	check(task_join(&t) == LARGE + 1);
	check(read_total("one_copies") == before + once());
	return 0;
}

FIXTURE(storm)
{
};

FIXTURE_SETUP(storm)
{
}

FIXTURE_TEARDOWN(storm)
{
}

TEST_F_TIMEOUT(storm, survivors_go_on_and_nothing_is_left, 7200)
{
	unsigned int kills = number_from("CHAN_KILLS", scaled(100));
	struct storm *s = shared_alloc(sizeof(*s));
	bool sound;
	struct chan_query before, after;
	uint64_t deeds_done = 0;
	pid_t survivors[2];
	int i;

	s->seed = number_from("CHAN_SEED", now_ns());
	EXPECT_EQ(0, child_wait(child_start(receive_with_pages_locked, NULL)));
	before = ch_query(chanctl());
	open_shared(s);
	for (i = 0; i < 2; i++)
		survivors[i] = start_survivor(s, i);
	sound = rage(_metadata, s, kills);
	for (i = 0; i < DEEDS; i++)
		deeds_done += s->done[i];
	TH_LOG("CHAN_SEED=%llu: %u killed, %llu sends and %llu receives of the survivors",
	       (unsigned long long)s->seed, s->kills, (unsigned long long)s->steps[1],
	       (unsigned long long)s->steps[0]);
	TH_LOG("of what the others did %llu came to something", (unsigned long long)deeds_done);
	if (sound)
		EXPECT_TRUE(go_on(s));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(128 + SIGKILL, child_kill(survivors[i]));
	for (i = 0; i < SHARED; i++)
		EXPECT_TRUE(are_parked(s->ch[i], 0, 0)) TH_LOG("channel %d", i);
	close_shared(s);

	EXPECT_TRUE(eventually(ch_query(chanctl()).channels == before.channels));
	after = ch_query(chanctl());
	EXPECT_EQ(before.user_channels, after.user_channels);
	EXPECT_EQ(before.user_bytes, after.user_bytes);
	EXPECT_EQ(before.user_names, after.user_names);
	EXPECT_EQ(0, child_wait(child_start(receive_with_pages_locked, NULL)));
}

TEST_HARNESS_MAIN
