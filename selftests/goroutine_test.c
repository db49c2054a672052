// SPDX-License-Identifier: GPL-2.0-only
/*
 * The registry of goroutines: who is in it, in which state, and what becomes of those who
 * leave it in one way or another.
 */
#include "member_test.h"
#include "trace_test.h"

#define ROOM		64

/* The goroutine of this number; id 0 if there is none. */
static struct chan_go_info find(uint64_t id)
{
	struct chan_go_info infos[ROOM];
	long n = must(go_list(domain, infos, ROOM, 0)), i;

	for (i = 0; i < n && i < ROOM; i++)
		if (infos[i].id == id)
			return infos[i];
	return (struct chan_go_info){};
}

static bool is_in_state(uint64_t id, uint32_t state)
{
	struct chan_go_info info = find(id);

	return info.id && info.state == state;
}

static long task_send_until(struct task *t)
{
	return ch_send_until(t->fd, &t->value, 8, t->deadline);
}

FIXTURE(go)
{
	int ch;
};

FIXTURE_SETUP(go)
{
	domain = chanctl();
	self->ch = ch_make(8, 0, 0);
	must(go_as(domain, 1, 0, "main"));
}

FIXTURE_TEARDOWN(go)
{
	close(self->ch);
	close(domain);
}

/* ---- being registered ---- */

TEST_F(go, a_goroutine_is_listed_as_it_said)
{
	struct chan_go_info info = find(1);

	EXPECT_EQ(1, go_list(domain, NULL, 0, 0));
	EXPECT_EQ(1, info.id);
	EXPECT_EQ(0, info.creator);
	EXPECT_EQ(gettid(), info.tid);
	EXPECT_EQ(CHAN_GO_RUNNING, info.state);
	EXPECT_EQ(0, info.parks + info.readies + info.since + info.cases + info.flags);
	EXPECT_STREQ("main", info.name);
}

TEST_F(go, a_thread_is_one_goroutine_at_a_time)
{
	int other = chanctl();

	EXPECT_EQ(-EEXIST, go_as(domain, 2, 0, "again"));
	EXPECT_EQ(-EEXIST, go_as(other, 2, 0, "elsewhere"));
	EXPECT_EQ(-ESRCH, go_end(other));
	EXPECT_EQ(0, go_end(domain));
	EXPECT_EQ(-ESRCH, go_end(domain));
	EXPECT_EQ(0, go_list(domain, NULL, 0, 0));
	EXPECT_EQ(0, go_as(other, 2, 0, "elsewhere"));
	EXPECT_EQ(1, go_list(other, NULL, 0, 0));
	EXPECT_EQ(0, go_list(domain, NULL, 0, 0));
}

static int be_helper(uint64_t id)
{
	struct chan_go go = { .size = sizeof(go), .flags = CHAN_GO_HELPER, .id = id };

	return xioctl(domain, CHAN_IOC_GO, &go);
}

static long help_twice(struct task *t)
{
	(void)t;
	return be_helper(1) == -EINVAL && !be_helper(0) && be_helper(0) == -EEXIST &&
	       go_as(domain, 3, 0, "helper") == -EEXIST && go_end(domain) == -ESRCH &&
	       go_list(domain, NULL, 0, 0) == 1 && go_stats(domain).goroutines == 1;
}

TEST_F(go, a_helper_is_no_goroutine)
{
	struct task t = {};

	EXPECT_EQ(-EEXIST, be_helper(0));
	task_start(&t, help_twice);
	EXPECT_EQ(1, task_join(&t));
}

