// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is counted over all channels, and how long calls wait.
 *
 * Nobody but the test uses channels, so that each count is exact: what is expected is the
 * difference from what was there before.
 */
#include "chan_test.h"

#define WAITS		"/sys/class/misc/chanctl/waits/"
#define NAME		"metrics_test"

#define BUCKETS		31
#define LAPSE		(40 * MS)

/* ---- histograms ---- */

struct hist {
	uint64_t bound[BUCKETS];
	uint64_t count[BUCKETS];
	uint64_t sum;
};

static struct hist hist_in(const char *path)
{
	char text[4096], *p = text;
	struct hist h = {};
	unsigned int i;
	int n;

	if (read_text(path, text, sizeof(text)) <= 0)
		die("%s: no histogram", path);
	for (i = 0; i < BUCKETS - 1; i++, p += n)
		if (sscanf(p, "%lu %lu\n%n", &h.bound[i], &h.count[i], &n) != 2)
			die("%s: bad line %u", path, i + 1);
	h.bound[i] = UINT64_MAX;
	if (sscanf(p, "+Inf %lu\nsum %lu\n%n", &h.count[i], &h.sum, &n) != 2 || p[n])
		die("%s: bad end: %s", path, p);
	return h;
}

static struct hist waits_of(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), WAITS "%s", name);
	return hist_in(path);
}

/* Of times above @least, and not above @most. */
static uint64_t count_between(const struct hist *h, uint64_t least, uint64_t most)
{
	uint64_t below = 0, n = 0;
	unsigned int i;

	for (i = 0; i < BUCKETS; i++) {
		if (h->bound[i] >= least && below < most)
			n += h->count[i];
		below = h->bound[i];
	}
	return n;
}

static uint64_t count_all(const struct hist *h)
{
	return count_between(h, 0, UINT64_MAX);
}

/* ---- totals ---- */

TEST(totals_count_what_happens_on_any_channel)
{
	static const struct {
		const char *name;
		int more;
	} expected[] = {
		{ "channels_made", 1 }, { "channels_freed", 0 }, { "sends", 3 }, { "receives", 3 },
		{ "handoffs", 1 }, { "recv_parks", 2 }, { "send_parks", 1 }, { "aborts", 1 },
		{ "lost", 0 },
	};
	uint64_t before[ARRAY_SIZE(expected)], v;
	struct task t, u;
	unsigned int i;
	int ch;

	for (i = 0; i < ARRAY_SIZE(expected); i++)
		before[i] = read_total(expected[i].name);
	ch = ch_make(8, 1, 0);
	must(send64(ch, 1));			/* into the ring */
	park_send64(&t, ch, 2);			/* parks */
	recv64(ch);				/* lets it in */
	recv64(ch);
	task_join(&t);
	park_recv64(&u, ch);			/* parks */
	must(send64(ch, 3));			/* handed over */
	task_join(&u);
	time_out_parked(ch_info(ch).recv_parks, ch_recv_until(ch, &v, 8, until));
	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		const char *name = expected[i].name;

		EXPECT_EQ(before[i] + expected[i].more, read_total(name)) TH_LOG("%s", name);
	}
}

TEST(totals_survive_the_channel)
{
	uint64_t sends = read_total("sends"), receives = read_total("receives"), freed;
	int ch = ch_make(8, 4, 0);
	int i;

	for (i = 0; i < 4; i++)
		must(send64(ch, i));
	recv64(ch);
	freed = read_total("channels_freed");
	close(ch);
	EXPECT_EQ(freed + 1, read_total("channels_freed"));
	EXPECT_EQ(sends + 4, read_total("sends"));
	EXPECT_EQ(receives + 1, read_total("receives"));
}

TEST(made_and_freed_differ_by_what_exists)
{
	int ch = ch_make(8, 0, 0);
	int timer = ch_timer_at(CHAN_FOREVER);

	EXPECT_EQ(ch_query(ch).channels,
		  read_total("channels_made") - read_total("channels_freed"));
	close(timer);
	EXPECT_EQ(ch_query(ch).channels,
		  read_total("channels_made") - read_total("channels_freed"));
}

