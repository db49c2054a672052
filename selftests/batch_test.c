// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several elements in one call, by command and by read and write: that they are so many sends
 * and receives, in the same order and with the same ends.
 */
#include "trace_test.h"

#define PAGE	4096

/* Both ways to say it; each returns elements, or -errno. */
struct way {
	long (*send)(int fd, const void *elems, uint32_t n, uint32_t size);
	long (*recv)(int fd, void *elems, uint32_t n, uint32_t size);
};

static long send_by_command(int fd, const void *elems, uint32_t n, uint32_t size)
{
	return ch_batch(fd, CHAN_IOC_SEND_N, (struct chan_batch){
		.elems = (uintptr_t)elems, .n = n, .elem_size = size,
	});
}

static long recv_by_command(int fd, void *elems, uint32_t n, uint32_t size)
{
	return ch_batch(fd, CHAN_IOC_RECV_N, (struct chan_batch){
		.elems = (uintptr_t)elems, .n = n, .elem_size = size,
	});
}

static long whole_elements(ssize_t bytes, uint32_t size)
{
	if (bytes < 0)
		return -errno;
	if (bytes % size)
		die("%zd bytes in elements of %u", bytes, size);
	return bytes / size;
}

static long send_by_write(int fd, const void *elems, uint32_t n, uint32_t size)
{
	return whole_elements(write(fd, elems, (size_t)n * size), size);
}

static long recv_by_read(int fd, void *elems, uint32_t n, uint32_t size)
{
	return whole_elements(read(fd, elems, (size_t)n * size), size);
}

static const struct way by_command = { send_by_command, recv_by_command };
static const struct way by_file = { send_by_write, recv_by_read };

FIXTURE(batch)
{
	const struct way *way;
};

FIXTURE_VARIANT(batch)
{
	const struct way *way;
};

FIXTURE_VARIANT_ADD(batch, command) { .way = &by_command };
FIXTURE_VARIANT_ADD(batch, file) { .way = &by_file };

FIXTURE_SETUP(batch)
{
	self->way = variant->way;
}

FIXTURE_TEARDOWN(batch)
{
}

/* A batch in a task of its own. */
struct batcher {
	struct task t;
	const struct way *way;
	uint32_t n;
	uint32_t size;
};

static long do_send(struct task *t)
{
	struct batcher *b = (struct batcher *)t;

	return b->way->send(t->fd, t->buf, b->n, b->size);
}

static long do_recv(struct task *t)
{
	struct batcher *b = (struct batcher *)t;

	return b->way->recv(t->fd, t->buf, b->n, b->size);
}

static void start(struct batcher *b, long (*fn)(struct task *t), const struct way *way, int fd,
		  void *buf, uint32_t n, uint32_t size)
{
	*b = (struct batcher){ .t = { .fd = fd, .buf = buf }, .way = way, .n = n, .size = size };
	task_start(&b->t, fn);
}

static void number(uint64_t *v, uint64_t first, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		v[i] = first + i;
}

static bool are_numbered(const uint64_t *v, uint64_t first, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (v[i] != first + i)
			return false;
	return true;
}

/* ---- what arrives ---- */

/* At each place of the ring, so that most go round its end. */
TEST_F(batch, elements_of_every_size_arrive_whole_and_in_order)
{
	static const uint32_t sizes[] = { 1, 2, 3, 4, 5, 7, 8, 11, 16, 24, 100, 128, 129, 1000 };
	static unsigned char v[100 * 1000 + 1], w[100 * 1000 + 1];
	unsigned int i, at;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint32_t size = sizes[i];
		int ch = ch_make(size, 100, 0);

		for (at = 0; at < 200; at += 37) {
			uint32_t n = 100 - at % 50;

			fill(v, n * size, at);
			poison(w, sizeof(w));
			ASSERT_EQ(n, self->way->send(ch, v, n, size));
			ASSERT_EQ(n, ch_len(ch));
			ASSERT_EQ(n, self->way->recv(ch, w, n, size));
			ASSERT_TRUE(is_filled(w, n * size, at));
			ASSERT_EQ(POISON, w[n * size]);
			/* An odd address takes another way. */
			ASSERT_EQ(n, self->way->send(ch, w, n, size));
			poison(v, sizeof(v));
			ASSERT_EQ(n, self->way->recv(ch, v + 1, n, size));
			ASSERT_TRUE(is_filled(v + 1, n * size, at));
			ASSERT_EQ(POISON, v[0]);
		}
		close(ch);
	}
}

TEST_F(batch, elements_sent_in_one_way_are_received_in_the_other)
{
	static const uint32_t sizes[] = { 1, 3, 4, 11, 24, 100, 1000 };
	static unsigned char v[10 * 1000], w[10 * 1000];
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint32_t size = sizes[i];
		int ch = ch_make(size, 10, 0);

		fill(v, 10 * size, size);
		must(self->way->send(ch, v, 10, size));
		for (j = 0; j < 10; j++)
			EXPECT_EQ(1 + size, ch_recv(ch, w + j * size, size));
		EXPECT_TRUE(is_filled(w, 10 * size, size));
		poison(w, sizeof(w));
		for (j = 0; j < 10; j++)
			EXPECT_EQ(0, ch_send(ch, v + j * size, size));
		EXPECT_EQ(10, self->way->recv(ch, w, 10, size));
		EXPECT_TRUE(is_filled(w, 10 * size, size));
		close(ch);
	}
}

