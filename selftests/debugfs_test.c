// SPDX-License-Identifier: GPL-2.0-only
/*
 * What root sees in debugfs: each channel with those who wait for it in their order, and each
 * goroutine with what it waits for; and how one may read that.
 */
#include <ctype.h>

#include "member_test.h"

#define DIR		"/sys/kernel/debug/chan/"
#define CHANNELS	DIR "channels"
#define GOROUTINES	DIR "goroutines"
#define NAME		"debugfs_test"

#define AT_ONCE		(1 << 20)
#define LISTED		64
#define LAPSE		(40 * MS)

/* ---- reading ---- */

struct text {
	char *bytes;
	size_t len;
};

/* One read; false at the end of the file. */
static bool read_more(struct text *text, int fd, size_t size)
{
	ssize_t n;

	text->bytes = realloc(text->bytes, text->len + size + 1);
	n = must(read(fd, text->bytes + text->len, size));
	text->len += n;
	text->bytes[text->len] = '\0';
	return n;
}

/* The rest of a file, in reads of this size. */
static char *read_rest(int fd, size_t size)
{
	struct text text = {};

	while (read_more(&text, fd, size))
		;
	if (strlen(text.bytes) != text.len)
		die("a NUL in a text");
	return text.bytes;
}

static char *read_file(const char *path, size_t size)
{
	int fd = must(open(path, O_RDONLY));
	char *text = read_rest(fd, size);

	close(fd);
	return text;
}

/* How many characters at @p are a time: digits, a point, nine digits, "s". */
static size_t time_at(const char *p)
{
	size_t whole = strspn(p, "0123456789"), part;

	if (!whole || p[whole] != '.')
		return 0;
	part = strspn(p + whole + 1, "0123456789");
	return part == 9 && p[whole + 10] == 's' ? whole + 11 : 0;
}

/* Write T for each time. */
static char *without_times(char *text)
{
	char *from = text, *to = text;

	while (*from) {
		size_t n = time_at(from);

		*to++ = n ? 'T' : *from;
		from += n ?: 1;
	}
	*to = '\0';
	return text;
}

/* What kernels before 6.10 do not show. */
static char *without_stacks(char *text)
{
	char *from = text, *to = text;

	while (*from) {
		size_t n = strcspn(from, "\n") + 1;

		if (!memmem(from, n, "+0x", 3)) {
			memmove(to, from, n);
			to += n;
		}
		from += n;
	}
	*to = '\0';
	return text;
}

/* The paragraph which begins with this, to the empty line; NULL if there is none. */
static char *paragraph(const char *text, const char *start)
{
	const char *p = text, *end;

	while ((end = strstr(p, "\n\n"))) {
		if (!strncmp(p, start, strlen(start)))
			return strndup(p, end + 1 - p);
		p = end + 2;
	}
	return NULL;
}

static char *paragraph_of(const char *text, int ch)
{
	char start[64];

	snprintf(start, sizeof(start), "channel %llu ", ch_info(ch).id);
	return paragraph(text, start);
}

/* Of this channel, as it is now. */
static char *shown(int ch)
{
	char *text = read_file(CHANNELS, AT_ONCE), *own = paragraph_of(text, ch);

	free(text);
	if (!own)
		die("no channel %llu in %s", ch_info(ch).id, CHANNELS);
	return own;
}

/* What is shown of it, but for times, from the line on that begins with this. */
static const char *shown_from(int ch, const char *start)
{
	const char *p = strstr(without_times(shown(ch)), start);

	return p ?: "";
}

static __printf(1, 2) char *text_of(const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	must(vasprintf(&text, fmt, ap));
	va_end(ap);
	return text;
}

/* The first time behind this. */
static uint64_t time_behind(const char *text, const char *what)
{
	unsigned long s, ns;
	const char *p = strstr(text, what);

	if (!p || !time_at(p + strlen(what)) ||
	    sscanf(p + strlen(what), "%lu.%lu", &s, &ns) != 2)
		die("no time behind '%s' in: %s", what, text);
	return s * SEC + ns;
}

