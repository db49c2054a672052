// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The runtime domain: what the kernel is told of the goroutines of this process.
 *
 * The first goroutine opens it, and the descriptor stays open.  Nothing depends on that: when
 * a program closes all descriptors that it does not know, or if the module is older, channels
 * work as before, and the goroutines are just not to be seen.  A forked child is another
 * process with a domain of its own, if it starts goroutines.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int domain = -1;
static dev_t device;
static __thread bool registered;

static bool is_control(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISCHR(st.st_mode) && st.st_rdev == device;
}

/* The number may be another file's by now, if the program closed it. */
static void leave_domain(void)
{
	int err = errno;

	if (domain >= 0 && is_control(domain))
		close(domain);
	domain = -1;
	registered = false;
	kchan_delist_all();
	pthread_mutex_unlock(&lock);
	errno = err;
}

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&lock);
}

static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork, leave_domain);
}

static int open_domain(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct stat st;
	int fd = open(KCHAN_CONTROL, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? fail(ENODEV) : -1;
	if (fstat(fd, &st))
		return kchan_close_fd(fd);
	pthread_once(&once, watch_forks);
	device = st.st_rdev;
	return fd;
}

/* The descriptor of the domain; -1 with errno. */
int kchan_domain(void)
{
	int fd;

	pthread_mutex_lock(&lock);
	if (domain < 0)
		domain = open_domain();
	fd = domain;
	pthread_mutex_unlock(&lock);
	return fd;
}

/* Tell the kernel that this thread is a goroutine, if it has not been told. */
void kchan_register(int64_t id, int64_t creator, const char *name)
{
	struct chan_go go = { .size = sizeof(go), .id = id, .creator = creator };
	int err = errno;

	if (registered)
		return;
	strncpy(go.name, name, sizeof(go.name) - 1);
	registered = !ioctl(kchan_domain(), CHAN_IOC_GO, &go);
	if (registered)
		kchan_enlist(id);
	errno = err;
}

/*
 * This thread is the library's own and uses no channels, so a program in which all others are
 * asleep is a deadlock all the same.  An older module does not know of such threads.
 */
void kchan_be_helper(void)
{
	struct chan_go go = { .size = sizeof(go), .flags = CHAN_GO_HELPER };

	ioctl(kchan_domain(), CHAN_IOC_GO, &go);
}

void kchan_unregister(void)
{
	if (!registered)
		return;
	kchan_delist();
	ioctl(kchan_domain(), CHAN_IOC_GO_END, 0);
	registered = false;
}
