// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters and histograms of the module and of named channels, as OpenMetrics text or as a
 * table of quantiles.
 *
 * OpenMetrics wants all samples of a family together, so everything is read before anything
 * is written.  A channel that goes meanwhile is left out.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/chan.h>

#include "hist.h"
#include "metrics.h"
#include "sysfs.h"

#define CONTROL		"/dev/chanctl"
#define SYS_TOTALS	"/sys/class/misc/chanctl/totals"
#define SYS_WAITS	"/sys/class/misc/chanctl/waits"
#define COUNT(array)	(sizeof(array) / sizeof(*(array)))

enum type {
	COUNTER,
	GAUGE,
};

/* One value of a family: further labels, and the attribute that has it. */
struct series {
	const char *labels;
	const char *attr;
};

#define MOST_SERIES	2

/* @unit: "seconds" for what the attribute has in nanoseconds, or NULL. */
struct family {
	const char *name;
	const char *help;
	enum type type;
	const char *unit;
	struct series series[MOST_SERIES];
};

/* What both the module and a channel count. */
static const struct family counters[] = {
	{ "sends", "Elements sent.", COUNTER, NULL, { { "", "sends" } } },
	{ "receives", "Elements received.", COUNTER, NULL, { { "", "receives" } } },
	{ "handoffs", "Elements that went from a sender to a receiver without being buffered.",
	  COUNTER, NULL, { { "", "handoffs" } } },
	{ "parks", "Times that a call parked in a queue.", COUNTER, NULL,
	  { { "queue=\"recvq\"", "recv_parks" }, { "queue=\"sendq\"", "send_parks" } } },
	{ "aborts", "Parks in a queue that a signal or a deadline ended.", COUNTER, NULL,
	  { { "", "aborts" } } },
	{ "lost", "Elements lost because the memory of their receiver had gone.", COUNTER, NULL,
	  { { "", "lost" } } },
};

static const struct family gauges[] = {
	{ "capacity", "Elements that the channel can buffer.", GAUGE, NULL, { { "", "cap" } } },
	{ "length", "Elements that the channel buffers now.", GAUGE, NULL, { { "", "len" } } },
	{ "closed", "Whether the channel is closed.", GAUGE, NULL, { { "", "closed" } } },
	{ "ends", "Open file descriptions that may receive or send.", GAUGE, NULL,
	  { { "direction=\"recv\"", "receivers" }, { "direction=\"send\"", "senders" } } },
	{ "waiters", "Calls that are parked now.", GAUGE, NULL,
	  { { "queue=\"recvq\"", "recvq" }, { "queue=\"sendq\"", "sendq" } } },
	{ "oldest_wait_seconds", "For how long the first of a queue has waited; 0 if none does.",
	  GAUGE, "seconds",
	  { { "queue=\"recvq\"", "recvq_oldest_ns" }, { "queue=\"sendq\"", "sendq_oldest_ns" } } },
};

/* What the module alone counts. */
static const struct family made[] = {
	{ "channels_made", "Channels made.", COUNTER, NULL, { { "", "channels_made" } } },
	{ "channels_freed", "Channels that do not exist any more.", COUNTER, NULL,
	  { { "", "channels_freed" } } },
};

/* The histograms of the module: op, outcome, file. */
static const char * const waits[][3] = {
	{ "recv", "ready", "recv_ready" },
	{ "recv", "timeout", "recv_timeout" },
	{ "recv", "signal", "recv_signal" },
	{ "recv", "deadlock", "recv_deadlock" },
	{ "send", "ready", "send_ready" },
	{ "send", "timeout", "send_timeout" },
	{ "send", "signal", "send_signal" },
	{ "send", "deadlock", "send_deadlock" },
	{ "select", "ready", "select_ready" },
	{ "select", "timeout", "select_timeout" },
	{ "select", "signal", "select_signal" },
	{ "select", "deadlock", "select_deadlock" },
};

/* The histograms of a channel: queue, file. */
static const char * const queues[][2] = {
	{ "recvq", "recvq_waits" },
	{ "sendq", "sendq_waits" },
};

struct channel {
	char name[VALUE_ROOM];
	unsigned long long counters[COUNT(counters)][MOST_SERIES];
	unsigned long long gauges[COUNT(gauges)][MOST_SERIES];
	struct hist waits[COUNT(queues)];
};

