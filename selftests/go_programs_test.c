// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs after Go's tests of the language, of which it is known what they compute: elements
 * passed on in every way, and prime sieves.
 */
#include "go_test.h"

/* ---- the same with goroutines and with processes ---- */

/**
 * struct worker - a goroutine, or a process
 * @call: the goroutine.
 * @pid: the process.
 * @fn: what it does.
 * @in: the channel that it receives from.
 * @out: the channel that it sends to.
 * @n: a number.
 * @seen: a table that processes share.
 */
struct worker {
	struct call call;
	pid_t pid;
	void (*fn)(const struct worker *w);
	int in;
	int out;
	uint64_t n;
	uint8_t *seen;
};

FIXTURE(workers)
{
	bool processes;
};

FIXTURE_VARIANT(workers)
{
	bool processes;
};

FIXTURE_VARIANT_ADD(workers, goroutines) { .processes = false };
FIXTURE_VARIANT_ADD(workers, processes) { .processes = true };

FIXTURE_SETUP(workers)
{
	self->processes = variant->processes;
}

FIXTURE_TEARDOWN(workers)
{
}

static long work(struct call *c)
{
	const struct worker *w = (struct worker *)c;

	w->fn(w);
	return 0;
}

static void begin(struct worker *w, bool process)
{
	if (!process) {
		call_start(&w->call, work);
		return;
	}
	w->pid = child_fork();
	if (!w->pid)
		_exit(work(&w->call));
}

static long end(struct worker *w, bool process)
{
	return process ? child_wait(w->pid) : call_finish(&w->call);
}

static void send_numbers(const struct worker *w)
{
	uint64_t i;

	for (i = 0; i < w->n; i++)
		must(kchan_send(w->out, &i, 8));
	must(kchan_close(w->out));
}

static void note_numbers(const struct worker *w)
{
	uint64_t v;

	while (must(kchan_recv(w->in, &v, 8))) {
		if (v >= w->n)
			die("%llu was never sent", (unsigned long long)v);
		__atomic_add_fetch(&w->seen[v], 1, __ATOMIC_RELAXED);
	}
}

TEST_F(workers, one_sends_and_ten_receive_each_number_once)
{
	enum { N = 2000, RECEIVERS = 10 };
	uint8_t *seen = shared_alloc(N);
	struct worker w[1 + RECEIVERS];
	int ch = make(8, 0), i;

	for (i = 0; i <= RECEIVERS; i++) {
		w[i] = (struct worker){
			.fn = i ? note_numbers : send_numbers,
			.in = ch, .out = ch, .n = N, .seen = seen,
		};
		begin(&w[i], self->processes);
	}
	for (i = 0; i <= RECEIVERS; i++)
		EXPECT_EQ(0, end(&w[i], self->processes));
	for (i = 0; i < N; i++)
		ASSERT_EQ(1, seen[i]);
	EXPECT_EQ(N, ch_info(ch).receives);
}

static bool is_prime(uint64_t n)
{
	uint64_t d;

	for (d = 2; d * d <= n; d++)
		if (n % d == 0)
			return false;
	return n > 1;
}

static uint64_t prime_after(uint64_t n)
{
	while (!is_prime(++n))
		;
	return n;
}

static void drop_multiples(const struct worker *w)
{
	uint64_t v;

	while (must(kchan_recv(w->in, &v, 8)))
		if (v % w->n)
			must(kchan_send(w->out, &v, 8));
	must(kchan_close(w->out));
}

/* What one lets pass is for the next one, and so is the end. */
TEST_F(workers, a_daisy_chain_sieves_primes)
{
	enum { NUMBERS = 420, PRIMES = 81 };
	static struct worker w[1 + PRIMES];
	uint64_t prime, last = 1, skipped;
	int in = make(8, 0), n = 0, i;

	w[0] = (struct worker){ .fn = send_numbers, .out = in, .n = NUMBERS };
	begin(&w[0], self->processes);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(1, kchan_recv(in, &skipped, 8));

	while (kchan_recv(in, &prime, 8) == 1) {
		ASSERT_EQ(prime_after(last), prime);
		ASSERT_GT(PRIMES, n);
		last = prime;
		w[++n] = (struct worker){
			.fn = drop_multiples, .in = in, .out = make(8, 0), .n = prime,
		};
		in = w[n].out;
		begin(&w[n], self->processes);
	}
	EXPECT_EQ(PRIMES, n);
	for (i = 0; i <= n; i++)
		EXPECT_EQ(0, end(&w[i], self->processes));
}

/* ---- plain calls and selects in every mix ---- */

enum { LANES = 4, NUMBERS = 250 };

