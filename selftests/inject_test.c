// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each operation, as users do it, with each of its allocations and user copies failing once, in
 * turn; then with no memory at all from that one on; and with each part of the user memory it is
 * given missing or read-only.
 *
 * An operation that fails does so with ENOMEM or EFAULT, has done nothing, and succeeds when it
 * is repeated; but a receive may lose its element, which is counted.  What was sent is received
 * once and in order, the counters of the channel say so, and nothing is left in the end.
 *
 * What is copied by an instruction in place, such as a word, cannot be made to fail but by its
 * memory.  Documentation/testing.rst says which allocation fails in which operation.
 */
#include <dirent.h>

#include "inject_test.h"

#define PAGE		4096UL
#define AREAS		8
#define STRANGER	54321

/* To make a device has many points, and to make it is slow where they can fail. */
#define FAIL_SECONDS	900

#define NAME		"inject"

enum role {
	NOW,		/* it need not wait */
	PARKS,		/* it waits, and is completed; in a thread of its own */
	COMPLETES,	/* it completes one that waits */
};

enum direction {
	NEITHER,
	SENDS,
	RECEIVES,
	CALLS,		/* sends on one channel, receives on another */
};

struct world;

/**
 * struct op - an operation
 * @prepare: what comes before, and the arguments.
 * @run: does it; returns how many elements were sent or received, or -errno.  Of one that does
 *	neither: 0 or more is good.
 * @undo: the effect of one that neither sends nor receives, given what it returned.
 * @cleanup: of what @prepare has made, beside descriptors and memory of the world.
 * @param: of the module, that is set while it runs.
 * @cmd: of its ioctl.
 * @size: of an element.
 * @cap: of the channel.
 * @flags: of the channel.
 * @ahead: so many elements are in the buffer before.
 * @n: elements at a time, if not one.
 * @cases: of a select; all but the first wait for what never comes.
 * @quiet: the kernel makes no object and no copy fail here.
 * @pages_only: but pages.
 * @fresh: the memory to receive into has not been used before.
 * @stranger: it is done by a user whom the module does not know.
 */
struct op {
	enum direction direction;
	enum role role;
	void (*prepare)(struct world *w);
	long (*run)(struct world *w);
	void (*undo)(struct world *w, long ret);
	void (*cleanup)(struct world *w);
	const char *param;
	unsigned int cmd;
	uint32_t size;
	uint32_t cap;
	uint32_t flags;
	uint32_t ahead;
	uint32_t n;
	uint32_t cases;
	bool quiet;
	bool pages_only;
	bool fresh;
	bool stranger;
};

/* A channel, and how many elements have gone in and come out of it; the lost ones did. */
struct flow {
	int fd;
	uint32_t sent;
	uint32_t received;
	uint32_t lost;
};

struct area {
	void *start;
	size_t pages;
};

struct level {
	uint64_t channels;
	uint64_t user_channels;
	uint64_t user_names;
	uint64_t user_bytes;
	unsigned int nodes;
	unsigned int users;
};

/**
 * struct world - an operation and what there is for it
 * @flow: the channel; in a call, of the request.
 * @reply: in a call.
 * @fd: that takes the operation.
 * @quiet: a channel on which nothing happens.
 * @args: of the ioctl, in user memory that may be taken away.
 * @cases: of a select, likewise.
 * @elems: the elements, likewise, or the room for them.
 * @room: for the reply of a call, likewise.
 * @areas: all that may be taken away.
 * @actor: the thread that does the operation, if it parks.
 * @partner: the thread that it completes.
 * @other: an element of who is no part of the operation.
 * @request_sent: of a call that has to be repeated.
 * @got: bytes of a message that is read in parts.
 * @taken: such a message has been received, but not all of it has been read.
 * @nth: which point fails; 0 for none.
 * @lasting: and whether there is no memory from then on.
 * @failed: whether it did.
 * @gone: memory that is taken away, @later: while the operation is parked.
 */
struct world {
	const struct op *op;
	struct flow flow;
	struct flow reply;
	int fd;
	int quiet;
	void *args;
	struct chan_case *cases;
	char *elems;
	char *room;
	struct area areas[AREAS];
	unsigned int n_areas;
	struct task actor;
	struct task partner;
	char *other;
	bool request_sent;
	uint32_t got;
	bool taken;
	unsigned int nth;
	bool lasting;
	bool failed;
	struct area gone;
	int gone_prot;
	bool later;
};

/* ---- memory ---- */

