// SPDX-License-Identifier: GPL-2.0-only
/* What a select refuses, which case it blames, and that nothing has happened then. */
#include "select_test.h"

#define PAGE	4096

static void *pages(int n, int prot)
{
	void *p = mmap(NULL, n * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap: %m");
	return p;
}

/* Writable memory of @n pages, and none behind it. */
static void *pages_before_nothing(int n)
{
	char *p = pages(n + 1, PROT_READ | PROT_WRITE);

	must(munmap(p + n * PAGE, PAGE));
	return p;
}

/*
 * The case under test is put between two that are ready, one to send and one to receive,
 * and that must stay ready.
 */
FIXTURE(between)
{
	int ctl, tx, rx, ch;
	uint64_t put, got;
	struct chan_case c[3];
};

FIXTURE_SETUP(between)
{
	self->ctl = chanctl();
	self->tx = ch_make(8, 1, 0);
	self->rx = ch_make(8, 1, 0);
	self->ch = ch_make(8, 1, 0);
	ASSERT_LE(0, self->tx);
	ASSERT_LE(0, self->rx);
	ASSERT_LE(0, self->ch);
	must(send64(self->rx, 1));
	poison(&self->got, sizeof(self->got));
	self->put = 7;
	self->c[0] = sel_send(self->tx, &self->put, 8);
	self->c[2] = sel_recv(self->rx, &self->got, 8);
}

FIXTURE_TEARDOWN(between)
{
	close(self->tx);
	close(self->rx);
	close(self->ch);
	close(self->ctl);
}

static bool nothing_happened(int tx, int rx, int ch, uint64_t got)
{
	return ch_len(tx) == 0 && ch_len(rx) == 1 && ch_len(ch) == 0 &&
	       all_bytes(&got, sizeof(got), POISON);
}

/* Returns what it returned, if that is as it has to be for a refused case. */
static long refusal(int ctl, struct chan_case c[3], const struct chan_case *bad, uint64_t *got)
{
	long ret, again;

	c[1] = *bad;
	poison_results(c, 3);
	ret = ch_select(ctl, c, 3);
	if (c[1].ok != ret || !all_bytes(&c[1].len, sizeof(c[1].len), POISON))
		die("ok %d after %ld", c[1].ok, ret);
	if (!is_untouched(&c[0]) || !is_untouched(&c[2]))
		die("another case is blamed");
	again = ch_try_select(ctl, &c[1], 1);
	if (again != ret)
		die("%ld, but alone %ld", ret, again);
	if (!nothing_happened(c[0].ch, c[2].ch, c[0].ch, *got))
		die("something happened");
	return ret;
}

#define EXPECT_REFUSED(error, bad) \
	EXPECT_EQ(error, refusal(self->ctl, self->c, &(bad), &self->got))

/* ---- descriptors ---- */

TEST_F(between, each_case_needs_the_right_of_its_direction)
{
	int rdonly = must(ch_dup(self->ch, O_RDONLY)), wronly = must(ch_dup(self->ch, O_WRONLY));
	struct chan_case send = sel_send(rdonly, &self->put, 8);
	struct chan_case recv = sel_recv(wronly, &self->got, 8);

	EXPECT_REFUSED(-EBADF, send);
	EXPECT_REFUSED(-EBADF, recv);
	send.ch = wronly;
	EXPECT_EQ(0, ch_select(self->ctl, &send, 1));
	recv.ch = rdonly;
	EXPECT_EQ(0, ch_select(rdonly, &recv, 1));
	EXPECT_EQ(7, self->got);
}

TEST_F(between, a_descriptor_that_is_no_channel_is_refused)
{
	struct chan_case send = sel_send(self->ctl, &self->put, 8);
	struct chan_case recv = sel_recv(self->ctl, &self->got, 8);
	int ends[2];

	EXPECT_REFUSED(-ENOTTY, send);
	EXPECT_REFUSED(-ENOTTY, recv);
	must(pipe(ends));
	send.ch = ends[1];
	recv.ch = ends[0];
	EXPECT_REFUSED(-ENOTTY, send);
	EXPECT_REFUSED(-ENOTTY, recv);
}

TEST_F(between, an_o_path_descriptor_is_refused)
{
	struct chan_case recv = sel_recv(-1, &self->got, 8);

	close(must(ch_make_named("badselect.path", 8, 1, 0, 0600)));
	recv.ch = must(open("/dev/chan/badselect.path", O_PATH));
	EXPECT_REFUSED(-EBADF, recv);
	close(recv.ch);
	must(ch_remove("badselect.path"));
}

TEST_F(between, a_descriptor_that_is_not_open_is_refused)
{
	struct chan_case send = sel_send(must(dup(self->ch)), &self->put, 8);
	struct chan_case recv = sel_recv(INT32_MAX, &self->got, 8);

	close(send.ch);
	EXPECT_REFUSED(-EBADF, send);
	EXPECT_REFUSED(-EBADF, recv);
}

TEST_F(between, the_first_bad_case_is_blamed)
{
	struct chan_case c[3] = { self->c[0], self->c[2], self->c[0] };

	c[1].dir = 0;
	c[2].ch = self->ctl;
	poison_results(c, 3);
	EXPECT_EQ(-EINVAL, ch_select(self->ctl, c, 3));
	EXPECT_EQ(-EINVAL, c[1].ok);
	EXPECT_TRUE(is_untouched(&c[0]) && is_untouched(&c[2]));
	EXPECT_TRUE(nothing_happened(self->tx, self->rx, self->ch, self->got));
}

TEST_F(between, a_refused_select_keeps_no_descriptor)
{
	struct chan_case bad = sel_recv(self->ctl, &self->got, 8);
	int end = must(ch_dup(self->ch, O_RDONLY)), i;

	EXPECT_EQ(2, ch_info(self->ch).receivers);
	for (i = 0; i < 100; i++)
		EXPECT_REFUSED(-ENOTTY, bad);
	self->c[0].ch = end;
	EXPECT_EQ(-EBADF, ch_select(self->ctl, self->c, 3));
	close(end);
	EXPECT_EQ(1, ch_info(self->ch).receivers);
}

/* ---- fields ---- */

TEST_F(between, a_direction_must_be_one_of_two)
{
	uint32_t dirs[] = { 0, 3, 4, CHAN_DIR_SEND | 1U << 31, UINT32_MAX };
	struct chan_case bad = sel_recv(self->ch, &self->got, 8);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		bad.dir = dirs[i];
		EXPECT_REFUSED(-EINVAL, bad);
	}
}

