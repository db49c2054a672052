// SPDX-License-Identifier: GPL-2.0-only
/* What can be seen of a channel: struct chan_info, sysfs and fdinfo. */
#include "chan_test.h"
#include <dirent.h>
#include <sys/mount.h>

#define NAME		"info_test"

TEST(counters_count_what_happens)
{
	int ch = ch_make(8, 1, 0);
	struct chan_info info;
	struct task t, u;
	uint64_t v;

	must(send64(ch, 1));			/* into the ring */
	park_send64(&t, ch, 2);			/* parks */
	info = ch_info(ch);
	EXPECT_EQ(1, info.len);
	EXPECT_EQ(1, info.sendq);
	EXPECT_EQ(1, info.sends);
	EXPECT_EQ(1, info.send_parks);
	EXPECT_EQ(0, info.receives);
	recv64(ch);				/* lets it in */
	recv64(ch);
	task_join(&t);
	park_recv64(&u, ch);			/* parks */
	EXPECT_EQ(1, ch_info(ch).recvq);
	must(send64(ch, 3));			/* handed over */
	task_join(&u);
	EXPECT_EQ(-ETIMEDOUT, ch_recv_until(ch, &v, 8, now_ns() + 500 * MS));

	info = ch_info(ch);
	EXPECT_EQ(0, info.len);
	EXPECT_EQ(0, info.recvq + info.sendq);
	EXPECT_EQ(3, info.sends);
	EXPECT_EQ(3, info.receives);
	EXPECT_EQ(1, info.handoffs);
	EXPECT_EQ(1, info.send_parks);
	EXPECT_EQ(2, info.recv_parks);
	EXPECT_EQ(1, info.aborts);
	EXPECT_EQ(0, info.lost);
}

TEST(ends_are_counted_by_direction)
{
	int ch = ch_make(8, 1, 0);
	int rx = must(ch_dup(ch, O_RDONLY)), tx = must(ch_dup(ch, O_WRONLY));
	int tx2 = must(ch_dup(tx, O_WRONLY));

	EXPECT_EQ(2, ch_info(ch).receivers);
	EXPECT_EQ(3, ch_info(ch).senders);
	close(tx2);
	close(rx);
	EXPECT_EQ(1, ch_info(ch).receivers);
	EXPECT_EQ(2, ch_info(ch).senders);
}

TEST(flags_and_sizes_are_those_of_make)
{
	int ch = ch_make(4096, 9, CHAN_MESSAGE | CHAN_AUTOCLOSE);
	struct chan_info info = ch_info(ch);

	EXPECT_EQ(CHAN_MESSAGE | CHAN_AUTOCLOSE, info.flags);
	EXPECT_EQ(4096, info.elem_size);
	EXPECT_EQ(9, info.cap);
	EXPECT_STREQ("", info.name);
	EXPECT_TRUE(all_bytes(info.name, sizeof(info.name), 0));
	EXPECT_EQ(getuid(), info.owner);
}

/* ---- sysfs ---- */

FIXTURE(sysfs)
{
	int ch;
	char dir[64];
};

FIXTURE_SETUP(sysfs)
{
	ch_remove(NAME);
	self->ch = must(ch_make_named(NAME, 8, 2, CHAN_AUTOCLOSE, 0600));
	snprintf(self->dir, sizeof(self->dir), "/sys/class/chan/chan%u", ch_info(self->ch).minor);
}

FIXTURE_TEARDOWN(sysfs)
{
	ch_remove(NAME);
	close(self->ch);
}

/* One value and a newline. */
static const char *attr(const char *dir, const char *name)
{
	static char text[4096];
	char path[128];
	int n;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	n = read_text(path, text, sizeof(text));
	if (n <= 0 || text[n - 1] != '\n')
		return "bad";
	text[n - 1] = 0;
	return text;
}

static uint64_t attr_number(const char *dir, const char *name)
{
	const char *text = attr(dir, name);
	char *end;
	uint64_t v = strtoull(text, &end, 10);

	return *text && !*end ? v : UINT64_MAX;
}

TEST_F(sysfs, every_attribute_has_its_value)
{
	static const char * const zero[] = {
		"message", "closed", "recvq", "sendq", "receivers", "senders", "receives",
		"handoffs", "recv_parks", "send_parks", "aborts", "lost", "owner",
	};
	unsigned int i;

	must(send64(self->ch, 1));
	EXPECT_STREQ(NAME, attr(self->dir, "name"));
	EXPECT_EQ(ch_info(self->ch).id, attr_number(self->dir, "id"));
	EXPECT_EQ(8, attr_number(self->dir, "elem_size"));
	EXPECT_EQ(2, attr_number(self->dir, "cap"));
	EXPECT_EQ(1, attr_number(self->dir, "len"));
	EXPECT_EQ(1, attr_number(self->dir, "autoclose"));
	EXPECT_EQ(1, attr_number(self->dir, "sends"));
	for (i = 0; i < ARRAY_SIZE(zero); i++) {
		const char *name = zero[i];

		EXPECT_EQ(0, attr_number(self->dir, name)) TH_LOG("%s", name);
	}
}

