// SPDX-License-Identifier: GPL-2.0-only
/*
 * Select against a model.  Channels in random states, some with parked partners, and
 * random sets of cases: the model says which cases are ready, and once one is chosen, what
 * that does to everybody.  All that can be seen of it is compared.
 *
 * CHAN_SEED repeats a run; without it each is different.
 */
#include <semaphore.h>

#include "chan_test.h"

#define CHANS		5
#define CASES		12
#define CAP		3
#define LONGEST		600
#define GUARD		8
#define PARKERS		5
#define ACTORS		6

#define OK_POISON	0x55555555
#define LEN_POISON	0x6666666666666666ULL

struct party;

/* The bytes follow from the seed.  Which of its elements a parked party has sent, it says. */
struct elem {
	uint32_t len;
	uint32_t seed;
	const struct party *from;
};

struct channel {
	int fd;
	bool message;
	bool closed;
	uint32_t size;
	uint32_t cap;
	uint32_t len;
	struct elem ring[CAP];
	uint64_t sends;
	uint64_t receives;
	uint64_t handoffs;
};

/**
 * struct ending - how a select ends
 * @ok: what its case says: 1, 0, or an errno; -EAGAIN: there is none.
 * @at: the channel of the case.
 * @dir: of the case; 0: either, and @ok is that of a receive.
 * @elem: what was received.
 */
struct ending {
	int ok;
	int at;
	uint32_t dir;
	struct elem elem;
};

enum patience { WAIT, TRY, LATE };

/**
 * struct party - somebody with a select
 * @cases: the cases.
 * @at: their channels; negative: nil.
 * @seeds: of what they send.
 * @mem: what they send, or receive into, with a guard on both sides.
 * @n: how many they are.
 * @room: for each channel, the room of the cases that receive.
 * @sent: for each channel, the length of what is sent.
 * @patience: whether it blocks.
 * @plain: its only case is done by a plain send or receive.
 * @scribbled: what it sends was overwritten while it was parked.
 * @turn: when it parked; 0: it is not parked.
 * @ended: the model says that it is not parked any more.
 * @model: how it ends, says the model.
 * @ret: what the system call returned.
 */
struct party {
	struct chan_case cases[CASES];
	int at[CASES];
	uint32_t seeds[CASES];
	unsigned char mem[CASES][GUARD + LONGEST + GUARD];
	unsigned int n;
	uint32_t room[CHANS];
	uint32_t sent[CHANS];
	enum patience patience;
	bool plain;
	bool scribbled;
	unsigned int turn;
	bool ended;
	struct ending model;
	long ret;
	pthread_t thread;
	sem_t go;
	sem_t over;
};

/*
 * What there was to see, so that no test passes because it never met it.  Chance brings
 * the rarest about 40 times; that it stays away altogether is out of the question.
 */
enum met {
	SENT_TO_BUFFER, SENT_TO_PARKED, SENT_TO_CLOSED, GOT_FROM_BUFFER, GOT_FROM_PARKED,
	GOT_AND_LET_IN, GOT_CLOSED, GOT_TOO_SHORT, FOUND_NOTHING, PARKED_SENT, PARKED_GOT,
	PARKED_SENT_CLOSED, PARKED_GOT_CLOSED, PARKED_TOO_SHORT, MET,
};

static struct channel chans[CHANS];
static int nr_chans;
static struct party parkers[PARKERS];
static struct party actors[ACTORS];
static int ctl;
static unsigned int turns;
static uint32_t seeds;
static uint64_t rng, seed;
static unsigned int round_nr;
static unsigned int met[MET];
/* How often the first of several that were ready was chosen, less what is to be expected. */
static double first_chosen, variance;

/* ---- chance ---- */

static uint32_t below(uint32_t n)
{
	rng ^= rng >> 12;
	rng ^= rng << 25;
	rng ^= rng >> 27;
	return (uint64_t)(uint32_t)((rng * 0x2545F4914F6CDD1DULL) >> 32) * n >> 32;
}

static bool one_in(uint32_t n)
{
	return !below(n);
}

/* ---- saying what is wrong ---- */

