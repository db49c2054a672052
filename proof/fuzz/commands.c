// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every command, with a struct that is well formed, or was before it was mutated.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuzz.h"

#define MAX_CASES	12
#define MAX_STRUCT	1024
/* Of rooms and batches that are checked. */
#define MAX_ELEMS	16

union any_struct {
	uint32_t size;
	struct chan_xfer xfer;
	struct chan_xfer_until xfer_until;
	struct chan_batch batch;
	struct chan_make make;
	struct chan_make_timer make_timer;
	struct chan_set_timer set_timer;
	struct chan_select select;
	struct chan_call call;
	struct chan_remove remove;
	struct chan_dup dup;
	struct chan_info info;
	struct chan_query query;
	struct chan_go go;
	struct chan_go_list go_list;
	struct chan_go_detect go_detect;
	struct chan_go_stats go_stats;
	unsigned char bytes[MAX_STRUCT];
};

enum target { CONTROL, CHANNEL, EITHER };

/* What the kernel writes into the struct. */
enum writes { NOTHING, REPLY, CALL_FLAGS };

/**
 * struct command - a command, and what it may do
 * @name: its name.
 * @cmd: its number.
 * @size: of its struct, 0 if it has none.
 * @sized: whether the struct begins with its size.
 * @target: what takes it.
 * @writes: what it writes into the struct.
 * @weight: how often it is given.
 * @errnos: those that the reference lists for it, the common ones left out.
 * @build: fills the struct for the channel in a slot.
 * @check: looks at what a call with clean memory has done.
 */
struct command {
	const char *name;
	unsigned int cmd;
	unsigned int size;
	bool sized;
	enum target target;
	enum writes writes;
	unsigned int weight;
	const short *errnos;
	void (*build)(struct task *t, union any_struct *s, int slot);
	void (*check)(struct task *t, const union any_struct *s, long ret);
};

/* ---- what may go wrong ---- */

static errnos_t common_errnos = { EBADF, ENOTTY, EFAULT, EINVAL, 0 };
static errnos_t send_errnos = { EMSGSIZE, EDQUOT, ENOMEM, EPIPE, EIDRM, EAGAIN, EINTR, EDEADLK,
	0 };
static errnos_t send_until_errnos = { EMSGSIZE, EDQUOT, ENOMEM, EPIPE, EIDRM, ETIMEDOUT, EINTR,
	EDEADLK, 0 };
static errnos_t recv_errnos = { EMSGSIZE, EIDRM, EAGAIN, EINTR, EDEADLK, 0 };
static errnos_t recv_until_errnos = { EMSGSIZE, EIDRM, ETIMEDOUT, EINTR, EDEADLK, 0 };
static errnos_t send_n_errnos = { EMSGSIZE, EDQUOT, ENOMEM, EPIPE, EIDRM, EAGAIN, ETIMEDOUT,
	EINTR, EDEADLK, E2BIG, 0 };
static errnos_t recv_n_errnos = { EMSGSIZE, EIDRM, EAGAIN, ETIMEDOUT, EINTR, EDEADLK, E2BIG, 0 };
static errnos_t select_errnos = { ENOSPC, ENOMEM, EMSGSIZE, EDQUOT, EPIPE, EIDRM, EAGAIN,
	ETIMEDOUT, EINTR, EDEADLK, E2BIG, 0 };
static errnos_t call_errnos = { EMSGSIZE, EDQUOT, ENOMEM, EPIPE, EIDRM, ETIMEDOUT, EINTR,
	EDEADLK, E2BIG, 0 };
