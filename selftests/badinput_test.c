// SPDX-License-Identifier: GPL-2.0-only
/* What user space may get wrong, and what it is told then. */
#include <linux/fs.h>
#include "chan_test.h"

#define KERNEL_POINTER	bad_pointer(0xffff888000001000UL)

static void *guarded_page(void)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + 4096, 4096, PROT_NONE))
		die("no guarded page: %m");
	return p + 4096;
}

static void *read_only_page(void)
{
	void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("no read-only page: %m");
	return p;
}

static int close_if_open(long fd)
{
	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

/* ---- make ---- */

static long make_raw(const void *make)
{
	return close_if_open(ctl_ioctl(CHAN_IOC_MAKE, make));
}

TEST(make_refuses_every_flag_it_does_not_know)
{
	struct chan_make make = { .size = sizeof(make), .elem_size = 8 };
	int bit;

	for (bit = 0; bit < 32; bit++) {
		make.flags = 1U << bit;
		/* That one needs to be removed again: names_test has it. */
		if (make.flags == CHAN_NAMED)
			continue;
		EXPECT_EQ(make.flags & (CHAN_MESSAGE | CHAN_AUTOCLOSE) ? 0 : -EINVAL,
			  make_raw(&make)) TH_LOG("bit %d", bit);
	}
}

TEST(make_refuses_every_descriptor_flag_it_does_not_know)
{
	struct chan_make make = { .size = sizeof(make), .elem_size = 8 };
	int bit;

	for (bit = 0; bit < 32; bit++) {
		make.fd_flags = 1U << bit;
		EXPECT_EQ(make.fd_flags & (O_CLOEXEC | O_NONBLOCK) ? 0 : -EINVAL, make_raw(&make))
			TH_LOG("bit %d", bit);
	}
}

TEST(make_refuses_every_reserved_byte)
{
	struct chan_make make = { .size = sizeof(make), .elem_size = 8 };
	unsigned int i;

	for (i = 0; i < sizeof(make.reserved); i++) {
		make.reserved = 0x01U << (8 * i);
		EXPECT_EQ(-EINVAL, make_raw(&make));
		make.reserved = 0x80U << (8 * i);
		EXPECT_EQ(-EINVAL, make_raw(&make));
	}
}

TEST(make_refuses_a_name_or_mode_for_an_anonymous_channel)
{
	struct chan_make make = { .size = sizeof(make), .elem_size = 8 };

	make.name = (uintptr_t)"x";
	EXPECT_EQ(-EINVAL, make_raw(&make));
	make.name = 0;
	make.mode = 0600;
	EXPECT_EQ(-EINVAL, make_raw(&make));
}

TEST(make_refuses_mode_bits_that_are_no_permissions)
{
	int bit;

	for (bit = 9; bit < 32; bit++)
		EXPECT_EQ(-EINVAL, close_if_open(ch_make_named("bad.mode", 8, 0, 0, 1U << bit)));
	EXPECT_EQ(-1, access("/dev/chan/bad.mode", F_OK));
}

TEST(make_takes_shorter_structs_and_none_too_short)
{
	struct chan_make make = { .elem_size = 8, .cap = 1 };
	uint32_t size;

	for (size = 0; size <= sizeof(make); size++) {
		make.size = size;
		EXPECT_EQ(size < 8 ? -EINVAL : 0, make_raw(&make)) TH_LOG("size %u", size);
	}
}

TEST(a_shorter_make_has_zeroes_for_what_is_missing)
{
	struct chan_make make = {
		.size = offsetof(struct chan_make, cap), .elem_size = 16,
		.cap = 5, .reserved = UINT32_MAX, .mode = UINT32_MAX,
	};
	int ch = ctl_ioctl(CHAN_IOC_MAKE, &make);

	ASSERT_LE(0, ch);
	EXPECT_EQ(16, ch_elem_size(ch));
	EXPECT_EQ(0, ch_cap(ch));

	make.size = 8;
	ch = ctl_ioctl(CHAN_IOC_MAKE, &make);
	ASSERT_LE(0, ch);
	EXPECT_EQ(0, ch_elem_size(ch));
}

TEST(a_longer_make_is_taken_as_long_as_the_rest_is_0)
{
	static unsigned char b[8192];
	struct chan_make *make = (void *)b;
	unsigned int i;

	make->elem_size = 8;
	for (i = 1; i <= 64; i++) {
		make->size = sizeof(*make) + i;
		EXPECT_EQ(0, make_raw(make));
		b[make->size - 1] = 1;
		EXPECT_EQ(-E2BIG, make_raw(make));
		b[make->size - 1] = 0;
	}
	make->size = 4096;
	EXPECT_EQ(0, make_raw(make));
	make->size = 4097;
	EXPECT_EQ(-E2BIG, make_raw(make));
	make->size = UINT32_MAX;
	EXPECT_EQ(-E2BIG, make_raw(make));
}

TEST(structs_at_bad_pointers_are_efault)
{
	void *bad[] = { NULL, bad_pointer(8), KERNEL_POINTER, guarded_page() };
	static const unsigned int cmds[] = {
		CHAN_IOC_SEND, CHAN_IOC_RECV, CHAN_IOC_SEND_UNTIL, CHAN_IOC_RECV_UNTIL,
		CHAN_IOC_DUP, CHAN_IOC_INFO, CHAN_IOC_QUERY, CHAN_IOC_SEND_N, CHAN_IOC_RECV_N,
	};
	int ch = ch_make(8, 1, 0);
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		for (j = 0; j < ARRAY_SIZE(cmds); j++)
			EXPECT_EQ(-EFAULT, xioctl(ch, cmds[j], bad[i]));
		EXPECT_EQ(-EFAULT, ctl_ioctl(CHAN_IOC_MAKE, bad[i]));
		EXPECT_EQ(-EFAULT, ctl_ioctl(CHAN_IOC_REMOVE, bad[i]));
		EXPECT_EQ(-EFAULT, ctl_ioctl(CHAN_IOC_QUERY, bad[i]));
	}
}

