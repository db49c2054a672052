/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocations and user copies that the kernel makes fail: those of a thread that have a function
 * of the module among their callers, the first, the second and so on.
 */
#ifndef INJECT_TEST_H
#define INJECT_TEST_H

#include <limits.h>
#include <stdio.h>

#include "chan_test.h"

/* More than any operation has. */
#define MOST_POINTS		1000

#define CANNOT_FAIL	"this kernel cannot make allocations and user copies fail"

static const char *const fault_kinds[] = { "failslab", "fail_page_alloc", "fail_usercopy" };

static inline void fault_path(char path[128], const char *kind, const char *name)
{
	snprintf(path, 128, "/sys/kernel/debug/%s/%s", kind, name);
}

static inline bool faults_available(void)
{
	char path[128];
	unsigned int i;

	for (i = 0; i < 3; i++) {
		fault_path(path, fault_kinds[i], "require-start");
		if (access(path, W_OK))
			return false;
	}
	return !access("/proc/thread-self/fail-nth", W_OK);
}

static inline void fault_set(const char *kind, const char *name, long long value)
{
	char path[128], text[32];

	fault_path(path, kind, name);
	snprintf(text, sizeof(text), "%lld", value);
	must(write_text(path, text));
}

static inline void fault_set_address(const char *kind, const char *name, uint64_t address)
{
	char path[128], text[32];

	fault_path(path, kind, name);
	snprintf(text, sizeof(text), "%#llx", (unsigned long long)address);
	must(write_text(path, text));
}

static inline long long fault_get(const char *kind, const char *name)
{
	char path[128], text[32];

	fault_path(path, kind, name);
	must(read_text(path, text, sizeof(text)));
	return strtoll(text, NULL, 0);
}

/* The code whose allocations and copies may fail. */
static inline void faults_confine(const char *kind, uint64_t start, uint64_t end)
{
	fault_set_address(kind, "require-start", start);
	fault_set_address(kind, "require-end", end);
	fault_set(kind, "stacktrace-depth", 32);
}

/* The kernel's symbol that is next to an address, or at it; where it is. */
static inline uint64_t symbol_from(uint64_t from)
{
	unsigned long long address, next = ULLONG_MAX;
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%llx", &address) == 1 && address >= from && address < next)
			next = address;
	if (f)
		fclose(f);
	return next;
}

/* Where a function is, of the kernel, or of the module if @in is "[chan]"; whether there is one. */
static inline bool function_range(const char *function, const char *in, uint64_t *start,
				  uint64_t *end)
{
	char line[512], name[256], module[64];
	FILE *f = fopen("/proc/kallsyms", "re");
	unsigned long long address;
	bool found = false;

	while (!found && f && fgets(line, sizeof(line), f)) {
		*module = 0;
		found = sscanf(line, "%llx %*c %255s %63s", &address, name, module) >= 2 &&
			!strcmp(name, function) && !strcmp(module, in);
	}
	if (f)
		fclose(f);
	*start = found ? address : 0;
	*end = found ? symbol_from(address + 1) : 0;
	return found;
}

/**
 * enum fault_points - what is counted, and fails
 * @POINTS_OBJECTS: objects of the allocator, and user copies.  Their number is the same each time.
 * @POINTS_PAGES: pages, of which the allocator needs one now and then.
 */
enum fault_points {
	POINTS_OBJECTS,
	POINTS_PAGES,
};

/* Where the kernel warns of itself if it cannot allocate, that is not our concern. */
static inline void faults_spare_vmalloc(void)
{
	uint64_t start, end;
	unsigned int i;

	function_range("alloc_vmap_area", "", &start, &end);
	for (i = 0; i < 3; i++) {
		fault_set_address(fault_kinds[i], "reject-start", start);
		fault_set_address(fault_kinds[i], "reject-end", end);
	}
}

/*
 * What a thread asks for is counted, whatever its size and whether it may wait.  For a thread that
 * says so there is no more of it from then on; a copy fails once.
 */
static inline void faults_set_up(enum fault_points points, uint64_t start, uint64_t end)
{
	bool verbose = getenv("CHAN_INJECT_VERBOSE");
	unsigned int i;

	for (i = 0; i < 3; i++) {
		bool counts = (i == 1) == (points == POINTS_PAGES);

		faults_confine(fault_kinds[i], counts ? start : 1, counts ? end : 1);
		fault_set(fault_kinds[i], "verbose", verbose ? 2 : 0);
		fault_set(fault_kinds[i], "verbose_ratelimit_interval_ms", 0);
		fault_set(fault_kinds[i], "interval", 1);
		fault_set(fault_kinds[i], "times", -1);
		fault_set(fault_kinds[i], "task-filter", 1);
		fault_set(fault_kinds[i], "probability", i < 2 ? 100 : 0);
	}
	fault_set("failslab", "ignore-gfp-wait", 0);
	fault_set("failslab", "cache-filter", 0);
	fault_set("fail_page_alloc", "ignore-gfp-wait", 0);
	fault_set("fail_page_alloc", "ignore-gfp-highmem", 0);
	fault_set("fail_page_alloc", "min-order", 0);
	faults_spare_vmalloc();
}

static inline void faults_off(void)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		fault_set(fault_kinds[i], "probability", 0);
		faults_confine(fault_kinds[i], 0, ULONG_MAX);
	}
}

/* Where the module is in memory. */
static inline void module_range(uint64_t *start, uint64_t *end)
{
	char text[65536], *line;
	unsigned long long base;
	unsigned long size;

	must(read_text("/proc/modules", text, sizeof(text)));
	line = strncmp(text, "chan ", 5) ? strstr(text, "\nchan ") : text;
	if (!line || sscanf(line, " chan %lu %*d %*s %*s %llx", &size, &base) != 2)
		die("/proc/modules does not say where the module is");
	*start = base;
	*end = base + size;
}

/* How many files and others hold the module. */
static inline unsigned int module_users(void)
{
	char text[65536], *line;
	unsigned int users;

	must(read_text("/proc/modules", text, sizeof(text)));
	line = strncmp(text, "chan ", 5) ? strstr(text, "\nchan ") : text;
	if (!line || sscanf(line, " chan %*d %u", &users) != 1)
		die("/proc/modules does not say who uses the module");
	return users;
}

static inline void set_own(const char *name, unsigned int value)
{
	char path[64], text[16];

	snprintf(path, sizeof(path), "/proc/thread-self/%s", name);
	snprintf(text, sizeof(text), "%u", value);
	must(write_text(path, text));
}

/* The @nth point of the calling thread fails, and with @lasting no memory comes after it. */
static inline void faults_arm(unsigned int nth, bool lasting)
{
	set_own("make-it-fail", lasting);
	set_own("fail-nth", nth);
}

/* Whether it has come so far. */
static inline bool faults_disarm(void)
{
	bool failed = !number_in("/proc/thread-self/fail-nth");

	set_own("fail-nth", 0);
	set_own("make-it-fail", 0);
	return failed;
}

#endif /* INJECT_TEST_H */