TEST_F(batch, ten_thousand_elements_go_through_a_small_channel)
{
	enum { N = 10000 };
	static uint64_t v[N], w[N];
	static const uint64_t caps[] = { 0, 1, 3, 128 };
	long some = scaled(N);
	struct batcher b;
	unsigned int i;

	number(v, 1, some);
	for (i = 0; i < 4; i++) {
		int ch = ch_make(8, caps[i], 0);
		long got = 0, n;

		poison(w, sizeof(w));
		start(&b, do_send, self->way, ch, v, some, 8);
		while (got < some) {
			n = self->way->recv(ch, w + got, some - got < 50 ? some - got : 50, 8);
			ASSERT_LT(0, n);
			got += n;
		}
		EXPECT_EQ(some, task_join(&b.t));
		EXPECT_TRUE(are_numbered(w, 1, some));
		EXPECT_EQ(some, ch_info(ch).sends);
		EXPECT_EQ(some, ch_info(ch).receives);
		EXPECT_EQ(0, ch_len(ch));
		close(ch);
	}
}

/* ---- whom it meets ---- */

TEST_F(batch, a_send_serves_who_is_parked_in_their_order_and_buffers_the_rest)
{
	enum { R = 5 };
	int ch = ch_make(8, 4, 0), i;
	struct task r[R];
	uint64_t v[R + 3];
	struct chan_info info;

	number(v, 1, R + 3);
	for (i = 0; i < R; i++)
		park_recv64(&r[i], ch);
	EXPECT_EQ(R + 3, self->way->send(ch, v, R + 3, 8));
	for (i = 0; i < R; i++) {
		EXPECT_EQ(9, task_join(&r[i]));
		EXPECT_EQ(i + 1, r[i].value);
	}
	info = ch_info(ch);
	EXPECT_EQ(3, info.len);
	EXPECT_EQ(R + 3, info.sends);
	EXPECT_EQ(R, info.receives);
	EXPECT_EQ(R, info.handoffs);
	EXPECT_EQ(R + 1, recv64(ch));
}

TEST_F(batch, a_receive_takes_the_buffer_then_lets_in_who_is_parked_in_their_order)
{
	enum { S = 5 };
	int ch = ch_make(8, 3, 0), i;
	struct task s[S];
	uint64_t v[3], w[3 + S + 1];
	struct chan_info info;

	number(v, 1, 3);
	must(self->way->send(ch, v, 3, 8));
	for (i = 0; i < S; i++)
		park_send64(&s[i], ch, 4 + i);
	poison(w, sizeof(w));
	EXPECT_EQ(3 + S, self->way->recv(ch, w, 3 + S + 1, 8));
	EXPECT_TRUE(are_numbered(w, 1, 3 + S));
	EXPECT_TRUE(all_bytes(&w[3 + S], 8, POISON));
	for (i = 0; i < S; i++)
		EXPECT_EQ(0, task_join(&s[i]));
	info = ch_info(ch);
	EXPECT_EQ(0, info.len);
	EXPECT_EQ(3 + S, info.sends);
	EXPECT_EQ(3 + S, info.receives);
	/* Unless the ring is left out they are none. */
	EXPECT_EQ(0, info.handoffs);
}

TEST_F(batch, a_receive_lets_in_some_and_leaves_the_others_parked)
{
	int ch = ch_make(8, 2, 0), i;
	struct task s[3];
	uint64_t w[2];

	must(send64(ch, 1));
	must(send64(ch, 2));
	for (i = 0; i < 3; i++)
		park_send64(&s[i], ch, 3 + i);
	EXPECT_EQ(2, self->way->recv(ch, w, 2, 8));
	EXPECT_TRUE(are_numbered(w, 1, 2));
	EXPECT_EQ(0, task_join(&s[0]));
	EXPECT_EQ(0, task_join(&s[1]));
	EXPECT_EQ(1, ch_info(ch).sendq);
	EXPECT_EQ(2, ch_len(ch));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(3 + i, recv64(ch));
	EXPECT_EQ(0, task_join(&s[2]));
}

TEST_F(batch, both_sides_in_batches_meet_without_a_buffer)
{
	enum { N = 1000 };
	static uint64_t v[N], w[N];
	int ch = ch_make(8, 0, 0);
	struct batcher b;
	long got = 0, n;

	number(v, 1, N);
	start(&b, do_send, self->way, ch, v, N, 8);
	while (got < N) {
		n = self->way->recv(ch, w + got, N - got, 8);
		ASSERT_LT(0, n);
		got += n;
	}
	EXPECT_EQ(N, task_join(&b.t));
	EXPECT_TRUE(are_numbered(w, 1, N));
	EXPECT_EQ(N, ch_info(ch).handoffs);
}

