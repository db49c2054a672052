// SPDX-License-Identifier: GPL-2.0-only
/* Request and reply in one call: what is sent, what is not, and what a round trip costs. */
#include "chan_test.h"
#include <kchan.h>

/* What the servers of these tests reply. */
#define ANSWER(v)	((v) * 3 + 1)

static long call_as(int fd, struct chan_call *c)
{
	c->size = sizeof(*c);
	return xioctl(fd, CHAN_IOC_CALL, c);
}

static struct chan_call call64(int out, const uint64_t *req, int in, uint64_t *rep)
{
	return (struct chan_call){
		.out = out, .in = in, .req = (uintptr_t)req, .rep = (uintptr_t)rep,
		.req_size = 8, .rep_size = rep ? 8 : 0, .deadline = CHAN_FOREVER,
	};
}

static long ctl_call(struct chan_call *c)
{
	c->size = sizeof(*c);
	return ctl_ioctl(CHAN_IOC_CALL, c);
}

/**
 * struct pair - the channels of a server
 * @req: requests.
 * @rep: replies.
 */
struct pair {
	int req;
	int rep;
};

static struct pair new_pair(uint32_t size, uint64_t cap)
{
	return (struct pair){ must(ch_make(size, cap, 0)), must(ch_make(size, cap, 0)) };
}

/* Until the channel of requests is closed; how many there were. */
static long serve(struct task *t)
{
	struct pair *p = t->buf;
	uint64_t v;
	long n = 0;

	while ((v = recv64(p->req)) != UINT64_MAX) {
		must(send64(p->rep, ANSWER(v)));
		n++;
	}
	return errno ? -errno : n;
}

static void start_server(struct task *t, struct pair *p)
{
	*t = (struct task){ .fd = p->req, .buf = p };
	park_receiver(t, serve);
}

static long end_server(struct task *t)
{
	must(ch_close(t->fd));
	return task_join(t);
}

/* A task that calls, with the struct chan_call in its buffer. */
static long do_call(struct task *t)
{
	return ctl_call(t->buf);
}

/* Return when it is parked between the halves. */
static void park_caller(struct task *t, struct chan_call *c)
{
	struct chan_info info = ch_info(c->in);

	*t = (struct task){ .fd = c->in, .buf = c };
	task_start(t, do_call);
	wait_parked(c->in, info.recvq + 1, info.sendq);
}

/* ---- request and reply ---- */

TEST(a_call_sends_a_request_and_receives_the_reply)
{
	struct pair p = new_pair(8, 0);
	uint64_t req = 5, rep;
	struct chan_call c = call64(p.req, &req, p.rep, &rep);
	struct task t;

	start_server(&t, &p);
	EXPECT_EQ(9, ctl_call(&c));
	EXPECT_EQ(ANSWER(5), rep);
	EXPECT_EQ(5, req);
	EXPECT_EQ(0, c.flags);
	req = 6;
	EXPECT_EQ(9, call_as(p.req, &c));
	EXPECT_EQ(ANSWER(6), rep);
	req = 7;
	EXPECT_EQ(9, call_as(p.rep, &c));
	EXPECT_EQ(ANSWER(7), rep);
	EXPECT_EQ(3, end_server(&t));
	EXPECT_EQ(3, ch_info(p.req).sends);
	EXPECT_EQ(3, ch_info(p.rep).receives);
}

TEST(many_calls_over_channels_of_any_capacity)
{
	uint64_t caps[] = { 0, 1, 3 }, i, req, rep;
	unsigned int k;
	struct pair p;
	struct task t;

	for (k = 0; k < ARRAY_SIZE(caps); k++) {
		p = new_pair(8, caps[k]);
		start_server(&t, &p);
		for (i = 0; i < 1000; i++) {
			req = i;
			ASSERT_EQ(1, kchan_call(p.req, &req, 8, p.rep, &rep, 8));
			ASSERT_EQ(ANSWER(i), rep);
		}
		EXPECT_EQ(1000, end_server(&t));
		EXPECT_EQ(0, ch_len(p.req) + ch_len(p.rep));
	}
}

static int serve_in_a_child(void *arg)
{
	struct task t = { .buf = arg };

	return serve(&t) < 0;
}

TEST(a_server_may_be_another_process)
{
	struct pair p = new_pair(8, 0);
	uint64_t req, rep;
	pid_t pid = child_start(serve_in_a_child, &p);

	for (req = 0; req < 500; req++) {
		ASSERT_EQ(1, kchan_call(p.req, &req, 8, p.rep, &rep, 8));
		ASSERT_EQ(ANSWER(req), rep);
	}
	EXPECT_EQ(0, ch_close(p.req));
	EXPECT_EQ(0, child_wait(pid));
}

TEST(a_call_waits_for_a_server_that_comes_later)
{
	struct pair p = new_pair(8, 0);
	uint64_t req = 5, rep;
	struct chan_call c = call64(p.req, &req, p.rep, &rep);
	struct task t = { .fd = p.req, .buf = &c };

	park_sender(&t, do_call);
	EXPECT_EQ(0, ch_info(p.rep).recvq);
	/* Sent is what it was at the time of the call. */
	req = 6;
	EXPECT_EQ(5, recv64(p.req));
	wait_parked(p.rep, 1, 0);
	EXPECT_EQ(0, try_send64(p.rep, 8));
	EXPECT_EQ(9, task_join(&t));
	EXPECT_EQ(8, rep);
}

TEST(a_reply_that_is_there_already_is_received_at_once)
{
	struct pair p = new_pair(8, 1);
	uint64_t req = 5, rep;
	struct chan_call c = call64(p.req, &req, p.rep, &rep);

	must(send64(p.rep, 7));
	EXPECT_EQ(9, ctl_call(&c));
	EXPECT_EQ(7, rep);
	EXPECT_EQ(5, recv64(p.req));
	EXPECT_EQ(0, ch_info(p.rep).recv_parks + ch_info(p.req).send_parks);
}

