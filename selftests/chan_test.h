/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of chan share.
 *
 * Every ch_*() call is one system call and returns what it returned, or -errno.
 * Where a helper itself cannot go on it ends the test by die(), so helpers also
 * work in threads and in forked children, where the harness macros do not.
 */
#ifndef CHAN_TEST_H
#define CHAN_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/capability.h>
#include <linux/chan.h>

#include <kselftest_harness.h>

/* Emulated processors are slow: a test that needs this long has hung. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	180

/* How long to wait for what must happen soon. */
#define PATIENCE_NS		(number_from("CHAN_PATIENCE", 60) * SEC)

#define MS			1000000ULL
#define SEC			1000000000ULL

/* So far the clocks of two processors may be from each other: a tick, at least 100 per second. */
#define CLOCKS_APART		(10 * MS)

#define POISON			0xAA

#define CHANCTL			"/dev/chanctl"
#define PARAM_DIR		"/sys/module/chan/parameters/"
#define TOTALS_DIR		"/sys/class/misc/chanctl/totals/"

#define POLL_RECV		(POLLIN | POLLRDNORM)
#define POLL_SEND		(POLLOUT | POLLWRNORM)

/* Ends the process, from whichever of its threads. */
static inline __noreturn __printf(1, 2) void die(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	n = snprintf(line, sizeof(line), "# pid %d: ", getpid());
	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		_exit(KSFT_FAIL);
	_exit(KSFT_FAIL);
}

#define must(call) ({							\
	long long __ret = (long long)(call);				\
									\
	if (__ret < 0)							\
		die("%s:%d: %s: %lld (%s)", __FILE__, __LINE__, #call,	\
		    __ret, strerror(__ret == -1 ? errno : (int)-__ret));\
	__ret;								\
})

/* A number in the environment. */
static inline uint64_t number_from(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * SEC + ts.tv_nsec;
}

/* A little rest between two looks at something that takes its time. */
static inline void breathe(void)
{
	struct timespec ts = { .tv_nsec = 100000 };

	nanosleep(&ts, NULL);
}

/* Let a time pass, whatever wakes us before. */
static inline void wait_until(uint64_t when)
{
	while (now_ns() <= when)
		breathe();
}

/* Pass some time without sleeping. */
static inline void linger(uint64_t ns)
{
	uint64_t end = now_ns() + ns;

	while (now_ns() < end)
		;
}

/* Whether @cond comes true while anybody would wait for it. */
#define eventually(cond) ({						\
	uint64_t __end = now_ns() + PATIENCE_NS;			\
	bool __ok;							\
									\
	while (!(__ok = (cond)) && now_ns() < __end)			\
		breathe();						\
	__ok;								\
})

/*
 * How often to do what is done very often, or how long what takes long: this number, or of it so
 * many percent as CHAN_TEST_SCALE says in the environment.
 */
static inline uint64_t scaled(uint64_t n)
{
	const char *text = getenv("CHAN_TEST_SCALE");
	int percent = text ? atoi(text) : 100;

	if (percent < 1 || percent > 100)
		die("CHAN_TEST_SCALE is not from 1 to 100: %s", text);
	n = n * percent / 100;
	return n ?: 1;
}

/* How long a test lasts that hopes to meet something: in CHAN_STRESS_SECONDS, or else this long. */
static inline uint64_t stress_ns(unsigned int seconds)
{
	const char *text = getenv("CHAN_STRESS_SECONDS");

	return text ? atoi(text) * SEC : scaled(seconds * SEC);
}

/* What a library call that fails says, as one number. */
#define fails_with(call) ({						\
	errno = 0;							\
	(long)(call) == -1 ? errno : 0;					\
})

static inline struct timespec timespec_of(uint64_t ns)
{
	return (struct timespec){ .tv_sec = ns / SEC, .tv_nsec = ns % SEC };
}

static inline struct timespec in_ns(uint64_t ns)
{
	return timespec_of(now_ns() + ns);
}

/* ---- the system calls ---- */