/* What is longer than a word and no more than a page has a part in two. */
static void *area_new(struct world *w, size_t size)
{
	size_t offset = size <= 8 ? 0 : size <= PAGE ? PAGE - (size / 2 + 7) / 8 * 8 : 104;
	struct area *a = &w->areas[w->n_areas++];

	if (w->n_areas > AREAS)
		die("too many areas");
	a->pages = (offset + size + PAGE - 1) / PAGE;
	a->start = mmap(NULL, a->pages * PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (a->start == MAP_FAILED)
		die("mmap: %m");
	return (char *)a->start + offset;
}

static void *area_with(struct world *w, const void *bytes, size_t size)
{
	return memcpy(area_new(w, size), bytes, size);
}

/* The struct of a command, from a program that knows more than the kernel. */
static void *area_longer(struct world *w, const void *bytes, uint32_t size)
{
	uint32_t longer = size + 32;
	char *p = area_new(w, longer);

	memcpy(p, bytes, size);
	memcpy(p, &longer, sizeof(longer));
	return p;
}

static void areas_free(struct world *w)
{
	unsigned int i;

	for (i = 0; i < w->n_areas; i++)
		must(munmap(w->areas[i].start, w->areas[i].pages * PAGE));
}

static void take_away(const struct world *w)
{
	if (w->gone.pages)
		must(mprotect(w->gone.start, w->gone.pages * PAGE, w->gone_prot));
}

static void give_back(const struct world *w)
{
	if (w->gone.pages)
		must(mprotect(w->gone.start, w->gone.pages * PAGE, PROT_READ | PROT_WRITE));
}

/* ---- elements ---- */

static uint32_t elems_at_once(const struct op *op)
{
	return op->n ? op->n : 1;
}

static char *nth_elem(const struct world *w, uint32_t i)
{
	return w->elems + (size_t)i * w->op->size;
}

/* What is sent, with the numbers that come next; or room without anything in it. */
static void load(struct world *w)
{
	uint32_t i, n = elems_at_once(w->op), size = w->op->size;

	if (w->op->direction == RECEIVES) {
		if (w->got)
			return;
		poison(w->elems, (size_t)n * size);
		if (w->op->fresh)
			must(madvise(w->areas[0].start, w->areas[0].pages * PAGE, MADV_DONTNEED));
		return;
	}
	if (w->op->direction == NEITHER)
		return;
	for (i = 0; i < n; i++)
		fill(nth_elem(w, i), size, w->flow.sent + 1 + i);
	if (w->op->direction == CALLS)
		poison(w->room, size);
}

static void send_other(struct world *w, struct flow *f)
{
	fill(w->other, w->op->size, ++f->sent);
	must(ch_send(f->fd, w->other, w->op->size));
}

static bool is_next(struct world *w, struct flow *f, const void *elem)
{
	return is_filled(elem, w->op->size, ++f->received);
}

/* ---- operations by ioctl ---- */

static long run_ioctl(struct world *w)
{
	return xioctl(w->fd, w->op->cmd, w->args);
}

static struct chan_xfer xfer_of(const struct world *w)
{
	return (struct chan_xfer){ .addr = (uintptr_t)w->elems, .size = w->op->size };
}

static void prepare_xfer(struct world *w)
{
	struct chan_xfer x = xfer_of(w);

	w->args = area_with(w, &x, sizeof(x));
}

static void prepare_try(struct world *w)
{
	struct chan_xfer x = xfer_of(w);

	x.flags = CHAN_XFER_TRY;
	w->args = area_with(w, &x, sizeof(x));
}

static void prepare_until(struct world *w)
{
	struct chan_xfer_until x = { .xfer = xfer_of(w), .deadline = CHAN_FOREVER };

	w->args = area_with(w, &x, sizeof(x));
}

static struct chan_batch batch_of(const struct world *w)
{
	return (struct chan_batch){
		.size = sizeof(struct chan_batch), .elems = (uintptr_t)w->elems, .n = w->op->n,
	};
}

static void prepare_batch(struct world *w)
{
	struct chan_batch b = batch_of(w);

	w->args = area_with(w, &b, sizeof(b));
}

static void prepare_longer_batch(struct world *w)
{
	struct chan_batch b = batch_of(w);

	w->args = area_longer(w, &b, sizeof(b));
}

static long run_send(struct world *w)
{
	return run_ioctl(w) ?: 1;
}

static long run_recv(struct world *w)
{
	long ret = run_ioctl(w);

	return ret == 1 + (long)w->op->size ? 1 : ret;
}

static void prepare_select(struct world *w)
{
	uint32_t i, n = w->op->cases;
	struct chan_select s = { .size = sizeof(s), .n = n, .deadline = CHAN_FOREVER };

	w->cases = area_new(w, n * sizeof(*w->cases));
	if (w->op->direction == SENDS)
		w->cases[0] = sel_send(w->flow.fd, w->elems, w->op->size);
	else
		w->cases[0] = sel_recv(w->flow.fd, w->elems, w->op->size);
	for (i = 1; i < n; i++)
		w->cases[i] = sel_recv(w->quiet, NULL, 0);
	s.cases = (uintptr_t)w->cases;
	w->args = area_longer(w, &s, sizeof(s));
}

static long run_select(struct world *w)
{
	long ret = run_ioctl(w);

	return ret ?: w->cases[0].ok;
}

static void prepare_call(struct world *w)
{
	struct chan_call c = {
		.size = sizeof(c), .out = w->flow.fd, .in = w->reply.fd,
		.req = (uintptr_t)w->elems, .req_size = w->op->size,
		.rep_size = w->op->size, .deadline = CHAN_FOREVER,
	};

	w->room = area_new(w, w->op->size);
	c.rep = (uintptr_t)w->room;
	w->args = area_with(w, &c, sizeof(c));
}

/* As the library does it. */
static void prepare_call_here(struct world *w)
{
	struct chan_call *c;

	prepare_call(w);
	c = w->args;
	c->out = CHAN_CALL_HERE;
}

/* ---- read and write ---- */

static size_t all_bytes_of(const struct world *w)
{
	return (size_t)elems_at_once(w->op) * w->op->size;
}

static long elems_of(const struct world *w, ssize_t bytes)
{
	return bytes < 0 ? -errno : bytes / w->op->size;
}

static long run_write(struct world *w)
{
	return elems_of(w, write(w->fd, w->elems, all_bytes_of(w)));
}

static long run_read(struct world *w)
{
	return elems_of(w, read(w->fd, w->elems, all_bytes_of(w)));
}

static void in_two(const struct world *w, struct iovec iov[2])
{
	size_t first = w->op->size / 3;

	iov[0] = (struct iovec){ w->elems, first };
	iov[1] = (struct iovec){ w->elems + first, all_bytes_of(w) - first };
}

static long run_writev(struct world *w)
{
	struct iovec iov[2];

	in_two(w, iov);
	return elems_of(w, writev(w->fd, iov, 2));
}

static long run_readv(struct world *w)
{
	struct iovec iov[2];

	in_two(w, iov);
	return elems_of(w, readv(w->fd, iov, 2));
}

/* A message, by reads which are too short for it. */
static long run_read_parts(struct world *w)
{
	size_t part = w->op->size / 2;
	ssize_t n;

	while (w->got < w->op->size) {
		n = read(w->fd, w->elems + w->got, part);
		if (n < 0)
			return -errno;
		w->got += n;
	}
	w->got = 0;
	return 1;
}

/* ---- a world for each attempt ---- */

static void user_of_thread(uid_t uid)
{
	must(syscall(SYS_setresuid, uid, -1, -1));
}

static void make_channels(struct world *w)
{
	const struct op *op = w->op;
	uint32_t i;

	w->quiet = ch_make(8, 0, 0);
	w->flow.fd = must(ch_make(op->size, op->cap, op->flags));
	if (op->direction == CALLS)
		w->reply.fd = must(ch_make(op->size, op->cap, op->flags));
	w->fd = w->flow.fd;
	w->elems = area_new(w, all_bytes_of(w));
	w->other = malloc(op->size);
	for (i = 0; i < op->ahead; i++)
		send_other(w, op->direction == CALLS ? &w->reply : &w->flow);
}

static void world_init(struct world *w, const struct op *op, unsigned int nth, bool lasting)
{
	*w = (struct world){ .op = op, .nth = nth, .lasting = lasting, .fd = -1, .quiet = -1,
			     .flow.fd = -1, .reply.fd = -1 };
	if (op->param)
		set_param(op->param, 1);
	if (op->size)
		make_channels(w);
	if (op->prepare)
		op->prepare(w);
	load(w);
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		must(close(fd));
}

static void world_exit(struct world *w)
{
	if (w->op->cleanup)
		w->op->cleanup(w);
	if (w->fd != w->flow.fd)
		close_if_open(w->fd);
	close_if_open(w->flow.fd);
	close_if_open(w->reply.fd);
	close_if_open(w->quiet);
	areas_free(w);
	free(w->other);
	if (w->op->param)
		set_param(w->op->param, 0);
}

/* ---- what is left ---- */

static unsigned int entries_of(const char *path, const char *prefix)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned int n = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.' && !strncmp(entry->d_name, prefix, strlen(prefix));
	closedir(dir);
	return n;
}