FIXTURE(seen)
{
	int ch;
};

FIXTURE_SETUP(seen)
{
	if (access(CHANNELS, R_OK))
		SKIP(return, "no " CHANNELS ", or not for us");
	domain = chanctl();
	self->ch = ch_make(8, 0, 0);
	must(go_as(domain, 1, 0, "main"));
}

FIXTURE_TEARDOWN(seen)
{
	close(self->ch);
	close(domain);
}

static int look_as_nobody(void *arg)
{
	(void)arg;
	become_nobody();
	return open(CHANNELS, O_RDONLY) != -1 || errno != EACCES ||
	       open(GOROUTINES, O_RDONLY) != -1 || errno != EACCES;
}

TEST_F(seen, by_root_only)
{
	struct stat st;

	must(stat(CHANNELS, &st));
	EXPECT_EQ(S_IFREG | 0400, st.st_mode);
	must(stat(GOROUTINES, &st));
	EXPECT_EQ(S_IFREG | 0400, st.st_mode);
	EXPECT_EQ(0, child_wait(child_start(look_as_nobody, NULL)));
}

/* ---- channels ---- */

#define COUNTS	"\tsends %u, receives %u, handoffs 0, recv_parks 0, send_parks 0, aborts 0, lost 0\n"

TEST_F(seen, a_channel_as_it_is)
{
	int ch;

	EXPECT_STREQ(text_of("channel %llu [open]:\n"
			     "\tlen 0, cap 0, elem_size 8\n" COUNTS, ch_info(self->ch).id, 0, 0),
		     shown(self->ch));

	ch_remove(NAME);
	ch = must(ch_make_named(NAME, 8, 4, CHAN_AUTOCLOSE, 0600));
	must(send64(ch, 1));
	must(send64(ch, 2));
	recv64(ch);
	EXPECT_STREQ(text_of("channel %llu (" NAME ") [open, autoclose]:\n"
			     "\tlen 1, cap 4, elem_size 8\n" COUNTS, ch_info(ch).id, 2, 1),
		     shown(ch));
	must(ch_remove(NAME));
	EXPECT_STREQ(text_of("channel %llu (" NAME ") [removed, autoclose]:", ch_info(ch).id),
		     strtok(shown(ch), "\n"));
	close(ch);

	ch = ch_make(100, 1, CHAN_MESSAGE);
	must(ch_close(ch));
	EXPECT_STREQ(text_of("channel %llu [closed, message]:", ch_info(ch).id),
		     strtok(shown(ch), "\n"));
	close(ch);
	ch = ch_timer_at(CHAN_FOREVER);
	EXPECT_STREQ(text_of("channel %llu [open, timer]:", ch_info(ch).id),
		     strtok(shown(ch), "\n"));
	close(ch);
}

static long recv_as(struct task *t)
{
	must(prctl(PR_SET_NAME, t->buf));
	return recv64(t->fd) == 1 ? 0 : -1;
}

static void park_member(struct member *m, uint64_t id, int ch, long (*act)(struct task *t))
{
	m->t.fd = ch;
	m->id = id;
	m->act = act;
	if (act == task_do_send64)
		park_sender(&m->t, be_goroutine);
	else
		park_receiver(&m->t, be_goroutine);
}

