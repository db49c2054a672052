// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is sent is received once, as it was.  Threads of several processes transfer elements at
 * random, in every way there is, on channels of every kind, and are interrupted by timers.  Each
 * element has a number of its own, and a table in shared memory says of each number whether a
 * send of it has succeeded, and how often it was received.
 *
 * CHAN_OPERATIONS sets how many operations, 20000 by default; CHAN_SEED repeats what they are.  Of
 * what transfers several words, each word is one.
 */
#include "chan_test.h"

#define PROCESSES	2
#define THREADS		4
#define TASKS		(PROCESSES * THREADS)
#define LARGEST		9000
#define BATCH		16
#define CASES		4
#define SOON		(MS / 5)
#define INTERRUPTS	1500		/* microseconds between two of them */
#define NUMBERS		3		/* at most so many for an operation, on average */

/* What is known of an element: receivers count, its sender sets this. */
#define SENT		0x80

static const struct kind {
	const char *name;
	uint32_t size, cap, flags, weight;
} kinds[] = {
	{ "words, unbuffered", 8, 0, 0, 8 },
	{ "words, 1", 8, 1, 0, 4 },
	{ "words, 50", 8, 50, 0, 4 },
	{ "short, unbuffered", 40, 0, 0, 4 },
	{ "short, 5", 40, 5, 0, 4 },
	{ "long, 3", 700, 3, 0, 2 },
	{ "messages, unbuffered", 1000, 0, CHAN_MESSAGE, 2 },
	{ "messages, 4", 1000, 4, CHAN_MESSAGE, 2 },
	{ "large, unbuffered", LARGEST, 0, 0, 1 },
};

#define KINDS	ARRAY_SIZE(kinds)

struct balance {
	int ch[KINDS];
	uint64_t seed, operations, numbers;
	uint64_t next;			/* number that nobody has had */
	uint64_t done[TASKS][8];	/* a cache line each, of which the first counts */
	uint64_t interrupted, late, unready;
	uint8_t seen[];
};

struct party {
	struct balance *b;
	uint64_t random;
	uint64_t spare[BATCH];		/* numbers it has, of sends that did not succeed */
	unsigned int n_spare;
	unsigned char room[CASES][LARGEST];
};

static uint32_t draw(struct party *p, uint32_t n)
{
	p->random = p->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return ((p->random >> 32) * n) >> 32;
}

static unsigned int some_kind(struct party *p)
{
	unsigned int sum = 0, i, at;

	for (i = 0; i < KINDS; i++)
		sum += kinds[i].weight;
	at = draw(p, sum);
	for (i = 0; at >= kinds[i].weight; i++)
		at -= kinds[i].weight;
	return i;
}

/* ---- elements ---- */

static uint64_t take_number(struct party *p)
{
	uint64_t number;

	if (p->n_spare)
		return p->spare[--p->n_spare];
	number = __atomic_fetch_add(&p->b->next, 1, __ATOMIC_RELAXED);
	if (number >= p->b->numbers)
		die("out of numbers");
	return number;
}

static void give_back(struct party *p, uint64_t number)
{
	if (p->n_spare < BATCH)
		p->spare[p->n_spare++] = number;
}

/* How long the element of that number is on a channel of this kind. */
static uint32_t size_of(const struct kind *kind, uint64_t number)
{
	return kind->flags & CHAN_MESSAGE ? 8 + number * 7919 % (kind->size - 7) : kind->size;
}

static uint32_t write_element(struct party *p, const struct kind *kind, unsigned char *room)
{
	uint64_t number = take_number(p);
	uint32_t size = size_of(kind, number);

	memcpy(room, &number, 8);
	fill(room + 8, size - 8, number);
	return size;
}

static uint64_t number_in_element(const unsigned char *room)
{
	uint64_t number;

	memcpy(&number, room, 8);
	return number;
}

static void was_sent(struct party *p, uint64_t number)
{
	__atomic_or_fetch(&p->b->seen[number], SENT, __ATOMIC_RELAXED);
}