static inline long xioctl(int fd, unsigned int cmd, const void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

static inline int chanctl(void)
{
	return must(open(CHANCTL, O_RDWR | O_CLOEXEC));
}

static inline long ctl_ioctl(unsigned int cmd, const void *arg)
{
	int fd = chanctl();
	long ret = xioctl(fd, cmd, arg);

	close(fd);
	return ret;
}

static inline int ch_make_as(struct chan_make make)
{
	make.size = sizeof(make);
	return ctl_ioctl(CHAN_IOC_MAKE, &make);
}

static inline int ch_make(uint32_t elem_size, uint64_t cap, uint32_t flags)
{
	return ch_make_as((struct chan_make){
		.flags = flags, .fd_flags = O_CLOEXEC, .elem_size = elem_size, .cap = cap,
	});
}

static inline int ch_make_named(const char *name, uint32_t elem_size, uint64_t cap,
				uint32_t flags, uint32_t mode)
{
	return ch_make_as((struct chan_make){
		.flags = flags | CHAN_NAMED, .fd_flags = O_CLOEXEC, .elem_size = elem_size,
		.cap = cap, .name = (uintptr_t)name, .mode = mode,
	});
}

static inline int ch_remove(const char *name)
{
	struct chan_remove rm = { .size = sizeof(rm), .name = (uintptr_t)name };

	return ctl_ioctl(CHAN_IOC_REMOVE, &rm);
}

static inline long ch_xfer(int fd, unsigned int cmd, const void *p, uint32_t size, uint32_t flags)
{
	struct chan_xfer x = { .addr = (uintptr_t)p, .size = size, .flags = flags };

	return xioctl(fd, cmd, &x);
}

static inline long ch_send(int fd, const void *p, uint32_t size)
{
	return ch_xfer(fd, CHAN_IOC_SEND, p, size, 0);
}

static inline long ch_recv(int fd, void *p, uint32_t size)
{
	return ch_xfer(fd, CHAN_IOC_RECV, p, size, 0);
}

static inline long ch_try_send(int fd, const void *p, uint32_t size)
{
	return ch_xfer(fd, CHAN_IOC_SEND, p, size, CHAN_XFER_TRY);
}

static inline long ch_try_recv(int fd, void *p, uint32_t size)
{
	return ch_xfer(fd, CHAN_IOC_RECV, p, size, CHAN_XFER_TRY);
}

static inline long ch_xfer_until(int fd, unsigned int cmd, const void *p, uint32_t size,
				 uint64_t deadline)
{
	struct chan_xfer_until x = {
		.xfer = { .addr = (uintptr_t)p, .size = size }, .deadline = deadline,
	};

	return xioctl(fd, cmd, &x);
}

static inline long ch_send_until(int fd, const void *p, uint32_t size, uint64_t deadline)
{
	return ch_xfer_until(fd, CHAN_IOC_SEND_UNTIL, p, size, deadline);
}

static inline long ch_recv_until(int fd, void *p, uint32_t size, uint64_t deadline)
{
	return ch_xfer_until(fd, CHAN_IOC_RECV_UNTIL, p, size, deadline);
}

static inline long ch_batch(int fd, unsigned int cmd, struct chan_batch b)
{
	b.size = sizeof(b);
	return xioctl(fd, cmd, &b);
}

static inline long ch_send_n(int fd, const void *elems, uint32_t n)
{
	return ch_batch(fd, CHAN_IOC_SEND_N,
			(struct chan_batch){ .elems = (uintptr_t)elems, .n = n });
}

static inline long ch_recv_n(int fd, void *elems, uint32_t n)
{
	return ch_batch(fd, CHAN_IOC_RECV_N,
			(struct chan_batch){ .elems = (uintptr_t)elems, .n = n });
}

static inline long ch_close(int fd)
{
	return xioctl(fd, CHAN_IOC_CLOSE, NULL);
}

static inline long ch_len(int fd)
{
	return xioctl(fd, CHAN_IOC_LEN, NULL);
}

static inline long ch_cap(int fd)
{
	return xioctl(fd, CHAN_IOC_CAP, NULL);
}

static inline long ch_elem_size(int fd)
{
	return xioctl(fd, CHAN_IOC_ELEM_SIZE, NULL);
}

static inline long ch_dup(int fd, uint32_t fd_flags)
{
	struct chan_dup dup = { .size = sizeof(dup), .fd_flags = fd_flags };

	return xioctl(fd, CHAN_IOC_DUP, &dup);
}

static inline struct chan_info ch_info(int fd)
{
	struct chan_info info;

	memset(&info, POISON, sizeof(info));
	info.size = sizeof(info);
	must(xioctl(fd, CHAN_IOC_INFO, &info));
	return info;
}

static inline struct chan_query ch_query(int fd)
{
	struct chan_query q;

	memset(&q, POISON, sizeof(q));
	q.size = sizeof(q);
	must(xioctl(fd, CHAN_IOC_QUERY, &q));
	return q;
}

/* ---- select ---- */

static inline struct chan_case sel_send(int ch, const void *p, uint64_t size)
{
	return (struct chan_case){
		.ch = ch, .dir = CHAN_DIR_SEND, .elem = (uintptr_t)p, .size = size,
	};
}

static inline struct chan_case sel_recv(int ch, void *p, uint64_t size)
{
	return (struct chan_case){
		.ch = ch, .dir = CHAN_DIR_RECV, .elem = (uintptr_t)p, .size = size,
	};
}

static inline long ch_select_as(int fd, const struct chan_case *cases, uint32_t n,
				uint32_t flags, uint64_t deadline)
{
	struct chan_select s = {
		.size = sizeof(s), .flags = flags, .cases = (uintptr_t)cases, .n = n,
		.deadline = deadline,
	};

	return xioctl(fd, CHAN_IOC_SELECT, &s);
}

static inline long ch_select(int fd, struct chan_case *cases, uint32_t n)
{
	return ch_select_as(fd, cases, n, 0, CHAN_FOREVER);
}

static inline long ch_try_select(int fd, struct chan_case *cases, uint32_t n)
{
	return ch_select_as(fd, cases, n, CHAN_SELECT_TRY, 0);
}

static inline long ch_select_until(int fd, struct chan_case *cases, uint32_t n,
				   uint64_t deadline)
{
	return ch_select_as(fd, cases, n, 0, deadline);
}

/* ---- timers: all times are absolute ---- */

static inline long ch_make_timer(struct chan_make_timer make)
{
	make.size = sizeof(make);
	make.fd_flags |= O_CLOEXEC;
	return ctl_ioctl(CHAN_IOC_MAKE_TIMER, &make);
}

static inline int ch_timer_at(uint64_t when)
{
	return must(ch_make_timer((struct chan_make_timer){ .when = when }));
}

static inline int ch_ticker_at(uint64_t first, uint64_t period)
{
	return must(ch_make_timer((struct chan_make_timer){
		.flags = CHAN_TIMER_TICK, .when = first, .period = period,
	}));
}

static inline long ch_ticker_reset(int fd, uint64_t first, uint64_t period)
{
	struct chan_set_timer set = { .size = sizeof(set), .when = first, .period = period };

	return xioctl(fd, CHAN_IOC_SET_TIMER, &set);
}

static inline long ch_timer_reset(int fd, uint64_t when)
{
	return ch_ticker_reset(fd, when, 0);
}

static inline long ch_timer_stop(int fd)
{
	return ch_timer_reset(fd, CHAN_FOREVER);
}

/* ---- elements of 8 bytes, which most tests use ---- */

static inline long send64(int fd, uint64_t v)
{
	return ch_send(fd, &v, sizeof(v));
}

static inline long try_send64(int fd, uint64_t v)
{
	return ch_try_send(fd, &v, sizeof(v));
}

/* The element received, or UINT64_MAX with what happened in errno (0: closed). */
static inline uint64_t recv64_as(int fd, uint32_t flags)
{
	uint64_t v = 0xAAAAAAAAAAAAAAAAULL;
	long ret = ch_xfer(fd, CHAN_IOC_RECV, &v, sizeof(v), flags);

	if (ret == 1 + (long)sizeof(v))
		return v;
	errno = -ret;
	return UINT64_MAX;
}

static inline uint64_t recv64(int fd)
{
	return recv64_as(fd, 0);
}

static inline uint64_t try_recv64(int fd)
{
	return recv64_as(fd, CHAN_XFER_TRY);
}

/* Poll now: the events, or -errno. */
static inline int events_of(int fd, int interest)
{
	struct pollfd p = { .fd = fd, .events = interest };
	int n = poll(&p, 1, 0);

	return n < 0 ? -errno : p.revents;
}

static inline int all_events(int fd)
{
	return events_of(fd, POLL_RECV | POLL_SEND | POLLPRI);
}

/* ---- bytes ---- */

static inline void poison(void *p, size_t n)
{
	memset(p, POISON, n);
}

static inline bool all_bytes(const void *p, size_t n, unsigned char c)
{
	const unsigned char *b = p;

	while (n--)
		if (*b++ != c)
			return false;
	return true;
}

/* A pointer of which the compiler does not know that it is bad. */
static inline void *bad_pointer(uintptr_t address)
{
	volatile uintptr_t a = address;

	return (void *)a;
}

/* Fill with what no other @seed and no shifted copy looks like. */
static inline void fill(void *p, size_t n, uint32_t seed)
{
	unsigned char *b = p;
	uint32_t x = seed * 2654435761U + 12345;
	size_t i;

	for (i = 0; i < n; i++) {
		x = x * 1664525U + 1013904223U;
		b[i] = x >> 24;
	}
}

static inline bool is_filled(const void *p, size_t n, uint32_t seed)
{
	const unsigned char *b = p;
	uint32_t x = seed * 2654435761U + 12345;
	size_t i;

	for (i = 0; i < n; i++) {
		x = x * 1664525U + 1013904223U;
		if (b[i] != (unsigned char)(x >> 24))
			return false;
	}
	return true;
}

/* ---- files ---- */

/* Contents of a small file, NUL-terminated; -errno if it cannot be read. */
static inline int read_text(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n, len = 0;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, buf + len, size - 1 - len)) > 0)
		len += n;
	close(fd);
	buf[len] = 0;
	return len;
}