static errnos_t make_errnos = { EEXIST, EPERM, ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM, E2BIG, 0 };
static errnos_t make_timer_errnos = { ENOSPC, EDQUOT, EMFILE, ENFILE, ENOMEM, E2BIG, 0 };
static errnos_t remove_errnos = { ENOENT, EPERM, E2BIG, 0 };
static errnos_t close_errnos = { EPIPE, EIDRM, 0 };
static errnos_t gone_errnos = { EIDRM, 0 };
static errnos_t dup_errnos = { EIDRM, EMFILE, ENFILE, ENOMEM, E2BIG, 0 };
static errnos_t sized_errnos = { E2BIG, 0 };
static errnos_t go_errnos = { EEXIST, EPERM, ENOMEM, EBUSY, E2BIG, 0 };
static errnos_t go_end_errnos = { ESRCH, 0 };
static errnos_t go_list_errnos = { EPERM, EAGAIN, EINTR, ENOMEM, E2BIG, 0 };
static errnos_t go_detect_errnos = { EPERM, ENOMEM, E2BIG, 0 };
static errnos_t go_stats_errnos = { EPERM, E2BIG, 0 };

/* ---- structs ---- */

static bool may_wait(struct task *t)
{
	return chance(&t->r, shared->style.patient);
}

static unsigned int size_for(struct task *t, int slot)
{
	return chance(&t->r, 92) ? elem_of(slot) : below(&t->r, 300);
}

static void build_send(struct task *t, union any_struct *s, int slot)
{
	s->xfer.size = size_for(t, slot);
	s->xfer.addr = (uintptr_t)source(t, s->xfer.size);
	s->xfer.flags = may_wait(t) ? 0 : CHAN_XFER_TRY;
}

/* Now and then one that discards. */
static void build_recv(struct task *t, union any_struct *s, int slot)
{
	s->xfer.size = size_for(t, slot);
	s->xfer.flags = may_wait(t) ? 0 : CHAN_XFER_TRY;
	if (chance(&t->r, 8))
		s->xfer.size = 0;
	else
		s->xfer.addr = (uintptr_t)room(t, s->xfer.size);
}

static void build_send_until(struct task *t, union any_struct *s, int slot)
{
	build_send(t, s, slot);
	s->xfer_until.xfer.flags = 0;
	s->xfer_until.deadline = any_time(t);
}

static void build_recv_until(struct task *t, union any_struct *s, int slot)
{
	build_recv(t, s, slot);
	s->xfer_until.xfer.flags = 0;
	s->xfer_until.deadline = any_time(t);
}

static void build_batch(struct task *t, union any_struct *s, int slot)
{
	struct chan_batch *b = &s->batch;

	b->size = sizeof(*b);
	b->n = 1 + below(&t->r, chance(&t->r, 10) ? 200 : MAX_ELEMS);
	b->elem_size = chance(&t->r, 70) ? elem_of(slot) : 0;
	if (!may_wait(t)) {
		b->flags = chance(&t->r, 50) ? CHAN_XFER_TRY : CHAN_BATCH_UNTIL;
		b->deadline = b->flags == CHAN_BATCH_UNTIL ? any_time(t) : 0;
	}
}

static void build_send_n(struct task *t, union any_struct *s, int slot)
{
	build_batch(t, s, slot);
	s->batch.elems = (uintptr_t)source(t, (size_t)s->batch.n * elem_of(slot));
}

static void build_recv_n(struct task *t, union any_struct *s, int slot)
{
	build_batch(t, s, slot);
	if (chance(&t->r, 90))
		s->batch.elems = (uintptr_t)room(t, (size_t)s->batch.n * elem_of(slot));
}

static void build_make(struct task *t, union any_struct *s, int slot)
{
	static const unsigned int fd_flags[] = { 0, O_NONBLOCK, O_CLOEXEC };
	struct chan_make *make = &s->make;

	make->size = sizeof(*make);
	make->fd_flags = PICK(&t->r, fd_flags);
	make->flags = below(&t->r, 4);
	make->elem_size = elem_of(slot);
	make->cap = chance(&t->r, 90) ? below(&t->r, 5) : below(&t->r, 5000);
	if (chance(&t->r, 30))
		make->closes = any_time(t);
	if (!chance(&t->r, 30))
		return;
	make->flags |= CHAN_NAMED;
	make->mode = below(&t->r, 01000);
	if (chance(&t->r, 75))
		make->name = (uintptr_t)any_name(t);
	else if (t->dirty)
		make->name = (uintptr_t)source(t, 1);
}