TEST(structs_that_end_behind_readable_memory_are_efault)
{
	unsigned char *end = guarded_page();
	struct chan_xfer x = { .size = 8 };
	struct chan_make make = { .size = sizeof(make) };
	struct chan_dup dup = { .size = sizeof(dup), .fd_flags = O_RDWR };
	int ch = ch_make(8, 1, 0);

	memcpy(end - sizeof(x) + 1, &x, sizeof(x) - 1);
	EXPECT_EQ(-EFAULT, xioctl(ch, CHAN_IOC_SEND, end - sizeof(x) + 1));
	memcpy(end - sizeof(make) + 1, &make, sizeof(make) - 1);
	EXPECT_EQ(-EFAULT, make_raw(end - sizeof(make) + 1));
	memcpy(end - sizeof(dup) + 1, &dup, sizeof(dup) - 1);
	EXPECT_EQ(-EFAULT, xioctl(ch, CHAN_IOC_DUP, end - sizeof(dup) + 1));
	/* The last byte that can be is enough. */
	memcpy(end - sizeof(make), &make, sizeof(make));
	EXPECT_EQ(0, make_raw(end - sizeof(make)));
}

TEST(a_failed_make_opens_no_descriptor)
{
	struct chan_make unknown = { .size = sizeof(unknown), .elem_size = 8, .flags = 1U << 31 };
	struct chan_make huge = { .size = sizeof(huge), .elem_size = 8, .cap = UINT64_MAX };
	int ctl = chanctl(), next = dup(0);

	close(next);
	EXPECT_EQ(-EINVAL, xioctl(ctl, CHAN_IOC_MAKE, &unknown));
	EXPECT_EQ(-ENOSPC, xioctl(ctl, CHAN_IOC_MAKE, &huge));
	EXPECT_EQ(next, dup(0));
}

TEST(make_without_a_free_descriptor_is_emfile)
{
	struct rlimit none = { .rlim_cur = 3, .rlim_max = 4096 };
	int ctl = chanctl(), ch = ch_make(8, 0, 0);
	uint64_t before = ch_query(ctl).user_channels;
	struct chan_make make = { .size = sizeof(make), .elem_size = 8 };

	must(setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, xioctl(ctl, CHAN_IOC_MAKE, &make));
	EXPECT_EQ(-EMFILE, ch_dup(ch, O_RDWR));
	EXPECT_EQ(before, ch_query(ctl).user_channels);
}

/* ---- remove ---- */

