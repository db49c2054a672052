// SPDX-License-Identifier: GPL-2.0-only
/*
 * A task: does its steps, and writes down when, and what came of it.
 */
#include <errno.h>
#include <limits.h>
#include <linux/chan.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <kchan.h>

#include "record.h"

/* A deadline that has passed. */
#define LONG_AGO	1

/* ---- signals ---- */

static __thread volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

/* One interrupts a call, after the other the kernel restarts it. */
void set_up_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigemptyset(&sa.sa_mask);
	sigaction(SIGUSR1, &sa, NULL);
	sa.sa_flags = SA_RESTART;
	sigaction(SIGUSR2, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* ---- what there is to say of a call ---- */

/**
 * struct call - a step under way
 * @step: the step.
 * @op: its operation.
 * @fd: the channel, with O_NONBLOCK if that is what makes it a try.
 * @other: by O_NONBLOCK; so say nothing else.
 * @deadline: in nanoseconds.
 * @shared: for descriptors.
 */
struct call {
	struct step *step;
	struct op *op;
	int fd;
	bool other;
	uint64_t deadline;
	const struct shared *shared;
};

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static uint64_t deadline_of(const struct step *step)
{
	if (step->op.patience == LATE)
		return LONG_AGO;
	return step->op.patience == UNTIL ? now() + step->patience_ns : CHAN_FOREVER;
}

static struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
}

static bool has_deadline(const struct op *op)
{
	return op->patience >= UNTIL;
}

/* ---- results ---- */

static void failed(struct op *op)
{
	switch (errno) {
	case EPIPE:
		op->result = RES_EPIPE;
		break;
	case EAGAIN:
		op->result = RES_AGAIN;
		break;
	case ETIMEDOUT:
		op->result = RES_TIMEDOUT;
		break;
	case EINTR:
		op->result = RES_INTR;
		break;
	default:
		op->result = RES_ERROR;
		op->error = errno;
	}
}

/* No element of ours is that large. */
static uint16_t to_value(uint64_t elem)
{
	return elem > UINT16_MAX ? UINT16_MAX : elem;
}

static void received(struct op *op, const uint64_t *elems, long n)
{
	long i;

	op->result = n ? RES_GOT : RES_CLOSED;
	for (i = 0; i < n && i < MAX_BATCH; i++)
		op->got[i] = to_value(elems[i]);
	op->n_got = i;
}

static void sent(struct op *op, long n)
{
	op->result = RES_SENT;
	op->sent = n;
}

/* ---- operations ---- */

static int xfer_raw(const struct call *c, uint64_t *elem, unsigned long plain,
		    unsigned long with_deadline)
{
	struct chan_xfer xfer = { .addr = (uintptr_t)elem, .size = sizeof(*elem) };
	struct chan_xfer_until until = { .xfer = xfer, .deadline = c->deadline };

	if (has_deadline(c->op))
		return ioctl(c->fd, with_deadline, &until);
	if (c->op->patience == TRY && !c->other)
		xfer.flags = CHAN_XFER_TRY;
	return ioctl(c->fd, plain, &xfer);
}

static int send_raw(const struct call *c, uint64_t *elem)
{
	return xfer_raw(c, elem, CHAN_IOC_SEND, CHAN_IOC_SEND_UNTIL);
}

static int send_by_library(const struct call *c, uint64_t *elem)
{
	struct timespec deadline = timespec_of(c->deadline);

	if (has_deadline(c->op))
		return kchan_send_until(c->fd, elem, sizeof(*elem), &deadline);
	if (c->op->patience == TRY && !c->other)
		return kchan_try_send(c->fd, elem, sizeof(*elem));
	return kchan_send(c->fd, elem, sizeof(*elem));
}

static void do_send(const struct call *c)
{
	uint64_t elem = c->op->values[0];

	if ((c->step->raw ? send_raw(c, &elem) : send_by_library(c, &elem)) < 0)
		failed(c->op);
	else
		sent(c->op, 1);
}

static int recv_raw(const struct call *c, uint64_t *elem)
{
	return xfer_raw(c, elem, CHAN_IOC_RECV, CHAN_IOC_RECV_UNTIL);
}

static int recv_by_library(const struct call *c, uint64_t *elem)
{
	struct timespec deadline = timespec_of(c->deadline);

	if (has_deadline(c->op))
		return kchan_recv_until(c->fd, elem, sizeof(*elem), &deadline);
	if (c->op->patience == TRY && !c->other)
		return kchan_try_recv(c->fd, elem, sizeof(*elem));
	return kchan_recv(c->fd, elem, sizeof(*elem));
}

static void do_recv(const struct call *c)
{
	uint64_t elem = 0;
	int ret = c->step->raw ? recv_raw(c, &elem) : recv_by_library(c, &elem);

	if (ret < 0)
		failed(c->op);
	else
		received(c->op, &elem, ret > 0);
}