TEST(a_removed_channel_counts_to_its_last_descriptor)
{
	int ch = must(ch_make_named(NAME, 8, 1, 0, 0600));
	uint64_t freed = read_total("channels_freed"), sends = read_total("sends");

	must(send64(ch, 1));
	must(ch_remove(NAME));
	EXPECT_EQ(freed, read_total("channels_freed"));
	EXPECT_EQ(sends + 1, read_total("sends"));
	close(ch);
	EXPECT_EQ(freed + 1, read_total("channels_freed"));
	EXPECT_EQ(sends + 1, read_total("sends"));
}

/* ---- waits of the module ---- */

/* From then on it is known how long it waits, however long it took to sleep once it was queued. */
static void park_receiver_asleep(struct task *t, int ch)
{
	park_recv64(t, ch);
	wait_asleep(task_tid(t));
}

static void park_sender_asleep(struct task *t, int ch, uint64_t v)
{
	park_send64(t, ch, v);
	wait_asleep(task_tid(t));
}

/* By the clock of every processor. */
static void let_time_lapse(void)
{
	wait_until(now_ns() + LAPSE + CLOCKS_APART);
}

TEST(a_wait_counts_in_the_bucket_of_its_time)
{
	struct hist before = waits_of("recv_ready"), after;
	uint64_t start = now_ns(), elapsed;
	int ch = ch_make(8, 0, 0), i;
	struct task t[5];

	for (i = 0; i < 5; i++)
		park_receiver_asleep(&t[i], ch);
	let_time_lapse();
	for (i = 0; i < 5; i++)
		must(send64(ch, i));
	for (i = 0; i < 5; i++)
		task_join(&t[i]);
	elapsed = now_ns() - start + CLOCKS_APART;

	after = waits_of("recv_ready");
	EXPECT_EQ(count_all(&before) + 5, count_all(&after));
	EXPECT_EQ(count_between(&before, LAPSE, elapsed) + 5,
		  count_between(&after, LAPSE, elapsed));
	EXPECT_LE(before.sum + 5 * LAPSE, after.sum);
	EXPECT_GE(before.sum + 5 * elapsed, after.sum);
}

TEST(a_call_that_need_not_park_counts_nowhere)
{
	struct hist sent = waits_of("send_ready"), received = waits_of("recv_ready"), h;
	int ch = ch_make(8, 1, 0), i;

	for (i = 0; i < 100; i++) {
		must(send64(ch, i));
		recv64(ch);
	}
	EXPECT_EQ(UINT64_MAX, try_recv64(ch));
	h = waits_of("send_ready");
	EXPECT_EQ(0, memcmp(&sent, &h, sizeof(h)));
	h = waits_of("recv_ready");
	EXPECT_EQ(0, memcmp(&received, &h, sizeof(h)));
}

static const char * const kinds[] = {
	"recv_ready", "recv_timeout", "recv_signal", "recv_deadlock",
	"send_ready", "send_timeout", "send_signal", "send_deadlock",
	"select_ready", "select_timeout", "select_signal", "select_deadlock",
};

#define KINDS		ARRAY_SIZE(kinds)

static uint64_t count_of(const char *kind)
{
	struct hist h = waits_of(kind);

	return count_all(&h);
}

static void count_kinds(uint64_t counts[KINDS])
{
	unsigned int i;

	for (i = 0; i < KINDS; i++)
		counts[i] = count_of(kinds[i]);
}

/* Whether this kind has so many more than before, and no other has more. */
static void expect_more(struct __test_metadata *_metadata, const uint64_t before[KINDS],
			const char *kind, int n)
{
	uint64_t after[KINDS];
	unsigned int i;

	count_kinds(after);
	for (i = 0; i < KINDS; i++)
		EXPECT_EQ(before[i] + (strcmp(kinds[i], kind) ? 0 : n), after[i])
			TH_LOG("%s, of %s", kinds[i], kind);
}

static void interrupt(struct task *t)
{
	catch(SIGUSR1, 0);
	pthread_kill(t->thread, SIGUSR1);
	if (task_join(t) != -EINTR)
		die("the call was not interrupted: %ld", t->ret);
}

/* Who need not sleep, because others ran before it would have, is not counted. */
static void let_all_sleep(bool on)
{
	static const char path[] = "/sys/module/chan/parameters/give_way";
	FILE *f = fopen(path, "w");

	if (!f || fputs(on ? "N" : "Y", f) < 0 || fclose(f))
		die("%s: %m", path);
}