TEST(remove_refuses_flags_and_odd_sizes)
{
	unsigned char b[64] = {};
	struct chan_remove *rm = (void *)b;
	int bit;

	rm->size = sizeof(*rm);
	rm->name = (uintptr_t)"nobody.made.this";
	for (bit = 0; bit < 32; bit++) {
		rm->flags = 1U << bit;
		EXPECT_EQ(-EINVAL, ctl_ioctl(CHAN_IOC_REMOVE, rm));
	}
	rm->flags = 0;
	EXPECT_EQ(-ENOENT, ctl_ioctl(CHAN_IOC_REMOVE, rm));
	rm->size = 0;
	EXPECT_EQ(-EINVAL, ctl_ioctl(CHAN_IOC_REMOVE, rm));
	rm->size = 7;
	EXPECT_EQ(-EINVAL, ctl_ioctl(CHAN_IOC_REMOVE, rm));
	rm->size = 8;
	EXPECT_EQ(-EFAULT, ctl_ioctl(CHAN_IOC_REMOVE, rm));
	rm->size = sizeof(*rm) + 1;
	EXPECT_EQ(-ENOENT, ctl_ioctl(CHAN_IOC_REMOVE, rm));
	b[sizeof(*rm)] = 1;
	EXPECT_EQ(-E2BIG, ctl_ioctl(CHAN_IOC_REMOVE, rm));
}

/* ---- send and receive ---- */

TEST(send_and_receive_refuse_every_flag_they_do_not_know)
{
	uint64_t v = 1;
	int ch = ch_make(8, 4, 0), bit;

	for (bit = 0; bit < 32; bit++) {
		uint32_t flag = 1U << bit;
		bool known = flag == CHAN_XFER_TRY;

		EXPECT_EQ(known ? 0 : -EINVAL, ch_xfer(ch, CHAN_IOC_SEND, &v, 8, flag));
		EXPECT_EQ(known ? 9 : -EINVAL, ch_xfer(ch, CHAN_IOC_RECV, &v, 8, flag));
	}
	EXPECT_EQ(0, ch_len(ch));
}

TEST(the_forms_with_a_deadline_refuse_every_flag)
{
	uint64_t v = 1;
	int ch = ch_make(8, 4, 0), bit;

	for (bit = 0; bit < 32; bit++) {
		struct chan_xfer_until x = {
			.xfer = { .addr = (uintptr_t)&v, .size = 8, .flags = 1U << bit },
		};

		EXPECT_EQ(-EINVAL, xioctl(ch, CHAN_IOC_SEND_UNTIL, &x));
		EXPECT_EQ(-EINVAL, xioctl(ch, CHAN_IOC_RECV_UNTIL, &x));
	}
	EXPECT_EQ(0, ch_len(ch));
}

TEST(fixed_elements_have_exactly_their_size)
{
	static char b[64];
	uint32_t size;
	int ch = ch_make(16, 2, 0);

	must(ch_send(ch, b, 16));
	for (size = 0; size <= 64; size++) {
		if (size == 16)
			continue;
		EXPECT_EQ(-EMSGSIZE, ch_send(ch, b, size)) TH_LOG("size %u", size);
		EXPECT_EQ(-EMSGSIZE, ch_recv(ch, b, size)) TH_LOG("size %u", size);
	}
	EXPECT_EQ(-EMSGSIZE, ch_send(ch, b, UINT32_MAX));
	EXPECT_EQ(-EMSGSIZE, ch_recv(ch, b, UINT32_MAX));
	EXPECT_EQ(-EMSGSIZE, ch_recv(ch, NULL, 15));
	EXPECT_EQ(1, ch_len(ch));
	EXPECT_EQ(17, ch_recv(ch, NULL, 16));
}

TEST(a_bad_source_is_efault_and_sends_nothing)
{
	void *bad[] = { NULL, bad_pointer(8), KERNEL_POINTER, guarded_page(),
			(char *)guarded_page() - 4 };
	static const uint32_t sizes[] = { 8, 4096 };
	unsigned int i, j;

	for (j = 0; j < ARRAY_SIZE(sizes); j++) {
		int ch = ch_make(sizes[j], 2, 0);

		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			EXPECT_EQ(-EFAULT, ch_send(ch, bad[i], sizes[j]));
			EXPECT_EQ(-EFAULT, ch_try_send(ch, bad[i], sizes[j]));
			EXPECT_EQ(-1, write(ch, bad[i], sizes[j]));
			EXPECT_EQ(EFAULT, errno);
		}
		EXPECT_EQ(0, ch_len(ch));
		EXPECT_EQ(0, ch_info(ch).sends);
	}
}

