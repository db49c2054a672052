// SPDX-License-Identifier: GPL-2.0-only
/*
 * Elements of 1, 2, 4 and 8 bytes, which have short ways of their own: each of these meets each
 * other way to send and to receive, and what the one does the other can tell.
 */
#include "chan_test.h"

#define PAGE		4096

/* ---- every way to send and to receive ---- */

static long by_ioctl_send(int ch, void *p, uint32_t n)
{
	return ch_send(ch, p, n);
}

static long by_try_send(int ch, void *p, uint32_t n)
{
	return ch_try_send(ch, p, n);
}

static long by_send_until(int ch, void *p, uint32_t n)
{
	return ch_send_until(ch, p, n, CHAN_FOREVER - 1);
}

static long by_write(int ch, void *p, uint32_t n)
{
	return write(ch, p, n) == n ? 0 : -errno;
}

static long by_select_send(int ch, void *p, uint32_t n)
{
	struct chan_case c = sel_send(ch, p, n);

	return ch_select(ch, &c, 1);
}

static long by_batch_send(int ch, void *p, uint32_t n)
{
	(void)n;
	return ch_send_n(ch, p, 1) == 1 ? 0 : -errno;
}

static struct chan_call call_of(int in, void *req, void *rep, uint32_t n)
{
	return (struct chan_call){
		.size = sizeof(struct chan_call), .out = CHAN_CALL_HERE, .in = in,
		.req = (uintptr_t)req, .req_size = n, .rep = (uintptr_t)rep, .rep_size = n,
		.deadline = CHAN_FOREVER,
	};
}

/* With a reply that is there already. */
static long by_call(int ch, void *p, uint32_t n)
{
	int back = ch_make(n, 1, 0);
	char reply[8] __attribute__((aligned(8)));
	struct chan_call call = call_of(back, p, reply, n);
	long ret;

	must(ch_send(back, p, n));
	ret = xioctl(ch, CHAN_IOC_CALL, &call);
	close(back);
	if (ret >= 0 && memcmp(p, reply, n))
		die("a reply that is not what was sent");
	return ret == 1 + (long)n ? 0 : ret;
}

static long by_ioctl_recv(int ch, void *p, uint32_t n)
{
	return ch_recv(ch, p, n);
}

static long by_try_recv(int ch, void *p, uint32_t n)
{
	return ch_try_recv(ch, p, n);
}

static long by_recv_until(int ch, void *p, uint32_t n)
{
	return ch_recv_until(ch, p, n, CHAN_FOREVER - 1);
}

static long by_read(int ch, void *p, uint32_t n)
{
	ssize_t ret = read(ch, p, n);

	return ret < 0 ? -errno : 1 + ret;
}

static long by_select_recv(int ch, void *p, uint32_t n)
{
	struct chan_case c = sel_recv(ch, p, n);
	long ret = ch_select(ch, &c, 1);

	return ret ?: 1 + (long)n;
}

static long by_batch_recv(int ch, void *p, uint32_t n)
{
	long ret = ch_recv_n(ch, p, 1);

	return ret == 1 ? 1 + (long)n : ret;
}

struct way {
	const char *name;
	long (*fn)(int ch, void *p, uint32_t n);
	bool tries;
};

static const struct way senders[] = {
	{ "send", by_ioctl_send, false },
	{ "try_send", by_try_send, true },
	{ "send_until", by_send_until, false },
	{ "write", by_write, false },
	{ "select", by_select_send, false },
	{ "send_n", by_batch_send, false },
	{ "call", by_call, false },
};

static const struct way receivers[] = {
	{ "recv", by_ioctl_recv, false },
	{ "try_recv", by_try_recv, true },
	{ "recv_until", by_recv_until, false },
	{ "read", by_read, false },
	{ "select", by_select_recv, false },
	{ "recv_n", by_batch_recv, false },
};

#define N(array)	(sizeof(array) / sizeof(*(array)))