static struct level level_now(void)
{
	struct chan_query q = { .size = sizeof(q) };

	must(ctl_ioctl(CHAN_IOC_QUERY, &q));
	return (struct level){
		.channels = q.channels, .user_channels = q.user_channels,
		.user_names = q.user_names, .user_bytes = q.user_bytes,
		.nodes = entries_of("/dev", "chan") + entries_of("/dev/chan", "") +
			 entries_of("/sys/class/chan", ""),
		.users = module_users(),
	};
}

static bool is_level(const struct level *before)
{
	struct level now = level_now();

	return now.channels == before->channels && now.user_channels == before->user_channels &&
	       now.user_names == before->user_names && now.user_bytes == before->user_bytes &&
	       now.nodes == before->nodes && now.users == before->users;
}

/* ---- one attempt ---- */

static long run_armed(struct world *w)
{
	long ret;

	if (w->op->stranger)
		user_of_thread(STRANGER);
	if (w->nth)
		faults_arm(w->nth, w->lasting);
	ret = w->op->run(w);
	if (w->nth)
		w->failed = faults_disarm();
	if (w->op->stranger)
		user_of_thread(0);
	return ret;
}

static long act(struct task *t)
{
	return run_armed(t->buf);
}

static bool is_waiting(const struct world *w)
{
	const struct flow *f = w->op->direction == CALLS ? &w->reply : &w->flow;
	struct chan_info info;

	if (w->op->direction == NEITHER)
		return false;
	info = ch_info(f->fd);
	return info.recvq + info.sendq == 1 && task_state(w->actor.tid) == 'S';
}

/* What an operation that has parked waits for. */
static void complete(struct __test_metadata *_metadata, struct world *w)
{
	switch (w->op->direction) {
	case SENDS:
		ASSERT_EQ(1 + (long)w->op->size, ch_recv(w->flow.fd, w->other, w->op->size));
		EXPECT_TRUE(is_next(w, &w->flow, w->other));
		break;
	case RECEIVES:
		send_other(w, &w->flow);
		break;
	case CALLS:
		send_other(w, &w->reply);
		break;
	case NEITHER:
		break;
	}
}

static long run_parked(struct __test_metadata *_metadata, struct world *w)
{
	w->actor = (struct task){ .buf = w };
	task_start(&w->actor, act);
	task_tid(&w->actor);
	if (!eventually(task_done(&w->actor) || is_waiting(w)))
		die("an operation neither ends nor waits");
	if (!task_done(&w->actor)) {
		if (w->later)
			take_away(w);
		complete(_metadata, w);
	}
	return task_join(&w->actor);
}

/* Who waits for the operation; a call, for its request. */
static void park_partner(struct world *w)
{
	if (w->op->direction == RECEIVES) {
		fill(w->other, w->op->size, w->flow.sent + 1);
		park_send(&w->partner, w->flow.fd, w->other, w->op->size);
	} else {
		poison(w->other, w->op->size);
		park_recv(&w->partner, w->flow.fd, w->other, w->op->size);
	}
}

static void partner_is_done(struct __test_metadata *_metadata, struct world *w)
{
	if (w->op->direction == RECEIVES) {
		EXPECT_EQ(0, task_join(&w->partner));
		w->flow.sent++;
	} else {
		EXPECT_EQ(1 + (long)w->op->size, task_join(&w->partner));
		EXPECT_TRUE(is_next(w, &w->flow, w->other));
	}
}

/*
 * Whether its memory may fail it when it has an element already: one that comes in memory of its
 * own is copied when it is taken, and one that was waited for, when it is there.
 */
static bool may_lose(const struct world *w)
{
	return w->op->size > 128 || w->op->role == PARKS;
}

/* Elements that have been received by nobody. */
static uint32_t count_lost(struct __test_metadata *_metadata, struct world *w, struct flow *f)
{
	uint32_t lost = ch_info(f->fd).lost - f->lost;

	EXPECT_LE(lost, may_lose(w) ? 1U : 0U) {
		TH_LOG("point %u: %u elements are lost", w->nth, lost);
	}
	f->lost += lost;
	f->received += lost;
	return lost;
}

static void settle_received(struct __test_metadata *_metadata, struct world *w, long ret)
{
	long i;

	for (i = 0; i < ret; i++) {
		EXPECT_TRUE(is_next(w, &w->flow, nth_elem(w, i))) {
			TH_LOG("point %u: element %ld is not what was sent", w->nth, i);
		}
	}
	if (count_lost(_metadata, w, &w->flow) || ret >= 0)
		return;
	/* A select may have been done, see settle_untold(). */
	if (!w->op->fresh && !w->got && !(w->later && w->cases)) {
		EXPECT_TRUE(all_bytes(w->elems, all_bytes_of(w), POISON)) {
			TH_LOG("point %u: a receive that failed has written", w->nth);
		}
	}
}

static void settle_call(struct __test_metadata *_metadata, struct world *w, long ret)
{
	struct chan_call *c = w->args;

	if (!w->request_sent && (ret > 0 || c->flags & CHAN_CALL_SENT)) {
		w->request_sent = true;
		w->flow.sent++;
	}
	if (ret > 0)
		EXPECT_TRUE(is_next(w, &w->reply, w->room));
	count_lost(_metadata, w, &w->reply);
}

/* What the operation says that it has done. */
static void settle(struct __test_metadata *_metadata, struct world *w, long ret)
{
	switch (w->op->direction) {
	case SENDS:
		w->flow.sent += ret > 0 ? ret : 0;
		break;
	case RECEIVES:
		settle_received(_metadata, w, ret);
		break;
	case CALLS:
		settle_call(_metadata, w, ret);
		break;
	case NEITHER:
		if (ret >= 0 && w->op->undo)
			w->op->undo(w, ret);
		break;
	}
}