TEST_F(seen, those_who_wait_in_the_order_of_their_queue)
{
	struct member first = { .name = "the first" }, last = { .name = "the last" };
	struct task plain = { .fd = self->ch, .buf = "\033[2Jx\n\\\1\377" };

	park_member(&first, 7, self->ch, task_do_recv64);
	park_receiver(&plain, recv_as);
	park_member(&last, 3, self->ch, task_do_recv64);
	EXPECT_STREQ(text_of("\t3 to receive, the oldest for T:\n"
			     "\t\tgoroutine 7 [chan receive, T]: the first() in thread %d\n"
			     "\t\tthread %d [chan receive, T]: \\e[2Jx\\n\\\\\\001\\377\n"
			     "\t\tgoroutine 3 [chan receive, T]: the last() in thread %d\n",
			     task_tid(&first.t), task_tid(&plain), task_tid(&last.t)),
		     shown_from(self->ch, "\t3 to"));
	/* It is the order in which they are served. */
	must(send64(self->ch, 1));
	task_join(&first.t);
	EXPECT_STREQ("\t2 to receive, the oldest for T:",
		     strtok((char *)shown_from(self->ch, "\t2 to"), "\n"));
	must(send64(self->ch, 1));
	EXPECT_EQ(0, task_join(&plain));
	must(send64(self->ch, 1));
	task_join(&last.t);
	EXPECT_NE(NULL, strstr(shown(self->ch), "sends 3, receives 3, handoffs 3, recv_parks 3,"));
	EXPECT_EQ(NULL, strstr(shown(self->ch), " to receive"));
}

TEST_F(seen, those_who_send_likewise)
{
	int ch = ch_make(8, 1, 0);
	struct member m = {};
	struct task t;

	must(send64(ch, 1));
	must(prctl(PR_SET_NAME, "tester"));
	park_send64(&t, ch, 2);
	park_member(&m, 2, ch, task_do_send64);
	EXPECT_STREQ(text_of("\t2 to send, the oldest for T:\n"
			     "\t\tthread %d [chan send, T]: tester\n"
			     "\t\tgoroutine 2 [chan send, T]: member() in thread %d\n",
			     task_tid(&t), task_tid(&m.t)), shown_from(ch, "\t2 to"));
	recv64(ch);
	recv64(ch);
	recv64(ch);
	task_join(&t);
	task_join(&m.t);
	close(ch);
}

TEST_F(seen, a_select_in_each_of_its_queues)
{
	int other = ch_make(8, 0, 0);
	uint64_t v = 1;
	struct chan_case cases[] = {
		sel_recv(self->ch, NULL, 0), sel_send(self->ch, &v, 8), sel_send(other, &v, 8),
	};
	struct task t;

	must(prctl(PR_SET_NAME, "tester"));
	park_select(&t, other, cases, ARRAY_SIZE(cases));
	EXPECT_STREQ(text_of("\t1 to receive, the oldest for T:\n"
			     "\t\tthread %d [select, T]: tester\n"
			     "\t1 to send, the oldest for T:\n"
			     "\t\tthread %d [select, T]: tester\n",
			     task_tid(&t), task_tid(&t)), shown_from(self->ch, "\t1 to"));
	EXPECT_STREQ(text_of("\t1 to send, the oldest for T:\n"
			     "\t\tthread %d [select, T]: tester\n", task_tid(&t)),
		     shown_from(other, "\t1 to"));
	recv64(other);
	EXPECT_EQ(2, task_join(&t));
	close(other);
}

static long task_do_call(struct task *t)
{
	struct chan_call call = {
		.size = sizeof(call), .out = t->fd, .in = t->size, .deadline = CHAN_FOREVER,
		.req = (uintptr_t)&t->value, .req_size = 8,
		.rep = (uintptr_t)&t->value, .rep_size = 8,
	};

	return xioctl(t->fd, CHAN_IOC_CALL, &call);
}

