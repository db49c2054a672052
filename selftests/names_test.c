// SPDX-License-Identifier: GPL-2.0-only
/* Names: nodes in /dev, who owns them, who may do what, and removal. */
#include "chan_test.h"

#define NAME		"names_test.x"
#define NODE		"/dev/chan/" NAME

FIXTURE(named)
{
	int ch;
};

FIXTURE_SETUP(named)
{
	if (!is_root())
		SKIP(return, "needs root");
	umask(0);
	ch_remove(NAME);
	self->ch = ch_make_named(NAME, 8, 2, 0, 0640);
	ASSERT_LE(0, self->ch);
}

FIXTURE_TEARDOWN(named)
{
	ch_remove(NAME);
	close(self->ch);
}

TEST_F(named, node_is_a_character_device_with_owner_and_mode)
{
	struct stat st;

	ASSERT_EQ(0, stat(NODE, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0640, st.st_mode & 07777);
	EXPECT_EQ(0, st.st_uid);
	EXPECT_EQ(0, st.st_gid);
}

TEST_F(named, mode_is_subject_to_the_umask)
{
	struct stat st;

	must(ch_remove(NAME));
	umask(027);
	must(ch_make_named(NAME, 8, 0, 0, 0777));
	ASSERT_EQ(0, stat(NODE, &st));
	EXPECT_EQ(0750, st.st_mode & 07777);
}

TEST_F(named, mode_0_means_no_permissions)
{
	struct stat st;

	must(ch_remove(NAME));
	must(ch_make_named(NAME, 8, 0, 0, 0));
	ASSERT_EQ(0, stat(NODE, &st));
	EXPECT_EQ(0, st.st_mode & 07777);
}

TEST_F(named, opens_as_the_same_channel)
{
	int fd = open(NODE, O_RDWR | O_CLOEXEC);

	ASSERT_LE(0, fd);
	EXPECT_EQ(ch_info(self->ch).id, ch_info(fd).id);
	must(send64(fd, 4));
	EXPECT_EQ(4, recv64(self->ch));
}

TEST_F(named, info_tells_name_and_minor)
{
	struct chan_info info = ch_info(self->ch);
	struct stat st;

	EXPECT_STREQ(NAME, info.name);
	EXPECT_EQ(CHAN_NAMED, info.flags);
	EXPECT_EQ(0, info.owner);
	ASSERT_EQ(0, stat(NODE, &st));
	EXPECT_EQ(st.st_rdev & 0xff, info.minor & 0xff);
}

TEST_F(named, open_mode_is_the_direction)
{
	int rx = must(open(NODE, O_RDONLY)), tx = must(open(NODE, O_WRONLY));

	EXPECT_EQ(-EBADF, send64(rx, 1));
	EXPECT_EQ(0, send64(tx, 1));
	EXPECT_EQ(UINT64_MAX, try_recv64(tx));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(1, recv64(rx));
	EXPECT_EQ(-EBADF, ch_close(rx));
	EXPECT_EQ(0, ch_close(tx));
}

TEST_F(named, open_takes_o_nonblock)
{
	int fd = must(open(NODE, O_RDONLY | O_NONBLOCK));

	EXPECT_EQ(UINT64_MAX, recv64(fd));
	EXPECT_EQ(EAGAIN, errno);
}

TEST_F(named, a_taken_name_is_refused)
{
	EXPECT_EQ(-EEXIST, ch_make_named(NAME, 8, 0, 0, 0600));
	EXPECT_EQ(0, access(NODE, F_OK));
}

TEST_F(named, a_name_outlives_its_makers_descriptor)
{
	must(send64(self->ch, 6));
	close(self->ch);
	self->ch = must(open(NODE, O_RDWR));
	EXPECT_EQ(6, recv64(self->ch));
}

TEST_F(named, remove_takes_the_node_and_frees_the_name_at_once)
{
	int again;

	EXPECT_EQ(0, ch_remove(NAME));
	EXPECT_EQ(-1, access(NODE, F_OK));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(-ENOENT, ch_remove(NAME));
	again = ch_make_named(NAME, 8, 2, 0, 0600);
	EXPECT_LE(0, again);
	EXPECT_NE(ch_info(self->ch).id, ch_info(again).id);
	EXPECT_NE(ch_info(self->ch).minor, ch_info(again).minor);
	/* It is another channel. */
	must(send64(again, 1));
	EXPECT_EQ(-EIDRM, send64(self->ch, 1));
}

TEST_F(named, every_call_on_a_removed_channel_is_eidrm)
{
	uint64_t v = 1;

	must(send64(self->ch, 1));
	must(ch_remove(NAME));
	EXPECT_EQ(-EIDRM, send64(self->ch, 1));
	EXPECT_EQ(-EIDRM, try_send64(self->ch, 1));
	EXPECT_EQ(-EIDRM, ch_send_until(self->ch, &v, 8, 0));
	EXPECT_EQ(-EIDRM, ch_recv(self->ch, &v, 8));
	EXPECT_EQ(-EIDRM, ch_try_recv(self->ch, &v, 8));
	EXPECT_EQ(-EIDRM, ch_recv_until(self->ch, &v, 8, CHAN_FOREVER));
	EXPECT_EQ(-EIDRM, ch_close(self->ch));
	EXPECT_EQ(-EIDRM, ch_len(self->ch));
	EXPECT_EQ(-EIDRM, ch_cap(self->ch));
	EXPECT_EQ(-EIDRM, ch_elem_size(self->ch));
	EXPECT_EQ(-EIDRM, ch_dup(self->ch, O_RDONLY));
	EXPECT_EQ(-1, read(self->ch, &v, 8));
	EXPECT_EQ(EIDRM, errno);
	EXPECT_EQ(-1, write(self->ch, &v, 8));
	EXPECT_EQ(EIDRM, errno);
}

TEST_F(named, a_removed_channel_still_answers_info)
{
	must(send64(self->ch, 1));
	must(ch_remove(NAME));
	EXPECT_TRUE(ch_info(self->ch).state & CHAN_STATE_REMOVED);
	EXPECT_EQ(0, ch_info(self->ch).len);
	EXPECT_EQ(1, ch_info(self->ch).sends);
}

TEST_F(named, remove_drops_a_closed_channels_contents_too)
{
	must(send64(self->ch, 1));
	must(ch_close(self->ch));
	must(ch_remove(NAME));
	EXPECT_EQ(UINT64_MAX, recv64(self->ch));
	EXPECT_EQ(EIDRM, errno);
}

TEST_F(named, remove_wakes_parked_receivers)
{
	enum { N = 100 };
	static struct task t[N];
	int i;

	for (i = 0; i < N; i++)
		park_recv64(&t[i], self->ch);
	must(ch_remove(NAME));
	for (i = 0; i < N; i++) {
		EXPECT_EQ(-EIDRM, task_join(&t[i]));
		EXPECT_TRUE(all_bytes(&t[i].value, 8, POISON));
	}
}

TEST_F(named, remove_wakes_parked_senders)
{
	struct task t[3];
	int i;

	must(send64(self->ch, 1));
	must(send64(self->ch, 2));
	for (i = 0; i < 3; i++)
		park_send64(&t[i], self->ch, i);
	must(ch_remove(NAME));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(-EIDRM, task_join(&t[i]));
	EXPECT_EQ(2, ch_info(self->ch).sends);
}

TEST_F(named, removing_a_channel_full_of_large_elements_gives_their_bytes_back)
{
	static char b[50000];
	int ctl = chanctl();
	uint64_t before = ch_query(ctl).user_bytes;
	int ch = must(ch_make_named("names_test.big", sizeof(b), 4, 0, 0600)), i;

	for (i = 0; i < 4; i++)
		must(ch_send(ch, b, sizeof(b)));
	EXPECT_LE(before + 4 * sizeof(b), ch_query(ctl).user_bytes);
	must(ch_remove("names_test.big"));
	EXPECT_GT(before + sizeof(b), ch_query(ctl).user_bytes);
	close(ch);
	EXPECT_EQ(before, ch_query(ctl).user_bytes);
}

TEST_F(named, a_minor_is_not_used_again_while_somebody_holds_the_channel)
{
	uint32_t minor = ch_info(self->ch).minor;
	int ch, i;

	must(ch_remove(NAME));
	for (i = 0; i < 5; i++) {
		ch = must(ch_make_named(NAME, 8, 0, 0, 0600));
		EXPECT_NE(minor, ch_info(ch).minor);
		must(ch_remove(NAME));
		close(ch);
	}
}

TEST(a_name_of_the_kernels_choice)
{
	int a = must(ch_make_named(NULL, 8, 0, 0, 0600));
	int b = must(ch_make_named(NULL, 8, 0, 0, 0600));
	struct chan_info info = ch_info(a), other = ch_info(b);
	char path[100], expected[32];
	struct stat st;

	EXPECT_STRNE(info.name, other.name);
	snprintf(expected, sizeof(expected), "chan%u", info.minor);
	EXPECT_STREQ(expected, info.name);
	snprintf(path, sizeof(path), "/dev/%s", info.name);
	ASSERT_EQ(0, stat(path, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(info.id, ch_info(must(open(path, O_RDWR))).id);
	EXPECT_EQ(0, ch_remove(info.name));
	EXPECT_EQ(0, ch_remove(other.name));
	EXPECT_EQ(-1, access(path, F_OK));
}

TEST(names_of_every_legal_kind)
{
	char longest[CHAN_NAME_MAX + 1];
	const char * const names[] = {
		"a", "0", "_", "-", "...", ".x", "A.b-C_9", "chan", "chanx", "chan1x", "Chan1",
		longest,
	};
	char path[128];
	unsigned int i;
	int ch;

	memset(longest, 'n', CHAN_NAME_MAX);
	longest[CHAN_NAME_MAX] = 0;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		ch = ch_make_named(names[i], 8, 0, 0, 0600);
		EXPECT_LE(0, ch) TH_LOG("name %s", names[i]);
		snprintf(path, sizeof(path), "/dev/chan/%s", names[i]);
		EXPECT_EQ(0, access(path, F_OK));
		EXPECT_STREQ(names[i], ch_info(ch).name);
		EXPECT_EQ(0, ch_remove(names[i]));
		EXPECT_EQ(-1, access(path, F_OK));
		close(ch);
	}
}

TEST(names_of_every_illegal_kind)
{
	char too_long[CHAN_NAME_MAX + 2], text[4] = "a b";
	const char * const names[] = {
		"", ".", "..", "a/b", "/", "../x", "chan0", "chan1", "chan18446744073709551616",
		"a\n", "\xc3\xa4", "a b", "a*", "~", too_long,
	};
	unsigned int i, c;

	memset(too_long, 'n', CHAN_NAME_MAX + 1);
	too_long[CHAN_NAME_MAX + 1] = 0;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		const char *name = names[i];

		EXPECT_EQ(-EINVAL, ch_make_named(name, 8, 0, 0, 0600)) TH_LOG("'%s'", name);
	}
	for (c = 1; c < 256; c++) {
		if (c < 128 && (isalnum(c) || strchr("._-", c)))
			continue;
		text[1] = c;
		EXPECT_EQ(-EINVAL, ch_make_named(text, 8, 0, 0, 0600)) TH_LOG("character %u", c);
	}
	EXPECT_EQ(-EFAULT, ch_make_named(bad_pointer(8), 8, 0, 0, 0600));
	EXPECT_EQ(-EFAULT, ch_remove(bad_pointer(8)));
	EXPECT_EQ(-EFAULT, ch_remove(NULL));
	EXPECT_EQ(-ENOENT, ch_remove("nobody-made-this"));
}

TEST(a_name_that_fails_leaves_nothing_behind)
{
	int ctl = chanctl();
	struct chan_query before = ch_query(ctl), after;

	EXPECT_EQ(-EINVAL, ch_make_named("a/b", 8, 0, 0, 0600));
	EXPECT_EQ(-EFAULT, ch_make_named(bad_pointer(8), 8, 0, 0, 0600));
	after = ch_query(ctl);
	EXPECT_EQ(before.user_channels, after.user_channels);
	EXPECT_EQ(before.user_names, after.user_names);
	EXPECT_EQ(before.user_bytes, after.user_bytes);
}

TEST(very_many_names)
{
	struct chan_query before, after;
	int ctl = chanctl(), n = scaled(1000), i;
	char name[32];

	before = ch_query(ctl);
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "many.%d", i);
		close(must(ch_make_named(name, 8, 1, 0, 0600)));
	}
	after = ch_query(ctl);
	EXPECT_EQ(before.user_names + n, after.user_names);
	EXPECT_EQ(before.channels + n, after.channels);
	EXPECT_EQ(0, access("/dev/chan/many.0", F_OK));
	snprintf(name, sizeof(name), "/dev/chan/many.%d", n - 1);
	EXPECT_EQ(0, access(name, F_OK));
	for (i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "many.%d", i);
		must(ch_remove(name));
	}
	after = ch_query(ctl);
	EXPECT_EQ(before.user_names, after.user_names);
	EXPECT_EQ(before.channels, after.channels);
}

