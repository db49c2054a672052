// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs one program, sees to it that it ends, and compares what the module counts with what it
 * counted before.
 *
 * All tasks of a program are in one control group, by which they are killed whatever they have
 * forked, and the supervisor adopts those whose parents are gone.  So when it has no child left,
 * all of them are gone.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz.h"

#define GROUP		"/sys/fs/cgroup/chanfuzz"
#define PARAMETERS	"/sys/module/chan/parameters"
#define MAX_PARAMETERS	32
#define USERS		3
#define TRACE_FD	900

/* How long those who wait are left alone, and how often they are told to go on. */
#define LOOK_NS		1000000
#define IDLE_LOOKS	3
#define MAX_POKES	30
/* What takes longer hangs, on an emulated machine that watches itself as well. */
#define MAX_SECONDS	150

/* What has to be after a program as it was before. */
struct counts {
	uint64_t channels;
	uint64_t user[USERS][3];
	long refs;
	long domains;
};

struct parameter {
	char name[NAME_MAX + 1];
	char value[64];
};

static const uid_t users[USERS] = { 0, 1000, 1001 };
static struct parameter parameters[MAX_PARAMETERS];
static unsigned int n_parameters;
static struct counts before;
static int control, kernel_log;
static uint64_t succeeded[MAX_COMMANDS];

static void die(const char *what)
{
	fprintf(stderr, "chanfuzz: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- small files ---- */

static ssize_t read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0, got;

	if (fd < 0)
		return -1;
	while ((size_t)n < size - 1 && (got = read(fd, text + n, size - 1 - n)) > 0)
		n += got;
	close(fd);
	text[n] = '\0';
	return n;
}

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done;

	if (fd < 0)
		return false;
	done = write(fd, text, strlen(text)) >= 0;
	close(fd);
	return done;
}

/* ---- parameters ---- */

static void remember_parameters(void)
{
	DIR *dir = opendir(PARAMETERS);
	struct parameter *p;
	struct dirent *entry;
	char path[PATH_MAX];

	while (dir && (entry = readdir(dir)) && n_parameters < MAX_PARAMETERS) {
		if (*entry->d_name == '.')
			continue;
		p = &parameters[n_parameters++];
		snprintf(p->name, sizeof(p->name), "%s", entry->d_name);
		snprintf(path, sizeof(path), PARAMETERS "/%s", p->name);
		read_text(path, p->value, sizeof(p->value));
	}
	if (!dir)
		die(PARAMETERS);
	closedir(dir);
}

static void restore_parameters(void)
{
	char path[PATH_MAX];
	unsigned int i;

	for (i = 0; i < n_parameters; i++) {
		snprintf(path, sizeof(path), PARAMETERS "/%s", parameters[i].name);
		/* To switch this one patches code, and nobody has. */
		if (strcmp(parameters[i].name, "ask_modules"))
			write_text(path, parameters[i].value);
	}
}

/* So that the machine has memory for whatever a program makes. */
static void bound_memory(void)
{
	if (!write_text(PARAMETERS "/max_cap", "65536") ||
	    !write_text(PARAMETERS "/max_ring_bytes", "4194304"))
		die(PARAMETERS);
}

/* ---- what the module counts ---- */

static void query_as(uid_t uid, struct chan_query *q)
{
	memset(q, 0, sizeof(*q));
	q->size = sizeof(*q);
	if (setresuid(uid, 0, 0) || ioctl(control, CHAN_IOC_QUERY, q) || setresuid(0, 0, 0))
		die("CHAN_IOC_QUERY");
}

static long count_domains(void)
{
	static char text[1 << 16];
	const char *p = text;
	long n = 0;

	if (read_text("/sys/kernel/debug/chan/goroutines", text, sizeof(text)) < 0)
		die("/sys/kernel/debug/chan/goroutines");
	for (; (p = strstr(p, "), domain ")); p++)
		n++;
	return n;
}

static struct counts count(void)
{
	struct counts c = {};
	struct chan_query q;
	char text[64];
	unsigned int i;

	for (i = 0; i < USERS; i++) {
		query_as(users[i], &q);
		c.user[i][0] = q.user_channels;
		c.user[i][1] = q.user_names;
		c.user[i][2] = q.user_bytes;
		c.channels = q.channels;
	}
	if (read_text("/sys/module/chan/refcnt", text, sizeof(text)) < 0)
		die("/sys/module/chan/refcnt");
	c.refs = atol(text);
	c.domains = count_domains();
	return c;
}

