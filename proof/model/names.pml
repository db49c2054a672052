/* SPDX-License-Identifier: GPL-2.0-only */
/* What numbers stand for, here as in kmod/. */

/* Directions, which are also the queues: where such a call waits. */
#define RECV		0
#define SEND		1
#define PASSING		2		/* chan_queue.passing, beside chan_queue.list */

/* Results. */
#define OK		0
#define EAGAIN		1
#define EPIPE		2
#define EINTR		3		/* a signal or a deadline */
#define EFAULT		4
#define EBUSY		5
#define ESTALE		6
#define ECANCELED	7

/* chan_wait.winner, if it is not one of its entries. */
#define NO_WINNER	255
#define ABORTED		254

/* enum chan_progress */
#define AWAKE		0
#define ASLEEP		1
#define DONE		2

/* task_struct.__state */
#define RUNNING		0
#define INTERRUPTIBLE	1
#define UNINTERRUPTIBLE	2
