// SPDX-License-Identifier: GPL-2.0-only
/*
 * The events of the module taken together: that their order is the order of what happened,
 * that they are complete, and that they give nothing away.  What each of them looks like is for
 * tracers_test.sh.
 */
#include <dirent.h>

#include "chan_test.h"

#define TRACEFS		"/sys/kernel/tracing/"
#define INSTANCE	TRACEFS "instances/chan_selftest/"
#define EVENTS		INSTANCE "events/chan/"

#define PARKED		50

#define THREADS		6
#define ROUNDS		200
#define CHANNELS	3

struct event {
	char name[32];
	pid_t pid;
	const char *fields;
};

static char *text;
static struct event *events;
static unsigned int n_events;

/* Without the recording of commands, for which each switch would touch the scheduler too. */
static bool have_events(void)
{
	write_text(TRACEFS "options/record-cmd", "0");
	mkdir(INSTANCE, 0700);
	write_text(TRACEFS "options/record-cmd", "1");
	return !access(EVENTS "enable", W_OK);
}

static void set(const char *file, const char *value)
{
	char path[256];
	int ret;

	snprintf(path, sizeof(path), INSTANCE "%s", file);
	ret = write_text(path, value);
	if (ret < 0)
		die("%s to %s: %s", value, path, strerror(-ret));
}

static void clear_trace(void)
{
	close(must(open(INSTANCE "trace", O_WRONLY | O_TRUNC)));
}