static void was_received(struct balance *b, const struct kind *kind, const unsigned char *room,
			 uint64_t size)
{
	uint64_t number = number_in_element(room);

	if (number >= b->numbers || size != size_of(kind, number) ||
	    !is_filled(room + 8, size - 8, number))
		die("%s: a torn element: number %llu, %llu bytes", kind->name,
		    (unsigned long long)number, (unsigned long long)size);
	__atomic_add_fetch(&b->seen[number], 1, __ATOMIC_RELAXED);
}

/* How patient an operation is. */
enum patience { TRY, UNTIL, FOREVER };

static enum patience some_patience(struct party *p)
{
	static const enum patience some[] = { TRY, UNTIL, UNTIL, FOREVER };

	return some[draw(p, ARRAY_SIZE(some))];
}

/* Of an operation that transfers nothing: it has to say why, and that has to be true. */
static void came_to_nothing(struct party *p, const char *what, enum patience how, long error)
{
	uint64_t *count = NULL;

	if (error == -EINTR && how != TRY)
		count = &p->b->interrupted;
	else if (error == -ETIMEDOUT && how == UNTIL)
		count = &p->b->late;
	else if (error == -EAGAIN && how == TRY)
		count = &p->b->unready;
	else
		die("%s: %s", what, strerror(-error));
	__atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
}

/* ---- operations: how many they were ---- */

static long by_file(bool sends, int ch, void *room, uint32_t size)
{
	long n = sends ? write(ch, room, size) : read(ch, room, size);

	if (n < 0)
		return -errno;
	return sends ? 0 : n + 1;
}

/* 0, or the size of what was received and 1 more, as the commands say it. */
static long transfer(struct party *p, bool sends, enum patience how, int ch, void *room,
		     uint32_t size)
{
	switch (how) {
	case TRY:
		return ch_xfer(ch, sends ? CHAN_IOC_SEND : CHAN_IOC_RECV, room, size,
			       CHAN_XFER_TRY);
	case UNTIL:
		return ch_xfer_until(ch, sends ? CHAN_IOC_SEND_UNTIL : CHAN_IOC_RECV_UNTIL, room,
				     size, now_ns() + SOON);
	case FOREVER:
		break;
	}
	if (!draw(p, 4))
		return by_file(sends, ch, room, size);
	return sends ? ch_send(ch, room, size) : ch_recv(ch, room, size);
}

static uint32_t do_send(struct party *p)
{
	enum patience how = some_patience(p);
	unsigned int i = some_kind(p);
	uint32_t size = write_element(p, &kinds[i], p->room[0]);
	uint64_t number = number_in_element(p->room[0]);
	long ret = transfer(p, true, how, p->b->ch[i], p->room[0], size);

	if (ret) {
		give_back(p, number);
		came_to_nothing(p, "send", how, ret);
	} else {
		was_sent(p, number);
	}
	return 1;
}

static uint32_t do_recv(struct party *p)
{
	enum patience how = some_patience(p);
	unsigned int i = some_kind(p);
	long ret = transfer(p, false, how, p->b->ch[i], p->room[0], kinds[i].size);

	if (ret > 0)
		was_received(p->b, &kinds[i], p->room[0], ret - 1);
	else
		came_to_nothing(p, "receive", how, ret);
	return 1;
}

/* Channels of words are the first ones. */
static unsigned int some_words(struct party *p)
{
	return draw(p, 3);
}

static uint32_t do_send_batch(struct party *p)
{
	uint64_t words[BATCH];
	uint32_t n = 1 + draw(p, BATCH), i;
	long sent;

	for (i = 0; i < n; i++)
		words[i] = take_number(p);
	sent = ch_batch(p->b->ch[some_words(p)], CHAN_IOC_SEND_N, (struct chan_batch){
		.elems = (uintptr_t)words, .n = n, .flags = CHAN_BATCH_UNTIL,
		.deadline = now_ns() + SOON,
	});
	if (sent < 0)
		came_to_nothing(p, "send of several", UNTIL, sent);
	for (i = 0; i < n; i++) {
		if ((long)i < sent)
			was_sent(p, words[i]);
		else
			give_back(p, words[i]);
	}
	return sent > 0 ? sent : 1;
}

