// SPDX-License-Identifier: GPL-2.0-only
/*
 * The commands of a channel and of /dev/chanctl: arguments in, replies out.
 */
#include <linux/build_bug.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "chan.h"
#include "file.h"
#include "g.h"
#include "ioctl.h"

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
	struct chan_call call;
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

/*
 * Whoever repeats a call that failed, be it the kernel after a signal, must not send again:
 * then the caller's struct says that it is sent.
 */
static long do_call(struct file *file, union chan_args *args, void __user *uarg)
{
	struct chan_call __user *ucall = uarg;
	bool sent = args->call.flags & CHAN_CALL_SENT;
	u32 flags;
	long ret;

	if (args->call.flags & ~CHAN_CALL_SENT)
		return -EINVAL;
	/* What may have to be written later has to be writable now. */
	if (put_user(args->call.flags, &ucall->flags))
		return -EFAULT;
	ret = chan_command_call(file, &args->call, &sent);
	flags = ret < 0 && sent ? CHAN_CALL_SENT : 0;
	if (flags == args->call.flags)
		return ret;
	return put_user(flags, &ucall->flags) ? -EFAULT : ret;
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
	COMMAND(CALL, struct chan_call, false, do_call),
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
	COMMAND(QUERY, struct chan_query, true, do_query),
	COMMAND(SELECT, struct chan_select, false, do_select),
	COMMAND(CALL, struct chan_call, false, do_call),
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

	ret = get_size(&size, arg);
	if (ret)
		return ret;
	if (!command->reply) {
		ret = copy_struct_from_user(&args, command->size, arg, size);
		return ret ?: command->run(file, &args, arg);
	}
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

/* CHAN_XFER_TRY and the descriptor's O_NONBLOCK say how long. */
static int get_xfer(struct file *file, struct chan_xfer *x, ktime_t *until,
		    const void __user *arg)
{
	if (copy_from_user(x, arg, sizeof(*x)))
		return -EFAULT;
	if (x->flags & ~CHAN_XFER_TRY)
		return -EINVAL;
	*until = x->flags & CHAN_XFER_TRY ? CHAN_NOWAIT : chan_file_patience(file);
	return 0;
}

/* The deadline says how long. */
static int get_xfer_until(struct chan_xfer *x, ktime_t *until, const void __user *arg)
{
	struct chan_xfer_until u;

	if (copy_from_user(&u, arg, sizeof(u)))
		return -EFAULT;
	if (u.xfer.flags)
		return -EINVAL;
	*x = u.xfer;
	*until = chan_deadline(u.deadline);
	return 0;
}

long chan_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const void __user *uarg = (const void __user *)arg;
	struct chan_xfer x;
	ktime_t until;

	switch (cmd) {
	case CHAN_IOC_SEND:
		return get_xfer(file, &x, &until, uarg) ?: chan_command_send(file, &x, until);
	case CHAN_IOC_RECV:
		return get_xfer(file, &x, &until, uarg) ?: chan_command_recv(file, &x, until);
	case CHAN_IOC_SEND_UNTIL:
		return get_xfer_until(&x, &until, uarg) ?: chan_command_send(file, &x, until);
	case CHAN_IOC_RECV_UNTIL:
		return get_xfer_until(&x, &until, uarg) ?: chan_command_recv(file, &x, until);
	}
	return dispatch(chan_commands, file, cmd, arg);
}

long chanctl_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return dispatch(chanctl_commands, file, cmd, arg);
}