/* All of a file that says nothing of its size. */
static char *read_all(const char *path, size_t *len)
{
	int fd = must(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	size_t room = 1 << 16;
	char *all = malloc(room);
	ssize_t n;

	*len = 0;
	while (all && (n = read(fd, all + *len, room - *len - 1)) > 0) {
		*len += n;
		if (room - *len < 1 << 15) {
			room *= 2;
			all = realloc(all, room);
		}
	}
	if (!all)
		die("no memory for %s", path);
	close(fd);
	all[*len] = 0;
	return all;
}

/* "    comm-pid     [cpu] flags     time: name: fields" */
static bool parse(char *line, struct event *e)
{
	char *name = strstr(line, ": chan_"), *cpu = strstr(line, " ["), *fields, *dash;

	if (*line == '#' || !name || !cpu)
		return false;
	*cpu = 0;
	dash = strrchr(line, '-');
	name += 2;
	fields = strstr(name, ": ");
	if (!dash || !fields || (size_t)(fields - name) >= sizeof(e->name))
		die("not an event: %s", line);
	memset(e->name, 0, sizeof(e->name));
	memcpy(e->name, name, fields - name);
	e->pid = atoi(dash + 1);
	e->fields = fields + 1;
	return true;
}

static void expect_none_lost(void)
{
	char path[256];
	size_t len;
	char *stats;
	int cpu;

	for (cpu = 0; cpu < sysconf(_SC_NPROCESSORS_ONLN); cpu++) {
		snprintf(path, sizeof(path), INSTANCE "per_cpu/cpu%d/stats", cpu);
		stats = read_all(path, &len);
		if (!strstr(stats, "\noverrun: 0\n"))
			die("the buffer of the trace is too small: %s", stats);
		free(stats);
	}
}

/* What was traced since the start of the test, into @events. */
static void collect(void)
{
	char *line, *next;
	size_t len;

	set("tracing_on", "0");
	expect_none_lost();
	text = read_all(INSTANCE "trace", &len);
	events = calloc(len / 32 + 1, sizeof(*events));
	n_events = 0;
	for (line = text; *line; line = next) {
		next = strchrnul(line, '\n');
		if (*next)
			*next++ = 0;
		n_events += parse(line, &events[n_events]);
	}
}

static bool is(const struct event *e, const char *name)
{
	return !strcmp(e->name, name);
}

/* Where the value of a field begins; NULL without one. */
static const char *value_of(const struct event *e, const char *key)
{
	const char *p = e->fields;
	size_t len = strlen(key);

	for (; p; p = strchr(p + 1, ' '))
		if (!strncmp(p + 1, key, len) && p[1 + len] == '=')
			return p + 2 + len;
	return NULL;
}

static long long number(const struct event *e, const char *key)
{
	const char *value = value_of(e, key);

	if (!value)
		die("%s has no %s:%s", e->name, key, e->fields);
	return strtoll(value, NULL, 10);
}

static bool says(const struct event *e, const char *key, const char *expected)
{
	const char *value = value_of(e, key);
	size_t len = strlen(expected);

	return value && !strncmp(value, expected, len) && (!value[len] || value[len] == ' ');
}

FIXTURE(trace)
{
	bool on;
};

FIXTURE_SETUP(trace)
{
	if (!have_events())
		SKIP(return, "no events: is tracefs mounted at " TRACEFS "?");
	/* A clock of which no two processors read the same. */
	set("trace_clock", "counter");
	set("buffer_size_kb", "8192");
	/* In case that a test before failed in the middle. */
	set("events/chan/filter", "0");
	set("tracing_on", "1");
	clear_trace();
	set("events/chan/enable", "1");
	self->on = true;
}

FIXTURE_TEARDOWN(trace)
{
	if (!self->on)
		return;
	set("events/chan/enable", "0");
	rmdir(INSTANCE);
	free(events);
	free(text);
}

/* ---- nothing is given away ---- */

static bool is_harmless(const char *type)
{
	static const char * const types[] = {
		"unsigned short common_type", "unsigned char common_flags",
		"unsigned char common_preempt_count", "unsigned char common_preempt_lazy_count",
		"int common_pid", "u64 ", "u32 ", "s32 ", "pid_t ", "__data_loc char[] name",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (!strncmp(type, types[i], strlen(types[i])))
			return !strchr(type, '*');
	return false;
}

TEST_F(trace, no_event_has_a_field_for_an_address)
{
	DIR *dir = opendir(EVENTS);
	unsigned int fields = 0, formats = 0;
	struct dirent *entry;
	char path[512], *p, *format;
	size_t len;

	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, "chan_", 5))
			continue;
		snprintf(path, sizeof(path), EVENTS "%s/format", entry->d_name);
		format = read_all(path, &len);
		EXPECT_EQ(NULL, strstr(format, "%p"));
		for (p = format; (p = strstr(p, "field:")); fields++) {
			p += strlen("field:");
			*strchrnul(p, ';') = ' ';
			EXPECT_TRUE(is_harmless(p))
				TH_LOG("%s: %s", entry->d_name, p);
		}
		free(format);
		formats++;
	}
	closedir(dir);
	EXPECT_LT(10, formats);
	EXPECT_LT(5 * formats, fields);
}

/* What is in the buffers of all processors, as it is there. */
static char *read_raw(size_t *len)
{
	char path[256], *all = NULL, *raw;
	size_t n;
	int cpu;

	*len = 0;
	for (cpu = 0; cpu < sysconf(_SC_NPROCESSORS_ONLN); cpu++) {
		snprintf(path, sizeof(path), INSTANCE "per_cpu/cpu%d/trace_pipe_raw", cpu);
		raw = read_all(path, &n);
		all = realloc(all, *len + n + 1);
		if (!all)
			die("no memory");
		memcpy(all + *len, raw, n);
		*len += n;
		free(raw);
	}
	return all;
}

TEST_F(trace, neither_elements_nor_addresses_are_recorded)
{
	char secret[] = "the plan is", room[16] = {}, *raw;
	uintptr_t from = (uintptr_t)secret, to = (uintptr_t)room;
	int ch = ch_make(16, 1, CHAN_MESSAGE);
	uint64_t id = ch_info(ch).id;
	struct task t;
	size_t len;

	park_recv(&t, ch, room, sizeof(room));
	must(ch_send(ch, secret, sizeof(secret)));
	must(task_join(&t));
	must(ch_send(ch, secret, sizeof(secret)));
	park_send(&t, ch, secret, sizeof(secret));
	must(ch_recv(ch, room, sizeof(room)));
	must(task_join(&t));

	raw = read_raw(&len);
	/* What has to be there is found. */
	EXPECT_NE(NULL, memmem(raw, len, &id, sizeof(id)));
	EXPECT_EQ(NULL, memmem(raw, len, secret, sizeof(secret) - 1));
	EXPECT_EQ(NULL, memmem(raw, len, &from, sizeof(from)));
	EXPECT_EQ(NULL, memmem(raw, len, &to, sizeof(to)));
	free(raw);
}

