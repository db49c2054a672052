// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that is not there when it is needed: brought in on demand, taken away while
 * a call is parked, or never there at all.
 */
#include "chan_test.h"

#define PAGE	4096

static void *pages(int n, int prot)
{
	void *p = mmap(NULL, n * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap: %m");
	return p;
}

FIXTURE(elem)
{
	int ch;
	unsigned char *room;
	struct task t;
};

FIXTURE_VARIANT(elem)
{
	uint32_t size;
};

FIXTURE_VARIANT_ADD(elem, small) { .size = 8 };
FIXTURE_VARIANT_ADD(elem, inline_most) { .size = 128 };
FIXTURE_VARIANT_ADD(elem, large) { .size = 2 * PAGE };

FIXTURE_SETUP(elem)
{
	self->ch = ch_make(variant->size, 0, 0);
	self->room = pages(4, PROT_READ | PROT_WRITE);
}

FIXTURE_TEARDOWN(elem)
{
	close(self->ch);
}

/* The one exception of "bad pointers consume nothing": see struct chan_info. */
TEST_F(elem, a_receiver_that_unmaps_its_room_while_parked_loses_the_element)
{
	unsigned char *src = pages(2, PROT_READ | PROT_WRITE);
	struct chan_info info;

	park_recv(&self->t, self->ch, self->room, variant->size);
	must(munmap(self->room, 4 * PAGE));
	EXPECT_EQ(0, ch_try_send(self->ch, src, variant->size));
	EXPECT_EQ(-EFAULT, task_join(&self->t));
	info = ch_info(self->ch);
	EXPECT_EQ(1, info.lost);
	EXPECT_EQ(1, info.sends);
	EXPECT_EQ(1, info.receives);
	EXPECT_EQ(0, info.recvq + info.sendq);
}

TEST_F(elem, a_receiver_that_protects_its_room_while_parked_loses_the_element)
{
	unsigned char *src = pages(2, PROT_READ | PROT_WRITE);

	park_recv(&self->t, self->ch, self->room, variant->size);
	must(mprotect(self->room, 4 * PAGE, PROT_READ));
	EXPECT_EQ(0, ch_try_send(self->ch, src, variant->size));
	EXPECT_EQ(-EFAULT, task_join(&self->t));
	EXPECT_EQ(1, ch_info(self->ch).lost);
}

TEST_F(elem, the_next_receiver_is_not_disturbed_by_one_that_lost)
{
	unsigned char *src = pages(2, PROT_READ | PROT_WRITE);
	unsigned char *room = pages(2, PROT_READ | PROT_WRITE);
	struct task u;

	park_recv(&self->t, self->ch, self->room, variant->size);
	park_recv(&u, self->ch, room, variant->size);
	must(munmap(self->room, 4 * PAGE));
	fill(src, variant->size, 1);
	EXPECT_EQ(0, ch_try_send(self->ch, src, variant->size));
	fill(src, variant->size, 2);
	EXPECT_EQ(0, ch_try_send(self->ch, src, variant->size));
	EXPECT_EQ(-EFAULT, task_join(&self->t));
	EXPECT_EQ(1 + variant->size, task_join(&u));
	EXPECT_TRUE(is_filled(room, variant->size, 2));
	EXPECT_EQ(1, ch_info(self->ch).lost);
}

TEST_F(elem, a_room_that_was_never_touched_is_brought_in)
{
	unsigned char *src = pages(2, PROT_READ | PROT_WRITE);

	fill(src, variant->size, 5);
	park_recv(&self->t, self->ch, self->room + PAGE - 4, variant->size);
	EXPECT_EQ(0, ch_try_send(self->ch, src, variant->size));
	EXPECT_EQ(1 + variant->size, task_join(&self->t));
	EXPECT_TRUE(is_filled(self->room + PAGE - 4, variant->size, 5));
}

TEST_F(elem, a_room_that_was_dropped_while_parked_is_brought_in_again)
{
	unsigned char *src = pages(2, PROT_READ | PROT_WRITE);

	fill(src, variant->size, 6);
	park_recv(&self->t, self->ch, self->room, variant->size);
	must(madvise(self->room, 4 * PAGE, MADV_DONTNEED));
	EXPECT_EQ(0, ch_try_send(self->ch, src, variant->size));
	EXPECT_EQ(1 + variant->size, task_join(&self->t));
	EXPECT_TRUE(is_filled(self->room, variant->size, 6));
	EXPECT_EQ(0, ch_info(self->ch).lost);
}

/* Bringing it in must not change what is there: others may be reading it. */
TEST_F(elem, parking_does_not_change_the_room)
{
	poison(self->room, 4 * PAGE);
	park_recv(&self->t, self->ch, self->room, variant->size);
	EXPECT_TRUE(all_bytes(self->room, 4 * PAGE, POISON));
	EXPECT_EQ(-EAGAIN, ch_try_recv(self->ch, self->room + variant->size, variant->size));
	EXPECT_TRUE(all_bytes(self->room, 4 * PAGE, POISON));
	must(ch_close(self->ch));
	EXPECT_EQ(0, task_join(&self->t));
	EXPECT_TRUE(all_bytes(self->room, variant->size, 0));
	EXPECT_TRUE(all_bytes(self->room + variant->size, 4 * PAGE - variant->size, POISON));
}

TEST_F(elem, a_buffered_element_is_received_into_fresh_memory)
{
	unsigned char *src = pages(2, PROT_READ | PROT_WRITE);
	int ch = ch_make(variant->size, 1, 0);

	fill(src, variant->size, 7);
	must(ch_send(ch, src, variant->size));
	EXPECT_EQ(1 + variant->size, ch_try_recv(ch, self->room + PAGE - 4, variant->size));
	EXPECT_TRUE(is_filled(self->room + PAGE - 4, variant->size, 7));
}

TEST_F(elem, a_receive_into_shared_file_pages)
{
	unsigned char *src = pages(2, PROT_READ | PROT_WRITE), *room;
	int ch = ch_make(variant->size, 1, 0), file = must(memfd_create("room", 0));

	must(ftruncate(file, 3 * PAGE));
	room = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	ASSERT_NE(MAP_FAILED, room);
	fill(src, variant->size, 8);
	must(ch_send(ch, src, variant->size));
	EXPECT_EQ(1 + variant->size, ch_recv(ch, room, variant->size));
	EXPECT_TRUE(is_filled(room, variant->size, 8));
}

TEST_F(elem, a_receive_past_the_end_of_a_file_consumes_nothing)
{
	unsigned char *src = pages(2, PROT_READ | PROT_WRITE), *room;
	int ch = ch_make(variant->size, 1, 0), file = must(memfd_create("room", 0));

	room = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	ASSERT_NE(MAP_FAILED, room);
	must(ch_send(ch, src, variant->size));
	EXPECT_EQ(-EFAULT, ch_recv(ch, room, variant->size));
	EXPECT_EQ(1, ch_len(ch));
	EXPECT_EQ(1 + variant->size, ch_recv(ch, self->room, variant->size));
}

/* A forked child writes its own copy of the page. */
TEST_F(elem, copy_on_write_memory_is_not_written_through)
{
	unsigned char *src = pages(2, PROT_READ | PROT_WRITE);
	pid_t pid;

	poison(self->room, variant->size);
	pid = child_fork();
	if (!pid)
		_exit(ch_recv(self->ch, self->room, variant->size) != 1 + variant->size ||
		      !is_filled(self->room, variant->size, 9));
	wait_parked(self->ch, 1, 0);
	fill(src, variant->size, 9);
	must(ch_send(self->ch, src, variant->size));
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_TRUE(all_bytes(self->room, variant->size, POISON));
}

static long read_element(struct task *t)
{
	ssize_t n = read(t->fd, t->buf, t->size);

	return n < 0 ? -errno : n;
}

TEST_F(elem, a_read_that_unmaps_its_room_while_parked_loses_the_element)
{
	unsigned char *src = pages(2, PROT_READ | PROT_WRITE);

	self->t = (struct task){ .fd = self->ch, .buf = self->room, .size = variant->size };
	park_receiver(&self->t, read_element);
	must(munmap(self->room, 4 * PAGE));
	EXPECT_EQ(variant->size, write(self->ch, src, variant->size));
	EXPECT_EQ(-EFAULT, task_join(&self->t));
	EXPECT_EQ(1, ch_info(self->ch).lost);
}

/* The first page is there, the second cannot be: nothing of the element may be seen. */
TEST_F(elem, a_room_of_which_half_is_missing_is_left_alone)
{
	unsigned char *src = pages(2, PROT_READ | PROT_WRITE), *room;
	int quiet = ch_make(8, 0, 0), ch = ch_make(variant->size, 1, 0);
	struct chan_case cases[2];
	uint32_t half = variant->size / 2;

	must(mprotect(self->room + 2 * PAGE, 2 * PAGE, PROT_NONE));
	room = self->room + 2 * PAGE - half;
	poison(room, half);
	memset(src, 1, variant->size);
	must(ch_try_send(ch, src, variant->size));

	EXPECT_EQ(-EFAULT, ch_try_recv(ch, room, variant->size));
	EXPECT_EQ(-EFAULT, ch_recv(ch, room, variant->size));
	cases[0] = sel_recv(ch, room, variant->size);
	cases[1] = sel_recv(quiet, NULL, 0);
	EXPECT_EQ(-EFAULT, ch_select(ch, cases, 2));
	EXPECT_EQ(-EFAULT, cases[0].ok);
	EXPECT_TRUE(all_bytes(room, half, POISON));
	EXPECT_EQ(1, ch_len(ch));

	/* When the rest is there it is received, the page brought in on the way. */
	must(mprotect(self->room + 2 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(1 + variant->size, ch_try_recv(ch, room, variant->size));
	EXPECT_TRUE(all_bytes(room, variant->size, 1));
}

static volatile int stop;

static long toggle_protection(struct task *t)
{
	while (!stop) {
		mprotect(t->buf, PAGE, PROT_READ);
		mprotect(t->buf, PAGE, PROT_READ | PROT_WRITE);
	}
	return 0;
}

/* Whatever becomes of the memory, each element is received, refused or lost. */
TEST(receives_that_race_with_mprotect_account_for_every_element)
{
	enum { N = 3000 };
	int ch = ch_make(8, 4, 0);
	struct task t = { .buf = pages(1, PROT_READ | PROT_WRITE) };
	uint64_t got = 0, sent = 0;
	struct chan_info info;
	long ret;
	int i;

	task_start(&t, toggle_protection);
	for (i = 0; i < N; i++) {
		sent += !try_send64(ch, i);
		ret = ch_try_recv(ch, t.buf, 8);
		ASSERT_TRUE(ret == 9 || ret == -EFAULT) TH_LOG("%ld", ret);
		got += ret == 9;
	}
	stop = 1;
	task_join(&t);
	info = ch_info(ch);
	EXPECT_EQ(sent, info.sends);
	EXPECT_EQ(got + info.lost, info.receives);
	EXPECT_EQ(sent, info.receives + info.len);
}

TEST_HARNESS_MAIN
