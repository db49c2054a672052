// SPDX-License-Identifier: GPL-2.0-only
/* libkchan: every function of kchan.h, as a program uses it. */
#include "chan_test.h"
#include <kchan.h>

#define NAME	"lib_test"

/* ---- making, opening, duplicating ---- */

TEST(make_gives_a_channel_that_is_closed_at_exec)
{
	int ch = kchan_make(8, 3, 0);

	ASSERT_LE(0, ch);
	EXPECT_EQ(FD_CLOEXEC, fcntl(ch, F_GETFD));
	EXPECT_EQ(0, fcntl(ch, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(3, kchan_cap(ch));
	EXPECT_EQ(0, kchan_len(ch));
}

TEST(make_takes_flags_of_descriptor_and_channel)
{
	int ch = kchan_make(8, 0, KCHAN_NONBLOCK | KCHAN_INHERIT | KCHAN_MESSAGE | KCHAN_AUTOCLOSE);

	ASSERT_LE(0, ch);
	EXPECT_EQ(0, fcntl(ch, F_GETFD));
	EXPECT_EQ(O_NONBLOCK, fcntl(ch, F_GETFL) & O_NONBLOCK);
	EXPECT_EQ(CHAN_MESSAGE | CHAN_AUTOCLOSE, ch_info(ch).flags);
	EXPECT_EQ(EINVAL, fails_with(kchan_make(8, 0, 1U << 31)));
	EXPECT_EQ(EINVAL, fails_with(kchan_make(8, 0, 1U << 2)));
	EXPECT_EQ(ENOSPC, fails_with(kchan_make((size_t)1 << 40, 0, 0)));
	EXPECT_EQ(ENOSPC, fails_with(kchan_make(8, (size_t)1 << 60, 0)));
}

TEST(a_named_channel_is_opened_by_name_and_by_path)
{
	int ch = kchan_make_named(NAME, 8, 2, 0, 0600), a, b;

	ASSERT_LE(0, ch);
	a = kchan_open(NAME, O_WRONLY);
	b = kchan_open("/dev/chan/" NAME, O_RDONLY);
	ASSERT_LE(0, a);
	ASSERT_LE(0, b);
	EXPECT_EQ(FD_CLOEXEC, fcntl(a, F_GETFD));
	EXPECT_EQ(0, kchan_send(a, &(uint64_t){ 5 }, 8));
	EXPECT_EQ(5, recv64(b));
	EXPECT_EQ(EBADF, fails_with(kchan_send(b, &(uint64_t){ 5 }, 8)));
	EXPECT_EQ(EEXIST, fails_with(kchan_make_named(NAME, 8, 2, 0, 0600)));
	EXPECT_EQ(0, kchan_remove(NAME));
	EXPECT_EQ(EIDRM, fails_with(kchan_len(ch)));
	EXPECT_EQ(ENOENT, fails_with(kchan_remove(NAME)));
	EXPECT_EQ(ENOENT, fails_with(kchan_open(NAME, O_RDWR)));
}

TEST(a_name_of_the_kernels_choice_can_be_opened)
{
	int ch = kchan_make_named(NULL, 8, 2, 0, 0600);
	struct chan_info info;
	char path[100];

	ASSERT_LE(0, ch);
	info = ch_info(ch);
	snprintf(path, sizeof(path), "/dev/%s", info.name);
	EXPECT_LE(0, kchan_open(path, O_RDWR));
	EXPECT_EQ(0, kchan_remove(info.name));
}

TEST(open_insists_on_a_channel)
{
	static const char file[] = "/tmp/kchan_lib_test.file", fifo[] = "/tmp/kchan_lib_test.fifo";
	int fd = open(file, O_CREAT | O_RDWR | O_TRUNC, 0600);

	ASSERT_LE(0, fd);
	close(fd);
	EXPECT_EQ(ENOTTY, fails_with(kchan_open(file, O_RDWR)));
	EXPECT_EQ(ENOTTY, fails_with(kchan_open("/dev/null", O_RDWR)));
	EXPECT_EQ(ENOTTY, fails_with(kchan_open(CHANCTL, O_RDWR)));
	/* Nobody reads or writes it: a plain open would hang. */
	unlink(fifo);
	ASSERT_EQ(0, mkfifo(fifo, 0600));
	EXPECT_EQ(ENOTTY, fails_with(kchan_open(fifo, O_RDONLY)));
	EXPECT_EQ(ENOTTY, fails_with(kchan_open(fifo, O_WRONLY)));
	unlink(file);
	unlink(fifo);
	EXPECT_EQ(EINVAL, fails_with(kchan_open("", O_RDWR)));
	EXPECT_EQ(ENOENT, fails_with(kchan_open("/nowhere/at/all", O_RDWR)));
}

TEST(open_finds_a_stray_file_where_a_channel_should_be)
{
	int fd;

	/* The directory is there as long as there is a name. */
	ASSERT_LE(0, kchan_make_named(NAME, 8, 0, 0, 0600));
	fd = open("/dev/chan/lib_test.stray", O_CREAT | O_WRONLY, 0600);
	ASSERT_LE(0, fd);
	close(fd);
	EXPECT_EQ(ENOTTY, fails_with(kchan_open("lib_test.stray", O_RDWR)));
	EXPECT_EQ(EEXIST, fails_with(kchan_make_named("lib_test.stray", 8, 0, 0, 0600)));
	EXPECT_EQ(0, unlink("/dev/chan/lib_test.stray"));
	EXPECT_EQ(0, kchan_remove(NAME));
}

TEST(open_takes_o_nonblock)
{
	int ch = kchan_make_named(NAME, 8, 0, 0, 0600), fd = kchan_open(NAME, O_RDWR | O_NONBLOCK);
	uint64_t v;

	ASSERT_LE(0, fd);
	EXPECT_EQ(EAGAIN, fails_with(kchan_recv(fd, &v, 8)));
	EXPECT_EQ(0, kchan_remove(NAME));
	close(ch);
}

TEST(dup_gives_a_view)
{
	int ch = kchan_make(8, 1, 0), rx = kchan_dup(ch, O_RDONLY), tx = kchan_dup(ch, O_WRONLY);
	uint64_t v = 3;

	ASSERT_LE(0, rx);
	ASSERT_LE(0, tx);
	EXPECT_EQ(FD_CLOEXEC, fcntl(rx, F_GETFD));
	EXPECT_EQ(EBADF, fails_with(kchan_send(rx, &v, 8)));
	EXPECT_EQ(EBADF, fails_with(kchan_recv(tx, &v, 8)));
	EXPECT_EQ(EBADF, fails_with(kchan_dup(rx, O_RDWR)));
	EXPECT_EQ(0, kchan_send(tx, &v, 8));
	EXPECT_EQ(1, kchan_recv(rx, &v, 8));
	EXPECT_EQ(EINVAL, fails_with(kchan_dup(ch, O_RDWR | O_APPEND)));
}

/* ---- send and receive ---- */

TEST(send_and_recv)
{
	int ch = kchan_make(8, 1, 0);
	uint64_t v = 7, w;

	EXPECT_EQ(0, kchan_send(ch, &v, 8));
	EXPECT_EQ(1, kchan_len(ch));
	poison(&w, 8);
	EXPECT_EQ(1, kchan_recv(ch, &w, 8));
	EXPECT_EQ(7, w);
	EXPECT_EQ(EMSGSIZE, fails_with(kchan_send(ch, &v, 7)));
	EXPECT_EQ(EMSGSIZE, fails_with(kchan_recv(ch, &w, 9)));
	EXPECT_EQ(EMSGSIZE, fails_with(kchan_send(ch, &v, ((size_t)1 << 32) + 8)));
	EXPECT_EQ(EMSGSIZE, fails_with(kchan_recv(ch, &w, ((size_t)1 << 32) + 8)));
	EXPECT_EQ(EFAULT, fails_with(kchan_send(ch, bad_pointer(8), 8)));
}

TEST(recv_without_destination_discards)
{
	int ch = kchan_make(8, 2, 0);
	uint64_t v = 7;

	EXPECT_EQ(0, kchan_send(ch, &v, 8));
	EXPECT_EQ(0, kchan_send(ch, &v, 8));
	EXPECT_EQ(1, kchan_recv(ch, NULL, 8));
	EXPECT_EQ(1, kchan_recv(ch, NULL, 0));
	EXPECT_EQ(0, kchan_len(ch));
}

TEST(close_ends_both_directions)
{
	int ch = kchan_make(8, 2, 0);
	uint64_t v = 7;

	EXPECT_EQ(0, kchan_send(ch, &v, 8));
	EXPECT_EQ(0, kchan_close(ch));
	EXPECT_EQ(EPIPE, fails_with(kchan_close(ch)));
	EXPECT_EQ(EPIPE, fails_with(kchan_send(ch, &v, 8)));
	EXPECT_EQ(EPIPE, fails_with(kchan_try_send(ch, &v, 8)));
	EXPECT_EQ(1, kchan_recv(ch, &v, 8));
	poison(&v, 8);
	EXPECT_EQ(0, kchan_recv(ch, &v, 8));
	EXPECT_EQ(0, v);
	EXPECT_EQ(0, kchan_recv(ch, NULL, 0));
}

TEST(try_forms_do_not_block)
{
	int ch = kchan_make(8, 1, 0);
	uint64_t v = 7;
	size_t len = 99;

	EXPECT_EQ(EAGAIN, fails_with(kchan_try_recv(ch, &v, 8)));
	EXPECT_EQ(EAGAIN, fails_with(kchan_try_recv_msg(ch, &v, 8, &len)));
	EXPECT_EQ(99, len);
	EXPECT_EQ(0, kchan_try_send(ch, &v, 8));
	EXPECT_EQ(EAGAIN, fails_with(kchan_try_send(ch, &v, 8)));
	EXPECT_EQ(1, kchan_try_recv(ch, &v, 8));
	EXPECT_EQ(0, kchan_close(ch));
	EXPECT_EQ(0, kchan_try_recv(ch, &v, 8));
}

TEST(until_forms_wait_for_a_deadline)
{
	int ch = kchan_make(8, 1, KCHAN_NONBLOCK);
	struct timespec past = { 0, 0 }, before = { -1, 0 }, odd = { 0, 1000000000 }, soon;
	uint64_t v = 7, start;
	size_t len;

	EXPECT_EQ(ETIMEDOUT, fails_with(kchan_recv_until(ch, &v, 8, &past)));
	EXPECT_EQ(ETIMEDOUT, fails_with(kchan_recv_until(ch, &v, 8, &before)));
	EXPECT_EQ(EINVAL, fails_with(kchan_recv_until(ch, &v, 8, &odd)));
	EXPECT_EQ(EINVAL, fails_with(kchan_send_until(ch, &v, 8, &odd)));
	start = now_ns();
	soon = in_ns(20 * MS);
	EXPECT_EQ(ETIMEDOUT, fails_with(kchan_recv_until(ch, &v, 8, &soon)));
	EXPECT_EQ(ETIMEDOUT, fails_with(kchan_recv_msg_until(ch, &v, 8, &len, &soon)));
	EXPECT_LE(start + 20 * MS, now_ns());
	EXPECT_EQ(0, kchan_send_until(ch, &v, 8, &past));
	EXPECT_EQ(ETIMEDOUT, fails_with(kchan_send_until(ch, &v, 8, &past)));
	EXPECT_EQ(1, kchan_recv_until(ch, &v, 8, NULL));
	EXPECT_EQ(0, kchan_send_until(ch, &v, 8, NULL));
	EXPECT_EQ(1, kchan_recv_msg_until(ch, &v, 8, &len, &past));
	EXPECT_EQ(8, len);
	EXPECT_EQ(0, kchan_close(ch));
	EXPECT_EQ(0, kchan_recv_until(ch, &v, 8, NULL));
	EXPECT_EQ(EPIPE, fails_with(kchan_send_until(ch, &v, 8, NULL)));
}

TEST(until_without_deadline_waits_for_a_partner)
{
	int ch = kchan_make(8, 0, KCHAN_NONBLOCK);
	uint64_t v;
	pid_t pid = child_fork();

	if (!pid)
		_exit(kchan_recv_until(ch, &v, 8, NULL) == 1 && v == 9 ? 0 : 1);
	wait_parked(ch, 1, 0);
	EXPECT_EQ(0, kchan_try_send(ch, &(uint64_t){ 9 }, 8));
	EXPECT_EQ(0, child_wait(pid));
}

TEST(recv_msg_tells_the_length)
{
	int ch = kchan_make(64, 3, KCHAN_MESSAGE);
	int fixed = kchan_make(8, 1, 0);
	size_t len = 99;
	char b[64];

	EXPECT_EQ(0, kchan_send(ch, "hello", 5));
	EXPECT_EQ(0, kchan_send(ch, NULL, 0));
	EXPECT_EQ(0, kchan_send(ch, "ab", 2));
	EXPECT_EQ(EMSGSIZE, fails_with(kchan_recv_msg(ch, b, 4, &len)));
	EXPECT_EQ(99, len);
	EXPECT_EQ(1, kchan_recv_msg(ch, b, sizeof(b), &len));
	EXPECT_EQ(5, len);
	EXPECT_EQ(0, memcmp(b, "hello", 5));
	EXPECT_EQ(1, kchan_recv_msg(ch, b, sizeof(b), &len));
	EXPECT_EQ(0, len);
	EXPECT_EQ(1, kchan_recv(ch, b, sizeof(b)));
	EXPECT_EQ('a', b[0]);
	EXPECT_EQ(EMSGSIZE, fails_with(kchan_send(ch, b, 65)));
	EXPECT_EQ(0, kchan_send(ch, b, 64));
	EXPECT_EQ(1, kchan_recv_msg(ch, NULL, 0, &len));
	EXPECT_EQ(64, len);
	EXPECT_EQ(0, kchan_close(ch));
	len = 99;
	EXPECT_EQ(0, kchan_recv_msg(ch, b, sizeof(b), &len));
	EXPECT_EQ(0, len);

	EXPECT_EQ(0, kchan_send(fixed, &(uint64_t){ 1 }, 8));
	EXPECT_EQ(1, kchan_recv_msg(fixed, b, 8, &len));
	EXPECT_EQ(8, len);
	EXPECT_EQ(0, kchan_send(fixed, &(uint64_t){ 1 }, 8));
	EXPECT_EQ(1, kchan_recv_msg(fixed, b, 8, NULL));
}

/* ---- several at once ---- */

TEST(send_n_and_recv_n)
{
	uint64_t v[5] = { 1, 2, 3, 4, 5 }, w[8];
	int ch = kchan_make(8, 5, 0);

	EXPECT_EQ(5, kchan_send_n(ch, v, 5));
	EXPECT_EQ(5, kchan_len(ch));
	poison(w, sizeof(w));
	EXPECT_EQ(2, kchan_recv_n(ch, w, 2));
	EXPECT_EQ(3, kchan_recv_n(ch, w + 2, 6));
	EXPECT_EQ(0, memcmp(v, w, sizeof(v)));
	EXPECT_TRUE(all_bytes(w + 5, 24, POISON));
	EXPECT_EQ(0, kchan_send_n(ch, v, 0));
	EXPECT_EQ(EINVAL, fails_with(kchan_recv_n(ch, w, 0)));
	EXPECT_EQ(5, kchan_send_n(ch, v, 5));
	EXPECT_EQ(5, kchan_recv_n(ch, NULL, 5));
	EXPECT_EQ(0, kchan_len(ch));
}

TEST(send_n_blocks_until_all_are_sent)
{
	uint64_t v[100], w, i;
	int ch = kchan_make(8, 3, 0);
	pid_t pid = child_fork();

	if (!pid) {
		for (i = 0; i < 100; i++)
			v[i] = i;
		_exit(kchan_send_n(ch, v, 100) == 100 ? 0 : 1);
	}
	for (i = 0; i < 100; i++) {
		EXPECT_EQ(1, kchan_recv(ch, &w, 8));
		EXPECT_EQ(i, w);
	}
	EXPECT_EQ(0, child_wait(pid));
}

TEST(send_n_and_recv_n_count_what_was_done)
{
	uint64_t v[5] = { 1, 2, 3, 4, 5 };
	int ch = kchan_make(8, 3, KCHAN_NONBLOCK);

	EXPECT_EQ(EAGAIN, fails_with(kchan_recv_n(ch, v, 2)));
	EXPECT_EQ(3, kchan_send_n(ch, v, 5));
	EXPECT_EQ(EAGAIN, fails_with(kchan_send_n(ch, v, 5)));
	EXPECT_EQ(0, kchan_close(ch));
	EXPECT_EQ(EPIPE, fails_with(kchan_send_n(ch, v, 5)));
	EXPECT_EQ(3, kchan_recv_n(ch, v, 5));
	poison(v, sizeof(v));
	EXPECT_EQ(0, kchan_recv_n(ch, v, 5));
	EXPECT_TRUE(all_bytes(v, sizeof(v), POISON));
}

TEST(several_at_once_of_size_0_and_never_of_messages)
{
	int ch = kchan_make(0, 4, KCHAN_NONBLOCK), msg = kchan_make(8, 4, KCHAN_MESSAGE);
	char b[32] = {};

	EXPECT_EQ(3, kchan_send_n(ch, NULL, 3));
	EXPECT_EQ(3, kchan_len(ch));
	EXPECT_EQ(3, kchan_recv_n(ch, NULL, 9));
	EXPECT_EQ(EINVAL, fails_with(kchan_send_n(msg, b, 2)));
	EXPECT_EQ(EINVAL, fails_with(kchan_recv_n(msg, b, 2)));
}

TEST(a_large_batch_arrives_in_order)
{
	enum { N = 20000 };
	uint64_t *v = malloc(N * 8), *w = malloc(N * 8);
	int ch = kchan_make(8, 64, 0);
	size_t got = 0;
	ssize_t n;
	pid_t pid;

	fill(v, N * 8, 3);
	pid = child_fork();
	if (!pid)
		_exit(kchan_send_n(ch, v, N) == N ? 0 : 1);
	while (got < N && (n = kchan_recv_n(ch, w + got, N - got)) > 0)
		got += n;
	EXPECT_EQ(N, got);
	EXPECT_EQ(0, memcmp(v, w, N * 8));
	EXPECT_EQ(0, child_wait(pid));
}

/* ---- what is no channel ---- */

TEST(no_channel_is_enotty_and_no_descriptor_ebadf)
{
	int null = open("/dev/null", O_RDWR);
	uint64_t v = 1;

	EXPECT_EQ(ENOTTY, fails_with(kchan_send(null, &v, 8)));
	EXPECT_EQ(ENOTTY, fails_with(kchan_recv(null, &v, 8)));
	EXPECT_EQ(ENOTTY, fails_with(kchan_send_n(null, &v, 1)));
	EXPECT_EQ(ENOTTY, fails_with(kchan_recv_n(null, &v, 1)));
	EXPECT_EQ(ENOTTY, fails_with(kchan_len(null)));
	EXPECT_EQ(ENOTTY, fails_with(kchan_cap(null)));
	EXPECT_EQ(ENOTTY, fails_with(kchan_close(null)));
	EXPECT_EQ(ENOTTY, fails_with(kchan_dup(null, O_RDONLY)));
	EXPECT_EQ(EBADF, fails_with(kchan_send(-1, &v, 8)));
	EXPECT_EQ(EBADF, fails_with(kchan_len(-1)));
}

TEST(version_tells_abi_and_features)
{
	unsigned long long features = 0;
	unsigned int abi = 0;

	EXPECT_EQ(0, kchan_version(&abi, &features));
	EXPECT_EQ(CHAN_ABI_VERSION, abi);
	EXPECT_EQ(ch_query(chanctl()).features, features);
	EXPECT_EQ(0, kchan_version(NULL, NULL));
}

TEST(the_library_leaves_no_descriptors_open)
{
	int next = dup(0);

	close(next);
	close(kchan_make(8, 0, 0));
	close(kchan_make_named(NAME, 8, 0, 0, 0600));
	close(kchan_open(NAME, O_RDWR));
	kchan_open("/dev/null", O_RDWR);
	EXPECT_EQ(0, kchan_remove(NAME));
	kchan_version(NULL, NULL);
	EXPECT_EQ(next, dup(0));
}

/* ---- goroutines and wait groups ---- */

static int done_ch;
static int64_t seen_id;

static void tell_id(void *arg)
{
	int64_t id = kchan_goid();

	(void)arg;
	must(kchan_send(done_ch, &id, 8));
}

TEST(go_runs_a_function_with_an_id_of_its_own)
{
	int64_t a, b, first, second;

	done_ch = kchan_make(8, 2, 0);
	EXPECT_EQ(1, kchan_goid());
	a = kchan_go(tell_id, NULL);
	EXPECT_LT(1, a);
	EXPECT_EQ(1, kchan_recv(done_ch, &first, 8));
	EXPECT_EQ(a, first);
	b = kchan_go(tell_id, NULL);
	EXPECT_EQ(1, kchan_recv(done_ch, &second, 8));
	EXPECT_EQ(b, second);
	EXPECT_NE(a, b);
}

static void *foreign_thread(void *arg)
{
	(void)arg;
	seen_id = kchan_goid();
	return NULL;
}

TEST(a_thread_that_is_no_goroutine_has_id_0)
{
	pthread_t t;

	seen_id = -1;
	must(-pthread_create(&t, NULL, foreign_thread, NULL));
	pthread_join(t, NULL);
	EXPECT_EQ(0, seen_id);
}

static struct kchan_wg wg;
static int start_ch;
static int counter;

static void wait_and_count(void *arg)
{
	(void)arg;
	kchan_recv(start_ch, NULL, 0);
	__atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED);
	kchan_wg_done(&wg);
}

TEST(very_many_goroutines_wait_and_are_released_by_close)
{
	int n = scaled(2500), i;

	write_text("/proc/sys/kernel/threads-max", "100000");
	start_ch = kchan_make(0, 0, 0);
	ASSERT_EQ(0, kchan_wg_init(&wg));
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, kchan_wg_add(&wg, 1));
		ASSERT_LT(0, kchan_go(wait_and_count, NULL));
	}
	wait_parked(start_ch, n, 0);
	EXPECT_EQ(0, counter);
	EXPECT_EQ(0, kchan_close(start_ch));
	EXPECT_EQ(0, kchan_wg_wait(&wg));
	EXPECT_EQ(n, counter);
}