/* ---- order ---- */

static void readies_follow_parks(struct __test_metadata *_metadata, bool send)
{
	struct task tasks[PARKED];
	int ch = ch_make(8, 0, 0), parks = 0, readies = 0;
	unsigned int i;

	for (i = 0; i < PARKED; i++) {
		if (send)
			park_send64(&tasks[i], ch, i);
		else
			park_recv64(&tasks[i], ch);
	}
	for (i = 0; i < PARKED; i++)
		EXPECT_EQ(send ? i : 0, send ? recv64(ch) : (uint64_t)send64(ch, i));
	for (i = 0; i < PARKED; i++)
		must(task_join(&tasks[i]));
	collect();
	for (i = 0; i < n_events; i++) {
		const struct event *e = &events[i];

		if (is(e, "chan_park")) {
			ASSERT_GT(PARKED, parks);
			EXPECT_EQ(tasks[parks++].tid, e->pid);
		} else if (is(e, "chan_enqueue")) {
			EXPECT_EQ(parks, number(e, "place"));
			EXPECT_TRUE(says(e, "queue", send ? "sendq" : "recvq"));
		} else if (is(e, "chan_ready")) {
			EXPECT_EQ(PARKED, parks);
			ASSERT_GT(PARKED, readies);
			EXPECT_EQ(tasks[readies++].tid, number(e, "tid"));
			EXPECT_EQ(gettid(), e->pid);
		}
	}
	EXPECT_EQ(PARKED, parks);
	EXPECT_EQ(PARKED, readies);
}

TEST_F(trace, receivers_are_readied_in_the_order_in_which_they_parked)
{
	readies_follow_parks(_metadata, false);
}

TEST_F(trace, senders_are_readied_in_the_order_in_which_they_parked)
{
	readies_follow_parks(_metadata, true);
}

TEST_F(trace, waited_is_how_long_it_was_parked)
{
	int ch = ch_make(8, 0, 0), seen = 0;
	uint64_t begun = now_ns(), parked, waited, v;
	struct task t;
	unsigned int i;

	park_recv64(&t, ch);
	parked = now_ns();
	wait_until(parked + 20 * MS + CLOCKS_APART);
	must(send64(ch, 1));
	must(task_join(&t));
	waited = now_ns() - begun + CLOCKS_APART;
	EXPECT_EQ(-ETIMEDOUT, ch_recv_until(ch, &v, 8, now_ns() + SEC));
	collect();
	for (i = 0; i < n_events; i++) {
		if (is(&events[i], "chan_ready")) {
			EXPECT_LE(20 * MS, number(&events[i], "waited"));
			EXPECT_GE(waited, number(&events[i], "waited"));
			seen++;
		} else if (is(&events[i], "chan_abort")) {
			EXPECT_LE(20 * MS, number(&events[i], "waited"));
			EXPECT_EQ(-ETIMEDOUT, number(&events[i], "result"));
			seen++;
		}
	}
	EXPECT_EQ(2, seen);
}

TEST_F(trace, a_filter_picks_a_channel)
{
	int one = ch_make(8, 1, 0), other = ch_make(8, 1, 0);
	unsigned int i, n = 0;
	char filter[64];

	snprintf(filter, sizeof(filter), "chan == %llu", (unsigned long long)ch_info(one).id);
	clear_trace();
	set("events/chan/filter", filter);
	must(send64(one, 1));
	must(send64(other, 1));
	recv64(other);
	recv64(one);
	collect();
	set("events/chan/filter", "0");
	for (i = 0; i < n_events; i++, n++)
		EXPECT_EQ(ch_info(one).id, number(&events[i], "chan"));
	EXPECT_EQ(2, n);
}

