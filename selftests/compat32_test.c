// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 32-bit caller.  Built with -m32: every command once, with what could differ, which
 * is the layout of the structs and the size of pointers.
 */
#include "chan_test.h"

TEST(this_program_is_32_bit)
{
	EXPECT_EQ(4, sizeof(void *));
	EXPECT_EQ(4, sizeof(long));
}

TEST(structs_have_the_layout_of_64_bit)
{
	EXPECT_EQ(16, sizeof(struct chan_xfer));
	EXPECT_EQ(24, sizeof(struct chan_xfer_until));
	EXPECT_EQ(16, offsetof(struct chan_xfer_until, deadline));
	EXPECT_EQ(48, sizeof(struct chan_make));
	EXPECT_EQ(16, offsetof(struct chan_make, cap));
	EXPECT_EQ(16, sizeof(struct chan_remove));
	EXPECT_EQ(8, sizeof(struct chan_dup));
	EXPECT_EQ(192, sizeof(struct chan_info));
	EXPECT_EQ(64, offsetof(struct chan_info, sends));
	EXPECT_EQ(120, offsetof(struct chan_info, name));
	EXPECT_EQ(112, sizeof(struct chan_query));
	EXPECT_EQ(56, sizeof(struct chan_case));
	EXPECT_EQ(24, offsetof(struct chan_case, ok));
	EXPECT_EQ(32, offsetof(struct chan_case, len));
	EXPECT_EQ(32, sizeof(struct chan_select));
	EXPECT_EQ(48, sizeof(struct chan_call));
	EXPECT_EQ(40, offsetof(struct chan_call, deadline));
	EXPECT_EQ(32, sizeof(struct chan_make_timer));
	EXPECT_EQ(24, sizeof(struct chan_set_timer));
}

TEST(make_send_receive_close)
{
	int ch = ch_make(8, 2, 0);
	uint64_t v = 1;

	ASSERT_LE(0, ch);
	EXPECT_EQ(0, send64(ch, 0x123456789abcdef0ULL));
	EXPECT_EQ(1, ch_len(ch));
	EXPECT_EQ(2, ch_cap(ch));
	EXPECT_EQ(8, ch_elem_size(ch));
	EXPECT_EQ(0x123456789abcdef0ULL, recv64(ch));
	EXPECT_EQ(0, ch_close(ch));
	EXPECT_EQ(0, ch_recv(ch, &v, 8));
	EXPECT_EQ(0, v);
	EXPECT_EQ(-EPIPE, send64(ch, 1));
}

TEST(deadlines)
{
	int ch = ch_make(8, 1, 0);
	uint64_t v = 1, until = now_ns() + 10 * MS;

	EXPECT_EQ(0, ch_send_until(ch, &v, 8, CHAN_FOREVER));
	EXPECT_EQ(-ETIMEDOUT, ch_send_until(ch, &v, 8, until));
	EXPECT_LE(until, now_ns());
	EXPECT_EQ(9, ch_recv_until(ch, &v, 8, 0));
	EXPECT_EQ(-ETIMEDOUT, ch_recv_until(ch, &v, 8, 0));
}

TEST(select_and_call)
{
	int a = ch_make(8, 1, 0), b = ch_make(8, 1, 0);
	uint64_t v = 5, w = 0;
	struct chan_case cases[2] = {
		{ .ch = a, .dir = CHAN_DIR_RECV, .elem = (uintptr_t)&w, .size = 8 },
		{ .ch = b, .dir = CHAN_DIR_RECV, .elem = (uintptr_t)&w, .size = 8 },
	};
	struct chan_select s = {
		.size = sizeof(s), .cases = (uintptr_t)cases, .n = 2, .deadline = CHAN_FOREVER,
	};
	struct chan_call c = {
		.size = sizeof(c), .out = a, .in = b, .req = (uintptr_t)&v, .rep = (uintptr_t)&w,
		.req_size = 8, .rep_size = 8, .deadline = CHAN_FOREVER,
	};

	ASSERT_EQ(0, send64(b, 6));
	EXPECT_EQ(1, xioctl(a, CHAN_IOC_SELECT, &s));
	EXPECT_EQ(6, w);
	EXPECT_EQ(1, cases[1].ok);
	EXPECT_EQ(8, cases[1].len);

	ASSERT_EQ(0, send64(b, 7));
	EXPECT_EQ(9, xioctl(a, CHAN_IOC_CALL, &c));
	EXPECT_EQ(7, w);
	EXPECT_EQ(5, recv64(a));
}

