// SPDX-License-Identifier: GPL-2.0-only
/*
 * No path loses or doubles an element.  Processes send and receive, some are killed
 * and replaced, all are interrupted by timers; a table in shared memory says of each
 * element whether its send returned and how often it was received.
 *
 * An element handed to a task which is then killed counts as delivered: as many may be
 * missing from the table as receivers were killed, and no more.  One whose sender was
 * killed before its send returned may or may not have been sent.
 *
 * CHAN_STRESS_SECONDS sets how long each test runs; 1 by default.
 */
#include "chan_test.h"

#define SENDERS		4
#define RECEIVERS	4
#define LIVES		1024		/* of a sender, one after the other */
#define NUMBERS		(1 << 14)	/* elements of one life */
#define FEWEST		500		/* elements of one test */

/* What is known of one element: a receiver counts, its sender sets this. */
#define SENT		0x80

struct shared {
	int stop;
	uint32_t receivers_killed;
	uint32_t senders_killed;
	uint32_t next[SENDERS * LIVES];
	uint8_t seen[SENDERS * LIVES][NUMBERS];
};

struct element {
	uint32_t who;
	uint32_t number;
	uint64_t check;
};

struct crowd {
	struct shared *s;
	int ch;
	uint32_t size;		/* of an element; a struct element comes first */
	bool kill;
	bool by_file;		/* read and write instead of ioctl */
};

static void nothing(int sig)
{
	(void)sig;
}

/* Interrupt this process often, with a period of its own. */
static void start_timer(unsigned int i)
{
	struct sigaction sa = { .sa_handler = nothing, .sa_flags = i % 2 ? SA_RESTART : 0 };
	struct itimerval it = { { 0, 1500 + 300 * i }, { 0, 1500 + 300 * i } };

	must(sigaction(SIGALRM, &sa, NULL));
	must(setitimer(ITIMER_REAL, &it, NULL));
}

static long send_one(const struct crowd *c, const void *p)
{
	ssize_t n;

	if (!c->by_file)
		return ch_send(c->ch, p, c->size);
	n = write(c->ch, p, c->size);
	return n < 0 ? -errno : n == c->size ? 0 : -EIO;
}

static long recv_one(const struct crowd *c, void *p)
{
	ssize_t n;

	if (!c->by_file)
		return ch_recv(c->ch, p, c->size);
	n = read(c->ch, p, c->size);
	return n < 0 ? -errno : n ? n + 1 : 0;
}

static int sender(const struct crowd *c, uint32_t who)
{
	struct shared *s = c->s;
	unsigned char *room = calloc(1, c->size);
	struct element e = { .who = who };
	long ret;

	start_timer(who);
	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED) && e.number < NUMBERS) {
		e.check = ((uint64_t)who << 32 | e.number) * 0x9e3779b97f4a7c15ULL;
		memcpy(room, &e, sizeof(e));
		memcpy(room + c->size - sizeof(e), &e, sizeof(e));
		__atomic_store_n(&s->next[who], e.number + 1, __ATOMIC_RELAXED);
		while ((ret = send_one(c, room)) == -EINTR)
			;
		if (ret == -EPIPE)
			return 0;
		must(ret);
		__atomic_or_fetch(&s->seen[who][e.number], SENT, __ATOMIC_RELAXED);
		e.number++;
	}
	return 0;
}

static int receiver(const struct crowd *c, uint32_t who)
{
	unsigned char *room = calloc(1, c->size);
	struct element e;
	long ret;

	start_timer(who + SENDERS);
	for (;;) {
		ret = recv_one(c, room);
		if (!ret)
			return 0;
		if (ret == -EINTR)
			continue;
		must(ret);
		memcpy(&e, room, sizeof(e));
		if (memcmp(&e, room + c->size - sizeof(e), sizeof(e)) ||
		    e.who >= SENDERS * LIVES || e.number >= NUMBERS ||
		    e.check != ((uint64_t)e.who << 32 | e.number) * 0x9e3779b97f4a7c15ULL)
			die("a torn element: %u %u", e.who, e.number);
		__atomic_add_fetch(&c->s->seen[e.who][e.number], 1, __ATOMIC_RELAXED);
	}
}