static long go_way(struct task *t)
{
	const struct way *way = (const struct way *)(uintptr_t)t->value;

	return way->fn(t->fd, t->buf, t->size);
}

static struct task task_of(int ch, void *p, uint32_t n, const struct way *way)
{
	return (struct task){ .fd = ch, .buf = p, .size = n, .value = (uintptr_t)way };
}

/* ---- sizes and places ---- */

/*
 * Words lie in the middle of memory that is poisoned, some of them where they are not aligned,
 * and some at the end of a page behind which there is none.
 */
FIXTURE(word)
{
	char *from;
	char *to;
	int ch;
};

FIXTURE_VARIANT(word)
{
	uint32_t n;
	size_t place;
	uint64_t cap;
};

FIXTURE_VARIANT_ADD(word, of_1) { .n = 1, .place = 64 };
FIXTURE_VARIANT_ADD(word, of_1_at_the_end) { .n = 1, .place = PAGE - 1 };
FIXTURE_VARIANT_ADD(word, of_2) { .n = 2, .place = 66 };
FIXTURE_VARIANT_ADD(word, of_2_not_aligned) { .n = 2, .place = 65 };
FIXTURE_VARIANT_ADD(word, of_4) { .n = 4, .place = 68 };
FIXTURE_VARIANT_ADD(word, of_4_at_the_end) { .n = 4, .place = PAGE - 4 };
FIXTURE_VARIANT_ADD(word, of_8) { .n = 8, .place = 64 };
FIXTURE_VARIANT_ADD(word, of_8_not_aligned) { .n = 8, .place = 68 };
FIXTURE_VARIANT_ADD(word, of_8_at_the_end) { .n = 8, .place = PAGE - 8 };
FIXTURE_VARIANT_ADD(word, of_8_buffered) { .n = 8, .place = 64, .cap = 1 };

/* A page, with nothing behind it. */
static char *page(void)
{
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || munmap(p + PAGE, PAGE))
		die("mmap");
	return p;
}

FIXTURE_SETUP(word)
{
	self->from = page() + variant->place;
	self->to = page() + variant->place;
	self->ch = must(ch_make(variant->n, variant->cap, 0));
}

FIXTURE_TEARDOWN(word)
{
	close(self->ch);
	munmap(self->from - variant->place, PAGE);
	munmap(self->to - variant->place, PAGE);
}

/* Whether it is there, and nothing else is. */
static bool is_there(const char *to, size_t place, uint32_t n, uint32_t seed)
{
	const char *start = to - place;

	return is_filled(to, n, seed) && all_bytes(start, place, POISON) &&
	       all_bytes(to + n, PAGE - place - n, POISON);
}

TEST_F(word, each_sender_meets_a_receiver_that_waits_in_each_way)
{
	uint32_t n = variant->n, seed = 0;
	struct chan_info info;
	struct task t;
	size_t r, s;

	for (r = 0; r < N(receivers); r++) {
		for (s = 0; s < N(senders) && !receivers[r].tries; s++) {
			poison(self->to - variant->place, PAGE);
			fill(self->from, n, ++seed);
			t = task_of(self->ch, self->to, n, &receivers[r]);
			park_receiver(&t, go_way);
			EXPECT_EQ(0, senders[s].fn(self->ch, self->from, n))
				TH_LOG("%s to %s", senders[s].name, receivers[r].name);
			EXPECT_EQ(1 + n, task_join(&t));
			EXPECT_TRUE(is_there(self->to, variant->place, n, seed))
				TH_LOG("%s to %s", senders[s].name, receivers[r].name);
		}
	}
	info = ch_info(self->ch);
	EXPECT_EQ(seed, info.sends);
	EXPECT_EQ(seed, info.receives);
	EXPECT_EQ(seed, info.handoffs);
	EXPECT_EQ(seed, info.recv_parks);
	EXPECT_EQ(0, info.recvq);
	EXPECT_EQ(0, info.lost);
}