TEST_F(between, every_reserved_byte_of_a_case_must_be_0)
{
	struct chan_case bad = sel_recv(self->ch, &self->got, 8);
	unsigned char *reserved = (void *)bad.reserved;
	unsigned int i;

	for (i = 0; i < sizeof(bad.reserved); i++) {
		reserved[i] = 0x80;
		EXPECT_REFUSED(-EINVAL, bad);
		bad.ch = CHAN_NIL;
		EXPECT_REFUSED(-EINVAL, bad);
		bad.ch = self->ch;
		reserved[i] = 0;
	}
}

TEST_F(between, the_padding_of_a_case_is_not_looked_at)
{
	poison(&self->c[0].pad, sizeof(self->c[0].pad));
	EXPECT_EQ(0, ch_try_select(self->ctl, self->c, 1));
	EXPECT_TRUE(all_bytes(&self->c[0].pad, sizeof(self->c[0].pad), POISON));
}

TEST_F(between, unknown_flags_are_refused)
{
	int bit;

	for (bit = 1; bit < 32; bit++) {
		EXPECT_EQ(-EINVAL, ch_select_as(self->ctl, self->c, 1, 1U << bit, CHAN_FOREVER));
		EXPECT_EQ(-EINVAL, ch_select_as(self->ctl, self->c, 1,
						1U << bit | CHAN_SELECT_TRY, 0));
	}
	EXPECT_TRUE(nothing_happened(self->tx, self->rx, self->ch, self->got));
}

TEST_F(between, a_try_has_no_deadline)
{
	uint64_t deadlines[] = { 1, now_ns() + SEC, CHAN_FOREVER };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(deadlines); i++)
		EXPECT_EQ(-EINVAL, ch_select_as(self->ctl, self->c, 1, CHAN_SELECT_TRY,
						deadlines[i]));
	EXPECT_TRUE(nothing_happened(self->tx, self->rx, self->ch, self->got));
}

TEST_F(between, too_many_cases_are_refused)
{
	uint64_t most = ch_query(self->ctl).max_select_cases;
	struct chan_case *c = calloc(most + 1, sizeof(*c));
	uint64_t i;

	for (i = 0; i <= most; i++)
		c[i].ch = CHAN_NIL;
	c[most - 1] = self->c[0];
	EXPECT_EQ(-ENOSPC, ch_select(self->ctl, c, most + 1));
	EXPECT_EQ(-ENOSPC, ch_try_select(self->ctl, c, UINT32_MAX));
	EXPECT_TRUE(nothing_happened(self->tx, self->rx, self->ch, self->got));
	EXPECT_LE(1024, most);
	EXPECT_EQ(most - 1, ch_select(self->ctl, c, most));
	EXPECT_EQ(-EAGAIN, ch_try_select(self->ctl, c, most - 1));
	EXPECT_EQ(7, try_recv64(self->tx));
}