static pid_t start(const struct crowd *c, int (*fn)(const struct crowd *, uint32_t), uint32_t who)
{
	pid_t pid = child_fork();

	if (!pid)
		_exit(fn(c, who));
	return pid;
}

struct members {
	pid_t tx[SENDERS];
	pid_t rx[RECEIVERS];
	uint32_t lives[SENDERS];
};

/* The next life of a sender; false when it has had them all. */
static bool next_life(const struct crowd *c, struct members *m, int i)
{
	if (++m->lives[i] == LIVES)
		return false;
	m->tx[i] = start(c, sender, i * LIVES + m->lives[i]);
	return true;
}

/* Kill one at random and put another in its place. */
static bool kill_one(const struct crowd *c, struct members *m)
{
	int i = rand() % (SENDERS + RECEIVERS);

	if (i < SENDERS) {
		if (child_kill(m->tx[i]) == 128 + SIGKILL)
			c->s->senders_killed++;
		return next_life(c, m, i);
	}
	i -= SENDERS;
	if (child_kill(m->rx[i]) != 128 + SIGKILL)
		die("a receiver ended by itself");
	c->s->receivers_killed++;
	m->rx[i] = start(c, receiver, i);
	return true;
}

/* Senders that are out of numbers go on in their next life. */
static bool revive(const struct crowd *c, struct members *m)
{
	int i, status;

	for (i = 0; i < SENDERS; i++) {
		if (waitpid(m->tx[i], &status, WNOHANG) != m->tx[i])
			continue;
		if (status)
			die("a sender failed: status 0x%x", status);
		if (!next_life(c, m, i))
			return false;
	}
	return true;
}

/* The time is up, and something did happen in it, slow as the machine may be. */
static bool enough(const struct crowd *c, uint64_t start_ns)
{
	uint64_t now = now_ns();

	if (now < start_ns + stress_ns(1))
		return false;
	return ch_info(c->ch).sends >= FEWEST || now > start_ns + stress_ns(1) + PATIENCE_NS;
}

static void run_crowd(struct __test_metadata *_metadata, const struct crowd *c)
{
	uint64_t start_ns = now_ns();
	struct members m = {};
	int i;

	for (i = 0; i < RECEIVERS; i++)
		m.rx[i] = start(c, receiver, i);
	for (i = 0; i < SENDERS; i++)
		m.tx[i] = start(c, sender, i * LIVES);
	while (!enough(c, start_ns)) {
		usleep(10000);
		if (!revive(c, &m) || (c->kill && !kill_one(c, &m)))
			break;
	}
	__atomic_store_n(&c->s->stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < SENDERS; i++)
		if (m.lives[i] < LIVES)
			EXPECT_EQ(0, child_wait(m.tx[i]));
	must(ch_close(c->ch));
	for (i = 0; i < RECEIVERS; i++)
		EXPECT_EQ(0, child_wait(m.rx[i]));
}

static void check_table(struct __test_metadata *_metadata, const struct crowd *c)
{
	uint64_t started = 0, returned = 0, received = 0, missing = 0, doubled = 0, unreturned = 0;
	const struct shared *s = c->s;
	struct chan_info info = ch_info(c->ch);
	uint32_t who, n;

	for (who = 0; who < SENDERS * LIVES; who++) {
		started += s->next[who];
		for (n = 0; n < s->next[who]; n++) {
			uint8_t seen = s->seen[who][n], times = seen & ~SENT;

			returned += !!(seen & SENT);
			received += times;
			doubled += times > 1;
			missing += (seen & SENT) && !times;
			unreturned += !(seen & SENT) && times;
		}
	}
	TH_LOG("sent %llu, parked %llu times, killed %u senders and %u receivers, missing %llu",
	       (unsigned long long)info.sends,
	       (unsigned long long)(info.send_parks + info.recv_parks), s->senders_killed,
	       s->receivers_killed, (unsigned long long)missing);
	EXPECT_LE(FEWEST, info.sends);
	EXPECT_EQ(0, doubled);
	EXPECT_GE(s->receivers_killed, missing);
	EXPECT_GE(s->senders_killed, unreturned);
	EXPECT_GE(s->senders_killed, started - returned);
	/* What the channel counted. */
	EXPECT_EQ(info.sends, info.receives);
	EXPECT_EQ(0, info.len + info.lost);
	EXPECT_EQ(0, info.recvq + info.sendq);
	EXPECT_GE(info.sends, returned);
	EXPECT_GE(returned + s->senders_killed, info.sends);
	EXPECT_GE(info.receives, received);
	EXPECT_GE(received + s->receivers_killed, info.receives);
}