TEST_F(word, each_receiver_meets_a_sender_that_waits_in_each_way)
{
	uint32_t n = variant->n, seed = 0, full = variant->cap;
	struct chan_info info;
	struct task t;
	size_t r, s;

	for (s = 0; s < N(senders); s++) {
		for (r = 0; r < N(receivers) && !senders[s].tries; r++) {
			if (full)
				must(ch_send(self->ch, self->from, n));
			poison(self->to - variant->place, PAGE);
			fill(self->from, n, ++seed);
			t = task_of(self->ch, self->from, n, &senders[s]);
			park_sender(&t, go_way);
			if (full)
				must(ch_recv(self->ch, NULL, 0));
			EXPECT_EQ(1 + n, receivers[r].fn(self->ch, self->to, n))
				TH_LOG("%s from %s", receivers[r].name, senders[s].name);
			EXPECT_EQ(0, task_join(&t));
			EXPECT_TRUE(is_there(self->to, variant->place, n, seed))
				TH_LOG("%s from %s", receivers[r].name, senders[s].name);
		}
	}
	info = ch_info(self->ch);
	EXPECT_EQ((1 + full) * seed, info.sends);
	EXPECT_EQ((1 + full) * seed, info.receives);
	EXPECT_EQ(full ? 0 : seed, info.handoffs);
	EXPECT_EQ(seed, info.send_parks);
	EXPECT_EQ(0, info.sendq);
}

TEST(what_is_buffered_comes_before_what_its_sender_waits_with)
{
	int ch = ch_make(8, 1, 0);
	struct task t;

	must(send64(ch, 1));
	park_send64(&t, ch, 2);
	EXPECT_EQ(1, recv64(ch));
	EXPECT_EQ(0, task_join(&t));
	EXPECT_EQ(2, recv64(ch));
}

TEST_F(word, those_who_wait_in_different_ways_are_served_in_their_order)
{
	enum { WAIT = 4 };
	static const struct way *const ways[WAIT] = {
		&receivers[0], &receivers[4], &receivers[3], &receivers[0],
	};
	char room[WAIT][8] __attribute__((aligned(8)));
	struct task t[WAIT];
	uint32_t n = variant->n;
	int i;

	for (i = 0; i < WAIT; i++) {
		t[i] = task_of(self->ch, room[i], n, ways[i]);
		park_receiver(&t[i], go_way);
	}
	for (i = 0; i < WAIT; i++) {
		fill(self->from, n, i);
		EXPECT_EQ(0, ch_send(self->ch, self->from, n));
		EXPECT_EQ(1 + n, task_join(&t[i]));
		EXPECT_TRUE(is_filled(room[i], n, i));
	}
}

TEST_F(word, a_receiver_that_waits_learns_of_the_end)
{
	uint32_t n = variant->n;
	struct task t;

	poison(self->to - variant->place, PAGE);
	park_recv(&t, self->ch, self->to, n);
	must(ch_close(self->ch));
	EXPECT_EQ(0, task_join(&t));
	EXPECT_TRUE(all_bytes(self->to, n, 0));
	EXPECT_TRUE(all_bytes(self->to - variant->place, variant->place, POISON));
	EXPECT_EQ(0, ch_recv(self->ch, self->to, n));
}

TEST_F(word, a_sender_that_waits_learns_of_the_end)
{
	uint32_t n = variant->n;
	struct task t;

	if (variant->cap)
		must(ch_send(self->ch, self->from, n));
	park_send(&t, self->ch, self->from, n);
	must(ch_close(self->ch));
	EXPECT_EQ(-EPIPE, task_join(&t));
	EXPECT_EQ(-EPIPE, ch_send(self->ch, self->from, n));
}

/* ---- room and elements that are not there ---- */