TEST(a_call_that_discards_its_reply)
{
	struct pair p = new_pair(8, 0);
	uint64_t req = 5;
	struct chan_call c = call64(p.req, &req, p.rep, NULL);
	struct task t;

	start_server(&t, &p);
	EXPECT_EQ(9, ctl_call(&c));
	EXPECT_EQ(1, kchan_call(p.req, &req, 8, p.rep, NULL, 8));
	EXPECT_EQ(2, end_server(&t));
}

TEST(a_call_ignores_o_nonblock)
{
	struct pair p = {
		ch_make_as((struct chan_make){ .elem_size = 8, .fd_flags = O_NONBLOCK }),
		ch_make_as((struct chan_make){ .elem_size = 8, .fd_flags = O_NONBLOCK }),
	};
	uint64_t req = 5, rep;
	struct chan_call c = call64(p.req, &req, p.rep, &rep);
	struct task t = { .fd = p.req, .buf = &c };

	park_sender(&t, do_call);
	EXPECT_EQ(5, recv64(p.req));
	wait_parked(p.rep, 1, 0);
	EXPECT_EQ(0, try_send64(p.rep, 6));
	EXPECT_EQ(9, task_join(&t));
}

/* Nothing says whose reply it is: who waits longest gets it. */
TEST(a_receiver_that_waits_longer_gets_the_first_reply)
{
	struct pair p = new_pair(8, 0);
	uint64_t req = 5, rep;
	struct chan_call c = call64(p.req, &req, p.rep, &rep);
	struct task old, server, t;

	park_recv64(&old, p.rep);
	park_recv64(&server, p.req);
	park_caller(&t, &c);
	EXPECT_EQ(9, task_join(&server));
	EXPECT_EQ(5, server.value);
	EXPECT_EQ(0, try_send64(p.rep, 1));
	EXPECT_EQ(0, try_send64(p.rep, 2));
	EXPECT_EQ(9, task_join(&old));
	EXPECT_EQ(9, task_join(&t));
	EXPECT_EQ(1, old.value);
	EXPECT_EQ(2, rep);
}

struct client {
	int req;
	int rep;
	uint64_t id;
};

/* A request is the client's number and a count; each has a channel for its replies. */
static long call_often(struct task *t)
{
	struct client *k = t->buf;
	uint64_t i, req, rep;

	for (i = 0; i < 500; i++) {
		req = k->id << 32 | i;
		if (kchan_call(k->req, &req, 8, k->rep, &rep, 8) != 1 || rep != ANSWER(req))
			return -EIO;
	}
	return 0;
}

static long serve_clients(struct task *t)
{
	struct client *k = t->buf;
	uint64_t v;

	while ((v = recv64(k->req)) != UINT64_MAX)
		must(send64(k[v >> 32].rep, ANSWER(v)));
	return errno;
}

TEST(clients_with_a_channel_for_replies_each_share_a_server)
{
	struct client k[5];
	struct task t[5], servers[2];
	int req = ch_make(8, 0, 0), i;

	for (i = 0; i < 5; i++)
		k[i] = (struct client){ .req = req, .rep = ch_make(8, 0, 0), .id = i };
	for (i = 0; i < 2; i++) {
		servers[i] = (struct task){ .buf = k };
		task_start(&servers[i], serve_clients);
	}
	for (i = 0; i < 5; i++) {
		t[i] = (struct task){ .buf = &k[i] };
		task_start(&t[i], call_often);
	}
	for (i = 0; i < 5; i++)
		EXPECT_EQ(0, task_join(&t[i]));
	EXPECT_EQ(0, ch_close(req));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(0, task_join(&servers[i]));
	EXPECT_EQ(2500, ch_info(req).sends);
}

TEST(a_reply_may_come_from_a_timer)
{
	uint64_t req = 5, rep, when = now_ns() + 20 * MS;
	struct chan_call c = call64(ch_make(8, 1, 0), &req, ch_timer_at(when), &rep);

	EXPECT_EQ(9, ctl_call(&c));
	EXPECT_EQ(when, rep);
	EXPECT_LE(when, now_ns());
	EXPECT_EQ(5, recv64(c.out));
	c = call64(c.in, &req, c.out, &rep);
	EXPECT_EQ(-EBADF, ctl_call(&c));
}

/* ---- sizes ---- */

TEST(large_and_small_elements)
{
	static const uint32_t sizes[] = { 1, 8, 127, 128, 129, 4096, 65536 };
	static unsigned char req[65536], rep[65536], got[65536];
	struct chan_call c;
	struct pair p;
	struct task t;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = new_pair(sizes[i], 0);
		c = call64(p.req, (void *)req, p.rep, (void *)rep);
		c.req_size = sizes[i];
		c.rep_size = sizes[i];
		fill(req, sizes[i], i);
		poison(rep, sizeof(rep));
		t = (struct task){ .fd = p.req, .buf = &c };
		park_sender(&t, do_call);
		EXPECT_EQ(1 + sizes[i], ch_recv(p.req, got, sizes[i]));
		EXPECT_TRUE(is_filled(got, sizes[i], i));
		fill(got, sizes[i], i + 100);
		wait_parked(p.rep, 1, 0);
		EXPECT_EQ(0, ch_send(p.rep, got, sizes[i]));
		EXPECT_EQ(1 + sizes[i], task_join(&t));
		EXPECT_TRUE(is_filled(rep, sizes[i], i + 100));
		EXPECT_TRUE(all_bytes(rep + sizes[i], sizeof(rep) - sizes[i], POISON));
		close(p.req);
		close(p.rep);
	}
}