TEST_F(sysfs, values_follow_the_channel)
{
	struct task t, u, s;

	park_recv64(&t, self->ch);
	park_recv64(&u, self->ch);
	EXPECT_EQ(2, attr_number(self->dir, "recvq"));
	EXPECT_EQ(2, attr_number(self->dir, "recv_parks"));
	must(send64(self->ch, 1));
	must(send64(self->ch, 2));
	task_join(&t);
	task_join(&u);
	EXPECT_EQ(0, attr_number(self->dir, "recvq"));
	EXPECT_EQ(2, attr_number(self->dir, "handoffs"));
	EXPECT_EQ(2, attr_number(self->dir, "receives"));
	must(send64(self->ch, 3));
	must(send64(self->ch, 4));
	park_send64(&s, self->ch, 5);
	EXPECT_EQ(1, attr_number(self->dir, "sendq"));
	EXPECT_EQ(1, attr_number(self->dir, "send_parks"));
	EXPECT_EQ(2, attr_number(self->dir, "len"));
	must(ch_close(self->ch));
	task_join(&s);
	EXPECT_EQ(1, attr_number(self->dir, "closed"));
}

TEST_F(sysfs, ends_show_who_has_opened_it)
{
	int fd = must(open("/dev/chan/" NAME, O_RDONLY));

	EXPECT_EQ(1, attr_number(self->dir, "receivers"));
	EXPECT_EQ(0, attr_number(self->dir, "senders"));
	close(fd);
	EXPECT_EQ(0, attr_number(self->dir, "receivers"));
}

TEST_F(sysfs, files_cannot_be_written_but_for_a_switch)
{
	struct dirent *d;
	struct stat st;
	DIR *dir = opendir(self->dir);
	int files = 0;

	ASSERT_NE(NULL, dir);
	while ((d = readdir(dir))) {
		if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
		    !S_ISREG(st.st_mode) || !strcmp(d->d_name, "uevent"))
			continue;
		EXPECT_EQ(strcmp(d->d_name, "wait_histograms") ? 0444 : 0644,
			  st.st_mode & 07777) TH_LOG("%s", d->d_name);
		files++;
	}
	closedir(dir);
	EXPECT_LE(20, files);
}

TEST_F(sysfs, the_directory_goes_with_the_name)
{
	EXPECT_EQ(0, access(self->dir, F_OK));
	must(ch_remove(NAME));
	EXPECT_EQ(-1, access(self->dir, F_OK));
	EXPECT_EQ(ENOENT, errno);
}

TEST_F(sysfs, an_attribute_held_open_over_removal_is_harmless)
{
	char path[128], text[64];
	int fd;

	snprintf(path, sizeof(path), "%s/len", self->dir);
	fd = must(open(path, O_RDONLY));
	must(ch_remove(NAME));
	close(self->ch);
	EXPECT_EQ(-1, read(fd, text, sizeof(text)));
	EXPECT_EQ(ENODEV, errno);
	close(fd);
	self->ch = -1;
}

TEST_F(sysfs, the_node_number_is_told)
{
	char expected[32];
	struct stat st;

	must(stat("/dev/chan/" NAME, &st));
	snprintf(expected, sizeof(expected), "%u:%u", (unsigned int)(st.st_rdev >> 8 & 0xfff),
		 ch_info(self->ch).minor);
	EXPECT_STREQ(expected, attr(self->dir, "dev"));
}

/* ---- fdinfo ---- */

static char fdinfo_text[8192];

static void read_fdinfo(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (read_text(path, fdinfo_text, sizeof(fdinfo_text)) <= 0)
		die("%s cannot be read", path);
}

/* Value of the nth line with this key; "absent" if there is none. */
static const char *fdinfo_nth(const char *key, int nth)
{
	static char value[256];
	size_t len = strlen(key);
	const char *p = fdinfo_text, *end;

	for (; *p; p = end + 1) {
		end = strchrnul(p, '\n');
		if (!strncmp(p, key, len) && p[len] == ':' && p[len + 1] == '\t' && !nth--) {
			snprintf(value, sizeof(value), "%.*s", (int)(end - p - len - 2),
				 p + len + 2);
			return value;
		}
		if (!*end)
			break;
	}
	return "absent";
}

static const char *fdinfo(const char *key)
{
	return fdinfo_nth(key, 0);
}

