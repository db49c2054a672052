// SPDX-License-Identifier: GPL-2.0-only
/*
 * What tasks do to each other and to themselves, and those who look on: files in proc, sysfs and
 * debugfs, and the parameters of the module.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

#define MAX_DEPTH	2

/* ---- forks ---- */

static void end_child(struct task *t)
{
	char *const argv[] = { "true", NULL };

	switch (below(&t->r, 4)) {
	case 0:
		kill(getpid(), SIGKILL);
		break;
	case 1:
		if (chance(&t->r, 20))
			execve("/bin/true", argv, NULL);
		break;
	}
	_exit(0);
}

/* A child, which has all descriptors of its parent, and leaves them open. */
void op_fork(struct task *t)
{
	unsigned int n = below(&t->r, 12);
	struct task child = {};
	int index;
	pid_t pid;

	if (t->depth == MAX_DEPTH)
		return;
	index = new_index();
	if (index < 0)
		return;
	memory_add_task(index);
	pid = fork();
	if (!pid) {
		begin_task(&child, index, t->depth + 1);
		run_ops(&child, 0, n);
		end_child(&child);
	}
	judge(t, "fork", pid < 0 ? -errno : 0, NULL);
	/* One that was killed before it began is not known by its pid. */
	if (pid > 0 && chance(&t->r, 20))
		kill(pid, SIGKILL);
}

/* ---- signals ---- */

static const struct entry *any_other(struct task *t)
{
	unsigned int n = atomic_load(&shared->tasks);

	return &shared->entry[below(&t->r, n < MAX_TASKS ? n : MAX_TASKS)];
}

/* Debuggers stop a task, and let it go on. */
static long debug(pid_t tid)
{
	long ret = ptrace(PTRACE_SEIZE, tid, 0, 0);

	if (ret)
		return ret;
	ret = ptrace(PTRACE_INTERRUPT, tid, 0, 0);
	if (!ret)
		waitpid(tid, NULL, __WALL);
	return ptrace(PTRACE_DETACH, tid, 0, 0);
}

void op_signal(struct task *t)
{
	static const int signals[] = { SIGUSR1, SIGUSR1, SIGUSR2, SIGUSR2, SIGCONT, SIGWINCH };
	const struct entry *other = any_other(t);
	pid_t pid = atomic_load(&other->pid), tid = atomic_load(&other->tid);
	long ret;

	/* Not yet begun. */
	if (!pid || !tid)
		return;
	if (chance(&t->r, 4)) {
		ret = kill(pid, SIGKILL);
	} else if (chance(&t->r, 10)) {
		ret = kill(pid, SIGSTOP);
		sched_yield();
		kill(pid, SIGCONT);
	} else if (chance(&t->r, 5) && pid != getpid()) {
		ret = debug(tid);
	} else {
		ret = syscall(SYS_tgkill, pid, tid, PICK(&t->r, signals));
	}
	judge(t, "signal", ret ? -errno : 0, NULL);
}

/* ---- a task and itself ---- */

static long set_limit(struct task *t, int what)
{
	struct rlimit limit;

	if (getrlimit(what, &limit))
		return -1;
	limit.rlim_cur = below(&t->r, what == RLIMIT_NOFILE ? 100 : 100000);
	if (limit.rlim_cur > limit.rlim_max || chance(&t->r, 50))
		limit.rlim_cur = limit.rlim_max;
	return setrlimit(what, &limit);
}