static void remove_named(const char *name)
{
	struct chan_remove remove = { .size = sizeof(remove), .name = (uintptr_t)name };
	char path[PATH_MAX], chosen[128];

	snprintf(path, sizeof(path), "/sys/class/chan/%s/name", name);
	if (read_text(path, chosen, sizeof(chosen)) > 0) {
		chosen[strcspn(chosen, "\n")] = '\0';
		remove.name = (uintptr_t)chosen;
	}
	ioctl(control, CHAN_IOC_REMOVE, &remove);
}

/* Names outlive those who gave them; nodes that were moved outlive their channels. */
static void remove_names(void)
{
	DIR *dir = opendir("/sys/class/chan");
	struct dirent *entry;
	char path[PATH_MAX];

	while (dir && (entry = readdir(dir)))
		if (*entry->d_name != '.')
			remove_named(entry->d_name);
	if (dir)
		closedir(dir);
	dir = opendir("/dev/chan");
	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "/dev/chan/%s", entry->d_name);
		if (*entry->d_name != '.')
			unlink(path);
	}
	if (dir)
		closedir(dir);
}

static void nap(long ns)
{
	struct timespec ts = { .tv_nsec = ns };

	nanosleep(&ts, NULL);
}

static void tell_counts(const struct counts *c)
{
	static char text[512];
	unsigned int i;
	int n;

	n = snprintf(text, sizeof(text), "channels %ld, module references %ld, domains %ld",
		     (long)(c->channels - before.channels), c->refs - before.refs,
		     c->domains - before.domains);
	for (i = 0; i < USERS; i++)
		n += snprintf(text + n, sizeof(text) - n, ", of user %u %ld, names %ld, bytes %ld",
			      users[i], (long)(c->user[i][0] - before.user[i][0]),
			      (long)(c->user[i][1] - before.user[i][1]),
			      (long)(c->user[i][2] - before.user[i][2]));
	complain(NULL, "more is there than before, %d s after the last task went: %s", MAX_SECONDS,
		 text);
}

/* Sockets that only each other have are looked for by the kernel when another one is closed. */
static void close_a_socket(void)
{
	close(socket(AF_UNIX, SOCK_STREAM, 0));
}

/* Sockets with descriptors in them, and rings, are freed by others, after their last task. */
static void check_counts(void)
{
	double start = now();
	struct counts c;

	for (;;) {
		c = count();
		if (!memcmp(&c, &before, sizeof(c)))
			return;
		if (now() - start > MAX_SECONDS)
			break;
		close_a_socket();
		nap(LOOK_NS);
	}
	tell_counts(&c);
}

/* ---- the kernel's log ---- */

static bool is_report(const char *line)
{
	static const char *const signs[] = { "WARNING:", "BUG:", "Oops", "general protection",
		"KASAN:", "UBSAN:", "KFENCE:", "INFO: task", "INFO: rcu", "rcu: INFO",
		"possible circular", "possible recursive", "inconsistent lock", "suspicious RCU",
		"scheduling while atomic", "refcount_t:", "list_add corruption",
		"list_del corruption", "ODEBUG:", "Out of memory:" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(signs); i++)
		if (strstr(line, signs[i]))
			return true;
	return false;
}

/* Data races are left to who reads all of the log: not all of them are ours. */
static void check_log(void)
{
	char line[8192];
	ssize_t n;

	while ((n = read(kernel_log, line, sizeof(line) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		if (n < 0)
			continue;
		line[n] = '\0';
		line[strcspn(line, "\n")] = '\0';
		if (is_report(line) && !strstr(line, "KCSAN"))
			complain(NULL, "the kernel's log says: %s", strchr(line, ';') ?: line);
	}
}

static void say_to_log(uint64_t seed)
{
	char line[64];

	snprintf(line, sizeof(line), "<6>chanfuzz: seed %llu", (unsigned long long)seed);
	write_text("/dev/kmsg", line);
}

/* ---- a program ---- */

static void begin_program(void)
{
	int null = open("/dev/null", O_RDWR);

	if (!write_text(GROUP "/cgroup.procs", "0"))
		complain(NULL, "cannot enter " GROUP ": %s", strerrorname_np(errno));
	if (trace_fd >= 0)
		trace_fd = dup2(STDERR_FILENO, TRACE_FD);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	close(null);
	close(control);
	close(kernel_log);
	run_program();
}

static uint64_t progress(void)
{
	uint64_t sum = atomic_load(&shared->calls);
	unsigned int i;

	for (i = 0; i < MAX_TASKS; i++)
		sum += atomic_load(&shared->entry[i].ops);
	return sum;
}

/* Those who wait are interrupted, and go on with what is next. */
static void poke_all(unsigned int round)
{
	unsigned int i;

	for (i = 0; i < MAX_TASKS; i++) {
		pid_t pid = atomic_load(&shared->entry[i].pid);

		if (!pid)
			continue;
		kill(pid, SIGCONT);
		syscall(SYS_tgkill, pid, atomic_load(&shared->entry[i].tid),
			round % 3 == 2 ? SIGUSR2 : SIGUSR1);
	}
}

static void kill_all(void)
{
	write_text(GROUP "/cgroup.freeze", "0");
	if (!write_text(GROUP "/cgroup.kill", "1"))
		die(GROUP "/cgroup.kill");
}

static void freeze_once(void)
{
	write_text(GROUP "/cgroup.freeze", "1");
	nap(LOOK_NS);
	write_text(GROUP "/cgroup.freeze", "0");
}

/* What programs send to each other may also hit one that has just executed another program. */
static bool is_sent(int sig)
{
	return sig == SIGKILL || sig == SIGUSR1 || sig == SIGUSR2;
}

/* Whether any task is left. */
static bool reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0)
		if (WIFSIGNALED(status) && !is_sent(WTERMSIG(status)))
			complain(NULL, "process %d died of %s", pid,
				 sigabbrev_np(WTERMSIG(status)));
	return !pid;
}