static void show_party(const struct party *p, const char *what, int nr)
{
	unsigned int i;

	dprintf(STDERR_FILENO, "# %s %d: returned %ld; model: ok %d at %d dir %u\n", what, nr,
		p->ret, p->model.ok, p->model.at, p->model.dir);
	for (i = 0; i < p->n; i++)
		dprintf(STDERR_FILENO, "#   case %u: at %d dir %u size %llu ok %x len %llx\n", i,
			p->at[i], p->cases[i].dir, (unsigned long long)p->cases[i].size,
			p->cases[i].ok, (unsigned long long)p->cases[i].len);
}

static void show_all(void)
{
	int i;

	for (i = 0; i < nr_chans; i++)
		dprintf(STDERR_FILENO, "# channel %d: size %u%s cap %u len %u%s\n", i,
			chans[i].size, chans[i].message ? " message" : "", chans[i].cap,
			chans[i].len, chans[i].closed ? " closed" : "");
	for (i = 0; i < PARKERS; i++)
		if (parkers[i].n)
			show_party(&parkers[i], "parked", i);
	for (i = 0; i < ACTORS; i++)
		if (actors[i].n)
			show_party(&actors[i], "actor", i);
}

/* The model is right, or the test ends. */
#define expect(cond, fmt, ...) do {					\
	if (!(cond)) {							\
		show_all();						\
		die("line %d, CHAN_SEED=%llu, round %u: " fmt, __LINE__,\
		    (unsigned long long)seed, round_nr, ##__VA_ARGS__);	\
	}								\
} while (0)

/* ---- the model: who is there, and what is ready ---- */

static bool wants(const struct party *p, unsigned int i, int at, uint32_t dir)
{
	return p->at[i] == at && p->cases[i].dir == dir;
}

static unsigned int entries(const struct party *p, int at, uint32_t dir)
{
	unsigned int n = 0, i;

	for (i = 0; i < p->n; i++)
		n += wants(p, i, at, dir);
	return n;
}

static struct party *oldest(int at, uint32_t dir)
{
	struct party *p, *first = NULL;

	for (p = parkers; p < parkers + PARKERS; p++)
		if (p->turn && entries(p, at, dir) && (!first || p->turn < first->turn))
			first = p;
	return first;
}

static unsigned int parked(int at, uint32_t dir)
{
	unsigned int n = 0;
	struct party *p;

	for (p = parkers; p < parkers + PARKERS; p++)
		if (p->turn)
			n += entries(p, at, dir);
	return n;
}

static bool is_ready(int at, uint32_t dir)
{
	const struct channel *c = &chans[at];

	if (c->closed)
		return true;
	if (dir == CHAN_DIR_SEND)
		return c->len < c->cap || oldest(at, CHAN_DIR_RECV);
	return c->len || oldest(at, CHAN_DIR_SEND);
}

static bool case_ready(const struct party *p, unsigned int i)
{
	return p->at[i] >= 0 && is_ready(p->at[i], p->cases[i].dir);
}

static unsigned int count_ready(const struct party *p)
{
	unsigned int n = 0, i;

	for (i = 0; i < p->n; i++)
		n += case_ready(p, i);
	return n;
}

/* ---- the model: what happens ---- */

static void end_parked(struct party *p, struct ending e, enum met what)
{
	p->turn = 0;
	p->ended = true;
	p->model = e;
	met[what]++;
}

/* The parked sender is done, and this is what it sent. */
static struct elem take_from(struct party *p, int at)
{
	struct elem elem = { .len = p->sent[at], .from = p };

	end_parked(p, (struct ending){ .ok = 1, .at = at, .dir = CHAN_DIR_SEND }, PARKED_SENT);
	chans[at].sends++;
	return elem;
}

static bool hand_to_parked(int at, struct elem elem)
{
	struct ending e = { .at = at, .dir = CHAN_DIR_RECV };
	struct party *p;

	while ((p = oldest(at, CHAN_DIR_RECV))) {
		if (p->room[at] >= elem.len) {
			e.ok = 1;
			e.elem = elem;
			end_parked(p, e, PARKED_GOT);
			return true;
		}
		e.ok = -EMSGSIZE;
		end_parked(p, e, PARKED_TOO_SHORT);
	}
	return false;
}

