// SPDX-License-Identifier: GPL-2.0-only
/*
 * Limits: of a user (EDQUOT), of the module (ENOSPC), and of a memory cgroup.  The
 * parameters are those of a running system, so every test puts back what it lowers,
 * and works as a user of its own.
 */
#include "chan_test.h"

#define CGROUP		"/sys/fs/cgroup/chan_limits_test"

static const char * const params[] = {
	"max_elem_size", "max_cap", "max_ring_bytes", "max_channels",
	"max_user_channels", "max_user_names", "max_user_bytes",
};

FIXTURE(limits)
{
	uint64_t saved[ARRAY_SIZE(params)];
};

FIXTURE_SETUP(limits)
{
	unsigned int i;

	if (!is_root())
		SKIP(return, "needs root");
	for (i = 0; i < ARRAY_SIZE(params); i++)
		self->saved[i] = get_param(params[i]);
}

FIXTURE_TEARDOWN(limits)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(params); i++)
		set_param(params[i], self->saved[i]);
}

/*
 * Does @fn as nobody, who has a quota and nothing in use, in a child.  ASSERT must
 * not leave the parameters lowered, so the parent only EXPECTs.
 */
static int as_nobody(int (*fn)(void *), void *arg)
{
	pid_t pid = child_fork();

	if (!pid) {
		become_nobody();
		_exit(fn(arg));
	}
	return child_wait(pid);
}

TEST_F(limits, query_tells_the_parameters)
{
	struct chan_query q = ch_query(chanctl());

	EXPECT_EQ(get_param("max_elem_size"), q.max_elem_size);
	EXPECT_EQ(get_param("max_cap"), q.max_cap);
	EXPECT_EQ(get_param("max_ring_bytes"), q.max_ring_bytes);
	EXPECT_EQ(get_param("max_channels"), q.max_channels);
	EXPECT_EQ(get_param("max_user_channels"), q.max_user_channels);
	EXPECT_EQ(get_param("max_user_names"), q.max_user_names);
	EXPECT_EQ(get_param("max_user_bytes"), q.max_user_bytes);
	set_param("max_user_names", 17);
	EXPECT_EQ(17, ch_query(chanctl()).max_user_names);
}

static int over_channels(void *arg)
{
	int ch[3], i;

	(void)arg;
	for (i = 0; i < 3; i++)
		check((ch[i] = ch_make(8, 0, 0)) >= 0);
	check(ch_make(8, 0, 0) == -EDQUOT);
	check(ch_query(ch[0]).user_channels == 3);
	/* Another descriptor is no other channel. */
	check(ch_dup(ch[0], O_RDWR) >= 0);
	close(ch[2]);
	check((ch[2] = ch_make(8, 0, 0)) >= 0);
	check(ch_make(8, 0, 0) == -EDQUOT);
	return 0;
}

TEST_F(limits, channels_of_a_user_beyond_their_number_are_edquot)
{
	set_param("max_user_channels", 3);
	EXPECT_EQ(0, as_nobody(over_channels, NULL));
}

static int over_names(void *arg)
{
	(void)arg;
	check(ch_make_named("limits_test.1", 8, 0, 0, 0600) >= 0);
	check(ch_make_named("limits_test.2", 8, 0, 0, 0600) >= 0);
	check(ch_make_named("limits_test.3", 8, 0, 0, 0600) == -EDQUOT);
	check(ch_make_named(NULL, 8, 0, 0, 0600) == -EDQUOT);
	check(access("/dev/chan/limits_test.3", F_OK) < 0);
	check(ch_make(8, 0, 0) >= 0);
	check(!ch_remove("limits_test.1"));
	check(ch_make_named("limits_test.3", 8, 0, 0, 0600) >= 0);
	check(ch_query(chanctl()).user_names == 2);
	check(!ch_remove("limits_test.2"));
	check(!ch_remove("limits_test.3"));
	check(ch_query(chanctl()).user_names == 0);
	return 0;
}

TEST_F(limits, names_of_a_user_beyond_their_number_are_edquot)
{
	set_param("max_user_names", 2);
	EXPECT_EQ(0, as_nobody(over_names, NULL));
	ch_remove("limits_test.1");
	ch_remove("limits_test.2");
	ch_remove("limits_test.3");
}

static int over_ring_bytes(void *arg)
{
	int ch;

	(void)arg;
	check((ch = ch_make(64, 1000, 0)) >= 0);
	check(ch_query(ch).user_bytes >= 64000);
	check(ch_make(64, 1000, 0) == -EDQUOT);
	check(ch_query(ch).user_channels == 1);
	close(ch);
	check(ch_make(64, 1000, 0) >= 0);
	return 0;
}