TEST_F(batch, a_select_that_is_parked_is_served_once)
{
	uint64_t a = 0, b = 0, v[3];
	int c1 = ch_make(8, 4, 0), c2 = ch_make(8, 4, 0);
	struct chan_case cases[] = { sel_recv(c1, &a, 8), sel_recv(c2, &b, 8) };
	struct task t;

	number(v, 1, 3);
	park_select(&t, c1, cases, 2);
	EXPECT_EQ(3, self->way->send(c2, v, 3, 8));
	EXPECT_EQ(1, task_join(&t));
	EXPECT_EQ(0, a);
	EXPECT_EQ(1, b);
	EXPECT_EQ(2, ch_len(c2));
	EXPECT_EQ(0, ch_info(c1).recvq);
}

static uint64_t of(uint64_t sender, uint64_t i)
{
	return sender << 32 | i;
}

/* Who parks for its next element does so behind the others. */
TEST_F(batch, two_senders_that_park_for_each_element_take_turns)
{
	enum { N = 5 };
	int ch = ch_make(8, 0, 0), s, i;
	uint64_t v[2][N];
	struct batcher b[2];

	for (s = 0; s < 2; s++)
		for (i = 0; i < N; i++)
			v[s][i] = of(s, i);
	for (s = 0; s < 2; s++) {
		start(&b[s], do_send, self->way, ch, v[s], N, 8);
		wait_parked(ch, 0, s + 1);
	}
	for (i = 0; i < N; i++) {
		EXPECT_EQ(of(0, i), recv64(ch));
		wait_parked(ch, 0, i < N - 1 ? 2 : 1);
		EXPECT_EQ(of(1, i), recv64(ch));
		wait_parked(ch, 0, i < N - 1 ? 2 : 0);
	}
	for (s = 0; s < 2; s++)
		EXPECT_EQ(N, task_join(&b[s].t));
}

TEST_F(batch, each_of_two_senders_keeps_its_order)
{
	enum { N = 3000 };
	static uint64_t v[2][N], w[64];
	uint64_t next[2] = {};
	int ch = ch_make(8, 3, 0), s, i;
	struct batcher b[2];
	long got = 0, n;

	for (s = 0; s < 2; s++)
		for (i = 0; i < N; i++)
			v[s][i] = of(s, i);
	for (s = 0; s < 2; s++)
		start(&b[s], do_send, self->way, ch, v[s], N, 8);
	wait_parked(ch, 0, 2);
	while (got < 2 * N) {
		n = self->way->recv(ch, w, 64, 8);
		ASSERT_LT(0, n);
		for (i = 0; i < n; i++) {
			unsigned int from = w[i] >> 32;

			ASSERT_LT(from, 2);
			ASSERT_EQ(of(from, next[from]++), w[i]);
		}
		got += n;
	}
	for (s = 0; s < 2; s++)
		EXPECT_EQ(N, task_join(&b[s].t));
}

/* ---- waking ---- */

struct counts {
	unsigned int parks, readies, sends, recvs;
};

static bool start_counting(void)
{
	return trace_start("chan_park") && trace_start("chan_ready") &&
	       trace_start("chan_send") && trace_start("chan_recv");
}

/* What was traced on this channel. */
static struct counts stop_counting(int ch)
{
	struct counts n = {};
	char line[512], id[64];
	FILE *f = trace_open();

	snprintf(id, sizeof(id), " chan=%llu ", (unsigned long long)ch_info(ch).id);
	while (fgets(line, sizeof(line), f)) {
		if (!strstr(line, id))
			continue;
		n.parks += !!strstr(line, " chan_park:");
		n.readies += !!strstr(line, " chan_ready:");
		n.sends += strstr(line, " chan_send:") && !strstr(line, "would-block");
		n.recvs += strstr(line, " chan_recv:") && !strstr(line, "would-block");
	}
	fclose(f);
	trace_end();
	return n;
}

TEST_F(batch, each_receiver_that_is_served_is_readied_once)
{
	enum { R = 8, N = 20 };
	int ch = ch_make(8, N, 0), i;
	struct task r[R];
	uint64_t v[N];
	struct counts n;

	if (!start_counting())
		SKIP(return, "no trace");
	number(v, 1, N);
	for (i = 0; i < R; i++)
		park_recv64(&r[i], ch);
	EXPECT_EQ(N, self->way->send(ch, v, N, 8));
	for (i = 0; i < R; i++)
		EXPECT_EQ(9, task_join(&r[i]));
	n = stop_counting(ch);
	EXPECT_EQ(R, n.parks);
	EXPECT_EQ(R, n.readies);
	EXPECT_EQ(N, n.sends);
	EXPECT_EQ(R, n.recvs);
}