/**
 * struct party - a goroutine that sends or receives 0, 1, 2 ... on each of its channels
 * @call: the goroutine.
 * @out: channels that it sends to, or nil.
 * @in: channels that it receives from, or nil.
 */
struct party {
	struct call call;
	int out[LANES];
	int in[LANES];
};

static struct party nobody(void)
{
	struct party p;

	memset(&p, 0xff, sizeof(p));
	return p;
}

/* One channel only, without a select. */
static long pass_plainly(struct call *c)
{
	struct party *p = (struct party *)c;
	uint64_t i, v;

	for (i = 0; i < NUMBERS; i++) {
		if (p->out[0] != KCHAN_NIL) {
			must(kchan_send(p->out[0], &i, 8));
			continue;
		}
		must(kchan_recv(p->in[0], &v, 8));
		if (v != i)
			die("out of order");
	}
	return 0;
}

static bool all_nil(const struct kchan_case *cases, int n)
{
	while (n--)
		if (cases[n].ch != KCHAN_NIL)
			return false;
	return true;
}

static long pass_by_select(struct call *c)
{
	struct party *p = (struct party *)c;
	struct kchan_case cases[2 * LANES];
	uint64_t next[2 * LANES] = {}, v;
	int i;

	for (i = 0; i < LANES; i++) {
		cases[i] = sending(p->out[i], &next[i], 8);
		cases[LANES + i] = receiving(p->in[i], &v, 8);
	}
	while (!all_nil(cases, 2 * LANES)) {
		i = must(kchan_select(cases, 2 * LANES));
		if (i >= LANES && v != next[i])
			die("out of order");
		if (++next[i] == NUMBERS)
			cases[i].ch = KCHAN_NIL;
	}
	return 0;
}

/* How all channels are served on one side. */
enum {
	PLAIN,			/* a goroutine for each */
	SELECT_OF_ONE,		/* likewise, but by select */
	SELECT_OF_ALL,		/* one goroutine for all */
	SIDES
};

/* Returns how many goroutines it has started. */
static int begin_side(struct party *p, int side, const int *ch, bool sends)
{
	int i, n = side == SELECT_OF_ALL ? 1 : LANES;

	for (i = 0; i < n; i++) {
		p[i] = nobody();
		memcpy(sends ? p[i].out : p[i].in, ch + i, LANES / n * sizeof(*ch));
	}
	for (i = 0; i < n; i++)
		call_start(&p[i].call, side == PLAIN ? pass_plainly : pass_by_select);
	return n;
}

FIXTURE(passing)
{
	int ch[LANES];
};

FIXTURE_VARIANT(passing)
{
	size_t cap;
};

FIXTURE_VARIANT_ADD(passing, cap_0) { .cap = 0 };
FIXTURE_VARIANT_ADD(passing, cap_1) { .cap = 1 };
FIXTURE_VARIANT_ADD(passing, cap_10) { .cap = 10 };
FIXTURE_VARIANT_ADD(passing, cap_100) { .cap = 100 };

FIXTURE_SETUP(passing)
{
	int i;

	for (i = 0; i < LANES; i++)
		self->ch[i] = make(8, variant->cap);
}

FIXTURE_TEARDOWN(passing)
{
	int i;

	for (i = 0; i < LANES; i++) {
		EXPECT_TRUE(are_parked(self->ch[i], 0, 0));
		EXPECT_EQ(0, kchan_len(self->ch[i]));
	}
}

TEST_F(passing, plain_calls_and_selects_keep_the_order)
{
	struct party p[2 * LANES];
	int i, n, sides;

	for (sides = 0; sides < SIDES * SIDES; sides++) {
		n = begin_side(p, sides / SIDES, self->ch, true);
		n += begin_side(p + n, sides % SIDES, self->ch, false);
		for (i = 0; i < n; i++)
			EXPECT_EQ(0, call_finish(&p[i].call));
	}
	for (i = 0; i < LANES; i++)
		EXPECT_EQ(SIDES * SIDES * NUMBERS, ch_info(self->ch[i]).receives);
}

/* Each sends on half of the channels, and receives from the others, in one select. */
TEST_F(passing, two_selects_send_to_each_other)
{
	struct party p[2] = { nobody(), nobody() };
	int i;

	for (i = 0; i < LANES; i++) {
		p[i % 2].out[i] = self->ch[i];
		p[!(i % 2)].in[i] = self->ch[i];
	}
	for (i = 0; i < 2; i++)
		call_start(&p[i].call, pass_by_select);
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, call_finish(&p[i].call));
}

/* ---- a sieve that feeds its primes back ---- */

struct stage {
	int in;
	int out;
	uint64_t first;
	uint64_t step;
};

static void count_on(void *arg)
{
	struct stage *s = arg;
	uint64_t v;

	for (v = s->first; give(s->out, &v, 8); v += s->step)
		;
}

