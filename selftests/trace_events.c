// SPDX-License-Identifier: GPL-2.0-only
/*
 * Provokes every event of the module, and writes to a file what a tracer has to show then:
 *
 *	trace_events FILE
 *
 * One line an event, in the order in which they happen: its name, and its fields as the
 * kernel prints them.  What cannot be known, which are times, and the numbers of domains and of
 * registrations, is written as an asterisk.  Lines of tracers that are about other programs do
 * not count.
 *
 * All threads are on one processor, where the first one preempts the others, and runs until
 * it sleeps.  That makes the order certain.
 */
#include "chan_test.h"

#define NAME		"trace_events"

/* The kernel's own -ERESTARTSYS. */
#define INTERRUPTED	(-512)

static FILE *out;

static __printf(1, 2) void expect(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(out, fmt, ap);
	va_end(ap);
	fputc('\n', out);
}

/* The number of the goroutine that the first thread is. */
static unsigned int my_g;

static unsigned long long id_of(int ch)
{
	return ch_info(ch).id;
}

static void expect_transfer(const char *event, int ch, unsigned int g, const char *path,
			    unsigned int size, unsigned int len)
{
	expect("%s chan=%llu g=%u path=%s size=%u len=%u cap=%llu", event, id_of(ch), g, path,
	       size, len, (unsigned long long)ch_info(ch).cap);
}

static void expect_send(int ch, const char *path, unsigned int size, unsigned int len)
{
	expect_transfer("chan_send", ch, my_g, path, size, len);
}

static void expect_recv(int ch, const char *path, unsigned int size, unsigned int len)
{
	expect_transfer("chan_recv", ch, my_g, path, size, len);
}

static void expect_park(int ch, unsigned int g, const char *reason, unsigned int cases)
{
	expect("chan_park chan=%llu g=%u reason='%s' cases=%u", id_of(ch), g, reason, cases);
}

static void expect_enqueue(int ch, unsigned int g, const char *queue, unsigned int place,
			   unsigned int scase)
{
	expect("chan_enqueue chan=%llu g=%u queue=%s place=%u case=%u", id_of(ch), g, queue,
	       place, scase);
}

static void expect_ready_after(const char *waited, int ch, unsigned int g, pid_t tid,
			       const char *queue, unsigned int scase, int result)
{
	expect("chan_ready chan=%llu waker=%u g=%u tid=%d queue=%s case=%u result=%d waited=%s",
	       id_of(ch), my_g, g, tid, queue, scase, result, waited);
}

static void expect_ready(int ch, unsigned int g, pid_t tid, const char *queue,
			 unsigned int scase, int result)
{
	expect_ready_after("*", ch, g, tid, queue, scase, result);
}

static void expect_abort(int ch, const char *reason, int result)
{
	expect("chan_abort chan=%llu g=%u reason='%s' result=%d waited=*", id_of(ch), my_g,
	       reason, result);
}

static void expect_close(int ch, const char *how, unsigned int woken, unsigned int len)
{
	expect("chan_close chan=%llu g=%u how=%s woken=%u len=%u", id_of(ch), my_g, how, woken,
	       len);
}

static int made(int ch, const char *flags)
{
	struct chan_info info = ch_info(ch);

	expect("chan_make chan=%llu cap=%llu elem_size=%u flags=%s",
	       (unsigned long long)info.id, (unsigned long long)info.cap, info.elem_size, flags);
	return ch;
}

static int make(uint64_t cap)
{
	return made(ch_make(8, cap, 0), "");
}

static void drop(int ch)
{
	expect("chan_destroy chan=%llu", id_of(ch));
	must(close(ch));
}

static void parked_receiver(struct task *t, int ch, unsigned int place)
{
	park_recv64(t, ch);
	expect_park(ch, 0, "chan receive", 1);
	expect_enqueue(ch, 0, "recvq", place, 0);
}