TEST(elements_of_size_0_are_signals)
{
	struct pair p = new_pair(0, 1);

	must(ch_send(p.rep, NULL, 0));
	EXPECT_EQ(1, kchan_call(p.req, NULL, 0, p.rep, NULL, 0));
	EXPECT_EQ(1, ch_len(p.req));
	EXPECT_EQ(0, ch_len(p.rep));
}

/* What nothing came of: nothing sent, nothing received. */
#define EXPECT_UNTOUCHED(p) do {					\
	EXPECT_EQ(0, ch_info((p).req).sends);				\
	EXPECT_EQ(0, ch_info((p).rep).receives);			\
	EXPECT_EQ(1, ch_len((p).rep));					\
} while (0)

/* Room for a request, and a reply that waits: a call that is right returns at once. */
static struct pair ready_pair(void)
{
	struct pair p = new_pair(8, 1);

	must(send64(p.rep, 7));
	return p;
}

TEST(a_wrong_size_of_either_half_sends_nothing)
{
	struct pair p = ready_pair();
	uint64_t req[2] = {}, rep[2];
	struct chan_call c = call64(p.req, req, p.rep, rep);
	uint32_t sizes[] = { 0, 7, 9, 16, UINT32_MAX };
	size_t huge = ((size_t)1 << 32) + 8;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		c.req_size = sizes[i];
		EXPECT_EQ(-EMSGSIZE, ctl_call(&c));
		c.req_size = 8;
		c.rep_size = sizes[i];
		EXPECT_EQ(-EMSGSIZE, ctl_call(&c));
		c.rep_size = 8;
		EXPECT_EQ(0, c.flags);
	}
	EXPECT_EQ(EMSGSIZE, fails_with(kchan_call(p.req, req, huge, p.rep, rep, 8)));
	EXPECT_EQ(EMSGSIZE, fails_with(kchan_call(p.req, req, 8, p.rep, rep, huge)));
	EXPECT_UNTOUCHED(p);
	EXPECT_EQ(9, ctl_call(&c));
}

TEST(messages_have_their_own_lengths)
{
	struct pair p = { ch_make(64, 1, CHAN_MESSAGE), ch_make(64, 1, CHAN_MESSAGE) };
	char req[] = "hello", rep[64], got[64];
	struct chan_call c = {
		.out = p.req, .in = p.rep, .req = (uintptr_t)req, .rep = (uintptr_t)rep,
		.req_size = 5, .rep_size = sizeof(rep), .deadline = CHAN_FOREVER,
	};

	must(ch_send(p.rep, "bye", 3));
	poison(rep, sizeof(rep));
	EXPECT_EQ(1 + 3, ctl_call(&c));
	EXPECT_EQ(0, memcmp(rep, "bye", 3));
	EXPECT_TRUE(all_bytes(rep + 3, sizeof(rep) - 3, POISON));
	EXPECT_EQ(1 + 5, ch_recv(p.req, got, sizeof(got)));

	must(ch_send(p.rep, NULL, 0));
	c.req_size = 0;
	EXPECT_EQ(1, ctl_call(&c));
	EXPECT_EQ(1, ch_recv(p.req, got, sizeof(got)));

	c.req_size = 65;
	EXPECT_EQ(-EMSGSIZE, ctl_call(&c));
	EXPECT_EQ(0, c.flags);
	EXPECT_EQ(2, ch_info(p.req).sends);
}

TEST(a_reply_longer_than_the_room_stays_and_can_be_had_later)
{
	struct pair p = { ch_make(64, 1, CHAN_MESSAGE), ch_make(64, 1, CHAN_MESSAGE) };
	char req[] = "hello", rep[64];
	struct chan_call c = {
		.out = p.req, .in = p.rep, .req = (uintptr_t)req, .rep = (uintptr_t)rep,
		.req_size = 5, .rep_size = 4, .deadline = CHAN_FOREVER,
	};
	struct task t;

	must(ch_send(p.rep, "12345", 5));
	poison(rep, sizeof(rep));
	EXPECT_EQ(-EMSGSIZE, ctl_call(&c));
	EXPECT_EQ(CHAN_CALL_SENT, c.flags);
	EXPECT_EQ(1, ch_len(p.rep));
	EXPECT_TRUE(all_bytes(rep, sizeof(rep), POISON));
	c.rep_size = 5;
	EXPECT_EQ(1 + 5, ctl_call(&c));
	EXPECT_EQ(0, memcmp(rep, "12345", 5));
	EXPECT_EQ(1, ch_info(p.req).sends);

	/* The same for one that comes when the caller is parked. */
	c.rep_size = 4;
	must(ch_recv(p.req, NULL, 0));
	park_caller(&t, &c);
	EXPECT_EQ(0, ch_send(p.rep, "67890", 5));
	EXPECT_EQ(-EMSGSIZE, task_join(&t));
	EXPECT_EQ(CHAN_CALL_SENT, c.flags);
	EXPECT_EQ(1 + 5, ch_recv(p.rep, rep, sizeof(rep)));
	EXPECT_EQ(0, memcmp(rep, "67890", 5));
	EXPECT_EQ(2, ch_info(p.req).sends);
}

/* ---- what is wrong is found before anything is sent ---- */

TEST(one_channel_cannot_be_both)
{
	uint64_t req = 5, rep;
	int ch = ch_make(8, 1, 0);
	struct chan_call c = call64(ch, &req, ch, &rep);

	EXPECT_EQ(-EINVAL, ctl_call(&c));
	c.in = must(ch_dup(ch, O_RDONLY));
	EXPECT_EQ(-EINVAL, ctl_call(&c));
	c.out = must(ch_dup(ch, O_WRONLY));
	EXPECT_EQ(-EINVAL, ctl_call(&c));
	EXPECT_EQ(EINVAL, fails_with(kchan_call(ch, &req, 8, ch, &rep, 8)));
	EXPECT_EQ(0, ch_info(ch).sends);
	EXPECT_EQ(0, c.flags);
}

