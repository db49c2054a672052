// SPDX-License-Identifier: GPL-2.0-only
/* Making channels, asking what they are, and other descriptors of the same one. */
#include "chan_test.h"

TEST(a_new_channel_is_open_and_empty)
{
	int ch = ch_make(8, 3, 0);
	struct chan_info info;

	ASSERT_LE(0, ch);
	info = ch_info(ch);
	EXPECT_EQ(sizeof(info), info.size);
	EXPECT_EQ(0, info.state);
	EXPECT_EQ(0, info.len);
	EXPECT_EQ(3, info.cap);
	EXPECT_EQ(8, info.elem_size);
	EXPECT_EQ(0, info.recvq + info.sendq);
	EXPECT_EQ(UINT64_MAX, try_recv64(ch));
	EXPECT_EQ(EAGAIN, errno);
}

TEST(len_cap_and_elem_size_are_told)
{
	int ch = ch_make(8, 3, 0);

	EXPECT_EQ(3, ch_cap(ch));
	EXPECT_EQ(8, ch_elem_size(ch));
	EXPECT_EQ(0, ch_len(ch));
	EXPECT_EQ(0, send64(ch, 1));
	EXPECT_EQ(0, send64(ch, 2));
	EXPECT_EQ(2, ch_len(ch));
	EXPECT_EQ(3, ch_cap(ch));
}

