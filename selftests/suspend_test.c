// SPDX-License-Identifier: GPL-2.0-only
/* A suspend freezes parked tasks and lets them go on as if nothing had been. */
#include "chan_test.h"

#define PM_TEST		"/sys/power/pm_test"

/* The kernel's own test: freeze every task, wait a little, thaw, and go no further. */
static bool freeze_and_thaw(void)
{
	bool ok;

	if (write_text(PM_TEST, "freezer") < 0)
		return false;
	write_text("/sys/module/suspend/parameters/pm_test_delay", "1");
	ok = write_text("/sys/power/state", "freeze") > 0;
	write_text(PM_TEST, "none");
	return ok;
}

static long read_a_byte(struct task *t)
{
	char c = 0;

	return read(t->fd, &c, 1) == 1 ? c : -errno;
}

TEST(parked_calls_keep_their_place)
{
	int send_ch = ch_make(8, 0, 0), recv_ch = ch_make(8, 0, 0), i;
	struct task tx[3] = {}, rx[3] = {};

	if (!is_root() || access(PM_TEST, W_OK))
		SKIP(return, "no " PM_TEST " to write to");
	for (i = 0; i < 3; i++) {
		park_send64(&tx[i], send_ch, i);
		park_recv64(&rx[i], recv_ch);
	}
	ASSERT_TRUE(freeze_and_thaw());

	EXPECT_TRUE(are_parked(send_ch, 0, 3));
	EXPECT_TRUE(are_parked(recv_ch, 3, 0));
	EXPECT_EQ(0, ch_info(send_ch).aborts + ch_info(recv_ch).aborts);
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(i, recv64(send_ch));
		must(send64(recv_ch, 10 + i));
	}
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, task_join(&tx[i]));
		EXPECT_EQ(9, task_join(&rx[i]));
		EXPECT_EQ(10 + i, rx[i].value);
	}
}

/* It holds the rest of its description while it is parked. */
TEST(a_parked_byte_reader_goes_on_reading)
{
	int ch = ch_make(16, 0, CHAN_MESSAGE);
	struct task t = { .fd = ch };

	if (!is_root() || access(PM_TEST, W_OK))
		SKIP(return, "no " PM_TEST " to write to");
	task_start(&t, read_a_byte);
	wait_parked(ch, 1, 0);
	ASSERT_TRUE(freeze_and_thaw());
	EXPECT_TRUE(are_parked(ch, 1, 0));
	must(ch_send(ch, "xy", 2));
	EXPECT_EQ('x', task_join(&t));
}

TEST_HARNESS_MAIN
