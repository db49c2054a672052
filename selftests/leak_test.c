// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaked goroutines: those whose wait nobody can end any more are found, as in the simple
 * programs by which Go tests its profile of leaks; and nobody else is.
 */
#include <stdatomic.h>

#include "stuck_test.h"

#define DUMP	"/sys/kernel/debug/chan/goroutines"

/* ---- in a process that goes on ---- */

/* Whether so many are. */
static bool leaks(int n)
{
	return must(kchan_leaks(NULL)) == n;
}

FIXTURE(leak)
{
	int ch;
};

FIXTURE_SETUP(leak)
{
	self->ch = make(8, 0);
}

FIXTURE_TEARDOWN(leak)
{
	self->ch = -1;
}

TEST_F(leak, one_that_receives_when_all_descriptors_are_closed)
{
	start(recv_forever, on(self->ch));
	wait_goroutines_parked(1);
	EXPECT_TRUE(leaks(0));
	close(self->ch);
	EXPECT_TRUE(leaks(1));
	EXPECT_TRUE(leaks(1));
}

TEST_F(leak, one_that_sends_likewise)
{
	start(send_forever, on(self->ch));
	wait_goroutines_parked(1);
	close(self->ch);
	EXPECT_TRUE(leaks(1));
}

static void read_forever(void *arg)
{
	uint64_t v;

	if (read((intptr_t)arg, &v, 8) != 8)
		die("read");
}

TEST_F(leak, one_that_reads)
{
	start(read_forever, on(self->ch));
	wait_goroutines_parked(1);
	close(self->ch);
	EXPECT_TRUE(leaks(1));
}

TEST_F(leak, only_those_of_that_channel)
{
	int other = make(8, 0), i;

	for (i = 0; i < 5; i++)
		start(recv_forever, on(i < 3 ? self->ch : other));
	wait_goroutines_parked(5);
	EXPECT_TRUE(leaks(0));
	close(self->ch);
	EXPECT_TRUE(leaks(3));
	close(other);
	EXPECT_TRUE(leaks(5));
}

static void select_nothing(void *arg)
{
	(void)arg;
	kchan_select(NULL, 0);
}

static void receive_nil(void *arg)
{
	struct kchan_case nil = receiving(KCHAN_NIL, NULL, 8);

	(void)arg;
	kchan_select(&nil, 1);
}

static void send_nil(void *arg)
{
	uint64_t v = 1;
	struct kchan_case nil = sending(KCHAN_NIL, &v, 8);

	(void)arg;
	kchan_select(&nil, 1);
}

TEST_F(leak, those_that_wait_for_nothing_or_for_nil)
{
	start(select_nothing, NULL);
	start(receive_nil, NULL);
	start(send_nil, NULL);
	wait_goroutines_parked(3);
	EXPECT_TRUE(leaks(3));
}

struct choice {
	int ch[20];
	int n;
};

static void select_forever(void *arg)
{
	struct choice *c = arg;
	struct kchan_case cases[20];
	uint64_t v = 1;
	int i;

	for (i = 0; i < c->n; i += 2) {
		cases[i] = receiving(c->ch[i], &v, 8);
		cases[i + 1] = sending(c->ch[i + 1], &v, 8);
	}
	kchan_select(cases, c->n);
}

static void start_select(struct choice *c, int n)
{
	int i;

	for (i = 0; i < n; i++)
		c->ch[i] = make(8, 0);
	c->n = n;
	start(select_forever, c);
}

TEST_F(leak, a_select_when_its_last_channel_is_closed)
{
	struct choice few = {}, many = {};
	int i;

	start_select(&few, 2);
	start_select(&many, 20);
	wait_goroutines_parked(2);
	close(few.ch[0]);
	EXPECT_TRUE(leaks(0));
	close(few.ch[1]);
	EXPECT_TRUE(leaks(1));
	for (i = 0; i < 19; i++)
		close(many.ch[i]);
	EXPECT_TRUE(leaks(1));
	close(many.ch[19]);
	EXPECT_TRUE(leaks(2));
}

struct two {
	int out;
	int in;
};

static void call_forever(void *arg)
{
	struct two *t = arg;
	uint64_t v = 1;

	kchan_call(t->out, &v, 8, t->in, &v, 8);
}