static long make_and_remove(struct task *t)
{
	int rounds = scaled(200), ch, i;
	long made = 0;

	for (i = 0; i < rounds; i++) {
		ch = ch_make_named("names_test.race", 8, 1, 0, 0600);
		if (ch < 0 && ch != -EEXIST)
			return ch;
		made += ch >= 0;
		close(open("/dev/chan/names_test.race", O_RDWR | O_NONBLOCK));
		if (ch >= 0)
			close(ch);
		ch = ch_remove("names_test.race");
		if (ch < 0 && ch != -ENOENT)
			return ch;
	}
	(void)t;
	return made;
}

TEST(make_open_and_remove_of_one_name_race_cleanly)
{
	struct chan_query before, after;
	int ctl = chanctl(), i;
	struct task t[4];
	long made = 0;

	before = ch_query(ctl);
	for (i = 0; i < 4; i++)
		task_start(&t[i], make_and_remove);
	/* Who comes in turn with others may find the name made or removed each time. */
	for (i = 0; i < 4; i++)
		made += must(task_join(&t[i]));
	EXPECT_LT(0, made);
	ch_remove("names_test.race");
	after = ch_query(ctl);
	EXPECT_EQ(before.user_names, after.user_names);
	EXPECT_EQ(before.channels, after.channels);
}

