// SPDX-License-Identifier: GPL-2.0-only
/*
 * A worker receives paths, and sends the hashes of these files.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <kchan.h>
#include <openssl/evp.h>

#include "treesum.h"

static bool hash_fd(int fd, EVP_MD_CTX *ctx, struct report *report)
{
	static char buf[1 << 16];
	ssize_t n;

	EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		EVP_DigestUpdate(ctx, buf, n);
		report->bytes += n;
	}
	return !n && EVP_DigestFinal_ex(ctx, report->hash, NULL);
}

/* The path is in the report already. */
static void hash_file(EVP_MD_CTX *ctx, struct report *report)
{
	int fd = open(report->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	report->kind = FILE_SUM;
	report->bytes = 0;
	if (fd < 0 || !hash_fd(fd, ctx, report)) {
		report->kind = FILE_ERROR;
		report->error = errno;
	}
	if (fd >= 0)
		close(fd);
}

static int send_report(int sums, const struct report *report)
{
	size_t size = offsetof(struct report, path) + strlen(report->path) + 1;

	return kchan_send(sums, report, size);
}

/* How often calls on this descriptor parked, from /proc. */
static uint64_t parks_of(int fd)
{
	unsigned long long parks = 0;
	char line[256];
	FILE *f;

	snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", fd);
	f = fopen(line, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "parks: %llu", &parks) == 1)
			break;
	fclose(f);
	return parks;
}

/* Returns what the last receive did: 0 at the end of the paths, -1 on failure. */
static int hash_all(int paths, int sums, EVP_MD_CTX *ctx, struct report *report)
{
	int ret;

	while ((ret = kchan_recv(paths, report->path, sizeof(report->path))) > 0) {
		hash_file(ctx, report);
		if (send_report(sums, report))
			return -1;
	}
	return ret;
}

static int send_start(int sums, struct report *report)
{
	report->kind = WORKER_START;
	report->path[0] = '\0';
	return send_report(sums, report);
}

static int send_end(int paths, int sums, struct report *report)
{
	report->kind = WORKER_END;
	report->path[0] = '\0';
	report->parks[0] = parks_of(paths);
	report->parks[1] = parks_of(sums);
	return send_report(sums, report);
}

int work(const struct job *job, unsigned int number)
{
	static struct report report;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int paths = kchan_open(job->paths, O_RDONLY);
	int sums = kchan_open(job->sums, O_WRONLY);

	report.worker = number;
	if (!ctx || paths < 0 || sums < 0) {
		complain("worker %u: cannot start: %s", number, strerror(errno));
		return 1;
	}
	if (send_start(sums, &report) || hash_all(paths, sums, ctx, &report) ||
	    send_end(paths, sums, &report)) {
		complain("worker %u: %s", number, strerror(errno));
		return 1;
	}
	EVP_MD_CTX_free(ctx);
	return 0;
}