TEST_F(seen, a_call_where_it_waits)
{
	int reply = ch_make(8, 0, 0);
	struct task t = { .fd = self->ch, .size = reply };

	must(prctl(PR_SET_NAME, "tester"));
	park_sender(&t, task_do_call);
	EXPECT_STREQ(text_of("\t1 to send, the oldest for T:\n"
			     "\t\tthread %d [chan send, T]: tester\n", task_tid(&t)),
		     shown_from(self->ch, "\t1 to"));
	recv64(self->ch);
	wait_parked(reply, 1, 0);
	EXPECT_EQ(NULL, strstr(shown(self->ch), " to send,"));
	EXPECT_STREQ(text_of("\t1 to receive, the oldest for T:\n"
			     "\t\tthread %d [chan receive, T]: tester\n", task_tid(&t)),
		     shown_from(reply, "\t1 to"));
	must(send64(reply, 1));
	task_join(&t);
	close(reply);
}

TEST_F(seen, the_first_of_many)
{
	struct task t[LISTED + 6];
	unsigned int i;
	char *text;

	for (i = 0; i < ARRAY_SIZE(t); i++)
		park_send64(&t[i], self->ch, i);
	text = shown(self->ch);
	EXPECT_NE(NULL, strstr(text, "\n\t70 to send, "));
	EXPECT_NE(NULL, strstr(text, "\n\t\tand 6 more\n"));
	text = strstr(text, "\n\t\t");
	for (i = 0; i < LISTED; i++) {
		char *line = text_of("\n\t\tthread %d [", task_tid(&t[i]));

		EXPECT_EQ(0, strncmp(text, line, strlen(line)));
		text = strstr(text + 1, "\n\t\t");
	}
	EXPECT_STREQ("\n\t\tand 6 more\n", text);
	for (i = 0; i < 6; i++) {
		EXPECT_EQ(i, recv64(self->ch));
		task_join(&t[i]);
	}
	EXPECT_EQ(NULL, strstr(shown(self->ch), " more\n"));
	for (; i < ARRAY_SIZE(t); i++) {
		recv64(self->ch);
		task_join(&t[i]);
	}
}

TEST_F(seen, how_long_they_have_waited)
{
	uint64_t start = now_ns(), first;
	struct task t, u;
	char *text;

	must(prctl(PR_SET_NAME, "tester"));
	park_recv64(&t, self->ch);
	wait_asleep(task_tid(&t));
	wait_until(now_ns() + LAPSE + CLOCKS_APART);
	park_recv64(&u, self->ch);
	text = shown(self->ch);
	first = time_behind(text, "2 to receive, the oldest for ");
	EXPECT_LE(LAPSE, first);
	EXPECT_GE(now_ns() - start + CLOCKS_APART, first);
	EXPECT_EQ(first, time_behind(text, text_of("%d [chan receive, ", task_tid(&t))));
	EXPECT_LE(LAPSE, first - time_behind(text, text_of("%d [chan receive, ", task_tid(&u))));
	must(send64(self->ch, 1));
	must(send64(self->ch, 2));
	task_join(&t);
	task_join(&u);
}

/* From here on nobody else runs on this processor but while this task sleeps. */
static void go_first(int priority)
{
	struct sched_param param = { .sched_priority = priority };

	must(sched_setscheduler(0, priority ? SCHED_FIFO : SCHED_OTHER, &param));
}

/* It was completed by the other channel, and is still in the queue of this one. */
TEST_F(seen, not_those_whose_wait_has_ended)
{
	int other = ch_make(8, 0, 0), round, good = 0;
	struct chan_case cases[] = { sel_recv(self->ch, NULL, 0), sel_recv(other, NULL, 0) };
	struct task t, behind;
	char *text;

	pin_to(0);
	for (round = 0; round < 100 && !good; round++) {
		park_select(&t, other, cases, 2);
		park_recv64(&behind, self->ch);
		EXPECT_NE(NULL, strstr(shown(self->ch), "\t2 to receive, "));
		go_first(1);
		must(send64(other, 1));
		text = shown(self->ch);
		if (are_parked(self->ch, 2, 0)) {
			good++;
			EXPECT_STREQ(text_of("\t1 to receive, the oldest for T:\n"
					     "\t\tthread %d [chan receive, T]: debugfs_test\n",
					     task_tid(&behind)),
				     strstr(without_times(text), "\t1 to"));
		}
		go_first(0);
		EXPECT_EQ(1, task_join(&t));
		must(send64(self->ch, 1));
		task_join(&behind);
	}
	TH_LOG("seen in round %d", round);
	EXPECT_EQ(1, good);
	close(other);
}