static void parked_sender(struct task *t, int ch, unsigned int place)
{
	park_send64(t, ch, 1);
	expect_park(ch, 0, "chan send", 1);
	expect_enqueue(ch, 0, "sendq", place, 0);
}

static void a_buffer(void)
{
	int ch = make(2);

	must(send64(ch, 1));
	expect_send(ch, "buffered", 8, 1);
	recv64(ch);
	expect_recv(ch, "buffered", 8, 0);
	try_recv64(ch);
	expect_recv(ch, "would-block", 0, 0);
	must(send64(ch, 2));
	expect_send(ch, "buffered", 8, 1);
	must(send64(ch, 3));
	expect_send(ch, "buffered", 8, 2);
	try_send64(ch, 4);
	expect_send(ch, "would-block", 0, 2);
	must(ch_close(ch));
	expect_close(ch, "close", 0, 2);
	recv64(ch);
	expect_recv(ch, "buffered", 8, 1);
	recv64(ch);
	expect_recv(ch, "buffered", 8, 0);
	recv64(ch);
	expect_recv(ch, "closed", 0, 0);
	send64(ch, 5);
	expect_send(ch, "closed", 0, 0);
	drop(ch);
}

static void receivers_that_park(void)
{
	struct task first, second;
	int ch = make(0);

	parked_receiver(&first, ch, 1);
	parked_receiver(&second, ch, 2);
	must(send64(ch, 1));
	expect_ready(ch, 0, first.tid, "recvq", 0, 0);
	expect_send(ch, "direct", 8, 0);
	must(task_join(&first));
	expect_recv(ch, "parked", 8, 0);
	must(ch_close(ch));
	expect_ready(ch, 0, second.tid, "recvq", 0, -EPIPE);
	expect_close(ch, "close", 1, 0);
	must(task_join(&second));
	expect_recv(ch, "closed", 0, 0);
	drop(ch);
}

static void senders_that_park(void)
{
	int unbuffered = make(0), buffered = make(1);
	struct task t;

	parked_sender(&t, unbuffered, 1);
	recv64(unbuffered);
	expect_ready(unbuffered, 0, t.tid, "sendq", 0, 0);
	expect_recv(unbuffered, "direct", 8, 0);
	must(task_join(&t));
	expect_send(unbuffered, "parked", 8, 0);
	drop(unbuffered);

	must(send64(buffered, 1));
	expect_send(buffered, "buffered", 8, 1);
	parked_sender(&t, buffered, 1);
	recv64(buffered);
	expect_ready(buffered, 0, t.tid, "sendq", 0, 0);
	expect_recv(buffered, "buffered", 8, 1);
	must(task_join(&t));
	expect_send(buffered, "parked", 8, 1);
	drop(buffered);
}

static void a_message_that_does_not_fit(void)
{
	int ch = made(ch_make(16, 0, CHAN_MESSAGE), "message");
	char room[4], message[6] = {};
	struct task t;

	park_recv(&t, ch, room, sizeof(room));
	expect_park(ch, 0, "chan receive", 1);
	expect_enqueue(ch, 0, "recvq", 1, 0);
	ch_try_send(ch, message, sizeof(message));
	expect_ready(ch, 0, t.tid, "recvq", 0, -EMSGSIZE);
	expect_send(ch, "would-block", 0, 0);
	task_join(&t);
	drop(ch);
}

static void patience_that_ends(void)
{
	int ch = make(0);
	struct task t;
	uint64_t v;

	ch_recv_until(ch, &v, sizeof(v), now_ns() + SEC);
	expect_park(ch, 0, "chan receive", 1);
	expect_enqueue(ch, 0, "recvq", 1, 0);
	expect_abort(ch, "chan receive", -ETIMEDOUT);

	parked_sender(&t, ch, 1);
	must(syscall(SYS_tgkill, getpid(), t.tid, SIGUSR1));
	task_join(&t);
	expect_abort(ch, "chan send", INTERRUPTED);
	drop(ch);
}