TEST_F(go, bad_requests_are_refused)
{
	struct chan_go go = { .size = sizeof(go), .id = 0 };
	struct chan_go_list list = { .size = sizeof(list), .entry_size = 4 };

	must(go_end(domain));
	EXPECT_EQ(-EINVAL, xioctl(domain, CHAN_IOC_GO, &go));
	go.id = 1;
	go.flags = 1;
	EXPECT_EQ(-EINVAL, xioctl(domain, CHAN_IOC_GO, &go));
	EXPECT_EQ(-EFAULT, xioctl(domain, CHAN_IOC_GO, bad_pointer(8)));
	EXPECT_EQ(-EINVAL, go_detect(domain, 2));
	EXPECT_EQ(-EINVAL, xioctl(domain, CHAN_IOC_GO_LIST, &list));
	list.entry_size = 20;
	EXPECT_EQ(-EINVAL, xioctl(domain, CHAN_IOC_GO_LIST, &list));
	list.entry_size = 1 << 20;
	EXPECT_EQ(-EINVAL, xioctl(domain, CHAN_IOC_GO_LIST, &list));
	EXPECT_EQ(-EINVAL, go_list(domain, NULL, 0, 2));
	EXPECT_EQ(-EINVAL, xioctl(domain, CHAN_IOC_GO_END, &go));
	EXPECT_EQ(-ENOTTY, go_as(self->ch, 1, 0, "on a channel"));

	must(go_as(domain, 1, 0, "main"));
	EXPECT_EQ(-EFAULT, go_list(domain, bad_pointer(8), 1, 0));
	EXPECT_EQ(1, go_list(domain, NULL, 0, 0));
}

static long detect_often(struct task *t)
{
	int i, n = scaled(20000);

	for (i = 0; i < n; i++)
		must(go_detect(domain, t->value));
	return 0;
}

TEST_F(go, one_may_watch_for_deadlocks_while_another_does_not)
{
	struct task on = { .value = CHAN_GO_DEADLOCK }, off = {};

	must(go_end(domain));
	task_start(&on, detect_often);
	task_start(&off, detect_often);
	EXPECT_EQ(0, task_join(&on));
	EXPECT_EQ(0, task_join(&off));
	must(go_as(domain, 1, 0, "main"));
	EXPECT_EQ(1, go_list(domain, NULL, 0, 0));
}

TEST_F(go, a_long_name_is_cut)
{
	struct chan_go go = { .size = sizeof(go), .id = 1 };
	struct chan_go_info info;

	must(go_end(domain));
	memset(go.name, 'n', sizeof(go.name));
	must(xioctl(domain, CHAN_IOC_GO, &go));
	info = find(1);
	EXPECT_EQ(CHAN_GO_NAME_MAX - 1, strnlen(info.name, sizeof(info.name)));
}

TEST_F(go, a_name_does_nothing_to_a_terminal)
{
	must(go_end(domain));
	must(go_as(domain, 1, 0, "\033[2Jx\ny\377"));
	EXPECT_STREQ("?[2Jx?y?", find(1).name);
}

TEST_F(go, a_list_suits_older_and_newer_callers)
{
	struct chan_go_list list = { .size = sizeof(list), .entry_size = 16, .room = 2 };
	char old[32], new[sizeof(struct chan_go_info) + 16];
	uint64_t id;

	poison(old, sizeof(old));
	list.entries = (uintptr_t)old;
	EXPECT_EQ(1, xioctl(domain, CHAN_IOC_GO_LIST, &list));
	memcpy(&id, old, sizeof(id));
	EXPECT_EQ(1, id);
	EXPECT_TRUE(all_bytes(old + 16, 16, POISON));

	poison(new, sizeof(new));
	list.entries = (uintptr_t)new;
	list.entry_size = sizeof(new);
	list.room = 1;
	EXPECT_EQ(1, xioctl(domain, CHAN_IOC_GO_LIST, &list));
	EXPECT_TRUE(all_bytes(new + sizeof(new) - 16, 16, 0));
}

/* ---- what it does ---- */

TEST_F(go, one_that_receives_waits_and_says_where)
{
	struct member m = { .t = { .fd = self->ch } };
	uint64_t before = now_ns();
	struct chan_go_info info;

	member_start(&m, 2, task_do_recv64);
	wait_parked(self->ch, 1, 0);
	info = find(2);
	EXPECT_EQ(CHAN_GO_WAITING, info.state);
	EXPECT_EQ(CHAN_REASON_RECV, info.reason);
	EXPECT_EQ(1, info.creator);
	EXPECT_EQ(task_tid(&m.t), info.tid);
	EXPECT_EQ(1, info.parks);
	EXPECT_EQ(1, info.cases);
	EXPECT_EQ(ch_info(self->ch).id, info.where[0].chan);
	EXPECT_EQ(CHAN_DIR_RECV, info.where[0].dir);
	EXPECT_LE(before - CLOCKS_APART, info.since);
	EXPECT_GE(now_ns(), info.since);
	EXPECT_NE(0, info.ip);
	EXPECT_EQ(0, info.flags);

	must(send64(self->ch, 7));
	EXPECT_EQ(1 + 8, task_join(&m.t));
	EXPECT_EQ(0, find(2).id);
}