/* ---- goroutines ---- */

static char *shown_goroutine(uint64_t id)
{
	char *text = read_file(GOROUTINES, AT_ONCE), *mine;

	mine = strstr(text, text_of("process %d (", getpid()));
	if (!mine)
		die("process %d is not shown", getpid());
	return paragraph(mine, text_of("goroutine %lu ", id));
}

TEST_F(seen, a_goroutine_with_what_it_waits_for)
{
	struct chan_case cases[12];
	struct member m = { .t = { .fd = self->ch, .buf = cases, .deadline = CHAN_FOREVER } };
	char *text = strdup("");
	const char *what;
	uint64_t v = 1;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct chan_case *sc = &cases[i];

		*sc = i % 2 ? sel_recv(0, NULL, 0) : sel_send(0, &v, 8);
		sc->ch = ch_make(8, 0, 0);
		what = i % 2 ? "to receive from" : "to send on";
		if (i < CHAN_GO_CASES)
			text = text_of("%s\t%s channel %llu\n", text, what, ch_info(sc->ch).id);
	}
	m.t.size = ARRAY_SIZE(cases);
	member_start(&m, 2, task_do_select);
	wait_select_parked(cases, ARRAY_SIZE(cases));
	EXPECT_STREQ(text_of("goroutine 2 [select, T]:\n"
			     "member()\n"
			     "%s\tand 4 cases more\n"
			     "\tin thread %d\n"
			     "created by goroutine 1\n", text, task_tid(&m.t)),
		     without_stacks(without_times(shown_goroutine(2))));
	EXPECT_STREQ(text_of("goroutine 1 [running]:\n"
			     "main()\n"
			     "\tin thread %d\n", gettid()), shown_goroutine(1));
	must(send64(cases[1].ch, 1));
	task_join(&m.t);
	EXPECT_EQ(NULL, shown_goroutine(2));
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		close(cases[i].ch);
}

TEST_F(seen, a_process_with_its_domain)
{
	struct member m = {};
	const char *text;

	must(prctl(PR_SET_NAME, "\033[2Jx\n\\\1\377"));
	park_member(&m, 2, self->ch, task_do_recv64);
	text = read_file(GOROUTINES, AT_ONCE);
	text = strstr(text, text_of("process %d (\\e[2Jx\\n\\\\\\001\\377), domain ", getpid()));
	ASSERT_NE(NULL, text);
	EXPECT_NE(NULL, strstr(text, ", goroutines 2, looks 0:\n\ngoroutine 1 ["));
	must(send64(self->ch, 1));
	task_join(&m.t);
}

/* Ends, and leaves a child behind that has the descriptor of its domain. */
static int leave_domain_to_child(void *arg)
{
	pid_t *child = arg;
	int own = chanctl();
	pid_t pid;

	must(go_as(own, 1, 0, "main"));
	must(go_detect(own, 1));
	pid = must(fork());
	if (!pid) {
		alarm(60);
		return pause();
	}
	*child = pid;
	return 0;
}

TEST_F(seen, a_process_that_has_gone_while_somebody_has_its_domain)
{
	pid_t *child = shared_alloc(4096), gone = child_start(leave_domain_to_child, child);
	const char *text;

	ASSERT_EQ(0, child_wait(gone));
	text = strstr(read_file(GOROUTINES, AT_ONCE), text_of("process %d (gone), domain ", gone));
	must(kill(*child, SIGKILL));
	ASSERT_NE(NULL, text);
	EXPECT_NE(NULL, strstr(strndup(text, strcspn(text, "\n")), ", goroutines 0, looks "));
	EXPECT_TRUE(eventually(!strstr(read_file(GOROUTINES, AT_ONCE),
				       text_of("process %d (", gone))));
}