struct channels {
	struct channel *array;
	size_t n;
};

struct module {
	struct chan_query query;
	unsigned long long counters[COUNT(counters)][MOST_SERIES];
	unsigned long long made[COUNT(made)][MOST_SERIES];
	struct hist waits[COUNT(waits)];
};

/* ---- reading ---- */

static bool read_families(const char *dir, const struct family *families, size_t n,
			  unsigned long long values[][MOST_SERIES])
{
	size_t i, k;

	for (i = 0; i < n; i++)
		for (k = 0; k < MOST_SERIES && families[i].series[k].attr; k++)
			if (!number(dir, families[i].series[k].attr, &values[i][k]))
				return false;
	return true;
}

static bool read_channel(const char *node, struct channel *c)
{
	char dir[PATH_ROOM], value[VALUE_ROOM];
	const char *name;
	size_t i;

	snprintf(dir, sizeof(dir), SYS_CLASS "/%s", node);
	name = attribute(dir, "name", value);
	if (name == value)
		strcpy(c->name, value);
	for (i = 0; i < COUNT(queues); i++)
		hist_read(dir, queues[i][1], &c->waits[i]);
	return name == value &&
	       read_families(dir, counters, COUNT(counters), c->counters) &&
	       read_families(dir, gauges, COUNT(gauges), c->gauges);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct channel *)a)->name, ((const struct channel *)b)->name);
}

/* Of two with one name, the first has been removed while we read. */
static void sort_channels(struct channels *all)
{
	size_t i, n = 0;

	qsort(all->array, all->n, sizeof(*all->array), by_name);
	for (i = 0; i < all->n; i++) {
		if (n && !by_name(&all->array[n - 1], &all->array[i]))
			continue;
		all->array[n++] = all->array[i];
	}
	all->n = n;
}

static bool read_channels(struct channels *all)
{
	struct dirent **entries;
	int i, n = scan_channels(&entries);

	if (n < 0)
		return false;
	all->n = 0;
	all->array = calloc(n + 1, sizeof(*all->array));
	if (!all->array)
		complain("no memory for %d channels", n);
	for (i = 0; i < n; i++) {
		if (all->array)
			all->n += read_channel(entries[i]->d_name, &all->array[all->n]);
		free(entries[i]);
	}
	free(entries);
	if (all->array)
		sort_channels(all);
	return all->array;
}

static bool read_query(struct chan_query *query)
{
	int fd = open(CONTROL, O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0) {
		complain("cannot open %s: %s%s", CONTROL, strerror(errno),
			 errno == ENOENT ? "; is the module loaded? (modprobe chan)" : "");
		return false;
	}
	memset(query, 0, sizeof(*query));
	query->size = sizeof(*query);
	ret = ioctl(fd, CHAN_IOC_QUERY, query);
	if (ret)
		complain("%s: cannot ask for limits: %s", CONTROL, strerror(errno));
	close(fd);
	return !ret;
}

static bool read_waits(struct hist *hists)
{
	size_t i;

	for (i = 0; i < COUNT(waits); i++) {
		if (hist_read(SYS_WAITS, waits[i][2], &hists[i]))
			continue;
		complain("cannot read %s/%s: is this chanctl older or newer than the module?",
			 SYS_WAITS, waits[i][2]);
		return false;
	}
	return true;
}

static bool read_module(struct module *m)
{
	if (!read_query(&m->query) || !read_waits(m->waits))
		return false;
	if (read_families(SYS_TOTALS, counters, COUNT(counters), m->counters) &&
	    read_families(SYS_TOTALS, made, COUNT(made), m->made))
		return true;
	complain("cannot read %s: is this chanctl older or newer than the module?", SYS_TOTALS);
	return false;
}

/* ---- OpenMetrics ---- */

static void print_head(const char *prefix, const char *name, const char *type, const char *unit,
		       const char *help)
{
	printf("# TYPE %s%s %s\n", prefix, name, type);
	if (unit)
		printf("# UNIT %s%s %s\n", prefix, name, unit);
	printf("# HELP %s%s %s\n", prefix, name, help);
}