static inline int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	n = n < 0 ? -errno : n;
	close(fd);
	return n;
}

/* Parameters of the module. */
static inline void set_param(const char *name, uint64_t value)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), PARAM_DIR "%s", name);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	must(write_text(path, text));
}

static inline uint64_t get_param(const char *name)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), PARAM_DIR "%s", name);
	must(read_text(path, text, sizeof(text)));
	return strtoull(text, NULL, 10);
}

/* What is in a file that has a number and nothing else. */
static inline uint64_t number_in(const char *path)
{
	char text[64];
	char *end;
	uint64_t v;
	int n = read_text(path, text, sizeof(text));

	if (n < 2 || text[n - 1] != '\n')
		die("%s: no number (%d)", path, n);
	v = strtoull(text, &end, 10);
	if (*end != '\n')
		die("%s: no number: %s", path, text);
	return v;
}

/* A counter of all channels together. */
static inline uint64_t read_total(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), TOTALS_DIR "%s", name);
	return number_in(path);
}

/* ---- tasks that block ---- */

/* How often an element is copied once whose receiver has parked: PREEMPT_RT does not do that. */
static inline unsigned int once(void)
{
	struct utsname u;

	must(uname(&u));
	return !strstr(u.version, "PREEMPT_RT");
}

static inline bool are_parked(int fd, unsigned int recvq, unsigned int sendq)
{
	struct chan_info info = ch_info(fd);

	return info.recvq == recvq && info.sendq == sendq;
}

