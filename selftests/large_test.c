// SPDX-License-Identifier: GPL-2.0-only
/*
 * Elements of a page and more: copied once where a receiver has parked before they come, and
 * twice otherwise, without anybody but the clock noticing; and with no memory allocated once
 * there has been one like it.
 */

#include "chan_test.h"

#define PAGE	4096
#define MIB	(1 << 20)

/* Room for the largest element at any place of a page, and a page beyond. */
#define ROOM	(MIB + 3 * PAGE)

static unsigned char *memory(void)
{
	void *p = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap: %m");
	return p;
}

static unsigned long long copied_once(void)
{
	return read_total("one_copies");
}

/*
 * What is not used for a second is given back, and a virtual machine may stand still for so
 * long: to allocate nothing in one of so many rounds is enough.
 */
#define MOST_ROUNDS	5

static unsigned long long buffers(void)
{
	return read_total("buffers");
}

/* Kilobytes that a process has pinned. */
static long pinned(pid_t pid)
{
	char path[64], text[4096], *line;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	must(read_text(path, text, sizeof(text)));
	line = strstr(text, "VmPin:");
	return line ? strtol(line + 6, NULL, 10) : -1;
}

/* ---- each size ---- */

FIXTURE(large)
{
	int ch;
	unsigned char *from;
	unsigned char *to;
	struct task t;
};

FIXTURE_VARIANT(large)
{
	uint32_t size;
	uint32_t from;
	uint32_t to;
};

FIXTURE_VARIANT_ADD(large, page) { .size = PAGE };
FIXTURE_VARIANT_ADD(large, page_across_two) { .size = PAGE, .from = 1, .to = PAGE - 1 };
FIXTURE_VARIANT_ADD(large, odd) { .size = 12345, .from = 4000, .to = 77 };
FIXTURE_VARIANT_ADD(large, many_pages) { .size = 100 * PAGE + 8, .from = 8, .to = 4088 };
FIXTURE_VARIANT_ADD(large, largest) { .size = MIB, .from = 0, .to = 24 };

FIXTURE_SETUP(large)
{
	self->ch = ch_make(variant->size, 0, 0);
	self->from = memory() + variant->from;
	self->to = memory() + PAGE + variant->to;
	poison(self->to - PAGE - variant->to, ROOM);
}

FIXTURE_TEARDOWN(large)
{
	close(self->ch);
}

static bool is_there(const unsigned char *to, uint32_t size, uint32_t seed)
{
	return is_filled(to, size, seed) && all_bytes(to - 64, 64, POISON) &&
	       all_bytes(to + size, 64, POISON);
}

TEST_F(large, for_a_parked_receiver_is_copied_once)
{
	unsigned long long before = copied_once();

	fill(self->from, variant->size, 1);
	park_recv(&self->t, self->ch, self->to, variant->size);
	EXPECT_EQ(0, ch_send(self->ch, self->from, variant->size));
	EXPECT_EQ(1 + variant->size, task_join(&self->t));
	EXPECT_TRUE(is_there(self->to, variant->size, 1));
	EXPECT_EQ(before + once(), copied_once());
	EXPECT_EQ(1, ch_info(self->ch).handoffs);
	EXPECT_EQ(0, pinned(getpid()));
}

TEST_F(large, of_a_parked_sender_is_copied_twice)
{
	unsigned long long before = copied_once();

	fill(self->from, variant->size, 2);
	park_send(&self->t, self->ch, self->from, variant->size);
	EXPECT_EQ(1 + variant->size, ch_recv(self->ch, self->to, variant->size));
	EXPECT_EQ(0, task_join(&self->t));
	EXPECT_TRUE(is_there(self->to, variant->size, 2));
	EXPECT_EQ(before, copied_once());
}

static long do_read(struct task *t)
{
	ssize_t n = read(t->fd, t->buf, t->size);

	return n < 0 ? -errno : n;
}