static void count_one(void *arg)
{
	__atomic_add_fetch((int *)arg, 1, __ATOMIC_RELAXED);
	kchan_wg_done(&wg);
}

TEST(a_wait_group_can_be_used_again)
{
	int round, i;

	ASSERT_EQ(0, kchan_wg_init(&wg));
	EXPECT_EQ(0, kchan_wg_wait(&wg));
	for (round = 1; round <= 20; round++) {
		EXPECT_EQ(0, kchan_wg_add(&wg, 10));
		for (i = 0; i < 10; i++)
			ASSERT_LT(0, kchan_go(count_one, &counter));
		EXPECT_EQ(0, kchan_wg_wait(&wg));
		EXPECT_EQ(10 * round, counter);
	}
}

static void wait_too(void *arg)
{
	(void)arg;
	must(kchan_wg_wait(&wg));
	must(kchan_send(done_ch, NULL, 0));
}

TEST(many_can_wait_for_one_group)
{
	int i;

	done_ch = kchan_make(0, 5, 0);
	ASSERT_EQ(0, kchan_wg_init(&wg));
	EXPECT_EQ(0, kchan_wg_add(&wg, 1));
	for (i = 0; i < 5; i++)
		ASSERT_LT(0, kchan_go(wait_too, NULL));
	EXPECT_EQ(0, kchan_len(done_ch));
	EXPECT_EQ(0, kchan_wg_done(&wg));
	for (i = 0; i < 5; i++)
		EXPECT_EQ(1, kchan_recv(done_ch, NULL, 0));
}