static void build_remove(struct task *t, union any_struct *s, int slot)
{
	static const char *const others[] = { "chan0", "chan1", "chan2", "", "chan99", "x y" };

	(void)slot;
	s->remove.size = sizeof(s->remove);
	s->remove.name = (uintptr_t)(chance(&t->r, 70) ? any_name(t) : PICK(&t->r, others));
	if (t->dirty)
		s->remove.name = (uintptr_t)source(t, 1);
}

static void build_make_timer(struct task *t, union any_struct *s, int slot)
{
	struct chan_make_timer *make = &s->make_timer;

	(void)slot;
	make->size = sizeof(*make);
	make->when = any_time(t);
	if (chance(&t->r, 50)) {
		make->flags = CHAN_TIMER_TICK;
		make->period = 1 + below(&t->r, 3000000);
	}
}

static void build_set_timer(struct task *t, union any_struct *s, int slot)
{
	(void)slot;
	s->set_timer.size = sizeof(s->set_timer);
	s->set_timer.when = any_time(t);
	s->set_timer.period = 1 + below(&t->r, 3000000);
}

static void build_dup(struct task *t, union any_struct *s, int slot)
{
	static const unsigned int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	static const unsigned int flags[] = { 0, O_NONBLOCK, O_CLOEXEC };

	(void)slot;
	s->dup.size = sizeof(s->dup);
	s->dup.fd_flags = PICK(&t->r, modes) | PICK(&t->r, flags);
}

static void build_info(struct task *t, union any_struct *s, int slot)
{
	(void)t;
	(void)slot;
	s->info.size = sizeof(s->info);
}

static void build_query(struct task *t, union any_struct *s, int slot)
{
	(void)t;
	(void)slot;
	s->query.size = sizeof(s->query);
}

static void build_go_stats(struct task *t, union any_struct *s, int slot)
{
	(void)t;
	(void)slot;
	s->go_stats.size = sizeof(s->go_stats);
}

static void build_case(struct task *t, struct chan_case *c, int slot)
{
	c->ch = chance(&t->r, 92) ? fd_of(slot) : CHAN_NIL;
	c->dir = chance(&t->r, 50) ? CHAN_DIR_SEND : CHAN_DIR_RECV;
	c->size = elem_of(slot);
	c->elem = (uintptr_t)(c->dir == CHAN_DIR_SEND ? source(t, c->size) : room(t, c->size));
	if (c->dir == CHAN_DIR_RECV && !c->elem)
		c->size = 0;
}

/*
 * The array lies behind the struct, and so is looked at with it.  With bad memory each case may
 * have something wrong.  Of many different channels one is always ready, so now and then all of
 * many cases are on the same.
 */
static void build_select(struct task *t, union any_struct *s, int slot)
{
	struct chan_case *cases = (void *)(s->bytes + sizeof(s->select));
	bool same = chance(&t->r, 10);
	unsigned int i;

	s->select.size = sizeof(s->select);
	s->select.n = chance(&t->r, 80) ? 1 + below(&t->r, 4) : below(&t->r, MAX_CASES + 1);
	if (same)
		s->select.n = MAX_CASES;
	for (i = 0; i < s->select.n; i++) {
		if (!same)
			slot = chan_slot(t);
		build_case(t, &cases[i], slot);
		if (t->dirty && chance(&t->r, 20))
			mutate(t, &cases[i], sizeof(cases[i]));
	}
	if (may_wait(t) || chance(&t->r, 50))
		s->select.deadline = any_time(t);
	else
		s->select.flags = CHAN_SELECT_TRY;
}

