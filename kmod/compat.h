/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs from kernel to kernel, 6.1 being the oldest.
 */
#ifndef CHAN_COMPAT_H
#define CHAN_COMPAT_H

#include <linux/device.h>
#include <linux/hrtimer.h>
#include <linux/mm_types.h>
#include <linux/page-flags.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/stacktrace.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define chan_class_create(name)	class_create(name)
#else
#define chan_class_create(name)	class_create(THIS_MODULE, name)
#endif

/* The head of that list has had two types, both of which begin with the first entry. */
static inline bool chan_has_posix_timers(const struct signal_struct *signal)
{
#ifdef CONFIG_POSIX_TIMERS
	const void *head = &signal->posix_timers;
	const void *first = READ_ONCE(*(const void * const *)head);

	return first && first != head;
#else
	return false;
#endif
}

static inline bool chan_has_uring(const struct task_struct *task)
{
#ifdef CONFIG_IO_URING
	return READ_ONCE(task->io_uring);
#else
	return false;
#endif
}

static inline bool chan_has_itimer(const struct signal_struct *signal)
{
#ifdef CONFIG_POSIX_TIMERS
	return hrtimer_active(&signal->real_timer);
#else
	return false;
#endif
}

/* The device that a device_type's devnode is asked about. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define chan_devnode_t		const struct device
#else
#define chan_devnode_t		struct device
#endif

/* In the assignments of an event. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define chan_assign_str(field, source)	__assign_str(field)
#else
#define chan_assign_str(field, source)	__assign_str(field, source)
#endif

static inline void chan_hrtimer_setup(struct hrtimer *timer,
				      enum hrtimer_restart (*fn)(struct hrtimer *))
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(timer, fn, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
#else
	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	timer->function = fn;
#endif
}

/* Kernel functions that a sleeping task is in, the innermost first.  Returns how many. */
static inline unsigned int chan_stack_of(struct task_struct *task, unsigned long *frames,
					 unsigned int n)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0) && defined(CONFIG_STACKTRACE)
	return stack_trace_save_tsk(task, frames, n, 0);
#else
	return 0;
#endif
}

/* Nanoseconds, cheaper than ktime_get(): for how long something took, not for when it was. */
static inline u64 chan_clock(void)
{
	return local_clock();
}

/*
 * The pages that the current user has locked otherwise than by mlock(2), of which the kernel
 * keeps count if it has something that locks pages.  NULL if it does not.
 */
static inline atomic_long_t *chan_locked_pages(void)
{
#if defined(CONFIG_PERF_EVENTS) || defined(CONFIG_BPF_SYSCALL) || \
	defined(CONFIG_NET) || defined(CONFIG_IO_URING)
	return &current_user()->locked_vm;
#else
	return NULL;
#endif
}

/*
 * Whether a page may be pinned for long and written to.  One of a file on disk may not: its file
 * system writes it back meanwhile, and does not expect it to change after that.  Since 6.5 the
 * kernel does not pin such a page.
 */
static inline bool chan_may_stay_pinned(struct page *page)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
	return true;
#else
	return PageAnon(page) || PageSwapBacked(page) || PageHuge(page);
#endif
}

/* WF_CURRENT_CPU of kernel/sched/sched.h, which is no part of an interface: see wake.c. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define CHAN_WAKE_HERE		0x40
#else
#define CHAN_WAKE_HERE		0
#endif

#endif /* CHAN_COMPAT_H */