/* Wait until so many are parked on the channel. */
static inline void wait_parked(int fd, unsigned int recvq, unsigned int sendq)
{
	struct chan_info info;

	if (eventually(are_parked(fd, recvq, sendq)))
		return;
	info = ch_info(fd);
	die("recvq %u sendq %u, expected %u %u", info.recvq, info.sendq, recvq, sendq);
}

/**
 * struct task - a thread and what it does
 * @fn: does it; what it returns is for task_join().
 */
struct task {
	pthread_t thread;
	long (*fn)(struct task *t);
	int fd;
	uint32_t size;
	void *buf;
	uint64_t value;
	uint64_t deadline;
	long ret;
	pid_t tid;
	bool done;
};

static inline void *task_main(void *arg)
{
	struct task *t = arg;

	__atomic_store_n(&t->tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	t->ret = t->fn(t);
	__atomic_store_n(&t->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static inline void task_start(struct task *t, long (*fn)(struct task *t))
{
	pthread_attr_t attr;

	t->fn = fn;
	t->done = false;
	t->tid = 0;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	must(-pthread_create(&t->thread, &attr, task_main, t));
	pthread_attr_destroy(&attr);
}

static inline bool task_done(struct task *t)
{
	return __atomic_load_n(&t->done, __ATOMIC_ACQUIRE);
}

static inline pid_t task_tid(struct task *t)
{
	if (!eventually(__atomic_load_n(&t->tid, __ATOMIC_ACQUIRE)))
		die("a thread does not start");
	return t->tid;
}

/* What the task returned. */
static inline long task_join(struct task *t)
{
	if (!eventually(task_done(t)))
		die("a task that should have ended still blocks");
	pthread_join(t->thread, NULL);
	return t->ret;
}

static inline long task_do_send(struct task *t)
{
	return ch_send(t->fd, t->buf, t->size);
}

static inline long task_do_recv(struct task *t)
{
	return ch_recv(t->fd, t->buf, t->size);
}

static inline long task_do_send64(struct task *t)
{
	return send64(t->fd, t->value);
}

/* Leaves the element in @value, poison when there is none. */
static inline long task_do_recv64(struct task *t)
{
	poison(&t->value, sizeof(t->value));
	return ch_recv(t->fd, &t->value, sizeof(t->value));
}

/* Start a task, and return when one more is parked on its channel. */
static inline void park_sender(struct task *t, long (*fn)(struct task *t))
{
	struct chan_info info = ch_info(t->fd);

	task_start(t, fn);
	wait_parked(t->fd, info.recvq, info.sendq + 1);
}

static inline void park_receiver(struct task *t, long (*fn)(struct task *t))
{
	struct chan_info info = ch_info(t->fd);

	task_start(t, fn);
	wait_parked(t->fd, info.recvq + 1, info.sendq);
}

static inline void park_send64(struct task *t, int fd, uint64_t value)
{
	*t = (struct task){ .fd = fd, .value = value };
	park_sender(t, task_do_send64);
}

static inline void park_recv64(struct task *t, int fd)
{
	*t = (struct task){ .fd = fd };
	park_receiver(t, task_do_recv64);
}

static inline void park_send(struct task *t, int fd, void *buf, uint32_t size)
{
	*t = (struct task){ .fd = fd, .buf = buf, .size = size };
	park_sender(t, task_do_send);
}

static inline void park_recv(struct task *t, int fd, void *buf, uint32_t size)
{
	*t = (struct task){ .fd = fd, .buf = buf, .size = size };
	park_receiver(t, task_do_recv);
}

/* The cases are @buf, and @size is their number. */
static inline long task_do_select(struct task *t)
{
	return ch_select_until(t->fd, t->buf, t->size, t->deadline);
}

/* Wait until a select is parked on all its channels, where nobody else is. */
static inline void wait_select_parked(const struct chan_case *cases, uint32_t n)
{
	unsigned int recvs, sends;
	uint32_t i, j;

	for (i = 0; i < n; i++) {
		recvs = 0;
		sends = 0;
		for (j = 0; j < n; j++) {
			recvs += cases[j].ch == cases[i].ch && cases[j].dir == CHAN_DIR_RECV;
			sends += cases[j].ch == cases[i].ch && cases[j].dir == CHAN_DIR_SEND;
		}
		if (cases[i].ch >= 0)
			wait_parked(cases[i].ch, recvs, sends);
	}
}

static inline void park_select(struct task *t, int fd, struct chan_case *cases, uint32_t n)
{
	*t = (struct task){ .fd = fd, .buf = cases, .size = n, .deadline = CHAN_FOREVER };
	task_start(t, task_do_select);
	wait_select_parked(cases, n);
}

/* State letter of a task, from its stat file; 0 if there is none. */
static inline char task_state(pid_t tid)
{
	char path[64], text[512], *p;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	if (read_text(path, text, sizeof(text)) <= 0)
		return 0;
	p = strrchr(text, ')');
	return p ? p[2] : 0;
}

/* For calls other than on a channel, whose queues cannot tell that it blocks. */
static inline void wait_asleep(pid_t tid)
{
	if (!eventually(task_state(tid) == 'S'))
		die("task %d does not fall asleep", tid);
}

/* ---- poll and epoll ---- */

/*
 * Have @call, which has the deadline @until, time out until it has parked, as @parks tells: on
 * a slow machine its time may have come before it begins.
 */
#define time_out_parked(parks, call) ({					\
	uint64_t __before = (parks), __patience = MS, until;		\
									\
	do {								\
		until = now_ns() + __patience;				\
		EXPECT_EQ(-ETIMEDOUT, call);				\
		EXPECT_LE(until, now_ns());				\
		__patience *= 2;					\
	} while ((parks) == __before && __patience < 20 * SEC);		\
	EXPECT_NE(__before, (parks));					\
})

static inline long poll_for(struct task *t)
{
	struct pollfd p = { .fd = t->fd, .events = t->value };

	return poll(&p, 1, -1) == 1 ? p.revents : -errno;
}

/* A task that sleeps in poll and returns the events. */
static inline void start_poller(struct task *t, int fd, int interest)
{
	*t = (struct task){ .fd = fd, .value = interest };
	task_start(t, poll_for);
	task_tid(t);
	/* On a slow machine what it polls for may be there by now, and it does not sleep. */
	if (!eventually(task_done(t) || task_state(t->tid) == 'S'))
		die("task %d does not fall asleep", t->tid);
}

static inline int ep_new(int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };
	int ep = must(epoll_create1(EPOLL_CLOEXEC));

	must(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	return ep;
}

/* Events of the first ready entry, 0 if there is none. */
static inline uint32_t ep_events(int ep, int timeout)
{
	struct epoll_event ev = {};

	return must(epoll_wait(ep, &ev, 1, timeout)) ? ev.events : 0;
}

static inline long ep_wait_forever(struct task *t)
{
	return ep_events(t->fd, -1);
}

/* ---- signals ---- */

static volatile sig_atomic_t handled;

static inline void count_signal(int sig)
{
	(void)sig;
	handled++;
}

/* Count this signal in @handled. */
static inline void catch(int sig, int flags)
{
	struct sigaction sa = { .sa_handler = count_signal, .sa_flags = flags };

	must(sigaction(sig, &sa, NULL));
}

/* Interrupt this process by SIGALRM from now on, so many microseconds after another. */
static inline void start_storm(int flags, suseconds_t period)
{
	struct itimerval it = { { 0, period }, { 0, period } };

	catch(SIGALRM, flags);
	must(setitimer(ITIMER_REAL, &it, NULL));
}

/* ---- processors ---- */

/* Keep the calling thread on one of the processors, counted from 0 modulo their number. */
static inline void pin_to(int i)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(i % (int)sysconf(_SC_NPROCESSORS_ONLN), &one);
	must(sched_setaffinity(0, sizeof(one), &one));
}