TEST(receives_are_told_apart_by_their_end)
{
	int ch = ch_make(8, 0, 0);
	uint64_t before[KINDS], v;
	struct task t, u;

	let_all_sleep(true);
	count_kinds(before);
	time_out_parked(ch_info(ch).recv_parks, ch_recv_until(ch, &v, 8, until));
	expect_more(_metadata, before, "recv_timeout", 1);
	count_kinds(before);
	park_recv64(&t, ch);
	interrupt(&t);
	expect_more(_metadata, before, "recv_signal", 1);
	count_kinds(before);
	park_recv64(&t, ch);
	must(send64(ch, 1));
	task_join(&t);
	expect_more(_metadata, before, "recv_ready", 1);
	count_kinds(before);
	park_recv64(&t, ch);
	park_recv64(&u, ch);
	must(ch_close(ch));
	task_join(&t);
	task_join(&u);
	expect_more(_metadata, before, "recv_ready", 2);
	let_all_sleep(false);
}

TEST(sends_are_told_apart_by_their_end)
{
	int ch = ch_make(8, 0, 0);
	uint64_t before[KINDS], v = 1;
	struct task t;

	let_all_sleep(true);
	count_kinds(before);
	time_out_parked(ch_info(ch).send_parks, ch_send_until(ch, &v, 8, until));
	expect_more(_metadata, before, "send_timeout", 1);
	count_kinds(before);
	park_send64(&t, ch, 1);
	interrupt(&t);
	expect_more(_metadata, before, "send_signal", 1);
	count_kinds(before);
	park_send64(&t, ch, 1);
	recv64(ch);
	task_join(&t);
	expect_more(_metadata, before, "send_ready", 1);
	count_kinds(before);
	park_send64(&t, ch, 1);
	must(ch_close(ch));
	EXPECT_EQ(-EPIPE, task_join(&t));
	expect_more(_metadata, before, "send_ready", 1);
	let_all_sleep(false);
}

TEST(selects_are_told_apart_by_their_end)
{
	int a = ch_make(8, 0, 0), b = ch_make(8, 0, 0);
	uint64_t before[KINDS], v, w;
	struct chan_case cases[] = { sel_recv(a, &v, 8), sel_recv(b, &w, 8) };
	struct task t;

	let_all_sleep(true);
	count_kinds(before);
	time_out_parked(ch_info(a).recv_parks, ch_select_until(a, cases, 2, until));
	expect_more(_metadata, before, "select_timeout", 1);
	count_kinds(before);
	time_out_parked(count_of("select_timeout"), ch_select_until(a, NULL, 0, until));
	expect_more(_metadata, before, "select_timeout", 1);
	count_kinds(before);
	park_select(&t, a, cases, 2);
	interrupt(&t);
	expect_more(_metadata, before, "select_signal", 1);
	count_kinds(before);
	park_select(&t, a, cases, 2);
	must(send64(b, 1));
	EXPECT_EQ(1, task_join(&t));
	expect_more(_metadata, before, "select_ready", 1);
	count_kinds(before);
	EXPECT_EQ(-EAGAIN, ch_try_select(a, cases, 2));
	expect_more(_metadata, before, "none", 0);
	let_all_sleep(false);
}

/* ---- one channel ---- */

static char dir[64];