static int counted(uint64_t first, uint64_t step)
{
	struct stage s = { .out = make(8, 10), .first = first, .step = step };

	spawn(count_on, &s, sizeof(s));
	return s.out;
}

#define QUEUE	1024

/*
 * Take as much as comes, whether or not anybody wants it yet: without that the sieve
 * would wait for the merger, which waits for it.
 */
static void buffer_without_end(void *arg)
{
	struct stage *s = arg;
	uint64_t queue[QUEUE], head = 0, tail = 0, v;
	struct kchan_case cases[] = {
		receiving(s->in, &v, 8), sending(KCHAN_NIL, NULL, 8), receiving(quit, NULL, 0),
	};
	int i, to;

	while ((i = must(kchan_select(cases, 3))) != 2) {
		if (i == 0)
			queue[tail++ % QUEUE] = v;
		else
			head++;
		if (tail - head == QUEUE)
			die("the queue is too short");
		to = head == tail ? KCHAN_NIL : s->out;
		cases[1] = sending(to, &queue[head % QUEUE], 8);
	}
}

/* Multiples of one prime, the next of which is @head. */
struct multiples {
	uint64_t head;
	int ch;
};

#define STREAMS	64

struct merger {
	struct multiples heap[STREAMS];
	int n;
};

static void swap_streams(struct multiples *a, struct multiples *b)
{
	struct multiples c = *a;

	*a = *b;
	*b = c;
}

static void heap_add(struct merger *m, struct multiples new)
{
	int i = m->n++;

	if (i == STREAMS)
		die("too many primes");
	m->heap[i] = new;
	for (; i && m->heap[i].head < m->heap[(i - 1) / 2].head; i = (i - 1) / 2)
		swap_streams(&m->heap[i], &m->heap[(i - 1) / 2]);
}

static void heap_sink(struct merger *m)
{
	int i = 0, child;

	while ((child = 2 * i + 1) < m->n) {
		if (child + 1 < m->n && m->heap[child + 1].head < m->heap[child].head)
			child++;
		if (m->heap[i].head <= m->heap[child].head)
			return;
		swap_streams(&m->heap[i], &m->heap[child]);
		i = child;
	}
}

/* Send what is below @limit, each once. */
static bool merge_below(struct merger *m, int out, uint64_t limit)
{
	uint64_t v, last = 0;

	while (m->n && (v = m->heap[0].head) < limit) {
		if (v != last && !give(out, &v, 8))
			return false;
		last = v;
		if (!take(m->heap[0].ch, &m->heap[0].head, 8))
			return false;
		heap_sink(m);
	}
	return true;
}

/* From primes to all their multiples in order; a prime's own begin with its square. */
static void merge_multiples(void *arg)
{
	struct stage *s = arg;
	struct merger m = {};
	struct multiples new;
	uint64_t prime, square;

	while (take(s->in, &prime, 8)) {
		square = prime * prime;
		if (!merge_below(&m, s->out, square) || !give(s->out, &square, 8))
			return;
		new.ch = counted(square + 2 * prime, 2 * prime);
		if (!take(new.ch, &new.head, 8))
			return;
		heap_add(&m, new);
	}
}

struct sieve {
	int candidates;
	int composites;
	int feedback;
	int primes;
};

/* Odd numbers which are no composite. */
static void sieve_candidates(void *arg)
{
	struct sieve *s = arg;
	uint64_t c, composite = 9;

	while (take(s->candidates, &c, 8)) {
		while (composite < c)
			if (!take(s->composites, &composite, 8))
				return;
		if (c == composite)
			continue;
		if (!give(s->feedback, &c, 8) || !give(s->primes, &c, 8))
			return;
	}
}

static int start_sieve(void)
{
	int merged = make(8, 10);
	struct sieve s = {
		.candidates = counted(3, 2), .composites = make(8, 50),
		.feedback = make(8, 10), .primes = make(8, 10),
	};

	spawn(sieve_candidates, &s, sizeof(s));
	spawn(buffer_without_end, &(struct stage){ .in = s.feedback, .out = merged },
	      sizeof(struct stage));
	spawn(merge_multiples, &(struct stage){ .in = merged, .out = s.composites },
	      sizeof(struct stage));
	return s.primes;
}

TEST(a_sieve_merges_the_multiples_of_the_primes_it_found)
{
	uint64_t prime, last = 2;
	int primes, i;

	quit_setup();
	primes = start_sieve();
	for (i = 0; i < 400; i++) {
		ASSERT_EQ(1, kchan_recv(primes, &prime, 8));
		ASSERT_EQ(prime_after(last), prime);
		last = prime;
	}
	quit_all();
}

TEST_HARNESS_MAIN