TEST(batches)
{
	uint64_t v[3] = { 1, 2, 3 }, w[3];
	struct chan_batch b = {
		.elems = (uintptr_t)w, .n = 3, .elem_size = 8, .flags = CHAN_BATCH_UNTIL,
	};
	int ch = ch_make(8, 3, 0);

	EXPECT_EQ(3, ch_send_n(ch, v, 3));
	EXPECT_EQ(3, ch_batch(ch, CHAN_IOC_RECV_N, b));
	EXPECT_EQ(0, memcmp(v, w, sizeof(v)));
	EXPECT_EQ(-ETIMEDOUT, ch_batch(ch, CHAN_IOC_RECV_N, b));
}

static int receive_5(void *arg)
{
	return recv64(*(int *)arg) != 5;
}

static int send_6(void *arg)
{
	return send64(*(int *)arg, 6) != 0;
}

/* Processes: threads of 32 bits need futexes with times of 32 bits, which not every kernel has. */
TEST(parking_and_waking)
{
	int ch = ch_make(8, 0, 0);
	pid_t pid;

	pid = child_start(receive_5, &ch);
	wait_parked(ch, 1, 0);
	EXPECT_EQ(0, try_send64(ch, 5));
	EXPECT_EQ(0, child_wait(pid));
	pid = child_start(send_6, &ch);
	wait_parked(ch, 0, 1);
	EXPECT_EQ(6, recv64(ch));
	EXPECT_EQ(0, child_wait(pid));
}

TEST(names_and_views)
{
	int ch = ch_make_named("compat32", 8, 1, 0, 0600), rx;

	ASSERT_LE(0, ch);
	EXPECT_STREQ("compat32", ch_info(ch).name);
	EXPECT_EQ(-EEXIST, ch_make_named("compat32", 8, 1, 0, 0600));
	rx = ch_dup(ch, O_RDONLY);
	EXPECT_EQ(-EBADF, send64(rx, 1));
	EXPECT_EQ(0, send64(must(open("/dev/chan/compat32", O_WRONLY)), 2));
	EXPECT_EQ(2, recv64(rx));
	EXPECT_EQ(0, ch_remove("compat32"));
	EXPECT_EQ(-EIDRM, ch_len(ch));
}

TEST(info_and_query)
{
	int ch = ch_make(8, 7, CHAN_AUTOCLOSE), ctl = chanctl();
	struct chan_info info = ch_info(ch);

	EXPECT_EQ(7, info.cap);
	EXPECT_EQ(8, info.elem_size);
	EXPECT_EQ(CHAN_AUTOCLOSE, info.flags);
	EXPECT_EQ(sizeof(info), info.size);
	EXPECT_EQ(CHAN_ABI_VERSION, ch_query(ctl).abi);
	EXPECT_LT(0, ch_query(ctl).max_user_bytes);
}

TEST(large_elements_messages_read_and_write)
{
	static unsigned char b[70000], w[70000];
	int ch = ch_make(sizeof(b), 1, CHAN_MESSAGE);
	struct iovec out[] = { { b, 100 }, { b + 100, sizeof(b) - 100 } };

	fill(b, sizeof(b), 1);
	EXPECT_EQ(sizeof(b), writev(ch, out, 2));
	EXPECT_EQ(1, read(ch, w, 1));
	EXPECT_EQ(sizeof(w) - 1, read(ch, w + 1, sizeof(w) - 1));
	EXPECT_TRUE(is_filled(w, sizeof(w), 1));
}

TEST(bad_pointers_and_sizes)
{
	int ch = ch_make(8, 1, 0);
	struct chan_xfer x = { .addr = 1ULL << 32 | 4096, .size = 8 };

	EXPECT_EQ(-EFAULT, xioctl(ch, CHAN_IOC_SEND, NULL));
	EXPECT_EQ(-EFAULT, xioctl(ch, CHAN_IOC_INFO, bad_pointer(16)));
	EXPECT_EQ(-EFAULT, ch_send(ch, bad_pointer(0xfffff000), 8));
	/* An address that no 32-bit pointer is. */
	EXPECT_EQ(-EFAULT, xioctl(ch, CHAN_IOC_SEND, &x));
	EXPECT_EQ(-EMSGSIZE, ch_send(ch, &x, 9));
	EXPECT_EQ(-ENOTTY, xioctl(ch, _IO(CHAN_IOC_MAGIC, 0xff), NULL));
	EXPECT_EQ(0, ch_len(ch));
}

TEST(poll_works)
{
	int ch = ch_make(8, 1, 0);

	EXPECT_EQ(POLL_SEND, all_events(ch));
	must(send64(ch, 1));
	EXPECT_EQ(POLL_RECV, all_events(ch));
}

TEST_HARNESS_MAIN