static void build_call(struct task *t, union any_struct *s, int slot)
{
	struct chan_call *call = &s->call;
	int in = chan_slot(t);

	call->size = sizeof(*call);
	call->out = chance(&t->r, 50) ? CHAN_CALL_HERE : fd_of(slot);
	call->in = fd_of(in);
	call->req_size = elem_of(slot);
	call->req = (uintptr_t)source(t, call->req_size);
	call->rep_size = elem_of(in);
	call->rep = (uintptr_t)room(t, call->rep_size);
	if (!call->rep)
		call->rep_size = 0;
	call->flags = chance(&t->r, 15) ? CHAN_CALL_SENT : 0;
	call->deadline = any_time(t);
}

static void build_go(struct task *t, union any_struct *s, int slot)
{
	(void)slot;
	s->go.size = sizeof(s->go);
	s->go.id = 1 + below(&t->r, 50);
	s->go.creator = below(&t->r, 50);
	memset(s->go.name, 'f', below(&t->r, sizeof(s->go.name) + 1));
	if (chance(&t->r, 10)) {
		s->go.flags = CHAN_GO_HELPER;
		s->go.id = 0;
	}
}

static void build_go_list(struct task *t, union any_struct *s, int slot)
{
	(void)slot;
	s->go_list.size = sizeof(s->go_list);
	s->go_list.entry_size = sizeof(struct chan_go_info);
	s->go_list.room = below(&t->r, 8);
	s->go_list.entries = (uintptr_t)room(t, s->go_list.room * s->go_list.entry_size);
	s->go_list.flags = chance(&t->r, 50) ? CHAN_GO_FIND_LEAKS : 0;
	if (!s->go_list.entries)
		s->go_list.room = 0;
}

static void build_go_detect(struct task *t, union any_struct *s, int slot)
{
	(void)slot;
	s->go_detect.size = sizeof(s->go_detect);
	s->go_detect.flags = shared->style.detect && chance(&t->r, 70) ? CHAN_GO_DEADLOCK : 0;
}

/* ---- what has been done ---- */

/* A receive gives 1 plus the length; the room is zeroed if the channel is drained. */
static void check_recv(struct task *t, const union any_struct *s, long ret)
{
	(void)s;
	check_room(t, "RECV", 0, ret < 0 ? 0 : ret - 1);
}

static void check_call(struct task *t, const union any_struct *s, long ret)
{
	(void)s;
	check_room(t, "CALL", 0, ret < 0 ? 0 : ret - 1);
}

static void check_select(struct task *t, const union any_struct *s, long ret)
{
	const struct chan_case *cases = (const void *)(s->bytes + sizeof(s->select));
	unsigned int i, room = 0;

	if (ret >= (long)s->select.n)
		complain(t, "SELECT of %u cases returned %ld", s->select.n, ret);
	for (i = 0; i < s->select.n; i++) {
		long len = 0;

		if (cases[i].dir != CHAN_DIR_RECV || !cases[i].elem)
			continue;
		if (i == ret && cases[i].ok)
			len = cases[i].len;
		else if (i == ret)
			len = -1;
		check_room(t, "SELECT", room++, len);
	}
}

static void check_recv_n(struct task *t, const union any_struct *s, long ret)
{
	if (ret > (long)s->batch.n)
		complain(t, "RECV_N of %u elements returned %ld", s->batch.n, ret);
	if (ret <= 0)
		check_rooms_untouched(t, "RECV_N");
	else if (s->batch.elem_size)
		check_room(t, "RECV_N", 0, ret * s->batch.elem_size);
}

static void check_send_n(struct task *t, const union any_struct *s, long ret)
{
	if (ret > (long)s->batch.n)
		complain(t, "SEND_N of %u elements returned %ld", s->batch.n, ret);
}

static void check_info(struct task *t, const union any_struct *s, long ret)
{
	const struct chan_info *info = &s->info;
	size_t n = strnlen(info->name, sizeof(info->name));

	if (ret)
		return;
	if (info->flags & ~(CHAN_MESSAGE | CHAN_AUTOCLOSE | CHAN_NAMED | CHAN_TIMER) ||
	    info->state & ~(CHAN_STATE_CLOSED | CHAN_STATE_REMOVED) || info->len > info->cap)
		complain(t, "INFO gave flags %#x, state %#x, len %llu of %llu", info->flags,
			 info->state, (unsigned long long)info->len,
			 (unsigned long long)info->cap);
	for (; n < sizeof(info->name); n++)
		if (info->name[n])
			complain(t, "INFO gave something behind the name");
}