/* ---- pointers ---- */

TEST_F(between, cases_that_are_not_there)
{
	char *end = (char *)pages_before_nothing(1) + PAGE;
	struct chan_case *c = (void *)(end - 2 * sizeof(*c));
	void *nowhere[] = {
		NULL, bad_pointer(16), end, bad_pointer(0xffff888000001000UL),
		bad_pointer(UINTPTR_MAX - 7),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(nowhere); i++)
		EXPECT_EQ(-EFAULT, ch_select(self->ctl, nowhere[i], 1));
	/* Only the last one is missing, or its end. */
	c[0] = self->c[0];
	c[1] = self->c[2];
	EXPECT_EQ(-EFAULT, ch_select(self->ctl, c, 3));
	c = (void *)(end - sizeof(*c) - 8);
	memcpy(c, &self->c[0], sizeof(*c));
	EXPECT_EQ(-EFAULT, ch_select(self->ctl, c, 2));
	EXPECT_TRUE(nothing_happened(self->tx, self->rx, self->ch, self->got));
	EXPECT_EQ(0, ch_select(self->ctl, c, 1));
}

TEST_F(between, cases_that_are_read_only)
{
	struct chan_case *c = pages(1, PROT_READ | PROT_WRITE);
	unsigned int n;

	memcpy(c, self->c, sizeof(self->c));
	c[1] = self->c[2];
	must(mprotect(c, PAGE, PROT_READ));
	for (n = 1; n <= 3; n++) {
		EXPECT_EQ(-EFAULT, ch_select(self->ctl, c, n));
		EXPECT_EQ(-EFAULT, ch_try_select(self->ctl, c, n));
	}
	EXPECT_TRUE(nothing_happened(self->tx, self->rx, self->ch, self->got));
}

/* How a bad element shows: on a channel that is ready for it, and on one that is not. */
FIXTURE(element)
{
	int ctl, full, empty, idle;
	char *got;
};

FIXTURE_VARIANT(element)
{
	uint32_t size;
};

FIXTURE_VARIANT_ADD(element, small) { .size = 8 };
FIXTURE_VARIANT_ADD(element, large) { .size = 2000 };

FIXTURE_SETUP(element)
{
	self->got = pages(1, PROT_READ | PROT_WRITE);
	self->ctl = chanctl();
	self->full = ch_make(variant->size, 1, 0);
	self->empty = ch_make(variant->size, 1, 0);
	self->idle = ch_make(variant->size, 0, 0);
	fill(self->got, variant->size, 1);
	must(ch_send(self->full, self->got, variant->size));
	poison(self->got, PAGE);
}

FIXTURE_TEARDOWN(element)
{
	close(self->full);
	close(self->empty);
	close(self->idle);
	close(self->ctl);
}

/* Beside a bad one there is one, at most, that is not ready. */
static long select_bad(int ctl, struct chan_case bad, int idle)
{
	struct chan_case c[2] = { bad, sel_recv(idle, NULL, 0) };
	int n;

	for (n = 1; n <= 2; n++) {
		long ret;

		poison_results(c, 2);
		ret = ch_select(ctl, c, n);
		if (ret != -EFAULT)
			return ret;
		if (c[0].ok != ret || !is_untouched(&c[1]))
			die("ok %d after %ld", c[0].ok, ret);
	}
	return -EFAULT;
}

TEST_F(element, a_bad_pointer_fails_a_send)
{
	char *end = (char *)pages_before_nothing(1) + PAGE;
	void *bad[] = { NULL, bad_pointer(16), end, end - variant->size + 1 };
	uint64_t bytes = ch_query(self->ctl).user_bytes;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct chan_case ready = sel_send(self->empty, bad[i], variant->size);
		struct chan_case not = sel_send(self->full, bad[i], variant->size);

		EXPECT_EQ(-EFAULT, select_bad(self->ctl, ready, self->idle));
		EXPECT_EQ(-EFAULT, select_bad(self->ctl, not, self->idle));
	}
	EXPECT_EQ(0, ch_len(self->empty));
	EXPECT_EQ(1, ch_info(self->full).sends);
	EXPECT_TRUE(are_parked(self->full, 0, 0) && are_parked(self->idle, 0, 0));
	EXPECT_EQ(bytes, ch_query(self->ctl).user_bytes);
}