TEST(each_channel_has_to_grant_its_direction)
{
	struct pair p = ready_pair();
	uint64_t req = 5, rep;
	struct chan_call c = call64(must(ch_dup(p.req, O_RDONLY)), &req, p.rep, &rep);

	EXPECT_EQ(-EBADF, ctl_call(&c));
	c.out = p.req;
	c.in = must(ch_dup(p.rep, O_WRONLY));
	EXPECT_EQ(-EBADF, ctl_call(&c));
	EXPECT_EQ(0, c.flags);
	EXPECT_UNTOUCHED(p);
	c.out = must(ch_dup(p.req, O_WRONLY));
	c.in = must(ch_dup(p.rep, O_RDONLY));
	EXPECT_EQ(9, ctl_call(&c));
}

TEST(what_is_no_channel_or_no_descriptor)
{
	struct pair p = ready_pair();
	uint64_t req = 5, rep;
	struct chan_call c = call64(p.req, &req, p.rep, &rep);
	int other[] = { open("/dev/null", O_RDWR), chanctl(), -1, 987654 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(other); i++) {
		c.out = other[i];
		EXPECT_EQ(i < 2 ? -ENOTTY : -EBADF, ctl_call(&c));
		c.out = p.req;
		c.in = other[i];
		EXPECT_EQ(i < 2 ? -ENOTTY : -EBADF, ctl_call(&c));
		c.in = p.rep;
		EXPECT_EQ(0, c.flags);
	}
	EXPECT_UNTOUCHED(p);
}

/* The request goes to the channel whose descriptor takes the command, if that is asked for. */
TEST(a_call_may_go_where_it_is_made)
{
	struct pair p = ready_pair();
	uint64_t req = 5, rep;
	struct chan_call c = call64(CHAN_CALL_HERE, &req, p.rep, &rep);

	c.size = sizeof(c);
	EXPECT_EQ(9, xioctl(p.req, CHAN_IOC_CALL, &c));
	EXPECT_EQ(7, rep);
	EXPECT_EQ(1, ch_info(p.req).sends);
	must(send64(p.rep, 7));

	/* One that is no channel cannot be meant, nor one that may not send, nor @in. */
	EXPECT_EQ(-ENOTTY, ctl_call(&c));
	EXPECT_EQ(-EBADF, xioctl(must(ch_dup(p.req, O_RDONLY)), CHAN_IOC_CALL, &c));
	EXPECT_EQ(-EINVAL, xioctl(p.rep, CHAN_IOC_CALL, &c));
	c.out = -1;
	EXPECT_EQ(-EBADF, xioctl(p.req, CHAN_IOC_CALL, &c));
	EXPECT_EQ(1, ch_info(p.req).sends);
	EXPECT_EQ(1, ch_len(p.rep));
}

TEST(bad_pointers_send_nothing)
{
	struct pair p = ready_pair();
	void *none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *constant = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *bad[] = { NULL, bad_pointer(8), bad_pointer(0xffff888000001000UL), none, constant };
	uint64_t req = 5, rep;
	struct chan_call c = call64(p.req, &req, p.rep, &rep);
	unsigned int i;

	/* What cannot be read as a request, nor as the arguments. */
	for (i = 0; i < ARRAY_SIZE(bad) - 1; i++) {
		c.req = (uintptr_t)bad[i];
		EXPECT_EQ(-EFAULT, ctl_call(&c));
		EXPECT_EQ(-EFAULT, ctl_ioctl(CHAN_IOC_CALL, bad[i]));
	}
	c.req = (uintptr_t)&req;
	/* What cannot be written; there is a meaning to NULL. */
	for (i = 1; i < ARRAY_SIZE(bad); i++) {
		c.rep = (uintptr_t)bad[i];
		EXPECT_EQ(-EFAULT, ctl_call(&c));
	}
	EXPECT_EQ(0, c.flags);
	EXPECT_UNTOUCHED(p);
}

/* It could not be told that the request is sent. */
TEST(a_struct_that_cannot_be_written_sends_nothing)
{
	struct chan_call *c = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct pair p = ready_pair();
	uint64_t req = 5, rep;

	*c = call64(p.req, &req, p.rep, &rep);
	c->size = sizeof(*c);
	must(mprotect(c, 4096, PROT_READ));
	EXPECT_EQ(-EFAULT, ctl_ioctl(CHAN_IOC_CALL, c));
	EXPECT_UNTOUCHED(p);
}

TEST(bad_pointers_send_nothing_of_a_large_element)
{
	static unsigned char b[8192];
	char *edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct pair p = new_pair(4096, 1);
	struct chan_call c = call64(p.req, (void *)b, p.rep, (void *)(edge + 2048));
	struct task t;

	must(mprotect(edge + 4096, 4096, PROT_NONE));
	must(ch_send(p.rep, b, 4096));
	c.req_size = 4096;
	c.rep_size = 4096;
	EXPECT_EQ(-EFAULT, ctl_call(&c));
	c.rep = (uintptr_t)b;
	c.req = (uintptr_t)(edge + 2048);
	EXPECT_EQ(-EFAULT, ctl_call(&c));
	EXPECT_EQ(0, c.flags);
	EXPECT_UNTOUCHED(p);
	/* Nor if somebody waits for it. */
	t = (struct task){ .fd = p.req, .buf = b + 4096, .size = 4096 };
	park_receiver(&t, task_do_recv);
	EXPECT_EQ(-EFAULT, ctl_call(&c));
	EXPECT_EQ(1, ch_info(p.req).recvq);
	must(ch_close(p.req));
	EXPECT_EQ(0, task_join(&t));
}