TEST_F(leak, a_call_in_either_half)
{
	struct two first = { make(8, 0), make(8, 0) }, second = { make(8, 1), make(8, 0) };

	start(call_forever, &first);
	start(call_forever, &second);
	wait_goroutines_parked(2);
	EXPECT_TRUE(leaks(0));
	close(first.out);
	EXPECT_TRUE(leaks(1));
	close(first.in);
	close(second.out);
	EXPECT_TRUE(leaks(1));
	close(second.in);
	EXPECT_TRUE(leaks(2));
}

TEST_F(leak, they_are_printed_and_nobody_else)
{
	int other = make(8, 0);
	char *text = NULL;
	size_t size;
	FILE *f;

	start(recv_forever, on(self->ch));
	start(recv_forever, on(other));
	wait_goroutines_parked(2);
	close(self->ch);
	f = open_memstream(&text, &size);
	EXPECT_EQ(1, kchan_leaks(f));
	fclose(f);
	EXPECT_TRUE(strstr(text, "[chan receive (leaked), "));
	EXPECT_TRUE(strstr(text, "created by main in goroutine 1\n"));
	EXPECT_EQ(strstr(text, "goroutine "), text);
	EXPECT_FALSE(strstr(text, "\ngoroutine "));
	free(text);
}

/* ---- who is not ---- */

static void recv_until_far(void *arg)
{
	struct timespec hour = in_ns(3600 * SEC);
	uint64_t v;

	kchan_recv_until((intptr_t)arg, &v, 8, &hour);
}

TEST_F(leak, not_one_with_a_deadline)
{
	start(recv_until_far, on(self->ch));
	wait_goroutines_parked(1);
	close(self->ch);
	EXPECT_TRUE(leaks(0));
}

static void recv_time(void *arg)
{
	uint64_t t;

	kchan_recv((intptr_t)arg, &t, 8);
}

TEST_F(leak, not_one_that_waits_for_a_timer)
{
	struct timespec hour = { .tv_sec = 3600 };
	int timer = kchan_after(&hour);

	start(recv_time, on(timer));
	wait_goroutines_parked(1);
	close(timer);
	EXPECT_TRUE(leaks(0));
}

TEST_F(leak, not_while_a_duplicate_is_open)
{
	int dup_fd = dup(self->ch), view;

	start(recv_forever, on(self->ch));
	wait_goroutines_parked(1);
	close(self->ch);
	EXPECT_TRUE(leaks(0));
	view = must(kchan_dup(dup_fd, O_WRONLY));
	close(dup_fd);
	EXPECT_TRUE(leaks(0));
	close(view);
	EXPECT_TRUE(leaks(1));
}

TEST_F(leak, not_while_another_process_has_it)
{
	pid_t child = child_fork();

	if (!child)
		for (;;)
			pause();
	start(recv_forever, on(self->ch));
	wait_goroutines_parked(1);
	close(self->ch);
	EXPECT_TRUE(leaks(0));
	child_kill(child);
	EXPECT_TRUE(eventually(leaks(1)));
}

TEST_F(leak, not_while_it_is_on_its_way_through_a_socket)
{
	int sock[2];

	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, sock));
	start(recv_forever, on(self->ch));
	wait_goroutines_parked(1);
	pass_fd(sock[0], self->ch);
	close(self->ch);
	EXPECT_TRUE(leaks(0));
	close(take_fd(sock[1]));
	EXPECT_TRUE(leaks(1));
}

TEST_F(leak, not_with_a_name)
{
	int named = must(ch_make_named("leak", 8, 0, 0, 0600));

	start(recv_forever, on(named));
	wait_goroutines_parked(1);
	close(named);
	EXPECT_TRUE(leaks(0));
	must(ch_remove("leak"));
}

TEST_F(leak, not_who_may_have_to_handle_a_signal)
{
	int other = make(8, 0);
	sigset_t set;

	start(recv_forever, on(self->ch));
	wait_goroutines_parked(1);
	close(self->ch);
	EXPECT_TRUE(leaks(1));
	catch(SIGUSR1, 0);
	EXPECT_TRUE(leaks(0));
	catch(SIGUSR1, SA_RESTART);
	EXPECT_TRUE(leaks(0));

	/* One that blocks it cannot. */
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	start(recv_forever, on(other));
	wait_goroutines_parked(2);
	close(other);
	EXPECT_TRUE(leaks(1));
}

TEST_F(leak, not_who_runs_again)
{
	start(recv_forever, on(self->ch));
	wait_goroutines_parked(1);
	must(send64(self->ch, 1));
	EXPECT_TRUE(eventually(domain_stats().goroutines == 1));
	close(self->ch);
	EXPECT_TRUE(leaks(0));
}