TEST(fdinfo_of_an_anonymous_channel)
{
	int ch = ch_make(16, 5, CHAN_MESSAGE | CHAN_AUTOCLOSE);
	char id[32];

	must(ch_send(ch, "x", 1));
	snprintf(id, sizeof(id), "%llu", (unsigned long long)ch_info(ch).id);
	read_fdinfo(ch);
	EXPECT_STREQ(id, fdinfo("chan-id"));
	EXPECT_STREQ("", fdinfo("chan-name"));
	EXPECT_STREQ("message,autoclose", fdinfo("chan-flags"));
	EXPECT_STREQ("open", fdinfo("state"));
	EXPECT_STREQ("16", fdinfo("elem-size"));
	EXPECT_STREQ("5", fdinfo("cap"));
	EXPECT_STREQ("1", fdinfo("len"));
	EXPECT_STREQ("0", fdinfo("recvq"));
	EXPECT_STREQ("0", fdinfo("sendq"));
	EXPECT_STREQ("0", fdinfo("parks"));
	EXPECT_STREQ("absent", fdinfo("waiter"));
	/* Every file has these. */
	EXPECT_STREQ("0", fdinfo("pos"));
	EXPECT_STRNE("absent", fdinfo("flags"));
}

TEST(fdinfo_tells_state_and_name)
{
	int ch = must(ch_make_named(NAME, 8, 1, 0, 0600));

	read_fdinfo(ch);
	EXPECT_STREQ(NAME, fdinfo("chan-name"));
	EXPECT_STREQ("fixed,named", fdinfo("chan-flags"));
	must(ch_close(ch));
	read_fdinfo(ch);
	EXPECT_STREQ("closed", fdinfo("state"));
	must(ch_remove(NAME));
	read_fdinfo(ch);
	EXPECT_STREQ("removed", fdinfo("state"));
}

TEST(fdinfo_counts_parks_of_its_own_description)
{
	int ch = ch_make(8, 0, 0), other = must(ch_dup(ch, O_RDWR));
	struct task t;

	park_recv64(&t, ch);
	must(send64(other, 1));
	task_join(&t);
	read_fdinfo(ch);
	EXPECT_STREQ("1", fdinfo("parks"));
	read_fdinfo(other);
	EXPECT_STREQ("0", fdinfo("parks"));
}

static void expect_waiter(struct __test_metadata *_metadata, int nth, pid_t tid,
			  const char *reason)
{
	char expected[64];
	const char *seen = fdinfo_nth("waiter", nth);

	snprintf(expected, sizeof(expected), "%d %s ", tid, reason);
	EXPECT_EQ(0, strncmp(expected, seen, strlen(expected)))
		TH_LOG("expected '%s', saw '%s'", expected, seen);
}

/* The clocks of two processors may be a tick apart; until then it has waited for 0 ns. */
static bool last_waiter_has_waited(int ch, int nth)
{
	const char *ns;

	read_fdinfo(ch);
	ns = strrchr(fdinfo_nth("waiter", nth), ' ');
	return ns && strtoll(ns, NULL, 10) > 0;
}

TEST(fdinfo_lists_the_oldest_waiters_with_gos_words)
{
	int ch = ch_make(8, 0, 0), i;
	struct task t[10];

	for (i = 0; i < 10; i++)
		park_recv64(&t[i], ch);
	read_fdinfo(ch);
	EXPECT_STREQ("10", fdinfo("recvq"));
	for (i = 0; i < 8; i++)
		expect_waiter(_metadata, i, task_tid(&t[i]), "chan receive");
	EXPECT_STREQ("absent", fdinfo_nth("waiter", 8));
	EXPECT_TRUE(eventually(last_waiter_has_waited(ch, 7)));
	for (i = 0; i < 10; i++)
		must(send64(ch, i));
	for (i = 0; i < 10; i++)
		task_join(&t[i]);

	park_send64(&t[0], ch, 1);
	read_fdinfo(ch);
	EXPECT_STREQ("1", fdinfo("sendq"));
	expect_waiter(_metadata, 0, task_tid(&t[0]), "chan send");
	recv64(ch);
	task_join(&t[0]);
	read_fdinfo(ch);
	EXPECT_STREQ("absent", fdinfo("waiter"));
}

/* In a PID namespace of its own, with a /proc that shows it. */
static int read_fdinfo_in_namespace(int ch)
{
	struct task t;

	must(prctl(PR_SET_PDEATHSIG, SIGKILL));
	must(mount("proc", "/proc", "proc", 0, NULL));
	park_recv64(&t, ch);
	read_fdinfo(ch);
	check(!strncmp(fdinfo_nth("waiter", 0), "0 ", 2));
	check(atoi(fdinfo_nth("waiter", 1)) == task_tid(&t));
	check(task_tid(&t) == 2);
	return 0;
}

static int enter_pid_namespace(void *arg)
{
	const int *ch = arg;
	pid_t pid;

	must(unshare(CLONE_NEWPID | CLONE_NEWNS));
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	pid = must(fork());
	if (!pid)
		_exit(read_fdinfo_in_namespace(*ch));
	return child_wait(pid);
}

TEST(fdinfo_has_the_threads_of_the_readers_pid_namespace)
{
	int ch = ch_make(8, 0, 0);
	struct task t;

	park_recv64(&t, ch);
	EXPECT_EQ(0, child_wait(child_start(enter_pid_namespace, &ch)));
	must(ch_close(ch));
	task_join(&t);
}

TEST_HARNESS_MAIN
