// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracefs instance and what comes out of it.  capture.h says what for.
 *
 * The pages of each processor's ring buffer are kept as they are in a temporary file of its
 * own; only replay looks into them, and merges them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <kbuffer.h>
#include <tracefs.h>

#include "capture.h"
#include "complain.h"

/* One processor's. */
struct stream {
	int buffer;
	FILE *pages;
	unsigned long n;
};

struct capture {
	struct tracefs_instance *instance;
	struct tep_handle *formats;
	size_t page_size;
	int n;
	struct stream *streams;
};

/* Where the replay is in a stream. */
struct cursor {
	struct kbuffer *kbuf;
	void *page;
	unsigned long next;
	void *data;
	unsigned long long time;
};

struct replay {
	struct capture *capture;
	struct cursor *cursors;
	int last;
};

static const char * const scheduler_events[][2] = {
	{ "sched", "sched_switch" },
	{ "sched", "sched_wakeup" },
	{ "sched", "sched_wakeup_new" },
	{ "task", "task_newtask" },
};

/* ---- the instance ---- */

static int set(struct capture *capture, const char *file, const char *value)
{
	if (tracefs_instance_file_write(capture->instance, file, value) >= 0)
		return 0;
	complain("cannot write \"%s\" to %s of a tracefs instance: %s", value, file,
		 strerror(errno));
	return -1;
}

static int enable_events(struct capture *capture)
{
	size_t i;

	if (tracefs_event_enable(capture->instance, "chan", NULL)) {
		complain("cannot enable the events of the module: %s", strerror(errno));
		return -1;
	}
	for (i = 0; i < sizeof(scheduler_events) / sizeof(*scheduler_events); i++) {
		const char * const *event = scheduler_events[i];

		if (tracefs_event_enable(capture->instance, event[0], event[1])) {
			complain("cannot enable the event %s:%s: %s", event[0], event[1],
				 strerror(errno));
			return -1;
		}
	}
	return 0;
}

static int set_up(struct capture *capture, unsigned long kib)
{
	char size[32];

	snprintf(size, sizeof(size), "%lu", kib);
	if (tracefs_trace_off(capture->instance)) {
		complain("cannot stop a tracefs instance: %s", strerror(errno));
		return -1;
	}
	if (set(capture, "trace_clock", "mono") || set(capture, "buffer_size_kb", size) ||
	    set(capture, "options/overwrite", "0"))
		return -1;
	return enable_events(capture);
}