/* ---- reading piece by piece ---- */

struct crowd {
	struct member members[10];
	struct task senders[LISTED + 6];
	int chs[40];
};

static struct crowd crowd;

static void crowd_start(int ch)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(crowd.chs); i++)
		crowd.chs[i] = ch_make(8, i, 0);
	for (i = 0; i < ARRAY_SIZE(crowd.members); i++)
		park_member(&crowd.members[i], 2 + i, crowd.chs[i % 5], task_do_recv64);
	for (i = 0; i < ARRAY_SIZE(crowd.senders); i++)
		park_send64(&crowd.senders[i], ch, 1);
}

static void crowd_end(int ch)
{
	unsigned int i;

	ch_close(ch);
	for (i = 0; i < ARRAY_SIZE(crowd.chs); i++)
		ch_close(crowd.chs[i]);
	for (i = 0; i < ARRAY_SIZE(crowd.members); i++)
		task_join(&crowd.members[i].t);
	for (i = 0; i < ARRAY_SIZE(crowd.senders); i++)
		task_join(&crowd.senders[i]);
	for (i = 0; i < ARRAY_SIZE(crowd.chs); i++)
		close(crowd.chs[i]);
}

TEST_F(seen, the_same_in_pieces_of_any_size)
{
	static const size_t sizes[] = { 1, 7, 100, 4095, 4096, 4097, 65536 };
	char *channels, *goroutines;
	unsigned int i;
	int fd;

	/* That makes more of one channel than a page. */
	must(prctl(PR_SET_NAME, "\1\2\3\4\1\2\3\4\1\2\3\4\1\2\3"));
	crowd_start(self->ch);
	EXPECT_LT(4096, strlen(shown(self->ch)));
	channels = without_times(read_file(CHANNELS, AT_ONCE));
	/* What was written down when it was opened is told any number of times. */
	fd = must(open(GOROUTINES, O_RDONLY));
	goroutines = read_rest(fd, AT_ONCE);
	EXPECT_LT(8192, strlen(channels));
	EXPECT_LT(512, strlen(goroutines));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_STREQ(channels, without_times(read_file(CHANNELS, sizes[i])));
		must(lseek(fd, 0, SEEK_SET));
		EXPECT_STREQ(goroutines, read_rest(fd, sizes[i]));
		EXPECT_STREQ(without_times(strdup(goroutines)),
			     without_times(read_file(GOROUTINES, sizes[i])));
	}
	/* From the middle on. */
	must(lseek(fd, 300, SEEK_SET));
	EXPECT_STREQ(goroutines + 300, read_rest(fd, 100));
	close(fd);
	crowd_end(self->ch);
}

static uint64_t channels_there_are(void)
{
	return ch_query(domain).channels;
}

/* How many channels a text shows; 0 if they are not in the order of their numbers. */
static unsigned int count_shown(const char *text)
{
	unsigned int n = 0;
	uint64_t last = 0, id;

	for (; *text; text = strstr(text, "\n\n") + 2, n++) {
		if (sscanf(text, "channel %lu ", &id) != 1 || id <= last)
			return 0;
		last = id;
	}
	return n;
}