TEST(a_bad_destination_is_efault_and_consumes_nothing)
{
	void *bad[] = { bad_pointer(8), KERNEL_POINTER, guarded_page(), read_only_page(),
			(char *)guarded_page() - 4 };
	static const uint32_t sizes[] = { 8, 128, 129, 4096, 100000 };
	static char b[100000];
	unsigned int i, j;

	for (j = 0; j < ARRAY_SIZE(sizes); j++) {
		int ch = ch_make(sizes[j], 2, 0);

		fill(b, sizes[j], j);
		must(ch_send(ch, b, sizes[j]));
		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			EXPECT_EQ(-EFAULT, ch_recv(ch, bad[i], sizes[j]));
			EXPECT_EQ(-EFAULT, ch_try_recv(ch, bad[i], sizes[j]));
			EXPECT_EQ(-1, read(ch, bad[i], sizes[j]));
			EXPECT_EQ(EFAULT, errno);
		}
		EXPECT_EQ(1, ch_len(ch));
		EXPECT_EQ(0, ch_info(ch).receives);
		EXPECT_EQ(0, ch_info(ch).lost);
		poison(b, sizes[j]);
		EXPECT_EQ(1 + sizes[j], ch_recv(ch, b, sizes[j]));
		EXPECT_TRUE(is_filled(b, sizes[j], j));
	}
}

TEST(a_bad_destination_is_told_before_parking)
{
	int ch = ch_make(8, 0, 0);

	EXPECT_EQ(-EFAULT, ch_recv(ch, bad_pointer(8), 8));
	EXPECT_EQ(-EFAULT, ch_recv(ch, read_only_page(), 8));
	EXPECT_EQ(-1, read(ch, bad_pointer(8), 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, ch_info(ch).recv_parks);
	/* A try finds nothing there to copy. */
	EXPECT_EQ(-EAGAIN, ch_try_recv(ch, bad_pointer(8), 8));
}

TEST(a_bad_destination_leaves_a_parked_sender_parked)
{
	int ch = ch_make(8, 0, 0);
	struct task t;

	park_send64(&t, ch, 3);
	EXPECT_EQ(-EFAULT, ch_recv(ch, bad_pointer(8), 8));
	EXPECT_EQ(-EFAULT, ch_recv(ch, read_only_page(), 8));
	EXPECT_EQ(1, ch_info(ch).sendq);
	EXPECT_EQ(3, recv64(ch));
	EXPECT_EQ(0, task_join(&t));
}

TEST(a_destination_across_a_bad_page_is_efault)
{
	unsigned char *end = guarded_page();
	int ch = ch_make(64, 2, 0);
	char b[64];

	fill(b, 64, 1);
	must(ch_send(ch, b, 64));
	EXPECT_EQ(-EFAULT, ch_recv(ch, end - 63, 64));
	EXPECT_EQ(1, ch_len(ch));
	EXPECT_EQ(65, ch_recv(ch, end - 64, 64));
	EXPECT_TRUE(is_filled(end - 64, 64, 1));
}

TEST(a_batch_stops_before_memory_that_is_bad)
{
	unsigned char *end = guarded_page();
	int ch = ch_make(8, 4, 0);

	fill(end - 16, 16, 1);
	EXPECT_EQ(16, write(ch, end - 16, 24));
	EXPECT_EQ(2, ch_len(ch));
	poison(end - 8, 8);
	EXPECT_EQ(8, read(ch, end - 8, 16));
	EXPECT_EQ(1, ch_len(ch));
}

TEST(a_closed_channel_with_a_bad_destination_is_efault)
{
	int ch = ch_make(8, 0, 0);

	must(ch_close(ch));
	EXPECT_EQ(-EFAULT, ch_recv(ch, bad_pointer(8), 8));
	EXPECT_EQ(-EFAULT, ch_recv(ch, read_only_page(), 8));
	EXPECT_EQ(0, ch_recv(ch, NULL, 8));
}

/* ---- what takes no argument ---- */

TEST(commands_without_argument_refuse_one)
{
	static const unsigned int cmds[] = {
		CHAN_IOC_CLOSE, CHAN_IOC_LEN, CHAN_IOC_CAP, CHAN_IOC_ELEM_SIZE,
	};
	int ch = ch_make(8, 1, 0);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		EXPECT_EQ(-EINVAL, xioctl(ch, cmds[i], bad_pointer(1)));
		EXPECT_EQ(-EINVAL, xioctl(ch, cmds[i], KERNEL_POINTER));
	}
	EXPECT_EQ(0, ch_info(ch).state);
}