TEST_F(element, a_bad_pointer_fails_a_receive_and_nothing_is_consumed)
{
	char *end = (char *)pages_before_nothing(1) + PAGE;
	void *bad[] = { bad_pointer(16), end, end - variant->size + 1, pages(1, PROT_READ) };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct chan_case ready = sel_recv(self->full, bad[i], variant->size);
		struct chan_case not = sel_recv(self->empty, bad[i], variant->size);

		EXPECT_EQ(-EFAULT, select_bad(self->ctl, ready, self->idle));
		EXPECT_EQ(-EFAULT, select_bad(self->ctl, not, self->idle));
	}
	EXPECT_TRUE(are_parked(self->empty, 0, 0) && are_parked(self->idle, 0, 0));
	EXPECT_EQ(1, ch_len(self->full));
	EXPECT_EQ(0, ch_info(self->full).lost);
	EXPECT_EQ(1 + variant->size, ch_try_recv(self->full, self->got, variant->size));
	EXPECT_TRUE(is_filled(self->got, variant->size, 1));
}

TEST_F(element, a_bad_pointer_does_not_take_from_a_parked_sender)
{
	struct chan_case c[2] = {
		sel_recv(self->idle, bad_pointer(16), variant->size),
		sel_recv(self->empty, NULL, 0),
	};
	static unsigned char put[2000];
	struct task t;

	park_send(&t, self->idle, put, variant->size);
	EXPECT_EQ(-EFAULT, ch_select(self->ctl, c, 2));
	EXPECT_EQ(-EFAULT, c[0].ok);
	EXPECT_TRUE(are_parked(self->idle, 0, 1));
	EXPECT_FALSE(task_done(&t));
	EXPECT_EQ(1 + variant->size, ch_recv(self->idle, NULL, 0));
	EXPECT_EQ(0, task_join(&t));
}

TEST_F(element, a_bad_pointer_of_another_case_does_no_harm_to_one_that_is_ready)
{
	struct chan_case c[3] = {
		sel_recv(self->empty, bad_pointer(16), variant->size),
		sel_recv(self->full, self->got, variant->size),
		sel_send(self->idle, bad_pointer(16), variant->size),
	};

	poison_results(c, 3);
	EXPECT_EQ(1, ch_select(self->ctl, c, 3));
	EXPECT_TRUE(is_filled(self->got, variant->size, 1));
	EXPECT_TRUE(is_untouched(&c[0]) && is_untouched(&c[2]));
}

TEST_F(element, memory_that_was_never_touched_is_brought_in)
{
	char *room = (char *)pages(2, PROT_READ | PROT_WRITE) + PAGE - 4;
	struct chan_case c[2] = {
		sel_recv(self->full, room, variant->size),
		sel_recv(self->idle, room, variant->size),
	};
	struct task t;

	EXPECT_EQ(0, ch_select(self->ctl, c, 2));
	EXPECT_TRUE(is_filled(room, variant->size, 1));

	room = (char *)pages(2, PROT_READ | PROT_WRITE) + PAGE - 4;
	c[0].elem = (uintptr_t)room;
	c[1].elem = (uintptr_t)room;
	park_select(&t, self->ctl, c, 2);
	EXPECT_TRUE(all_bytes(room, variant->size, 0));
	fill(self->got, variant->size, 2);
	EXPECT_EQ(0, ch_try_send(self->idle, self->got, variant->size));
	EXPECT_EQ(1, task_join(&t));
	EXPECT_TRUE(is_filled(room, variant->size, 2));
}

/* The one exception: see struct chan_info. */
TEST_F(element, a_room_that_goes_away_while_parked_loses_the_element)
{
	char *room = pages(1, PROT_READ | PROT_WRITE);
	struct chan_case c[2] = {
		sel_recv(self->empty, room, variant->size),
		sel_recv(self->idle, self->got, variant->size),
	};
	static unsigned char put[2000];
	struct task t;

	poison_results(c, 2);
	park_select(&t, self->ctl, c, 2);
	must(munmap(room, PAGE));
	EXPECT_EQ(0, ch_try_send(self->empty, put, variant->size));
	EXPECT_EQ(-EFAULT, task_join(&t));
	EXPECT_EQ(-EFAULT, c[0].ok);
	EXPECT_TRUE(is_untouched(&c[1]));
	EXPECT_EQ(1, ch_info(self->empty).lost);
	EXPECT_EQ(0, ch_info(self->idle).lost);
	EXPECT_TRUE(are_parked(self->empty, 0, 0) && are_parked(self->idle, 0, 0));
}