TEST(unknown_flags_are_refused)
{
	struct pair p = ready_pair();
	uint64_t req = 5, rep;
	struct chan_call c = call64(p.req, &req, p.rep, &rep);
	int bit;

	for (bit = 1; bit < 32; bit++) {
		c.flags = 1U << bit;
		EXPECT_EQ(-EINVAL, ctl_call(&c));
		EXPECT_EQ(1U << bit, c.flags);
		c.flags |= CHAN_CALL_SENT;
		EXPECT_EQ(-EINVAL, ctl_call(&c));
	}
	EXPECT_UNTOUCHED(p);
}

TEST(the_struct_may_be_longer_with_zeroes)
{
	struct pair p = ready_pair();
	uint64_t req = 5, rep;
	struct {
		struct chan_call c;
		uint64_t more;
	} long_call = { .c = call64(p.req, &req, p.rep, &rep), .more = 1 };
	uint32_t bad[] = { 0, 4, 7 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		long_call.c.size = bad[i];
		EXPECT_EQ(-EINVAL, ctl_ioctl(CHAN_IOC_CALL, &long_call));
	}
	long_call.c.size = sizeof(long_call);
	EXPECT_EQ(-E2BIG, ctl_ioctl(CHAN_IOC_CALL, &long_call));
	long_call.c.size = 4097;
	EXPECT_EQ(-E2BIG, ctl_ioctl(CHAN_IOC_CALL, &long_call));
	EXPECT_UNTOUCHED(p);
	long_call.c.size = sizeof(long_call);
	long_call.more = 0;
	EXPECT_EQ(9, ctl_ioctl(CHAN_IOC_CALL, &long_call));
}

TEST(the_module_says_that_it_has_calls)
{
	EXPECT_TRUE(ch_query(chanctl()).features & CHAN_FEATURE_CALL);
}

/* ---- closed and removed channels ---- */

TEST(a_closed_channel_of_requests_fails_the_call)
{
	struct pair p = ready_pair();
	uint64_t req = 5, rep;
	struct chan_call c = call64(p.req, &req, p.rep, &rep);

	must(ch_close(p.req));
	EXPECT_EQ(-EPIPE, ctl_call(&c));
	EXPECT_EQ(0, c.flags);
	EXPECT_UNTOUCHED(p);
}

TEST(closed_while_the_request_waits_the_call_fails)
{
	struct pair p = new_pair(8, 0);
	uint64_t req = 5, rep;
	struct chan_call c = call64(p.req, &req, p.rep, &rep);
	struct task t = { .fd = p.req, .buf = &c };

	park_sender(&t, do_call);
	must(ch_close(p.req));
	EXPECT_EQ(-EPIPE, task_join(&t));
	EXPECT_EQ(0, c.flags);
	EXPECT_EQ(0, ch_info(p.rep).recv_parks);
}

TEST(a_closed_channel_of_replies_gives_0_and_zeroes)
{
	struct pair p = new_pair(8, 1);
	uint64_t req = 5, rep = 6;
	struct chan_call c = call64(p.req, &req, p.rep, &rep);

	must(ch_close(p.rep));
	EXPECT_EQ(0, ctl_call(&c));
	EXPECT_EQ(0, rep);
	EXPECT_EQ(5, recv64(p.req));
	rep = 6;
	EXPECT_EQ(0, kchan_call(p.req, &req, 8, p.rep, &rep, 8));
	EXPECT_EQ(0, rep);
}

TEST(closed_between_the_halves_gives_0_and_zeroes)
{
	struct pair p = new_pair(8, 0);
	uint64_t req = 5, rep = 6;
	struct chan_call c = call64(p.req, &req, p.rep, &rep);
	struct task t, server;

	park_recv64(&server, p.req);
	park_caller(&t, &c);
	must(ch_close(p.rep));
	EXPECT_EQ(0, task_join(&t));
	EXPECT_EQ(0, rep);
	EXPECT_EQ(9, task_join(&server));
}

TEST(removed_channels_end_a_call_with_eidrm)
{
	int req = must(ch_make_named("call_test.req", 8, 1, 0, 0600));
	int rep = must(ch_make_named("call_test.rep", 8, 1, 0, 0600));
	uint64_t v = 5, w;
	struct chan_call c = call64(req, &v, rep, &w);
	struct task t;

	park_caller(&t, &c);
	must(ch_remove("call_test.rep"));
	EXPECT_EQ(-EIDRM, task_join(&t));
	EXPECT_EQ(CHAN_CALL_SENT, c.flags);
	EXPECT_EQ(5, recv64(req));
	must(ch_remove("call_test.req"));
	c.flags = 0;
	EXPECT_EQ(-EIDRM, ctl_call(&c));
	EXPECT_EQ(0, c.flags);
}

/* ---- deadlines ---- */

TEST(a_deadline_before_the_request_is_taken_sends_nothing)
{
	struct pair p = new_pair(8, 0);
	uint64_t req = 5, rep, when[] = { 0, 1, now_ns() + 20 * MS };
	struct chan_call c = call64(p.req, &req, p.rep, &rep);
	struct timespec until;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(when); i++) {
		c.deadline = when[i];
		EXPECT_EQ(-ETIMEDOUT, ctl_call(&c));
		EXPECT_LE(when[i], now_ns());
		EXPECT_EQ(0, c.flags);
	}
	until = in_ns(20 * MS);
	EXPECT_EQ(ETIMEDOUT, fails_with(kchan_call_until(p.req, &req, 8, p.rep, &rep, 8, &until)));
	EXPECT_EQ(0, ch_info(p.req).sends + ch_info(p.req).sendq);
	EXPECT_EQ(0, ch_info(p.rep).recv_parks);
}

