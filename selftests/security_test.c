// SPDX-License-Identifier: GPL-2.0-only
/*
 * What Documentation/security.md promises and no other test shows: what a descriptor does not
 * do, that nothing of the kernel's memory gets out, what a user namespace does not grant, and
 * that what nobody can reach any more goes.
 */
#include <glob.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "member_test.h"

#define NAME		"security_test"
#define NODE		"/dev/chan/" NAME
#define DEBUGFS		"/sys/kernel/debug/chan/"
#define LONG		4096

/* ---- what a descriptor does not do ---- */

static void check_no_memory_no_position(struct __test_metadata *_metadata, int fd)
{
	char byte;

	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(ESPIPE, fails_with(lseek(fd, 0, SEEK_CUR)));
	EXPECT_EQ(ESPIPE, fails_with(pread(fd, &byte, 1, 0)));
	EXPECT_EQ(ESPIPE, fails_with(pwrite(fd, "x", 1, 0)));
}

TEST(a_channel_is_no_memory_and_has_no_position)
{
	int ch = ch_make(8, 1, 0);

	check_no_memory_no_position(_metadata, ch);
	check_no_memory_no_position(_metadata, ch_make(8, 1, CHAN_MESSAGE));
	EXPECT_EQ(-EAGAIN, ch_try_recv(ch, NULL, 0));
}

TEST(a_node_is_no_memory_and_has_no_position)
{
	int fd;

	if (!is_root())
		SKIP(return, "names need root here");
	ch_remove(NAME);
	close(must(ch_make_named(NAME, 8, 1, 0, 0600)));
	fd = must(open(NODE, O_RDWR));
	check_no_memory_no_position(_metadata, fd);
	EXPECT_EQ(0, ch_remove(NAME));
}

TEST(the_control_node_is_no_memory)
{
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, chanctl(), 0));
	EXPECT_EQ(ENODEV, errno);
}

/* ---- nothing of the kernel's memory gets out ---- */

/*
 * Kernels that watch themselves have a pattern in what is left uninitialised, which is what
 * would be seen here.
 */
TEST(an_anonymous_channel_has_no_bytes_in_its_name)
{
	struct chan_info info;

	poison(&info, sizeof(info));
	info.size = sizeof(info);
	must(xioctl(ch_make(8, 1, 0), CHAN_IOC_INFO, &info));
	EXPECT_TRUE(all_bytes(info.name, sizeof(info.name), 0));
	EXPECT_EQ(CHAN_NO_MINOR, info.minor);
}

TEST(behind_the_name_of_a_channel_there_is_nothing)
{
	struct chan_info info;
	int ch;

	if (!is_root())
		SKIP(return, "names need root here");
	ch_remove(NAME);
	ch = must(ch_make_named(NAME, 8, 1, 0, 0600));
	poison(&info, sizeof(info));
	info.size = sizeof(info);
	must(xioctl(ch, CHAN_IOC_INFO, &info));
	EXPECT_STREQ(NAME, info.name);
	EXPECT_TRUE(all_bytes(info.name + sizeof(NAME), sizeof(info.name) - sizeof(NAME), 0));
	EXPECT_EQ(0, ch_remove(NAME));
}

TEST(a_goroutine_is_described_without_a_byte_too_many)
{
	struct member m = { .t.fd = ch_make(8, 0, 0), .name = "g" };
	struct chan_go_info info;
	unsigned int i;

	domain = must(open(CHANCTL, O_RDWR | O_CLOEXEC));
	member_start(&m, 7, task_do_recv64);
	wait_parked(m.t.fd, 1, 0);
	poison(&info, sizeof(info));
	EXPECT_EQ(1, go_list(domain, &info, 1, 0));
	EXPECT_EQ(7, info.id);
	EXPECT_EQ(0, info.reserved);
	EXPECT_EQ(1, info.cases);
	EXPECT_EQ(ch_info(m.t.fd).id, info.where[0].chan);
	for (i = 0; i < CHAN_GO_CASES; i++)
		EXPECT_EQ(0, info.where[i].reserved);
	for (i = 1; i < CHAN_GO_CASES; i++)
		EXPECT_TRUE(all_bytes(&info.where[i], sizeof(info.where[i]), 0)) TH_LOG("%u", i);
	EXPECT_STREQ("g", info.name);
	EXPECT_TRUE(all_bytes(info.name + 2, sizeof(info.name) - 2, 0));
	must(send64(m.t.fd, 1));
	EXPECT_EQ(1 + 8, task_join(&m.t));
	EXPECT_EQ(1, m.t.value);
}