static void show_file(const char *path)
{
	char text[4096];

	if (read_text(path, text, sizeof(text)) > 0)
		fprintf(stderr, "%s:\n%s\n", path, text);
}

static void show_hung(void)
{
	static const char *const files[] = { "status", "syscall", "stack" };
	char pids[4096], path[64], *pid, *rest;
	unsigned int i;

	if (read_text(GROUP "/cgroup.threads", pids, sizeof(pids)) < 0)
		return;
	for (pid = strtok_r(pids, "\n", &rest); pid; pid = strtok_r(NULL, "\n", &rest))
		for (i = 0; i < ARRAY_SIZE(files); i++) {
			snprintf(path, sizeof(path), "/proc/%s/%s", pid, files[i]);
			show_file(path);
		}
}

/*
 * Tasks that are killed have to go, wherever they are.  They are killed again and again, since
 * kernels before 6.14 may miss a task that is just being forked.
 */
static void end_all(void)
{
	double start = now();

	for (kill_all(); reap(); kill_all()) {
		if (now() - start > MAX_SECONDS) {
			complain(NULL, "tasks that were killed are still there after %d s",
				 MAX_SECONDS);
			show_hung();
			return;
		}
		nap(LOOK_NS);
	}
}

static void watch(const struct style *s)
{
	uint64_t was = 0, is;
	unsigned int idle = 0, pokes = 0;
	bool frozen = false;

	while (reap()) {
		is = progress();
		if (atomic_load(&shared->complained) || pokes > MAX_POKES ||
		    (s->kill_at && is >= s->kill_at))
			break;
		if (s->freeze_at && is >= s->freeze_at && !frozen) {
			frozen = true;
			freeze_once();
		}
		idle = is == was ? idle + 1 : 0;
		was = is;
		if (idle == IDLE_LOOKS) {
			idle = 0;
			poke_all(pokes++);
		}
		nap(LOOK_NS);
	}
	end_all();
}

/**
 * supervise() - run the program of a seed
 * @seed: the seed.
 * @calls: the number of system calls is added to it.
 *
 * Return: whether all was well; if not, the complaint is in what is shared.
 */
bool supervise(uint64_t seed, uint64_t *calls)
{
	unsigned int i;
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	shared->seed = seed;
	shared->style = style_of(seed);
	say_to_log(seed);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid)
		begin_program();
	watch(&shared->style);
	restore_parameters();
	remove_names();
	if (!atomic_load(&shared->complained))
		check_counts();
	check_log();
	*calls += atomic_load(&shared->calls);
	for (i = 0; i < MAX_COMMANDS; i++)
		succeeded[i] += atomic_load(&shared->succeeded[i]);
	return !atomic_load(&shared->complained);
}

/**
 * never_succeeded() - look for a command that has failed whenever it was given
 *
 * Return: its name; NULL if there is none.
 */
const char *never_succeeded(void)
{
	const char *name;
	unsigned int i;

	for (i = 0; (name = command_name(i)); i++)
		if (!succeeded[i])
			return name;
	return NULL;
}

void supervise_init(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		die("mmap");
	if (mkdir(GROUP, 0755) && errno != EEXIST)
		die(GROUP);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		die("PR_SET_CHILD_SUBREAPER");
	write_text("/proc/sys/kernel/printk_devkmsg", "on");
	write_text("/proc/sys/fs/suid_dumpable", "0");
	control = open("/dev/chanctl", O_RDWR | O_CLOEXEC);
	kernel_log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (control < 0 || kernel_log < 0)
		die("/dev/chanctl or /dev/kmsg");
	lseek(kernel_log, 0, SEEK_END);
	memory_init();
	bound_memory();
	remember_parameters();
	before = count();
}