/* A send that does not block.  Returns 1 or an errno. */
static int model_send(int at, struct elem elem)
{
	struct channel *c = &chans[at];

	if (c->closed) {
		met[SENT_TO_CLOSED]++;
		return -EPIPE;
	}
	if (hand_to_parked(at, elem)) {
		c->handoffs++;
		c->receives++;
		met[SENT_TO_PARKED]++;
	} else if (c->len < c->cap) {
		c->ring[c->len++] = elem;
		met[SENT_TO_BUFFER]++;
	} else {
		return -EAGAIN;
	}
	c->sends++;
	return 1;
}

static void pop(struct channel *c)
{
	c->len--;
	memmove(c->ring, c->ring + 1, c->len * sizeof(*c->ring));
}

static int model_recv_buffered(int at, uint32_t room, struct elem *elem)
{
	struct channel *c = &chans[at];
	struct party *p = oldest(at, CHAN_DIR_SEND);

	if (c->ring[0].len > room) {
		met[GOT_TOO_SHORT]++;
		return -EMSGSIZE;
	}
	*elem = c->ring[0];
	pop(c);
	c->receives++;
	met[p ? GOT_AND_LET_IN : GOT_FROM_BUFFER]++;
	if (p)
		c->ring[c->len++] = take_from(p, at);
	return 1;
}

/* A receive that does not block.  Returns 1, 0 (closed) or an errno. */
static int model_recv(int at, uint32_t room, struct elem *elem)
{
	struct channel *c = &chans[at];
	struct party *p;

	if (c->len)
		return model_recv_buffered(at, room, elem);
	if (c->closed) {
		met[GOT_CLOSED]++;
		return 0;
	}
	p = oldest(at, CHAN_DIR_SEND);
	if (!p)
		return -EAGAIN;
	if (p->sent[at] > room) {
		met[GOT_TOO_SHORT]++;
		return -EMSGSIZE;
	}
	*elem = take_from(p, at);
	c->handoffs++;
	c->receives++;
	met[GOT_FROM_PARKED]++;
	return 1;
}

static void model_close(int at)
{
	struct ending e = { .at = at };
	struct party *p;

	chans[at].closed = true;
	for (p = parkers; p < parkers + PARKERS; p++) {
		bool sends = p->turn && entries(p, at, CHAN_DIR_SEND);
		bool receives = p->turn && entries(p, at, CHAN_DIR_RECV);

		e.dir = sends && receives ? 0 : sends ? CHAN_DIR_SEND : CHAN_DIR_RECV;
		e.ok = e.dir == CHAN_DIR_SEND ? -EPIPE : 0;
		if (sends || receives)
			end_parked(p, e, sends ? PARKED_SENT_CLOSED : PARKED_GOT_CLOSED);
	}
}

/* ---- a party: its cases, and the system call ---- */

static void party_init(struct party *p, enum patience how, bool may_be_short)
{
	int i;

	p->n = 0;
	p->patience = how;
	p->plain = false;
	p->scribbled = false;
	p->ret = OK_POISON;
	for (i = 0; i < CHANS; i++) {
		const struct channel *c = &chans[i];

		p->room[i] = c->size;
		p->sent[i] = c->message ? below(c->size + 1) : c->size;
		if (c->message && may_be_short && one_in(2))
			p->room[i] = below(c->size / 2 + 1);
		else if (c->message && one_in(3))
			p->room[i] = c->size + below(LONGEST + 1 - c->size);
	}
}

static void set_recv(struct party *p, struct chan_case *k, int at)
{
	unsigned char *mem = p->mem[p->n];

	k->size = p->room[at];
	poison(mem, sizeof(p->mem[0]));
	if (p->room[at] < chans[at].size || !one_in(5))
		k->elem = (uintptr_t)(mem + GUARD);
	else if (one_in(2))
		k->size = 0;
}

static void set_send(struct party *p, struct chan_case *k, int at)
{
	unsigned char *mem = p->mem[p->n] + GUARD;

	k->size = p->sent[at];
	p->seeds[p->n] = ++seeds;
	fill(mem, k->size, seeds);
	if (k->size || one_in(2))
		k->elem = (uintptr_t)mem;
}