/* ---- permissions ---- */

#define AS_NOBODY(statements) ({					\
	pid_t __pid = child_fork();					\
									\
	if (!__pid) {							\
		become_nobody();					\
		statements;						\
		_exit(0);						\
	}								\
	child_wait(__pid);						\
})

TEST_F(named, others_may_not_open_what_the_mode_denies)
{
	EXPECT_EQ(0, AS_NOBODY({
		check(open(NODE, O_RDONLY) < 0 && errno == EACCES);
		check(open(NODE, O_WRONLY) < 0 && errno == EACCES);
	}));
}

TEST_F(named, others_may_do_what_the_mode_grants)
{
	must(ch_remove(NAME));
	close(self->ch);
	self->ch = must(ch_make_named(NAME, 8, 2, 0, 0642));
	EXPECT_EQ(0, AS_NOBODY({
		int fd = open(NODE, O_WRONLY);

		check(fd >= 0);
		check(open(NODE, O_RDONLY) < 0 && errno == EACCES);
		check(!send64(fd, 3));
	}));
	EXPECT_EQ(3, recv64(self->ch));
}

TEST_F(named, others_may_not_remove_it)
{
	must(chmod(NODE, 0666));
	EXPECT_EQ(0, AS_NOBODY(check(ch_remove(NAME) == -EPERM)));
	EXPECT_EQ(0, access(NODE, F_OK));
}

