/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waking a task, on the processor of who wakes it if that is about to be free.
 *
 * The scheduler puts a task that is woken where it ran before, or where it finds a processor
 * that is idle.  For a request and its reply the best place is that of the one who asks: it
 * waits for the answer.  Since 6.6 the scheduler can be told so.
 */
#ifndef CHAN_WAKE_H
#define CHAN_WAKE_H

#include <linux/types.h>

struct task_struct;

void chan_wake(struct task_struct *task, bool here);
void chan_wake_init(void);

#endif /* CHAN_WAKE_H */
