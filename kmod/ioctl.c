// SPDX-License-Identifier: GPL-2.0-only
/*
 * The commands of a channel and of /dev/chanctl: arguments in, replies out.
 */
#include <linux/build_bug.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "chan.h"
#include "command.h"
#include "file.h"
#include "g.h"
#include "ioctl.h"
#include "word.h"

/* User space is compiled with these, 32-bit programs too. */
static_assert(sizeof(struct chan_xfer) == 16);
static_assert(sizeof(struct chan_xfer_until) == 24);
static_assert(offsetof(struct chan_xfer_until, deadline) == 16);
static_assert(sizeof(struct chan_make) == 48);
static_assert(offsetof(struct chan_make, cap) == 16);
static_assert(offsetof(struct chan_make, name) == 24);
static_assert(sizeof(struct chan_remove) == 16);
static_assert(sizeof(struct chan_dup) == 8);
static_assert(sizeof(struct chan_info) == 192);
static_assert(offsetof(struct chan_info, sends) == 64);
static_assert(offsetof(struct chan_info, name) == 120);
static_assert(sizeof(struct chan_query) == 112);
static_assert(sizeof(struct chan_case) == 56);
static_assert(offsetof(struct chan_case, ok) == 24);
static_assert(offsetof(struct chan_case, len) == 32);
static_assert(sizeof(struct chan_select) == 32);
static_assert(sizeof(struct chan_call) == 48);
static_assert(sizeof(struct chan_batch) == 32);
static_assert(offsetof(struct chan_batch, deadline) == 24);
static_assert(sizeof(struct chan_make_timer) == 32);
static_assert(sizeof(struct chan_set_timer) == 24);
static_assert(sizeof(struct chan_go) == 72);
static_assert(sizeof(struct chan_go_info) == 248);
static_assert(sizeof(struct chan_go_list) == 24);
static_assert(sizeof(struct chan_go_detect) == 8);
static_assert(sizeof(struct chan_go_stats) == 48);

/* Every struct that says its size has at least that and one word more. */
#define CHAN_MIN_SIZE		8

union chan_args {
	u32 size;
	struct chan_make make;
	struct chan_make_timer make_timer;
	struct chan_remove remove;
	struct chan_dup dup;
	struct chan_info info;
	struct chan_query query;
	struct chan_select select;
	struct chan_batch batch;
	struct chan_set_timer set_timer;
	struct chan_go go;
	struct chan_go_list go_list;
	struct chan_go_detect go_detect;
	struct chan_go_stats go_stats;
};

/**
 * struct command - one command
 * @cmd: its number.
 * @size: of its struct; 0 if it takes none.
 * @reply: whether the struct is its answer rather than its argument.
 * @run: does it.  @uarg is where @args came from.
 */
struct command {
	unsigned int cmd;
	u32 size;
	bool reply;
	long (*run)(struct file *file, union chan_args *args, void __user *uarg);
};

static long do_make(struct file *file, union chan_args *args, void __user *uarg)
{
	return chan_control_make(&args->make);
}

static long do_remove(struct file *file, union chan_args *args, void __user *uarg)
{
	return chan_control_remove(&args->remove);
}

static long do_make_timer(struct file *file, union chan_args *args, void __user *uarg)
{
	return chan_control_make_timer(&args->make_timer);
}

static long do_set_timer(struct file *file, union chan_args *args, void __user *uarg)
{
	return chan_control_set_timer(chan_file_chan(file), &args->set_timer);
}

static long do_select(struct file *file, union chan_args *args, void __user *uarg)
{
	return chan_command_select(file, &args->select);
}

static long do_send_n(struct file *file, union chan_args *args, void __user *uarg)
{
	return chan_command_batch(file, true, &args->batch);
}

static long do_recv_n(struct file *file, union chan_args *args, void __user *uarg)
{
	return chan_command_batch(file, false, &args->batch);
}

static long do_query(struct file *file, union chan_args *args, void __user *uarg)
{
	chan_control_query(&args->query);
	return 0;
}

static long do_close(struct file *file, union chan_args *args, void __user *uarg)
{
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	return chan_close(chan_file_chan(file));
}