TEST_F(batch, each_sender_that_is_let_in_is_readied_once_and_all_elements_are_traced)
{
	enum { S = 8, CAP = 5 };
	int ch = ch_make(8, CAP, 0), i;
	uint64_t v[CAP], w[CAP + S];
	struct task s[S];
	struct counts n;

	if (!start_counting())
		SKIP(return, "no trace");
	number(v, 1, CAP);
	EXPECT_EQ(CAP, self->way->send(ch, v, CAP, 8));
	for (i = 0; i < S; i++)
		park_send64(&s[i], ch, CAP + 1 + i);
	EXPECT_EQ(CAP + S, self->way->recv(ch, w, CAP + S, 8));
	EXPECT_TRUE(are_numbered(w, 1, CAP + S));
	for (i = 0; i < S; i++)
		EXPECT_EQ(0, task_join(&s[i]));
	n = stop_counting(ch);
	EXPECT_EQ(S, n.parks);
	EXPECT_EQ(S, n.readies);
	EXPECT_EQ(CAP + S, n.sends);
	EXPECT_EQ(CAP + S, n.recvs);
}

/* ---- ends ---- */

TEST_F(batch, what_may_not_wait_gives_its_count_so_far)
{
	int ch = ch_make(8, 3, 0);
	uint64_t v[5], w[5];

	must(fcntl(ch, F_SETFL, O_NONBLOCK));
	number(v, 1, 5);
	poison(w, sizeof(w));
	EXPECT_EQ(-EAGAIN, self->way->recv(ch, w, 5, 8));
	EXPECT_TRUE(all_bytes(w, sizeof(w), POISON));
	EXPECT_EQ(3, self->way->send(ch, v, 5, 8));
	EXPECT_EQ(-EAGAIN, self->way->send(ch, v + 3, 2, 8));
	EXPECT_EQ(3, self->way->recv(ch, w, 5, 8));
	EXPECT_TRUE(are_numbered(w, 1, 3));
	EXPECT_TRUE(all_bytes(w + 3, 16, POISON));
}

TEST_F(batch, a_send_parks_for_each_element_it_must)
{
	int ch = ch_make(8, 2, 0), i;
	uint64_t v[6];
	struct batcher b;

	number(v, 1, 6);
	start(&b, do_send, self->way, ch, v, 6, 8);
	for (i = 1; i <= 4; i++) {
		wait_parked(ch, 0, 1);
		EXPECT_EQ(i, recv64(ch));
	}
	EXPECT_EQ(6, task_join(&b.t));
	EXPECT_EQ(4, ch_info(ch).send_parks);
	EXPECT_EQ(2, ch_len(ch));
}

TEST_F(batch, a_receive_waits_for_its_first_element_only)
{
	int ch = ch_make(8, 8, 0);
	uint64_t v[3], w[8];
	struct batcher b;

	number(v, 1, 3);
	poison(w, sizeof(w));
	start(&b, do_recv, self->way, ch, w, 8, 8);
	wait_parked(ch, 1, 0);
	/* It is given the first, and takes the others if they are there when it is back. */
	must(self->way->send(ch, v, 1, 8));
	EXPECT_EQ(1, task_join(&b.t));
	EXPECT_EQ(1, w[0]);
	EXPECT_TRUE(all_bytes(w + 1, 56, POISON));
	EXPECT_EQ(1, ch_info(ch).recv_parks);
}

TEST_F(batch, a_signal_ends_a_send_with_its_count_so_far_and_nothing_is_lost)
{
	int ch = ch_make(8, 2, 0);
	uint64_t v[6], w[3];
	struct batcher b;

	catch(SIGUSR1, SA_RESTART);
	number(v, 1, 6);
	start(&b, do_send, self->way, ch, v, 6, 8);
	wait_parked(ch, 0, 1);
	EXPECT_EQ(1, recv64(ch));
	wait_parked(ch, 0, 1);
	pthread_kill(b.t.thread, SIGUSR1);
	EXPECT_EQ(3, task_join(&b.t));
	EXPECT_EQ(1, handled);
	EXPECT_EQ(2, ch_len(ch));
	EXPECT_EQ(2, self->way->recv(ch, w, 2, 8));
	EXPECT_TRUE(are_numbered(w, 2, 2));
	EXPECT_EQ(3, ch_info(ch).sends);
}

TEST_F(batch, a_signal_before_the_first_element_interrupts_or_restarts)
{
	int ch = ch_make(8, 0, 0);
	struct batcher b;
	uint64_t w[2];

	catch(SIGUSR1, 0);
	start(&b, do_recv, self->way, ch, w, 2, 8);
	wait_parked(ch, 1, 0);
	pthread_kill(b.t.thread, SIGUSR1);
	EXPECT_EQ(-EINTR, task_join(&b.t));

	catch(SIGUSR1, SA_RESTART);
	start(&b, do_recv, self->way, ch, w, 2, 8);
	wait_parked(ch, 1, 0);
	pthread_kill(b.t.thread, SIGUSR1);
	EXPECT_TRUE(eventually(ch_info(ch).recv_parks == 3));
	wait_parked(ch, 1, 0);
	must(send64(ch, 7));
	EXPECT_EQ(1, task_join(&b.t));
	EXPECT_EQ(7, w[0]);
}

