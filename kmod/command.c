// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations by command: send and receive on one descriptor, select and call on several.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/jump_label.h>
#include <linux/kstrtox.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/random.h>
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
 * @n_ucases: how many.
 * @cases: those of them that are not nil.
 * @files: their files.
 * @n: how many they are.
 * @alone: the descriptors of the task, if nobody else can change them: then no references
 *	are taken.  NULL if somebody can.
 * @writable: an address in the last page at @ucases that was found to be writable.
 */
struct selection {
	struct file *file;
	struct chan_case __user *ucases;
	u32 n_ucases;
	struct chan_scase *cases;
	struct file **files;
	unsigned int n;
	struct files_struct *alone;
	unsigned long writable;
};

/* In registers, as in ioctl.c. */
static __always_inline int get_user_case(struct chan_case *uc,
					 const struct chan_case __user *from)
{
	if (!user_read_access_begin(from, sizeof(*from)))
		return -EFAULT;
	/* Both @ch and @dir. */
	unsafe_get_user(*(u64 *)uc, (const u64 __user *)from, fault);
	unsafe_get_user(uc->elem, &from->elem, fault);
	unsafe_get_user(uc->size, &from->size, fault);
	unsafe_get_user(uc->reserved[0], &from->reserved[0], fault);
	unsafe_get_user(uc->reserved[1], &from->reserved[1], fault);
	user_read_access_end();
	return 0;

fault:
	user_read_access_end();
	return -EFAULT;
}

static noinline int check_result(struct selection *s, struct chan_case __user *uc)
{
	u64 len;
	s32 ok;

	if (get_user(ok, &uc->ok) || put_user(ok, &uc->ok))
		return -EFAULT;
	if (get_user(len, &uc->len) || put_user(len, &uc->len))
		return -EFAULT;
	s->writable = (unsigned long)&uc->len;
	return 0;
}

/*
 * What is written when the select is over has to be writable before it begins.  One case of
 * each page is enough, and those that have a part in two.
 */
static __always_inline int check_results(struct selection *s, struct chan_case __user *uc)
{
	if (likely(!(((unsigned long)&uc->len ^ s->writable) & PAGE_MASK)))
		return 0;
	return check_result(s, uc);
}

static noinline int check_slowly(struct file *file, const struct chan_case uc)
{
	/* No element is that long, and no room has to be longer. */
	u32 size = min_t(u64, uc.size, U32_MAX);

	if (uc.dir == CHAN_DIR_RECV)
		return chan_may_recv(file, u64_to_user_ptr(uc.elem), size);
	return uc.dir == CHAN_DIR_SEND ? chan_may_send(file, size) : -EINVAL;
}

static __always_inline int check_case(struct file *file, const struct chan_case *uc)
{
	if (likely(uc->dir == CHAN_DIR_RECV && (file->f_mode & FMODE_READ) &&
		   uc->size == chan_file_chan(file)->ring.elem_size && !chan_asks_modules()))
		return 0;
	return check_slowly(file, *uc);
}

/* As fdget(), but for the question of each time whether it needs a reference. */
static __always_inline int hold_channel(struct files_struct *alone, int ch, struct file **file)
{
	if (!alone) {
		*file = chan_get_channel(ch);
		return PTR_ERR_OR_ZERO(*file);
	}
	*file = files_lookup_fd_raw(alone, ch);
	if (unlikely(!*file))
		return -EBADF;
	if (likely(chan_file_is_channel(*file)))
		return 0;
	return (*file)->f_mode & FMODE_PATH ? -EBADF : -ENOTTY;
}

static __always_inline void drop_channel(struct files_struct *alone, struct file *file)
{
	if (!alone)
		fput(file);
}

/*
 * Get and check what the caller gave, and open its file: NULL for a nil channel.  With @alone,
 * which is inlined as a constant, the descriptors are those of nobody else.
 */