/* What was in a slot or a buffer before stays there: a receive writes no more than it got. */
TEST(of_a_message_nothing_but_the_message_is_received)
{
	int ch = ch_make(LONG, 1, CHAN_MESSAGE);
	static const uint32_t lens[] = { 1, 7, 8, 9, 127, 128, 129, 200, 1000 };
	unsigned char secret[LONG], got[LONG];
	unsigned int i;

	memset(secret, 's', sizeof(secret));
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		uint32_t len = lens[i];

		must(ch_send(ch, secret, len > 128 ? LONG : 128));
		must(ch_recv(ch, got, sizeof(got)));
		memset(got, 'x', len);
		must(ch_send(ch, got, len));
		poison(got, sizeof(got));
		EXPECT_EQ(1 + len, ch_recv(ch, got, sizeof(got)));
		EXPECT_TRUE(all_bytes(got, len, 'x'));
		EXPECT_TRUE(all_bytes(got + len, sizeof(got) - len, POISON)) TH_LOG("%u", len);
	}
}

TEST(a_parked_receiver_gets_nothing_but_the_message)
{
	int ch = ch_make(LONG, 0, CHAN_MESSAGE);
	unsigned char got[LONG];
	struct task t = { .fd = ch };

	poison(got, sizeof(got));
	park_recv(&t, ch, got, sizeof(got));
	must(ch_send(ch, "abc", 3));
	EXPECT_EQ(4, task_join(&t));
	EXPECT_EQ(0, memcmp(got, "abc", 3));
	EXPECT_TRUE(all_bytes(got + 3, sizeof(got) - 3, POISON));
}

TEST(read_brings_nothing_but_the_message)
{
	int ch = ch_make(LONG, 1, CHAN_MESSAGE);
	unsigned char got[LONG];

	memset(got, 's', sizeof(got));
	must(ch_send(ch, got, sizeof(got)));
	must(ch_recv(ch, NULL, 0));
	must(ch_send(ch, "abc", 3));
	poison(got, sizeof(got));
	EXPECT_EQ(3, must(read(ch, got, sizeof(got))));
	EXPECT_TRUE(all_bytes(got + 3, sizeof(got) - 3, POISON));
}

/* Whether there is something like an address of the kernel in a text. */
static bool shows_an_address(const char *text)
{
	const char *p;

	for (p = text; (p = strstr(p, "ffff")); p++)
		if (strspn(p, "0123456789abcdef") >= 16)
			return true;
	return false;
}

/* Every file that a pattern names and that can be read; how many. */
static unsigned int check_files(struct __test_metadata *_metadata, const char *pattern)
{
	static char text[1 << 20];
	unsigned int i, n = 0;
	glob_t found;

	if (glob(pattern, 0, NULL, &found))
		return 0;
	for (i = 0; i < found.gl_pathc; i++) {
		if (read_text(found.gl_pathv[i], text, sizeof(text)) < 0)
			continue;
		EXPECT_FALSE(shows_an_address(text)) TH_LOG("%s", found.gl_pathv[i]);
		n++;
	}
	globfree(&found);
	return n;
}