static void other_ends(void)
{
	int ch = made(ch_make_named(NAME, 8, 1, 0, 0600), "named"), sends, receives;
	struct task t;

	parked_receiver(&t, ch, 1);
	must(ch_remove(NAME));
	expect_ready(ch, 0, t.tid, "recvq", 0, -EIDRM);
	expect_close(ch, "remove", 1, 0);
	task_join(&t);
	expect_recv(ch, "removed", 0, 0);
	try_send64(ch, 1);
	expect_send(ch, "removed", 0, 0);
	drop(ch);

	ch = made(ch_make(8, 0, CHAN_AUTOCLOSE), "autoclose");
	sends = must(ch_dup(ch, O_WRONLY));
	receives = must(ch_dup(ch, O_RDONLY));
	must(close(ch));
	must(close(sends));
	expect_close(receives, "autoclose", 0, 0);
	drop(receives);

	ch = made(ch_make_as((struct chan_make){ .elem_size = 8, .closes = 1 }), "");
	recv64(ch);
	expect_close(ch, "time", 0, 0);
	expect_recv(ch, "closed", 0, 0);
	drop(ch);
}

static void a_timer(void)
{
	int ch = made(ch_timer_at(1), "timer");

	recv64(ch);
	expect_recv(ch, "direct", 8, 0);
	drop(ch);
}

/* Which of two channels is first ready for what, as far as epoll has not told it before. */
static int next_ready(int ep)
{
	struct epoll_event ev;

	if (must(epoll_wait(ep, &ev, 1, PATIENCE_NS / MS)) != 1)
		die("a select does not queue");
	return ev.data.fd;
}

static int watch(int ch, uint32_t events, int other, uint32_t other_events)
{
	struct epoll_event ev = { .events = other_events | EPOLLET, .data.fd = other };
	int ep = ep_new(ch, events | EPOLLET);

	must(epoll_ctl(ep, EPOLL_CTL_ADD, other, &ev));
	return ep;
}

#define BEGIN	"chan_select_begin chan=%llu g=0 cases=%u blocks=%u sends=0x%x"

static void expect_begin(int ch, int other, unsigned int sends)
{
	unsigned long long first = id_of(ch), second = id_of(other);

	expect(BEGIN " chans=%llu,%llu,0,0,0,0,0,0", first, 2, 1, sends, first, second);
}

static void expect_begin_of_nothing(unsigned int blocks)
{
	expect(BEGIN " chans=0,0,0,0,0,0,0,0", 0ULL, 0, blocks, 0);
}

static void expect_commit(int ch, int result, unsigned int parked)
{
	expect("chan_select_commit chan=%llu g=0 result=%d parked=%u", id_of(ch), result, parked);
}

/* A select that receives from one and sends to the other has parked; returns the first. */
static int expect_select(int ep, int in, int to)
{
	int first = next_ready(ep), second = next_ready(ep), ch, i;

	expect_begin(in, to, 0x2);
	expect_park(first, 0, "select", 2);
	for (i = 0; i < 2; i++) {
		ch = i ? second : first;
		expect_enqueue(ch, 0, ch == in ? "recvq" : "sendq", 1, ch != in);
	}
	return first;
}

/*
 * One is completed on one channel, and has not left the other one when somebody looks there.
 * Another one is interrupted.
 */