/* ---- goroutines that do everything at once ---- */

struct crew {
	bool selects;
	int domain;
	int ch[CHANNELS];
	struct task tasks[THREADS];
	unsigned int running;
};

static struct crew crew;

/* Any of the operations, on any of the channels; seldom for long. */
static void do_something(unsigned int *seed)
{
	unsigned int what = rand_r(seed), ch = crew.ch[what / 16 % CHANNELS];
	unsigned int kinds = crew.selects ? 8 : 6;
	uint64_t v = what, until = now_ns() + 5 * MS;
	struct chan_case cases[] = {
		sel_recv(crew.ch[0], &v, 8), sel_send(crew.ch[1], &v, 8), sel_recv(-1, &v, 8),
		sel_recv(crew.ch[2], &v, 8),
	};

	switch (what % kinds) {
	case 0:
		try_send64(ch, v);
		break;
	case 1:
		ch_try_recv(ch, &v, 8);
		break;
	case 2:
	case 3:
		ch_send_until(ch, &v, 8, until);
		break;
	case 4:
	case 5:
		ch_recv_until(ch, &v, 8, until);
		break;
	case 6:
		ch_select_until(ch, cases, 4, until);
		break;
	default:
		ch_try_select(ch, cases, 4);
	}
}

static long work(struct task *t)
{
	struct chan_go go = { .size = sizeof(go), .id = t->value, .name = "work" };
	unsigned int seed = t->value;
	int i;

	must(xioctl(crew.domain, CHAN_IOC_GO, &go));
	for (i = 0; i < ROUNDS; i++)
		do_something(&seed);
	must(xioctl(crew.domain, CHAN_IOC_GO_END, NULL));
	__atomic_sub_fetch(&crew.running, 1, __ATOMIC_RELEASE);
	/* Signals are for threads that are there. */
	while (__atomic_load_n(&crew.running, __ATOMIC_ACQUIRE))
		breathe();
	return 0;
}

/* It is over when all are, and everything that happened is traced. */
static void run_crew(bool selects)
{
	unsigned int i, victim = 0;

	catch(SIGUSR1, 0);
	crew.selects = selects;
	crew.domain = chanctl();
	for (i = 0; i < CHANNELS; i++)
		crew.ch[i] = ch_make(8, 2 * i, 0);
	crew.running = THREADS + 1;
	for (i = 0; i < THREADS; i++) {
		crew.tasks[i] = (struct task){ .value = i + 1 };
		task_start(&crew.tasks[i], work);
	}
	while (__atomic_load_n(&crew.running, __ATOMIC_ACQUIRE) > 1) {
		syscall(SYS_tgkill, getpid(), task_tid(&crew.tasks[victim++ % THREADS]), SIGUSR1);
		breathe();
	}
	__atomic_store_n(&crew.running, 0, __ATOMIC_RELEASE);
	for (i = 0; i < THREADS; i++)
		must(task_join(&crew.tasks[i]));
	collect();
}

static unsigned int member(pid_t tid)
{
	unsigned int i;

	for (i = 0; i < THREADS; i++)
		if (crew.tasks[i].tid == tid)
			return i;
	die("task %d is none of ours", tid);
}