static long pin(struct task *t)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(below(&t->r, 2), &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

void op_self(struct task *t)
{
	unsigned int first = 3 + below(&t->r, 50);
	int policy = chance(&t->r, 50) ? SCHED_BATCH : SCHED_OTHER;
	struct sched_param param = {};
	long ret;

	switch (below(&t->r, 9)) {
	case 0:
		ret = prctl(PR_SET_TIMERSLACK, below(&t->r, 1000000));
		break;
	case 1:
		ret = set_limit(t, RLIMIT_NOFILE);
		break;
	case 2:
		ret = set_limit(t, RLIMIT_MEMLOCK);
		break;
	case 3:
		ret = pin(t);
		break;
	case 4:
		ret = sched_setscheduler(0, policy, &param);
		break;
	case 5:
		ret = unshare(CLONE_FILES);
		break;
	case 6:
		ret = setpriority(PRIO_PROCESS, 0, below(&t->r, 5));
		break;
	case 7:
		ret = close_range(first, first + 3, 0);
		break;
	default:
		ret = sched_yield();
		break;
	}
	judge(t, "self", ret ? -errno : 0, NULL);
}

/* ---- who looks on ---- */

static void read_file(struct task *t, const char *path)
{
	static errnos_t errnos = { EACCES, EINTR, EISDIR, EMFILE, ENODEV, ENOENT, ENOMEM, EPERM,
		ESRCH, 0 };
	char page[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0) {
		judge(t, path, -errno, errnos);
		return;
	}
	do
		n = read(fd, page, chance(&t->r, 90) ? sizeof(page) : 1 + below(&t->r, 100));
	while (n > 0 && !chance(&t->r, 5));
	/* By now another task may have put something else in the place of the file. */
	judge(t, path, n < 0 ? -errno : 0, NULL);
	close(fd);
}

/* A file of a directory, any, if there is one. */
static bool any_file(struct task *t, const char *dir, char *path, size_t size)
{
	unsigned int seen = 0;
	struct dirent *entry;
	DIR *d = opendir(dir);

	if (!d)
		return false;
	while ((entry = readdir(d)))
		if (*entry->d_name != '.' && !below(&t->r, ++seen))
			snprintf(path, size, "%s/%s", dir, entry->d_name);
	closedir(d);
	return seen;
}

static void read_any(struct task *t, const char *dir)
{
	char path[512];

	if (any_file(t, dir, path, sizeof(path)))
		read_file(t, path);
}

/* A histogram for a channel that has a name. */
static void ask_for_histogram(struct task *t)
{
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "/sys/class/chan/chan%u/wait_histograms", below(&t->r, 6));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	judge(t, "histogram", write(fd, chance(&t->r, 70) ? "1" : "0", 1) < 0 ? -errno : 0, NULL);
	close(fd);
}

void op_watch(struct task *t)
{
	char path[80];

	switch (below(&t->r, 9)) {
	case 0:
	case 1:
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd_of(chan_slot(t)));
		read_file(t, path);
		break;
	case 2:
	case 3:
		snprintf(path, sizeof(path), "/sys/class/chan/chan%u", below(&t->r, 6));
		read_any(t, path);
		break;
	case 4:
		ask_for_histogram(t);
		break;
	case 5:
		read_any(t, "/sys/class/misc/chanctl/totals");
		break;
	case 6:
		read_any(t, "/sys/class/misc/chanctl/waits");
		break;
	case 7:
		read_file(t, "/sys/kernel/debug/chan/channels");
		break;
	default:
		read_file(t, "/sys/kernel/debug/chan/goroutines");
		break;
	}
}

/*
 * All but ask_modules: to switch it patches the kernel's code, which emulated processors do not
 * always survive.
 */
void op_parameter(struct task *t)
{
	static const char *const names[] = { "max_elem_size", "max_cap", "max_ring_bytes",
		"max_channels", "max_user_channels", "max_user_names", "max_user_bytes",
		"max_select_cases", "wait_histograms", "spin_max_us", "give_way" };
	static const char *const odd[] = { "", "-1", "x", "0x10", "99999999999999999999", "\n" };
	char path[80], value[24];
	long ret;
	int fd;

	snprintf(path, sizeof(path), "/sys/module/chan/parameters/%s", PICK(&t->r, names));
	if (chance(&t->r, 15))
		snprintf(value, sizeof(value), "%s", PICK(&t->r, odd));
	else
		snprintf(value, sizeof(value), "%u", below(&t->r, 2) ? below(&t->r, 16) :
			 below(&t->r, 200000));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ret = write(fd, value, strlen(value));
	judge(t, "parameter", ret < 0 ? -errno : 0, NULL);
	close(fd);
}