static void add_case(struct party *p, int at, uint32_t dir)
{
	struct chan_case k = {
		.ch = at < 0 ? at : chans[at].fd, .dir = dir, .ok = OK_POISON,
		.pad = below(9), .len = LEN_POISON,
	};

	if (at < 0)
		k.elem = 8;
	else if (dir == CHAN_DIR_RECV)
		set_recv(p, &k, at);
	else
		set_send(p, &k, at);
	p->cases[p->n] = k;
	p->at[p->n++] = at;
}

/* Add up to @n random cases; if @blocked, of those that are not ready. */
static void add_cases(struct party *p, unsigned int n, bool blocked)
{
	bool any = false;

	while (n--) {
		int at = one_in(8) ? -1 - (int)below(3) : (int)below(nr_chans);
		uint32_t dir = one_in(2) ? CHAN_DIR_SEND : CHAN_DIR_RECV;

		if (blocked && at >= 0 && is_ready(at, dir))
			dir = CHAN_DIR_SEND + CHAN_DIR_RECV - dir;
		if (blocked && at >= 0 && is_ready(at, dir))
			at = CHAN_NIL;
		any |= at >= 0;
		add_case(p, at, dir);
	}
	p->plain = p->n == 1 && any && one_in(2);
}

static bool has_channel(const struct party *p)
{
	unsigned int i;

	for (i = 0; i < p->n; i++)
		if (p->at[i] >= 0)
			return true;
	return false;
}

static uint64_t deadline_of(const struct party *p)
{
	if (p->patience == WAIT)
		return p->turn % 2 ? CHAN_FOREVER : now_ns() + 1000 * SEC;
	return p->patience == TRY || one_in(2) ? 0 : now_ns();
}

static long do_select(struct party *p)
{
	struct chan_select s = {
		.size = sizeof(s), .cases = (uintptr_t)p->cases, .n = p->n,
		.deadline = deadline_of(p),
	};

	if (p->patience == TRY)
		s.flags = CHAN_SELECT_TRY;
	return xioctl(ctl, CHAN_IOC_SELECT, &s);
}

static long plain_xfer(const struct party *p, const struct chan_case *k)
{
	bool sends = k->dir == CHAN_DIR_SEND;
	void *mem = (void *)(uintptr_t)k->elem;

	if (p->patience != LATE)
		return ch_xfer(k->ch, sends ? CHAN_IOC_SEND : CHAN_IOC_RECV, mem, k->size,
			       p->patience == TRY ? CHAN_XFER_TRY : 0);
	return ch_xfer_until(k->ch, sends ? CHAN_IOC_SEND_UNTIL : CHAN_IOC_RECV_UNTIL, mem,
			     k->size, deadline_of(p));
}

/* The plain operation, its result in the terms of a select. */
static long do_plain(struct party *p)
{
	struct chan_case *k = &p->cases[0];
	long ret = plain_xfer(p, k);

	if (ret == -EAGAIN || ret == -ETIMEDOUT)
		return ret;
	if (k->dir == CHAN_DIR_SEND && !ret)
		ret = 1 + k->size;
	k->ok = ret > 0 ? 1 : ret;
	if (ret < 0)
		return ret;
	k->len = ret ? ret - 1 : 0;
	return 0;
}

static void run_party(struct party *p)
{
	p->ret = p->plain ? do_plain(p) : do_select(p);
}

/* ---- a party: what came out ---- */

/* The only case that was marked; -1: none. */
static int chosen_case(const struct party *p)
{
	int chosen = -1;
	unsigned int i;

	for (i = 0; i < p->n; i++) {
		if (p->cases[i].ok == OK_POISON && p->cases[i].len == LEN_POISON)
			continue;
		expect(chosen < 0, "cases %d and %u are both marked", chosen, i);
		chosen = i;
	}
	return chosen;
}

static bool is_elem(const void *mem, const struct elem *e)
{
	return is_filled(mem, e->len, e->from ? e->from->seeds[chosen_case(e->from)] : e->seed);
}