TEST_F(word, into_memory_that_cannot_be_written_nothing_is_received)
{
	uint32_t n = variant->n;
	struct task t;

	must(mprotect(self->to - variant->place, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, ch_recv(self->ch, self->to, n));
	if (variant->cap)
		must(ch_send(self->ch, self->from, n));
	fill(self->from, n, 1);
	park_send(&t, self->ch, self->from, n);
	EXPECT_EQ(-EFAULT, ch_recv(self->ch, self->to, n));
	EXPECT_EQ(-EFAULT, ch_try_recv(self->ch, self->to, n));
	EXPECT_TRUE(are_parked(self->ch, 0, 1));
	must(mprotect(self->to - variant->place, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(1 + n, ch_recv(self->ch, self->to, n));
	if (variant->cap)
		EXPECT_EQ(1 + n, ch_recv(self->ch, self->to, n));
	EXPECT_EQ(0, task_join(&t));
	EXPECT_TRUE(is_filled(self->to, n, 1));
	EXPECT_EQ(0, ch_info(self->ch).lost);
}

TEST_F(word, room_that_vanishes_while_its_receiver_waits_loses_one_word)
{
	uint32_t n = variant->n;
	struct task t;

	park_recv(&t, self->ch, self->to, n);
	must(mprotect(self->to - variant->place, PAGE, PROT_NONE));
	EXPECT_EQ(0, ch_send(self->ch, self->from, n));
	EXPECT_EQ(-EFAULT, task_join(&t));
	EXPECT_EQ(1, ch_info(self->ch).lost);
	must(mprotect(self->to - variant->place, PAGE, PROT_READ | PROT_WRITE));
	fill(self->from, n, 2);
	park_recv(&t, self->ch, self->to, n);
	EXPECT_EQ(0, ch_send(self->ch, self->from, n));
	EXPECT_EQ(1 + n, task_join(&t));
	EXPECT_TRUE(is_filled(self->to, n, 2));
}

TEST_F(word, from_memory_that_is_not_there_nothing_is_sent)
{
	uint32_t n = variant->n;
	struct task t;

	park_recv(&t, self->ch, self->to, n);
	must(mprotect(self->from - variant->place, PAGE, PROT_NONE));
	EXPECT_EQ(-EFAULT, ch_send(self->ch, self->from, n));
	EXPECT_TRUE(are_parked(self->ch, 1, 0));
	must(mprotect(self->from - variant->place, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, ch_send(self->ch, self->from, n));
	EXPECT_EQ(1 + n, task_join(&t));
}

/* ---- signals ---- */

static void ignore(int sig)
{
	(void)sig;
}

/* A signal to a task that waits, which is not restarted. */
static long interrupted(struct task *t)
{
	struct sigaction act = { .sa_handler = ignore }, old;
	long ret;

	must(sigaction(SIGUSR1, &act, &old));
	must(syscall(SYS_tgkill, getpid(), task_tid(t), SIGUSR1));
	ret = task_join(t);
	must(sigaction(SIGUSR1, &old, NULL));
	return ret;
}

TEST_F(word, a_signal_ends_a_wait_and_takes_nothing_along)
{
	uint32_t n = variant->n;
	struct task t;

	park_recv(&t, self->ch, self->to, n);
	EXPECT_EQ(-EINTR, interrupted(&t));
	EXPECT_TRUE(are_parked(self->ch, 0, 0));
	if (variant->cap)
		must(ch_send(self->ch, self->from, n));
	park_send(&t, self->ch, self->from, n);
	EXPECT_EQ(-EINTR, interrupted(&t));
	EXPECT_TRUE(are_parked(self->ch, 0, 0));
	EXPECT_EQ(2, ch_info(self->ch).aborts);
	if (variant->cap)
		EXPECT_EQ(1 + n, ch_recv(self->ch, self->to, n));
	EXPECT_EQ(-EAGAIN, ch_try_recv(self->ch, self->to, n));
}

/* ---- calls ---- */

static long do_call(struct task *t)
{
	return xioctl(t->fd, CHAN_IOC_CALL, t->buf);
}

TEST_F(word, a_call_to_who_waits_gets_its_reply)
{
	int back = must(ch_make(variant->n, variant->cap, 0));
	struct chan_call call = call_of(back, self->from, self->to, variant->n);
	char request[8] __attribute__((aligned(8))), reply[8] __attribute__((aligned(8)));
	uint32_t n = variant->n;
	struct task server, client = { .fd = self->ch, .buf = &call };

	poison(self->to - variant->place, PAGE);
	fill(self->from, n, 1);
	fill(reply, n, 2);
	park_recv(&server, self->ch, request, n);
	task_start(&client, do_call);
	EXPECT_EQ(1 + n, task_join(&server));
	/* Whoever has got the request finds somebody who waits for the reply. */
	EXPECT_TRUE(are_parked(back, 1, 0));
	EXPECT_TRUE(is_filled(request, n, 1));
	EXPECT_EQ(0, ch_try_send(back, reply, n));
	EXPECT_EQ(1 + n, task_join(&client));
	EXPECT_TRUE(is_there(self->to, variant->place, n, 2));
	close(back);
}

TEST_F(word, a_call_behind_others_who_wait_for_replies_is_queued_before_it_is_told)
{
	int back = must(ch_make(variant->n, 0, 0));
	struct chan_call call = call_of(back, self->from, self->to, variant->n);
	char request[8] __attribute__((aligned(8))), reply[8] __attribute__((aligned(8)));
	uint32_t n = variant->n;
	struct task server, other, client = { .fd = self->ch, .buf = &call };

	park_recv(&server, self->ch, request, n);
	park_recv(&other, back, reply, n);
	task_start(&client, do_call);
	EXPECT_EQ(1 + n, task_join(&server));
	EXPECT_TRUE(are_parked(back, 2, 0));
	EXPECT_EQ(0, ch_try_send(back, self->from, n));
	EXPECT_EQ(1 + n, task_join(&other));
	EXPECT_EQ(0, ch_try_send(back, self->from, n));
	EXPECT_EQ(1 + n, task_join(&client));
	close(back);
}

TEST_F(word, a_call_that_is_interrupted_says_that_it_is_sent)
{
	int back = must(ch_make(variant->n, 0, 0));
	struct chan_call call = call_of(back, self->from, self->to, variant->n);
	char request[8] __attribute__((aligned(8)));
	uint32_t n = variant->n;
	struct task server, client = { .fd = self->ch, .buf = &call };

	park_recv(&server, self->ch, request, n);
	task_start(&client, do_call);
	EXPECT_EQ(1 + n, task_join(&server));
	wait_parked(back, 1, 0);
	EXPECT_EQ(-EINTR, interrupted(&client));
	EXPECT_EQ(CHAN_CALL_SENT, call.flags);
	EXPECT_EQ(1, ch_info(self->ch).sends);
	close(back);
}

TEST_F(word, a_call_whose_reply_has_no_room_sends_nothing)
{
	int back = must(ch_make(variant->n, 0, 0));
	struct chan_call call = call_of(back, self->from, self->to, variant->n);
	char request[8] __attribute__((aligned(8)));
	uint32_t n = variant->n;
	struct task server;

	park_recv(&server, self->ch, request, n);
	must(mprotect(self->to - variant->place, PAGE, PROT_READ));
	EXPECT_EQ(-EFAULT, xioctl(self->ch, CHAN_IOC_CALL, &call));
	EXPECT_EQ(0, call.flags);
	EXPECT_TRUE(are_parked(self->ch, 1, 0));
	EXPECT_EQ(0, ch_send(self->ch, self->from, n));
	EXPECT_EQ(1 + n, task_join(&server));
	close(back);
}

TEST_F(word, a_call_whose_replies_have_ended_is_sent_and_says_so)
{
	int back = must(ch_make(variant->n, 0, 0));
	struct chan_call call = call_of(back, self->from, self->to, variant->n);
	char request[8] __attribute__((aligned(8)));
	uint32_t n = variant->n;
	struct task server;

	poison(self->to, n);
	must(ch_close(back));
	park_recv(&server, self->ch, request, n);
	EXPECT_EQ(0, xioctl(self->ch, CHAN_IOC_CALL, &call));
	EXPECT_EQ(1 + n, task_join(&server));
	EXPECT_TRUE(all_bytes(self->to, n, 0));
	close(back);
}

/* ---- what is no word ---- */

/* An address to which the largest size there is looks like that of a word. */
static void *odd_place(void)
{
	void *p = mmap((void *)(1ULL << 32), PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

TEST(the_largest_size_there_is_is_not_that_of_a_word)
{
	static const uint32_t sizes[] = { 0, 3, 16, 200, 2 * PAGE };
	char *odd = odd_place(), elem[2 * PAGE] = {};
	struct chan_call call;
	size_t i;
	int cap;

	for (i = 0; i < N(sizes); i++) {
		for (cap = 0; cap < 3; cap += 2) {
			int ch = ch_make(sizes[i], cap, 0), back = ch_make(8, 1, 0);

			EXPECT_EQ(-EMSGSIZE, ch_send(ch, NULL, UINT32_MAX));
			EXPECT_EQ(-EMSGSIZE, ch_send(ch, odd, UINT32_MAX));
			EXPECT_EQ(-EMSGSIZE, ch_try_send(ch, odd, UINT32_MAX));
			EXPECT_EQ(-EMSGSIZE, ch_try_recv(ch, odd, UINT32_MAX));
			EXPECT_EQ(-EMSGSIZE, ch_recv(ch, odd, UINT32_MAX));
			call = call_of(back, odd, odd, 8);
			call.req_size = UINT32_MAX;
			EXPECT_EQ(-EMSGSIZE, xioctl(ch, CHAN_IOC_CALL, &call));
			if (cap) {
				must(ch_send(ch, elem, sizes[i]));
				EXPECT_EQ(-EMSGSIZE, ch_try_recv(ch, odd, UINT32_MAX));
				EXPECT_EQ(1, ch_len(ch));
			}
			close(ch);
			close(back);
		}
	}
	munmap(odd, PAGE);
}

TEST(a_message_may_be_received_with_the_largest_room_there_is)
{
	int ch = ch_make(64, 2, CHAN_MESSAGE), out = ch_make(8, 1, 0);
	char *odd = odd_place();
	struct chan_case c = sel_recv(ch, odd, UINT32_MAX);
	struct chan_call call = call_of(ch, odd, odd, 8);

	must(ch_send(ch, "hello", 5));
	EXPECT_EQ(6, ch_recv(ch, odd, UINT32_MAX));
	EXPECT_EQ(0, memcmp(odd, "hello", 5));
	must(ch_send(ch, "again", 5));
	EXPECT_EQ(0, ch_select(ch, &c, 1));
	EXPECT_EQ(5, c.len);
	EXPECT_EQ(0, memcmp(odd, "again", 5));
	must(ch_send(ch, "reply", 5));
	call.rep_size = UINT32_MAX;
	EXPECT_EQ(6, xioctl(out, CHAN_IOC_CALL, &call));
	EXPECT_EQ(0, memcmp(odd, "reply", 5));
	munmap(odd, PAGE);
}

TEST(a_time_may_not_be_received_with_the_largest_room_there_is)
{
	int timer = ch_timer_at(0);
	char *odd = odd_place();

	EXPECT_EQ(-EMSGSIZE, ch_recv(timer, odd, UINT32_MAX));
	EXPECT_EQ(1 + 8, ch_recv(timer, odd, 8));
	munmap(odd, PAGE);
}

TEST_HARNESS_MAIN