/* A value in quotes.  No name has anything to escape now, but that is the module's affair. */
static void print_label(const char *label, const char *value)
{
	printf("%s=\"", label);
	for (; *value; value++) {
		if (*value == '\n') {
			fputs("\\n", stdout);
			continue;
		}
		if (*value == '"' || *value == '\\')
			putchar('\\');
		putchar(*value);
	}
	putchar('"');
}

/* The labels of a sample, in braces if there are any. */
static void print_labels(const char *channel, const char *more)
{
	if (!channel && !*more)
		return;
	putchar('{');
	if (channel)
		print_label("channel", channel);
	printf("%s%s}", channel && *more ? "," : "", more);
}

static void print_seconds(unsigned long long ns)
{
	printf(" %llu.%09llu\n", ns / NSEC_PER_SEC, ns % NSEC_PER_SEC);
}

static void print_family_head(const char *prefix, const struct family *f)
{
	print_head(prefix, f->name, f->type == COUNTER ? "counter" : "gauge", f->unit, f->help);
}

static void print_family(const char *prefix, const struct family *f, const char *channel,
			 const unsigned long long values[MOST_SERIES])
{
	size_t k;

	for (k = 0; k < MOST_SERIES && f->series[k].attr; k++) {
		printf("%s%s%s", prefix, f->name, f->type == COUNTER ? "_total" : "");
		print_labels(channel, f->series[k].labels);
		if (f->unit)
			print_seconds(values[k]);
		else
			printf(" %llu\n", values[k]);
	}
}

static void print_bucket(const char *name, const char *channel, const char *labels,
			 const char *bound, unsigned long long count)
{
	char all[128];

	snprintf(all, sizeof(all), "%s,le=\"%s\"", labels, bound);
	printf("%s_bucket", name);
	print_labels(channel, all);
	printf(" %llu\n", count);
}

static void print_hist(const char *name, const char *channel, const char *labels,
		       const struct hist *h)
{
	unsigned long long total = 0;
	unsigned int i;
	char bound[32];

	for (i = 0; i < h->n; i++) {
		total += h->count[i];
		/* All digits of a power of two, and none that is not significant. */
		snprintf(bound, sizeof(bound), "%.15g", h->bound[i] / (double)NSEC_PER_SEC);
		print_bucket(name, channel, labels, i < h->n - 1 ? bound : "+Inf", total);
	}
	printf("%s_sum", name);
	print_labels(channel, labels);
	print_seconds(h->sum);
	printf("%s_count", name);
	print_labels(channel, labels);
	printf(" %llu\n", total);
}

static void print_limit(const char *name, const char *help, const char *unit, bool per_user,
			unsigned long long value)
{
	char labels[32] = "";

	if (per_user)
		snprintf(labels, sizeof(labels), "uid=\"%u\"", getuid());
	print_head("chan_", name, "gauge", unit, help);
	printf("chan_%s", name);
	print_labels(NULL, labels);
	printf(" %llu\n", value);
}

static void print_query(const struct chan_query *q)
{
	print_limit("channels", "Channels that exist now.", NULL, false, q->channels);
	print_limit("limit_channels", "Most channels of all users together.", NULL, false,
		    q->max_channels);
	print_limit("user_channels", "Channels that the user has made.", NULL, true,
		    q->user_channels);
	print_limit("user_limit_channels", "Most channels of a user.", NULL, false,
		    q->max_user_channels);
	print_limit("user_names", "Names that the user has.", NULL, true, q->user_names);
	print_limit("user_limit_names", "Most names of a user.", NULL, false, q->max_user_names);
	print_limit("user_bytes", "Buffers and long elements of the user.", "bytes", true,
		    q->user_bytes);
	print_limit("user_limit_bytes", "Most buffers and long elements of a user.", "bytes",
		    false, q->max_user_bytes);
}

static void print_module(const struct module *m)
{
	char labels[64];
	size_t i;

	print_query(&m->query);
	for (i = 0; i < COUNT(made); i++) {
		print_family_head("chan_", &made[i]);
		print_family("chan_", &made[i], NULL, m->made[i]);
	}
	for (i = 0; i < COUNT(counters); i++) {
		print_family_head("chan_", &counters[i]);
		print_family("chan_", &counters[i], NULL, m->counters[i]);
	}
	print_head("chan_", "wait_seconds", "histogram", "seconds",
		   "Time from parking until the call ran again, all channels.");
	for (i = 0; i < COUNT(waits); i++) {
		snprintf(labels, sizeof(labels), "op=\"%s\",outcome=\"%s\"", waits[i][0],
			 waits[i][1]);
		print_hist("chan_wait_seconds", NULL, labels, &m->waits[i]);
	}
}