TEST_F(trace, each_park_is_followed_by_one_ready_or_abort)
{
	bool parked[THREADS] = {}, given[THREADS] = {}, selects[THREADS] = {};
	unsigned int parks = 0, readies = 0, aborts = 0, i, who;

	run_crew(true);
	for (i = 0; i < n_events; i++) {
		const struct event *e = &events[i];

		if (is(e, "chan_park")) {
			who = member(e->pid);
			ASSERT_FALSE(parked[who]);
			parked[who] = true;
			parks++;
		} else if (is(e, "chan_ready")) {
			who = member(number(e, "tid"));
			ASSERT_TRUE(parked[who]);
			parked[who] = false;
			/* A select that completes itself has said so before. */
			given[who] = e->pid != number(e, "tid");
			readies++;
		} else if (is(e, "chan_abort")) {
			who = member(e->pid);
			ASSERT_TRUE(parked[who]);
			parked[who] = false;
			aborts++;
		} else if (is(e, "chan_send") || is(e, "chan_recv")) {
			who = member(e->pid);
			/* A select may be completed before it has parked. */
			if (!selects[who] || given[who])
				EXPECT_EQ(given[who], says(e, "path", "parked"));
			given[who] = false;
		} else if (is(e, "chan_select_begin") || is(e, "chan_select_commit")) {
			selects[member(e->pid)] = is(e, "chan_select_begin");
		}
	}
	EXPECT_EQ(parks, readies + aborts);
	EXPECT_LT(THREADS, readies);
	EXPECT_LT(THREADS, aborts);
	for (who = 0; who < THREADS; who++)
		EXPECT_FALSE(parked[who] || given[who]);
	TH_LOG("%u parks, %u readies, %u aborts", parks, readies, aborts);
}

/* Copy the word that ends here. */
static void word_before(const char *end, char *word)
{
	const char *p = end;

	while (p[-1] != ' ')
		p--;
	snprintf(word, 16, "%.*s", (int)(end - p), p);
}

TEST_F(trace, states_of_a_goroutine_follow_one_another)
{
	char state[THREADS][16], from[16];
	unsigned int i, changes = 0;

	for (i = 0; i < THREADS; i++)
		strcpy(state[i], "idle");
	run_crew(true);
	for (i = 0; i < n_events; i++) {
		const char *arrow = strstr(events[i].fields, " ==> ");
		unsigned int g;

		if (!is(&events[i], "chan_go_state"))
			continue;
		ASSERT_NE(NULL, arrow);
		g = number(&events[i], "g") - 1;
		ASSERT_GT(THREADS, g);
		EXPECT_EQ(crew.tasks[g].tid, number(&events[i], "tid"));
		word_before(arrow, from);
		EXPECT_STREQ(state[g], from);
		word_before(strchrnul(arrow + strlen(" ==> "), ' '), state[g]);
		changes++;
	}
	for (i = 0; i < THREADS; i++)
		EXPECT_STREQ("dead", state[i]);
	EXPECT_LT(10 * THREADS, changes);
}

static bool is_done(const struct event *e, const char *name, uint64_t chan)
{
	return is(e, name) && number(e, "chan") == (long long)chan &&
	       (says(e, "path", "direct") || says(e, "path", "buffered") ||
		says(e, "path", "parked"));
}

TEST_F(trace, events_agree_with_the_counters_of_a_channel)
{
	uint64_t parks = 0;
	unsigned int i, k;

	run_crew(true);
	for (k = 0; k < CHANNELS; k++) {
		struct chan_info info = ch_info(crew.ch[k]);
		uint64_t sends = 0, receives = 0, recv_parks = 0, send_parks = 0;

		for (i = 0; i < n_events; i++) {
			const struct event *e = &events[i];

			sends += is_done(e, "chan_send", info.id);
			receives += is_done(e, "chan_recv", info.id);
			if (!is(e, "chan_enqueue") || number(e, "chan") != (long long)info.id)
				continue;
			recv_parks += says(e, "queue", "recvq");
			send_parks += says(e, "queue", "sendq");
		}
		EXPECT_EQ(info.sends, sends);
		EXPECT_EQ(info.receives, receives);
		EXPECT_EQ(info.recv_parks, recv_parks);
		EXPECT_EQ(info.send_parks, send_parks);
		EXPECT_LT(0, sends);
		parks += recv_parks + send_parks;
	}
	/* Of all channels; of one perhaps nobody ever had to wait. */
	EXPECT_LT(0, parks);
}