TEST_F(batch, a_close_ends_a_send_with_its_count_so_far)
{
	int ch = ch_make(8, 2, 0);
	uint64_t v[6], w[6];
	struct batcher b;

	number(v, 1, 6);
	start(&b, do_send, self->way, ch, v, 6, 8);
	wait_parked(ch, 0, 1);
	must(ch_close(ch));
	EXPECT_EQ(2, task_join(&b.t));
	EXPECT_EQ(-EPIPE, self->way->send(ch, v, 6, 8));
	EXPECT_EQ(2, self->way->recv(ch, w, 6, 8));
	EXPECT_TRUE(are_numbered(w, 1, 2));
	poison(w, sizeof(w));
	EXPECT_EQ(0, self->way->recv(ch, w, 6, 8));
	EXPECT_TRUE(all_bytes(w, sizeof(w), POISON));
}

TEST_F(batch, a_removal_ends_it_too)
{
	int ch = must(ch_make_named("batch.removed", 8, 2, 0, 0600));
	struct batcher b;
	uint64_t v[6];

	number(v, 1, 6);
	start(&b, do_send, self->way, ch, v, 6, 8);
	wait_parked(ch, 0, 1);
	must(ch_remove("batch.removed"));
	EXPECT_EQ(2, task_join(&b.t));
	EXPECT_EQ(-EIDRM, self->way->send(ch, v, 6, 8));
	EXPECT_EQ(-EIDRM, self->way->recv(ch, v, 6, 8));
}

TEST_F(batch, the_last_end_goes_while_a_batch_is_half_done)
{
	int ch = ch_make(8, 2, CHAN_AUTOCLOSE);
	int rx = must(ch_dup(ch, O_RDONLY | O_CLOEXEC));
	int tx = must(ch_dup(ch, O_WRONLY | O_CLOEXEC));
	uint64_t v[6], w[6];
	struct batcher b;

	close(ch);
	number(v, 1, 6);
	start(&b, do_send, self->way, tx, v, 6, 8);
	wait_parked(tx, 0, 1);
	EXPECT_EQ(1, recv64(rx));
	wait_parked(tx, 0, 1);
	close(rx);
	EXPECT_EQ(3, task_join(&b.t));
	EXPECT_EQ(-EPIPE, self->way->send(tx, v, 6, 8));

	ch = ch_make(8, 2, CHAN_AUTOCLOSE);
	rx = must(ch_dup(ch, O_RDONLY | O_CLOEXEC));
	tx = must(ch_dup(ch, O_WRONLY | O_CLOEXEC));
	close(ch);
	EXPECT_EQ(2, self->way->send(tx, v, 2, 8));
	close(tx);
	EXPECT_EQ(2, self->way->recv(rx, w, 6, 8));
	EXPECT_EQ(0, self->way->recv(rx, w, 6, 8));
}

/* ---- memory ---- */

/* Two pages, of which the second is not there. */
static unsigned char *half_there(void)
{
	unsigned char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap: %m");
	must(munmap(p + PAGE, PAGE));
	return p;
}

TEST_F(batch, a_send_from_memory_that_ends_sends_the_whole_elements_before)
{
	static const uint32_t sizes[] = { 1, 3, 8, 11, 24, 128, 200 };
	unsigned char w[4096];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint32_t size = sizes[i], n = 3;
		int ch = ch_make(size, 10, 0);
		/* Three elements, and a part of the fourth. */
		unsigned char *p = half_there() + PAGE - n * size - size / 2;

		fill(p, n * size + size / 2, size);
		EXPECT_EQ(n, self->way->send(ch, p, 10, size));
		EXPECT_EQ(n, ch_len(ch));
		EXPECT_EQ(n, ch_info(ch).sends);
		EXPECT_EQ(-EFAULT, self->way->send(ch, p + n * size, 7, size));
		EXPECT_EQ(n, ch_len(ch));
		EXPECT_EQ(n, self->way->recv(ch, w, n, size));
		EXPECT_TRUE(is_filled(w, n * size, size));
		close(ch);
	}
}

TEST_F(batch, a_receive_into_memory_that_ends_loses_nothing)
{
	static const uint32_t sizes[] = { 1, 3, 8, 11, 24, 128, 200 };
	unsigned char v[2000], w[2000];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint32_t size = sizes[i], n = 3;
		int ch = ch_make(size, 10, 0);
		unsigned char *p = half_there() + PAGE - n * size - size / 2;

		fill(v, 10 * size, size);
		poison(p, n * size + size / 2);
		must(self->way->send(ch, v, 10, size));
		EXPECT_EQ(n, self->way->recv(ch, p, 10, size));
		EXPECT_EQ(0, memcmp(v, p, n * size));
		EXPECT_TRUE(all_bytes(p + n * size, size / 2, POISON));
		EXPECT_EQ(-EFAULT, self->way->recv(ch, p + n * size, 7, size));
		EXPECT_TRUE(all_bytes(p + n * size, size / 2, POISON));
		EXPECT_EQ(7, ch_len(ch));
		EXPECT_EQ(7, self->way->recv(ch, w, 10, size));
		EXPECT_EQ(0, memcmp(v + n * size, w, 7 * size));
		EXPECT_EQ(0, ch_info(ch).lost);
		close(ch);
	}
}

