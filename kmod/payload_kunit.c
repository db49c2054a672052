// SPDX-License-Identifier: GPL-2.0-only
/*
 * White-box tests of the buffers of long elements: what is kept, for what, and how much.
 */
#include <linux/cred.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>

#include "count.h"
#include "kunit.h"
#include "limits.h"
#include "payload.h"

static struct chan_payload *buffer_new(struct kunit *test, struct chan_user *user, size_t len)
{
	struct chan_payload *p = chan_payload_new(user, len);

	KUNIT_ASSERT_FALSE(test, IS_ERR(p));
	KUNIT_EXPECT_PTR_EQ(test, p->user, user);
	KUNIT_EXPECT_GE(test, p->charge, sizeof(*p) + len);
	memset(p->bytes, 0xaa, len);
	return p;
}

/* A user whom nobody else refers to. */
static struct chan_user *user_new(struct kunit *test)
{
	struct chan_user *user = chan_user_current(NULL);

	KUNIT_ASSERT_NOT_NULL(test, user);
	KUNIT_ASSERT_EQ(test, user->spares.bytes, 0);
	return user;
}

static void a_buffer_is_used_again(struct kunit *test)
{
	struct chan_user *user = user_new(test);
	struct chan_payload *p = buffer_new(test, user, 5000);
	u64 allocated = chan_counted(CHAN_BUFFERS);

	chan_payload_free(p);
	KUNIT_EXPECT_PTR_EQ(test, buffer_new(test, user, 5000), p);
	KUNIT_EXPECT_EQ(test, chan_counted(CHAN_BUFFERS), allocated);
	KUNIT_EXPECT_EQ(test, user->spares.bytes, 0);
	chan_payload_free(p);
	chan_user_put(user);
}

static void what_is_kept_is_not_what_the_user_has_in_use(struct kunit *test)
{
	struct chan_user *user = user_new(test);
	long before = atomic_long_read(&user->bytes);
	struct chan_payload *p = buffer_new(test, user, 5000);
	long charged = atomic_long_read(&user->bytes) - before;

	KUNIT_EXPECT_EQ(test, charged, p->charge);
	chan_payload_free(p);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&user->bytes), before);
	KUNIT_EXPECT_EQ(test, user->spares.bytes, charged);
	p = buffer_new(test, user, 4000);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&user->bytes), before + charged);
	chan_payload_free(p);
	chan_user_put(user);
}

static void neither_too_short_nor_much_too_long_ones_are_used(struct kunit *test)
{
	struct chan_user *user = user_new(test);
	struct chan_payload *kept = buffer_new(test, user, 5000), *shorter, *longer;

	chan_payload_free(kept);
	shorter = buffer_new(test, user, 2000);
	longer = buffer_new(test, user, 5001);
	KUNIT_EXPECT_PTR_NE(test, shorter, kept);
	KUNIT_EXPECT_PTR_NE(test, longer, kept);
	KUNIT_EXPECT_EQ(test, user->spares.bytes, kept->charge);
	chan_payload_free(shorter);
	chan_payload_free(longer);
	chan_user_put(user);
}

static void no_more_is_kept_than_the_limit_and_the_oldest_go(struct kunit *test)
{
	enum { N = 12 };
	size_t len = CHAN_SPARE_BYTES / 8;
	struct chan_user *user = user_new(test);
	struct chan_payload *p[N];
	int i;

	for (i = 0; i < N; i++)
		p[i] = buffer_new(test, user, len);
	for (i = 0; i < N; i++) {
		chan_payload_free(p[i]);
		KUNIT_EXPECT_LE(test, user->spares.bytes, CHAN_SPARE_BYTES);
	}
	/* Each is a little longer than an eighth, so seven are left. */
	for (i = N - 1; i >= N - 7; i--)
		KUNIT_EXPECT_PTR_EQ(test, buffer_new(test, user, len), p[i]);
	KUNIT_EXPECT_EQ(test, user->spares.bytes, 0);
	for (i = N - 1; i >= N - 7; i--)
		chan_payload_free(p[i]);
	chan_user_put(user);
}