static bool goroutine_is_sound(const struct chan_go_info *g)
{
	size_t n = strnlen(g->name, sizeof(g->name));
	unsigned int i;

	if (g->reserved || g->state > CHAN_GO_DEAD || g->reason > CHAN_REASON_SELECT_NONE)
		return false;
	for (i = 0; i < CHAN_GO_CASES; i++)
		if (g->where[i].reserved || (i >= g->cases && (g->where[i].chan ||
							       g->where[i].dir)))
			return false;
	for (; n < sizeof(g->name); n++)
		if (g->name[n])
			return false;
	return true;
}

static void check_go_list(struct task *t, const union any_struct *s, long ret)
{
	const struct chan_go_info *list = (const void *)(uintptr_t)s->go_list.entries;
	unsigned int i;

	for (i = 0; i < s->go_list.room && i < ret; i++)
		if (!goroutine_is_sound(&list[i]))
			complain(t, "GO_LIST gave an entry with something in it that is not set");
	if (ret < 0)
		check_rooms_untouched(t, "GO_LIST");
}

static void check_zero(struct task *t, const union any_struct *s, long ret)
{
	(void)s;
	if (ret > 0)
		complain(t, "a command that returns 0 returned %ld", ret);
}

#define COMMAND(_name, _type, _target, _writes, _weight, _errnos, _build, _check)		\
	{ .name = #_name, .cmd = CHAN_IOC_##_name, .size = sizeof(_type), .sized = true,	\
	  .target = _target, .writes = _writes, .weight = _weight, .errnos = _errnos,		\
	  .build = _build, .check = _check }
#define XFER(_name, _type, _weight, _errnos, _build, _check)					\
	{ .name = #_name, .cmd = CHAN_IOC_##_name, .size = sizeof(_type), .target = CHANNEL,	\
	  .weight = _weight, .errnos = _errnos, .build = _build, .check = _check }
#define PLAIN(_name, _target, _weight, _errnos)							\
	{ .name = #_name, .cmd = CHAN_IOC_##_name, .target = _target, .weight = _weight,	\
	  .errnos = _errnos }

static const struct command commands[] = {
	XFER(SEND, struct chan_xfer, 40, send_errnos, build_send, check_zero),
	XFER(RECV, struct chan_xfer, 40, recv_errnos, build_recv, check_recv),
	XFER(SEND_UNTIL, struct chan_xfer_until, 20, send_until_errnos, build_send_until,
	     check_zero),
	XFER(RECV_UNTIL, struct chan_xfer_until, 20, recv_until_errnos, build_recv_until,
	     check_recv),
	COMMAND(SEND_N, struct chan_batch, CHANNEL, NOTHING, 20, send_n_errnos, build_send_n,
		check_send_n),
	COMMAND(RECV_N, struct chan_batch, CHANNEL, NOTHING, 20, recv_n_errnos, build_recv_n,
		check_recv_n),
	COMMAND(SELECT, struct chan_select, EITHER, NOTHING, 60, select_errnos, build_select,
		check_select),
	COMMAND(CALL, struct chan_call, CHANNEL, CALL_FLAGS, 30, call_errnos, build_call,
		check_call),
	COMMAND(MAKE, struct chan_make, CONTROL, NOTHING, 12, make_errnos, build_make, NULL),
	COMMAND(REMOVE, struct chan_remove, CONTROL, NOTHING, 5, remove_errnos, build_remove,
		check_zero),
	COMMAND(MAKE_TIMER, struct chan_make_timer, CONTROL, NOTHING, 6, make_timer_errnos,
		build_make_timer, NULL),
	COMMAND(SET_TIMER, struct chan_set_timer, CHANNEL, NOTHING, 8, sized_errnos,
		build_set_timer, NULL),
	COMMAND(DUP, struct chan_dup, CHANNEL, NOTHING, 10, dup_errnos, build_dup, NULL),
	COMMAND(INFO, struct chan_info, CHANNEL, REPLY, 6, sized_errnos, build_info, check_info),
	COMMAND(QUERY, struct chan_query, EITHER, REPLY, 4, sized_errnos, build_query,
		check_zero),
	COMMAND(GO, struct chan_go, CONTROL, NOTHING, 10, go_errnos, build_go, check_zero),
	PLAIN(GO_END, CONTROL, 3, go_end_errnos),
	COMMAND(GO_LIST, struct chan_go_list, CONTROL, NOTHING, 6, go_list_errnos, build_go_list,
		check_go_list),
	COMMAND(GO_DETECT, struct chan_go_detect, CONTROL, NOTHING, 3, go_detect_errnos,
		build_go_detect, check_zero),
	COMMAND(GO_STATS, struct chan_go_stats, CONTROL, REPLY, 4, go_stats_errnos,
		build_go_stats, check_zero),
	PLAIN(CLOSE, CHANNEL, 5, close_errnos),
	PLAIN(LEN, CHANNEL, 3, gone_errnos),
	PLAIN(CAP, CHANNEL, 2, gone_errnos),
	PLAIN(ELEM_SIZE, CHANNEL, 2, gone_errnos),
};