static bool is_done(const struct world *w, long ret)
{
	return ret > 0 || (w->op->direction == NEITHER && !ret);
}

/* Whether the one that waited has been served, whatever the operation returned. */
static bool partner_is_served(struct world *w)
{
	return w->op->direction == RECEIVES ? w->flow.received > w->flow.sent :
					      w->flow.sent > w->flow.received;
}

static long run_completing(struct __test_metadata *_metadata, struct world *w)
{
	long ret;

	if (!w->partner.thread)
		park_partner(w);
	ret = run_armed(w);
	give_back(w);
	settle(_metadata, w, ret);
	w->taken = w->op->direction == RECEIVES &&
		   ch_info(w->flow.fd).receives > w->flow.received;
	if (partner_is_served(w) || w->taken) {
		partner_is_done(_metadata, w);
		w->partner.thread = 0;
	} else {
		EXPECT_FALSE(task_done(&w->partner)) {
			TH_LOG("point %u: %ld, but its partner is gone", w->nth, ret);
		}
	}
	return ret;
}

static long attempt(struct __test_metadata *_metadata, struct world *w)
{
	long ret;

	if (w->op->role == COMPLETES && !w->request_sent && !w->taken)
		return run_completing(_metadata, w);
	ret = w->op->role == PARKS ? run_parked(_metadata, w) : run_armed(w);
	give_back(w);
	settle(_metadata, w, ret);
	return ret;
}

/* After what has failed: the same, with nothing that fails. */
static void repeat(struct __test_metadata *_metadata, struct world *w)
{
	unsigned int nth = w->nth;
	long ret;

	w->nth = 0;
	w->gone = (struct area){};
	w->later = false;
	load(w);
	ret = attempt(_metadata, w);
	EXPECT_TRUE(is_done(w, ret)) {
		TH_LOG("point %u: repeated without failure it is %ld", nth, ret);
	}
	w->nth = nth;
}

/* All that was sent is received by now or still there, in order, and counted. */
static void check_flow(struct __test_metadata *_metadata, struct world *w, struct flow *f)
{
	struct chan_info info;
	long ret;

	if (f->fd < 0 || !w->other)
		return;
	while ((ret = ch_try_recv(f->fd, w->other, w->op->size)) > 0) {
		EXPECT_TRUE(is_next(w, f, w->other)) {
			TH_LOG("point %u: element %u is not the next", w->nth, f->received);
		}
	}
	EXPECT_EQ(-EAGAIN, ret);
	EXPECT_EQ(f->sent, f->received);
	info = ch_info(f->fd);
	EXPECT_EQ(f->sent, info.sends);
	EXPECT_EQ(f->received, info.receives);
	EXPECT_EQ(f->lost, info.lost);
	EXPECT_EQ(0, info.len + info.recvq + info.sendq);
}

static void check_world(struct __test_metadata *_metadata, struct world *w)
{
	if (w->op->direction == NEITHER)
		return;
	check_flow(_metadata, w, &w->flow);
	check_flow(_metadata, w, &w->reply);
}

/* ---- all attempts ---- */

/**
 * struct tally - what has become of the attempts
 * @points: how many there were at which something failed.
 * @errors: at how many the operation failed for it.
 * @lost: elements.
 */
struct tally {
	unsigned int points;
	unsigned int errors;
	unsigned int lost;
};

static bool attempt_nth(struct __test_metadata *_metadata, const struct op *op, unsigned int nth,
			bool lasting, struct tally *tally)
{
	struct world w;
	long ret;

	world_init(&w, op, nth, lasting);
	ret = attempt(_metadata, &w);
	EXPECT_TRUE(is_done(&w, ret) || (w.failed && (ret == -ENOMEM || ret == -EFAULT))) {
		TH_LOG("point %u, %s: %ld", nth, w.failed ? "failed" : "not reached", ret);
	}
	if (!is_done(&w, ret)) {
		tally->errors++;
		repeat(_metadata, &w);
	}
	check_world(_metadata, &w);
	tally->points += w.failed;
	tally->lost += w.flow.lost + w.reply.lost;
	world_exit(&w);
	return w.failed;
}

static void fail_each(struct __test_metadata *_metadata, const struct op *op,
		      enum fault_points points, bool lasting)
{
	struct level before = level_now();
	struct tally tally = {};
	uint64_t began = now_ns(), start, end;
	unsigned int nth = 1;

	module_range(&start, &end);
	faults_set_up(points, start, end);
	while (attempt_nth(_metadata, op, nth, lasting, &tally) && nth < MOST_POINTS) {
		ASSERT_TRUE(eventually(is_level(&before))) {
			TH_LOG("point %u: something is left", nth);
		}
		nth++;
	}
	ASSERT_LT(nth, MOST_POINTS);
	EXPECT_TRUE(eventually(is_level(&before)));
	if (points == POINTS_OBJECTS || op->pages_only)
		EXPECT_EQ(points == POINTS_OBJECTS && (op->quiet || op->pages_only),
			  !tally.points);
	TH_LOG("points %u, errors %u, lost %u, %llu ms", tally.points, tally.errors, tally.lost,
	       (unsigned long long)((now_ns() - began) / MS));
}

/* A select has been done, although what it says of that could not be written. */
static void settle_untold(struct __test_metadata *_metadata, struct world *w)
{
	if (w->op->direction == SENDS)
		w->flow.sent++;
	else
		EXPECT_TRUE(is_next(w, &w->flow, w->elems));
}

/* All of an area, or only its last page. */
static struct area part_of(struct area a, bool last)
{
	if (!last)
		return a;
	return (struct area){ (char *)a.start + (a.pages - 1) * PAGE, 1 };
}

static void attempt_without(struct __test_metadata *_metadata, struct world *w,
			    struct tally *tally)
{
	bool later = w->later;
	long ret;

	if (!later)
		take_away(w);
	ret = attempt(_metadata, w);
	EXPECT_TRUE(is_done(w, ret) || ret == -EFAULT) {
		TH_LOG("%ld", ret);
	}
	if (ret == -EFAULT && later && w->cases && w->flow.sent != w->flow.received)
		settle_untold(_metadata, w);
	tally->points++;
	tally->lost += w->flow.lost + w->reply.lost;
	if (is_done(w, ret))
		return;
	tally->errors++;
	repeat(_metadata, w);
}

