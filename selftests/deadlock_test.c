// SPDX-License-Identifier: GPL-2.0-only
/*
 * All goroutines are asleep: Go's classic examples are noticed, and what anything outside could
 * still end is not.
 *
 * That something is not noticed is seen by the number of looks: so many were taken while
 * everybody was parked.
 */
#include "stuck_test.h"
#include "trace_test.h"

#define LOOKS	4
#define DUMP	"/sys/kernel/debug/chan/goroutines"

/* In memory that children share. */
static pid_t *shared_pid;

/* Whether the message comes is not what most tests are about. */
static void be_quiet(void)
{
	int null = must(open("/dev/null", O_WRONLY));

	must(dup2(null, STDERR_FILENO));
	close(null);
}

/* Channels to wait for at once, and one to answer on. */
struct choice {
	int ch[12];
	int back;
};

FIXTURE(deadlock)
{
	int ch;
	uint64_t v;
};

FIXTURE_SETUP(deadlock)
{
	self->ch = make(8, 0);
	must(kchan_detect_deadlock(1));
}

FIXTURE_TEARDOWN(deadlock)
{
	close(self->ch);
}

/* ---- it is noticed ---- */

TEST_F(deadlock, a_receive_without_a_sender)
{
	be_quiet();
	EXPECT_EQ(EDEADLK, fails_with(kchan_recv(self->ch, &self->v, 8)));
	EXPECT_EQ(1, domain_stats().parks);
	EXPECT_TRUE(are_parked(self->ch, 0, 0));
}

TEST_F(deadlock, a_send_without_a_receiver)
{
	be_quiet();
	EXPECT_EQ(EDEADLK, fails_with(kchan_send(self->ch, &self->v, 8)));
}

TEST_F(deadlock, a_send_to_a_full_buffer)
{
	int full = make(8, 1);

	be_quiet();
	must(kchan_send(full, &self->v, 8));
	EXPECT_EQ(EDEADLK, fails_with(kchan_send(full, &self->v, 8)));
	EXPECT_EQ(1, kchan_len(full));
}

TEST_F(deadlock, a_select_of_which_nothing_is_ready)
{
	int other = make(8, 0), i;
	struct kchan_case cases[12];

	be_quiet();
	for (i = 0; i < 12; i += 2) {
		cases[i] = receiving(other, NULL, 8);
		cases[i + 1] = sending(self->ch, &self->v, 8);
	}
	EXPECT_EQ(EDEADLK, fails_with(kchan_select(cases, 2)));
	EXPECT_EQ(EDEADLK, fails_with(kchan_select(cases, 12)));
	EXPECT_EQ(EDEADLK, fails_with(kchan_select(cases, 1)));
}

TEST_F(deadlock, a_select_of_nothing_and_of_nil_channels)
{
	struct kchan_case nil[2] = { receiving(KCHAN_NIL, NULL, 8), sending(KCHAN_NIL, NULL, 8) };

	be_quiet();
	EXPECT_EQ(EDEADLK, fails_with(kchan_select(NULL, 0)));
	EXPECT_EQ(EDEADLK, fails_with(kchan_select(nil, 2)));
}

TEST_F(deadlock, a_call_that_nobody_answers)
{
	int out = make(8, 1);

	be_quiet();
	EXPECT_EQ(EDEADLK, fails_with(kchan_call(out, &self->v, 8, self->ch, &self->v, 8)));
	EXPECT_EQ(1, kchan_len(out));
	EXPECT_EQ(EDEADLK, fails_with(kchan_call(out, &self->v, 8, self->ch, &self->v, 8)));
	EXPECT_EQ(1, kchan_len(out));
}

TEST_F(deadlock, read_and_write)
{
	EXPECT_EQ(EDEADLK, fails_with(read(self->ch, &self->v, 8)));
	EXPECT_EQ(EDEADLK, fails_with(write(self->ch, &self->v, 8)));
}