static long do_len(struct file *file, union chan_args *args, void __user *uarg)
{
	struct chan *c = chan_file_chan(file);
	long len = chan_len(c);

	return chan_gone(c) ?: len;
}

static long do_cap(struct file *file, union chan_args *args, void __user *uarg)
{
	struct chan *c = chan_file_chan(file);
	long cap = c->ring.cap;

	return chan_gone(c) ?: cap;
}

static long do_elem_size(struct file *file, union chan_args *args, void __user *uarg)
{
	struct chan *c = chan_file_chan(file);
	long elem_size = c->ring.elem_size;

	return chan_gone(c) ?: elem_size;
}

static long do_dup(struct file *file, union chan_args *args, void __user *uarg)
{
	return chan_control_dup(file, args->dup.fd_flags);
}

static long do_info(struct file *file, union chan_args *args, void __user *uarg)
{
	chan_control_info(chan_file_chan(file), &args->info);
	return 0;
}

static long do_go(struct file *file, union chan_args *args, void __user *uarg)
{
	return chan_go(file, &args->go);
}

static long do_go_end(struct file *file, union chan_args *args, void __user *uarg)
{
	return chan_go_end(file);
}

static long do_go_list(struct file *file, union chan_args *args, void __user *uarg)
{
	return chan_go_list(file, &args->go_list);
}

static long do_go_detect(struct file *file, union chan_args *args, void __user *uarg)
{
	return chan_go_detect(file, &args->go_detect);
}

static long do_go_stats(struct file *file, union chan_args *args, void __user *uarg)
{
	return chan_go_stats(file, &args->go_stats);
}