static void lack_area(struct __test_metadata *_metadata, const struct op *op, unsigned int i,
		      bool last, bool later, struct tally *tally)
{
	static const int prots[] = { PROT_NONE, PROT_READ };
	struct world w;
	unsigned int k;

	for (k = 0; k < 2; k++) {
		world_init(&w, op, 0, false);
		w.gone = part_of(w.areas[i], last);
		w.gone_prot = prots[k];
		w.later = later;
		attempt_without(_metadata, &w, tally);
		check_world(_metadata, &w);
		world_exit(&w);
	}
}

static unsigned int count_areas(const struct op *op)
{
	struct world w;

	world_init(&w, op, 0, false);
	world_exit(&w);
	return w.n_areas;
}

static void lack_each(struct __test_metadata *_metadata, const struct op *op)
{
	struct level before = level_now();
	struct tally tally = {};
	unsigned int i, n = count_areas(op), how;

	for (i = 0; i < n; i++)
		for (how = 0; how < (op->role == PARKS && op->size ? 4U : 2U); how++) {
			lack_area(_metadata, op, i, how & 1, how & 2, &tally);
			ASSERT_TRUE(eventually(is_level(&before))) {
				TH_LOG("without area %u: something is left", i);
			}
		}
	EXPECT_EQ(!n, !tally.errors);
	TH_LOG("attempts %u, errors %u, lost %u", tally.points, tally.errors, tally.lost);
}

/* ---- operations that neither send nor receive ---- */

static void forget(struct world *w, long ret)
{
	(void)w;
	(void)ret;
}

static void close_result(struct world *w, long ret)
{
	(void)w;
	must(close(ret));
}

static void make_like(struct world *w, struct chan_make make)
{
	w->fd = chanctl();
	make.fd_flags = O_CLOEXEC;
	w->args = area_longer(w, &make, sizeof(make));
}

static void prepare_make(struct world *w)
{
	make_like(w, (struct chan_make){ .elem_size = 8 });
}

static void prepare_make_buffered(struct world *w)
{
	make_like(w, (struct chan_make){ .elem_size = 16, .cap = 8 });
}

static void prepare_make_message(struct world *w)
{
	struct chan_make make = {
		.flags = CHAN_MESSAGE | CHAN_AUTOCLOSE, .elem_size = 1000, .cap = 4,
	};

	make_like(w, make);
}

/* More than the allocator has in one piece, so the first refusal is the last. */
static void prepare_make_large(struct world *w)
{
	make_like(w, (struct chan_make){ .elem_size = 128, .cap = 1 << 16 });
}

static void prepare_make_closing(struct world *w)
{
	make_like(w, (struct chan_make){ .elem_size = 8, .closes = now_ns() + 3600 * SEC });
}

static void prepare_make_named(struct world *w)
{
	struct chan_make make = {
		.flags = CHAN_NAMED, .elem_size = 8, .cap = 1, .mode = 0600,
		.name = (uintptr_t)area_with(w, NAME, sizeof(NAME)),
	};

	make_like(w, make);
}

static void prepare_make_chosen(struct world *w)
{
	make_like(w, (struct chan_make){ .flags = CHAN_NAMED, .elem_size = 8, .mode = 0600 });
}

/* It is where it belongs, and it is the channel. */
static void unmake_named(struct world *w, long ret)
{
	struct chan_info info = ch_info(ret);
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/dev/%s%s", strcmp(info.name, NAME) ? "" : "chan/",
		 info.name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die("point %u: there is no %s: %m", w->nth, path);
	if (ch_info(fd).id != info.id)
		die("point %u: %s is another channel", w->nth, path);
	close(fd);
	close(ret);
	must(ch_remove(info.name));
}

/*
 * In a table of descriptors of its own, which is full, so that the next one makes it grow.  It ends
 * with the thread.
 */
static long run_make_when_full(struct world *w)
{
	char status[8192], *line;
	long ret;
	int size;

	must(unshare(CLONE_FILES));
	must(read_text("/proc/thread-self/status", status, sizeof(status)));
	line = strstr(status, "FDSize:");
	if (!line)
		die("no FDSize in /proc/thread-self/status");
	size = atoi(line + 7);
	while (must(dup(w->fd)) < size - 1)
		;
	ret = run_ioctl(w);
	return ret < 0 ? ret : 0;
}

static void make_timer_like(struct world *w, struct chan_make_timer make)
{
	w->fd = chanctl();
	make.fd_flags = O_CLOEXEC;
	w->args = area_longer(w, &make, sizeof(make));
}

static void prepare_make_timer(struct world *w)
{
	make_timer_like(w, (struct chan_make_timer){ .when = CHAN_FOREVER });
}

static void prepare_make_ticker(struct world *w)
{
	struct chan_make_timer make = { .flags = CHAN_TIMER_TICK, .when = 1, .period = SEC };

	make_timer_like(w, make);
}

static void prepare_set_timer(struct world *w)
{
	struct chan_set_timer set = { .when = 1 };

	w->fd = ch_timer_at(CHAN_FOREVER);
	w->args = area_longer(w, &set, sizeof(set));
}

/* Not where a word is aligned. */
static void prepare_recv_tick(struct world *w)
{
	struct chan_xfer x = { .size = 8 };

	w->fd = ch_ticker_at(1, 1);
	x.addr = (uintptr_t)area_new(w, 16) + 4;
	w->args = area_with(w, &x, sizeof(x));
}

static void prepare_recv_closed(struct world *w)
{
	struct chan_xfer x = { .size = 100 };

	w->fd = ch_make(100, 0, 0);
	must(ch_close(w->fd));
	x.addr = (uintptr_t)area_new(w, 100);
	w->args = area_with(w, &x, sizeof(x));
}

static void prepare_named(struct world *w)
{
	w->quiet = must(ch_make_named(NAME, 8, 1, 0, 0666));
}

static void prepare_remove(struct world *w)
{
	struct chan_remove rm = {};

	prepare_named(w);
	w->fd = chanctl();
	rm.name = (uintptr_t)area_with(w, NAME, sizeof(NAME));
	w->args = area_longer(w, &rm, sizeof(rm));
}

/* If the operation was none that removes it. */
static void remove_name(struct world *w)
{
	(void)w;
	ch_remove(NAME);
}

static long run_open(struct world *w)
{
	int fd = open("/dev/chan/" NAME, O_RDWR | O_CLOEXEC);

	(void)w;
	return fd < 0 ? -errno : fd;
}

static void prepare_dup(struct world *w)
{
	struct chan_dup d = { .fd_flags = O_RDONLY | O_CLOEXEC };

	w->fd = ch_make(8, 1, 0);
	w->args = area_longer(w, &d, sizeof(d));
}