/* The library's own threads are none that could wake anybody. */
TEST(with_the_threads_of_the_runtime_too)
{
	uint64_t v;

	setenv("KCHANDEBUG", "schedtrace=1000,sigquit=1", 1);
	be_quiet();
	must(kchan_detect_deadlock(1));
	EXPECT_EQ(EDEADLK, fails_with(kchan_recv(make(8, 0), &v, 8)));
}

struct hasty {
	int ch;
	int err;
};

static void recv_and_keep_error(void *arg)
{
	struct hasty *h = arg;
	uint64_t v;

	h->err = fails_with(kchan_recv(h->ch, &v, 8));
}

/* Whoever is the first to come back cannot do anything for another one. */
TEST_F(deadlock, the_calls_of_all_fail_whatever_the_first_does_then)
{
	struct hasty h;
	int round;

	be_quiet();
	for (round = 0; round < 12; round++) {
		h = (struct hasty){ .ch = make(8, 0), .err = -1 };
		start(recv_and_keep_error, &h);
		wait_goroutines_parked(1);
		EXPECT_EQ(EDEADLK, fails_with(kchan_recv(self->ch, &self->v, 8)));
		EXPECT_EQ(EAGAIN, fails_with(kchan_try_send(h.ch, &self->v, 8)));
		EXPECT_TRUE(eventually(__atomic_load_n(&h.err, __ATOMIC_ACQUIRE) >= 0));
		EXPECT_EQ(EDEADLK, h.err);
		close(h.ch);
	}
}

struct pair {
	int in;
	int out;
	int err;
};

static void pass_on(void *arg)
{
	struct pair *p = arg;
	uint64_t v = 1;

	p->err = fails_with(kchan_recv(p->in, &v, 8));
	if (!p->err)
		kchan_send(p->out, &v, 8);
	__atomic_store_n(&p->in, -1, __ATOMIC_RELEASE);
}

TEST_F(deadlock, two_that_wait_for_each_other)
{
	int other = make(8, 0);
	struct pair p = { .in = self->ch, .out = other };

	be_quiet();
	start(pass_on, &p);
	EXPECT_EQ(EDEADLK, fails_with(kchan_recv(other, &self->v, 8)));
	EXPECT_TRUE(eventually(__atomic_load_n(&p.in, __ATOMIC_ACQUIRE) == -1));
	EXPECT_EQ(EDEADLK, p.err);
}

TEST_F(deadlock, a_ring_of_twenty)
{
	enum { N = 20 };
	struct pair p[N];
	int first = make(8, 0), in = first, i;

	be_quiet();
	for (i = 0; i < N; i++) {
		p[i] = (struct pair){ .in = in, .out = i == N - 1 ? self->ch : make(8, 0) };
		in = p[i].out;
		start(pass_on, &p[i]);
	}
	EXPECT_EQ(EDEADLK, fails_with(kchan_recv(self->ch, &self->v, 8)));
	for (i = 0; i < N; i++) {
		EXPECT_TRUE(eventually(__atomic_load_n(&p[i].in, __ATOMIC_ACQUIRE) == -1));
		EXPECT_EQ(EDEADLK, p[i].err);
	}
}

TEST_F(deadlock, a_wait_group_that_is_never_done)
{
	struct kchan_wg wg;

	be_quiet();
	must(kchan_wg_init(&wg));
	must(kchan_wg_add(&wg, 2));
	must(kchan_wg_done(&wg));
	EXPECT_EQ(EDEADLK, fails_with(kchan_wg_wait(&wg)));
}

TEST_F(deadlock, those_who_go_on_are_watched_on)
{
	int i;

	be_quiet();
	for (i = 0; i < 3; i++)
		EXPECT_EQ(EDEADLK, fails_with(kchan_recv(self->ch, &self->v, 8)));
	EXPECT_EQ(3, domain_stats().parks);
}

/* Whether a time in seconds, with a point, follows this. */
static bool time_follows(const char *text, const char *what)
{
	const char *p = strstr(text, what);
	size_t n = p ? strspn(p + strlen(what), "0123456789") : 0;

	return n && p[strlen(what) + n] == '.';
}

