// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading and unloading.
 */
#include <linux/init.h>
#include <linux/module.h>

#include "chan.h"
#include "g.h"
#include "ioctl.h"
#include "metrics.h"
#include "node.h"
#include "wake.h"

static int __init chan_init(void)
{
	int ret;

	chan_wake_init();
	ret = chan_metrics_init();
	if (ret)
		return ret;
	ret = chan_object_init();
	if (ret)
		goto metrics_exit;
	ret = chan_g_init();
	if (ret)
		goto object_exit;
	ret = chan_deadlock_start();
	if (ret)
		goto g_exit;
	ret = chan_node_init();
	if (ret)
		goto deadlock_stop;
	ret = chan_control_init();
	if (ret)
		goto node_exit;
	/* What it cannot make is just not there. */
	chan_debugfs_init();
	return 0;

node_exit:
	chan_node_exit();
deadlock_stop:
	chan_deadlock_stop();
g_exit:
	chan_g_exit();
object_exit:
	chan_object_exit();
metrics_exit:
	chan_metrics_exit();
	return ret;
}

static void __exit chan_exit(void)
{
	chan_debugfs_exit();
	chan_control_exit();
	chan_node_exit();
	chan_deadlock_stop();
	chan_g_exit();
	chan_object_exit();
	chan_metrics_exit();
}

module_init(chan_init);
module_exit(chan_exit);

MODULE_DESCRIPTION("Go channels as descriptors and character devices");
MODULE_AUTHOR("The chan authors");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