static void prepare_info(struct world *w)
{
	struct chan_info info = {};

	w->fd = ch_make(8, 1, 0);
	w->args = area_longer(w, &info, sizeof(info));
}

static void prepare_query(struct world *w)
{
	struct chan_query q = {};

	w->fd = chanctl();
	w->args = area_longer(w, &q, sizeof(q));
}

static void prepare_no_args(struct world *w)
{
	w->fd = ch_make(8, 1, 0);
}

static void prepare_select_none(struct world *w)
{
	struct chan_select s = { .deadline = 1 };

	w->fd = chanctl();
	w->args = area_longer(w, &s, sizeof(s));
}

static long run_select_none(struct world *w)
{
	long ret = run_ioctl(w);

	return ret == -ETIMEDOUT ? 0 : ret;
}

/* ---- goroutines ---- */

static void prepare_go(struct world *w)
{
	struct chan_go go = { .id = 1, .name = "main" };

	w->fd = chanctl();
	w->args = area_longer(w, &go, sizeof(go));
}

static void end_main(struct world *w)
{
	must(xioctl(w->fd, CHAN_IOC_GO_END, NULL));
}

static void end_go(struct world *w, long ret)
{
	(void)ret;
	end_main(w);
}

static void prepare_helper(struct world *w)
{
	struct chan_go go = { .flags = CHAN_GO_HELPER };

	w->fd = chanctl();
	w->args = area_longer(w, &go, sizeof(go));
}

static void prepare_detect(struct world *w)
{
	struct chan_go_detect d = { .flags = CHAN_GO_DEADLOCK };

	w->fd = chanctl();
	w->args = area_longer(w, &d, sizeof(d));
}

static void register_main(struct world *w)
{
	struct chan_go go = { .size = sizeof(go), .id = 1, .name = "main" };

	w->fd = chanctl();
	must(xioctl(w->fd, CHAN_IOC_GO, &go));
}

static void prepare_stats(struct world *w)
{
	struct chan_go_stats s = {};

	register_main(w);
	w->args = area_longer(w, &s, sizeof(s));
}

/* A newer program knows more of a goroutine, too. */
static void prepare_list_with(struct world *w, uint32_t flags)
{
	struct chan_go_list list = { .room = 1, .flags = flags };

	register_main(w);
	list.entry_size = sizeof(struct chan_go_info) + 8;
	list.entries = (uintptr_t)area_new(w, list.entry_size);
	w->args = area_longer(w, &list, sizeof(list));
}

static void prepare_list(struct world *w)
{
	prepare_list_with(w, 0);
}

static void prepare_list_leaks(struct world *w)
{
	prepare_list_with(w, CHAN_GO_FIND_LEAKS);
}

/* ---- poll, and files that show something ---- */

static void prepare_poll(struct world *w)
{
	w->fd = ch_make(8, 0, 0);
}

/* So many that the kernel's frame has no room for them. */
static long run_poll(struct world *w)
{
	struct pollfd p[40];
	unsigned int i;

	for (i = 0; i < 40; i++)
		p[i] = (struct pollfd){ .fd = w->fd, .events = POLLPRI };
	return poll(p, 40, 1) < 0 ? -errno : 0;
}

static void prepare_epoll(struct world *w)
{
	w->fd = must(epoll_create1(EPOLL_CLOEXEC));
	w->quiet = ch_make(8, 0, 0);
}

static long run_epoll(struct world *w)
{
	struct epoll_event ev = { .events = EPOLLIN };

	return epoll_ctl(w->fd, EPOLL_CTL_ADD, w->quiet, &ev) ? -errno : 0;
}

static void forget_polled(struct world *w, long ret)
{
	(void)ret;
	must(epoll_ctl(w->fd, EPOLL_CTL_DEL, w->quiet, NULL));
}

static long read_all_of(const char *path)
{
	static char text[1 << 20];

	return read_text(path, text, sizeof(text));
}

static long run_debugfs_channels(struct world *w)
{
	(void)w;
	return read_all_of("/sys/kernel/debug/chan/channels");
}

static long run_debugfs_goroutines(struct world *w)
{
	(void)w;
	return read_all_of("/sys/kernel/debug/chan/goroutines");
}

static void prepare_sysfs(struct world *w)
{
	char path[128];

	prepare_named(w);
	snprintf(path, sizeof(path), "/sys/class/chan/chan%u/len", ch_info(w->quiet).minor);
	w->args = area_with(w, path, sizeof(path));
}

static long run_sysfs(struct world *w)
{
	return read_all_of(w->args);
}

static long run_totals(struct world *w)
{
	(void)w;
	return read_all_of(TOTALS_DIR "sends");
}

static long run_fdinfo(struct world *w)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", w->fd);
	return read_all_of(path);
}

/* ---- the operations ---- */

FIXTURE(inject)
{
};

FIXTURE_VARIANT(inject)
{
	struct op op;
};

FIXTURE_SETUP(inject)
{
	if (!is_root())
		SKIP(return, "not root");
	ch_remove(NAME);
}

FIXTURE_TEARDOWN(inject)
{
	if (is_root() && faults_available())
		faults_off();
}

#define OP(name, ...)						\
	FIXTURE_VARIANT_ADD(inject, name) { .op = { __VA_ARGS__ } }