TEST_F(deadlock, it_is_told_with_a_dump)
{
	char text[4096] = "", expected[64];
	int pipe_fds[2], err;
	ssize_t n;

	must(pipe(pipe_fds));
	err = dup(STDERR_FILENO);
	must(dup2(pipe_fds[1], STDERR_FILENO));
	start(send_forever, on(make(8, 0)));
	wait_goroutines_parked(1);
	EXPECT_EQ(EDEADLK, fails_with(kchan_recv(self->ch, &self->v, 8)));
	must(dup2(err, STDERR_FILENO));
	n = must(read(pipe_fds[0], text, sizeof(text) - 1));
	text[n] = '\0';

	EXPECT_TRUE(strstr(text, "fatal error: all goroutines are asleep - deadlock!\n"));
	EXPECT_TRUE(time_follows(text, "\ngoroutine 1 [chan receive, "));
	EXPECT_TRUE(strstr(text, "]:\nmain()\n"));
	EXPECT_TRUE(strstr(text, "\ngoroutine 2 [chan send, "));
	EXPECT_TRUE(strstr(text, "]:\nfn()\n") || strstr(text, "]:\nsend_forever()\n") ||
		    strstr(text, "]:\ndeadlock_test+0x"));
	EXPECT_TRUE(strstr(text, "created by main in goroutine 1\n"));
	snprintf(expected, sizeof(expected), "\tto receive from channel %llu\n",
		 (unsigned long long)ch_info(self->ch).id);
	EXPECT_TRUE(strstr(text, expected));
	snprintf(expected, sizeof(expected), "\nchannel %llu: 1 to receive, the oldest for ",
		 (unsigned long long)ch_info(self->ch).id);
	EXPECT_TRUE(time_follows(text, expected));
}

TEST_F(deadlock, it_is_traced)
{
	char text[4096], expected[64];
	FILE *f;
	bool found = false;

	be_quiet();
	if (!trace_start("chan_deadlock"))
		SKIP(return, "no trace");
	EXPECT_EQ(EDEADLK, fails_with(kchan_recv(self->ch, &self->v, 8)));
	snprintf(expected, sizeof(expected), "pid=%d goroutines=1", getpid());
	f = trace_open();
	while (fgets(text, sizeof(text), f))
		found |= strstr(text, "chan_deadlock:") && strstr(text, expected);
	fclose(f);
	trace_end();
	EXPECT_TRUE(found);
}

/* ---- it is not ---- */

/**
 * struct scene - a process whose main thread waits, and what else there is
 * @set: makes that; may be NULL.
 * @wait: how the main thread waits, if not by a receive.
 * @ch: the channel, unbuffered.
 * @pid: the process.
 */
struct scene {
	void (*set)(struct scene *s);
	long (*wait)(struct scene *s);
	int ch;
	pid_t pid;
};

/* Exits with the errno that its wait ends with. */
static int play(void *arg)
{
	struct scene *s = arg;
	uint64_t v;

	be_quiet();
	if (!s->ch)
		s->ch = make(8, 0);
	must(kchan_detect_deadlock(1));
	if (s->set)
		s->set(s);
	if (s->wait)
		return s->wait(s) < 0 ? errno : 0;
	return kchan_recv(s->ch, &v, 8) < 0 ? errno : 0;
}

/* How often it was looked at that process while its main thread was parked. */
static bool looks_at(pid_t pid, unsigned int *looks)
{
	char who[32], line[256], text[8192] = "";
	FILE *f = fopen(DUMP, "r");
	bool parked = false, here = false;

	snprintf(who, sizeof(who), "process %d (", pid);
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "process ", 8))
			here = !strncmp(line, who, strlen(who));
		if (!here)
			continue;
		if (strstr(line, " looks "))
			*looks = atoi(strstr(line, " looks ") + 7);
		parked |= !strncmp(line, "goroutine 1 [chan receive", 25) ||
			  !strncmp(line, "goroutine 1 [select", 19);
		strncat(text, line, sizeof(text) - strlen(text) - 1);
	}
	if (f)
		fclose(f);
	return parked;
}