TEST(a_deadline_between_the_halves_says_sent_and_the_call_resumes)
{
	struct pair p = new_pair(8, 1);
	uint64_t req = 5, rep, when[] = { 0, 1, now_ns() + 20 * MS };
	struct chan_call c = call64(p.req, &req, p.rep, &rep);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(when); i++) {
		c.deadline = when[i];
		poison(&rep, 8);
		EXPECT_EQ(-ETIMEDOUT, ctl_call(&c));
		EXPECT_LE(when[i], now_ns());
		EXPECT_EQ(CHAN_CALL_SENT, c.flags);
		EXPECT_TRUE(all_bytes(&rep, 8, POISON));
		EXPECT_EQ(-ETIMEDOUT, ctl_call(&c));
		EXPECT_EQ(1, ch_len(p.req));
		EXPECT_EQ(5, recv64(p.req));
		must(send64(p.rep, i));
		EXPECT_EQ(9, ctl_call(&c));
		EXPECT_EQ(i, rep);
		/* The next call is a new one. */
		EXPECT_EQ(0, c.flags);
	}
	EXPECT_EQ(3, ch_info(p.req).sends);
	EXPECT_EQ(0, ch_info(p.rep).recvq);
}

/* A deadline that has passed means to try once, in both halves. */
TEST(a_past_deadline_is_enough_for_who_is_ready)
{
	struct pair p = ready_pair();
	uint64_t req = 5, rep;
	struct chan_call c = call64(p.req, &req, p.rep, &rep);
	struct timespec past = {}, odd = { 1, 1000000000 };

	c.deadline = 0;
	EXPECT_EQ(9, ctl_call(&c));
	EXPECT_EQ(7, rep);
	EXPECT_EQ(5, recv64(p.req));
	must(send64(p.rep, 8));
	EXPECT_EQ(1, kchan_call_until(p.req, &req, 8, p.rep, &rep, 8, &past));
	EXPECT_EQ(8, rep);
	EXPECT_EQ(EINVAL, fails_with(kchan_call_until(p.req, &req, 8, p.rep, &rep, 8, &odd)));
	EXPECT_EQ(2, ch_info(p.req).sends);
}

TEST(a_server_that_is_parked_gets_the_request_of_a_past_deadline)
{
	struct pair p = new_pair(8, 0);
	uint64_t req = 5, rep;
	struct chan_call c = call64(p.req, &req, p.rep, &rep);
	struct task server;

	park_recv64(&server, p.req);
	c.deadline = 0;
	EXPECT_EQ(-ETIMEDOUT, ctl_call(&c));
	EXPECT_EQ(CHAN_CALL_SENT, c.flags);
	EXPECT_EQ(9, task_join(&server));
	EXPECT_EQ(5, server.value);
	EXPECT_EQ(-EAGAIN, try_send64(p.rep, 6));
}

/* ---- what a round trip costs ---- */

/* Replies at once or not at all. */
static long reply_at_once(struct task *t)
{
	struct pair *p = t->buf;
	uint64_t v;

	pin_to(t->size);
	while ((v = recv64(p->req)) != UINT64_MAX)
		if (try_send64(p->rep, ANSWER(v)))
			return -1 - (long)v;
	return 0;
}

static void check_hasty_server(struct __test_metadata *_metadata, int cpu)
{
	struct pair p = new_pair(8, 0);
	struct task t = { .fd = p.req, .buf = &p, .size = cpu };
	uint64_t rounds = scaled(10000), req, rep;

	task_start(&t, reply_at_once);
	pin_to(0);
	for (req = 0; req < rounds; req++) {
		wait_parked(p.req, 1, 0);
		ASSERT_EQ(1, kchan_call(p.req, &req, 8, p.rep, &rep, 8));
		ASSERT_EQ(ANSWER(req), rep);
	}
	EXPECT_EQ(0, end_server(&t));
	EXPECT_EQ(rounds, ch_info(p.rep).handoffs);
}

/* Whoever gets the request finds a receiver for the reply. */
TEST(the_caller_is_queued_for_the_reply_before_the_server_runs)
{
	check_hasty_server(_metadata, 0);
}

TEST(the_caller_is_queued_for_the_reply_before_a_server_elsewhere_runs)
{
	check_hasty_server(_metadata, 1);
}

/* A call on either side: the server's sends the reply and receives the next request. */
static long serve_by_calls(struct task *t)
{
	struct pair *p = t->buf;
	uint64_t v, w;
	long n;

	pin_to(0);
	v = recv64(p->req);
	for (n = 0; v != UINT64_MAX; n++) {
		w = ANSWER(v);
		if (kchan_call(p->rep, &w, 8, p->req, &v, 8) != 1)
			break;
	}
	return n + 1;
}

static long switches_of(pid_t tid)
{
	char path[64], text[4096];
	long voluntary, involuntary;
	char *p;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	must(read_text(path, text, sizeof(text)));
	p = strstr(text, "\nvoluntary_ctxt_switches:");
	if (!p || sscanf(p, " voluntary_ctxt_switches: %ld nonvoluntary_ctxt_switches: %ld",
			 &voluntary, &involuntary) != 2)
		die("no counts of switches");
	/* A task that gives way before it parks counts as one that was preempted. */
	return voluntary + involuntary;
}

TEST(a_round_trip_of_two_callers_costs_two_switches)
{
	enum { N = 5000 };
	struct pair p = new_pair(8, 0);
	struct task t = { .fd = p.req, .buf = &p };
	uint64_t req, rep, begin;
	long switches, ticks;
	pid_t me;

	me = syscall(SYS_gettid);
	park_receiver(&t, serve_by_calls);
	pin_to(0);
	req = 0;
	ASSERT_EQ(1, kchan_call(p.req, &req, 8, p.rep, &rep, 8));
	switches = switches_of(me) + switches_of(task_tid(&t));
	begin = now_ns();
	for (req = 0; req < N; req++) {
		ASSERT_EQ(1, kchan_call(p.req, &req, 8, p.rep, &rep, 8));
		ASSERT_EQ(ANSWER(req), rep);
	}
	switches = switches_of(me) + switches_of(task_tid(&t)) - switches;
	ticks = (now_ns() - begin) / (4 * MS);
	TH_LOG("%ld switches in %d round trips, %ld ticks", switches, N, ticks);
	EXPECT_LE(2 * N, switches + 2);
	/* Ticks and other tasks take their share. */
	EXPECT_GE(2 * N + N / 5 + ticks, switches);
	EXPECT_EQ(N + 1, end_server(&t));
}