TEST_F(go, one_that_sends_with_a_deadline_says_so)
{
	struct member m = { .t = { .fd = self->ch, .value = 1 } };
	struct chan_go_info info;

	m.t.deadline = now_ns() + 3600 * SEC;
	member_start(&m, 2, task_send_until);
	wait_parked(self->ch, 0, 1);
	info = find(2);
	EXPECT_EQ(CHAN_REASON_SEND, info.reason);
	EXPECT_EQ(CHAN_DIR_SEND, info.where[0].dir);
	EXPECT_EQ(CHAN_GO_BOUNDED, info.flags);
	EXPECT_EQ(1, recv64(self->ch));
	EXPECT_EQ(0, task_join(&m.t));
}

/* The cases without the first, which is nil, are those of @info. */
static bool tells_cases(const struct chan_go_info *info, const struct chan_case *cases,
			unsigned int n)
{
	unsigned int i;

	if (info->reason != CHAN_REASON_SELECT || info->cases != n - 1 || info->parks != 1)
		return false;
	for (i = 0; i < CHAN_GO_CASES; i++) {
		const struct chan_case *sc = &cases[1 + i];
		bool there = 1 + i < n;

		if (info->where[i].chan != (there ? ch_info(sc->ch).id : 0) ||
		    info->where[i].dir != (there ? sc->dir : 0))
			return false;
	}
	return true;
}

TEST_F(go, one_that_selects_tells_its_first_cases_in_order)
{
	static const unsigned int sizes[] = { 3, 9, 10, 40 };
	struct chan_case cases[40] = { { .ch = CHAN_NIL } };
	struct chan_go_info info;
	struct member m;
	unsigned int i;
	uint64_t v = 3;

	for (i = 1; i < ARRAY_SIZE(cases); i++) {
		struct chan_case *sc = &cases[i];

		*sc = i % 3 ? sel_recv(0, NULL, 0) : sel_send(0, &v, 8);
		sc->ch = ch_make(8, 0, 0);
	}
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		m = (struct member){ .t = { .buf = cases, .size = sizes[i], .fd = self->ch,
					    .deadline = CHAN_FOREVER } };
		member_start(&m, 2 + i, task_do_select);
		wait_select_parked(cases, sizes[i]);
		info = find(2 + i);
		EXPECT_TRUE(tells_cases(&info, cases, sizes[i])) TH_LOG("of %u", sizes[i]);
		must(send64(cases[1].ch, 1));
		EXPECT_EQ(1, task_join(&m.t));
	}
	for (i = 1; i < ARRAY_SIZE(cases); i++)
		close(cases[i].ch);
}

TEST_F(go, one_that_selects_nothing_waits_too)
{
	struct member m = { .t = { .fd = self->ch, .deadline = CHAN_FOREVER }, .quiet = true };

	catch(SIGUSR1, 0);
	member_start(&m, 2, task_do_select);
	EXPECT_TRUE(eventually(is_in_state(2, CHAN_GO_WAITING)));
	EXPECT_EQ(CHAN_REASON_SELECT_NONE, find(2).reason);
	EXPECT_EQ(0, find(2).cases);
	must(syscall(SYS_tgkill, getpid(), task_tid(&m.t), SIGUSR1));
	EXPECT_EQ(-EINTR, task_join(&m.t));
}

static long park_in_all_ways(struct task *t)
{
	uint64_t v;

	must(recv64(t->fd) == 1 ? 0 : -1);
	must(send64(t->fd, 2));
	if (ch_recv_until(t->fd, &v, 8, now_ns() + 2 * SEC) != -ETIMEDOUT)
		die("a deadline did not end a receive");
	return 0;
}

