// SPDX-License-Identifier: GPL-2.0-only
/*
 * The walker sends the path of every regular file of the tree.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <kchan.h>

#include "treesum.h"

#define MOST_OPEN_DIRS	64

/* nftw(3) hands nothing on to its callback. */
static int paths_ch;
static int status;

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	if (type == FTW_DNR || type == FTW_NS) {
		complain("%s: cannot be looked into", path);
		status = 1;
		return 0;
	}
	if (type != FTW_F || !S_ISREG(st->st_mode))
		return 0;
	if (!kchan_send(paths_ch, path, strlen(path) + 1))
		return 0;
	/* EPIPE if the workers are all gone. */
	complain("walker: %s: %s", path, strerror(errno));
	status = 1;
	return 1;
}

/* The exit of this process closes the channel, because it alone sends there. */
int walk(const struct job *job, int paths)
{
	paths_ch = paths;
	if (nftw(job->dir, visit, MOST_OPEN_DIRS, FTW_PHYS) >= 0)
		return status;
	complain("%s: %s", job->dir, strerror(errno));
	return 1;
}