/* The memory of a case is as it was but for its first @len bytes. */
static bool rest_untouched(const struct party *p, unsigned int i, size_t len)
{
	size_t guarded = 2 * GUARD + p->cases[i].size;
	const unsigned char *mem = p->mem[i];

	if (p->at[i] < 0)
		return true;
	if (p->cases[i].dir == CHAN_DIR_SEND && !p->scribbled)
		return is_filled(mem + GUARD, p->cases[i].size, p->seeds[i]);
	return all_bytes(mem, GUARD, POISON) &&
	       all_bytes(mem + GUARD + len, guarded - GUARD - len, POISON);
}

/* How many bytes of a room were written. */
static size_t check_room(const struct party *p, unsigned int i, const struct ending *e)
{
	const struct chan_case *k = &p->cases[i];
	const unsigned char *mem = p->mem[i] + GUARD;
	uint32_t size = chans[e->at].size;

	if (!k->elem || e->ok < 0)
		return 0;
	if (e->ok) {
		expect(is_elem(mem, &e->elem), "case %u received something else", i);
		return e->elem.len;
	}
	if (k->size < size)
		size = k->size;
	expect(all_bytes(mem, size, 0), "case %u: closed, but the room is not zeroed", i);
	return size;
}

/* Returns how many bytes of the case's memory were written. */
static size_t check_chosen(const struct party *p, unsigned int i, struct ending e)
{
	const struct chan_case *k = &p->cases[i];
	uint64_t len = LEN_POISON;

	if (!e.dir && k->dir == CHAN_DIR_SEND)
		e.ok = -EPIPE;
	expect(p->at[i] == e.at && (!e.dir || k->dir == e.dir), "case %u is the wrong one", i);
	expect(k->ok == e.ok, "case %u: ok is %d, not %d", i, k->ok, e.ok);
	expect(p->ret == (e.ok < 0 ? e.ok : (long)i), "case %u: returned %ld", i, p->ret);

	if (e.ok >= 0)
		len = k->dir == CHAN_DIR_SEND ? k->size : e.ok ? e.elem.len : 0;
	expect(k->len == len, "case %u: len is %llu, not %llu", i, (unsigned long long)k->len,
	       (unsigned long long)len);
	return k->dir == CHAN_DIR_SEND ? 0 : check_room(p, i, &e);
}

static void check_party(const struct party *p)
{
	int chosen = chosen_case(p);
	size_t written = 0;
	unsigned int i;

	if (p->model.ok == -EAGAIN)
		expect(chosen < 0 && p->ret == (p->patience == LATE ? -ETIMEDOUT : -EAGAIN),
		       "nothing is ready, but case %d: %ld", chosen, p->ret);
	else
		expect(chosen >= 0, "no case was done: %ld", p->ret);
	if (chosen >= 0)
		written = check_chosen(p, chosen, p->model);
	for (i = 0; i < p->n; i++)
		expect(rest_untouched(p, i, (int)i == chosen ? written : 0),
		       "the memory of case %u was touched", i);
}

/* ---- those who park ---- */

static void *parker_main(void *arg)
{
	struct party *p = arg;

	for (;;) {
		while (sem_wait(&p->go))
			;
		run_party(p);
		sem_post(&p->over);
	}
	return NULL;
}

static void start_parkers(void)
{
	pthread_attr_t attr;
	struct party *p;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	for (p = parkers; p < parkers + PARKERS; p++) {
		sem_init(&p->go, 0, 0);
		sem_init(&p->over, 0, 0);
		must(-pthread_create(&p->thread, &attr, parker_main, p));
	}
	pthread_attr_destroy(&attr);
}

static bool all_parked(void)
{
	int i;

	for (i = 0; i < nr_chans; i++)
		if (!are_parked(chans[i].fd, parked(i, CHAN_DIR_RECV), parked(i, CHAN_DIR_SEND)))
			return false;
	return true;
}

/* What it sends counts as of the time of the call. */
static void scribble(struct party *p)
{
	unsigned int i;

	for (i = 0; i < p->n; i++)
		if (p->at[i] >= 0 && p->cases[i].dir == CHAN_DIR_SEND)
			poison(p->mem[i], sizeof(p->mem[i]));
	p->scribbled = true;
}

static void park_party(struct party *p)
{
	p->turn = ++turns;
	sem_post(&p->go);
	expect(eventually(all_parked()), "the queues are not those of who should be parked");
	scribble(p);
}

