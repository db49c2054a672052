// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compare with what find and sha256sum say of the same tree.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "treesum.h"

/* At most so many lines that differ are shown. */
#define SHOWN		10

/* The output comes sorted by path, each line with a NUL at its end and no escapes. */
static const char script[] =
	"find \"$1\" -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum -z --";

static pid_t start_sha256sum(const char *dir, int *from)
{
	char *const argv[] = { "sh", "-c", (char *)script, "sh", (char *)dir, NULL };
	posix_spawn_file_actions_t actions;
	int pipe_fds[2];
	pid_t pid;
	int err;

	if (pipe2(pipe_fds, O_CLOEXEC))
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDOUT_FILENO);
	err = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fds[1]);
	*from = pipe_fds[0];
	if (!err)
		return pid;
	close(pipe_fds[0]);
	errno = err;
	return -1;
}

static void to_line(const struct entry *entry, char *line, size_t room)
{
	int i, n = 0;

	for (i = 0; i < HASH_BYTES; i++)
		n += snprintf(line + n, room - n, "%02x", entry->hash[i]);
	snprintf(line + n, room - n, "  %s", entry->path);
}

/* Past the hash and the two blanks. */
static int compare_paths(const char *a, const char *b)
{
	return strcmp(a + 2 * HASH_BYTES + 2, b + 2 * HASH_BYTES + 2);
}

static void show(size_t differences, const char *whose, const char *line)
{
	if (differences <= SHOWN)
		complain("only %s: %s", whose, line);
}

/* Both are sorted, so this is a merge.  Returns the number of lines that differ. */
static size_t compare_lines(const struct job *job, FILE *theirs)
{
	static char ours[2 * HASH_BYTES + 3 + PATH_ROOM];
	size_t i = 0, room = 0, differences = 0;
	char *line = NULL;
	bool more = getdelim(&line, &room, '\0', theirs) > 0;

	while (more || i < job->nentries) {
		int order = 0;

		if (i < job->nentries)
			to_line(&job->entries[i], ours, sizeof(ours));
		if (!more)
			order = -1;
		else if (i == job->nentries || strlen(line) < 2 * HASH_BYTES + 2)
			order = 1;
		else
			order = compare_paths(ours, line);

		if (order < 0 || (!order && strcmp(ours, line)))
			show(++differences, "treesum", ours);
		if (order > 0 || (!order && strcmp(ours, line)))
			show(++differences, "sha256sum", line);
		if (order <= 0)
			i++;
		if (order >= 0)
			more = getdelim(&line, &room, '\0', theirs) > 0;
	}
	free(line);
	return differences;
}

bool check_against_sha256sum(const struct job *job)
{
	size_t differences;
	FILE *theirs;
	pid_t pid;
	int from;

	pid = start_sha256sum(job->dir, &from);
	if (pid < 0) {
		complain("cannot run sha256sum: %s", strerror(errno));
		return false;
	}
	theirs = fdopen(from, "r");
	if (!theirs)
		abort();
	differences = compare_lines(job, theirs);
	fclose(theirs);
	waitpid(pid, NULL, 0);
	if (differences)
		complain("%zu lines differ", differences);
	return !differences;
}