/* A program as it should be: workers between two channels, looked at all the time. */
static int jobs, results;

static void work(void *arg)
{
	uint64_t v;

	(void)arg;
	while (kchan_recv(jobs, &v, 8) > 0)
		kchan_send(results, &v, 8);
}

TEST_F(leak, nobody_in_a_program_that_works)
{
	uint64_t v, i;

	jobs = make(8, 0);
	results = make(8, 4);
	for (i = 0; i < 4; i++)
		start(work, NULL);
	for (i = 0; i < 300; i++) {
		must(kchan_send(jobs, &i, 8));
		ASSERT_TRUE(leaks(0));
		must(kchan_recv(results, &v, 8));
	}
	kchan_close(jobs);
}

#define BUSY	16
#define IDLE	500

struct pair {
	int in;
	int out;
};

static void *pair_of(int in, int out)
{
	struct pair *p = malloc(sizeof(*p));

	*p = (struct pair){ in, out };
	return p;
}

static void relay_for_ever(void *arg)
{
	const struct pair *p = arg;
	uint64_t v;

	while (kchan_recv(p->in, &v, 8) == 1 && !kchan_send(p->out, &v, 8))
		;
}

static int play_for_ever(void *arg)
{
	int a = make(8, 0), b = make(8, 0);
	uint64_t v;

	(void)arg;
	start(relay_for_ever, pair_of(a, b));
	start(relay_for_ever, pair_of(b, a));
	must(send64(a, 1));
	return kchan_recv(make(8, 0), &v, 8);
}

static int scaled_to(int least, int n)
{
	int many = scaled(n);

	return many > least ? many : least;
}

/*
 * They park all the time, and mostly have no deadline.  So many that at each look some move, and
 * that a look takes several goes for a queue.
 */
TEST(one_is_found_while_others_are_busy)
{
	int idle = make(8, 0), looks = scaled(50), i, ch, found = 0;
	int n_busy = scaled_to(4, BUSY), n_idle = scaled_to(100, IDLE);
	pid_t busy[BUSY];

	for (i = 0; i < n_busy; i++)
		busy[i] = child_start(play_for_ever, NULL);
	/* They do not have this one. */
	ch = make(8, 0);
	start(recv_forever, on(ch));
	for (i = 0; i < n_idle; i++)
		start(recv_forever, on(idle));
	wait_goroutines_parked(n_idle + 1);
	close(ch);
	for (i = 0; i < looks; i++)
		found += kchan_leaks(NULL) == 1;
	EXPECT_EQ(looks, found);
	for (i = 0; i < n_busy; i++)
		EXPECT_EQ(128 + SIGKILL, child_kill(busy[i]));
}

static atomic_int answers;

static void expect_deadlock(void *arg)
{
	uint64_t v;

	if (fails_with(kchan_recv((intptr_t)arg, &v, 8)) == EDEADLK)
		atomic_fetch_add(&answers, 1);
}

/* Who waits on a processor that somebody more important takes runs long after it was woken. */
static void expect_deadlock_late(void *arg)
{
	pin_to(1);
	expect_deadlock(arg);
}

/*
 * From when it is told to be, for as long as the kernel lets it, which is most of each second.
 * In turn with the kernel's threads of the same priority, which see to timers.
 */
static int be_important(void *arg)
{
	const struct sched_param first = { .sched_priority = 1 };
	atomic_bool *now = arg;

	pin_to(1);
	must(sched_setscheduler(0, SCHED_RR, &first));
	while (!atomic_load(now))
		usleep(1000);
	for (;;)
		;
}

static int be_woken_late(void *arg)
{
	atomic_bool *now = arg;
	int late = 3, ch[3], i;

	must(dup2(must(open("/dev/null", O_WRONLY)), STDERR_FILENO));
	must(kchan_detect_deadlock(1));
	for (i = 0; i < late; i++) {
		ch[i] = make(8, 0);
		start(expect_deadlock_late, on(ch[i]));
	}
	wait_goroutines_parked(late);
	for (i = 0; i < late; i++)
		close(ch[i]);
	pin_to(0);
	atomic_store(now, true);
	expect_deadlock(on(make(8, 0)));
	for (i = 0; atomic_load(&answers) < late + 1;)
		i += must(kchan_leaks(NULL));
	return i != 0;
}

TEST(those_who_are_told_of_a_deadlock_are_not_leaked)
{
	atomic_bool *now = shared_alloc(sizeof(*now));
	pid_t important = child_start(be_important, now);

	EXPECT_EQ(0, child_wait(child_start(be_woken_late, now)));
	child_kill(important);
}