static __always_inline int open_case(struct selection *s, struct chan_case __user *from,
				     struct chan_case *uc, struct file **file,
				     struct files_struct *alone)
{
	int ret = -EINVAL;

	*file = NULL;
	if (unlikely(get_user_case(uc, from) || check_results(s, from)))
		return -EFAULT;
	if (unlikely(uc->reserved[0] | uc->reserved[1]))
		goto refuse;
	if (uc->ch < 0)
		return 0;
	ret = hold_channel(alone, uc->ch, file);
	if (unlikely(ret))
		goto refuse;
	ret = check_case(*file, uc);
	if (likely(!ret))
		return 0;
	drop_channel(alone, *file);
refuse:
	return put_user(ret, &from->ok) ? -EFAULT : ret;
}

static __always_inline void set_case(struct chan_scase *sc, struct file *file,
				     const struct chan_case *uc, u32 index)
{
	sc->chan = chan_file_chan(file);
	sc->user = chan_file_user(file);
	sc->send = uc->dir == CHAN_DIR_SEND;
	sc->addr = u64_to_user_ptr(uc->elem);
	sc->size = sc->send ? uc->size : chan_room_at(sc->addr, uc->size);
	sc->index = index;
}

static __always_inline int add_cases(struct selection *s, struct files_struct *alone)
{
	struct chan_case uc __uninitialized;
	struct file *file;
	int ret;
	u32 i;

	for (i = 0; i < s->n_ucases; i++) {
		ret = open_case(s, &s->ucases[i], &uc, &file, alone);
		if (unlikely(ret))
			return ret;
		if (!file)
			continue;
		set_case(&s->cases[s->n], file, &uc, i);
		s->cases[s->n].order = s->n;
		s->files[s->n++] = file;
	}
	return 0;
}

static int put_result(const struct selection *s, const struct chan_scase *sc, int ok)
{
	struct chan_case __user *uc = &s->ucases[sc->index];
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
		chan_dest_init(&dest, sc->addr, sc->size);
		dest.len = sc->len;
		ok = chan_recv_result(sc->chan, &dest, ret);
		ok = min(ok, 1);
	}
	ret = put_result(s, sc, ok);
	if (ret || ok < 0)
		return ret ?: ok;
	return sc->index;
}

static int run_select(struct selection *s, ktime_t until)
{
	struct chan_blocking how = { .until = until, .file = s->file, .held = s->files };
	struct chan_scase *chosen;
	unsigned int i;
	int ret;

	ret = s->alone ? add_cases(s, s->alone) : add_cases(s, NULL);
	how.n_held = s->alone ? 0 : s->n;
	if (!ret) {
		trace_chan_select_begin(s->cases, s->n, until != CHAN_NOWAIT);
		ret = chan_select(s->cases, s->n, &how, &chosen);
		ret = select_result(s, chosen, ret);
		trace_chan_select_commit(chosen ? chosen->chan : NULL, ret, how.parks);
	}
	for (i = 0; i < s->n; i++) {
		chan_file_count_parks(s->files[i], how.parks);
		drop_channel(s->alone, s->files[i]);
	}
	return ret;
}

static noinline int select_small(struct selection *s, ktime_t until)
{
	struct chan_scase cases[CHAN_SMALL_SELECT] __uninitialized;
	struct file *files[CHAN_SMALL_SELECT] __uninitialized;

	s->cases = cases;
	s->files = files;
	return run_select(s, until);
}