static const char *file(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int make_channel(const char *name, uint64_t cap)
{
	int ch;

	ch_remove(name);
	ch = must(ch_make_named(name, 8, cap, 0, 0600));
	snprintf(dir, sizeof(dir), "/sys/class/chan/chan%u", ch_info(ch).minor);
	return ch;
}

FIXTURE(channel)
{
	int ch;
};

FIXTURE_SETUP(channel)
{
	self->ch = make_channel(NAME, 0);
}

FIXTURE_TEARDOWN(channel)
{
	write_text(PARAM_DIR "wait_histograms", "0");
	ch_remove(NAME);
	close(self->ch);
}

TEST_F(channel, records_nothing_unless_asked)
{
	char text[64];
	struct task t;

	EXPECT_EQ(0, number_in(file("wait_histograms")));
	park_recv64(&t, self->ch);
	must(send64(self->ch, 1));
	task_join(&t);
	EXPECT_EQ(0, read_text(file("recvq_waits"), text, sizeof(text)));
	EXPECT_EQ(0, read_text(file("sendq_waits"), text, sizeof(text)));
}

TEST_F(channel, records_from_when_it_is_asked)
{
	uint64_t start, elapsed;
	struct hist recv, send;
	struct task t[3];
	int i;

	/* Who waits already is counted too. */
	park_receiver_asleep(&t[0], self->ch);
	EXPECT_LT(0, write_text(file("wait_histograms"), "1"));
	EXPECT_EQ(1, number_in(file("wait_histograms")));
	must(send64(self->ch, 1));
	task_join(&t[0]);

	start = now_ns();
	for (i = 0; i < 3; i++)
		park_sender_asleep(&t[i], self->ch, i);
	let_time_lapse();
	for (i = 0; i < 3; i++)
		recv64(self->ch);
	for (i = 0; i < 3; i++)
		task_join(&t[i]);
	elapsed = now_ns() - start + CLOCKS_APART;

	recv = hist_in(file("recvq_waits"));
	send = hist_in(file("sendq_waits"));
	EXPECT_EQ(1, count_all(&recv));
	EXPECT_EQ(3, count_all(&send));
	EXPECT_EQ(3, count_between(&send, LAPSE, elapsed));
	EXPECT_LE(3 * LAPSE, send.sum);
	EXPECT_GE(3 * elapsed, send.sum);
}

TEST_F(channel, bounds_are_powers_of_two)
{
	struct hist h;
	unsigned int i;

	must(write_text(file("wait_histograms"), "1"));
	h = hist_in(file("recvq_waits"));
	for (i = 0; i < BUCKETS - 1; i++)
		EXPECT_EQ(1024UL << i, h.bound[i]);
}

TEST_F(channel, goes_on_recording)
{
	struct hist h;
	struct task t;

	EXPECT_LT(0, write_text(file("wait_histograms"), "0"));
	EXPECT_LT(0, write_text(file("wait_histograms"), "1"));
	park_recv64(&t, self->ch);
	must(send64(self->ch, 1));
	task_join(&t);
	EXPECT_EQ(-EBUSY, write_text(file("wait_histograms"), "0"));
	EXPECT_LT(0, write_text(file("wait_histograms"), "1\n"));
	EXPECT_EQ(-EINVAL, write_text(file("wait_histograms"), "maybe"));
	h = hist_in(file("recvq_waits"));
	EXPECT_EQ(1, count_all(&h));
}

TEST_F(channel, a_select_counts_where_it_ended)
{
	int other = ch_make(8, 0, 0);
	uint64_t v, w;
	struct chan_case cases[] = { sel_recv(self->ch, &v, 8), sel_recv(other, &w, 8) };
	struct hist h;
	struct task t;

	must(write_text(file("wait_histograms"), "1"));
	park_select(&t, other, cases, 2);
	must(send64(other, 1));
	task_join(&t);
	h = hist_in(file("recvq_waits"));
	EXPECT_EQ(0, count_all(&h));
	park_select(&t, other, cases, 2);
	must(send64(self->ch, 1));
	task_join(&t);
	h = hist_in(file("recvq_waits"));
	EXPECT_EQ(1, count_all(&h));
	/* That ended nowhere, so everywhere. */
	time_out_parked(ch_info(other).recv_parks, ch_select_until(other, cases, 2, until));
	h = hist_in(file("recvq_waits"));
	EXPECT_EQ(2, count_all(&h));
}

TEST_F(channel, the_parameter_is_for_those_made_from_then_on)
{
	int ch;

	must(write_text(PARAM_DIR "wait_histograms", "1"));
	EXPECT_EQ(0, number_in(file("wait_histograms")));
	ch = make_channel(NAME "2", 0);
	EXPECT_EQ(1, number_in(file("wait_histograms")));
	must(write_text(PARAM_DIR "wait_histograms", "0"));
	EXPECT_EQ(1, number_in(file("wait_histograms")));
	must(ch_remove(NAME "2"));
	close(ch);
	ch = make_channel(NAME "2", 0);
	EXPECT_EQ(0, number_in(file("wait_histograms")));
	must(ch_remove(NAME "2"));
	close(ch);
}

TEST_F(channel, the_oldest_wait_grows_until_it_ends)
{
	uint64_t start = now_ns(), first, second;
	struct task t, u;

	EXPECT_EQ(0, number_in(file("recvq_oldest_ns")));
	park_receiver_asleep(&t, self->ch);
	let_time_lapse();
	first = number_in(file("recvq_oldest_ns"));
	EXPECT_LE(LAPSE, first);
	park_receiver_asleep(&u, self->ch);
	EXPECT_TRUE(eventually((second = number_in(file("recvq_oldest_ns"))) > first));
	EXPECT_GE(now_ns() - start + CLOCKS_APART, second);
	EXPECT_EQ(0, number_in(file("sendq_oldest_ns")));
	must(send64(self->ch, 1));
	task_join(&t);
	/* The second is the oldest now. */
	let_time_lapse();
	EXPECT_LE(LAPSE, number_in(file("recvq_oldest_ns")));
	must(send64(self->ch, 2));
	task_join(&u);
	EXPECT_EQ(0, number_in(file("recvq_oldest_ns")));

	park_sender_asleep(&t, self->ch, 3);
	let_time_lapse();
	EXPECT_LE(LAPSE, number_in(file("sendq_oldest_ns")));
	EXPECT_EQ(0, number_in(file("recvq_oldest_ns")));
	recv64(self->ch);
	task_join(&t);
}

/* ---- who may what ---- */

static int try_as_nobody(void *arg)
{
	char text[4096];

	(void)arg;
	become_nobody();
	if (write_text(file("wait_histograms"), "1") != -EACCES ||
	    write_text(PARAM_DIR "wait_histograms", "1") != -EACCES ||
	    write_text(TOTALS_DIR "sends", "1") != -EACCES)
		return 1;
	if (read_text(TOTALS_DIR "sends", text, sizeof(text)) <= 0 ||
	    read_text(WAITS "recv_ready", text, sizeof(text)) <= 0 ||
	    read_text(file("recvq_oldest_ns"), text, sizeof(text)) <= 0)
		return 2;
	return 0;
}

TEST_F(channel, everybody_reads_and_root_writes)
{
	if (!is_root())
		SKIP(return, "needs root, to become somebody else");
	EXPECT_EQ(0, child_wait(child_start(try_as_nobody, NULL)));
	EXPECT_EQ(0, number_in(file("wait_histograms")));
}

/* ---- memory ---- */

#define MANY		1000
#define MOST		(MANY - MANY / 4)

/*
 * Objects in use of 512 bytes, as histograms are; -1 if that is not to be told.  Kernels that
 * charge memory to a cgroup keep such objects apart, which hides most of what others do.
 */
static long objects_of_512(void)
{
	static char text[1 << 20];
	char *line, *rest = text;
	long n, any = -1;

	if (read_text("/proc/slabinfo", text, sizeof(text)) <= 0)
		return -1;
	while ((line = strsep(&rest, "\n"))) {
		if (sscanf(line, "kmalloc-cg-512 %ld", &n) == 1)
			return n;
		if (sscanf(line, "kmalloc-512 %ld", &n) == 1)
			any = n;
	}
	return any;
}

static long objects_of_channels(void)
{
	static int chs[MANY];
	long before = objects_of_512(), after;
	int i;

	for (i = 0; i < MANY; i++)
		chs[i] = must(ch_make(8, 0, 0));
	after = objects_of_512();
	for (i = 0; i < MANY; i++)
		must(close(chs[i]));
	return after - before;
}

/*
 * Objects that so many channels take.  What the tests before have left is freed meanwhile, when
 * nobody reads it any more, so that a look finds too few: the most of several.
 */
static long most_objects_of_channels(int looks)
{
	long n, most = 0;

	while (looks-- > 0 && most < MOST) {
		n = objects_of_channels();
		if (n > most)
			most = n;
	}
	return most;
}

TEST_F(channel, without_histograms_takes_no_memory_for_them)
{
	struct rlimit files = { MANY + 100, MANY + 100 };
	long without, with;

	if (objects_of_512() < 0)
		SKIP(return, "no /proc/slabinfo that tells");
	must(setrlimit(RLIMIT_NOFILE, &files));
	without = most_objects_of_channels(5);
	must(write_text(PARAM_DIR "wait_histograms", "1"));
	with = most_objects_of_channels(50);
	must(write_text(PARAM_DIR "wait_histograms", "0"));
	TH_LOG("%d channels: %ld objects of 512 bytes, with histograms %ld", MANY, without, with);
	EXPECT_GT(MANY / 2, without);
	EXPECT_LE(MOST, with);
}

/* ---- under load ---- */

#define USERS		3

/* Of all tasks: sends that may have begun, and that are certainly over. */
static uint64_t begun, over;
static bool stop;

/* A channel lives for a few sends, most of which are never received. */
static long make_use_and_close(struct task *t)
{
	unsigned int i;

	(void)t;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		int ch = must(ch_make(8, 4, 0));

		for (i = 0; i < 4; i++) {
			__atomic_add_fetch(&begun, 1, __ATOMIC_SEQ_CST);
			must(send64(ch, i));
			__atomic_add_fetch(&over, 1, __ATOMIC_SEQ_CST);
		}
		close(ch);
	}
	return 0;
}