#define COMMAND(name, type, is_reply, fn) \
	{ .cmd = CHAN_IOC_##name, .size = sizeof(type), .reply = is_reply, .run = fn }
#define COMMAND_NOARG(name, fn) \
	{ .cmd = CHAN_IOC_##name, .run = fn }

static const struct command chanctl_commands[] = {
	COMMAND(MAKE, struct chan_make, false, do_make),
	COMMAND(MAKE_TIMER, struct chan_make_timer, false, do_make_timer),
	COMMAND(REMOVE, struct chan_remove, false, do_remove),
	COMMAND(QUERY, struct chan_query, true, do_query),
	COMMAND(SELECT, struct chan_select, false, do_select),
	COMMAND(GO, struct chan_go, false, do_go),
	COMMAND_NOARG(GO_END, do_go_end),
	COMMAND(GO_LIST, struct chan_go_list, false, do_go_list),
	COMMAND(GO_DETECT, struct chan_go_detect, false, do_go_detect),
	COMMAND(GO_STATS, struct chan_go_stats, true, do_go_stats),
	{}
};

static const struct command chan_commands[] = {
	COMMAND_NOARG(CLOSE, do_close),
	COMMAND_NOARG(LEN, do_len),
	COMMAND_NOARG(CAP, do_cap),
	COMMAND_NOARG(ELEM_SIZE, do_elem_size),
	COMMAND(DUP, struct chan_dup, false, do_dup),
	COMMAND(INFO, struct chan_info, true, do_info),
	COMMAND(SET_TIMER, struct chan_set_timer, false, do_set_timer),
	COMMAND(SEND_N, struct chan_batch, false, do_send_n),
	COMMAND(RECV_N, struct chan_batch, false, do_recv_n),
	COMMAND(QUERY, struct chan_query, true, do_query),
	COMMAND(SELECT, struct chan_select, false, do_select),
	{}
};

static int get_size(u32 *size, const void __user *arg)
{
	if (get_user(*size, (const u32 __user *)arg))
		return -EFAULT;
	if (*size < CHAN_MIN_SIZE)
		return -EINVAL;
	return *size > PAGE_SIZE ? -E2BIG : 0;
}

/**
 * chan_get_args() - the argument of a command, of any version of its struct
 * @args: set to it.
 * @known: bytes of it.
 * @from: where it is.
 *
 * Return: 0, -EFAULT, -EINVAL (too short), -E2BIG (something is set that is not known).
 */
int chan_get_args(void *args, u32 known, const void __user *from)
{
	u32 size;
	int ret = get_size(&size, from);

	return ret ?: copy_struct_from_user(args, known, from, size);
}

static int put_reply(void __user *arg, u32 size, union chan_args *args, u32 known)
{
	args->size = min(size, known);
	if (copy_to_user(arg, args, args->size))
		return -EFAULT;
	if (size > known && clear_user(arg + known, size - known))
		return -EFAULT;
	return 0;
}

static long run(const struct command *command, struct file *file, void __user *arg)
{
	union chan_args args;
	u32 size;
	long ret;

	/* All of it, not just the first member: it may go to user space. */
	memset(&args, 0, sizeof(args));
	if (!command->size)
		return arg ? -EINVAL : command->run(file, &args, arg);

	if (!command->reply) {
		ret = chan_get_args(&args, command->size, arg);
		return ret ?: command->run(file, &args, arg);
	}
	ret = get_size(&size, arg);
	if (ret)
		return ret;
	ret = command->run(file, &args, arg);
	return ret ?: put_reply(arg, size, &args, command->size);
}

static long dispatch(const struct command *command, struct file *file, unsigned int cmd,
		     unsigned long arg)
{
	for (; command->run; command++)
		if (command->cmd == cmd)
			return run(command, file, (void __user *)arg);
	return -ENOTTY;
}

/*
 * struct xfer - what a send or a receive is told
 * @addr: the element, or where to receive to.
 * @size: its bytes.
 * @flags: CHAN_XFER_TRY.
 */
struct xfer {
	void __user *addr;
	union {
		struct {
			u32 size;
			u32 flags;
		};
		u64 size_and_flags;
	};
};

static_assert(offsetof(struct xfer, flags) - offsetof(struct xfer, size) ==
	      offsetof(struct chan_xfer, flags) - offsetof(struct chan_xfer, size));

/* In registers: this is a good part of what a short send costs. */
static __always_inline bool get_xfer(struct xfer *x, unsigned long arg)
{
	const struct chan_xfer __user *from = (const struct chan_xfer __user *)arg;
	u64 addr;

	if (!user_read_access_begin(from, sizeof(*from)))
		return false;
	unsafe_get_user(addr, &from->addr, fault);
	unsafe_get_user(x->size_and_flags, (const u64 __user *)&from->size, fault);
	user_read_access_end();
	x->addr = u64_to_user_ptr(addr);
	return true;

fault:
	user_read_access_end();
	return false;
}

/* By far the most common: eight bytes, without flags. */
static __always_inline bool is_plain(const struct xfer *x)
{
	const struct xfer plain = { .size = 8 };

	return likely(x->size_and_flags == plain.size_and_flags);
}

/* CHAN_XFER_TRY and the descriptor's O_NONBLOCK say how long. */
static __always_inline ktime_t patience(const struct file *file, u32 flags)
{
	return flags ? CHAN_NOWAIT : chan_file_patience(file);
}

/* Whether it may be done as a word. */
static __always_inline bool is_word(const struct file *file, fmode_t mode,
				    const void __user *addr, u32 size)
{
	return likely((file->f_mode & mode) && !chan_asks_modules() &&
		      chan_takes_word(chan_file_chan(file), addr, size));
}

static __always_inline long send(struct file *file, const void __user *addr, u32 size, u32 flags)
{
	int ret = -EAGAIN;

	if (is_word(file, FMODE_WRITE, addr, size)) {
		if (chan_may_send_word(chan_file_chan(file)))
			ret = chan_send_word(chan_file_chan(file), addr, size);
		else if (patience(file, flags) == KTIME_MAX)
			ret = chan_command_send_parked(file, addr, size);
		if (likely(ret != -EAGAIN))
			return ret;
	}
	return chan_command_send(file, addr, size, patience(file, flags));
}

static __always_inline long recv(struct file *file, void __user *addr, u32 size, u32 flags)
{
	int ret = -EAGAIN;

	if (is_word(file, FMODE_READ, addr, size) && addr) {
		if (chan_may_recv_word(chan_file_chan(file)))
			ret = chan_recv_word(chan_file_chan(file), addr, size);
		else if (patience(file, flags) == KTIME_MAX)
			ret = chan_command_recv_parked(file, addr, size);
		if (likely(ret != -EAGAIN))
			return ret;
	}
	return chan_command_recv(file, addr, size, patience(file, flags));
}

static noinline long send_any(struct file *file, const void __user *addr, u32 size, u32 flags)
{
	return flags & ~CHAN_XFER_TRY ? -EINVAL : send(file, addr, size, flags);
}

static noinline long recv_any(struct file *file, void __user *addr, u32 size, u32 flags)
{
	return flags & ~CHAN_XFER_TRY ? -EINVAL : recv(file, addr, size, flags);
}

static noinline long do_send(struct file *file, unsigned long arg)
{
	struct xfer x __uninitialized;

	if (unlikely(!get_xfer(&x, arg)))
		return -EFAULT;
	return is_plain(&x) ? send(file, x.addr, 8, 0) : send_any(file, x.addr, x.size, x.flags);
}

static noinline long do_recv(struct file *file, unsigned long arg)
{
	struct xfer x __uninitialized;

	if (unlikely(!get_xfer(&x, arg)))
		return -EFAULT;
	return is_plain(&x) ? recv(file, x.addr, 8, 0) : recv_any(file, x.addr, x.size, x.flags);
}

/* The deadline says how long. */
static long transfer_until(struct file *file, bool sends, unsigned long arg)
{
	struct chan_xfer_until u;
	void __user *addr;
	ktime_t until;

	if (copy_from_user(&u, (const void __user *)arg, sizeof(u)))
		return -EFAULT;
	if (u.xfer.flags)
		return -EINVAL;
	until = chan_deadline(u.deadline);
	addr = u64_to_user_ptr(u.xfer.addr);
	return sends ? chan_command_send(file, addr, u.xfer.size, until) :
		       chan_command_recv(file, addr, u.xfer.size, until);
}

/*
 * All of a struct that is as long as we know it, without a function that copies it.  One of
 * another size, or with some of it missing, is for dispatch().
 */
static __always_inline bool get_known(union chan_args *args, unsigned long arg, u32 size)
{
	const u64 __user *from = (const u64 __user *)arg;
	u64 *to = (u64 *)args;
	unsigned int i;

	if (!user_read_access_begin(from, size))
		return false;
#pragma GCC unroll 8
	for (i = 0; i < size / sizeof(*to); i++)
		unsafe_get_user(to[i], &from[i], fault);
	user_read_access_end();
	return args->size == size;

fault:
	user_read_access_end();
	return false;
}

static noinline long other_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	switch (cmd) {
	case CHAN_IOC_SEND_UNTIL:
		return transfer_until(file, true, arg);
	case CHAN_IOC_RECV_UNTIL:
		return transfer_until(file, false, arg);
	}
	return dispatch(chan_commands, file, cmd, arg);
}

static noinline long select(struct file *file, unsigned long arg)
{
	union chan_args args __uninitialized;

	if (unlikely(!get_known(&args, arg, sizeof(args.select))))
		return other_ioctl(file, CHAN_IOC_SELECT, arg);
	return chan_command_select(file, &args.select);
}

static noinline long batch(struct file *file, unsigned int cmd, unsigned long arg)
{
	union chan_args args __uninitialized;

	if (unlikely(!get_known(&args, arg, sizeof(args.batch))))
		return other_ioctl(file, cmd, arg);
	return chan_command_batch(file, cmd == CHAN_IOC_SEND_N, &args.batch);
}

long chan_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd == CHAN_IOC_SEND)
		return do_send(file, arg);
	if (cmd == CHAN_IOC_RECV)
		return do_recv(file, arg);
	if (cmd == CHAN_IOC_CALL)
		return chan_command_call(file, (struct chan_call __user *)arg);
	if (cmd == CHAN_IOC_SELECT)
		return select(file, arg);
	if (cmd == CHAN_IOC_SEND_N || cmd == CHAN_IOC_RECV_N)
		return batch(file, cmd, arg);
	return other_ioctl(file, cmd, arg);
}

long chanctl_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	if (cmd == CHAN_IOC_CALL)
		return chan_command_call(file, (struct chan_call __user *)arg);
	return dispatch(chanctl_commands, file, cmd, arg);
}
