// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations by command: send and receive on one descriptor, select and call on several.
 */
#include <linux/file.h>
#include <linux/jump_label.h>
#include <linux/kstrtox.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/uaccess.h>

#include "chan.h"
#include "command.h"
#include "file.h"
#include "ioctl.h"
#include "limits.h"
#include "select.h"
#include "trace.h"

/* See chan_asks_modules(). */
DEFINE_STATIC_KEY_FALSE(chan_asks_modules_key);

static int set_ask_modules(const char *value, const struct kernel_param *kp)
{
	bool on;
	int ret = kstrtobool(value, &on);

	if (ret)
		return ret;
	if (on)
		static_branch_enable(&chan_asks_modules_key);
	else
		static_branch_disable(&chan_asks_modules_key);
	return 0;
}

static int get_ask_modules(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%c\n", static_key_enabled(&chan_asks_modules_key) ? 'Y' : 'N');
}

static const struct kernel_param_ops ask_modules_ops = {
	.set = set_ask_modules,
	.get = get_ask_modules,
};
module_param_cb(ask_modules, &ask_modules_ops, NULL, 0644);
MODULE_PARM_DESC(ask_modules,
		 "Ask the security modules before each send and receive, as before a write or a read (default N)");

/**
 * struct selection - a select by command
 * @file: the descriptor that took the command.
 * @ucases: what the caller gave.
 * @cases: those of them that are not nil.
 * @files: their descriptors.
 * @index: their places at @ucases.
 * @n: how many they are.
 */
struct selection {
	struct file *file;
	struct chan_case __user *ucases;
	struct chan_scase *cases;
	struct file **files;
	u32 *index;
	unsigned int n;
};

/* What is written when the select is over has to be writable before it begins. */
static int get_user_case(struct chan_case *uc, struct chan_case __user *from)
{
	if (copy_from_user(uc, from, sizeof(*uc)))
		return -EFAULT;
	if (put_user(uc->ok, &from->ok) || put_user(uc->len, &from->len))
		return -EFAULT;
	return 0;
}

static int check_case(struct file *file, const struct chan_case *uc)
{
	/* No element is that long, and no room has to be longer. */
	u32 size = min_t(u64, uc->size, U32_MAX);

	switch (uc->dir) {
	case CHAN_DIR_SEND:
		return chan_may_send(file, size);
	case CHAN_DIR_RECV:
		return chan_may_recv(file, u64_to_user_ptr(uc->elem), size);
	default:
		return -EINVAL;
	}
}

static int add_case(struct selection *s, u32 index, const struct chan_case *uc)
{
	struct chan_scase *sc = &s->cases[s->n];
	struct file *file;
	int ret;

	if (uc->reserved[0] || uc->reserved[1])
		return -EINVAL;
	if (uc->ch < 0)
		return 0;
	file = chan_get_channel(uc->ch);
	if (IS_ERR(file))
		return PTR_ERR(file);
	ret = check_case(file, uc);
	if (ret) {
		fput(file);
		return ret;
	}
	sc->chan = chan_file_chan(file);
	sc->user = chan_file_user(file);
	sc->send = uc->dir == CHAN_DIR_SEND;
	sc->addr = u64_to_user_ptr(uc->elem);
	sc->size = sc->send ? uc->size : chan_dest_at(sc->addr, uc->size).room;
	s->files[s->n] = file;
	s->index[s->n++] = index;
	return 0;
}

static int add_cases(struct selection *s, u32 n)
{
	struct chan_case uc;
	int ret = 0;
	u32 i;

	for (i = 0; i < n && !ret; i++) {
		ret = get_user_case(&uc, &s->ucases[i]);
		if (ret)
			return ret;
		ret = add_case(s, i, &uc);
		if (ret && put_user(ret, &s->ucases[i].ok))
			return -EFAULT;
	}
	return ret;
}

