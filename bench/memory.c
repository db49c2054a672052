// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of what is there and not used: by how much the kernel's slabs, and its per-processor
 * and vmalloc areas, are larger with so many than without.  The table of descriptors has got
 * its size before.  Of /proc/slabinfo comes what of it are files, inodes and dentries.
 */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "make.h"

#define PAGE	4096
#define ROUNDS	3

struct memory {
	double all;
	double files;
};

/* Bytes that these fields of /proc/meminfo say. */
static double kernel_bytes(void)
{
	static const char * const fields[] = { "Slab:", "Percpu:", "VmallocUsed:" };
	FILE *f = fopen("/proc/meminfo", "r");
	double kib, sum = 0;
	char name[64];
	size_t i;

	if (!f)
		die("/proc/meminfo");
	while (fscanf(f, "%63s %lf%*[^\n]", name, &kib) == 2)
		for (i = 0; i < sizeof(fields) / sizeof(*fields); i++)
			if (!strcmp(name, fields[i]))
				sum += kib * 1024;
	fclose(f);
	return sum;
}

static bool is_of_files(const char *cache)
{
	return !strcmp(cache, "filp") || !strcmp(cache, "dentry") ||
	       !strcmp(cache, "inode_cache") || !strcmp(cache, "sock_inode_cache") ||
	       !strcmp(cache, "lsm_inode_cache");
}

/* The name of a cache, the pages of a slab, and the number of its slabs. */
#define SLABINFO	"%63s %*s %*s %*s %*s %lf : tunables %*s %*s %*s : slabdata %*s %lf"

/* Bytes in slabs for files and what belongs to any file. */
static double file_bytes(void)
{
	FILE *f = fopen("/proc/slabinfo", "r");
	double slabs, pages, sum = 0;
	char line[512], cache[64];

	if (!f)
		die("/proc/slabinfo");
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, SLABINFO, cache, &pages, &slabs) == 3 && is_of_files(cache))
			sum += slabs * pages * PAGE;
	fclose(f);
	return sum;
}

static struct memory look(void)
{
	return (struct memory){ kernel_bytes(), file_bytes() };
}

/* Room in the table of descriptors, which is not given back. */
static void reserve_descriptors(unsigned int n)
{
	close(must(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, n)));
}

/* Free objects that slabs hold in store would serve before a slab is added. */
static void give_back_slabs(void)
{
	glob_t caches;
	size_t i;

	if (glob("/sys/kernel/slab/*/shrink", 0, NULL, &caches))
		die("/sys/kernel/slab");
	for (i = 0; i < caches.gl_pathc; i++)
		write_setting(caches.gl_pathv[i], "1");
	globfree(&caches);
}

/* What was closed is freed a little later. */
static void settle(void)
{
	sleep(1);
	give_back_slabs();
}

static void measure(const struct bench *b, const struct kind *kind, unsigned int round)
{
	struct memory before, with;
	int *fds;

	settle();
	before = look();
	fds = make_idle(kind, b->arg);
	with = look();
	dispose_idle(kind, fds, b->arg);
	with.all -= before.all;
	with.files -= before.files;
	bench_print(b, "", kind->name, round, with.all / b->arg);
	bench_print(b, "-own", kind->name, round, (with.all - with.files) / b->arg);
}

static void measure_all(const struct bench *b)
{
	unsigned int round;
	size_t i;

	if (!bench_wanted(b))
		return;
	reserve_descriptors(2 * b->arg + 64);
	/* The first round fills what is kept in store. */
	for (round = 0; round < ROUNDS; round++)
		for (i = 0; i < KINDS; i++)
			measure(b, &kinds[round % 2 ? KINDS - 1 - i : i], round);
	fflush(stdout);
}

void bench_memory(void)
{
	struct bench b = { "idle-bytes", 10000 };

	for (; b.arg <= 100000; b.arg *= 10) {
		b.thorough = b.arg != 10000;
		measure_all(&b);
	}
}
