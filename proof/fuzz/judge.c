// SPDX-License-Identifier: GPL-2.0-only
/*
 * What must not happen, and how it is told: the first of it stops the run.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

/* The kernel's own errnos, which never reach a program, begin here. */
#define FIRST_INTERNAL	512

struct shared *shared;
int trace_fd = -1;

/**
 * complain() - tell the supervisor that something is wrong
 * @t: who has seen it; NULL if no task has.
 * @format: what it is.
 */
void complain(const struct task *t, const char *format, ...)
{
	size_t n = 0;
	va_list ap;

	if (atomic_exchange(&shared->complained, 1))
		return;
	if (t)
		n = snprintf(shared->complaint, sizeof(shared->complaint), "task %u: ", t->index);
	va_start(ap, format);
	vsnprintf(shared->complaint + n, sizeof(shared->complaint) - n, format, ap);
	va_end(ap);
	/* Complete now. */
	atomic_store(&shared->complained, 2);
}

void trace(const struct task *t, const char *what, long ret)
{
	if (trace_fd >= 0)
		dprintf(trace_fd, "task %u op %llu: %s%s = %ld\n", t->index,
			(unsigned long long)atomic_load(&t->entry->ops), what,
			t->dirty ? " (dirty)" : "", ret);
}

static bool among(long err, const short *errnos)
{
	for (; *errnos; errnos++)
		if (*errnos == err)
			return true;
	return false;
}

/**
 * judge() - whether a call may end like that
 * @t: who called.
 * @what: the call.
 * @ret: what it returned, an errno negated.
 * @errnos: those that it may end with; NULL if any will do.
 */
void judge(struct task *t, const char *what, long ret, const short *errnos)
{
	atomic_fetch_add(&shared->calls, 1);
	trace(t, what, ret);
	if (ret >= 0)
		return;
	if (ret <= -FIRST_INTERNAL)
		complain(t, "%s gave %ld, which no program may see", what, ret);
	else if (errnos && !among(-ret, errnos))
		complain(t, "%s failed with %s, which is not one of its errnos%s", what,
			 strerrorname_np(-ret), t->dirty ? " (dirty)" : "");
}

/* Nothing of ours is in the memory that the kernel is given, so we do not crash. */
static void crashed(int sig, siginfo_t *info, void *context)
{
	(void)context;
	complain(NULL, "a task of process %d was sent %s at %p", getpid(), sigabbrev_np(sig),
		 info->si_addr);
	_exit(1);
}

void catch_crashes(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGSYS, SIGABRT };
	struct sigaction sa = { .sa_sigaction = crashed, .sa_flags = SA_SIGINFO };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &sa, NULL);
}