static int put_result(const struct selection *s, const struct chan_scase *sc, int ok)
{
	struct chan_case __user *uc = &s->ucases[s->index[sc - s->cases]];
	u64 len = sc->send ? sc->size : sc->len;

	if (put_user(ok, &uc->ok))
		return -EFAULT;
	return ok >= 0 && put_user(ok ? len : 0, &uc->len) ? -EFAULT : 0;
}

/* The index of the case that was done, or an errno. */
static int select_result(const struct selection *s, const struct chan_scase *sc, int ret)
{
	struct chan_dest dest;
	int ok = ret ?: 1;

	if (!sc)
		return ret;
	if (!sc->send) {
		dest = chan_dest_at(sc->addr, sc->size);
		dest.len = sc->len;
		ok = chan_recv_result(sc->chan, &dest, ret);
		ok = min(ok, 1);
	}
	ret = put_result(s, sc, ok);
	if (ret || ok < 0)
		return ret ?: ok;
	return s->index[sc - s->cases];
}

static int run_select(struct selection *s, u32 n, ktime_t until)
{
	struct chan_blocking how = { .until = until, .file = s->file, .held = s->files };
	struct chan_scase *chosen;
	unsigned int i;
	int ret;

	ret = add_cases(s, n);
	how.n_held = s->n;
	if (!ret) {
		trace_chan_select_begin(s->cases, s->n, until != CHAN_NOWAIT);
		ret = chan_select(s->cases, s->n, &how, &chosen);
		ret = select_result(s, chosen, ret);
		trace_chan_select_commit(chosen ? chosen->chan : NULL, ret, how.parks);
	}
	for (i = 0; i < s->n; i++) {
		chan_file_count_parks(s->files[i], how.parks);
		fput(s->files[i]);
	}
	return ret;
}

static noinline int select_small(struct file *file, struct chan_case __user *ucases, u32 n,
				 ktime_t until)
{
	struct chan_scase cases[CHAN_SMALL_SELECT] __uninitialized;
	struct file *files[CHAN_SMALL_SELECT] __uninitialized;
	u32 index[CHAN_SMALL_SELECT] __uninitialized;
	struct selection s = {
		.file = file, .ucases = ucases, .cases = cases, .files = files, .index = index,
	};

	return run_select(&s, n, until);
}

static int select_large(struct file *file, struct chan_case __user *ucases, u32 n,
			ktime_t until)
{
	struct selection s = { .file = file, .ucases = ucases };
	int ret = -ENOMEM;

	s.cases = kvmalloc_array(n, sizeof(*s.cases), GFP_KERNEL_ACCOUNT);
	s.files = kvmalloc_array(n, sizeof(*s.files), GFP_KERNEL_ACCOUNT);
	s.index = kvmalloc_array(n, sizeof(*s.index), GFP_KERNEL_ACCOUNT);
	if (s.cases && s.files && s.index)
		ret = run_select(&s, n, until);
	kvfree(s.index);
	kvfree(s.files);
	kvfree(s.cases);
	return ret;
}

/**
 * chan_command_select() - one select by command
 * @file: the descriptor that took the command.
 * @args: what the caller asks for.
 *
 * Return: the index of the case that was done; an errno of chan_select(), or -EBADF,
 * -EFAULT, -EINVAL, -EMSGSIZE, -ENOSPC (too many cases), -ENOTTY.
 */
int chan_command_select(struct file *file, const struct chan_select *args)
{
	struct chan_case __user *ucases = u64_to_user_ptr(args->cases);
	ktime_t until;

	if (args->flags & ~CHAN_SELECT_TRY || args->reserved)
		return -EINVAL;
	if (args->flags & CHAN_SELECT_TRY && args->deadline)
		return -EINVAL;
	if (args->n > chan_max_select_cases())
		return -ENOSPC;
	until = args->flags & CHAN_SELECT_TRY ? CHAN_NOWAIT : chan_deadline(args->deadline);
	if (args->n <= CHAN_SMALL_SELECT)
		return select_small(file, ucases, args->n, until);
	return select_large(file, ucases, args->n, until);
}