static void print_channel_waits(const struct channels *all)
{
	char labels[64];
	size_t c, i;

	print_head("chan_channel_", "wait_seconds", "histogram", "seconds",
		   "Time from parking in a queue until the call ran again, if recorded.");
	for (c = 0; c < all->n; c++)
		for (i = 0; i < COUNT(queues); i++) {
			snprintf(labels, sizeof(labels), "queue=\"%s\"", queues[i][0]);
			if (all->array[c].waits[i].n)
				print_hist("chan_channel_wait_seconds", all->array[c].name,
					   labels, &all->array[c].waits[i]);
		}
}

static void print_channels(const struct channels *all)
{
	size_t c, i;

	for (i = 0; i < COUNT(gauges); i++) {
		print_family_head("chan_channel_", &gauges[i]);
		for (c = 0; c < all->n; c++)
			print_family("chan_channel_", &gauges[i], all->array[c].name,
				     all->array[c].gauges[i]);
	}
	for (i = 0; i < COUNT(counters); i++) {
		print_family_head("chan_channel_", &counters[i]);
		for (c = 0; c < all->n; c++)
			print_family("chan_channel_", &counters[i], all->array[c].name,
				     all->array[c].counters[i]);
	}
	print_channel_waits(all);
}

enum exit_status print_metrics(void)
{
	struct channels all;
	struct module m;

	if (!read_module(&m) || !read_channels(&all))
		return FAILED;
	print_module(&m);
	print_channels(&all);
	puts("# EOF");
	free(all.array);
	return DONE;
}

/* ---- a table of quantiles ---- */

static void print_quantile(const struct hist *h, double q)
{
	char text[32];
	bool beyond;
	double ns;

	if (!hist_total(h)) {
		printf(" %14s", NONE);
		return;
	}
	ns = hist_quantile(h, q, &beyond);
	snprintf(text, sizeof(text), "%s%.9f", beyond ? ">" : "", ns / NSEC_PER_SEC);
	printf(" %14s", text);
}

static void print_row(const char *channel, const char *what, const struct hist *h)
{
	printf("%-24s %-15s %12llu", channel, what, hist_total(h));
	print_quantile(h, 0.50);
	print_quantile(h, 0.95);
	print_quantile(h, 0.99);
	putchar('\n');
}

enum exit_status print_summary(bool header)
{
	struct hist hists[COUNT(waits)];
	struct chan_query query;
	struct channels all;
	char what[32];
	size_t c, i;

	/* Says so if the module is not there. */
	if (!read_query(&query) || !read_waits(hists) || !read_channels(&all))
		return FAILED;
	if (header)
		printf("%-24s %-15s %12s %14s %14s %14s\n", "CHANNEL", "WAIT", "COUNT", "P50",
		       "P95", "P99");
	for (i = 0; i < COUNT(waits); i++) {
		snprintf(what, sizeof(what), "%s/%s", waits[i][0], waits[i][1]);
		print_row("*", what, &hists[i]);
	}
	for (c = 0; c < all.n; c++)
		for (i = 0; i < COUNT(queues); i++)
			if (all.array[c].waits[i].n)
				print_row(all.array[c].name, queues[i][0], &all.array[c].waits[i]);
	free(all.array);
	return DONE;
}

/* ---- to begin recording ---- */

static bool write_one(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err;
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, "1", 1) == 1;
	err = errno;
	close(fd);
	errno = err;
	return ok;
}

enum exit_status record_waits(const char *name)
{
	char room[PATH_ROOM], dir[PATH_ROOM], file[PATH_ROOM + 32];

	if (!find_dir(node_path(name, room), dir))
		return explain_open(name, "to record its waits");
	snprintf(file, sizeof(file), "%s/wait_histograms", dir);
	if (write_one(file))
		return DONE;
	complain("cannot write %s: %s%s", file, strerror(errno),
		 errno == EACCES ? "; only root can" : "");
	return FAILED;
}