TEST_F(limits, ring_bytes_of_a_user_beyond_their_number_are_edquot)
{
	set_param("max_user_bytes", 100000);
	EXPECT_EQ(0, as_nobody(over_ring_bytes, NULL));
}

static int over_element_bytes(void *arg)
{
	static char b[40000];
	int ch;

	(void)arg;
	check((ch = ch_make(sizeof(b), 10, 0)) >= 0);
	check(!ch_send(ch, b, sizeof(b)));
	check(!ch_send(ch, b, sizeof(b)));
	check(ch_send(ch, b, sizeof(b)) == -EDQUOT);
	check(ch_try_send(ch, b, sizeof(b)) == -EDQUOT);
	check(write(ch, b, sizeof(b)) < 0 && errno == EDQUOT);
	check(ch_len(ch) == 2);
	check(ch_recv(ch, b, sizeof(b)) == 1 + sizeof(b));
	check(!ch_send(ch, b, sizeof(b)));
	check(ch_send(ch, b, sizeof(b)) == -EDQUOT);
	return 0;
}

TEST_F(limits, element_bytes_of_a_user_beyond_their_number_are_edquot)
{
	set_param("max_user_bytes", 100000);
	EXPECT_EQ(0, as_nobody(over_element_bytes, NULL));
}

/* For the last one there is the buffer of the first, which is longer than what is left. */
static int rest_of_element_bytes(void *arg)
{
	static char b[60000];
	int ch;

	(void)arg;
	check((ch = ch_make(sizeof(b), 3, CHAN_MESSAGE)) >= 0);
	check(!ch_send(ch, b, 60000));
	check(ch_recv(ch, b, sizeof(b)) == 60001);
	check(!ch_send(ch, b, 25000));
	check(!ch_send(ch, b, 25000));
	check(!ch_send(ch, b, 40000));
	return 0;
}

TEST_F(limits, element_that_fits_is_sent_whatever_has_been_kept_of_others)
{
	set_param("max_user_bytes", 100000);
	EXPECT_EQ(0, as_nobody(rest_of_element_bytes, NULL));
}

TEST_F(limits, cap_sys_resource_is_exempt_from_the_users_limits)
{
	static char b[40000];
	int ch;

	set_param("max_user_channels", 0);
	set_param("max_user_names", 0);
	set_param("max_user_bytes", 0);
	ch = ch_make(sizeof(b), 2, 0);
	EXPECT_LE(0, ch);
	EXPECT_EQ(0, ch_send(ch, b, sizeof(b)));
	EXPECT_LE(0, ch_make_named("limits_test.root", 8, 0, 0, 0600));
	EXPECT_EQ(0, ch_remove("limits_test.root"));
}