/* Park somebody with up to @most cases; false if no case of it would block. */
static bool park_random(struct party *p, unsigned int most, bool may_be_short)
{
	party_init(p, WAIT, may_be_short);
	add_cases(p, 1 + below(most), true);
	if (!has_channel(p)) {
		p->n = 0;
		return false;
	}
	park_party(p);
	return true;
}

static void wait_over(struct party *p)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += PATIENCE_NS / SEC;
	expect(!sem_clockwait(&p->over, CLOCK_MONOTONIC, &end),
	       "party %d should have ended, and still blocks", (int)(p - parkers));
}

/* All that the model has ended have ended, and as it says. */
static void collect(void)
{
	struct party *p;

	for (p = parkers; p < parkers + PARKERS; p++)
		if (p->ended)
			wait_over(p);
	for (p = parkers; p < parkers + PARKERS; p++) {
		if (p->ended)
			check_party(p);
		p->ended = false;
	}
}

/* ---- those who act ---- */

static struct ending model_case(const struct party *p, unsigned int i)
{
	struct ending e = { .at = p->at[i], .dir = p->cases[i].dir };
	struct elem elem = { .len = p->sent[e.at], .seed = p->seeds[i] };
	uint32_t room = LONGEST;

	if (p->cases[i].elem)
		room = p->room[e.at];
	if (e.dir == CHAN_DIR_SEND)
		e.ok = model_send(e.at, elem);
	else
		e.ok = model_recv(e.at, room, &e.elem);
	return e;
}

static void count_choice(const struct party *p, unsigned int chosen)
{
	double share = 1.0 / count_ready(p);
	unsigned int i = 0;

	while (!case_ready(p, i))
		i++;
	first_chosen += (i == chosen) - share;
	variance += share * (1 - share);
}

/* The choice is that of the kernel; all else follows from it. */
static void act(struct party *p)
{
	int chosen = 0;

	run_party(p);
	if (p->n != 1 || !has_channel(p))
		chosen = chosen_case(p);
	if (chosen >= 0) {
		expect(p->n == 1 || case_ready(p, chosen), "case %d is not ready", chosen);
		if (p->n > 1)
			count_choice(p, chosen);
		p->model = model_case(p, chosen);
	} else {
		expect(!count_ready(p), "%u are ready, but none is chosen: %ld", count_ready(p),
		       p->ret);
		p->model = (struct ending){ .ok = -EAGAIN };
	}
	met[FOUND_NOTHING] += p->model.ok == -EAGAIN;
}

static void close_channel(int at)
{
	expect(ch_close(chans[at].fd) == (chans[at].closed ? -EPIPE : 0), "close of %d", at);
	if (!chans[at].closed)
		model_close(at);
}

/* ---- a round ---- */

static void send_one(int at)
{
	struct party *p = &actors[0];

	party_init(p, TRY, false);
	add_case(p, at, CHAN_DIR_SEND);
	act(p);
	check_party(p);
}

static void recv_one(int at)
{
	struct party *p = &actors[0];

	party_init(p, TRY, false);
	add_case(p, at, CHAN_DIR_RECV);
	act(p);
	check_party(p);
}

static void make_channel(int at)
{
	static const uint32_t sizes[] = { 0, 1, 8, 40, 200, LONGEST };
	struct channel *c = &chans[at];
	unsigned int turn, len;

	*c = (struct channel){
		.message = one_in(3), .size = sizes[below(6)], .cap = one_in(2) * below(CAP + 1),
	};
	c->fd = must(ch_make(c->size, c->cap, c->message ? CHAN_MESSAGE : 0));
	for (turn = c->cap ? below(c->cap) : 0; turn; turn--) {
		send_one(at);
		recv_one(at);
	}
	for (len = one_in(2) ? c->cap : below(c->cap + 1); len; len--)
		send_one(at);
	if (one_in(8))
		close_channel(at);
}

static void begin_round(void)
{
	struct party *p;
	int n;

	for (p = parkers; p < parkers + PARKERS; p++)
		p->n = 0;
	for (p = actors; p < actors + ACTORS; p++)
		p->n = 0;
	n = 1 + below(CHANS);
	for (nr_chans = 0; nr_chans < n; nr_chans++)
		make_channel(nr_chans);
	actors[0].n = 0;
}