/* ---- to give one ---- */

static int target_slot(struct task *t, const struct command *command)
{
	if (command->target == CHANNEL || (command->target == EITHER && chance(&t->r, 70)))
		return chan_slot(t);
	return chance(&t->r, 97) ? (int)below(&t->r, 2) : chan_slot(t);
}

static long give(int fd, unsigned int cmd, const void *arg)
{
	long ret = syscall(SYS_ioctl, fd, cmd, arg);

	return ret == -1 ? -errno : ret;
}

static void judge_command(struct task *t, const struct command *command, long ret)
{
	short errnos[32];
	unsigned int n = 0, i;

	for (i = 0; common_errnos[i]; i++)
		errnos[n++] = common_errnos[i];
	for (i = 0; command->errnos[i]; i++)
		errnos[n++] = command->errnos[i];
	errnos[n] = 0;
	judge(t, command->name, ret, errnos);
	if (ret >= 0)
		atomic_fetch_add(&shared->succeeded[command - commands], 1);
}

_Static_assert(ARRAY_SIZE(commands) <= MAX_COMMANDS, "a count for each");

/* NULL: there are not so many. */
const char *command_name(unsigned int i)
{
	return i < ARRAY_SIZE(commands) ? commands[i].name : NULL;
}

/* What the struct takes, with what lies behind it. */
static size_t whole_size(const struct command *command, const union any_struct *s)
{
	if (command->cmd != CHAN_IOC_SELECT)
		return command->size;
	return sizeof(s->select) + s->select.n * sizeof(struct chan_case);
}

/* Of a select the results of the cases, of a call its flags, of a reply all. */
static void check_written(struct task *t, const struct command *command,
			  const union any_struct *was, size_t size, union any_struct *is, long ret)
{
	const struct chan_case *c = (const void *)(was->bytes + sizeof(was->select));
	size_t from = 0, to = 0;

	if (command->writes == REPLY) {
		to = size;
	} else if (command->writes == CALL_FLAGS) {
		from = offsetof(struct chan_call, flags);
		to = from + sizeof(is->call.flags);
	} else if (command->cmd == CHAN_IOC_SELECT && ret >= 0 && ret < was->select.n) {
		from = sizeof(was->select) + ret * sizeof(*c) + offsetof(struct chan_case, ok);
		to = from + offsetof(struct chan_case, reserved) - offsetof(struct chan_case, ok);
	} else if (command->cmd == CHAN_IOC_SELECT) {
		/* Any case may be why it failed. */
		from = sizeof(was->select);
		to = size;
	}
	check_struct(t, command->name, was, size, from, to);
}