static void selects_that_park(void)
{
	int in = make(0), to = make(0), ep = watch(in, EPOLLOUT, to, EPOLLIN), first;
	uint64_t v = 0, w = 1;
	struct chan_case cases[] = { sel_recv(in, &v, 8), sel_send(to, &w, 8) };
	struct task t;

	park_select(&t, in, cases, 2);
	expect_select(ep, in, to);
	must(send64(in, 2));
	expect_ready(in, 0, t.tid, "recvq", 0, 0);
	expect_send(in, "direct", 8, 0);
	try_recv64(to);
	expect("chan_select_stale chan=%llu g=0 tid=%d queue=sendq case=1", id_of(to), t.tid);
	expect_recv(to, "would-block", 0, 0);
	must(task_join(&t));
	expect_recv(in, "parked", 8, 0);
	expect_commit(in, 0, 1);

	park_select(&t, in, cases, 2);
	first = expect_select(ep, in, to);
	must(syscall(SYS_tgkill, getpid(), t.tid, SIGUSR1));
	task_join(&t);
	expect_abort(first, "select", INTERRUPTED);
	expect("chan_select_commit chan=0 g=0 result=%d parked=1", INTERRUPTED);
	close(ep);
	drop(in);
	drop(to);
}

/* As soon as it is queued on one channel, somebody wakes up and completes it. */
static void a_select_that_is_overtaken(void)
{
	int chs[] = { make(0), make(0) }, ep = watch(chs[0], EPOLLOUT, chs[1], EPOLLOUT);
	uint64_t v = 0;
	struct chan_case cases[] = { sel_recv(chs[0], &v, 8), sel_recv(chs[1], &v, 8) };
	struct task t = {
		.fd = chs[0], .buf = cases, .size = 2, .deadline = CHAN_FOREVER,
	};
	int ch, k;

	task_start(&t, task_do_select);
	ch = next_ready(ep);
	must(try_send64(ch, 1));
	k = ch == chs[1];
	expect_begin(chs[0], chs[1], 0);
	expect_park(ch, 0, "select", 2);
	expect_enqueue(ch, 0, "recvq", 1, k);
	/* So soon that by the clock of another processor it may not have waited at all. */
	expect_ready_after("?", ch, 0, task_tid(&t), "recvq", k, 0);
	expect_send(ch, "direct", 8, 0);
	must(task_join(&t));
	expect("chan_select_lost chan=%llu", id_of(chs[!k]));
	expect_recv(ch, "parked", 8, 0);
	expect_commit(ch, k, 0);
	close(ep);
	drop(chs[0]);
	drop(chs[1]);
}

static void a_select_of_nothing(void)
{
	must(-ch_try_select(chanctl(), NULL, 0) == EAGAIN ? 0 : -1);
	expect_begin_of_nothing(0);
	expect("chan_select_commit chan=0 g=0 result=%d parked=0", -EAGAIN);
	ch_select_until(chanctl(), NULL, 0, now_ns() + SEC);
	expect_begin_of_nothing(1);
	expect("chan_park chan=0 g=0 reason='select (no cases)' cases=0");
	expect("chan_abort chan=0 g=0 reason='select (no cases)' result=%d waited=*", -ETIMEDOUT);
	expect("chan_select_commit chan=0 g=0 result=%d parked=1", -ETIMEDOUT);
}

static void an_element_that_is_lost(void)
{
	void *room = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ch = make(0);
	struct task t;

	park_recv(&t, ch, room, 8);
	expect_park(ch, 0, "chan receive", 1);
	expect_enqueue(ch, 0, "recvq", 1, 0);
	must(munmap(room, 8));
	must(try_send64(ch, 1));
	expect_ready(ch, 0, t.tid, "recvq", 0, 0);
	expect_send(ch, "direct", 8, 0);
	task_join(&t);
	expect_recv(ch, "parked", 8, 0);
	expect("chan_lost chan=%llu", id_of(ch));
	drop(ch);
}

static int domain;

static void become_goroutine(uint64_t id, uint64_t creator, const char *name)
{
	struct chan_go go = { .size = sizeof(go), .id = id, .creator = creator };

	strcpy(go.name, name);
	must(xioctl(domain, CHAN_IOC_GO, &go));
}

static long goroutine_that_receives(struct task *t)
{
	long ret;

	become_goroutine(7, 3, "receiver");
	ret = task_do_recv64(t);
	must(xioctl(domain, CHAN_IOC_GO_END, NULL));
	return ret;
}