TEST(a_wait_group_refuses_to_go_below_zero)
{
	ASSERT_EQ(0, kchan_wg_init(&wg));
	EXPECT_EQ(EINVAL, fails_with(kchan_wg_done(&wg)));
	EXPECT_EQ(0, kchan_wg_add(&wg, 2));
	EXPECT_EQ(EINVAL, fails_with(kchan_wg_add(&wg, -3)));
	EXPECT_EQ(0, kchan_wg_add(&wg, -2));
	EXPECT_EQ(0, kchan_wg_wait(&wg));
	EXPECT_EQ(0, kchan_wg_add(&wg, INT32_MAX));
	EXPECT_EQ(EOVERFLOW, fails_with(kchan_wg_add(&wg, 1)));
}

static void use_stack(void *arg)
{
	volatile char room[200 << 10];
	size_t i;

	for (i = 0; i < sizeof(room); i += 512)
		room[i] = i;
	*(int *)arg = room[512] == 0;
	kchan_wg_done(&wg);
}

TEST(the_stack_of_goroutines_can_be_set)
{
	int ok = 0;

	EXPECT_EQ(64 << 10, kchan_stack_size(0));
	EXPECT_EQ(256 << 10, kchan_stack_size(256 << 10));
	EXPECT_EQ(256 << 10, kchan_stack_size(0));
	ASSERT_EQ(0, kchan_wg_init(&wg));
	EXPECT_EQ(0, kchan_wg_add(&wg, 1));
	ASSERT_LT(0, kchan_go(use_stack, &ok));
	EXPECT_EQ(0, kchan_wg_wait(&wg));
	EXPECT_EQ(1, ok);
	EXPECT_LT(0, kchan_stack_size(1));
	EXPECT_EQ(EINVAL, fails_with(kchan_stack_size((size_t)1 << 40)));
}