static int select_large(struct selection *s, ktime_t until)
{
	int ret = -ENOMEM;

	s->cases = kvmalloc_array(s->n_ucases, sizeof(*s->cases),
				  GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	s->files = kvmalloc_array(s->n_ucases, sizeof(*s->files),
				  GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (s->cases && s->files)
		ret = run_select(s, until);
	kvfree(s->files);
	kvfree(s->cases);
	return ret;
}

/**
 * struct glance - those cases of a select that look ready
 * @seen: how many.
 * @seed: of random numbers.
 * @one: one of them, each with the same probability.
 */
struct glance {
	unsigned int seen;
	u32 seed;
	struct chan_case __user *one;
};

static noinline void see_case(struct glance *g, struct chan_case __user *from)
{
	if (++g->seen == 2)
		g->seed = get_random_u32();
	if (g->seen == 1 || !(((u64)chan_next_random(&g->seed) * g->seen) >> 32))
		g->one = from;
}

/* Look at cases, and check them, with nothing kept but one that looks ready. */
static __always_inline int look_at_cases(struct selection *s, struct glance *g,
					 struct chan_case __user *from, u32 n,
					 struct files_struct *alone)
{
	struct file *file;
	int ret;

	for (; n; n--, from++) {
		struct chan_case uc __uninitialized;

		ret = open_case(s, from, &uc, &file, alone);
		if (unlikely(ret))
			return ret;
		if (!file)
			continue;
		if (unlikely(chan_looks_ready(chan_file_chan(file), uc.dir == CHAN_DIR_SEND)))
			see_case(g, from);
		drop_channel(alone, file);
	}
	return 0;
}

/* Do this case, unless it is ready no more, or is not what it was. */
static int do_case(struct selection *s, struct chan_case __user *from)
{
	struct chan_case uc __uninitialized;
	struct chan_scase sc __uninitialized;
	struct file *file;
	int ret;

	ret = open_case(s, from, &uc, &file, s->alone);
	if (ret || !file)
		return ret ?: -EAGAIN;
	set_case(&sc, file, &uc, from - s->ucases);
	ret = chan_select_this(&sc);
	if (ret != -EAGAIN)
		ret = select_result(s, &sc, ret);
	drop_channel(s->alone, file);
	return ret;
}

/* Cases looked at in one go. */
#define CASES_SEEN		1024

static int look_at_all(struct selection *s, struct glance *g)
{
	struct chan_case __user *from = s->ucases;
	u32 left = s->n_ucases, n;
	int ret;

	for (;;) {
		n = min_t(u32, left, CASES_SEEN);
		ret = s->alone ? look_at_cases(s, g, from, n, s->alone) :
				 look_at_cases(s, g, from, n, NULL);
		left -= n;
		if (ret || !left)
			return ret;
		from += n;
		cond_resched();
	}
}

/*
 * Most selects find something ready, and need none of what a select is that waits.  -EAGAIN
 * if nothing is, or is no more.
 */
static int select_ready(struct selection *s)
{
	struct glance g __uninitialized;
	int ret;

	g.seen = 0;
	g.one = NULL;
	ret = look_at_all(s, &g);
	if (ret || !g.one)
		return ret ?: -EAGAIN;
	return do_case(s, g.one);
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
	struct files_struct *files = current->files;
	struct selection s = {
		.file = file,
		.ucases = u64_to_user_ptr(args->cases),
		.n_ucases = args->n,
	};
	ktime_t until;
	int ret;

	if (args->flags & ~CHAN_SELECT_TRY || args->reserved)
		return -EINVAL;
	if (args->flags & CHAN_SELECT_TRY && args->deadline)
		return -EINVAL;
	if (args->n > chan_max_select_cases())
		return -ENOSPC;
	if (atomic_read_acquire(&files->count) == 1) /* as fdget() does */
		s.alone = files;
	/* Who traces sees each select from its beginning. */
	ret = trace_chan_select_begin_enabled() || trace_chan_select_commit_enabled() ?
	      -EAGAIN : select_ready(&s);
	if (ret != -EAGAIN)
		return ret;
	until = args->flags & CHAN_SELECT_TRY ? CHAN_NOWAIT : chan_deadline(args->deadline);
	if (args->n <= CHAN_SMALL_SELECT)
		return select_small(&s, until);
	return select_large(&s, until);
}
