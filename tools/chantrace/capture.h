/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel traced: taken out of the ring buffers of an own tracefs instance while the
 * command runs, so that nobody else's tracing is disturbed, and read afterwards in the order
 * of time, as often as needed.
 */
#ifndef CAPTURE_H
#define CAPTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <event-parse.h>

struct capture;
struct replay;

/**
 * struct event - one traced event
 * @time: CLOCK_MONOTONIC, in nanoseconds.
 * @cpu: where.
 * @tid: the task that did it.
 * @type: what.
 * @record: its data, until the next event is read.
 */
struct event {
	unsigned long long time;
	int cpu;
	int tid;
	struct tep_event *type;
	struct tep_record record;
};

/* Those that return a pointer or an int: NULL or -1 after a complaint. */
struct capture *capture_open(unsigned long kib);
int capture_start(struct capture *capture);
int capture_drain(struct capture *capture);
int capture_stop(struct capture *capture, unsigned long long *lost);
void capture_close(struct capture *capture);

struct replay *replay_open(struct capture *capture);
bool replay_next(struct replay *replay, struct event *event);
void replay_close(struct replay *replay);

unsigned long long event_number(const struct event *event, const char *field);
const char *event_string(const struct event *event, const char *field);
bool event_is(const struct event *event, const char *name);
bool event_is_of_chan(const struct event *event);

#endif /* CAPTURE_H */