static long give_clean(struct task *t, const struct command *command, int slot,
		       union any_struct *s)
{
	size_t size = whole_size(command, s);
	union any_struct *at;
	long ret;

	at = clean_struct(t, s, size);
	if (command->cmd == CHAN_IOC_SELECT) {
		s->select.cases = (uintptr_t)at->bytes + sizeof(s->select);
		at->select.cases = s->select.cases;
	}
	ret = give(fd_of(slot), command->cmd, at);
	judge_command(t, command, ret);
	check_written(t, command, s, size, at, ret);
	if (command->check)
		command->check(t, at, ret);
	return ret;
}

/* Shorter or longer than it should be, and then with something that is not 0. */
static size_t resize(struct task *t, const struct command *command, union any_struct *s)
{
	size_t size = command->size;

	if (!command->sized || !chance(&t->r, 25))
		return size;
	size = chance(&t->r, 50) ? below(&t->r, size + 1) : size + below(&t->r, 64);
	s->size = chance(&t->r, 90) ? size : edge(t);
	if (chance(&t->r, 20))
		s->bytes[below(&t->r, sizeof(*s))] = 1;
	return size;
}

static long give_dirty(struct task *t, const struct command *command, int slot,
		       union any_struct *s)
{
	size_t whole = whole_size(command, s), size;
	unsigned int cmd = command->cmd;
	void *at;
	long ret;

	if (command->cmd == CHAN_IOC_SELECT)
		s->select.cases = (uintptr_t)struct_place(t, s->bytes + sizeof(s->select),
							  whole - sizeof(s->select));
	size = resize(t, command, s);
	if (chance(&t->r, 60))
		mutate(t, s, command->size);
	at = chance(&t->r, 70) && command->cmd != CHAN_IOC_SELECT ?
	     clean_struct(t, s, size) : struct_place(t, s, size);
	if (chance(&t->r, 3))
		cmd ^= 1U << below(&t->r, 32);
	ret = give(chance(&t->r, 95) ? fd_of(slot) : any_fd(t), cmd, at);
	if (cmd == command->cmd)
		judge_command(t, command, ret);
	else
		judge(t, "a command that is none", ret, NULL);
	return ret;
}

static bool makes_fd(unsigned int cmd)
{
	return cmd == CHAN_IOC_MAKE || cmd == CHAN_IOC_MAKE_TIMER || cmd == CHAN_IOC_DUP;
}

static long give_plain(struct task *t, const struct command *command, int slot)
{
	long ret = give(fd_of(slot), command->cmd, t->dirty ? (void *)edge(t) : NULL);

	judge_command(t, command, ret);
	return ret;
}

void op_command(struct task *t)
{
	const struct command *command = PICK_WEIGHTED(&t->r, commands);
	int slot = target_slot(t, command);
	union any_struct s = {};
	unsigned int elem;
	long ret;

	if (!command->size) {
		give_plain(t, command, slot);
		return;
	}
	command->build(t, &s, slot);
	elem = command->cmd == CHAN_IOC_MAKE ? s.make.elem_size : elem_of(slot);
	if (t->dirty)
		ret = give_dirty(t, command, slot, &s);
	else
		ret = give_clean(t, command, slot, &s);
	/* What a mutated number has made is lost with the process. */
	if (makes_fd(command->cmd))
		put_fd(t, ret, command->cmd == CHAN_IOC_MAKE_TIMER ? 8 : elem);
}

long make_channel(struct task *t, unsigned int flags, unsigned int elem, uint64_t cap)
{
	struct chan_make make = { .size = sizeof(make), .flags = flags, .elem_size = elem,
		.cap = cap };

	if (flags & CHAN_NAMED)
		make.mode = 0666;
	if (chance(&t->r, 30))
		make.fd_flags = O_NONBLOCK;
	if (flags & CHAN_NAMED && chance(&t->r, 70))
		make.name = (uintptr_t)any_name(t);
	return give(fd_of(below(&t->r, 2)), CHAN_IOC_MAKE, &make);
}