/* ---- signals ---- */

TEST(a_signal_before_the_request_is_taken_sends_nothing)
{
	struct pair p = new_pair(8, 0);
	uint64_t req = 5, rep;
	struct chan_call c = call64(p.req, &req, p.rep, &rep);
	struct task t = { .fd = p.req, .buf = &c };

	catch(SIGUSR1, 0);
	park_sender(&t, do_call);
	pthread_kill(t.thread, SIGUSR1);
	EXPECT_EQ(-EINTR, task_join(&t));
	EXPECT_EQ(0, c.flags);
	EXPECT_EQ(0, ch_info(p.req).sends + ch_info(p.req).sendq);
}

static long call_till_done(struct task *t)
{
	long ret;

	while ((ret = do_call(t)) == -EINTR)
		t->value++;
	return ret;
}

/* With the flag that the kernel set, another try only receives. */
TEST(a_signal_between_the_halves_does_not_send_again)
{
	struct pair p = new_pair(8, 1);
	uint64_t req = 5, rep, parks;
	struct chan_call c = call64(p.req, &req, p.rep, &rep);
	struct task t = { .fd = p.rep, .buf = &c };
	int i;

	catch(SIGUSR1, 0);
	park_receiver(&t, call_till_done);
	for (i = 0; i < 5; i++) {
		parks = ch_info(p.rep).recv_parks;
		pthread_kill(t.thread, SIGUSR1);
		EXPECT_TRUE(eventually(ch_info(p.rep).recv_parks > parks));
		wait_parked(p.rep, 1, 0);
	}
	EXPECT_EQ(5, handled);
	EXPECT_EQ(CHAN_CALL_SENT, c.flags);
	must(send64(p.rep, 6));
	EXPECT_EQ(9, task_join(&t));
	EXPECT_EQ(6, rep);
	EXPECT_EQ(0, c.flags);
	EXPECT_EQ(1, ch_info(p.req).sends);
}

TEST(with_sa_restart_a_call_goes_on_with_its_second_half)
{
	struct pair p = new_pair(8, 1);
	uint64_t req = 5, rep;
	struct chan_call c = call64(p.req, &req, p.rep, &rep);
	struct task t = { .fd = p.rep, .buf = &c };

	catch(SIGUSR1, SA_RESTART);
	park_receiver(&t, call_till_done);
	pthread_kill(t.thread, SIGUSR1);
	EXPECT_TRUE(eventually(ch_info(p.rep).recv_parks == 2));
	wait_parked(p.rep, 1, 0);
	must(send64(p.rep, 6));
	EXPECT_EQ(9, task_join(&t));
	EXPECT_EQ(0, t.value);
	EXPECT_EQ(0, c.flags);
	EXPECT_EQ(1, ch_info(p.req).sends);
}

static long library_call(struct task *t)
{
	struct pair *p = t->buf;

	return kchan_call(p->req, &t->deadline, 8, p->rep, &t->value, 8) == 1 ? 0 : -errno;
}

TEST(a_library_call_is_not_ended_by_a_signal_between_the_halves)
{
	struct pair p = new_pair(8, 1);
	struct task t = { .fd = p.rep, .buf = &p, .deadline = 5 };

	catch(SIGUSR1, 0);
	park_receiver(&t, library_call);
	pthread_kill(t.thread, SIGUSR1);
	EXPECT_TRUE(eventually(ch_info(p.rep).recv_parks == 2));
	wait_parked(p.rep, 1, 0);
	must(send64(p.rep, 6));
	EXPECT_EQ(0, task_join(&t));
	EXPECT_EQ(6, t.value);
	EXPECT_EQ(5, recv64(p.req));
	EXPECT_EQ(1, ch_info(p.req).sends);
}

static uint64_t storm_calls(void)
{
	return scaled(3000);
}

/* One call, however often it is interrupted: with the command, or by the library. */
static long call_in_a_storm(const struct pair *p, uint64_t req, uint64_t *rep)
{
	struct chan_call c = call64(p->req, &req, p->rep, rep);
	long ret;

	if (req % 2) {
		while ((ret = kchan_call(p->req, &req, 8, p->rep, rep, 8)) < 0 && errno == EINTR)
			;
		return ret;
	}
	while ((ret = call_as(p->req, &c)) == -EINTR)
		;
	return ret == 9 ? 1 : ret;
}

static int storm_client(const struct pair *p, int flags)
{
	uint64_t least = storm_calls(), req, rep;
	long ret;

	start_storm(flags, 700);
	for (req = 0; req < least || !handled; req++) {
		ret = call_in_a_storm(p, req, &rep);
		if (ret != 1 || rep != ANSWER(req))
			die("call %llu: %ld, %llu", (unsigned long long)req, ret,
			    (unsigned long long)rep);
	}
	return 0;
}

/* Every request exactly once, in order. */
static int storm_server(const struct pair *p, int flags)
{
	uint64_t v, next = 0;

	start_storm(flags, 1100);
	for (;;) {
		v = recv64(p->req);
		if (v == UINT64_MAX && errno == EINTR)
			continue;
		if (v == UINT64_MAX)
			return next == ch_info(p->req).sends ? 0 : 3;
		if (v != next++)
			die("request %llu after %llu", (unsigned long long)v,
			    (unsigned long long)next - 2);
		while (send64(p->rep, ANSWER(v)))
			if (errno != EINTR)
				die("reply: %m");
	}
}