static void wait_for_looks(pid_t pid, unsigned int n)
{
	unsigned int first, now;

	if (!eventually(looks_at(pid, &first)))
		die("the main thread does not park");
	if (!eventually(looks_at(pid, &now) && now >= first + n))
		die("nobody looks");
}

/* Whether it is still asleep after many looks. */
static bool sleeps_on(struct scene s)
{
	if (access(DUMP, R_OK))
		die("no " DUMP);
	s.pid = child_start(play, &s);
	wait_for_looks(s.pid, LOOKS);
	return child_kill(s.pid) == 128 + SIGKILL;
}

TEST(such_a_process_alone_is_a_deadlock)
{
	struct scene s = {};

	EXPECT_EQ(EDEADLK, child_wait(child_start(play, &s)));
}

static long wait_with_timer(struct scene *s)
{
	struct timespec hour = { .tv_sec = 3600 };
	struct kchan_case cases[2] = {
		receiving(s->ch, NULL, 8), receiving(must(kchan_after(&hour)), NULL, 8),
	};

	return kchan_select(cases, 2);
}

TEST(not_with_a_pending_timer_in_a_select)
{
	EXPECT_TRUE(sleeps_on((struct scene){ .wait = wait_with_timer }));
}

static long wait_with_context(struct scene *s)
{
	struct timespec hour = in_ns(3600 * SEC);
	struct kchan_ctx *ctx = kchan_ctx_with_deadline(kchan_ctx_background(), &hour);
	struct kchan_case cases[2] = {
		receiving(s->ch, NULL, 8), receiving(kchan_ctx_done(ctx), NULL, 0),
	};

	return kchan_select(cases, 2);
}

TEST(not_with_the_deadline_of_a_context)
{
	EXPECT_TRUE(sleeps_on((struct scene){ .wait = wait_with_context }));
}

static void recv_until_far(void *arg)
{
	struct timespec hour = in_ns(3600 * SEC);
	uint64_t v;

	kchan_recv_until((intptr_t)arg, &v, 8, &hour);
}

static void add_one_with_deadline(struct scene *s)
{
	start(recv_until_far, on(s->ch));
	wait_goroutines_parked(1);
}

TEST(not_with_a_goroutine_that_has_a_deadline)
{
	EXPECT_TRUE(sleeps_on((struct scene){ .set = add_one_with_deadline }));
}

static void sleep_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		pause();
}

static void add_sleeper(struct scene *s)
{
	(void)s;
	start(sleep_for_ever, NULL);
}

TEST(not_with_a_goroutine_that_waits_for_something_else)
{
	EXPECT_TRUE(sleeps_on((struct scene){ .set = add_sleeper }));
}

static void poll_for_ever(void *arg)
{
	struct pollfd p = { .fd = (intptr_t)arg, .events = POLLIN };

	poll(&p, 1, -1);
}

static void add_poller(struct scene *s)
{
	start(poll_for_ever, on(s->ch));
}

TEST(not_with_a_goroutine_that_polls)
{
	EXPECT_TRUE(sleeps_on((struct scene){ .set = add_poller }));
}

static long pause_task(struct task *t)
{
	(void)t;
	pause();
	return 0;
}

static void add_thread(struct scene *s)
{
	static struct task t;

	(void)s;
	task_start(&t, pause_task);
}

TEST(not_with_a_thread_outside_channels)
{
	EXPECT_TRUE(sleeps_on((struct scene){ .set = add_thread }));
}

static void do_not_detect(struct scene *s)
{
	(void)s;
	must(kchan_detect_deadlock(0));
}

/* As long as another one is looked at many times. */
TEST(not_unless_it_is_asked_for)
{
	struct scene s = { .set = do_not_detect };
	unsigned int looks;

	s.pid = child_start(play, &s);
	EXPECT_TRUE(eventually(looks_at(s.pid, &looks)));
	EXPECT_TRUE(sleeps_on((struct scene){ .set = add_thread }));
	EXPECT_EQ(128 + SIGKILL, child_kill(s.pid));
}

static void add_plain_receiver(struct scene *s)
{
	static struct task t;

	park_recv64(&t, s->ch);
}

