// SPDX-License-Identifier: GPL-2.0-only
/*
 * The directory in debugfs, and what its files share.
 */
#include <linux/debugfs.h>
#include <linux/math64.h>
#include <linux/seq_file.h>
#include <linux/string_helpers.h>

#include "debugfs.h"
#include "g.h"

static struct dentry *dir;

/* Go prints minutes, but most who wait for a channel do so for less. */
void chan_debugfs_show_seconds(struct seq_file *m, ktime_t since, ktime_t now)
{
	s64 ns = max_t(s64, now - since, 0);
	u32 rest;
	u64 s = div_u64_rem(ns, NSEC_PER_SEC, &rest);

	seq_printf(m, "%llu.%09us", s, rest);
}

/* A task chooses its name itself, and this goes to a terminal. */
void chan_debugfs_show_comm(struct seq_file *m, const char *comm)
{
	seq_escape_str(m, comm, ESCAPE_ANY | ESCAPE_NAP | ESCAPE_APPEND, "\\");
}

void chan_debugfs_init(void)
{
	dir = debugfs_create_dir("chan", NULL);
	debugfs_create_file("goroutines", 0400, dir, NULL, &chan_debugfs_goroutines);
	debugfs_create_file("channels", 0400, dir, NULL, &chan_debugfs_channels);
}

void chan_debugfs_exit(void)
{
	debugfs_remove_recursive(dir);
}