TEST(no_file_shows_an_address_of_the_kernel)
{
	struct member m = { .name = "g" };
	char pattern[128];
	int ch;

	if (!is_root())
		SKIP(return, "needs root");
	EXPECT_TRUE(shows_an_address("waiter: ffff888004b13c80 of 3"));
	EXPECT_FALSE(shows_an_address("ffff and 1844674407370955161 and deadbeef"));

	ch_remove(NAME);
	ch = must(ch_make_named(NAME, 8, 0, 0, 0600));
	m.t.fd = ch;
	domain = must(open(CHANCTL, O_RDWR | O_CLOEXEC));
	member_start(&m, 7, task_do_recv64);
	wait_parked(ch, 1, 0);
	EXPECT_LT(10, check_files(_metadata, "/sys/class/chan/chan*/*"));
	EXPECT_LT(3, check_files(_metadata, "/sys/class/misc/chanctl/*/*"));
	EXPECT_LT(3, check_files(_metadata, "/sys/module/chan/parameters/*"));
	EXPECT_EQ(2, check_files(_metadata, DEBUGFS "*"));
	snprintf(pattern, sizeof(pattern), "/proc/self/fdinfo/%d", ch);
	EXPECT_EQ(1, check_files(_metadata, pattern));
	must(send64(ch, 1));
	EXPECT_EQ(1 + 8, task_join(&m.t));
	EXPECT_EQ(0, ch_remove(NAME));
}

/* An address would be hashed by %p; ours say numbers, and none that could be one in hexadecimal. */
TEST(no_event_prints_a_pointer)
{
	static const char at[] = "/sys/kernel/tracing/events/chan/*/format";
	static char text[1 << 16];
	unsigned int i;
	glob_t found;

	if (access("/sys/kernel/tracing/events/chan", R_OK))
		SKIP(return, "no tracefs here");
	ASSERT_EQ(0, glob(at, 0, NULL, &found));
	EXPECT_LT(5, found.gl_pathc);
	for (i = 0; i < found.gl_pathc; i++) {
		must(read_text(found.gl_pathv[i], text, sizeof(text)));
		EXPECT_EQ(NULL, strstr(text, "%p")) TH_LOG("%s", found.gl_pathv[i]);
		EXPECT_EQ(NULL, strstr(text, "lx")) TH_LOG("%s", found.gl_pathv[i]);
		EXPECT_EQ(NULL, strstr(text, "void *")) TH_LOG("%s", found.gl_pathv[i]);
	}
	globfree(&found);
}

/* ---- who has no privilege ---- */

static void check_unwritable(const char *pattern)
{
	unsigned int i;
	glob_t found;

	check(!glob(pattern, 0, NULL, &found) && found.gl_pathc > 0);
	for (i = 0; i < found.gl_pathc; i++)
		check(access(found.gl_pathv[i], W_OK) && errno == EACCES);
	globfree(&found);
}

static int change_nothing(void *arg)
{
	(void)arg;
	become_nobody();
	check_unwritable("/sys/module/chan/parameters/*");
	check_unwritable("/sys/class/chan/chan*/*");
	check(access(DEBUGFS "channels", R_OK) && errno == EACCES);
	check(access(DEBUGFS "goroutines", R_OK) && errno == EACCES);
	check(open(NODE, O_RDONLY) < 0 && errno == EACCES);
	return 0;
}

TEST(an_unprivileged_user_changes_no_parameter_and_sees_no_debugfs)
{
	if (!is_root())
		SKIP(return, "needs root");
	ch_remove(NAME);
	close(must(ch_make_named(NAME, 8, 0, 0, 0600)));
	EXPECT_EQ(0, child_wait(child_start(change_nothing, NULL)));
	EXPECT_EQ(0, ch_remove(NAME));
}

/* What the kernel tells of devices; whether any of it is of a channel. */
static bool hears_of_channels(int sock, bool *anything)
{
	char text[8192];
	bool found = false;
	ssize_t len;

	while ((len = recv(sock, text, sizeof(text) - 1, MSG_DONTWAIT)) > 0) {
		text[len] = '\0';
		*anything = true;
		found = found || strstr(text, "/chan");
	}
	return found;
}