/* Between channels that stay, so that going over them takes a while. */
TEST(totals_are_exact_while_channels_come_and_go)
{
	uint64_t base, end, last = 0, reads = 0;
	int stay[200];
	struct task t[USERS];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(stay); i++)
		stay[i] = ch_make(8, 1, 0);
	base = read_total("sends");
	begun = 0;
	over = 0;
	stop = false;
	for (i = 0; i < USERS; i++)
		task_start(&t[i], make_use_and_close);
	for (end = now_ns() + stress_ns(4); now_ns() < end; reads++) {
		uint64_t least = __atomic_load_n(&over, __ATOMIC_SEQ_CST);
		uint64_t seen = read_total("sends") - base;
		uint64_t most = __atomic_load_n(&begun, __ATOMIC_SEQ_CST);

		ASSERT_LE(least, seen);
		ASSERT_GE(most, seen);
		ASSERT_LE(last, seen);
		last = seen;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < USERS; i++)
		task_join(&t[i]);
	TH_LOG("%lu reads during %lu sends on %lu channels", reads, over, over / 4);
	EXPECT_EQ(over, begun);
	EXPECT_EQ(over, read_total("sends") - base);
	for (i = 0; i < ARRAY_SIZE(stay); i++)
		close(stay[i]);
}

static long read_everything(struct task *t)
{
	uint64_t sends = 0, waits = 0;
	char path[128], text[4096];

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		uint64_t s = read_total("sends");
		struct hist h = waits_of("recv_ready");

		if (s < sends || count_all(&h) < waits)
			die("a counter went back");
		sends = s;
		waits = count_all(&h);
		/* This one comes and goes. */
		snprintf(path, sizeof(path), "/sys/class/chan/chan%lu/recvq_waits", t->value);
		read_text(path, text, sizeof(text));
		t->size++;
	}
	return 0;
}