TEST_F(large, read_and_written_is_copied_once)
{
	unsigned long long before = copied_once();

	fill(self->from, variant->size, 3);
	self->t = (struct task){ .fd = self->ch, .buf = self->to, .size = variant->size };
	park_receiver(&self->t, do_read);
	EXPECT_EQ(variant->size, write(self->ch, self->from, variant->size));
	EXPECT_EQ(variant->size, task_join(&self->t));
	EXPECT_TRUE(is_there(self->to, variant->size, 3));
	EXPECT_EQ(before + once(), copied_once());
}

/* Three at a time: the second and the third find no receiver that waits for one of them. */
TEST_F(large, is_written_after_another)
{
	uint32_t size = variant->size > 3 * PAGE ? 3 * PAGE : variant->size;
	int ch = ch_make(size, 3, 0), i;

	for (i = 0; i < 3; i++)
		fill(self->from + i * size, size, i);
	self->t = (struct task){ .fd = ch, .buf = self->to, .size = 3 * size };
	park_receiver(&self->t, do_read);
	EXPECT_EQ(3 * size, write(ch, self->from, 3 * size));
	EXPECT_LE(size, task_join(&self->t));
	EXPECT_TRUE(is_filled(self->to, size, 0));
	for (i = self->t.ret / size; i < 3; i++)
		EXPECT_EQ(1 + size, ch_try_recv(ch, self->to + i * size, size));
	for (i = 0; i < 3; i++)
		EXPECT_TRUE(is_filled(self->to + i * size, size, i));
}

TEST_F(large, is_received_by_a_call_and_sent_by_one)
{
	int rep = ch_make(variant->size, 0, 0);
	unsigned long long before = copied_once();
	unsigned char *room = memory();
	struct chan_call call = {
		.size = sizeof(call), .in = rep, .out = self->ch,
		.req = (uintptr_t)self->from, .req_size = variant->size,
		.rep = (uintptr_t)self->to, .rep_size = variant->size,
		.deadline = CHAN_FOREVER,
	};
	pid_t pid;

	fill(self->from, variant->size, 4);
	pid = child_fork();
	if (!pid) {
		if (ch_recv(self->ch, room, variant->size) != 1 + variant->size)
			_exit(1);
		wait_parked(rep, 1, 0);
		_exit(!!ch_send(rep, room, variant->size));
	}
	wait_parked(self->ch, 1, 0);
	EXPECT_EQ(1 + variant->size, xioctl(self->ch, CHAN_IOC_CALL, &call));
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_TRUE(is_there(self->to, variant->size, 4));
	EXPECT_EQ(before + 2 * once(), copied_once());
}

/* A room which begins @shift bytes behind the element, in the same memory. */
static void expect_moved(struct __test_metadata *_metadata, int ch, uint32_t size, long shift)
{
	unsigned char *start = memory(), *from = start + ROOM / 2 - size / 2;
	unsigned char *want = memory();
	struct task t;

	fill(start, ROOM, 1);
	memcpy(want, from, size);
	park_recv(&t, ch, from + shift, size);
	EXPECT_EQ(0, ch_send(ch, from, size));
	EXPECT_EQ(1 + size, task_join(&t));
	EXPECT_EQ(0, memcmp(want, from + shift, size)) {
		TH_LOG("moved by %ld", shift);
	}
	must(munmap(start, ROOM));
	must(munmap(want, ROOM));
}

TEST_F(large, is_right_where_its_room_overlaps_it)
{
	static const long shifts[] = { 0, 1, 100, PAGE - 1, PAGE };
	unsigned long long before = copied_once();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(shifts); i++) {
		expect_moved(_metadata, self->ch, variant->size, shifts[i]);
		expect_moved(_metadata, self->ch, variant->size, -shifts[i]);
	}
	EXPECT_EQ(before + once() * 2 * ARRAY_SIZE(shifts), copied_once());
}

/* ---- memory that changes while it is pinned ---- */