static int open_stream(struct capture *capture, int cpu)
{
	struct stream *stream = &capture->streams[cpu];
	char file[64];

	snprintf(file, sizeof(file), "per_cpu/cpu%d/trace_pipe_raw", cpu);
	stream->buffer = tracefs_instance_file_open(capture->instance, file,
						    O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	/* A processor that is not there. */
	if (stream->buffer < 0 && (errno == ENOENT || errno == ENODEV || errno == ENXIO))
		return 0;
	if (stream->buffer < 0) {
		complain("cannot open %s of a tracefs instance: %s", file, strerror(errno));
		return -1;
	}
	stream->pages = tmpfile();
	if (stream->pages)
		return 0;
	complain("cannot make a temporary file: %s", strerror(errno));
	return -1;
}

static int open_streams(struct capture *capture)
{
	int cpu;

	capture->n = sysconf(_SC_NPROCESSORS_CONF);
	capture->streams = calloc(capture->n, sizeof(*capture->streams));
	if (!capture->streams) {
		complain("no memory");
		return -1;
	}
	for (cpu = 0; cpu < capture->n; cpu++)
		capture->streams[cpu].buffer = -1;
	for (cpu = 0; cpu < capture->n; cpu++)
		if (open_stream(capture, cpu))
			return -1;
	return 0;
}

static struct tracefs_instance *make_instance(void)
{
	struct tracefs_instance *instance;
	char name[32];

	snprintf(name, sizeof(name), "chantrace-%d", getpid());
	instance = tracefs_instance_create(name);
	if (!instance)
		complain("cannot make a tracefs instance: %s", strerror(errno));
	return instance;
}

/* Says why if nothing can be traced. */
static const char *tracing_dir(void)
{
	const char *dir;

	if (geteuid()) {
		complain("only root may trace: run it with sudo");
		return NULL;
	}
	dir = tracefs_tracing_dir();
	if (!dir)
		complain("no tracefs: mount -t tracefs none /sys/kernel/tracing");
	return dir;
}

static struct tep_handle *read_formats(const char *dir)
{
	static const char * const systems[] = { "chan", "sched", "task", NULL };
	struct tep_handle *formats;

	if (!tracefs_dir_exists(NULL, "events/chan")) {
		complain("the module is not loaded: modprobe chan");
		return NULL;
	}
	formats = tracefs_local_events_system(dir, systems);
	if (!formats)
		complain("cannot read the formats of the events in %s: %s", dir,
			 strerror(errno));
	return formats;
}

/**
 * capture_open() - prepare to trace
 * @kib: size of the buffer of each processor.
 *
 * Return: what is to be given to capture_close(); NULL after a complaint.
 */
struct capture *capture_open(unsigned long kib)
{
	const char *dir = tracing_dir();
	struct capture *capture;

	if (!dir)
		return NULL;
	capture = calloc(1, sizeof(*capture));
	if (!capture) {
		complain("no memory");
		return NULL;
	}
	capture->page_size = getpagesize();
	capture->formats = read_formats(dir);
	if (capture->formats)
		capture->instance = make_instance();
	if (capture->instance && !set_up(capture, kib) && !open_streams(capture))
		return capture;
	capture_close(capture);
	return NULL;
}

static void remove_instance(struct capture *capture)
{
	int cpu;

	for (cpu = 0; capture->streams && cpu < capture->n; cpu++) {
		if (capture->streams[cpu].buffer >= 0)
			close(capture->streams[cpu].buffer);
		capture->streams[cpu].buffer = -1;
	}
	if (!capture->instance)
		return;
	if (tracefs_instance_destroy(capture->instance))
		complain("cannot remove the tracefs instance %s: %s",
			 tracefs_instance_get_name(capture->instance), strerror(errno));
	tracefs_instance_free(capture->instance);
	capture->instance = NULL;
}

/**
 * capture_close() - leave nothing behind
 * @capture: the capture.
 */
void capture_close(struct capture *capture)
{
	int cpu;

	remove_instance(capture);
	for (cpu = 0; capture->streams && cpu < capture->n; cpu++)
		if (capture->streams[cpu].pages)
			fclose(capture->streams[cpu].pages);
	free(capture->streams);
	tep_free(capture->formats);
	free(capture);
}

/* ---- while the command runs ---- */

/**
 * capture_start() - from now on
 * @capture: the capture.
 *
 * Return: 0; -1 after a complaint.
 */
int capture_start(struct capture *capture)
{
	if (!tracefs_trace_on(capture->instance))
		return 0;
	complain("cannot start a tracefs instance: %s", strerror(errno));
	return -1;
}

/* At most what the buffer can hold: who traces fast must not keep us here. */
static int drain_stream(struct capture *capture, struct stream *stream, unsigned long most)
{
	char page[capture->page_size];

	while (most--) {
		ssize_t n = read(stream->buffer, page, sizeof(page));

		if (n <= 0)
			return 0;
		memset(page + n, 0, sizeof(page) - n);
		if (fwrite(page, sizeof(page), 1, stream->pages) != 1) {
			complain("cannot write to a temporary file: %s", strerror(errno));
			return -1;
		}
		stream->n++;
	}
	return 0;
}

static int drain(struct capture *capture, unsigned long most)
{
	int cpu;

	for (cpu = 0; cpu < capture->n; cpu++) {
		struct stream *stream = &capture->streams[cpu];

		if (stream->pages && drain_stream(capture, stream, most))
			return -1;
	}
	return 0;
}

/**
 * capture_drain() - make room for new events
 * @capture: the capture.
 *
 * Return: 0; -1 after a complaint.
 */
int capture_drain(struct capture *capture)
{
	return drain(capture, 1024);
}

/* What a line "NAME: number" of a processor's statistics says. */
static unsigned long long statistic(const char *stats, const char *name)
{
	const char *line = strstr(stats, name);

	return line ? strtoull(line + strlen(name), NULL, 10) : 0;
}

static unsigned long long lost_on(struct capture *capture, int cpu)
{
	unsigned long long lost;
	char file[64], *stats;

	snprintf(file, sizeof(file), "per_cpu/cpu%d/stats", cpu);
	stats = tracefs_instance_file_read(capture->instance, file, NULL);
	if (!stats)
		return 0;
	/* The first also finds the beginning of "commit overrun". */
	lost = statistic(stats, "overrun: ") + statistic(stats, "commit overrun: ") +
	       statistic(stats, "dropped events: ");
	free(stats);
	return lost;
}

/**
 * capture_stop() - up to now
 * @capture: the capture.
 * @lost: set to the number of events for which there was no room.
 *
 * Return: 0; -1 after a complaint.
 */
int capture_stop(struct capture *capture, unsigned long long *lost)
{
	int cpu, ret;

	if (tracefs_trace_off(capture->instance)) {
		complain("cannot stop a tracefs instance: %s", strerror(errno));
		return -1;
	}
	*lost = 0;
	for (cpu = 0; cpu < capture->n; cpu++)
		if (capture->streams[cpu].pages)
			*lost += lost_on(capture, cpu);
	ret = drain(capture, -1UL);
	remove_instance(capture);
	return ret;
}

/* ---- afterwards ---- */

static struct kbuffer *new_kbuffer(void)
{
	const int one = 1;
	bool big = !*(const char *)&one;

	return kbuffer_alloc(sizeof(long) == 8 ? KBUFFER_LSIZE_8 : KBUFFER_LSIZE_4,
			     big ? KBUFFER_ENDIAN_BIG : KBUFFER_ENDIAN_LITTLE);
}

static bool load_page(struct replay *replay, int cpu)
{
	struct stream *stream = &replay->capture->streams[cpu];
	struct cursor *cursor = &replay->cursors[cpu];
	size_t size = replay->capture->page_size;

	if (cursor->next == stream->n)
		return false;
	if (fseeko(stream->pages, (off_t)(cursor->next * size), SEEK_SET) ||
	    fread(cursor->page, size, 1, stream->pages) != 1) {
		complain("cannot read a temporary file: %s", strerror(errno));
		return false;
	}
	cursor->next++;
	kbuffer_load_subbuffer(cursor->kbuf, cursor->page);
	cursor->data = kbuffer_read_event(cursor->kbuf, &cursor->time);
	return true;
}

/* The next event of a stream, or none. */
static void load_event(struct replay *replay, int cpu)
{
	struct cursor *cursor = &replay->cursors[cpu];

	if (cursor->data)
		cursor->data = kbuffer_next_event(cursor->kbuf, &cursor->time);
	while (!cursor->data && load_page(replay, cpu))
		;
}

/**
 * replay_open() - read what was captured, from the beginning
 * @capture: the capture, stopped.
 *
 * Return: what is to be given to replay_close(); NULL after a complaint.
 */
struct replay *replay_open(struct capture *capture)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	int cpu;

	if (!replay)
		goto no_memory;
	replay->capture = capture;
	replay->last = -1;
	replay->cursors = calloc(capture->n, sizeof(*replay->cursors));
	if (!replay->cursors)
		goto no_memory;
	for (cpu = 0; cpu < capture->n; cpu++) {
		replay->cursors[cpu].kbuf = new_kbuffer();
		replay->cursors[cpu].page = malloc(capture->page_size);
		if (!replay->cursors[cpu].kbuf || !replay->cursors[cpu].page)
			goto no_memory;
	}
	for (cpu = 0; cpu < capture->n; cpu++)
		load_event(replay, cpu);
	return replay;

no_memory:
	complain("no memory");
	if (replay)
		replay_close(replay);
	return NULL;
}