TEST_F(seen, a_reader_who_stops_holds_no_channel)
{
	uint64_t before = channels_there_are();
	struct text text = {};
	int chs[30], fd;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(chs); i++)
		chs[i] = ch_make(8, 0, 0);
	/* He stops behind the first of them, when the second has been looked at. */
	fd = must(open(CHANNELS, O_RDONLY));
	while (!paragraph_of(text.bytes ?: "", chs[0]))
		ASSERT_TRUE(read_more(&text, fd, 1));
	for (i = 2; i < ARRAY_SIZE(chs); i += 2)
		close(chs[i]);
	EXPECT_EQ(before + 16, channels_there_are());
	chs[2] = ch_make(8, 0, 0);
	while (read_more(&text, fd, 1))
		;
	close(fd);
	EXPECT_EQ(before + 17, count_shown(text.bytes));
	EXPECT_NE(NULL, paragraph_of(text.bytes, chs[2]));
	close(chs[2]);
	for (i = 0; i < ARRAY_SIZE(chs); i += i ? 2 : 1) {
		EXPECT_NE(NULL, paragraph_of(text.bytes, chs[i]));
		close(chs[i]);
	}
	EXPECT_EQ(before, channels_there_are());
}

TEST_F(seen, what_was_there_when_the_goroutines_were_opened)
{
	struct member m = {};
	struct text text = {};
	int fd, other;

	other = chanctl();
	must(go_end(domain));
	must(go_as(other, 1, 0, "main"));
	park_member(&m, 2, self->ch, task_do_recv64);
	fd = must(open(GOROUTINES, O_RDONLY));
	read_more(&text, fd, 1);
	must(send64(self->ch, 1));
	task_join(&m.t);
	close(other);
	close(domain);
	while (read_more(&text, fd, 100))
		;
	close(fd);
	EXPECT_NE(NULL, strstr(text.bytes, "\ngoroutine 1 [running]:\nmain()\n"));
	EXPECT_NE(NULL, strstr(without_times(text.bytes),
			       "\ngoroutine 2 [chan receive, T]:\nmember()\n"));
	EXPECT_EQ(NULL, strstr(read_file(GOROUTINES, AT_ONCE), "\ngoroutine "));
	domain = chanctl();
}

/* ---- all at once ---- */

static bool over;

static bool is_over(void)
{
	return __atomic_load_n(&over, __ATOMIC_RELAXED);
}

/* In all ways in which one may wait, on a channel that stays and on one that does not. */
static long bustle(struct task *t)
{
	struct member *m = member_of(t);
	uint64_t v;

	while (!is_over()) {
		int ch = ch_make(8, 0, 0);
		struct chan_case cases[] = {
			sel_recv(t->fd, &v, 8), sel_send(ch, &m->id, 8), sel_send(t->fd, &m->id, 8),
		};

		switch (m->id % 3) {
		case 0:
			ch_send_until(t->fd, &m->id, 8, now_ns() + MS);
			break;
		case 1:
			ch_recv_until(t->fd, &v, 8, now_ns() + MS);
			break;
		default:
			ch_select_until(t->fd, cases, 3, now_ns() + MS);
		}
		go_end(domain);
		go_as(domain, m->id, 1, "bustle");
		close(ch);
	}
	return 0;
}

/* Whether each line of a text begins with one of these, but for those of the stacks. */
static bool has_only_lines(char *text, const char *const *starts)
{
	char *line, *rest = without_stacks(text);
	unsigned int i;

	while ((line = strsep(&rest, "\n"))) {
		for (i = 0; starts[i] && strncmp(line, starts[i], strlen(starts[i])); i++)
			;
		if (!starts[i] && *line)
			return false;
	}
	return true;
}

static const char *const lines_of_channels[] = {
	"channel ", "\tlen ", "\tsends ", "\t\tgoroutine ", "\t\tthread ", "\t\tand ",
	"\t0 to ", "\t1 to ", "\t2 to ", "\t3 to ", "\t4 to ", "\t5 to ", "\t6 to ",
	"\t7 to ", "\t8 to ", NULL
};

static const char *const lines_of_goroutines[] = {
	"process ", "goroutine ", "main()", "bustle()", "member()", "\tto receive from channel ",
	"\tto send on channel ", "\tor until a time", "\tin thread ", "created by goroutine 1",
	NULL
};