TEST(not_with_a_parked_thread_that_is_no_goroutine)
{
	EXPECT_TRUE(sleeps_on((struct scene){ .set = add_plain_receiver }));
}

static int stay(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return 0;
}

static void share_by_fork(struct scene *s)
{
	(void)s;
	child_start(stay, NULL);
}

TEST(not_with_a_descriptor_in_another_process)
{
	EXPECT_TRUE(sleeps_on((struct scene){ .set = share_by_fork }));
}

/* The other process has a description of its own, and none of those of this process. */
static void share_a_view(struct scene *s)
{
	int view = must(kchan_dup(s->ch, O_WRONLY)), old = s->ch;

	if (!child_fork()) {
		close(old);
		stay(NULL);
	}
	close(view);
}

TEST(not_with_a_view_in_another_process)
{
	EXPECT_TRUE(sleeps_on((struct scene){ .set = share_a_view }));
}

static void send_by_socket(struct scene *s)
{
	int sock[2];

	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, sock));
	pass_fd(sock[0], s->ch);
}

TEST(not_with_a_descriptor_on_its_way_through_a_socket)
{
	EXPECT_TRUE(sleeps_on((struct scene){ .set = send_by_socket }));
}

static void share_the_table(struct scene *s)
{
	(void)s;
	if (must(syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL)))
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	stay(NULL);
}

TEST(not_with_a_descriptor_table_that_another_process_shares)
{
	EXPECT_TRUE(sleeps_on((struct scene){ .set = share_the_table }));
}

static void handle_signal(struct scene *s)
{
	(void)s;
	catch(SIGUSR1, SA_RESTART);
}

TEST(not_with_a_signal_handler)
{
	EXPECT_TRUE(sleeps_on((struct scene){ .set = handle_signal }));
}

static long become_helper(void)
{
	struct chan_go go = { .size = sizeof(go), .flags = CHAN_GO_HELPER };

	return xioctl(library_domain(), CHAN_IOC_GO, &go);
}

static long help(struct task *t)
{
	if (t->fd) {
		must(unshare(CLONE_FILES));
		close(t->fd);
	} else {
		catch(SIGUSR1, 0);
	}
	must(become_helper());
	return pause_task(t);
}

static void add_helper_that_handles_signals(struct scene *s)
{
	static struct task t;
	sigset_t set;

	(void)s;
	task_start(&t, help);
	/* Nobody else would. */
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	must(pthread_sigmask(SIG_BLOCK, &set, NULL));
}

/* Then a process takes its place among those who use the table. */
static void add_helper_with_descriptors_of_its_own(struct scene *s)
{
	static struct task t;

	t.fd = s->ch;
	task_start(&t, help);
	share_the_table(s);
}

TEST(not_with_a_helper_that_could_do_something)
{
	EXPECT_TRUE(sleeps_on((struct scene){ .set = add_helper_that_handles_signals }));
	EXPECT_TRUE(sleeps_on((struct scene){ .set = add_helper_with_descriptors_of_its_own }));
}

static long help_and_end(struct task *t)
{
	(void)t;
	return become_helper();
}

static void add_helper_that_ends(struct scene *s)
{
	struct task t;

	(void)s;
	task_start(&t, help_and_end);
	must(task_join(&t));
}

TEST(a_helper_that_has_ended_counts_no_more)
{
	struct scene s = { .set = add_helper_that_ends };

	EXPECT_EQ(EDEADLK, child_wait(child_start(play, &s)));
}

static void set_alarm(struct scene *s)
{
	(void)s;
	alarm(3600);
}

TEST(not_with_an_alarm)
{
	EXPECT_TRUE(sleeps_on((struct scene){ .set = set_alarm }));
}

static void set_posix_timer(struct scene *s)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM };
	timer_t timer;

	(void)s;
	must(timer_create(CLOCK_MONOTONIC, &event, &timer));
}

TEST(not_with_a_timer_of_the_process)
{
	EXPECT_TRUE(sleeps_on((struct scene){ .set = set_posix_timer }));
}