static long record_and_remove(struct task *t)
{
	char path[128], name[32];
	struct task r;
	int ch;

	snprintf(name, sizeof(name), NAME "%lu", t->value);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		ch = must(ch_make_named(name, 8, 0, 0, 0600));
		park_recv64(&r, ch);
		snprintf(path, sizeof(path), "/sys/class/chan/chan%u/wait_histograms",
			 ch_info(ch).minor);
		must(write_text(path, "1"));
		must(t->size++ % 2 ? send64(ch, 1) : ch_remove(name));
		task_join(&r);
		ch_remove(name);
		close(ch);
	}
	return 0;
}

TEST(readers_and_channels_that_come_and_go_do_not_harm_each_other)
{
	struct task readers[2], makers[2];
	unsigned int i;

	stop = false;
	for (i = 0; i < 2; i++) {
		readers[i] = (struct task){ .value = i };
		makers[i] = (struct task){ .value = i };
		task_start(&readers[i], read_everything);
		task_start(&makers[i], record_and_remove);
	}
	wait_until(now_ns() + stress_ns(4));
	for (i = 0; i < 2; i++)
		EXPECT_TRUE(eventually(__atomic_load_n(&readers[i].size, __ATOMIC_RELAXED) &&
				       __atomic_load_n(&makers[i].size, __ATOMIC_RELAXED)));
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (i = 0; i < 2; i++) {
		task_join(&readers[i]);
		task_join(&makers[i]);
	}
	TH_LOG("%u and %u reads, %u and %u channels", readers[0].size, readers[1].size,
	       makers[0].size, makers[1].size);
	EXPECT_EQ(read_total("channels_made") - read_total("channels_freed"),
		  ch_query(chanctl()).channels);
}

TEST_HARNESS_MAIN