FIXTURE(crowd)
{
	struct crowd c;
};

FIXTURE_VARIANT(crowd)
{
	uint64_t cap;
};

FIXTURE_VARIANT_ADD(crowd, cap_0) { .cap = 0 };
FIXTURE_VARIANT_ADD(crowd, cap_1) { .cap = 1 };
FIXTURE_VARIANT_ADD(crowd, cap_7) { .cap = 7 };
FIXTURE_VARIANT_ADD(crowd, cap_100) { .cap = 100 };

FIXTURE_SETUP(crowd)
{
	self->c.s = shared_alloc(sizeof(*self->c.s));
	self->c.size = 32;
	srand(now_ns());
}

FIXTURE_TEARDOWN(crowd)
{
	close(self->c.ch);
}

static void run_with(struct __test_metadata *_metadata, struct crowd *c, uint64_t cap)
{
	c->ch = ch_make(c->size, cap, 0);
	ASSERT_LE(0, c->ch);
	run_crowd(_metadata, c);
	check_table(_metadata, c);
}

TEST_F_TIMEOUT(crowd, signals_lose_and_double_nothing, 3600)
{
	run_with(_metadata, &self->c, variant->cap);
}

TEST_F_TIMEOUT(crowd, kills_lose_only_what_was_handed_to_the_killed, 3600)
{
	self->c.kill = true;
	run_with(_metadata, &self->c, variant->cap);
}

TEST_F_TIMEOUT(crowd, kills_with_large_elements, 3600)
{
	uint64_t before = ch_query(chanctl()).user_bytes;

	self->c.kill = true;
	self->c.size = 3000;
	run_with(_metadata, &self->c, variant->cap);
	close(self->c.ch);
	EXPECT_TRUE(eventually(ch_query(chanctl()).user_bytes == before));
	self->c.ch = -1;
}

TEST_F_TIMEOUT(crowd, kills_with_read_and_write, 3600)
{
	self->c.kill = true;
	self->c.by_file = true;
	run_with(_metadata, &self->c, variant->cap);
}

/* ---- who is woken may be gone at once, with all its memory ---- */

static void *receive_and_vanish(void *arg)
{
	uint64_t v;

	ch_recv((intptr_t)arg, &v, sizeof(v));
	return NULL;
}

static void *send_and_vanish(void *arg)
{
	send64((intptr_t)arg, 1);
	return NULL;
}

/* One parked thread, ended in the way that @i says, while others come and go. */
static void one_short_life(int i)
{
	int ch = must(ch_make(8, 0, 0));
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	must(-pthread_create(&thread, &attr, i & 1 ? send_and_vanish : receive_and_vanish,
			     (void *)(intptr_t)ch));
	pthread_attr_destroy(&attr);
	wait_parked(ch, !(i & 1), i & 1);
	if (i & 2)
		must(ch_close(ch));
	else if (i & 1)
		must(ch_try_recv(ch, NULL, 0));
	else
		must(try_send64(ch, 1));
	close(ch);
}

static long short_lives(struct task *t)
{
	int i = 0;

	do
		one_short_life(i++);
	while (now_ns() < t->deadline);
	return i;
}

/* Corner case 11: what could touch them after that, KASAN or KFENCE would find. */
TEST(waiters_that_vanish_once_they_are_woken)
{
	uint64_t before = ch_query(chanctl()).channels;
	struct task t[4];
	int i;

	for (i = 0; i < 4; i++) {
		t[i] = (struct task){ .deadline = now_ns() + stress_ns(1) };
		task_start(&t[i], short_lives);
	}
	for (i = 0; i < 4; i++) {
		while (!task_done(&t[i]))
			usleep(1000);
		EXPECT_LT(0, task_join(&t[i]));
	}
	EXPECT_TRUE(eventually(ch_query(chanctl()).channels == before));
}

TEST_HARNESS_MAIN