struct stage {
	int in;
	int out;
	uint64_t prime;
};

static void generate(void *arg)
{
	struct stage *s = arg;
	uint64_t n;

	for (n = 2; !kchan_send(s->out, &n, 8); n++)
		;
}

static void filter(void *arg)
{
	struct stage *s = arg;
	uint64_t n;

	while (kchan_recv(s->in, &n, 8) == 1)
		if (n % s->prime && kchan_send(s->out, &n, 8))
			return;
}

/* Go's test/chan/sieve1.go. */
TEST(prime_sieve)
{
	static const uint64_t primes[] = {
		2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71,
	};
	static struct stage stage[ARRAY_SIZE(primes) + 1];
	unsigned int i;

	stage[0].out = kchan_make(8, 0, 0);
	ASSERT_LT(0, kchan_go(generate, &stage[0]));
	for (i = 0; i < ARRAY_SIZE(primes); i++) {
		struct stage *s = &stage[i + 1];

		s->in = stage[i].out;
		s->out = kchan_make(8, 0, 0);
		ASSERT_EQ(1, kchan_recv(s->in, &s->prime, 8));
		EXPECT_EQ(primes[i], s->prime);
		ASSERT_LT(0, kchan_go(filter, s));
	}
}

TEST_HARNESS_MAIN