/**
 * replay_close() - the end of reading
 * @replay: the replay.
 */
void replay_close(struct replay *replay)
{
	int cpu;

	for (cpu = 0; replay->cursors && cpu < replay->capture->n; cpu++) {
		kbuffer_free(replay->cursors[cpu].kbuf);
		free(replay->cursors[cpu].page);
	}
	free(replay->cursors);
	free(replay);
}

/* The processor with the oldest event; of equal ones the one that had its turn. */
static int oldest(const struct replay *replay)
{
	int best = replay->last, cpu;

	if (best >= 0 && !replay->cursors[best].data)
		best = -1;
	for (cpu = 0; cpu < replay->capture->n; cpu++) {
		const struct cursor *cursor = &replay->cursors[cpu];

		if (cursor->data && (best < 0 || cursor->time < replay->cursors[best].time))
			best = cpu;
	}
	return best;
}

/**
 * replay_next() - the next event in the order of time
 * @replay: the replay.
 * @event: the event, valid until the next call.
 *
 * Return: whether there was one.
 */
bool replay_next(struct replay *replay, struct event *event)
{
	struct tep_handle *formats = replay->capture->formats;
	struct cursor *cursor;

	do {
		if (replay->last >= 0)
			load_event(replay, replay->last);
		replay->last = oldest(replay);
		if (replay->last < 0)
			return false;
		cursor = &replay->cursors[replay->last];
		event->record = (struct tep_record){
			.ts = cursor->time,
			.cpu = replay->last,
			.data = cursor->data,
			.size = kbuffer_event_size(cursor->kbuf),
		};
		event->type = tep_find_event(formats, tep_data_type(formats, &event->record));
	} while (!event->type);
	event->time = cursor->time;
	event->cpu = replay->last;
	event->tid = tep_data_pid(formats, &event->record);
	return true;
}

/**
 * event_number() - a field of an event
 * @event: the event.
 * @field: name of the field.
 *
 * Return: its value; 0 if it has no such field.
 */
unsigned long long event_number(const struct event *event, const char *field)
{
	struct tep_format_field *format = tep_find_any_field(event->type, field);
	unsigned long long value;

	if (!format || tep_read_number_field(format, event->record.data, &value))
		return 0;
	return value;
}

/**
 * event_string() - a field of an event that is an array of characters
 * @event: the event.
 * @field: name of the field.
 *
 * Return: the string; "" if it has no such field.
 */
const char *event_string(const struct event *event, const char *field)
{
	struct tep_format_field *format = tep_find_any_field(event->type, field);

	return format ? (const char *)event->record.data + format->offset : "";
}

bool event_is(const struct event *event, const char *name)
{
	return !strcmp(event->type->name, name);
}

bool event_is_of_chan(const struct event *event)
{
	return !strcmp(event->type->system, "chan");
}
