/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * treesum: SHA-256 sums of all files of a tree, by several processes.
 *
 *   walker --- paths --->  worker 1..N  --- sums --->  collector
 *
 * Each box is a process of its own; a worker knows nothing of the others but the names
 * of the two channels.  Both are channels of messages that close themselves when the
 * last who sends, or the last who receives, has gone: so the end of the walk ends the
 * workers, the end of the workers ends the collector, and the death of any of them
 * leaves nobody waiting.
 */
#ifndef TREESUM_H
#define TREESUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HASH_BYTES	32

/* Longest path, with its NUL. */
#define PATH_ROOM	16384

/* Messages that the channels buffer. */
#define PATHS_CAP	32
#define SUMS_CAP	32

/* What a message on the channel of sums is. */
enum report_kind {
	WORKER_START,	/* a worker has opened both channels */
	FILE_SUM,	/* the hash of a file */
	FILE_ERROR,	/* a file that cannot be read */
	WORKER_END,	/* a worker has no more to do */
};

/**
 * struct report - a message from a worker to the collector
 * @kind: what it is.
 * @worker: number of the worker, from 0.
 * @error: of FILE_ERROR: the errno.
 * @parks: of WORKER_END: how often it parked on each channel, [0] paths, [1] sums.
 * @hash: of FILE_SUM.
 * @bytes: of FILE_SUM: size of the file.
 * @path: of FILE_SUM and FILE_ERROR, otherwise empty; the message ends with its NUL.
 */
struct report {
	uint32_t kind;
	uint32_t worker;
	int32_t error;
	uint32_t unused;
	uint64_t parks[2];
	uint64_t bytes;
	uint8_t hash[HASH_BYTES];
	char path[PATH_ROOM];
};

/**
 * struct entry - what the collector keeps of a file
 * @path: allocated.
 * @hash: its hash.
 */
struct entry {
	char *path;
	uint8_t hash[HASH_BYTES];
};

/**
 * struct worker - what the collector knows of a worker
 * @pid: 0 once it has been waited for.
 * @started: it has said that it has opened both channels.
 * @ended: it has said that it has no more to do.
 * @files: hashed by it.
 * @bytes: in these.
 * @parks: as in struct report.
 */
struct worker {
	pid_t pid;
	bool started;
	bool ended;
	uint64_t files;
	uint64_t bytes;
	uint64_t parks[2];
};

/**
 * struct job - one run of treesum
 * @dir: the tree.
 * @paths: name of the channel of paths.
 * @sums: name of the channel of sums.
 * @workers: @nworkers of them.
 * @nworkers: how many.
 * @walker: process that walks; 0 once it has been waited for.
 * @entries: @nentries of them.
 * @nentries: files hashed so far.
 * @room: allocated in @entries.
 * @unreadable: files that could not be read.
 * @failed: a process has failed, or something did not happen that should have.
 */
struct job {
	const char *dir;
	char paths[64];
	char sums[64];
	struct worker *workers;
	unsigned int nworkers;
	pid_t walker;
	struct entry *entries;
	size_t nentries;
	size_t room;
	size_t unreadable;
	bool failed;
};

/* main.c */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void reap(struct job *job, int options);

/* walk.c, work.c: bodies of processes; return their exit status. */
int walk(const struct job *job, int paths);
int work(const struct job *job, unsigned int number);

/* collect.c */
void collect(struct job *job, int sums, int hold);
bool print_sums(const struct job *job);

/* check.c */
bool check_against_sha256sum(const struct job *job);

#endif /* TREESUM_H */