TEST_F(batch, memory_that_is_not_there_yet_is_brought_in)
{
	enum { N = 4 * PAGE / 8 };
	uint64_t *v = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t *w = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ch = ch_make(8, N, 0);

	/* Never touched: zeroes, one page after the other. */
	EXPECT_EQ(N, self->way->send(ch, v, N, 8));
	EXPECT_EQ(N, self->way->recv(ch, w, N, 8));
	EXPECT_TRUE(all_bytes(w, 4 * PAGE, 0));
	number(v, 1, N);
	must(madvise(w, 4 * PAGE, MADV_DONTNEED));
	EXPECT_EQ(N, self->way->send(ch, v, N, 8));
	EXPECT_EQ(N, self->way->recv(ch, w, N, 8));
	EXPECT_TRUE(are_numbered(w, 1, N));
}

/* Of an element that is there in part, the other part is brought in. */
TEST_F(batch, an_element_may_begin_where_the_next_page_is_not_there_yet)
{
	static const uint32_t sizes[] = { 3, 11, 24, 100 };
	int fd = must(memfd_create("batch", 0));
	unsigned char *p, w[2000], *at;
	unsigned int i;

	must(ftruncate(fd, 2 * PAGE));
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint32_t size = sizes[i];
		int ch = ch_make(size, 10, 0);

		at = p + PAGE - 3 * size - 1;
		fill(at, 10 * size, size);
		must(madvise(p + PAGE, PAGE, MADV_DONTNEED));
		EXPECT_EQ(10, self->way->send(ch, at, 10, size));
		memset(p, 0, 2 * PAGE);
		must(madvise(p + PAGE, PAGE, MADV_DONTNEED));
		EXPECT_EQ(10, self->way->recv(ch, at, 10, size));
		memcpy(w, at, 10 * size);
		EXPECT_TRUE(is_filled(w, 10 * size, size));
		close(ch);
	}
}

TEST_F(batch, a_bad_pointer_moves_nothing_even_with_somebody_parked)
{
	int ch = ch_make(8, 0, 0);
	struct task r, s;

	park_recv64(&r, ch);
	EXPECT_EQ(-EFAULT, self->way->send(ch, bad_pointer(8), 4, 8));
	wait_parked(ch, 1, 0);
	must(send64(ch, 5));
	EXPECT_EQ(9, task_join(&r));
	EXPECT_EQ(5, r.value);

	park_send64(&s, ch, 6);
	EXPECT_EQ(-EFAULT, self->way->recv(ch, bad_pointer(8), 4, 8));
	wait_parked(ch, 0, 1);
	EXPECT_EQ(6, recv64(ch));
	EXPECT_EQ(0, task_join(&s));
}

/* ---- poll ---- */

TEST_F(batch, a_poller_hears_of_a_batch_once_there_is_something_for_it)
{
	int ch = ch_make(8, 4, 0);
	struct task reader, writer;
	uint64_t v[4];

	number(v, 1, 4);
	start_poller(&reader, ch, POLLIN);
	EXPECT_EQ(4, self->way->send(ch, v, 4, 8));
	EXPECT_EQ(POLLIN, task_join(&reader));
	start_poller(&writer, ch, POLLOUT);
	EXPECT_EQ(4, self->way->recv(ch, v, 4, 8));
	EXPECT_EQ(POLLOUT, task_join(&writer));
}

TEST_F(batch, edges_are_seen_for_each_batch)
{
	int ch = ch_make(8, 4, 0);
	int ep = ep_new(ch, EPOLLIN | EPOLLET);
	struct task s;
	uint64_t v[4];

	number(v, 1, 4);
	EXPECT_EQ(0, ep_events(ep, 0));
	EXPECT_EQ(2, self->way->send(ch, v, 2, 8));
	EXPECT_EQ(EPOLLIN, ep_events(ep, 0));
	EXPECT_EQ(0, ep_events(ep, 0));
	EXPECT_EQ(2, self->way->send(ch, v, 2, 8));
	EXPECT_EQ(EPOLLIN, ep_events(ep, 0));
	/* A sender is let in: there is something new. */
	park_send64(&s, ch, 9);
	ep_events(ep, 0);
	EXPECT_EQ(1, self->way->recv(ch, v, 1, 8));
	EXPECT_EQ(0, task_join(&s));
	EXPECT_EQ(EPOLLIN, ep_events(ep, 0));
}

TEST_F(batch, the_end_is_told_when_a_batch_has_drained_a_closed_channel)
{
	int ch = ch_make(8, 4, 0);
	int ep = ep_new(ch, EPOLLIN | EPOLLET);
	uint64_t v[4];

	number(v, 1, 4);
	must(self->way->send(ch, v, 4, 8));
	must(ch_close(ch));
	EXPECT_EQ(EPOLLIN, ep_events(ep, 0));
	EXPECT_EQ(4, self->way->recv(ch, v, 4, 8));
	EXPECT_EQ(EPOLLIN | EPOLLHUP, ep_events(ep, 0));
}