static void check_channels(void)
{
	int i;

	for (i = 0; i < nr_chans; i++) {
		const struct channel *c = &chans[i];
		struct chan_info info = ch_info(c->fd);

		expect(info.recvq == parked(i, CHAN_DIR_RECV) &&
		       info.sendq == parked(i, CHAN_DIR_SEND), "channel %d: recvq %u, sendq %u",
		       i, info.recvq, info.sendq);
		expect(info.len == c->len, "channel %d: len %llu", i,
		       (unsigned long long)info.len);
		expect(info.sends == c->sends && info.receives == c->receives &&
		       info.handoffs == c->handoffs && !info.lost && !info.aborts,
		       "channel %d: sends %llu, receives %llu, handoffs %llu", i,
		       (unsigned long long)info.sends, (unsigned long long)info.receives,
		       (unsigned long long)info.handoffs);
		expect(!(info.state & CHAN_STATE_CLOSED) == !c->closed, "channel %d", i);
	}
}

static void drain(int at)
{
	unsigned char room[LONGEST];
	struct channel *c = &chans[at];
	long ret;

	while ((ret = ch_try_recv(c->fd, room, c->size)) > 0) {
		expect(c->len && ret == 1 + (long)c->ring[0].len && is_elem(room, &c->ring[0]),
		       "channel %d: something else was in it: %ld", at, ret);
		pop(c);
	}
	expect(!ret && !c->len, "channel %d: %ld, and should have %u more", at, ret, c->len);
}

/* Those who are still parked end when all is closed; what was buffered is still there. */
static void end_round(void)
{
	int i, first = below(nr_chans);

	for (i = 0; i < nr_chans; i++)
		close_channel((first + i) % nr_chans);
	collect();
	check_channels();
	for (i = 0; i < nr_chans; i++) {
		drain(i);
		close(chans[i].fd);
	}
}

static void prepare(struct __test_metadata *_metadata)
{
	const char *text = getenv("CHAN_SEED");

	seed = text ? strtoull(text, NULL, 0) : now_ns() / 1000;
	rng = (seed + 1) * 0x9E3779B97F4A7C15ULL | 1;
	TH_LOG("CHAN_SEED=%llu", (unsigned long long)seed);
	ctl = chanctl();
	start_parkers();
}

static unsigned int seen(enum met from, enum met to)
{
	unsigned int least = met[from];

	for (; from <= to; from++)
		if (met[from] < least)
			least = met[from];
	return least;
}

/* Until there have been so many rounds, or fewer if @met_all that must be met. */
static bool goes_on(unsigned int rounds, bool met_all)
{
	return round_nr < (met_all ? scaled(rounds) : rounds);
}

/* ---- something is ready, or nothing, and nobody blocks ---- */

/* A random select which, if it may block, will not, says the model. */
static bool draw_cases(struct party *p, enum patience how)
{
	int tries = 20;

	do {
		party_init(p, how, true);
		add_cases(p, below(CASES + 1), how != WAIT && one_in(4));
	} while (how == WAIT && !count_ready(p) && --tries);
	return tries;
}

/* False if the random channels are such that a blocking select would block. */
static bool act_once(enum patience how)
{
	struct party *p = &actors[0];
	bool acts;
	int i, n;

	begin_round();
	for (i = 0, n = below(4); i < n; i++)
		park_random(&parkers[i], 3, false);
	acts = draw_cases(p, how);
	if (acts) {
		act(p);
		collect();
		check_party(p);
		check_channels();
	}
	end_round();
	return acts;
}

static bool has_found_all(enum patience how)
{
	return seen(SENT_TO_BUFFER, GOT_TOO_SHORT) && (how == WAIT || met[FOUND_NOTHING]);
}

static void act_often(struct __test_metadata *_metadata, enum patience how,
		      unsigned int rounds)
{
	prepare(_metadata);
	while (goes_on(rounds, has_found_all(how)))
		round_nr += act_once(how);
	EXPECT_LT(0, seen(SENT_TO_BUFFER, GOT_TOO_SHORT));
	/* Six standard deviations. */
	EXPECT_LT(first_chosen * first_chosen, 36 * variance);
}