TEST_F(go, parks_and_readies_are_counted)
{
	struct member m = { .t = { .fd = self->ch } };
	struct chan_go_stats before = go_stats(domain), after;

	member_start(&m, 2, park_in_all_ways);
	wait_parked(self->ch, 1, 0);
	EXPECT_EQ(1, go_stats(domain).waiting);
	EXPECT_EQ(1, go_stats(domain).running);
	EXPECT_EQ(2, go_stats(domain).goroutines);
	must(send64(self->ch, 1));
	wait_parked(self->ch, 0, 1);
	EXPECT_EQ(2, recv64(self->ch));
	EXPECT_EQ(0, task_join(&m.t));
	after = go_stats(domain);
	EXPECT_EQ(before.started + 1, after.started);
	EXPECT_EQ(before.parks + 3, after.parks);
	EXPECT_EQ(before.readies + 2, after.readies);
	EXPECT_EQ(1, after.goroutines);
}

TEST_F(go, a_signal_makes_it_run_again)
{
	struct member m = { .t = { .fd = self->ch } };

	catch(SIGUSR1, 0);
	m.quiet = true;
	member_start(&m, 2, task_do_recv64);
	wait_parked(self->ch, 1, 0);
	must(syscall(SYS_tgkill, getpid(), task_tid(&m.t), SIGUSR1));
	EXPECT_EQ(-EINTR, task_join(&m.t));
}

/* ---- the ways to leave ---- */

TEST_F(go, a_thread_that_exits_without_a_word_is_not_listed)
{
	struct member m = { .t = { .fd = self->ch }, .quiet = true };

	member_start(&m, 2, task_do_recv64);
	wait_parked(self->ch, 1, 0);
	EXPECT_EQ(2, go_list(domain, NULL, 0, 0));
	must(send64(self->ch, 1));
	task_join(&m.t);
	EXPECT_TRUE(eventually(go_list(domain, NULL, 0, 0) == 1));
}

static long come_and_go(struct task *t)
{
	(void)t;
	return 0;
}

TEST_F(go, those_that_exit_without_a_word_do_not_pile_up)
{
	struct member m;
	int i;

	for (i = 0; i < 500; i++) {
		m = (struct member){ .quiet = true };
		member_start(&m, 2 + i, come_and_go);
		task_join(&m.t);
	}
	EXPECT_TRUE(eventually(go_stats(domain).goroutines == 1));
	EXPECT_EQ(501, go_stats(domain).started);
}

TEST_F(go, the_end_of_the_domain_disturbs_nobody_who_is_parked)
{
	struct member m[3] = {};
	int i, n = 3;

	for (i = 0; i < n; i++) {
		m[i].t.fd = self->ch;
		m[i].quiet = true;
		member_start(&m[i], 2 + i, task_do_recv64);
		wait_parked(self->ch, i + 1, 0);
	}
	close(domain);
	for (i = 0; i < n; i++) {
		must(send64(self->ch, i));
		EXPECT_EQ(1 + 8, task_join(&m[i].t));
	}
	domain = chanctl();
	EXPECT_EQ(0, go_list(domain, NULL, 0, 0));
}

static int be_child(void *arg)
{
	struct chan_go_info info;
	int own = chanctl();

	(void)arg;
	if (go_as(domain, 5, 1, "child") != -EPERM || go_list(domain, &info, 1, 0) != -EPERM)
		return 1;
	if (go_detect(domain, 0) != -EPERM)
		return 4;
	if (go_end(domain) != -ESRCH)
		return 2;
	if (go_as(own, 5, 1, "child") || go_list(own, &info, 1, 0) != 1 || info.tid != getpid())
		return 3;
	return 0;
}

TEST_F(go, a_forked_child_leaves_the_domain)
{
	EXPECT_EQ(0, child_wait(child_start(be_child, NULL)));
	EXPECT_EQ(1, go_list(domain, NULL, 0, 0));
	EXPECT_EQ(CHAN_GO_RUNNING, find(1).state);
}

static int be_child_in_namespace(void *arg)
{
	pid_t pid;

	must(unshare(CLONE_NEWPID));
	pid = must(fork());
	if (!pid)
		_exit(prctl(PR_SET_PDEATHSIG, SIGKILL) || getpid() != 1 ? 5 : be_child(arg));
	return child_wait(pid);
}

TEST_F(go, a_goroutine_has_the_thread_id_of_its_own_pid_namespace)
{
	EXPECT_EQ(0, child_wait(child_start(be_child_in_namespace, NULL)));
}