static void expect_state(unsigned int g, pid_t tid, const char *change, unsigned long long chan)
{
	expect("chan_go_state domain=* g=%u serial=* tid=%d %s chan=%llu", g, tid, change, chan);
}

static void expect_goroutine(unsigned int g, pid_t tid, unsigned int creator, const char *name)
{
	expect("chan_go_create domain=* g=%u serial=* tid=%d creator=%u name=%s", g, tid, creator,
	       name);
	expect_state(g, tid, "idle ==> runnable", 0);
	expect_state(g, tid, "runnable ==> running", 0);
}

static void goroutines(void)
{
	int ch = make(0);
	struct task t = { .fd = ch };

	domain = chanctl();
	become_goroutine(3, 0, "main");
	expect_goroutine(3, getpid(), 0, "main");
	park_receiver(&t, goroutine_that_receives);
	expect_goroutine(7, t.tid, 3, "receiver");
	expect_state(7, t.tid, "running ==> waiting", id_of(ch));
	expect_park(ch, 7, "chan receive", 1);
	expect_enqueue(ch, 7, "recvq", 1, 0);

	my_g = 3;
	must(send64(ch, 1));
	expect_ready(ch, 7, t.tid, "recvq", 0, 0);
	expect_send(ch, "direct", 8, 0);
	expect_state(7, t.tid, "waiting ==> runnable", id_of(ch));
	must(task_join(&t));
	expect_transfer("chan_recv", ch, 7, "parked", 8, 0);
	expect_state(7, t.tid, "runnable ==> running", id_of(ch));
	expect_state(7, t.tid, "running ==> dead", id_of(ch));

	must(xioctl(domain, CHAN_IOC_GO_END, NULL));
	expect_state(3, getpid(), "running ==> dead", 0);
	my_g = 0;
	drop(ch);
}

/* All threads of the process are one goroutine, for which nobody can do anything. */
static void a_deadlock(void)
{
	struct chan_go_detect detect = { .size = sizeof(detect), .flags = CHAN_GO_DEADLOCK };
	int ch = make(0);

	/* A handler might do something. */
	must(signal(SIGUSR1, SIG_DFL) == SIG_ERR ? -1 : 0);
	domain = chanctl();
	become_goroutine(3, 0, "main");
	expect_goroutine(3, getpid(), 0, "main");
	must(xioctl(domain, CHAN_IOC_GO_DETECT, &detect));
	my_g = 3;
	recv64(ch);
	expect_state(3, getpid(), "running ==> waiting", id_of(ch));
	expect_park(ch, 3, "chan receive", 1);
	expect_enqueue(ch, 3, "recvq", 1, 0);
	expect("chan_deadlock domain=* pid=%d goroutines=1", getpid());
	expect_abort(ch, "chan receive", -EDEADLK);
	expect_state(3, getpid(), "waiting ==> runnable", id_of(ch));
	expect_state(3, getpid(), "runnable ==> running", id_of(ch));
	must(xioctl(domain, CHAN_IOC_GO_END, NULL));
	expect_state(3, getpid(), "running ==> dead", id_of(ch));
	my_g = 0;
	drop(ch);
}

int main(int argc, char **argv)
{
	struct sched_param first = { .sched_priority = 1 };

	if (argc != 2) {
		fprintf(stderr, "usage: trace_events FILE\n");
		return 2;
	}
	out = fopen(argv[1], "w");
	if (!out)
		die("%s: %m", argv[1]);
	pin_to(0);
	must(sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first));

	catch(SIGUSR1, 0);
	a_buffer();
	receivers_that_park();
	senders_that_park();
	a_message_that_does_not_fit();
	patience_that_ends();
	other_ends();
	a_timer();
	selects_that_park();
	a_select_that_is_overtaken();
	a_select_of_nothing();
	an_element_that_is_lost();
	goroutines();
	a_deadlock();
	if (fclose(out))
		die("%s: %m", argv[1]);
	return 0;
}