TEST_F(named, cap_fowner_may_remove_it)
{
	EXPECT_EQ(0, AS_NOBODY({
		int fd = ch_make_named("names_test.nobody", 8, 0, 0, 0600);
		struct stat st;

		check(fd >= 0);
		check(!stat("/dev/chan/names_test.nobody", &st));
		check(st.st_uid == NOBODY && st.st_gid == NOBODY);
		check((st.st_mode & 07777) == 0600);
		check(ch_info(fd).owner == NOBODY);
	}));
	EXPECT_EQ(0, ch_remove("names_test.nobody"));
}

TEST_F(named, its_owner_may_remove_it)
{
	EXPECT_EQ(0, AS_NOBODY({
		check(ch_make_named("names_test.own", 8, 0, 0, 0600) >= 0);
		check(!ch_remove("names_test.own"));
		check(access("/dev/chan/names_test.own", F_OK) < 0);
	}));
}

TEST_F(named, root_without_cap_fowner_may_not_remove_anothers)
{
	pid_t pid;

	EXPECT_EQ(0, AS_NOBODY(check(ch_make_named("names_test.theirs", 8, 0, 0, 0600) >= 0)));
	pid = child_fork();
	if (!pid) {
		drop_capabilities();
		check(ch_remove("names_test.theirs") == -EPERM);
		_exit(0);
	}
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(0, ch_remove("names_test.theirs"));
}