/* ---- by file only ---- */

TEST(names_are_written_and_read_by_other_programs)
{
	int ch = must(ch_make_named("batch.named", 4, 16, CHAN_AUTOCLOSE, 0600));
	char text[64];
	FILE *f;

	must(system("printf aaaabbbbccccdddd >/dev/chan/batch.named"));
	must(system("head -c 16 /dev/chan/batch.named | tr a-d A-D >/tmp/batch.named"));
	f = fopen("/tmp/batch.named", "r");
	ASSERT_NE(NULL, f);
	ASSERT_NE(NULL, fgets(text, sizeof(text), f));
	EXPECT_STREQ("AAAABBBBCCCCDDDD", text);
	fclose(f);
	EXPECT_EQ(4, ch_info(ch).sends);
	must(ch_remove("batch.named"));
}

TEST(parts_of_a_vector_cut_elements_anywhere)
{
	static unsigned char v[800], w[800];
	struct iovec out[] = { { v, 301 }, { v + 301, 1 }, { v + 302, 498 } };
	struct iovec in[] = { { w, 7 }, { w + 7, 790 }, { w + 797, 3 } };
	int ch = ch_make(8, 150, 0), i;

	for (i = 0; i < 3; i++) {
		fill(v, sizeof(v), i);
		poison(w, sizeof(w));
		EXPECT_EQ(800, writev(ch, out, 3));
		EXPECT_EQ(100, ch_len(ch));
		EXPECT_EQ(800, readv(ch, in, 3));
		EXPECT_TRUE(is_filled(w, sizeof(w), i));
	}
}

/* ---- by command only ---- */

static long send_as(int fd, struct chan_batch b)
{
	return ch_batch(fd, CHAN_IOC_SEND_N, b);
}

static long recv_as(int fd, struct chan_batch b)
{
	return ch_batch(fd, CHAN_IOC_RECV_N, b);
}

TEST(a_try_does_not_wait)
{
	int ch = ch_make(8, 2, 0);
	uint64_t v[3], w[3];
	struct chan_batch s = { .elems = (uintptr_t)v, .n = 3, .flags = CHAN_XFER_TRY };
	struct chan_batch r = { .elems = (uintptr_t)w, .n = 3, .flags = CHAN_XFER_TRY };

	number(v, 1, 3);
	EXPECT_EQ(-EAGAIN, recv_as(ch, r));
	EXPECT_EQ(2, send_as(ch, s));
	EXPECT_EQ(-EAGAIN, send_as(ch, s));
	EXPECT_EQ(2, recv_as(ch, r));
	EXPECT_TRUE(are_numbered(w, 1, 2));
}

TEST(a_deadline_is_kept_whatever_the_descriptor_says)
{
	int ch = ch_make(8, 2, 0);
	uint64_t v[3], w[3], when;
	struct chan_batch s = { .elems = (uintptr_t)v, .n = 3, .flags = CHAN_BATCH_UNTIL };
	struct chan_batch r = { .elems = (uintptr_t)w, .n = 3, .flags = CHAN_BATCH_UNTIL };

	number(v, 1, 3);
	must(fcntl(ch, F_SETFL, O_NONBLOCK));
	when = now_ns() + 20 * MS;
	r.deadline = when;
	EXPECT_EQ(-ETIMEDOUT, recv_as(ch, r));
	EXPECT_LE(when, now_ns());
	when = now_ns() + 2 * SEC;
	s.deadline = when;
	EXPECT_EQ(2, send_as(ch, s));
	EXPECT_LE(when, now_ns());
	EXPECT_EQ(1, ch_info(ch).send_parks);
	/* One that has passed: try once. */
	EXPECT_EQ(-ETIMEDOUT, send_as(ch, s));
	EXPECT_EQ(2, recv_as(ch, r));
	EXPECT_EQ(-ETIMEDOUT, recv_as(ch, r));
}

TEST(a_receive_to_nowhere_discards)
{
	int ch = ch_make(8, 4, 0);
	uint64_t v[6];
	struct batcher b;

	number(v, 1, 6);
	start(&b, do_send, &by_command, ch, v, 6, 8);
	wait_parked(ch, 0, 1);
	EXPECT_EQ(3, ch_recv_n(ch, NULL, 3));
	EXPECT_EQ(6, task_join(&b.t));
	EXPECT_EQ(4, recv64(ch));
	EXPECT_EQ(2, ch_recv_n(ch, NULL, 100));
}

TEST(elements_without_data_are_counted)
{
	int ch = ch_make(0, 100, 0), un = ch_make(0, 0, 0), i;
	struct batcher b;
	long got = 0;

	EXPECT_EQ(90, ch_send_n(ch, NULL, 90));
	EXPECT_EQ(90, ch_len(ch));
	EXPECT_EQ(80, ch_recv_n(ch, NULL, 80));
	EXPECT_EQ(10, ch_recv_n(ch, &i, 80));

	start(&b, do_send, &by_command, un, NULL, 100, 0);
	while (got < 100)
		got += must(ch_recv_n(un, NULL, 100));
	EXPECT_EQ(100, task_join(&b.t));
}