static uint32_t do_recv_batch(struct party *p)
{
	const struct kind *kind = &kinds[some_words(p)];
	uint64_t words[BATCH];
	long n, i;

	n = ch_batch(p->b->ch[kind - kinds], CHAN_IOC_RECV_N, (struct chan_batch){
		.elems = (uintptr_t)words, .n = 1 + draw(p, BATCH), .flags = CHAN_BATCH_UNTIL,
		.deadline = now_ns() + SOON,
	});
	if (n < 0)
		came_to_nothing(p, "receive of several", UNTIL, n);
	for (i = 0; i < n; i++)
		was_received(p->b, kind, (unsigned char *)&words[i], 8);
	return n > 0 ? n : 1;
}

static long select_in_some_way(struct party *p, enum patience how,
			       struct chan_case *cases, uint32_t n)
{
	int ch = p->b->ch[0];

	switch (how) {
	case TRY:
		return ch_try_select(ch, cases, n);
	case UNTIL:
		return ch_select_until(ch, cases, n, now_ns() + SOON);
	case FOREVER:
		break;
	}
	return ch_select(ch, cases, n);
}

static uint32_t do_select(struct party *p)
{
	enum patience how = some_patience(p);
	const struct kind *kind[CASES];
	struct chan_case cases[CASES];
	uint32_t n = 1 + draw(p, CASES), i;
	long chosen;

	for (i = 0; i < n; i++) {
		kind[i] = &kinds[some_kind(p)];
		cases[i] = sel_recv(p->b->ch[kind[i] - kinds], p->room[i], kind[i]->size);
		if (draw(p, 2)) {
			cases[i].dir = CHAN_DIR_SEND;
			cases[i].size = write_element(p, kind[i], p->room[i]);
		}
	}
	chosen = select_in_some_way(p, how, cases, n);
	if (chosen < 0)
		came_to_nothing(p, "select", how, chosen);
	for (i = 0; i < n; i++) {
		if (cases[i].dir == CHAN_DIR_RECV) {
			if (chosen == i)
				was_received(p->b, kind[i], p->room[i], cases[i].len);
		} else if (chosen == i) {
			was_sent(p, number_in_element(p->room[i]));
		} else {
			give_back(p, number_in_element(p->room[i]));
		}
	}
	return 1;
}

/* Whoever receives the request, and whoever sends the reply. */
static uint32_t do_call(struct party *p)
{
	uint64_t req = take_number(p), rep;
	struct chan_call call = {
		.size = sizeof(call), .out = CHAN_CALL_HERE, .in = p->b->ch[1],
		.req = (uintptr_t)&req, .rep = (uintptr_t)&rep, .req_size = 8, .rep_size = 8,
		.deadline = now_ns() + SOON,
	};
	long ret = xioctl(p->b->ch[0], CHAN_IOC_CALL, &call);

	if (ret > 0) {
		was_sent(p, req);
		was_received(p->b, &kinds[1], (unsigned char *)&rep, ret - 1);
		return 2;
	}
	if (call.flags & CHAN_CALL_SENT)
		was_sent(p, req);
	else
		give_back(p, req);
	came_to_nothing(p, "call", UNTIL, ret);
	return 1;
}

static uint32_t do_look(struct party *p)
{
	int ch = p->b->ch[some_kind(p)];
	struct pollfd fd = { ch, POLLIN | POLLOUT, 0 };

	must(ch_len(ch));
	if (poll(&fd, 1, 0) < 0 && errno != EINTR)
		die("poll: %m");
	ch_info(ch);
	return 1;
}