/* Whoever listens would have to listen to everybody who makes and removes names all the time. */
TEST(names_that_come_and_go_are_no_events_of_devices)
{
	struct sockaddr_nl all = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int sock = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	bool anything = false;

	if (!is_root())
		SKIP(return, "needs root");
	ASSERT_LE(0, sock);
	ASSERT_EQ(0, bind(sock, (struct sockaddr *)&all, sizeof(all)));
	ch_remove(NAME);
	close(must(ch_make_named(NAME, 8, 0, 0, 0600)));
	EXPECT_EQ(0, ch_remove(NAME));
	/* One of another device, to see that one would be heard. */
	must(write_text("/sys/class/mem/null/uevent", "change"));
	EXPECT_FALSE(hears_of_channels(sock, &anything));
	EXPECT_TRUE(anything);
	close(sock);
}

/* One that is root there, with all capabilities. */
static void enter_user_namespace(void)
{
	become_nobody();
	if (unshare(CLONE_NEWUSER))
		_exit(KSFT_SKIP);
}

static int exceed_limit(void *arg)
{
	(void)arg;
	enter_user_namespace();
	check(ch_make(8, 0, 0) >= 0);
	check(ch_make(8, 0, 0) >= 0);
	check(ch_make(8, 0, 0) == -EDQUOT);
	return 0;
}

static void check_in_namespace(struct __test_metadata *_metadata, int (*fn)(void *arg), void *arg)
{
	int status = child_wait(child_start(fn, arg));

	if (status == KSFT_SKIP)
		SKIP(return, "no user namespaces here");
	EXPECT_EQ(0, status);
}

TEST(root_of_a_user_namespace_has_the_limits_of_any_user)
{
	uint64_t saved;

	if (!is_root())
		SKIP(return, "needs root");
	saved = get_param("max_user_channels");
	set_param("max_user_channels", 2);
	check_in_namespace(_metadata, exceed_limit, NULL);
	set_param("max_user_channels", saved);
}

static int look_at_owner(void *arg)
{
	enter_user_namespace();
	check(ch_info((intptr_t)arg).owner == 65534);
	check(send64((intptr_t)arg, 1) == 0);
	return 0;
}

TEST(a_user_namespace_is_not_told_who_is_outside)
{
	int ch = ch_make(8, 1, 0);

	if (!is_root())
		SKIP(return, "needs root");
	check_in_namespace(_metadata, look_at_owner, (void *)(intptr_t)ch);
}

/* ---- what nobody can reach goes ---- */

static bool are_left(uint64_t channels)
{
	int sock[2];

	/* With the last descriptor of a socket the kernel looks for cycles. */
	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, sock));
	close(sock[0]);
	close(sock[1]);
	return ch_query(chanctl()).channels == channels;
}

TEST(a_channel_in_a_socket_that_is_in_itself_goes)
{
	uint64_t channels = ch_query(chanctl()).channels;
	int sock[2], ch = ch_make(8, 4, 0);

	must(send64(ch, 1));
	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, sock));
	pass_fd(sock[0], ch);
	pass_fd(sock[0], sock[1]);
	pass_fd(sock[1], sock[0]);
	close(ch);
	EXPECT_EQ(channels + 1, ch_query(chanctl()).channels);
	close(sock[0]);
	close(sock[1]);
	EXPECT_TRUE(eventually(are_left(channels)));
}

/* A task holds what it waits for; when it is killed, that goes with its process. */
static int wait_for_itself(void *arg)
{
	int ch = ch_make(8, 0, 0);

	*(int *)arg = 1;
	ch_recv(ch, NULL, 0);
	return 0;
}

TEST(a_channel_whose_only_user_waits_for_it_goes_when_that_is_killed)
{
	uint64_t channels = ch_query(chanctl()).channels;
	int *there = shared_alloc(sizeof(*there));
	pid_t pid = child_start(wait_for_itself, there);

	EXPECT_TRUE(eventually(__atomic_load_n(there, __ATOMIC_ACQUIRE)));
	wait_asleep(pid);
	EXPECT_EQ(channels + 1, ch_query(chanctl()).channels);
	EXPECT_EQ(128 + SIGKILL, child_kill(pid));
	EXPECT_TRUE(eventually(ch_query(chanctl()).channels == channels));
}

TEST_HARNESS_MAIN