TEST(descriptor_flags_of_make_apply)
{
	struct chan_make make = { .elem_size = 8 };
	int plain = ch_make_as(make);
	int both;

	make.fd_flags = O_CLOEXEC | O_NONBLOCK;
	both = ch_make_as(make);
	ASSERT_LE(0, plain);
	ASSERT_LE(0, both);
	EXPECT_EQ(0, fcntl(plain, F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(both, F_GETFD));
	EXPECT_EQ(0, fcntl(plain, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(O_NONBLOCK, fcntl(both, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(UINT64_MAX, recv64(both));
	EXPECT_EQ(EAGAIN, errno);
}

TEST(each_channel_has_its_own_id)
{
	int a = ch_make(8, 1, 0), b = ch_make(8, 1, 0);

	EXPECT_NE(ch_info(a).id, ch_info(b).id);
	EXPECT_EQ(0, send64(a, 1));
	EXPECT_EQ(0, ch_len(b));
}

TEST(query_tells_version_features_and_limits)
{
	int ctl = chanctl(), ch = ch_make(8, 0, 0);
	struct chan_query q = ch_query(ctl), r = ch_query(ch);

	EXPECT_EQ(sizeof(q), q.size);
	EXPECT_EQ(CHAN_ABI_VERSION, q.abi);
	EXPECT_TRUE(q.features & CHAN_FEATURE_MESSAGE);
	EXPECT_TRUE(q.features & CHAN_FEATURE_AUTOCLOSE);
	EXPECT_TRUE(q.features & CHAN_FEATURE_NAMES);
	EXPECT_LE(1 << 20, q.max_elem_size);
	EXPECT_LT(0, q.max_cap);
	EXPECT_LT(0, q.max_ring_bytes);
	EXPECT_LT(0, q.channels);
	EXPECT_LT(0, q.user_channels);
	EXPECT_LE(q.user_channels, q.channels);
	EXPECT_EQ(q.features, r.features);
	EXPECT_EQ(q.max_user_bytes, r.max_user_bytes);
}

TEST(query_counts_the_callers_channels)
{
	int ctl = chanctl();
	uint64_t before = ch_query(ctl).user_channels;
	int ch = ch_make(8, 0, 0);

	EXPECT_EQ(before + 1, ch_query(ctl).user_channels);
	close(ch);
	EXPECT_EQ(before, ch_query(ctl).user_channels);
}

TEST(dup_is_another_open_file_description_of_the_same_channel)
{
	int ch = ch_make_as((struct chan_make){ .elem_size = 8, .cap = 1, .fd_flags = O_NONBLOCK });
	int view = ch_dup(ch, O_RDWR | O_CLOEXEC);

	ASSERT_LE(0, view);
	EXPECT_EQ(ch_info(ch).id, ch_info(view).id);
	/* A view starts blocking, whatever it was made from. */
	EXPECT_EQ(0, fcntl(view, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(O_NONBLOCK, fcntl(ch, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(FD_CLOEXEC, fcntl(view, F_GETFD));
	EXPECT_EQ(0, send64(ch, 7));
	close(ch);
	EXPECT_EQ(7, recv64(view));
}

TEST(dup_takes_nonblock_and_leaves_cloexec_out_when_not_asked)
{
	int ch = ch_make(8, 1, 0);
	int view = ch_dup(ch, O_RDWR | O_NONBLOCK);

	ASSERT_LE(0, view);
	EXPECT_EQ(0, fcntl(view, F_GETFD));
	EXPECT_EQ(UINT64_MAX, recv64(view));
	EXPECT_EQ(EAGAIN, errno);
}

TEST(a_receive_view_grants_nothing_else)
{
	int ch = ch_make(8, 1, 0), rx = ch_dup(ch, O_RDONLY);
	uint64_t v = 1;

	ASSERT_LE(0, rx);
	EXPECT_EQ(-EBADF, send64(rx, 1));
	EXPECT_EQ(-EBADF, try_send64(rx, 1));
	EXPECT_EQ(-EBADF, ch_send_until(rx, &v, 8, CHAN_FOREVER));
	EXPECT_EQ(-1, write(rx, &v, 8));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-EBADF, ch_close(rx));
	EXPECT_EQ(0, ch_len(rx));
	EXPECT_EQ(0, send64(ch, 5));
	EXPECT_EQ(5, recv64(rx));
}

TEST(a_send_view_grants_nothing_else)
{
	int ch = ch_make(8, 1, 0), tx = ch_dup(ch, O_WRONLY);
	uint64_t v;

	ASSERT_LE(0, tx);
	poison(&v, sizeof(v));
	EXPECT_EQ(-EBADF, ch_recv(tx, &v, 8));
	EXPECT_EQ(-EBADF, ch_try_recv(tx, &v, 8));
	EXPECT_EQ(-EBADF, ch_recv_until(tx, &v, 8, CHAN_FOREVER));
	EXPECT_EQ(-1, read(tx, &v, 8));
	EXPECT_EQ(EBADF, errno);
	EXPECT_TRUE(all_bytes(&v, sizeof(v), POISON));
	EXPECT_EQ(0, send64(tx, 5));
	EXPECT_EQ(5, recv64(ch));
	EXPECT_EQ(0, ch_close(tx));
}

TEST(dup_never_grants_more_than_it_is_asked_of)
{
	int ch = ch_make(8, 1, 0);
	int rx = ch_dup(ch, O_RDONLY), tx = ch_dup(ch, O_WRONLY);

	ASSERT_LE(0, rx);
	ASSERT_LE(0, tx);
	EXPECT_EQ(-EBADF, ch_dup(rx, O_WRONLY));
	EXPECT_EQ(-EBADF, ch_dup(rx, O_RDWR));
	EXPECT_EQ(-EBADF, ch_dup(tx, O_RDONLY));
	EXPECT_EQ(-EBADF, ch_dup(tx, O_RDWR));
	EXPECT_LE(0, ch_dup(rx, O_RDONLY));
	EXPECT_LE(0, ch_dup(tx, O_WRONLY));
}

TEST(a_channel_lives_as_long_as_one_descriptor)
{
	int ch = ch_make(8, 2, 0);
	int copy = dup(ch);

	EXPECT_EQ(0, send64(ch, 1));
	close(ch);
	EXPECT_EQ(0, send64(copy, 2));
	EXPECT_EQ(1, recv64(copy));
	EXPECT_EQ(2, recv64(copy));
}

TEST(closing_the_last_descriptor_is_not_gos_close)
{
	int ch = ch_make(8, 1, 0), rx = ch_dup(ch, O_RDONLY);

	EXPECT_EQ(0, send64(ch, 1));
	close(ch);
	EXPECT_EQ(1, recv64(rx));
	EXPECT_EQ(UINT64_MAX, try_recv64(rx));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(0, ch_info(rx).state);
}

TEST_HARNESS_MAIN