/* The number of elements, as the events one after the other tell of it. */
TEST_F(trace, events_of_a_channel_are_in_the_order_of_what_happened)
{
	struct chan_info info;
	bool refilled = false;
	long long len = 0;
	unsigned int i, n = 0, refills = 0;

	run_crew(false);
	info = ch_info(crew.ch[1]);
	for (i = 0; i < n_events; i++) {
		const struct event *e = &events[i];

		if (is(e, "chan_ready") && says(e, "queue", "sendq") &&
		    number(e, "chan") == (long long)info.id)
			refilled = true;
		if (!is_done(e, "chan_send", info.id) && !is_done(e, "chan_recv", info.id))
			continue;
		if (says(e, "path", "parked"))
			continue;
		if (says(e, "path", "buffered") && is(e, "chan_send"))
			len++;
		else if (says(e, "path", "buffered") && !refilled)
			len--;
		ASSERT_EQ(len, number(e, "len"));
		EXPECT_FALSE(len && says(e, "path", "direct"));
		refills += refilled;
		refilled = false;
		n++;
	}
	EXPECT_EQ(info.len, len);
	EXPECT_LT(THREADS, n);
	TH_LOG("%u operations, %u refills", n, refills);
}

/* ---- switching ---- */

struct pump {
	int ch;
	bool began, stop;
	uint64_t sent[2], received[2];
};

static struct pump pump;

static long pump_in(struct task *t)
{
	uint64_t n = 0, sum = 0;

	while (!__atomic_load_n(&pump.stop, __ATOMIC_ACQUIRE)) {
		must(send64(pump.ch, ++n));
		sum += n;
		__atomic_store_n(&pump.began, true, __ATOMIC_RELAXED);
	}
	pump.sent[t->value] = sum;
	return 0;
}

static long pump_out(struct task *t)
{
	uint64_t v, sum = 0;

	while (must(ch_recv(pump.ch, &v, 8)))
		sum += v;
	pump.received[t->value] = sum;
	return 0;
}

/*
 * An emulator of several processors at once can run into the breakpoint that the kernel sets
 * for a moment while it switches code, any code that is executed elsewhere meanwhile.
 */
static bool is_emulated(void)
{
	size_t len;
	char *info = read_all("/proc/cpuinfo", &len);
	bool emulated = strstr(info, "QEMU TCG");

	free(info);
	return emulated;
}

static void switch_events(uint64_t until)
{
	static const char * const files[] = {
		"events/chan/enable", "events/chan/chan_park/enable", "tracing_on",
		"events/chan/chan_ready/enable", "events/chan/chan_go_state/enable",
	};
	unsigned int i;

	/* However long those who pump have no processor. */
	for (i = 0; now_ns() < until || !__atomic_load_n(&pump.began, __ATOMIC_RELAXED); i++) {
		set(files[i % ARRAY_SIZE(files)], i % 2 ? "0" : "1");
		if (i % 64 == 0)
			clear_trace();
	}
}

TEST_F(trace, switching_it_on_and_off_disturbs_nobody)
{
	struct task in[2], out[2];
	unsigned int i;

	if (is_emulated())
		pin_to(0);
	set("buffer_size_kb", "64");
	pump = (struct pump){ .ch = ch_make(8, 1, 0) };
	for (i = 0; i < 2; i++) {
		in[i] = (struct task){ .value = i };
		out[i] = (struct task){ .value = i };
		task_start(&in[i], pump_in);
		task_start(&out[i], pump_out);
	}
	switch_events(now_ns() + stress_ns(2));
	__atomic_store_n(&pump.stop, true, __ATOMIC_RELEASE);
	for (i = 0; i < 2; i++)
		must(task_join(&in[i]));
	must(ch_close(pump.ch));
	for (i = 0; i < 2; i++)
		must(task_join(&out[i]));
	EXPECT_LT(0, pump.sent[0] + pump.sent[1]);
	EXPECT_EQ(pump.sent[0] + pump.sent[1], pump.received[0] + pump.received[1]);
}

TEST_HARNESS_MAIN