/* ---- processes ---- */

/* fork(), with a child that does not outlive the test. */
static inline pid_t child_fork(void)
{
	pid_t parent = getpid();
	pid_t pid;

	fflush(NULL);
	pid = must(fork());
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(KSFT_FAIL);
	return 0;
}

/* A child that does @fn and exits with what it returns. */
static inline pid_t child_start(int (*fn)(void *arg), void *arg)
{
	pid_t pid = child_fork();

	if (!pid)
		_exit(fn(arg));
	return pid;
}

/* Exit status of a child, 128 + signal if it was killed, -1 if it does not end. */
static inline int child_wait(pid_t pid)
{
	uint64_t end = now_ns() + PATIENCE_NS;
	int status;
	pid_t got;

	while (!(got = waitpid(pid, &status, WNOHANG)) && now_ns() < end)
		breathe();
	if (!got)
		kill(pid, SIGKILL);
	if (got != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline int child_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	return child_wait(pid);
}

/* In a child, which has no other way to say that a test of its parent fails. */
#define check(cond) do {						\
	if (!(cond))							\
		die("%s:%d: not %s (errno %d)", __FILE__, __LINE__, #cond, errno); \
} while (0)

/* Memory that forked children share. */
static inline void *shared_alloc(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap: %m");
	return p;
}

/* Send a descriptor to whoever reads the other end of a socket. */
static inline void pass_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {}, byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	must(sendmsg(sock, &msg, 0));
}

static inline int take_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))] = {}, byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	must(recvmsg(sock, &msg, 0));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(int));
	return fd;
}

/* Set the clock of the time namespace for the children to come. */
static inline int shift_time(const char *offset)
{
	return write_text("/proc/self/timens_offsets", offset);
}

#define NOBODY			65534

static inline void become_nobody(void)
{
	must(syscall(SYS_setgroups, 0, NULL));
	must(syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY));
	must(syscall(SYS_setresuid, NOBODY, NOBODY, NOBODY));
	/* A change of credentials resets it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* Root stays root, but may do no more than own files. */
static inline void drop_capabilities(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = {};

	must(syscall(SYS_capset, &h, none));
}

static inline bool is_root(void)
{
	return !geteuid();
}

#endif /* CHAN_TEST_H */