static uint32_t (*const deeds[])(struct party *p) = {
	do_send, do_send, do_send, do_send, do_send,
	do_recv, do_recv, do_recv, do_recv, do_recv,
	do_send_batch, do_recv_batch, do_send_batch, do_recv_batch,
	do_select, do_select, do_call, do_look,
};

/* ---- tasks ---- */

static void mask_alarm(int how)
{
	sigset_t alarm;

	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	must(-pthread_sigmask(how, &alarm, NULL));
}

static long act(struct task *t)
{
	struct party *p = calloc(1, sizeof(*p));
	uint64_t *done, n = 0;

	mask_alarm(SIG_UNBLOCK);
	p->b = t->buf;
	p->random = p->b->seed + t->value;
	done = p->b->done[t->value];
	while (n < p->b->operations / TASKS) {
		n += deeds[draw(p, ARRAY_SIZE(deeds))](p);
		__atomic_store_n(done, n, __ATOMIC_RELAXED);
	}
	free(p);
	return 0;
}

/*
 * Interrupts the threads of this process often, but for the current one; half of the processes
 * have their calls restarted.
 */
static void start_timer(unsigned int process)
{
	mask_alarm(SIG_BLOCK);
	start_storm(process % 2 ? SA_RESTART : 0, INTERRUPTS);
}

static pid_t start_process(struct balance *b, unsigned int process)
{
	pid_t pid = child_fork();
	struct task t[THREADS];
	int i;

	if (pid)
		return pid;
	start_timer(process);
	for (i = 0; i < THREADS; i++) {
		t[i] = (struct task){ .buf = b, .value = process * THREADS + i };
		task_start(&t[i], act);
	}
	for (i = 0; i < THREADS; i++) {
		while (!task_done(&t[i]))
			usleep(10000);
		must(task_join(&t[i]));
	}
	_exit(0);
}

static uint64_t count_done(const struct balance *b)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < TASKS; i++)
		sum += __atomic_load_n(&b->done[i][0], __ATOMIC_RELAXED);
	return sum;
}

static bool all_done(const struct balance *b)
{
	int i;

	for (i = 0; i < TASKS; i++) {
		if (__atomic_load_n(&b->done[i][0], __ATOMIC_RELAXED) < b->operations / TASKS)
			return false;
	}
	return true;
}

/* Where all of them wait for each other, each channel gets a partner. */
static void help(struct party *helper)
{
	struct balance *b = helper->b;
	unsigned char *room = helper->room[0];
	uint32_t size;
	unsigned int i;
	long ret;

	for (i = 0; i < KINDS; i++) {
		ret = ch_try_recv(b->ch[i], room, kinds[i].size);
		if (ret > 0)
			was_received(b, &kinds[i], room, ret - 1);
		size = write_element(helper, &kinds[i], room);
		if (ch_try_send(b->ch[i], room, size))
			give_back(helper, number_in_element(room));
		else
			was_sent(helper, number_in_element(room));
	}
}

static bool has_failed(pid_t pid)
{
	siginfo_t si = {};

	must(waitid(P_PID, pid, &si, WEXITED | WNOHANG | WNOWAIT));
	return si.si_pid && (si.si_code != CLD_EXITED || si.si_status);
}

/* Whether they come to it. */
static bool see_to_the_end(struct __test_metadata *_metadata, struct balance *b, const pid_t *pid)
{
	struct party *helper = calloc(1, sizeof(*helper));
	uint64_t done = 0, before, told = now_ns();
	bool failed = false;
	int i;

	helper->b = b;
	while (!failed && !all_done(b)) {
		before = done;
		usleep(5000);
		done = count_done(b);
		if (done == before)
			help(helper);
		if (now_ns() - told > 60 * SEC) {
			told = now_ns();
			TH_LOG("%llu operations", (unsigned long long)done);
		}
		for (i = 0; i < PROCESSES; i++)
			failed |= has_failed(pid[i]);
	}
	free(helper);
	return !failed;
}