TEST(not_with_a_channel_that_has_a_name)
{
	struct scene s = { .ch = must(ch_make_named("deadlock", 8, 0, 0, 0600)) };

	EXPECT_TRUE(sleeps_on(s));
	must(ch_remove("deadlock"));
}

/* Passes on what it gets, by selects that queue on many channels. */
static void juggle(void *arg)
{
	struct kchan_case cases[12];
	struct choice *c = arg;
	uint64_t v = 0;
	int i;

	for (;;) {
		for (i = 0; i < 12; i++)
			cases[i] = receiving(c->ch[i], &v, 8);
		i = kchan_select(cases, 12);
		if (i < 0 || v == UINT64_MAX || kchan_send(c->back, &v, 8))
			break;
	}
}

TEST(not_in_a_program_that_works)
{
	struct choice c = { .back = make(8, 1) };
	unsigned int first;
	uint64_t v, i;

	must(kchan_detect_deadlock(1));
	for (i = 0; i < 12; i++)
		c.ch[i] = make(8, i % 2);
	start(juggle, &c);
	first = domain_stats().looks;
	for (i = 0; i % 64 || domain_stats().looks < first + 20; i++) {
		ASSERT_EQ(0, kchan_send(c.ch[i % 12], &i, 8));
		ASSERT_EQ(1, kchan_recv(c.back, &v, 8));
		ASSERT_EQ(i, v);
	}
	v = UINT64_MAX;
	must(kchan_send(c.ch[0], &v, 8));
}

/* ---- as soon as it becomes one ---- */

static void share_for_a_while(struct scene *s)
{
	(void)s;
	*shared_pid = child_start(stay, NULL);
}

/* So many that several looks are taken while it queues them. */
#define CASES	65536

struct long_select {
	struct kchan_case cases[CASES];
	int quiet;
	int late;
};

static void select_one_of_many(void *arg)
{
	struct long_select *s = arg;
	int i;

	for (i = 0; i < CASES; i++)
		s->cases[i] = receiving(s->quiet, NULL, 8);
	s->cases[0] = receiving(s->late, NULL, 8);
	if (kchan_select(s->cases, CASES))
		die("a select of many cases: %s", strerror(errno));
}

/*
 * The partner parks when the select has begun to queue: it has looked at all of its cases
 * before that, and it may not yet have come to the one that is ready now.
 */
TEST_F(deadlock, not_while_a_select_queues_its_cases)
{
	struct long_select *s = malloc(sizeof(*s));
	uint64_t before = get_param("max_select_cases");
	int rounds = scaled(16), i;

	set_param("max_select_cases", CASES);
	for (i = 0; i < rounds; i++) {
		s->quiet = make(8, 0);
		s->late = make(8, 0);
		start(select_one_of_many, s);
		while (!ch_info(s->quiet).recvq)
			;
		EXPECT_EQ(0, kchan_send(s->late, &self->v, 8));
		EXPECT_TRUE(eventually(domain_stats().goroutines == 1));
		close(s->quiet);
		close(s->late);
	}
	set_param("max_select_cases", before);
	free(s);
}

TEST(when_the_other_process_has_died)
{
	struct scene s = { .set = share_for_a_while };

	shared_pid = shared_alloc(sizeof(*shared_pid));
	s.pid = child_start(play, &s);
	wait_for_looks(s.pid, LOOKS);
	must(kill(*shared_pid, SIGKILL));
	EXPECT_EQ(EDEADLK, child_wait(s.pid));
}

static long end_when_told(struct task *t)
{
	return recv64(t->fd) == 1 ? 0 : -1;
}

TEST_F(deadlock, when_the_last_other_thread_has_ended)
{
	int told = make(8, 1);
	struct task t = { .fd = told };

	be_quiet();
	park_receiver(&t, end_when_told);
	must(send64(told, 1));
	EXPECT_EQ(EDEADLK, fails_with(kchan_recv(self->ch, &self->v, 8)));
	EXPECT_EQ(0, task_join(&t));
}

TEST_HARNESS_MAIN