/* ---- processes that wait for each other ---- */

/* Whether root's dump says of the main thread of a process that it is leaked; -1: not there. */
static int is_leaked(pid_t pid)
{
	char who[32], line[256];
	FILE *f = fopen(DUMP, "r");
	bool here = false;
	int ret = -1;

	snprintf(who, sizeof(who), "process %d (", pid);
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "process ", 8))
			here = !strncmp(line, who, strlen(who));
		else if (here && !strncmp(line, "goroutine 1 [chan receive", 25))
			ret = !!strstr(line, "(leaked)");
	}
	if (f)
		fclose(f);
	return ret;
}

static int wait_and_pass_on(void *arg)
{
	const int *ch = arg;
	uint64_t v = 9;

	/* Not to be told of it on the terminal. */
	must(dup2(must(open("/dev/null", O_WRONLY)), STDERR_FILENO));
	must(kchan_detect_deadlock(1));
	if (fails_with(kchan_recv(ch[0], &v, 8)) != EDEADLK)
		return 1;
	return kchan_send(ch[1], &v, 8);
}

static int wait_for_other(void *arg)
{
	const int *ch = arg;
	uint64_t v;

	close(ch[0]);
	must(kchan_detect_deadlock(0));
	return kchan_recv(ch[1], &v, 8) != 1;
}

/* A deadlock is told to its process, which may do something for another one then. */
TEST(not_one_who_waits_for_a_process_that_will_be_told_of_a_deadlock)
{
	pid_t told, other;
	int round, ch[2];

	for (round = 0; round < 8; round++) {
		ch[0] = make(8, 0);
		ch[1] = make(8, 0);
		other = child_start(wait_for_other, ch);
		EXPECT_TRUE(eventually(is_leaked(other) >= 0));
		told = child_start(wait_and_pass_on, ch);
		EXPECT_TRUE(eventually(is_leaked(told) >= 0));
		close(ch[0]);
		close(ch[1]);
		while (is_leaked(told) >= 0)
			EXPECT_NE(1, is_leaked(other));
		EXPECT_EQ(0, child_wait(told));
		EXPECT_EQ(0, child_wait(other));
	}
}

static atomic_bool enough;

static long set_and_set(struct task *t)
{
	while (!atomic_load(&enough))
		must(ch_timer_reset(t->fd, INT64_MAX / 2));
	return 0;
}

static int have_both_and_wait(void *arg)
{
	uint64_t v;

	must(kchan_detect_deadlock(0));
	return kchan_recv(*(int *)arg, &v, 8);
}

/* It follows what a process has that turns out not to be stuck, a timer as well. */
TEST(a_search_does_not_meet_who_sets_a_timer)
{
	int timer = ch_timer_at(INT64_MAX / 2), ch = make(8, 0), i;
	struct task t = { .fd = timer };
	int searches = scaled(3000);
	pid_t child;

	must(kchan_detect_deadlock(0));
	child = child_start(have_both_and_wait, &ch);
	EXPECT_TRUE(eventually(is_leaked(child) >= 0));
	task_start(&t, set_and_set);
	for (i = 0; i < searches; i++)
		EXPECT_EQ(0, kchan_leaks(NULL));
	atomic_store(&enough, true);
	EXPECT_EQ(0, task_join(&t));
	EXPECT_EQ(0, is_leaked(child));
	child_kill(child);
}

/**
 * struct ring - processes each of which waits for a channel that others have
 * @ch: the channels; process i receives from that of its number.
 * @pid: the processes.
 * @n: how many.
 */
struct ring {
	int ch[4];
	pid_t pid[4];
	int n;
};

static void join_ring(struct ring *r, int i)
{
	uint64_t v;

	r->pid[i] = child_fork();
	if (r->pid[i])
		return;
	/* Registered, and no deadlock of its own. */
	must(kchan_detect_deadlock(1));
	kchan_recv(r->ch[i], &v, 8);
	_exit(errno);
}

/* They and the test have the channels. */
static void start_ring(struct ring *r, int n)
{
	int i;

	r->n = n;
	for (i = 0; i < n; i++)
		r->ch[i] = make(8, 0);
	for (i = 0; i < n; i++)
		join_ring(r, i);
	for (i = 0; i < n; i++)
		if (!eventually(is_leaked(r->pid[i]) >= 0))
			die("process %d of a ring does not wait", i);
}