/* Takes what is still there. */
static void drain(struct balance *b, unsigned int i)
{
	unsigned char room[LARGEST];
	long ret;

	while ((ret = ch_try_recv(b->ch[i], room, kinds[i].size)) > 0)
		was_received(b, &kinds[i], room, ret - 1);
}

/* ---- the test ---- */

static struct balance *open_balance(void)
{
	/* So many that each kind of channel is met. */
	uint64_t operations = number_from("CHAN_OPERATIONS", 3000 + scaled(17000));
	uint64_t numbers = operations * NUMBERS + 1000;
	struct balance *b = shared_alloc(sizeof(*b) + numbers);
	unsigned int i;

	b->operations = operations;
	b->numbers = numbers;
	b->seed = number_from("CHAN_SEED", now_ns());
	for (i = 0; i < KINDS; i++)
		b->ch[i] = must(ch_make(kinds[i].size, kinds[i].cap, kinds[i].flags));
	return b;
}

static void check_counters(struct __test_metadata *_metadata, const struct balance *b,
			   uint64_t *transferred, uint64_t *parked)
{
	struct chan_info info;
	unsigned int i;

	for (i = 0; i < KINDS; i++) {
		info = ch_info(b->ch[i]);
		*transferred += info.receives;
		*parked += info.send_parks + info.recv_parks;
		EXPECT_EQ(info.sends, info.receives) TH_LOG("%s", kinds[i].name);
		EXPECT_LT(0, info.sends) TH_LOG("%s", kinds[i].name);
		EXPECT_EQ(0, info.lost + info.len + info.recvq + info.sendq);
	}
}

FIXTURE(balance)
{
};

FIXTURE_SETUP(balance)
{
}

FIXTURE_TEARDOWN(balance)
{
}

TEST_F_TIMEOUT(balance, what_is_sent_is_received_once, 14000)
{
	uint64_t n, lost = 0, doubled = 0, unsent = 0, sent = 0, transferred = 0, parked = 0;
	struct balance *b = open_balance();
	pid_t pid[PROCESSES];
	unsigned int i;

	for (i = 0; i < PROCESSES; i++)
		pid[i] = start_process(b, i);
	EXPECT_TRUE(see_to_the_end(_metadata, b, pid)) {
		for (i = 0; i < PROCESSES; i++)
			kill(pid[i], SIGKILL);
	}
	for (i = 0; i < PROCESSES; i++)
		EXPECT_EQ(0, child_wait(pid[i]));
	for (i = 0; i < KINDS; i++)
		drain(b, i);

	for (n = 0; n < b->numbers; n++) {
		sent += b->seen[n] >= SENT;
		lost += b->seen[n] == SENT;
		doubled += (b->seen[n] & ~SENT) > 1;
		unsent += b->seen[n] && b->seen[n] < SENT;
	}
	check_counters(_metadata, b, &transferred, &parked);
	TH_LOG("CHAN_SEED=%llu: %llu parked; %llu late, %llu interrupted, %llu not ready",
	       (unsigned long long)b->seed, (unsigned long long)parked,
	       (unsigned long long)b->late, (unsigned long long)b->interrupted,
	       (unsigned long long)b->unready);
	TH_LOG("%llu operations, %llu elements: %llu lost, %llu doubled",
	       (unsigned long long)count_done(b), (unsigned long long)sent,
	       (unsigned long long)lost, (unsigned long long)doubled);
	/* Most operations are halves of a transfer, not attempts. */
	EXPECT_LT(count_done(b) / 8, sent);
	EXPECT_LT(0, b->interrupted);
	EXPECT_LT(0, b->late);
	EXPECT_LT(0, b->unready);
	EXPECT_EQ(0, lost);
	EXPECT_EQ(0, doubled);
	EXPECT_EQ(0, unsent);
	EXPECT_EQ(sent, transferred);
	for (i = 0; i < KINDS; i++)
		close(b->ch[i]);
}

TEST_HARNESS_MAIN
