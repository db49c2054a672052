// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which events belong to the trace, and the names of tasks.
 */
#include <stdio.h>
#include <string.h>

#include "scope.h"

/* Of struct kernel_clone_args: a thread of the same process. */
#define SHARES_PROCESS	0x00010000

static struct entry *task(struct scope *scope, int tid)
{
	return table_get(&scope->tasks, tid);
}

static bool add(struct table *table, uint64_t number)
{
	struct entry *entry = table_get(table, number);
	bool is_new = !entry->kept;

	entry->kept = true;
	return is_new;
}

static bool keeps(struct table *table, uint64_t number)
{
	return table_get(table, number)->kept;
}

/* Every processor has a task 0 of its own, so that one has one name only. */
static void rename_task(struct scope *scope, int tid, const char *comm)
{
	snprintf(task(scope, tid)->comm, COMM_ROOM, "%s", tid ? comm : "swapper");
}

static void name_first(struct scope *scope, int tid, const char *comm)
{
	if (!*task(scope, tid)->comm)
		rename_task(scope, tid, comm);
}

/* What each task is called before the first event that says so. */
static void learn_names(struct scope *scope, const struct event *event)
{
	if (event_is(event, "sched_switch")) {
		name_first(scope, event_number(event, "prev_pid"),
			   event_string(event, "prev_comm"));
		name_first(scope, event_number(event, "next_pid"),
			   event_string(event, "next_comm"));
	} else if (event_is(event, "task_newtask")) {
		name_first(scope, event_number(event, "pid"), event_string(event, "comm"));
	}
}

/* A child of whom we know. */
static bool learn_child(struct scope *scope, const struct event *event)
{
	int tid = event_number(event, "pid");
	int parent_pid = task(scope, event->tid)->pid;
	bool is_thread = event_number(event, "clone_flags") & SHARES_PROCESS;

	task(scope, tid)->pid = is_thread ? parent_pid : tid;
	return keeps(&scope->tasks, event->tid) && add(&scope->tasks, tid);
}

/* The task that an event is about, if that is not the one that does it; or 0. */
static int subject(const struct event *event)
{
	return event_number(event, event_is(event, "chan_deadlock") ? "pid" : "tid");
}

static bool touches(struct scope *scope, const struct event *event, uint64_t chan, int about)
{
	return scope->everybody || keeps(&scope->tasks, event->tid) ||
	       (about && keeps(&scope->tasks, about)) || (chan && keeps(&scope->chans, chan));
}

static bool learn_use(struct scope *scope, const struct event *event)
{
	uint64_t chan = event_number(event, "chan");
	int about = subject(event);
	bool more = false;

	/* Who finds a deadlock works for the kernel, and has nothing else to do with it. */
	if (event_is(event, "chan_deadlock") || !touches(scope, event, chan, about))
		return false;
	/* Nor has who notices that a goroutine has gone; who readies one does that by an event. */
	if (!event_is(event, "chan_go_state"))
		more = add(&scope->tasks, event->tid);
	more |= about && add(&scope->tasks, about);
	more |= chan && add(&scope->chans, chan);
	return more;
}

/* Returns whether there is more than before, -1 after a complaint. */
static int learn(struct scope *scope, struct capture *capture)
{
	struct replay *replay = replay_open(capture);
	struct event event;
	bool more = false;

	if (!replay)
		return -1;
	while (replay_next(replay, &event)) {
		learn_names(scope, &event);
		if (event_is(&event, "task_newtask"))
			more |= learn_child(scope, &event);
		else if (event_is_of_chan(&event))
			more |= learn_use(scope, &event);
	}
	replay_close(replay);
	return more;
}

/**
 * scope_find() - find out what belongs to a trace
 * @scope: to be filled; @scope->everybody is set.
 * @capture: what was captured.
 * @command: the first process.
 *
 * Return: 0; -1 after a complaint.
 */
int scope_find(struct scope *scope, struct capture *capture, pid_t command)
{
	int more;

	add(&scope->tasks, command);
	task(scope, command)->pid = command;
	do
		more = learn(scope, capture);
	while (more > 0);
	return more;
}

/**
 * scope_holds() - whether an event belongs to the trace
 * @scope: after scope_find().
 * @event: the event.
 *
 * Return: whether it does.
 */
bool scope_holds(struct scope *scope, const struct event *event)
{
	if (event_is_of_chan(event))
		return touches(scope, event, event_number(event, "chan"), subject(event));
	if (event_is(event, "sched_switch"))
		return keeps(&scope->tasks, event_number(event, "prev_pid")) ||
		       keeps(&scope->tasks, event_number(event, "next_pid"));
	return keeps(&scope->tasks, event_number(event, "pid"));
}

/**
 * scope_follow() - keep the names of tasks up to date
 * @scope: the scope.
 * @event: each event, after it was written.
 */
void scope_follow(struct scope *scope, const struct event *event)
{
	if (event_is(event, "sched_switch")) {
		rename_task(scope, event_number(event, "prev_pid"),
			    event_string(event, "prev_comm"));
		rename_task(scope, event_number(event, "next_pid"),
			    event_string(event, "next_comm"));
	} else if (event_is(event, "task_newtask")) {
		rename_task(scope, event_number(event, "pid"), event_string(event, "comm"));
	}
}

/**
 * scope_comm() - what a task is called by now
 * @scope: the scope.
 * @tid: the task.
 *
 * Return: its name; "" if unknown.
 */
const char *scope_comm(struct scope *scope, int tid)
{
	return task(scope, tid)->comm;
}

void scope_free(struct scope *scope)
{
	table_free(&scope->tasks);
	table_free(&scope->chans);
}
