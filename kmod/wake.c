// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waking a task.  wake.h says where.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jump_label.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/wait.h>

#include "compat.h"
#include "wake.h"

static DEFINE_STATIC_KEY_FALSE(can_wake_here);

/* The function that wait queues use takes flags of the scheduler, and looks at nothing else. */
static void wake_here(struct task_struct *task)
{
	struct wait_queue_entry entry;

	entry.private = task;
	default_wake_function(&entry, TASK_NORMAL, CHAN_WAKE_HERE, NULL);
}

/**
 * chan_wake() - wake a task
 * @task: the task, which cannot vanish.
 * @here: the current task is about to block.
 */
void chan_wake(struct task_struct *task, bool here)
{
	if (here && static_branch_likely(&can_wake_here))
		wake_here(task);
	else
		wake_up_process(task);
}

/* ---- whether the scheduler does as it is told ---- */

#ifdef CONFIG_SMP
#define TRIES		50

static int sleeper(void *unused)
{
	for (;;) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

/* One that sleeps may be left among the runnable for a while, and is not moved then. */
static bool sleeps_on(const struct task_struct *task, unsigned int cpu)
{
	int tries;

	for (tries = 0; tries < TRIES; tries++) {
		if (task_cpu(task) == cpu && READ_ONCE(task->__state) == TASK_UNINTERRUPTIBLE &&
		    !READ_ONCE(task->on_rq) && !READ_ONCE(task->on_cpu))
			return true;
		usleep_range(100, 1000);
	}
	return false;
}

/* Let a task sleep on another processor, then wake it here, and see where it is. */
static bool comes_from(struct task_struct *task, unsigned int other)
{
	unsigned int here;
	bool comes;

	if (set_cpus_allowed_ptr(task, cpumask_of(other)))
		return false;
	wake_up_process(task);
	if (!sleeps_on(task, other) || set_cpus_allowed_ptr(task, cpu_possible_mask))
		return false;
	here = get_cpu();
	wake_here(task);
	comes = here != other && task_cpu(task) == here;
	put_cpu();
	return comes;
}

/*
 * The current task may be moved meanwhile to where the other one sleeps, or that one may be
 * fetched at once by a processor that is idle: once is enough.
 */
static bool comes_here(struct task_struct *task)
{
	bool comes = false;
	int tries;

	cpus_read_lock();
	for (tries = 0; tries < TRIES && !comes && num_online_cpus() > 1; tries++)
		comes = comes_from(task, cpumask_any_but(cpu_online_mask,
							 raw_smp_processor_id()));
	cpus_read_unlock();
	return comes;
}

/* Without it all works, but for a round trip between tasks that may run anywhere. */
void chan_wake_init(void)
{
	struct task_struct *task;

	if (!CHAN_WAKE_HERE || num_online_cpus() < 2)
		return;
	task = kthread_run(sleeper, NULL, "chan-wake-test");
	if (IS_ERR(task))
		return;
	if (comes_here(task))
		static_branch_enable(&can_wake_here);
	else
		pr_info("chan: tasks cannot be woken on the processor of who wakes them\n");
	kthread_stop(task);
}
#else
void chan_wake_init(void)
{
}
#endif
