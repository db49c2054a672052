// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events as JSON, one a line.  chantrace(1) describes the format.
 *
 * The fields of the module's events are written as the event's format in tracefs describes
 * them, so this file need not know them.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "json.h"

/* The field which tells whom an event is about would be taken for who has done it. */
#define SUBJECT_FIELD	"tid"
#define SUBJECT_KEY	"task"

/* Bytes of the UTF-8 character at @s; 0 if there is none, as in a name that was cut. */
static size_t utf8_length(const unsigned char *s)
{
	size_t length = *s < 0xc2 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : *s < 0xf5 ? 4 : 0, i;

	for (i = 1; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

static void put_string(FILE *file, const char *string)
{
	const unsigned char *s = (const unsigned char *)string;

	putc('"', file);
	for (; *s; s++) {
		size_t length = utf8_length(s);

		if (length) {
			fwrite(s, length, 1, file);
			s += length - 1;
		} else if (*s == '"' || *s == '\\') {
			fprintf(file, "\\%c", *s);
		} else if (*s < ' ' || *s > '~') {
			fprintf(file, "\\u%04x", *s < 0x80 ? *s : 0xfffd);
		} else {
			putc(*s, file);
		}
	}
	putc('"', file);
}

/**
 * json_header() - write the first line
 * @file: the trace file.
 * @header: what it says.
 */
void json_header(FILE *file, const struct header *header)
{
	struct utsname kernel;
	char **arg;

	uname(&kernel);
	fputs("{\"chantrace\":1,\"kernel\":", file);
	put_string(file, kernel.release);
	fprintf(file, ",\"cpus\":%ld,\"command\":[", sysconf(_SC_NPROCESSORS_ONLN));
	for (arg = header->command; *arg; arg++) {
		if (arg != header->command)
			putc(',', file);
		put_string(file, *arg);
	}
	fprintf(file, "],\"pid\":%d,\"all\":%s,\"lost\":%llu}\n", header->pid,
		header->everybody ? "true" : "false", header->lost);
}

/* ---- fields of the module's events ---- */

/* How the event prints this field, if by names. */
static const struct tep_print_arg *names_of(const struct tep_event *event, const char *field)
{
	const struct tep_print_arg *arg;

	for (arg = event->print_fmt.args; arg; arg = arg->next) {
		const struct tep_print_arg *of;

		if (arg->type == TEP_PRINT_SYMBOL)
			of = arg->symbol.field;
		else if (arg->type == TEP_PRINT_FLAGS)
			of = arg->flags.field;
		else
			continue;
		if (of->type == TEP_PRINT_FIELD && !strcmp(of->field.name, field))
			return arg;
	}
	return NULL;
}

static void put_symbol(FILE *file, const struct tep_print_arg *arg, unsigned long long value)
{
	const struct tep_print_flag_sym *sym;

	for (sym = arg->symbol.symbols; sym; sym = sym->next)
		if (strtoull(sym->value, NULL, 0) == value) {
			put_string(file, sym->str);
			return;
		}
	fprintf(file, "%llu", value);
}

static void put_flags(FILE *file, const struct tep_print_arg *arg, unsigned long long value)
{
	const struct tep_print_flag_sym *sym;
	const char *comma = "";

	putc('[', file);
	for (sym = arg->flags.flags; sym; sym = sym->next) {
		unsigned long long bit = strtoull(sym->value, NULL, 0);

		if (!(value & bit))
			continue;
		fputs(comma, file);
		put_string(file, sym->str);
		comma = ",";
	}
	putc(']', file);
}

/* What was read from @size bytes; the library fills up with zeroes, whatever the sign. */
static long long extend_sign(unsigned long long value, unsigned int size)
{
	unsigned int above = size && size < sizeof(value) ? 8 * (sizeof(value) - size) : 0;

	return (long long)(value << above) >> above;
}

static void put_number(FILE *file, const struct tep_format_field *field,
		       unsigned long long value, unsigned int size)
{
	if (field->flags & TEP_FIELD_IS_SIGNED)
		fprintf(file, "%lld", extend_sign(value, size));
	else
		fprintf(file, "%llu", value);
}

static void put_array(FILE *file, const struct tep_format_field *field, const char *data)
{
	unsigned int i;

	putc('[', file);
	for (i = 0; i < field->arraylen; i++) {
		const char *at = data + field->offset + (size_t)i * field->elementsize;

		if (i)
			putc(',', file);
		put_number(file, field,
			   tep_read_number(field->event->tep, at, field->elementsize),
			   field->elementsize);
	}
	putc(']', file);
}

/* The string lies in the record, at the offset that the lower half of the field holds. */
static void put_dynamic_string(FILE *file, const struct tep_format_field *field,
			       unsigned long long value, const char *data)
{
	size_t offset = value & 0xffff;

	if (field->flags & TEP_FIELD_IS_RELATIVE)
		offset += field->offset + field->size;
	put_string(file, data + offset);
}

static void put_value(FILE *file, struct tep_format_field *field, const char *data)
{
	const struct tep_print_arg *names = names_of(field->event, field->name);
	unsigned long long value = 0;

	if (field->flags & TEP_FIELD_IS_STRING && !(field->flags & TEP_FIELD_IS_DYNAMIC)) {
		put_string(file, data + field->offset);
		return;
	}
	if (field->flags & TEP_FIELD_IS_ARRAY && !(field->flags & TEP_FIELD_IS_DYNAMIC)) {
		put_array(file, field, data);
		return;
	}
	tep_read_number_field(field, data, &value);
	if (field->flags & TEP_FIELD_IS_STRING)
		put_dynamic_string(file, field, value, data);
	else if (names && names->type == TEP_PRINT_SYMBOL)
		put_symbol(file, names, value);
	else if (names)
		put_flags(file, names, value);
	else
		put_number(file, field, value, field->size);
}

static void put_fields(FILE *file, const struct event *event)
{
	struct tep_format_field *field;

	for (field = event->type->format.fields; field; field = field->next) {
		const char *key = strcmp(field->name, SUBJECT_FIELD) ? field->name : SUBJECT_KEY;

		fprintf(file, ",\"%s\":", key);
		put_value(file, field, event->record.data);
	}
}

/* ---- events of the scheduler ---- */

/* As ps shows it; R+ for a task that did not give up the processor by itself. */
static const char *state_name(unsigned long long state)
{
	static const char * const names[] = { "S", "D", "T", "t", "X", "Z", "P", "I" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (state & 1U << i)
			return names[i];
	return state ? "R+" : "R";
}

static void put_switch(FILE *file, const struct event *event)
{
	fprintf(file, "\"sched_switch\",\"prev\":%llu,\"prev_state\":\"%s\",\"next\":%llu",
		event_number(event, "prev_pid"), state_name(event_number(event, "prev_state")),
		event_number(event, "next_pid"));
}

static void put_wakeup(FILE *file, const struct event *event)
{
	fprintf(file, "\"sched_wakeup\",\"wakee\":%llu,\"target_cpu\":%llu",
		event_number(event, "pid"), event_number(event, "target_cpu"));
}

static void put_new_task(FILE *file, struct scope *scope, const struct event *event)
{
	int tid = event_number(event, "pid");

	fprintf(file, "\"task_new\",\"task\":%d,\"pid\":%d", tid,
		table_get(&scope->tasks, tid)->pid);
}

/**
 * json_event() - write an event
 * @file: the trace file.
 * @scope: who is called what.
 * @event: the event, one of the module or of the scheduler.
 */
void json_event(FILE *file, struct scope *scope, const struct event *event)
{
	fprintf(file, "{\"t\":%llu,\"cpu\":%d,\"tid\":%d,\"comm\":", event->time, event->cpu,
		event->tid);
	put_string(file, scope_comm(scope, event->tid));
	fputs(",\"e\":", file);
	if (event_is(event, "sched_switch")) {
		put_switch(file, event);
	} else if (event_is(event, "task_newtask")) {
		put_new_task(file, scope, event);
	} else if (!event_is_of_chan(event)) {
		put_wakeup(file, event);
	} else {
		put_string(file, event->type->name);
		put_fields(file, event);
	}
	fputs("}\n", file);
}