TEST(a_blocking_select_does_one_of_the_ready_cases_and_each_as_often)
{
	act_often(_metadata, WAIT, 1500);
}

TEST(a_select_that_tries_finds_what_is_ready_and_else_says_so)
{
	act_often(_metadata, TRY, 1500);
	EXPECT_LT(0, met[FOUND_NOTHING]);
}

TEST(a_select_with_a_passed_deadline_finds_what_is_ready_and_else_says_so)
{
	act_often(_metadata, LATE, 1500);
	EXPECT_LT(0, met[FOUND_NOTHING]);
}

/* ---- nothing is ready ---- */

/* A random case of a party that has one with a channel. */
static unsigned int some_case(const struct party *p)
{
	unsigned int i;

	do
		i = below(p->n);
	while (p->at[i] < 0);
	return i;
}

static void meet_case(const struct party *whose, unsigned int i)
{
	struct party *p = &actors[0];

	party_init(p, one_in(2) ? TRY : LATE, true);
	add_case(p, whose->at[i], CHAN_DIR_SEND + CHAN_DIR_RECV - whose->cases[i].dir);
	p->plain = one_in(2);
	act(p);
}

/* False if the random channels are such that it would not block. */
static bool block_once(bool by_close)
{
	struct party *p = &parkers[0];
	bool blocked;

	begin_round();
	blocked = park_random(p, CASES, true);
	if (blocked && by_close)
		close_channel(p->at[some_case(p)]);
	else if (blocked)
		meet_case(p, some_case(p));
	if (blocked) {
		collect();
		if (!by_close)
			check_party(&actors[0]);
		check_channels();
	}
	end_round();
	return blocked;
}

static bool has_ended_all(bool by_close)
{
	if (by_close)
		return met[PARKED_SENT_CLOSED] && met[PARKED_GOT_CLOSED];
	return met[PARKED_SENT] && met[PARKED_GOT] && met[PARKED_TOO_SHORT];
}

static void block_often(struct __test_metadata *_metadata, bool by_close, unsigned int rounds)
{
	prepare(_metadata);
	while (goes_on(rounds, has_ended_all(by_close)))
		round_nr += block_once(by_close);
}

TEST(a_blocked_select_does_the_case_whose_partner_comes_and_no_other)
{
	block_often(_metadata, false, 1500);
	EXPECT_LT(0, met[PARKED_SENT]);
	EXPECT_LT(0, met[PARKED_GOT]);
	EXPECT_LT(0, met[PARKED_TOO_SHORT]);
}

TEST(a_blocked_select_ends_with_the_case_whose_channel_is_closed)
{
	block_often(_metadata, true, 1000);
	EXPECT_LT(0, met[PARKED_SENT_CLOSED]);
	EXPECT_LT(0, met[PARKED_GOT_CLOSED]);
}

/* ---- many at a time ---- */

static void act_at_random(struct party *p)
{
	party_init(p, one_in(2) ? TRY : LATE, true);
	add_cases(p, one_in(3) ? 1 : below(CASES + 1), false);
	act(p);
}

/* Those who are completed get no time to leave their other queues before the next act. */
static void crowd_once(void)
{
	int i, n = 1 + below(ACTORS);

	begin_round();
	for (i = 0; i < PARKERS; i++)
		park_random(&parkers[i], one_in(2) ? 4 : CASES, false);
	for (i = 0; i < n; i++) {
		if (one_in(6))
			close_channel(below(nr_chans));
		else
			act_at_random(&actors[i]);
	}
	collect();
	for (i = 0; i < n; i++)
		if (actors[i].n)
			check_party(&actors[i]);
	check_channels();
	end_round();
}

TEST(several_blocked_selects_are_served_in_their_turn_and_each_once)
{
	prepare(_metadata);
	for (; goes_on(1000, seen(SENT_TO_BUFFER, PARKED_GOT_CLOSED)); round_nr++)
		crowd_once();
	EXPECT_LT(0, seen(SENT_TO_BUFFER, PARKED_GOT_CLOSED));
}

TEST_HARNESS_MAIN