static int select_raw(const struct call *c, struct kchan_case *cases)
{
	struct chan_select args = {
		.size = sizeof(args),
		.cases = (uintptr_t)cases,
		.n = c->op->n_cases,
	};

	if (c->op->patience == TRY)
		args.flags = CHAN_SELECT_TRY;
	else
		args.deadline = c->deadline;
	return ioctl(c->shared->fd[0], CHAN_IOC_SELECT, &args);
}

static int select_by_library(const struct call *c, struct kchan_case *cases)
{
	struct timespec deadline = timespec_of(c->deadline);

	if (has_deadline(c->op))
		return kchan_select_until(cases, c->op->n_cases, &deadline);
	if (c->op->patience == TRY)
		return kchan_try_select(cases, c->op->n_cases);
	return kchan_select(cases, c->op->n_cases);
}

static void make_kchan_cases(const struct call *c, struct kchan_case *cases, uint64_t *elems)
{
	unsigned int i;

	for (i = 0; i < c->op->n_cases; i++) {
		const struct op_case *oc = &c->op->cases[i];

		elems[i] = oc->value;
		cases[i] = (struct kchan_case){
			.ch = KCHAN_NIL,
			.dir = oc->dir == DIR_SEND ? KCHAN_SEND : KCHAN_RECV,
			.elem = &elems[i],
			.size = sizeof(elems[i]),
		};
		if (oc->chan >= 0)
			cases[i].ch = c->shared->fd[oc->chan];
	}
}

/* The case because of which the select failed. */
static int refused_case(const struct op *op, const struct kchan_case *cases)
{
	unsigned int i;

	for (i = 0; i < op->n_cases; i++)
		if (cases[i].ok < 0)
			return i;
	return -1;
}

static void do_select(const struct call *c)
{
	struct kchan_case cases[MAX_CASES];
	uint64_t elems[MAX_CASES];
	struct op *op = c->op;

	make_kchan_cases(c, cases, elems);
	if (c->step->raw)
		op->chosen = select_raw(c, cases);
	else
		op->chosen = select_by_library(c, cases);
	if (op->chosen < 0) {
		failed(op);
		op->chosen = refused_case(op, cases);
	} else if (op->cases[op->chosen].dir == DIR_SEND) {
		sent(op, 1);
	} else {
		received(op, &elems[op->chosen], cases[op->chosen].ok);
	}
}

static int call_raw(const struct call *c, uint64_t *req, uint64_t *rep, bool *is_sent)
{
	struct chan_call args = {
		.size = sizeof(args),
		.out = c->fd,
		.in = c->shared->fd[c->op->in],
		.req = (uintptr_t)req,
		.rep = (uintptr_t)rep,
		.req_size = sizeof(*req),
		.rep_size = sizeof(*rep),
		.deadline = c->deadline,
	};
	int ret;

	if (c->step->here)
		args.out = CHAN_CALL_HERE;
	ret = ioctl(c->fd, CHAN_IOC_CALL, &args);
	*is_sent = args.flags & CHAN_CALL_SENT;
	return ret;
}

/* The library does not tell whether a call was sent that a deadline has ended. */
static void do_call(const struct call *c)
{
	uint64_t req = c->op->values[0], rep = 0;
	bool is_sent = false;
	int ret;

	if (c->step->raw || has_deadline(c->op))
		ret = call_raw(c, &req, &rep, &is_sent);
	else
		ret = kchan_call(c->fd, &req, sizeof(req), c->shared->fd[c->op->in], &rep,
				 sizeof(rep));
	if (ret < 0) {
		failed(c->op);
		c->op->sent = is_sent;
	} else {
		received(c->op, &rep, ret > 0);
	}
}

static long batch_raw(const struct call *c, unsigned long cmd, uint64_t *elems)
{
	struct chan_batch args = {
		.size = sizeof(args),
		.elems = (uintptr_t)elems,
		.n = c->op->n,
		.elem_size = sizeof(*elems),
	};

	if (has_deadline(c->op)) {
		args.flags = CHAN_BATCH_UNTIL;
		args.deadline = c->deadline;
	} else if (c->op->patience == TRY && !c->other) {
		args.flags = CHAN_XFER_TRY;
	}
	return ioctl(c->fd, cmd, &args);
}

static long send_many(const struct call *c, uint64_t *elems)
{
	ssize_t ret;

	if (c->op->kind == OP_WRITE) {
		ret = write(c->fd, elems, c->op->n * sizeof(*elems));
		return ret < 0 ? ret : ret / (ssize_t)sizeof(*elems);
	}
	if (c->step->raw || has_deadline(c->op) || (c->op->patience == TRY && !c->other))
		return batch_raw(c, CHAN_IOC_SEND_N, elems);
	return kchan_send_n(c->fd, elems, c->op->n);
}