/* ---- dup ---- */

TEST(dup_refuses_every_flag_it_does_not_know)
{
	int ch = ch_make(8, 1, 0), bit;

	for (bit = 0; bit < 32; bit++) {
		uint32_t flag = 1U << bit;
		bool known = flag & (O_WRONLY | O_RDWR | O_CLOEXEC | O_NONBLOCK);

		EXPECT_EQ(known ? 0 : -EINVAL, close_if_open(ch_dup(ch, flag)));
	}
	EXPECT_EQ(-EINVAL, ch_dup(ch, O_ACCMODE));
}

TEST(dup_takes_longer_structs_whose_rest_is_0)
{
	unsigned char b[64] = {};
	struct chan_dup *dup = (void *)b;
	int ch = ch_make(8, 1, 0);

	for (dup->size = 0; dup->size < 8; dup->size++)
		EXPECT_EQ(-EINVAL, xioctl(ch, CHAN_IOC_DUP, dup));
	dup->size = sizeof(b);
	EXPECT_EQ(0, close_if_open(xioctl(ch, CHAN_IOC_DUP, dup)));
	b[sizeof(*dup)] = 1;
	EXPECT_EQ(-E2BIG, xioctl(ch, CHAN_IOC_DUP, dup));
}

/* ---- info and query ---- */

static void check_reply_sizes(struct __test_metadata *_metadata, int fd, unsigned int cmd,
			      uint32_t known)
{
	unsigned char b[512], whole[512];
	uint32_t size, filled;

	poison(whole, sizeof(whole));
	memcpy(whole, &known, sizeof(known));
	EXPECT_EQ(0, xioctl(fd, cmd, whole));

	for (size = 0; size <= known + 64; size++) {
		poison(b, sizeof(b));
		memcpy(b, &size, sizeof(size));
		if (size < 8) {
			EXPECT_EQ(-EINVAL, xioctl(fd, cmd, b));
			EXPECT_TRUE(all_bytes(b + 4, sizeof(b) - 4, POISON));
			continue;
		}
		EXPECT_EQ(0, xioctl(fd, cmd, b)) TH_LOG("size %u", size);
		filled = size < known ? size : known;
		/* It says how much the kernel knows of what was asked for. */
		EXPECT_EQ(0, memcmp(b, &filled, sizeof(filled)));
		EXPECT_EQ(0, memcmp(b + 4, whole + 4, filled - 4));
		EXPECT_TRUE(all_bytes(b + filled, size - filled, 0));
		EXPECT_TRUE(all_bytes(b + size, sizeof(b) - size, POISON));
	}
	size = 4097;
	memcpy(b, &size, sizeof(size));
	EXPECT_EQ(-E2BIG, xioctl(fd, cmd, b));
}

TEST(info_fills_as_much_as_was_asked_for)
{
	int ch = ch_make(8, 1, 0);

	check_reply_sizes(_metadata, ch, CHAN_IOC_INFO, sizeof(struct chan_info));
}

TEST(query_fills_as_much_as_was_asked_for)
{
	check_reply_sizes(_metadata, chanctl(), CHAN_IOC_QUERY, sizeof(struct chan_query));
}

TEST(replies_to_memory_that_cannot_be_written_are_efault)
{
	struct chan_info *info = read_only_page();
	int fd = must(open("/proc/self/mem", O_RDWR)), ch = ch_make(8, 1, 0);
	uint32_t size = sizeof(*info);

	/* Forced: a private copy of the page gets the size, and stays read-only. */
	if (pwrite(fd, &size, sizeof(size), (uintptr_t)info) != sizeof(size))
		SKIP(return, "/proc/self/mem does not write to read-only memory here");
	EXPECT_EQ(-EFAULT, xioctl(ch, CHAN_IOC_INFO, info));
	EXPECT_EQ(-EFAULT, xioctl(ch, CHAN_IOC_QUERY, info));
}

/* ---- descriptors ---- */