TEST_F(large, comes_to_the_memory_that_is_mapped_in_place_of_what_was)
{
	unsigned char *start = self->to - PAGE - variant->to;

	fill(self->from, variant->size, 5);
	park_recv(&self->t, self->ch, self->to, variant->size);
	ASSERT_EQ(start, mmap(start, ROOM, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	EXPECT_EQ(0, ch_send(self->ch, self->from, variant->size));
	EXPECT_EQ(1 + variant->size, task_join(&self->t));
	EXPECT_TRUE(is_filled(self->to, variant->size, 5));
	EXPECT_EQ(0, ch_info(self->ch).lost);
}

TEST_F(large, comes_to_the_last_page_too_if_only_that_has_been_dropped)
{
	unsigned char *last = self->to + variant->size - 1;

	fill(self->from, variant->size, 6);
	park_recv(&self->t, self->ch, self->to, variant->size);
	last -= (uintptr_t)last % PAGE;
	must(madvise(last, PAGE, MADV_DONTNEED));
	EXPECT_EQ(0, ch_send(self->ch, self->from, variant->size));
	EXPECT_EQ(1 + variant->size, task_join(&self->t));
	EXPECT_TRUE(is_filled(self->to, variant->size, 6));
}

TEST_F(large, does_not_come_to_a_child_that_was_forked_meanwhile)
{
	int go = ch_make(8, 0, 0);
	pid_t pid;

	fill(self->from, variant->size, 7);
	park_recv(&self->t, self->ch, self->to, variant->size);
	pid = child_fork();
	if (!pid)
		_exit(recv64(go) != 1 || !all_bytes(self->to, variant->size, POISON));
	EXPECT_EQ(0, ch_send(self->ch, self->from, variant->size));
	EXPECT_EQ(1 + variant->size, task_join(&self->t));
	must(send64(go, 1));
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_TRUE(is_there(self->to, variant->size, 7));
}

TEST_F(large, which_is_not_all_there_is_refused_and_the_receiver_stays)
{
	unsigned char *last = self->from + variant->size - 1;

	last -= (uintptr_t)last % PAGE;
	park_recv(&self->t, self->ch, self->to, variant->size);
	must(mprotect(last, PAGE, PROT_NONE));
	EXPECT_EQ(-EFAULT, ch_send(self->ch, self->from, variant->size));
	EXPECT_TRUE(are_parked(self->ch, 1, 0));
	must(mprotect(last, PAGE, PROT_READ | PROT_WRITE));
	fill(self->from, variant->size, 8);
	EXPECT_EQ(0, ch_send(self->ch, self->from, variant->size));
	EXPECT_EQ(1 + variant->size, task_join(&self->t));
	EXPECT_TRUE(is_there(self->to, variant->size, 8));
	EXPECT_EQ(1, ch_info(self->ch).sends);
}

TEST_F(large, for_memory_that_cannot_be_written_is_not_waited_for)
{
	must(mprotect(self->to - PAGE - variant->to, ROOM, PROT_READ));
	EXPECT_EQ(-EFAULT, ch_recv(self->ch, self->to, variant->size));
	EXPECT_EQ(0, pinned(getpid()));
}

/* ---- what is pinned is counted, and let go ---- */

static unsigned int pages_of(const unsigned char *p, uint32_t size)
{
	return ((uintptr_t)p % PAGE + size + PAGE - 1) / PAGE;
}

TEST_F(large, counts_as_pinned_while_it_is_waited_for)
{
	park_recv(&self->t, self->ch, self->to, variant->size);
	EXPECT_EQ(once() * pages_of(self->to, variant->size) * 4, pinned(getpid()));
	must(ch_close(self->ch));
	EXPECT_EQ(0, task_join(&self->t));
	EXPECT_EQ(0, pinned(getpid()));
}

TEST_F(large, is_let_go_by_a_deadline)
{
	EXPECT_EQ(-ETIMEDOUT, ch_recv_until(self->ch, self->to, variant->size, now_ns() + MS));
	EXPECT_EQ(0, pinned(getpid()));
}

static void may_lock(unsigned int pages)
{
	/* Half of it is left to others. */
	rlim_t bytes = 2 * pages * PAGE;
	struct rlimit limit = { .rlim_cur = bytes, .rlim_max = bytes };

	must(setrlimit(RLIMIT_MEMLOCK, &limit));
}

/* A receiver without privileges, parked. */
static pid_t receive_as_nobody(int ch, void *to, uint32_t size, unsigned int may)
{
	pid_t pid = child_fork();

	if (!pid) {
		may_lock(may);
		become_nobody();
		_exit(ch_recv(ch, to, size) != 1 + size ||
		      !is_there(to, size, 9));
	}
	wait_parked(ch, 1, 0);
	return pid;
}

TEST_F(large, is_not_pinned_by_who_may_not_lock_so_much)
{
	unsigned long long before = copied_once();
	unsigned int may = pages_of(self->to, variant->size) - 1;
	pid_t pid = receive_as_nobody(self->ch, self->to, variant->size, may);

	EXPECT_EQ(0, pinned(pid));
	fill(self->from, variant->size, 9);
	EXPECT_EQ(0, ch_send(self->ch, self->from, variant->size));
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(before, copied_once());
}

/* If one of them left anything locked, the next could not lock as much. */
TEST_F(large, is_let_go_by_who_is_killed)
{
	unsigned int may = pages_of(self->to, variant->size);
	unsigned long long before = copied_once();
	pid_t pid;
	int i;

	for (i = 0; i < 5; i++) {
		pid = receive_as_nobody(self->ch, self->to, variant->size, may);
		must(kill(pid, SIGKILL));
		child_wait(pid);
	}
	pid = receive_as_nobody(self->ch, self->to, variant->size, may);
	fill(self->from, variant->size, 9);
	EXPECT_EQ(0, ch_send(self->ch, self->from, variant->size));
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(before + once(), copied_once());
}

/* ---- in the long run nothing is allocated ---- */

static void pass_to_receiver(int ch, void *from, void *to, uint32_t size)
{
	struct task t;

	park_recv(&t, ch, to, size);
	must(ch_send(ch, from, size));
	task_join(&t);
}

static void pass_from_sender(int ch, void *from, void *to, uint32_t size)
{
	struct task t;

	park_send(&t, ch, from, size);
	must(ch_recv(ch, to, size));
	task_join(&t);
}

TEST_F(large, allocates_nothing_when_there_has_been_one_like_it)
{
	unsigned long long before;
	int i, round;

	pass_to_receiver(self->ch, self->from, self->to, variant->size);
	pass_from_sender(self->ch, self->from, self->to, variant->size);
	for (round = 0; round < MOST_ROUNDS; round++) {
		before = buffers();
		for (i = 0; i < 20; i++) {
			pass_to_receiver(self->ch, self->from, self->to, variant->size);
			pass_from_sender(self->ch, self->from, self->to, variant->size);
		}
		if (buffers() == before)
			break;
	}
	EXPECT_LT(round, MOST_ROUNDS);
}

TEST_F(large, allocates_nothing_when_the_ring_has_been_full)
{
	int ch = ch_make(variant->size, 3, 0), i, round;
	unsigned long long before;

	for (round = 0; round <= MOST_ROUNDS; round++) {
		before = buffers();
		for (i = 0; i < 3; i++)
			must(ch_try_send(ch, self->from, variant->size));
		for (i = 0; i < 3; i++)
			must(ch_try_recv(ch, self->to, variant->size));
		if (round && buffers() == before)
			break;
	}
	EXPECT_LE(round, MOST_ROUNDS);
}

/* ---- other than of one size ---- */

TEST(an_element_of_less_than_a_page_is_not_pinned)
{
	unsigned char *from = memory(), *to = memory();
	int ch = ch_make(PAGE - 1, 0, 0);
	unsigned long long before = copied_once();
	struct task t;

	fill(from, PAGE - 1, 1);
	park_recv(&t, ch, to, PAGE - 1);
	EXPECT_EQ(0, pinned(getpid()));
	EXPECT_EQ(0, ch_send(ch, from, PAGE - 1));
	EXPECT_EQ(PAGE, task_join(&t));
	EXPECT_TRUE(is_filled(to, PAGE - 1, 1));
	EXPECT_EQ(before, copied_once());
}

TEST(a_message_that_is_shorter_than_the_room_changes_no_more_than_it_is_long)
{
	unsigned char *from = memory(), *to = memory();
	int ch = ch_make(20 * PAGE, 0, CHAN_MESSAGE);
	uint32_t lengths[] = { 0, 1, 128, 129, PAGE - 1, PAGE, 5 * PAGE + 1, 20 * PAGE };
	struct task t;
	size_t i;

	for (i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		poison(to, ROOM);
		fill(from, lengths[i], i);
		park_recv(&t, ch, to + 1, 20 * PAGE);
		EXPECT_EQ(0, ch_send(ch, from, lengths[i]));
		EXPECT_EQ(1 + lengths[i], task_join(&t));
		EXPECT_TRUE(is_filled(to + 1, lengths[i], i));
		EXPECT_TRUE(all_bytes(to + 1 + lengths[i], PAGE, POISON));
	}
}

TEST(a_message_that_is_longer_than_the_room_fails_its_receiver_only)
{
	unsigned char *from = memory(), *to = memory(), *more = memory();
	int ch = ch_make(20 * PAGE, 0, CHAN_MESSAGE);
	struct task t, u;

	fill(from, 3 * PAGE, 1);
	poison(to, ROOM);
	park_recv(&t, ch, to, 2 * PAGE);
	park_recv(&u, ch, more, 3 * PAGE);
	EXPECT_EQ(0, ch_send(ch, from, 3 * PAGE));
	EXPECT_EQ(-EMSGSIZE, task_join(&t));
	EXPECT_EQ(1 + 3 * PAGE, task_join(&u));
	EXPECT_TRUE(is_filled(more, 3 * PAGE, 1));
	EXPECT_TRUE(all_bytes(to, 3 * PAGE, POISON));
}

TEST(receivers_get_them_in_the_order_they_parked_in)
{
	enum { N = 8, SIZE = 3 * PAGE };
	int ch = ch_make(SIZE, 0, 0), i;
	unsigned char *from = memory(), *to = memory();
	struct task t[N];

	for (i = 0; i < N; i++)
		park_recv(&t[i], ch, to + i * SIZE, SIZE);
	for (i = 0; i < N; i++) {
		fill(from, SIZE, i);
		must(ch_send(ch, from, SIZE));
	}
	for (i = 0; i < N; i++) {
		EXPECT_EQ(1 + SIZE, task_join(&t[i]));
		EXPECT_TRUE(is_filled(to + i * SIZE, SIZE, i));
	}
}

static long do_discard(struct task *t)
{
	return ch_recv(t->fd, NULL, 0);
}

TEST(a_receiver_to_nowhere_pins_nothing)
{
	int ch = ch_make(2 * PAGE, 0, 0);
	struct task t = { .fd = ch };

	park_receiver(&t, do_discard);
	EXPECT_EQ(0, pinned(getpid()));
	EXPECT_EQ(0, ch_send(ch, memory(), 2 * PAGE));
	EXPECT_EQ(1 + 2 * PAGE, task_join(&t));
}

/* Killed at any moment, that of the copy too: nobody else is held up. */
TEST(receivers_that_are_killed_do_not_hold_up_the_others)
{
	enum { ROUNDS = 60 };
	unsigned char *from = memory(), *to = memory();
	int ch = ch_make(MIB, 0, 0), i;
	pid_t pid;

	for (i = 0; i < ROUNDS; i++) {
		pid = child_fork();
		if (!pid)
			for (;;)
				ch_recv(ch, to, MIB);
		wait_parked(ch, 1, 0);
		must(ch_send_until(ch, from, MIB, CHAN_FOREVER));
		linger(i * 20000);
		must(kill(pid, SIGKILL));
		EXPECT_EQ(128 + SIGKILL, child_wait(pid));
		EXPECT_TRUE(are_parked(ch, 0, 0));
	}
	pid = child_fork();
	if (!pid)
		_exit(ch_recv(ch, to, MIB) != 1 + MIB || !is_filled(to, MIB, 1));
	fill(from, MIB, 1);
	EXPECT_EQ(0, ch_send(ch, from, MIB));
	EXPECT_EQ(0, child_wait(pid));
}

TEST_HARNESS_MAIN