static void do_send_many(const struct call *c)
{
	uint64_t elems[MAX_BATCH];
	unsigned int i;
	long ret;

	for (i = 0; i < c->op->n; i++)
		elems[i] = c->op->values[i];
	ret = send_many(c, elems);
	if (ret < 0)
		failed(c->op);
	else
		sent(c->op, ret);
}

static long recv_many(const struct call *c, uint64_t *elems)
{
	ssize_t ret;

	if (c->op->kind == OP_READ) {
		ret = read(c->fd, elems, c->op->n * sizeof(*elems));
		return ret < 0 ? ret : ret / (ssize_t)sizeof(*elems);
	}
	if (c->step->raw || has_deadline(c->op) || (c->op->patience == TRY && !c->other))
		return batch_raw(c, CHAN_IOC_RECV_N, elems);
	return kchan_recv_n(c->fd, elems, c->op->n);
}

static void do_recv_many(const struct call *c)
{
	uint64_t elems[MAX_BATCH] = {};
	long ret = recv_many(c, elems);

	if (ret < 0)
		failed(c->op);
	else
		received(c->op, elems, ret);
}

static void do_close(const struct call *c)
{
	if (kchan_close(c->fd) < 0)
		failed(c->op);
	else
		c->op->result = RES_OK;
}

static void do_len(const struct call *c)
{
	ssize_t ret = kchan_len(c->fd);

	if (ret < 0) {
		failed(c->op);
		return;
	}
	c->op->result = RES_SAW;
	c->op->saw.len = ret;
}

static void do_look(const struct call *c)
{
	struct chan_info info = { .size = sizeof(info) };

	if (ioctl(c->fd, CHAN_IOC_INFO, &info) < 0) {
		failed(c->op);
		return;
	}
	c->op->result = RES_SAW;
	c->op->saw = (struct sight){
		.len = info.len,
		.recvq = info.recvq,
		.sendq = info.sendq,
		.sends = info.sends,
		.receives = info.receives,
		.closed = info.state & CHAN_STATE_CLOSED,
	};
}

static void do_it(const struct call *c)
{
	switch (c->op->kind) {
	case OP_SEND:
		return do_send(c);
	case OP_RECV:
		return do_recv(c);
	case OP_SELECT:
		return do_select(c);
	case OP_CALL:
		return do_call(c);
	case OP_SEND_N:
	case OP_WRITE:
		return do_send_many(c);
	case OP_RECV_N:
	case OP_READ:
		return do_recv_many(c);
	case OP_CLOSE:
		return do_close(c);
	case OP_LEN:
		return do_len(c);
	case OP_LOOK:
		return do_look(c);
	}
}

/* A try is one by its command or by O_NONBLOCK; for read and write only by that. */
static bool by_nonblock(const struct step *step)
{
	const struct op *op = &step->op;

	if (op->patience != TRY || op->kind == OP_SELECT)
		return false;
	return op->kind == OP_WRITE || op->kind == OP_READ || step->here;
}

/* ---- time ---- */

static void spin(unsigned int turns)
{
	while (turns--)
		__asm__ volatile("" ::: "memory");
}

static unsigned int tick(struct shared *shared)
{
	return atomic_fetch_add(&shared->clock, 1) + 1;
}

/* The result is complete when it says when. */
void run_step(struct shared *shared, struct step *step)
{
	struct call c = {
		.step = step,
		.op = &step->op,
		.other = by_nonblock(step),
		.shared = shared,
	};
	sig_atomic_t before = signals;
	unsigned int returned;

	c.fd = c.other ? shared->nonblocking[step->op.chan] : shared->fd[step->op.chan];
	spin(step->delay);
	c.deadline = deadline_of(step);
	atomic_store(&step->called, tick(shared));
	do_it(&c);
	returned = tick(shared);
	step->op.signalled = signals != before;
	atomic_store(&step->returned, returned);
}

/* All begin together, as far as there are processors for them. */
static void meet_others(struct shared *shared, unsigned int n)
{
	atomic_fetch_add(&shared->arrived, 1);
	while (atomic_load(&shared->arrived) < n)
		sched_yield();
}

static unsigned int next_epoch(struct shared *shared, unsigned int last)
{
	unsigned int epoch;

	while ((epoch = atomic_load(&shared->epoch)) == last)
		syscall(SYS_futex, &shared->epoch, FUTEX_WAIT, last, NULL, NULL, 0);
	return epoch;
}

/* Does not return: the process ends with the recorder, or is killed. */
void run_task(struct shared *shared, unsigned int t, unsigned int epoch)
{
	struct task *task = &shared->tasks[t];
	unsigned int i;

	atomic_store(&task->tid, gettid());
	for (;;) {
		epoch = next_epoch(shared, epoch);
		if (t >= tasks_in(epoch))
			continue;
		meet_others(shared, tasks_in(epoch));
		for (i = 0; i < task->n; i++)
			run_step(shared, &task->steps[i]);
		atomic_store(&task->finished, epoch);
	}
}