/* A process that executes another program is another one, though its descriptor is left. */
static __attribute__((constructor)) void be_executed(void)
{
	const char *fd = getenv("CHAN_TEST_DOMAIN");

	if (fd)
		_exit(go_list(atoi(fd), NULL, 0, 0) == 0 ? 0 : 1);
}

static int execute(void *arg)
{
	char number[16];
	int fd = dup(chanctl());

	(void)arg;
	must(go_as(fd, 1, 0, "old"));
	snprintf(number, sizeof(number), "%d", fd);
	setenv("CHAN_TEST_DOMAIN", number, 1);
	execl("/proc/self/exe", "again", NULL);
	return 2;
}

TEST_F(go, an_executed_program_is_not_the_old_goroutine)
{
	EXPECT_EQ(0, child_wait(child_start(execute, NULL)));
}

/* What the trace says of the states of a thread, one character each. */
static void states_of(pid_t tid, char *states, size_t size)
{
	static const char *const arrows[] = {
		"idle ==> runnable", "runnable ==> running", "running ==> waiting",
		"waiting ==> runnable", "running ==> dead",
	};
	FILE *f = trace_open();
	char line[1024], who[32];
	size_t n = 0, i;

	snprintf(who, sizeof(who), " tid=%d ", tid);
	while (fgets(line, sizeof(line), f))
		for (i = 0; strstr(line, who) && i < ARRAY_SIZE(arrows) && n < size - 1; i++)
			if (strstr(line, arrows[i]))
				states[n++] = "BRWYD"[i];
	states[n] = '\0';
	fclose(f);
}

static int parent_of_survivor(void *arg)
{
	int *shared = arg;
	pid_t child;

	domain = chanctl();
	must(go_as(domain, 1, 0, "victim"));
	child = must(fork());
	if (!child) {
		/* It keeps the descriptor. */
		while (!__atomic_load_n(&shared[1], __ATOMIC_ACQUIRE))
			breathe();
		_exit(0);
	}
	__atomic_store_n(&shared[0], gettid(), __ATOMIC_RELEASE);
	recv64(shared[2]);
	return 1;
}

TEST_F(go, a_killed_process_is_gone_even_if_a_child_has_its_descriptor)
{
	int *shared = shared_alloc(4096);
	char states[64] = "";
	pid_t child;

	if (!trace_start("chan_go_state"))
		SKIP(return, "no trace");
	shared[2] = self->ch;
	child = child_start(parent_of_survivor, shared);
	wait_parked(self->ch, 1, 0);
	EXPECT_EQ(128 + SIGKILL, child_kill(child));
	EXPECT_TRUE(eventually((states_of(child, states, sizeof(states)), strchr(states, 'D'))));
	trace_end();
	EXPECT_STREQ("BRWYRD", states);
	__atomic_store_n(&shared[1], 1, __ATOMIC_RELEASE);
}

/* ---- all at once ---- */

static bool over;

static long bustle(struct task *t)
{
	struct member *m = member_of(t);
	uint64_t v;

	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		if (m->id % 2)
			ch_send_until(t->fd, &m->id, 8, now_ns() + MS);
		else
			ch_recv_until(t->fd, &v, 8, now_ns() + MS);
		go_end(domain);
		go_as(domain, m->id, 1, "bustle");
	}
	return 0;
}

TEST_F(go, lists_are_sound_while_everybody_comes_and_goes)
{
	struct chan_go_info infos[ROOM];
	struct member m[8] = {};
	uint64_t end;
	long n, i;

	for (i = 0; i < 8; i++) {
		m[i].t.fd = self->ch;
		m[i].quiet = true;
		member_start(&m[i], 2 + i, bustle);
	}
	for (end = now_ns() + 2 * SEC; now_ns() < end;) {
		n = must(go_list(domain, infos, ROOM, CHAN_GO_FIND_LEAKS));
		for (i = 0; i < n && i < ROOM; i++) {
			ASSERT_LE(1, infos[i].id);
			ASSERT_GE(9, infos[i].id);
			ASSERT_EQ(0, infos[i].flags & CHAN_GO_LEAKED);
			if (infos[i].cases)
				ASSERT_EQ(ch_info(self->ch).id, infos[i].where[0].chan);
		}
	}
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	for (i = 0; i < 8; i++)
		task_join(&m[i].t);
}

TEST_HARNESS_MAIN