static long read_all_the_time(struct task *t)
{
	while (!is_over()) {
		char *text = read_file(t->buf, t->size);

		if (!has_only_lines(text, t->value ? lines_of_goroutines : lines_of_channels))
			die("%s: an odd line: %s", (char *)t->buf, text);
		free(text);
		__atomic_add_fetch(&t->deadline, 1, __ATOMIC_RELAXED);
	}
	return 0;
}

TEST_F(seen, sound_texts_while_everybody_comes_and_goes)
{
	struct task readers[] = {
		{ .buf = CHANNELS, .size = 100 },
		{ .buf = CHANNELS, .size = AT_ONCE },
		{ .buf = GOROUTINES, .size = 100, .value = 1 },
		{ .buf = GOROUTINES, .size = AT_ONCE, .value = 1 },
	};
	struct member m[8] = {};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(m); i++) {
		m[i].t.fd = self->ch;
		m[i].quiet = true;
		member_start(&m[i], 2 + i, bustle);
	}
	for (i = 0; i < ARRAY_SIZE(readers); i++)
		task_start(&readers[i], read_all_the_time);
	wait_until(now_ns() + 3 * SEC);
	/* However long one of them has no processor. */
	for (i = 0; i < ARRAY_SIZE(readers); i++)
		EXPECT_TRUE(eventually(__atomic_load_n(&readers[i].deadline, __ATOMIC_RELAXED)));
	__atomic_store_n(&over, true, __ATOMIC_RELAXED);
	for (i = 0; i < ARRAY_SIZE(m); i++)
		task_join(&m[i].t);
	for (i = 0; i < ARRAY_SIZE(readers); i++) {
		task_join(&readers[i]);
		TH_LOG("%s read %lu times", (char *)readers[i].buf, readers[i].deadline);
	}
}

/* ---- readers who are killed ---- */

/* Goroutines for as long as it lives, so many that to search among them takes its time. */
static int be_many(void *arg)
{
	static struct member many[100];
	int ch = ch_make(8, 0, 0);
	bool *ready = arg;
	unsigned int i;

	domain = chanctl();
	for (i = 0; i < ARRAY_SIZE(many); i++)
		park_member(&many[i], 1 + i, ch, task_do_recv64);
	__atomic_store_n(ready, true, __ATOMIC_RELEASE);
	return pause();
}

static int read_for_ever(void *arg)
{
	uint64_t *reads = arg;

	do
		free(read_file(GOROUTINES, AT_ONCE));
	while (__atomic_add_fetch(reads, 1, __ATOMIC_RELAXED));
	return 0;
}

/* One searches, and the other waits for that. */
TEST_F(seen, readers_killed_at_any_moment_leave_nothing_behind)
{
	uint64_t *reads = shared_alloc(4096), i, rounds = scaled(200);
	bool *ready = shared_alloc(4096);
	pid_t many = child_start(be_many, ready), readers[2];

	ASSERT_TRUE(eventually(__atomic_load_n(ready, __ATOMIC_ACQUIRE)));
	for (i = 0; i < rounds; i++) {
		uint64_t before = __atomic_load_n(reads, __ATOMIC_RELAXED);

		readers[0] = child_start(read_for_ever, reads);
		readers[1] = child_start(read_for_ever, reads);
		ASSERT_TRUE(eventually(__atomic_load_n(reads, __ATOMIC_RELAXED) > before + 2));
		wait_until(now_ns() + i % 20 * (MS / 4));
		EXPECT_EQ(128 + SIGKILL, child_kill(readers[i % 2]));
		EXPECT_EQ(128 + SIGKILL, child_kill(readers[!(i % 2)]));
	}
	EXPECT_NE(NULL, strstr(read_file(GOROUTINES, AT_ONCE), "goroutines 100, looks 0:\n"));
	EXPECT_EQ(128 + SIGKILL, child_kill(many));
	EXPECT_TRUE(eventually(!strstr(read_file(GOROUTINES, AT_ONCE),
				       text_of("process %d (", many))));
}

TEST_HARNESS_MAIN
