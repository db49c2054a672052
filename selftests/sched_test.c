// SPDX-License-Identifier: GPL-2.0-only
/*
 * On how many processors goroutines run; and what KCHANDEBUG prints.
 */
#include <sys/sysinfo.h>

#include "stuck_test.h"

/* ---- kchan_gomaxprocs() ---- */

static int cpus_of(pid_t tid)
{
	cpu_set_t set;

	must(sched_getaffinity(tid, sizeof(set), &set));
	return CPU_COUNT(&set);
}

static pid_t parked_tid;

static void tell_and_recv(void *arg)
{
	__atomic_store_n(&parked_tid, gettid(), __ATOMIC_RELEASE);
	recv_forever(arg);
}

FIXTURE(procs)
{
	int cpus;
	int ch;
};

FIXTURE_SETUP(procs)
{
	self->cpus = cpus_of(0);
	self->ch = make(8, 0);
	parked_tid = 0;
	start(tell_and_recv, on(self->ch));
	wait_parked(self->ch, 1, 0);
}

FIXTURE_TEARDOWN(procs)
{
	close(self->ch);
}

TEST_F(procs, it_tells_how_many)
{
	EXPECT_EQ(self->cpus, kchan_gomaxprocs(0));
	EXPECT_EQ(self->cpus, kchan_gomaxprocs(-1));
	EXPECT_EQ(self->cpus, cpus_of(0));
}

TEST_F(procs, it_confines_all_goroutines_those_that_wait_too)
{
	pid_t first = parked_tid;

	EXPECT_EQ(self->cpus, kchan_gomaxprocs(1));
	EXPECT_EQ(1, kchan_gomaxprocs(0));
	EXPECT_EQ(1, cpus_of(0));
	EXPECT_EQ(1, cpus_of(first));
	start(tell_and_recv, on(self->ch));
	wait_parked(self->ch, 2, 0);
	EXPECT_NE(first, parked_tid);
	EXPECT_EQ(1, cpus_of(parked_tid));
}

TEST_F(procs, it_gives_back_what_there_was_and_no_more)
{
	must(kchan_gomaxprocs(1));
	EXPECT_EQ(1, kchan_gomaxprocs(1000));
	EXPECT_EQ(self->cpus, kchan_gomaxprocs(0));
	EXPECT_EQ(self->cpus, cpus_of(parked_tid));
}

/* ---- KCHANDEBUG ---- */

static char output[1 << 16];

/* What a child whose stderr is a pipe has written by now. */
static const char *read_more(int fd)
{
	size_t n = strlen(output);
	ssize_t got = read(fd, output + n, sizeof(output) - 1 - n);

	output[n + (got > 0 ? got : 0)] = '\0';
	return output;
}

static int spoil_stderr(const char *debug)
{
	int fds[2];

	must(pipe2(fds, O_NONBLOCK));
	must(dup2(fds[1], STDERR_FILENO));
	setenv("KCHANDEBUG", debug, 1);
	return fds[0];
}

static int all_wait(void *arg)
{
	int ch = make(8, 0);

	(void)arg;
	start(recv_forever, on(ch));
	start(send_forever, on(make(8, 0)));
	recv64(ch);
	return 0;
}

static const char *last_line_like(const char *start)
{
	const char *p = output, *last = NULL;

	while ((p = strstr(p, start))) {
		if (strchr(p, '\n'))
			last = p;
		p++;
	}
	return last;
}

TEST(schedtrace_counts_goroutines_by_state)
{
	unsigned int ms, procs, threads, all, running, runnable, waiting;
	unsigned long long parks, readies;
	int fd = spoil_stderr("schedtrace=20");
	pid_t child = child_start(all_wait, NULL);
	const char *line;

	ASSERT_TRUE(eventually((read_more(fd), (line = last_line_like("SCHED ")) &&
				strstr(line, " waiting=3 parks=0 "))));
	EXPECT_EQ(3, sscanf(line, "SCHED %ums: gomaxprocs=%u threads=%u ", &ms, &procs, &threads));
	line = strstr(line, "goroutines=");
	EXPECT_EQ(4, sscanf(line, "goroutines=%u running=%u runnable=%u waiting=%u ", &all,
			    &running, &runnable, &waiting));
	line = strstr(line, "parks=");
	EXPECT_EQ(2, sscanf(line, "parks=%llu readies=%llu\n", &parks, &readies));
	EXPECT_LE(20, ms);
	EXPECT_EQ(get_nprocs(), procs);
	EXPECT_EQ(4, threads);
	EXPECT_EQ(3, all);
	EXPECT_EQ(0, running);
	EXPECT_EQ(0, runnable);
	EXPECT_EQ(0, readies);
	EXPECT_FALSE(strstr(output, "  G1: "));
	child_kill(child);
}

TEST(scheddetail_tells_each_goroutine)
{
	int fd = spoil_stderr("schedtrace=20,scheddetail=1");
	pid_t child = child_start(all_wait, NULL);
	unsigned long long chan, parks;
	const char *line;
	int m;

	ASSERT_TRUE(eventually((read_more(fd), strstr(output, " waiting=3 parks=0 ") &&
				last_line_like("  G3: status=4(chan send)"))));
	line = last_line_like("  G1: ");
	ASSERT_EQ(3, sscanf(line, "  G1: status=4(chan receive) m=%d chan=%llu parks=%llu", &m,
			    &chan, &parks));
	EXPECT_EQ(child, m);
	EXPECT_EQ(1, parks);
	EXPECT_TRUE(last_line_like("  G2: status=4(chan receive) m="));
	child_kill(child);
}

TEST(sigquit_dumps_and_ends_the_process)
{
	int fd = spoil_stderr("schedtrace=20,sigquit=1");
	pid_t child = child_start(all_wait, NULL);

	ASSERT_TRUE(eventually(strstr(read_more(fd), " waiting=3 parks=0 ")));
	must(kill(child, SIGQUIT));
	EXPECT_EQ(2, child_wait(child));
	read_more(fd);
	EXPECT_TRUE(strstr(output, "SIGQUIT: quit\n\ngoroutine 1 [chan receive, "));
	EXPECT_TRUE(strstr(output, "created by main in goroutine 1\n"));
}

TEST(what_is_not_understood_is_named)
{
	int fd = spoil_stderr("schedtrace=x,,sigquit=0,nonsense=1,scheddetail");
	const char *const bad[] = { "schedtrace=x", "nonsense=1", "scheddetail" };
	char expected[64];
	size_t i;

	start(recv_forever, on(make(8, 0)));
	read_more(fd);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(expected, sizeof(expected), "libkchan: KCHANDEBUG: '%s' is not", bad[i]);
		EXPECT_TRUE(strstr(output, expected));
	}
	EXPECT_FALSE(strstr(output, "'sigquit"));
	EXPECT_FALSE(strstr(output, "''"));
}

TEST_HARNESS_MAIN