#define CTL(name, command, ...)					\
	OP(name, .run = run_ioctl, .cmd = CHAN_IOC_##command, __VA_ARGS__)

CTL(make, MAKE, .prepare = prepare_make, .undo = close_result);
CTL(make_buffered, MAKE, .prepare = prepare_make_buffered, .undo = close_result);
CTL(make_message, MAKE, .prepare = prepare_make_message, .undo = close_result);
CTL(make_large, MAKE, .prepare = prepare_make_large, .undo = close_result);
CTL(make_closing, MAKE, .prepare = prepare_make_closing, .undo = close_result);
CTL(make_named, MAKE, .prepare = prepare_make_named, .undo = unmake_named);
CTL(make_chosen, MAKE, .prepare = prepare_make_chosen, .undo = unmake_named);
CTL(make_with_histograms, MAKE, .prepare = prepare_make, .undo = close_result,
	.param = "wait_histograms");
CTL(make_as_stranger, MAKE, .prepare = prepare_make, .undo = close_result, .stranger = true);
OP(make_when_descriptors_are_full, .role = PARKS, .prepare = prepare_make,
	.run = run_make_when_full, .cmd = CHAN_IOC_MAKE);
CTL(make_timer, MAKE_TIMER, .prepare = prepare_make_timer, .undo = close_result);
CTL(make_ticker, MAKE_TIMER, .prepare = prepare_make_ticker, .undo = close_result);
CTL(set_timer, SET_TIMER, .prepare = prepare_set_timer);
CTL(remove, REMOVE, .prepare = prepare_remove, .cleanup = remove_name);
CTL(dup, DUP, .prepare = prepare_dup, .undo = close_result);
CTL(info, INFO, .prepare = prepare_info);
CTL(query, QUERY, .prepare = prepare_query);
CTL(close, CLOSE, .prepare = prepare_no_args, .quiet = true);
CTL(len, LEN, .prepare = prepare_no_args, .quiet = true);
CTL(cap, CAP, .prepare = prepare_no_args, .quiet = true);
CTL(elem_size, ELEM_SIZE, .prepare = prepare_no_args, .undo = forget, .quiet = true);
CTL(recv_tick, RECV, .prepare = prepare_recv_tick, .undo = forget);
CTL(recv_closed, RECV, .prepare = prepare_recv_closed, .quiet = true);
OP(select_none, .prepare = prepare_select_none, .run = run_select_none, .cmd = CHAN_IOC_SELECT);

OP(open, .prepare = prepare_named, .run = run_open, .undo = close_result,
	.cleanup = remove_name);
OP(open_as_stranger, .prepare = prepare_named, .run = run_open, .undo = close_result,
	.cleanup = remove_name, .stranger = true);
OP(poll, .prepare = prepare_poll, .run = run_poll, .pages_only = true);
OP(epoll_add, .prepare = prepare_epoll, .run = run_epoll, .undo = forget_polled);
OP(debugfs_channels, .prepare = prepare_named, .run = run_debugfs_channels,
	.cleanup = remove_name);
OP(debugfs_goroutines, .prepare = register_main, .run = run_debugfs_goroutines,
	.cleanup = end_main);
OP(sysfs, .prepare = prepare_sysfs, .run = run_sysfs, .cleanup = remove_name, .quiet = true);
OP(totals, .prepare = prepare_named, .run = run_totals, .cleanup = remove_name, .quiet = true);
OP(fdinfo, .prepare = prepare_no_args, .run = run_fdinfo, .quiet = true);

CTL(go, GO, .prepare = prepare_go, .undo = end_go);
CTL(go_helper, GO, .prepare = prepare_helper);
CTL(go_detect, GO_DETECT, .prepare = prepare_detect);
CTL(go_stats, GO_STATS, .prepare = prepare_stats, .cleanup = end_main);
CTL(go_list, GO_LIST, .prepare = prepare_list, .undo = forget, .cleanup = end_main);
CTL(go_list_leaks, GO_LIST, .prepare = prepare_list_leaks, .undo = forget,
	.cleanup = end_main);

/* One that is ready, one that waits, and one that completes one that waits. */
#define SEND(name, ...)								\
	OP(name, .direction = SENDS, .cap = 4, __VA_ARGS__);			\
	OP(name##_parks, .direction = SENDS, .role = PARKS, __VA_ARGS__);	\
	OP(name##_completes, .direction = SENDS, .role = COMPLETES, __VA_ARGS__)
#define RECV(name, ...)								\
	OP(name, .direction = RECEIVES, .cap = 8, .ahead = 6, __VA_ARGS__);	\
	OP(name##_parks, .direction = RECEIVES, .role = PARKS, __VA_ARGS__);	\
	OP(name##_completes, .direction = RECEIVES, .role = COMPLETES, __VA_ARGS__)
#define CALL(name, ...)								\
	OP(name, .direction = CALLS, .cap = 2, .ahead = 2, __VA_ARGS__);	\
	OP(name##_parks, .direction = CALLS, .cap = 2, .role = PARKS, __VA_ARGS__); \
	OP(name##_completes, .direction = CALLS, .cap = 2, .ahead = 2,		\
	   .role = COMPLETES, __VA_ARGS__)

#define BY_SEND		.prepare = prepare_xfer, .run = run_send, .cmd = CHAN_IOC_SEND
#define BY_RECV		.prepare = prepare_xfer, .run = run_recv, .cmd = CHAN_IOC_RECV
#define BY_SELECT(n)	.prepare = prepare_select, .run = run_select, .cmd = CHAN_IOC_SELECT, \
			.cases = (n)
#define BY_CALL		.prepare = prepare_call, .run = run_recv, .cmd = CHAN_IOC_CALL
#define BY_BATCH(n_, command)	.prepare = prepare_batch, .run = run_ioctl,	\
				.cmd = CHAN_IOC_##command, .n = (n_)

#define WORD		.size = 8
#define SHORT		.size = 100
#define LONG		.size = 300
#define LARGE		.size = 3 * PAGE
#define MESSAGE		.size = 300, .flags = CHAN_MESSAGE

SEND(send_word, WORD, BY_SEND, .quiet = true);
SEND(send_short, SHORT, BY_SEND);
SEND(send_long, LONG, BY_SEND);
SEND(send_large, LARGE, BY_SEND);
SEND(send_message, MESSAGE, BY_SEND);
SEND(send_until, LONG, .prepare = prepare_until, .run = run_send, .cmd = CHAN_IOC_SEND_UNTIL);
SEND(write_short, SHORT, .run = run_write);
SEND(write_large, LARGE, .run = run_write);
SEND(writev, LONG, .run = run_writev);
SEND(write_message, MESSAGE, .run = run_write);
SEND(select_1_send, LARGE, BY_SELECT(1));
SEND(select_2_send_word, WORD, BY_SELECT(2));
SEND(select_2_send_long, LONG, BY_SELECT(2));
SEND(select_17_send, SHORT, BY_SELECT(17));
SEND(select_700_send, LONG, BY_SELECT(700));
OP(try_send, .direction = SENDS, .cap = 1, LONG, .prepare = prepare_try, .run = run_send,
	.cmd = CHAN_IOC_SEND);
OP(send_as_stranger, .direction = SENDS, .cap = 1, LONG, BY_SEND, .stranger = true);
OP(send_asks_modules, .direction = SENDS, .cap = 1, LONG, BY_SEND, .param = "ask_modules");
OP(send_3_words, .direction = SENDS, .cap = 8, WORD, BY_BATCH(3, SEND_N), .quiet = true);
OP(send_3_short, .direction = SENDS, .cap = 8, SHORT, BY_BATCH(3, SEND_N));
OP(send_3_long, .direction = SENDS, .cap = 8, LONG, BY_BATCH(3, SEND_N));
OP(send_3_newer, .direction = SENDS, .cap = 8, SHORT, .prepare = prepare_longer_batch,
	.run = run_ioctl, .cmd = CHAN_IOC_SEND_N, .n = 3);
OP(send_3_completes, .direction = SENDS, .role = COMPLETES, .cap = 2, SHORT,
	BY_BATCH(3, SEND_N));
OP(write_3, .direction = SENDS, .cap = 8, SHORT, .run = run_write, .n = 3);

RECV(recv_word, WORD, BY_RECV, .quiet = true);
RECV(recv_short, SHORT, BY_RECV);
RECV(recv_long, LONG, BY_RECV);
RECV(recv_large, LARGE, BY_RECV);
RECV(recv_message, MESSAGE, BY_RECV);
RECV(recv_fresh_short, SHORT, BY_RECV, .fresh = true);
RECV(recv_fresh_large, LARGE, BY_RECV, .fresh = true);
RECV(recv_until, LONG, .prepare = prepare_until, .run = run_recv, .cmd = CHAN_IOC_RECV_UNTIL);
RECV(read_short, SHORT, .run = run_read);
RECV(read_large, LARGE, .run = run_read);
RECV(readv, LONG, .run = run_readv);
RECV(read_message, MESSAGE, .run = run_read);
RECV(read_message_in_parts, MESSAGE, .run = run_read_parts);
RECV(select_1_recv, LARGE, BY_SELECT(1));
RECV(select_2_recv_word, WORD, BY_SELECT(2));
RECV(select_2_recv_long, LONG, BY_SELECT(2));
RECV(select_17_recv, SHORT, BY_SELECT(17));
RECV(select_700_recv, LONG, BY_SELECT(700));
OP(try_recv, .direction = RECEIVES, .cap = 2, .ahead = 2, LONG, .prepare = prepare_try,
	.run = run_recv, .cmd = CHAN_IOC_RECV);
OP(recv_as_stranger_parks, .direction = RECEIVES, .role = PARKS, LARGE, BY_RECV,
	.stranger = true);
OP(recv_asks_modules, .direction = RECEIVES, .cap = 2, .ahead = 2, LONG, BY_RECV,
	.param = "ask_modules");
OP(recv_3_words, .direction = RECEIVES, .cap = 8, .ahead = 6, WORD, BY_BATCH(3, RECV_N),
	.quiet = true);
OP(recv_3_short, .direction = RECEIVES, .cap = 8, .ahead = 6, SHORT, BY_BATCH(3, RECV_N));
OP(recv_3_long, .direction = RECEIVES, .cap = 8, .ahead = 6, LONG, BY_BATCH(3, RECV_N));
OP(recv_3_parks, .direction = RECEIVES, .role = PARKS, .cap = 8, SHORT, BY_BATCH(3, RECV_N));
OP(read_3, .direction = RECEIVES, .cap = 8, .ahead = 6, SHORT, .run = run_read, .n = 3);

CALL(call_word, WORD, BY_CALL);
CALL(call_short, SHORT, BY_CALL);
CALL(call_long, LONG, BY_CALL);
CALL(call_large, LARGE, BY_CALL);
CALL(call_here_long, LONG, .prepare = prepare_call_here, .run = run_recv,
	.cmd = CHAN_IOC_CALL);
OP(call_here_word_completes, .direction = CALLS, .cap = 2, .ahead = 2, .role = COMPLETES, WORD,
	.prepare = prepare_call_here, .run = run_recv, .cmd = CHAN_IOC_CALL, .quiet = true);

/* ---- the tests ---- */

TEST_F_TIMEOUT(inject, each_object_and_copy_fails_once, FAIL_SECONDS)
{
	if (!faults_available())
		SKIP(return, CANNOT_FAIL);
	fail_each(_metadata, &variant->op, POINTS_OBJECTS, false);
}

TEST_F_TIMEOUT(inject, no_object_is_left_from_each_on, FAIL_SECONDS)
{
	if (!faults_available())
		SKIP(return, CANNOT_FAIL);
	fail_each(_metadata, &variant->op, POINTS_OBJECTS, true);
}

TEST_F_TIMEOUT(inject, no_page_is_left_from_each_on, FAIL_SECONDS)
{
	if (!faults_available())
		SKIP(return, CANNOT_FAIL);
	fail_each(_metadata, &variant->op, POINTS_PAGES, true);
}

TEST_F(inject, each_part_of_its_memory_is_missing)
{
	lack_each(_metadata, &variant->op);
}

/* ---- what nobody asks for himself ---- */

static int wait_for_nobody(void *arg)
{
	struct chan_go_detect d = { .size = sizeof(d), .flags = CHAN_GO_DEADLOCK };
	struct chan_go go = { .size = sizeof(go), .id = 1, .name = "alone" };
	int ctl = chanctl(), ch = ch_make(8, 0, 0);
	uint64_t v;

	(void)arg;
	must(xioctl(ctl, CHAN_IOC_GO_DETECT, &d));
	must(xioctl(ctl, CHAN_IOC_GO, &go));
	return -ch_recv(ch, &v, sizeof(v));
}

TEST(a_deadlock_is_told_without_memory_for_a_dump)
{
	uint64_t start, end;

	if (!is_root() || !faults_available())
		SKIP(return, CANNOT_FAIL);
	ASSERT_TRUE(function_range("watch", "[chan]", &start, &end));
	faults_confine("failslab", start, end);
	fault_set("failslab", "ignore-gfp-wait", 0);
	fault_set("failslab", "verbose", 0);
	fault_set("failslab", "task-filter", 0);
	fault_set("failslab", "interval", 1);
	fault_set("failslab", "times", 1);
	fault_set("failslab", "probability", 100);
	EXPECT_EQ(EDEADLK, child_wait(child_start(wait_for_nobody, NULL)));
	EXPECT_EQ(0, fault_get("failslab", "times"));
	faults_off();
	EXPECT_EQ(EDEADLK, child_wait(child_start(wait_for_nobody, NULL)));
}

/* Any kernel can do without memory; what it cannot make fail is left out. */
int main(int argc, char **argv)
{
	char missing[] = "each_part_of_its_memory_is_missing", test[] = "-t";
	char *alone[4] = { argv[0], test, missing };

	if (argc > 1 || (is_root() && faults_available()))
		return test_harness_run(argc, argv);
	printf("# left out: " CANNOT_FAIL "\n");
	return test_harness_run(3, alone);
}
