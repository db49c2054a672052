// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a call does before it sleeps: it gives way to others on its processor, or spins while
 * its partner runs on another one.  Both are counted, and both can be turned off.
 */
#include "chan_test.h"

#define ROUNDS		2000

static unsigned long voluntary(void)
{
	struct rusage r;

	must(getrusage(RUSAGE_SELF, &r));
	return r.ru_nvcsw;
}

/* A server of round trips: receives on one channel, answers on the other, until it closes. */
struct server {
	pthread_t thread;
	int cpu;
	int req;
	int rep;
};

static void *serve(void *arg)
{
	struct server *s = arg;
	uint64_t v;

	pin_to(s->cpu);
	while (ch_recv(s->req, &v, 8) > 0)
		must(send64(s->rep, v + 1));
	return NULL;
}

FIXTURE(linger) {
	struct server s;
};

FIXTURE_SETUP(linger)
{
	if (access(PARAM_DIR "give_way", W_OK))
		SKIP(return, "parameters cannot be written: not root");
	set_param("give_way", 1);
	set_param("spin_max_us", 100);
	self->s.req = ch_make(8, 0, 0);
	self->s.rep = ch_make(8, 0, 0);
	pin_to(0);
}

FIXTURE_TEARDOWN(linger)
{
	set_param("give_way", 1);
	set_param("spin_max_us", 100);
}

static void start(struct server *s, int cpu)
{
	s->cpu = cpu;
	must(-pthread_create(&s->thread, NULL, serve, s));
}

static void round_trips(struct server *s, unsigned int n)
{
	uint64_t v = 0, w;

	while (n--) {
		must(send64(s->req, v));
		must(ch_recv(s->rep, &w, 8));
		if (w != ++v)
			die("%llu in place of %llu", (unsigned long long)w, (unsigned long long)v);
	}
}

static void stop(struct server *s)
{
	must(ch_close(s->req));
	must(-pthread_join(s->thread, NULL));
}

/* Who is served while it gives way has not slept, and its partner has nobody to wake. */
TEST_F(linger, on_one_processor_partners_give_way)
{
	unsigned long long tries = read_total("gave_way"), hits = read_total("gave_way_hits");

	start(&self->s, 0);
	round_trips(&self->s, ROUNDS);
	stop(&self->s);
	hits = read_total("gave_way_hits") - hits;
	/* How many is up to the scheduler, and to what else there is to do. */
	EXPECT_LT(0, hits);
	EXPECT_LE(hits, read_total("gave_way") - tries);
}

TEST_F(linger, who_may_not_give_way_sleeps)
{
	unsigned long long tries;
	unsigned long slept;

	set_param("give_way", 0);
	start(&self->s, 0);
	round_trips(&self->s, 10);
	tries = read_total("gave_way");
	slept = voluntary();
	round_trips(&self->s, ROUNDS);
	slept = voluntary() - slept;
	stop(&self->s);
	EXPECT_EQ(tries, read_total("gave_way"));
	EXPECT_LE(ROUNDS, slept);
}

/* To linger is no excuse for an entry that is not counted: each wait is a park. */
TEST_F(linger, who_gives_way_is_parked)
{
	unsigned long long parks;
	struct chan_info req, rep;

	start(&self->s, 0);
	round_trips(&self->s, ROUNDS);
	req = ch_info(self->s.req);
	rep = ch_info(self->s.rep);
	parks = req.recv_parks + req.send_parks + rep.recv_parks + rep.send_parks;
	EXPECT_EQ(ROUNDS, req.sends);
	EXPECT_EQ(ROUNDS, rep.receives);
	/* Each rendezvous has one who came first. */
	EXPECT_LE(2 * ROUNDS, parks);
	EXPECT_GE(2 * ROUNDS + 1, parks);
	EXPECT_EQ(ROUNDS, req.handoffs);
	stop(&self->s);
}

TEST_F(linger, a_real_time_task_does_not_give_way)
{
	struct sched_param high = { .sched_priority = 1 };
	unsigned long long tries;

	if (sched_setscheduler(0, SCHED_FIFO, &high))
		SKIP(return, "no real-time tasks here");
	/* The server inherits it. */
	start(&self->s, 0);
	tries = read_total("gave_way");
	round_trips(&self->s, ROUNDS / 10);
	EXPECT_EQ(tries, read_total("gave_way"));
	stop(&self->s);
}

/* With a bound that nothing exceeds, who has once been served by another processor spins. */
TEST_F(linger, on_two_processors_partners_spin)
{
	unsigned long long spins = read_total("spins"), hits = read_total("spin_hits");

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "one processor only");
	set_param("spin_max_us", 3000000);
	start(&self->s, 1);
	round_trips(&self->s, ROUNDS / 10);
	stop(&self->s);
	EXPECT_LT(0, read_total("spin_hits") - hits);
	EXPECT_LE(read_total("spin_hits") - hits, read_total("spins") - spins);
}

TEST_F(linger, with_a_bound_of_0_nobody_spins)
{
	unsigned long long spins;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "one processor only");
	set_param("spin_max_us", 0);
	spins = read_total("spins");
	start(&self->s, 1);
	round_trips(&self->s, ROUNDS / 10);
	stop(&self->s);
	EXPECT_EQ(spins, read_total("spins"));
}

/* Who spins for a partner that does not come is let go by a signal, a deadline, a close. */
TEST_F(linger, a_deadline_ends_a_wait_where_partners_used_to_be_quick)
{
	uint64_t v;
	int round;

	set_param("spin_max_us", 3000000);
	start(&self->s, 1 % sysconf(_SC_NPROCESSORS_ONLN));
	for (round = 0; round < 20; round++) {
		round_trips(&self->s, 20);
		EXPECT_EQ(-ETIMEDOUT, ch_recv_until(self->s.rep, &v, 8, now_ns() + MS));
	}
	stop(&self->s);
}

TEST_HARNESS_MAIN