static void become(uid_t real, uid_t effective)
{
	must(setresuid(real, effective, effective));
	/* A change of credentials resets it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* As one who may have one channel, and has it. */
static void make_only_channel(uid_t real, uid_t effective)
{
	become(real, effective);
	check(ch_make(8, 0, 0) >= 0);
	check(ch_make(8, 0, 0) == -EDQUOT);
}

static pid_t start_holder(uid_t real, uid_t effective)
{
	bool *made = shared_alloc(4096);
	pid_t pid = child_fork();

	if (!pid) {
		make_only_channel(real, effective);
		__atomic_store_n(made, true, __ATOMIC_RELEASE);
		pause();
	}
	if (!eventually(__atomic_load_n(made, __ATOMIC_ACQUIRE)))
		die("no channel is made");
	return pid;
}

static int make_one_as_other(void *arg)
{
	const uid_t *ids = arg;

	make_only_channel(ids[0], ids[1]);
	return 0;
}

static int make_none_as_other(void *arg)
{
	const uid_t *ids = arg;

	become(ids[0], ids[1]);
	check(ch_make(8, 0, 0) == -EDQUOT);
	return 0;
}

/* One user's use is no other's. */
TEST_F(limits, each_user_has_limits_of_his_own)
{
	uid_t other[2] = { NOBODY - 1, NOBODY - 1 };
	pid_t first;

	set_param("max_user_channels", 1);
	first = start_holder(NOBODY, NOBODY);
	EXPECT_EQ(0, child_wait(child_start(make_one_as_other, other)));
	EXPECT_EQ(128 + SIGKILL, child_kill(first));
}

TEST_F(limits, the_real_user_is_charged_and_not_the_effective_one)
{
	uid_t same_real[2] = { NOBODY, NOBODY - 2 }, same_effective[2] = { NOBODY - 2, NOBODY - 1 };
	pid_t first;

	set_param("max_user_channels", 1);
	first = start_holder(NOBODY, NOBODY - 1);
	EXPECT_EQ(0, child_wait(child_start(make_none_as_other, same_real)));
	EXPECT_EQ(0, child_wait(child_start(make_one_as_other, same_effective)));
	EXPECT_EQ(128 + SIGKILL, child_kill(first));
}

TEST_F(limits, the_modules_ceilings_are_enospc_for_everybody)
{
	int ctl = chanctl();
	uint64_t channels;

	set_param("max_elem_size", 1000);
	EXPECT_EQ(-ENOSPC, ch_make(1001, 0, 0));
	EXPECT_EQ(-ENOSPC, ch_make(UINT32_MAX, 0, 0));
	EXPECT_LE(0, ch_make(1000, 0, 0));

	set_param("max_cap", 10);
	EXPECT_EQ(-ENOSPC, ch_make(8, 11, 0));
	EXPECT_EQ(-ENOSPC, ch_make(0, 11, 0));
	EXPECT_EQ(-ENOSPC, ch_make(0, UINT64_MAX, 0));
	EXPECT_EQ(-ENOSPC, ch_make(8, 1ULL << 32, 0));
	EXPECT_EQ(-ENOSPC, ch_make(8, 1ULL << 61, 0));
	EXPECT_LE(0, ch_make(8, 10, 0));

	set_param("max_ring_bytes", 64);
	EXPECT_EQ(-ENOSPC, ch_make(8, 9, 0));
	EXPECT_LE(0, ch_make(8, 8, 0));

	channels = ch_query(ctl).channels;
	set_param("max_channels", channels + 1);
	EXPECT_LE(0, ch_make(8, 0, 0));
	EXPECT_EQ(-ENOSPC, ch_make(8, 0, 0));
	EXPECT_EQ(channels + 1, ch_query(ctl).channels);
}

static int make_until_full(void *arg)
{
	long most = (long)arg;

	become_nobody();
	while (most--)
		check(ch_make(8, 0, 0) >= 0);
	check(ch_make(8, 0, 0) == -ENOSPC);
	return 0;
}

TEST_F(limits, the_last_sixteenth_of_the_channels_is_for_those_with_cap_sys_resource)
{
	long there = ch_query(chanctl()).channels, i;

	set_param("max_channels", 160);
	ASSERT_GT(100, there);
	EXPECT_EQ(0, child_wait(child_start(make_until_full, (void *)(150 - there))));
	for (i = there; i < 160; i++)
		EXPECT_LE(0, ch_make(8, 0, 0));
	EXPECT_EQ(-ENOSPC, ch_make(8, 0, 0));
}

TEST_F(limits, the_default_ceilings_are_those_documented)
{
	EXPECT_EQ(1 << 20, get_param("max_elem_size"));
	EXPECT_EQ(16384, get_param("max_user_channels"));
	EXPECT_EQ(1024, get_param("max_user_names"));
	EXPECT_EQ(256 << 20, get_param("max_user_bytes"));
}

/* ---- whom a large element is charged to, and until when ---- */

#define BIG		100000

static char big[BIG];

static long send_big(struct task *t)
{
	return ch_send(t->fd, big, BIG);
}

static uint64_t user_bytes(void)
{
	int ctl = chanctl();
	uint64_t bytes = ch_query(ctl).user_bytes;

	close(ctl);
	return bytes;
}

TEST(a_parked_large_element_is_charged_until_it_is_received)
{
	struct task t = { .fd = ch_make(BIG, 0, 0) };
	uint64_t before = user_bytes();

	park_sender(&t, send_big);
	EXPECT_LE(before + BIG, user_bytes());
	EXPECT_GT(before + BIG + 4096, user_bytes());
	EXPECT_EQ(1 + BIG, ch_recv(t.fd, big, BIG));
	EXPECT_EQ(0, task_join(&t));
	EXPECT_EQ(before, user_bytes());
}

TEST(a_parked_large_element_is_charged_until_the_channel_is_closed)
{
	struct task t = { .fd = ch_make(BIG, 0, 0) };
	uint64_t before = user_bytes();

	park_sender(&t, send_big);
	must(ch_close(t.fd));
	EXPECT_EQ(-EPIPE, task_join(&t));
	EXPECT_EQ(before, user_bytes());
}

TEST(a_parked_large_element_is_charged_until_its_deadline)
{
	int ch = ch_make(BIG, 0, 0);
	uint64_t before = user_bytes();

	EXPECT_EQ(-ETIMEDOUT, ch_send_until(ch, big, BIG, now_ns() + MS));
	EXPECT_EQ(before, user_bytes());
}

TEST(a_parked_large_element_is_charged_until_its_sender_is_killed)
{
	int ch = ch_make(BIG, 0, 0);
	uint64_t before = user_bytes();
	pid_t pid = child_fork();

	if (!pid)
		_exit(ch_send(ch, big, BIG) != 0);
	wait_parked(ch, 0, 1);
	EXPECT_LE(before + BIG, user_bytes());
	EXPECT_EQ(128 + SIGKILL, child_kill(pid));
	EXPECT_TRUE(eventually(user_bytes() == before));
}

TEST(a_large_element_that_cannot_be_sent_is_not_charged)
{
	int ch = ch_make(BIG, 1, 0), i;
	uint64_t before;

	must(ch_send(ch, big, BIG));
	before = user_bytes();
	for (i = 0; i < 10; i++)
		EXPECT_EQ(-EAGAIN, ch_try_send(ch, big, BIG));
	EXPECT_EQ(-EFAULT, ch_send(ch, bad_pointer(8), BIG));
	EXPECT_EQ(before, user_bytes());
	must(ch_close(ch));
	EXPECT_EQ(-EPIPE, ch_send(ch, big, BIG));
	EXPECT_EQ(before, user_bytes());
}

TEST(buffered_large_elements_are_charged_until_the_channel_goes)
{
	uint64_t before = user_bytes();
	int ch = ch_make(BIG, 3, 0), i;

	for (i = 0; i < 3; i++)
		must(ch_send(ch, big, BIG));
	EXPECT_LE(before + 3 * BIG, user_bytes());
	close(ch);
	EXPECT_EQ(before, user_bytes());
}

TEST(a_discarded_large_element_is_charged_no_more)
{
	int ch = ch_make(BIG, 3, 0);
	uint64_t before = user_bytes();

	must(ch_send(ch, big, BIG));
	EXPECT_EQ(1 + BIG, ch_recv(ch, NULL, 0));
	EXPECT_EQ(before, user_bytes());
}

static int send_one_big(void *arg)
{
	int ch = *(int *)arg;

	check(!ch_send(ch, big, BIG));
	check(user_bytes() >= BIG);
	return 0;
}

TEST_F(limits, a_large_element_is_charged_to_its_sender)
{
	int ch = ch_make(BIG, 2, 0);
	uint64_t before = user_bytes();

	EXPECT_EQ(0, as_nobody(send_one_big, &ch));
	/* The channel is root's, the element nobody's. */
	EXPECT_EQ(before, user_bytes());
	EXPECT_EQ(1 + BIG, ch_recv(ch, big, BIG));
	EXPECT_EQ(before, user_bytes());
}

TEST(small_elements_cost_nothing_of_their_own)
{
	int ch = ch_make(128, 10, 0), i;
	uint64_t before = user_bytes();

	for (i = 0; i < 10; i++)
		must(ch_send(ch, big, 128));
	EXPECT_EQ(before, user_bytes());
}

/* ---- memory cgroup ---- */

static uint64_t cgroup_number(const char *file)
{
	char path[128], text[64];

	snprintf(path, sizeof(path), CGROUP "/%s", file);
	must(read_text(path, text, sizeof(text)));
	return strtoull(text, NULL, 10);
}

/* In a cgroup of its own; false if there is none to be had. */
static bool enter_cgroup(const char *max)
{
	rmdir(CGROUP);
	write_text("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	if (mkdir(CGROUP, 0755))
		return false;
	if (write_text(CGROUP "/memory.max", max) < 0)
		return false;
	return write_text(CGROUP "/cgroup.procs", "0") > 0;
}

static int fill_in_cgroup(void *arg)
{
	enum { N = 160 };
	uint64_t before, full;
	int ch, i;

	(void)arg;
	if (!enter_cgroup("64M"))
		return KSFT_SKIP;
	ch = must(ch_make(BIG, N, 0));
	before = cgroup_number("memory.current");
	for (i = 0; i < N; i++)
		must(ch_send(ch, big, BIG));
	full = cgroup_number("memory.current");
	if (full < before + N * BIG * 9 / 10)
		die("charged %llu for %u", (unsigned long long)(full - before), N * BIG);
	while (i--)
		must(ch_recv(ch, NULL, 0));
	/* Some are kept for those to come, but not for long. */
	if (!eventually(cgroup_number("memory.current") < before + N * BIG / 10))
		die("the charge stays");
	return 0;
}

TEST_F(limits, buffered_large_elements_are_charged_to_the_memory_cgroup)
{
	int ret = child_wait(child_start(fill_in_cgroup, NULL));

	rmdir(CGROUP);
	if (ret == KSFT_SKIP)
		SKIP(return, "no memory controller of cgroup2");
	EXPECT_EQ(0, ret);
}

TEST_HARNESS_MAIN