FIXTURE(storm)
{
	struct pair p;
};

FIXTURE_VARIANT(storm)
{
	uint64_t cap;
	int flags;
};

FIXTURE_VARIANT_ADD(storm, unbuffered) { .cap = 0, .flags = 0 };
FIXTURE_VARIANT_ADD(storm, unbuffered_restart) { .cap = 0, .flags = SA_RESTART };
FIXTURE_VARIANT_ADD(storm, buffered) { .cap = 2, .flags = 0 };
FIXTURE_VARIANT_ADD(storm, buffered_restart) { .cap = 2, .flags = SA_RESTART };

FIXTURE_SETUP(storm)
{
	self->p = new_pair(8, variant->cap);
}

FIXTURE_TEARDOWN(storm)
{
	close(self->p.req);
	close(self->p.rep);
}

TEST_F(storm, every_request_arrives_once_and_has_its_reply)
{
	struct pair *p = &self->p;
	pid_t server, client;

	server = child_fork();
	if (!server)
		_exit(storm_server(p, variant->flags));
	client = child_fork();
	if (!client)
		_exit(storm_client(p, variant->flags));
	EXPECT_EQ(0, child_wait(client));
	must(ch_close(p->req));
	EXPECT_EQ(0, child_wait(server));
	EXPECT_LE(storm_calls(), ch_info(p->req).sends);
	EXPECT_EQ(ch_info(p->req).sends, ch_info(p->rep).receives);
	TH_LOG("%llu parks were ended by signals",
	       (unsigned long long)(ch_info(p->req).aborts + ch_info(p->rep).aborts));
}

/* ---- killed callers ---- */

static int call_once(void *arg)
{
	struct client *k = arg;
	uint64_t rep;

	return kchan_call(k->req, &k->id, 8, k->rep, &rep, 8) == 1 && rep == ANSWER(k->id) ? 0 : 1;
}

TEST(a_caller_killed_between_the_halves_hurts_nobody)
{
	struct client k = { .req = ch_make(8, 3, 0), .rep = ch_make(8, 0, 0) };
	pid_t pid[3];
	int i;

	for (i = 0; i < 3; i++) {
		k.id = i;
		pid[i] = child_start(call_once, &k);
		wait_parked(k.rep, i + 1, 0);
	}
	EXPECT_EQ(0, recv64(k.req));
	EXPECT_EQ(128 + SIGKILL, child_kill(pid[0]));
	wait_parked(k.rep, 2, 0);
	for (i = 1; i < 3; i++) {
		EXPECT_EQ(i, recv64(k.req));
		EXPECT_EQ(0, try_send64(k.rep, ANSWER(i)));
		EXPECT_EQ(0, child_wait(pid[i]));
	}
	EXPECT_EQ(-EAGAIN, try_send64(k.rep, 1));
	EXPECT_EQ(0, ch_info(k.rep).lost);
}

TEST(a_caller_killed_before_its_request_is_taken_has_sent_nothing)
{
	struct client k = { .req = ch_make(8, 0, 0), .rep = ch_make(8, 0, 0), .id = 5 };
	pid_t pid = child_start(call_once, &k);

	wait_parked(k.req, 0, 1);
	EXPECT_EQ(128 + SIGKILL, child_kill(pid));
	wait_parked(k.req, 0, 0);
	EXPECT_EQ(UINT64_MAX, try_recv64(k.req));
	EXPECT_EQ(0, ch_info(k.req).sends);
	EXPECT_EQ(0, ch_info(k.rep).recv_parks);
}

static int call_till_killed(void *arg)
{
	struct client *k = arg;
	uint64_t i, req, rep;

	for (i = 0;; i++) {
		req = k->id << 32 | i;
		must(kchan_call(k->req, &req, 8, k->rep, &rep, 8));
	}
	return 0;
}

/* The first client lives for ever.  Who else does not take the reply soon is gone. */
static long serve_mortals(struct task *t)
{
	struct client *k = t->buf;
	uint64_t v, reply, who;

	while ((v = recv64(k->req)) != UINT64_MAX) {
		reply = ANSWER(v);
		who = v >> 32;
		ch_send_until(k[who].rep, &reply, 8, who ? now_ns() + 5 * MS : CHAN_FOREVER);
	}
	return errno;
}

/* The first client is served while the others die and come again. */
TEST(callers_killed_at_any_time_hurt_nobody)
{
	struct client k[4];
	int req = ch_make(8, 0, 0), kills = scaled(100), i;
	struct task server, steady;
	pid_t pid[4];

	for (i = 0; i < 4; i++)
		k[i] = (struct client){ .req = req, .rep = ch_make(8, 0, 0), .id = i };
	server = (struct task){ .buf = k };
	task_start(&server, serve_mortals);
	for (i = 1; i < 4; i++)
		pid[i] = child_start(call_till_killed, &k[i]);
	steady = (struct task){ .buf = &k[0] };
	task_start(&steady, call_often);
	for (i = 0; i < kills || !task_done(&steady); i++) {
		usleep(i % 7 * 1000);
		ASSERT_EQ(128 + SIGKILL, child_kill(pid[1 + i % 3]));
		pid[1 + i % 3] = child_start(call_till_killed, &k[1 + i % 3]);
	}
	for (i = 1; i < 4; i++)
		ASSERT_EQ(128 + SIGKILL, child_kill(pid[i]));
	EXPECT_EQ(0, task_join(&steady));
	EXPECT_EQ(0, ch_info(req).sendq);
	for (i = 0; i < 4; i++)
		EXPECT_EQ(0, ch_info(k[i].rep).recvq);
	EXPECT_EQ(0, ch_close(req));
	EXPECT_EQ(0, task_join(&server));
}

TEST_HARNESS_MAIN