/* So many that it takes its time, although it need not wait. */
TEST(a_signal_ends_a_batch_between_elements_too)
{
	uint64_t max_cap = get_param("max_cap");
	const uint32_t n = 1 << 30;
	struct batcher b;
	long sent;
	int ch;

	set_param("max_cap", n);
	ch = ch_make(0, n, 0);
	set_param("max_cap", max_cap);
	must(ch);
	catch(SIGUSR1, SA_RESTART);
	start(&b, do_send, &by_command, ch, NULL, n, 0);
	ASSERT_TRUE(eventually(ch_len(ch) > 0));
	pthread_kill(b.t.thread, SIGUSR1);
	sent = task_join(&b.t);
	EXPECT_EQ(ch_len(ch), sent);
	EXPECT_LT(0, sent);
	EXPECT_GT(n, sent);

	must(ch_close(ch));
	while (sent > 0)
		sent -= must(ch_recv_n(ch, NULL, n));
	EXPECT_EQ(0, sent);
	EXPECT_EQ(0, ch_recv_n(ch, NULL, n));
}

TEST(bad_arguments_are_refused_and_nothing_is_done)
{
	int ch = ch_make(8, 4, 0), msg = ch_make(8, 4, CHAN_MESSAGE);
	int rx = must(ch_dup(ch, O_RDONLY)), tx = must(ch_dup(ch, O_WRONLY));
	uint64_t v[4];
	struct chan_batch good = { .elems = (uintptr_t)v, .n = 2 }, bad;
	unsigned int i;

	number(v, 1, 4);
	for (i = 2; i < 32; i++) {
		bad = good;
		bad.flags = 1U << i;
		EXPECT_EQ(-EINVAL, send_as(ch, bad));
		EXPECT_EQ(-EINVAL, recv_as(ch, bad));
	}
	bad = good;
	bad.flags = CHAN_XFER_TRY | CHAN_BATCH_UNTIL;
	EXPECT_EQ(-EINVAL, send_as(ch, bad));
	bad = good;
	bad.deadline = 1;
	EXPECT_EQ(-EINVAL, send_as(ch, bad));
	bad.flags = CHAN_XFER_TRY;
	EXPECT_EQ(-EINVAL, send_as(ch, bad));
	bad = good;
	bad.elem_size = 4;
	EXPECT_EQ(-EMSGSIZE, send_as(ch, bad));
	EXPECT_EQ(-EMSGSIZE, recv_as(ch, bad));
	bad = good;
	bad.n = 1U << 31;
	EXPECT_EQ(-EINVAL, send_as(ch, bad));
	EXPECT_EQ(-EINVAL, recv_as(ch, bad));
	bad.n = 0;
	EXPECT_EQ(0, send_as(ch, bad));
	EXPECT_EQ(-EINVAL, recv_as(ch, bad));
	EXPECT_EQ(-EINVAL, send_as(msg, good));
	EXPECT_EQ(-EINVAL, recv_as(msg, good));
	EXPECT_EQ(-EBADF, send_as(rx, good));
	EXPECT_EQ(-EBADF, recv_as(tx, good));
	EXPECT_EQ(-ENOTTY, ctl_ioctl(CHAN_IOC_SEND_N, &good));
	EXPECT_EQ(-EFAULT, xioctl(ch, CHAN_IOC_SEND_N, bad_pointer(8)));
	EXPECT_EQ(0, ch_info(ch).sends);
	EXPECT_TRUE(ch_query(ch).features & CHAN_FEATURE_BATCH);
}

TEST(the_struct_may_grow)
{
	int ch = ch_make(8, 4, 0);
	uint64_t v[2] = { 1, 2 };
	struct { struct chan_batch b; uint64_t more; } next = {
		.b = { .size = sizeof(next), .elems = (uintptr_t)v, .n = 2 },
	};

	EXPECT_EQ(2, xioctl(ch, CHAN_IOC_SEND_N, &next));
	next.more = 1;
	EXPECT_EQ(-E2BIG, xioctl(ch, CHAN_IOC_SEND_N, &next));
	/* Up to the deadline. */
	next.b.size = offsetof(struct chan_batch, deadline);
	EXPECT_EQ(2, xioctl(ch, CHAN_IOC_RECV_N, &next));
}

TEST(a_timer_gives_one_time)
{
	uint64_t when = now_ns(), w[4];
	int timer = ch_timer_at(when);

	poison(w, sizeof(w));
	EXPECT_EQ(1, ch_recv_n(timer, w, 4));
	EXPECT_EQ(when, w[0]);
	EXPECT_TRUE(all_bytes(w + 1, 24, POISON));
	EXPECT_EQ(-EBADF, ch_send_n(timer, w, 1));
}

TEST_HARNESS_MAIN