TEST(descriptors_that_are_no_channels_are_enotty_or_ebadf)
{
	int fds[4], i;
	uint64_t v = 1;

	fds[0] = must(open("/dev/null", O_RDWR));
	fds[1] = must(open("/tmp", O_RDONLY | O_DIRECTORY));
	fds[2] = must(memfd_create("x", 0));
	fds[3] = chanctl();
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(-ENOTTY, ch_send(fds[i], &v, 8)) TH_LOG("fd %d", i);
		EXPECT_EQ(-ENOTTY, ch_recv(fds[i], &v, 8));
		EXPECT_EQ(-ENOTTY, ch_send_until(fds[i], &v, 8, 0));
		EXPECT_EQ(-ENOTTY, ch_recv_until(fds[i], &v, 8, 0));
		EXPECT_EQ(-ENOTTY, ch_close(fds[i]));
		EXPECT_EQ(-ENOTTY, ch_len(fds[i]));
		EXPECT_EQ(-ENOTTY, ch_cap(fds[i]));
		EXPECT_EQ(-ENOTTY, ch_elem_size(fds[i]));
		EXPECT_EQ(-ENOTTY, ch_dup(fds[i], O_RDWR));
	}
	EXPECT_EQ(-EBADF, ch_send(-1, &v, 8));
	EXPECT_EQ(-EBADF, ch_len(9999));
	close(fds[0]);
	EXPECT_EQ(-EBADF, ch_len(fds[0]));
}

TEST(an_o_path_descriptor_is_no_channel)
{
	int fd;

	close(must(ch_make_named("bad.path", 8, 1, 0, 0600)));
	fd = must(open("/dev/chan/bad.path", O_PATH));
	EXPECT_EQ(-EBADF, ch_len(fd));
	EXPECT_EQ(-EBADF, send64(fd, 1));
	must(ch_remove("bad.path"));
}

TEST(chanctl_cannot_be_read_or_written)
{
	int fd = chanctl();
	char c = 0;

	EXPECT_EQ(-1, read(fd, &c, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(fd, &c, 1));
	EXPECT_EQ(EINVAL, errno);
}

TEST(names_are_for_chanctl_only)
{
	struct chan_make make = { .size = sizeof(make), .elem_size = 8 };
	struct chan_remove rm = { .size = sizeof(rm), .name = (uintptr_t)"x" };
	int ch = ch_make(8, 1, 0);

	EXPECT_EQ(-ENOTTY, xioctl(ch, CHAN_IOC_MAKE, &make));
	EXPECT_EQ(-ENOTTY, xioctl(ch, CHAN_IOC_REMOVE, &rm));
	EXPECT_EQ(-ENOTTY, xioctl(ch, CHAN_IOC_MAKE_TIMER, &make));
}

TEST(unknown_commands_are_enotty)
{
	static const unsigned int known[] = { 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
					      0x08, 0x09, 0x0A, 0x10, 0x11, 0x12, 0x13, 0x14,
					      0x15, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C };
	unsigned char b[256] = {};
	int ch = ch_make(8, 1, 0), ctl = chanctl();
	unsigned int nr, i;

	for (nr = 0; nr < 256; nr++) {
		unsigned int plain = _IO(CHAN_IOC_MAGIC, nr);

		for (i = 0; i < ARRAY_SIZE(known) && nr != known[i]; i++)
			;
		if (i < ARRAY_SIZE(known))
			continue;
		EXPECT_EQ(-ENOTTY, xioctl(ch, plain, b)) TH_LOG("command 0x%x", nr);
		EXPECT_EQ(-ENOTTY, xioctl(ctl, plain, b));
	}
	/* The right number with another size or direction is another command. */
	EXPECT_EQ(-ENOTTY, xioctl(ch, _IO(CHAN_IOC_MAGIC, 0x10), b));
	EXPECT_EQ(-ENOTTY, xioctl(ch, _IOW(CHAN_IOC_MAGIC, 0x10, struct chan_info), b));
	EXPECT_EQ(-ENOTTY, xioctl(ch, _IOWR(CHAN_IOC_MAGIC, 0x10, struct chan_xfer), b));
	EXPECT_EQ(-ENOTTY, xioctl(ch, _IO('T', 0x10), b));
	EXPECT_EQ(-ENOTTY, xioctl(ch, 0xffffffff, b));
	EXPECT_EQ(0, ch_len(ch));
}

TEST_HARNESS_MAIN