/* ---- the struct ---- */

TEST_F(between, a_struct_that_is_not_there)
{
	char *end = (char *)pages_before_nothing(1) + PAGE;
	struct chan_select *sel = (void *)(end - 8);

	EXPECT_EQ(-EFAULT, xioctl(self->ctl, CHAN_IOC_SELECT, NULL));
	EXPECT_EQ(-EFAULT, xioctl(self->ctl, CHAN_IOC_SELECT, end));
	sel->size = sizeof(*sel);
	EXPECT_EQ(-EFAULT, xioctl(self->ctl, CHAN_IOC_SELECT, sel));
	sel->size = 8;
	sel->flags = CHAN_SELECT_TRY;
	EXPECT_EQ(-EAGAIN, xioctl(self->ctl, CHAN_IOC_SELECT, sel));
}

TEST_F(between, every_reserved_byte_of_the_struct_must_be_0)
{
	struct chan_select sel = {
		.size = sizeof(sel), .cases = (uintptr_t)self->c, .n = 1, .deadline = CHAN_FOREVER,
	};
	unsigned int i;

	for (i = 0; i < sizeof(sel.reserved); i++) {
		sel.reserved = 0x80U << (8 * i);
		EXPECT_EQ(-EINVAL, xioctl(self->ctl, CHAN_IOC_SELECT, &sel));
	}
	EXPECT_TRUE(nothing_happened(self->tx, self->rx, self->ch, self->got));
}

TEST_F(between, a_shorter_struct_has_zeroes_for_what_is_missing)
{
	struct chan_select sel = {
		.cases = (uintptr_t)self->c, .n = 1, .reserved = UINT32_MAX,
		.deadline = CHAN_FOREVER,
	};
	uint32_t size;

	for (size = 0; size < 8; size++) {
		sel.size = size;
		EXPECT_EQ(-EINVAL, xioctl(self->ctl, CHAN_IOC_SELECT, &sel));
	}
	/* No cases, and a deadline that has passed. */
	sel.size = 8;
	EXPECT_EQ(-ETIMEDOUT, xioctl(self->ctl, CHAN_IOC_SELECT, &sel));
	sel.size = offsetof(struct chan_select, n);
	EXPECT_EQ(-ETIMEDOUT, xioctl(self->ctl, CHAN_IOC_SELECT, &sel));
	EXPECT_TRUE(nothing_happened(self->tx, self->rx, self->ch, self->got));
	/* One case, and a deadline that has passed. */
	sel.size = offsetof(struct chan_select, reserved);
	EXPECT_EQ(0, xioctl(self->ctl, CHAN_IOC_SELECT, &sel));
	EXPECT_EQ(-ETIMEDOUT, xioctl(self->ctl, CHAN_IOC_SELECT, &sel));
}

TEST_F(between, a_longer_struct_is_taken_as_long_as_the_rest_is_0)
{
	unsigned char *b = pages(2, PROT_READ | PROT_WRITE);
	struct chan_select *sel = (void *)b;
	uint32_t size;

	sel->flags = CHAN_SELECT_TRY;
	sel->cases = (uintptr_t)&self->c[1];
	sel->n = 1;
	self->c[1] = sel_recv(self->ch, &self->got, 8);
	for (size = sizeof(*sel) + 1; size <= PAGE; size += size < 100 ? 1 : 499) {
		sel->size = size;
		EXPECT_EQ(-EAGAIN, xioctl(self->ctl, CHAN_IOC_SELECT, sel));
		b[size - 1] = 1;
		EXPECT_EQ(-E2BIG, xioctl(self->ctl, CHAN_IOC_SELECT, sel));
		b[size - 1] = 0;
	}
	sel->size = PAGE + 1;
	EXPECT_EQ(-E2BIG, xioctl(self->ctl, CHAN_IOC_SELECT, sel));
	sel->size = UINT32_MAX;
	EXPECT_EQ(-E2BIG, xioctl(self->ctl, CHAN_IOC_SELECT, sel));
}

TEST_F(between, the_struct_is_not_written)
{
	struct chan_select *sel = pages(1, PROT_READ | PROT_WRITE);

	*sel = (struct chan_select){
		.size = sizeof(*sel), .cases = (uintptr_t)self->c, .n = 1, .deadline = CHAN_FOREVER,
	};
	must(mprotect(sel, PAGE, PROT_READ));
	EXPECT_EQ(0, xioctl(self->ctl, CHAN_IOC_SELECT, sel));
}

TEST_HARNESS_MAIN