static bool all_in_ring(struct ring *r, int leaked)
{
	int i;

	for (i = 0; i < r->n; i++)
		if (is_leaked(r->pid[i]) != leaked)
			return false;
	return true;
}

static void leave_ring(struct ring *r)
{
	int i;

	for (i = 0; i < r->n; i++)
		close(r->ch[i]);
}

static bool end_ring(struct ring *r)
{
	bool slept = true;
	int i;

	for (i = 0; i < r->n; i++)
		slept &= child_kill(r->pid[i]) == 128 + SIGKILL;
	return slept;
}

TEST(processes_that_wait_for_each_other_and_for_nobody_else)
{
	struct ring r;

	start_ring(&r, 3);
	EXPECT_TRUE(all_in_ring(&r, 0));
	leave_ring(&r);
	EXPECT_TRUE(eventually(all_in_ring(&r, 1)));
	/* By itself none of them is a deadlock. */
	EXPECT_TRUE(end_ring(&r));
}

TEST(none_of_them_if_one_of_the_channels_is_held_elsewhere)
{
	struct ring r;
	int kept;

	start_ring(&r, 3);
	kept = must(dup(r.ch[1]));
	leave_ring(&r);
	EXPECT_TRUE(all_in_ring(&r, 0));
	EXPECT_TRUE(all_in_ring(&r, 0));
	close(kept);
	EXPECT_TRUE(eventually(all_in_ring(&r, 1)));
	EXPECT_TRUE(end_ring(&r));
}

TEST(none_of_them_if_one_has_another_thread)
{
	struct ring r = { .n = 2 };
	struct task t;
	int i;

	for (i = 0; i < 2; i++)
		r.ch[i] = make(8, 0);
	join_ring(&r, 0);
	r.pid[1] = child_fork();
	if (!r.pid[1]) {
		must(kchan_detect_deadlock(1));
		park_recv64(&t, r.ch[1]);
		recv_forever(on(r.ch[1]));
		_exit(0);
	}
	for (i = 0; i < 2; i++)
		EXPECT_TRUE(eventually(is_leaked(r.pid[i]) >= 0));
	leave_ring(&r);
	EXPECT_TRUE(all_in_ring(&r, 0));
	EXPECT_TRUE(all_in_ring(&r, 0));
	EXPECT_TRUE(end_ring(&r));
}

static int wait_for_group(void *arg)
{
	struct kchan_wg wg;

	(void)arg;
	must(kchan_detect_deadlock(0));
	must(kchan_wg_init(&wg));
	must(kchan_wg_add(&wg, 1));
	return kchan_wg_wait(&wg);
}

TEST(a_process_that_waits_for_a_group_that_is_never_done)
{
	pid_t pid = child_start(wait_for_group, NULL);

	EXPECT_TRUE(eventually(is_leaked(pid) == 1));
	EXPECT_EQ(128 + SIGKILL, child_kill(pid));
}

#define CHAIN	80

/* Each waits for the one before it, and for nobody else; the first for the test. */
static int start_chain(pid_t *pid, int n)
{
	int first = make(8, 0), in = first, out, i;
	uint64_t v;

	for (i = 0; i < n; i++) {
		out = make(8, 0);
		pid[i] = child_fork();
		if (!pid[i]) {
			if (i)
				close(first);
			must(kchan_detect_deadlock(0));
			kchan_recv(in, &v, 8);
			_exit(errno);
		}
		if (i)
			close(in);
		in = out;
	}
	close(in);
	return first;
}

/* Of a process that is not in it nothing is missed because of that. */
TEST(a_long_chain_of_processes_is_followed_to_its_end)
{
	pid_t stuck = child_start(wait_for_group, NULL), chain[CHAIN];
	int n = scaled_to(20, CHAIN), first = start_chain(chain, n), i;

	for (i = 0; i < n; i++)
		EXPECT_TRUE(eventually(is_leaked(chain[i]) >= 0));
	EXPECT_TRUE(eventually(is_leaked(stuck) == 1));
	for (i = 0; i < n; i++)
		EXPECT_EQ(0, is_leaked(chain[i]));
	close(first);
	EXPECT_TRUE(eventually(is_leaked(chain[n - 1]) == 1));
	for (i = 0; i < n; i++) {
		EXPECT_EQ(1, is_leaked(chain[i]));
		EXPECT_EQ(128 + SIGKILL, child_kill(chain[i]));
	}
	EXPECT_EQ(128 + SIGKILL, child_kill(stuck));
}

TEST_HARNESS_MAIN
