// SPDX-License-Identifier: GPL-2.0-only
/* Channels across processes: fork, exec, and descriptors that are passed on. */
#include "chan_test.h"

#define SELF	"/proc/self/exe"

/* What this program does when a test executes it: argv[1] is the verb. */
static int act(int argc, char **argv)
{
	int ch = argc > 2 ? atoi(argv[2]) : -1;

	if (!strcmp(argv[1], "exec-echo"))
		return -send64(ch, recv64(ch) + 1);
	if (!strcmp(argv[1], "exec-absent"))
		return fcntl(ch, F_GETFD) < 0 && errno == EBADF ? 0 : 1;
	return 99;
}

TEST(a_forked_child_shares_the_channel)
{
	int ch = ch_make(8, 0, 0);
	pid_t pid = child_fork();

	if (!pid)
		_exit(-send64(ch, recv64(ch) * 2));
	EXPECT_EQ(0, send64(ch, 21));
	EXPECT_EQ(42, recv64(ch));
	EXPECT_EQ(0, child_wait(pid));
}

TEST(elements_of_a_dead_process_stay_buffered)
{
	int ch = ch_make(8, 4, 0);
	pid_t pid = child_fork();

	if (!pid) {
		must(send64(ch, 1));
		must(send64(ch, 2));
		_exit(0);
	}
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(1, recv64(ch));
	EXPECT_EQ(2, recv64(ch));
}

TEST(a_large_element_of_a_dead_process_arrives)
{
	static unsigned char b[100000];
	int ch = ch_make(sizeof(b), 1, 0);
	pid_t pid = child_fork();

	if (!pid) {
		fill(b, sizeof(b), 3);
		_exit(-ch_send(ch, b, sizeof(b)));
	}
	EXPECT_EQ(0, child_wait(pid));
	EXPECT_EQ(1 + sizeof(b), ch_recv(ch, b, sizeof(b)));
	EXPECT_TRUE(is_filled(b, sizeof(b), 3));
}

static pid_t exec_self(const char *verb, int ch)
{
	pid_t pid = child_fork();
	char number[16];

	if (pid)
		return pid;
	snprintf(number, sizeof(number), "%d", ch);
	execl(SELF, "process_test", verb, number, NULL);
	die("exec: %m");
}

TEST(a_channel_survives_exec_without_cloexec)
{
	int ch = ch_make_as((struct chan_make){ .elem_size = 8 });
	pid_t pid = exec_self("exec-echo", ch);

	EXPECT_EQ(0, send64(ch, 5));
	EXPECT_EQ(6, recv64(ch));
	EXPECT_EQ(0, child_wait(pid));
}

TEST(cloexec_closes_it_at_exec)
{
	int ch = ch_make_as((struct chan_make){ .elem_size = 8, .fd_flags = O_CLOEXEC });

	EXPECT_EQ(0, child_wait(exec_self("exec-absent", ch)));
}

TEST(a_channel_passed_by_scm_rights_outlives_its_maker)
{
	int sock[2], ch;
	pid_t pid;

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	pid = child_fork();
	if (!pid) {
		ch = ch_make(8, 2, 0);
		must(send64(ch, 77));
		pass_fd(sock[1], ch);
		_exit(0);
	}
	EXPECT_EQ(0, child_wait(pid));
	ch = take_fd(sock[0]);
	EXPECT_EQ(77, recv64(ch));
	EXPECT_EQ(0, send64(ch, 78));
	EXPECT_EQ(78, recv64(ch));
}

TEST(a_view_passed_by_scm_rights_grants_no_more_than_it_did)
{
	int sock[2], ch = ch_make(8, 2, 0), rx;

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	pass_fd(sock[1], must(ch_dup(ch, O_RDONLY)));
	rx = take_fd(sock[0]);
	EXPECT_EQ(-EBADF, send64(rx, 1));
	EXPECT_EQ(-EBADF, ch_dup(rx, O_RDWR));
	must(send64(ch, 1));
	EXPECT_EQ(1, recv64(rx));
}

TEST(a_channel_can_be_opened_again_through_proc_only_as_itself)
{
	int ch = ch_make(8, 1, 0), fd;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", ch);
	fd = open(path, O_RDWR);
	EXPECT_EQ(-1, fd);
	EXPECT_EQ(ENXIO, errno);
}

TEST(processes_that_do_not_know_each_other_meet_by_name)
{
	pid_t tx, rx;

	close(must(ch_make_named("proc.meet", 8, 0, 0, 0600)));
	rx = child_fork();
	if (!rx)
		_exit(recv64(must(open("/dev/chan/proc.meet", O_RDONLY))) == 9 ? 0 : 1);
	tx = child_fork();
	if (!tx)
		_exit(-send64(must(open("/dev/chan/proc.meet", O_WRONLY)), 9));
	EXPECT_EQ(0, child_wait(tx));
	EXPECT_EQ(0, child_wait(rx));
	EXPECT_EQ(0, ch_remove("proc.meet"));
}

TEST(work_is_shared_by_processes_each_job_once)
{
	enum { WORKERS = 4, JOBS = 1000 };
	unsigned char *done = shared_alloc(JOBS);
	int ch = ch_make(8, 8, 0), i;
	pid_t pid[WORKERS];
	uint64_t v;

	for (i = 0; i < WORKERS; i++) {
		pid[i] = child_fork();
		if (pid[i])
			continue;
		while ((v = recv64(ch)) != UINT64_MAX)
			__atomic_add_fetch(&done[v], 1, __ATOMIC_RELAXED);
		_exit(errno);
	}
	for (v = 0; v < JOBS; v++)
		must(send64(ch, v));
	must(ch_close(ch));
	for (i = 0; i < WORKERS; i++)
		EXPECT_EQ(0, child_wait(pid[i]));
	EXPECT_TRUE(all_bytes(done, JOBS, 1));
}

static long close_fd_of_parked(struct task *t)
{
	return recv64(t->fd) == 4 ? 0 : -errno;
}

/* Like every file: the call in progress holds it. */
TEST(closing_the_descriptor_under_a_parked_thread_does_not_end_its_call)
{
	int ch = ch_make(8, 0, 0), other = must(ch_dup(ch, O_RDWR));
	struct task t = { .fd = ch };

	task_start(&t, close_fd_of_parked);
	wait_parked(other, 1, 0);
	close(ch);
	EXPECT_EQ(1, ch_info(other).recvq);
	EXPECT_EQ(0, send64(other, 4));
	EXPECT_EQ(0, task_join(&t));
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strncmp(argv[1], "exec-", 5))
		return act(argc, argv);
	return test_harness_run(argc, argv);
}