static void of_short_ones_no_more_than_so_many_are_kept(struct kunit *test)
{
	struct chan_user *user = user_new(test);
	struct chan_payload *first = buffer_new(test, user, 129), *p = first, *all = NULL;
	int i;

	for (i = 0; i < CHAN_SPARES + 10; i++) {
		p = buffer_new(test, user, 129);
		memcpy(p->bytes, &all, sizeof(all));
		all = p;
	}
	chan_payload_free(first);
	while (all) {
		p = all;
		memcpy(&all, p->bytes, sizeof(all));
		chan_payload_free(p);
	}
	KUNIT_EXPECT_EQ(test, user->spares.n, CHAN_SPARES);
	KUNIT_EXPECT_EQ(test, user->spares.bytes, CHAN_SPARES * p->charge);
	chan_user_put(user);
}

static void one_that_exceeds_the_limit_leaves_the_others_alone(struct kunit *test)
{
	struct chan_user *user = user_new(test);
	struct chan_payload *large = buffer_new(test, user, CHAN_SPARE_BYTES);
	struct chan_payload *small = buffer_new(test, user, 1000);

	chan_payload_free(small);
	chan_payload_free(large);
	KUNIT_EXPECT_EQ(test, user->spares.bytes, small->charge);
	chan_user_put(user);
}

/* The current task is somebody else, who may not exist, until credentials are reverted. */
static const struct cred *become(struct kunit *test, uid_t uid)
{
	struct cred *cred = prepare_creds();

	KUNIT_ASSERT_NOT_NULL(test, cred);
	cred->uid = KUIDT_INIT(uid);
	return override_creds(cred);
}

static void revert(const struct cred *own)
{
	const struct cred *cred = current_cred();

	revert_creds(own);
	put_cred(cred);
}

static void what_one_user_had_no_other_gets(struct kunit *test)
{
	struct chan_user *user = user_new(test), *other;
	struct chan_payload *p = buffer_new(test, user, 5000), *guessed;
	const struct cred *own;

	chan_payload_free(p);
	own = become(test, 4711);
	other = user_new(test);
	/* A channel that the one has used last guesses so. */
	guessed = chan_payload_new(user, 5000);
	revert(own);
	KUNIT_ASSERT_FALSE(test, IS_ERR(guessed));
	KUNIT_EXPECT_PTR_NE(test, user, other);
	KUNIT_EXPECT_PTR_EQ(test, guessed->user, other);
	KUNIT_EXPECT_PTR_NE(test, guessed, p);
	chan_payload_free(guessed);
	KUNIT_EXPECT_EQ(test, user->spares.n, 1);
	KUNIT_EXPECT_EQ(test, other->spares.n, 1);
	chan_user_put(user);
	chan_user_put(other);
}

static void what_is_kept_goes_after_a_rest(struct kunit *test)
{
	struct chan_user *user = user_new(test);
	struct chan_payload *p = buffer_new(test, user, 5000);
	unsigned long start = jiffies;

	chan_payload_free(p);
	KUNIT_EXPECT_EQ(test, READ_ONCE(user->spares.n), 1);
	while (READ_ONCE(user->spares.n) && time_before(jiffies, start + 60 * HZ))
		msleep(20);
	KUNIT_EXPECT_EQ(test, user->spares.n, 0);
	KUNIT_EXPECT_EQ(test, user->spares.bytes, 0);
	/* Not what has just been used. */
	KUNIT_EXPECT_TRUE(test, time_after_eq(jiffies, start + HZ));
	chan_user_put(user);
}

static void what_is_kept_goes_with_its_user(struct kunit *test)
{
	struct chan_user *user = user_new(test);

	chan_payload_free(buffer_new(test, user, 1000));
	chan_user_put(user);
	/* The same user, and nothing is left. */
	user = user_new(test);
	chan_user_put(user);
}

static struct kunit_case payload_cases[] = {
	KUNIT_CASE(a_buffer_is_used_again),
	KUNIT_CASE(what_is_kept_is_not_what_the_user_has_in_use),
	KUNIT_CASE(neither_too_short_nor_much_too_long_ones_are_used),
	KUNIT_CASE(no_more_is_kept_than_the_limit_and_the_oldest_go),
	KUNIT_CASE(of_short_ones_no_more_than_so_many_are_kept),
	KUNIT_CASE(one_that_exceeds_the_limit_leaves_the_others_alone),
	KUNIT_CASE(what_one_user_had_no_other_gets),
	KUNIT_CASE(what_is_kept_goes_after_a_rest),
	KUNIT_CASE(what_is_kept_goes_with_its_user),
	{}
};

static struct kunit_suite payload_suite = {
	.name = "chan_payload",
	.test_cases = payload_cases,
};

kunit_test_suite(payload_suite);