TEST_F(named, everybody_may_make_anonymous_channels)
{
	EXPECT_EQ(0, AS_NOBODY({
		int ch = ch_make(8, 1, 0);

		check(ch >= 0);
		check(!send64(ch, 1));
		check(recv64(ch) == 1);
	}));
}

TEST_F(named, a_user_namespace_makes_anonymous_channels_but_no_names)
{
	pid_t pid = child_fork();

	if (!pid) {
		if (unshare(CLONE_NEWUSER))
			_exit(KSFT_SKIP);
		check(ch_make_named("names_test.ns", 8, 0, 0, 0600) == -EPERM);
		check(ch_make_named(NULL, 8, 0, 0, 0600) == -EPERM);
		check(ch_make(8, 0, 0) >= 0);
		_exit(0);
	}
	switch (child_wait(pid)) {
	case 0:
		break;
	case KSFT_SKIP:
		SKIP(return, "no user namespaces here");
	default:
		EXPECT_TRUE(false);
	}
	EXPECT_EQ(-1, access("/dev/chan/names_test.ns", F_OK));
}

TEST_F(named, root_of_a_user_namespace_may_not_remove)
{
	pid_t pid = child_fork();

	if (!pid) {
		become_nobody();
		if (unshare(CLONE_NEWUSER))
			_exit(KSFT_SKIP);
		check(ch_remove(NAME) == -EPERM);
		_exit(0);
	}
	switch (child_wait(pid)) {
	case 0:
		break;
	case KSFT_SKIP:
		SKIP(return, "no user namespaces here");
	default:
		EXPECT_TRUE(false);
	}
	EXPECT_EQ(0, access(NODE, F_OK));
}

struct opener {
	const char *path;
	int stop;
	long opened;
};

static void *open_for_ever(void *arg)
{
	struct opener *o = arg;
	int fd;

	while (!__atomic_load_n(&o->stop, __ATOMIC_RELAXED)) {
		fd = open(o->path, O_RDWR | O_NONBLOCK);
		if (fd < 0)
			continue;
		o->opened++;
		close(fd);
	}
	return NULL;
}

/* Somebody's own node of a minor sees channels come and go, and never a dead one. */
TEST_F(named, opens_by_minor_race_with_the_last_release)
{
	struct opener o = { .path = "/dev/chan-selftest-minor" };
	uint64_t end = now_ns() + 3 * SEC;
	struct stat st;
	pthread_t t[2];
	int i, fd;

	must(stat(NODE, &st));
	unlink(o.path);
	ASSERT_EQ(0, mknod(o.path, S_IFCHR | 0600, st.st_rdev));
	must(ch_remove(NAME));
	close(self->ch);
	for (i = 0; i < 2; i++)
		must(-pthread_create(&t[i], NULL, open_for_ever, &o));
	while (now_ns() < end) {
		fd = must(ch_make_named(NAME, 8, 1, 0, 0600));
		must(ch_remove(NAME));
		close(fd);
	}
	__atomic_store_n(&o.stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	must(unlink(o.path));
	/* The fixture removes it. */
	self->ch = must(ch_make_named(NAME, 8, 1, 0, 0600));
}

/*
 * An open that was let in before the removal comes when another channel has the number.  Here it
 * is one by way of a descriptor that was opened for its path only, and root's, who is let in.
 */
TEST_F(named, a_removed_node_does_not_open_what_has_its_number_by_now)
{
	struct stat old, new;
	char again[32];
	int path;

	path = must(open(NODE, O_PATH));
	must(fstat(path, &old));
	snprintf(again, sizeof(again), "/proc/self/fd/%d", path);
	close(must(open(again, O_RDWR)));

	must(ch_remove(NAME));
	must(close(self->ch));
	self->ch = must(ch_make_named(NAME, 8, 2, 0, 0600));
	must(stat(NODE, &new));
	if (new.st_rdev != old.st_rdev)
		SKIP(return, "the number has not been given to another channel");
	EXPECT_EQ(ENXIO, fails_with(open(again, O_RDWR)));
	close(path);
}

TEST_HARNESS_MAIN
