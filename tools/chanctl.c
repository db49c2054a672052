// SPDX-License-Identifier: GPL-2.0-only
/*
 * chanctl: named channels from the command line.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>
#include <kchan.h>
#include <linux/chan.h>

#include "explain.h"
#include "list.h"
#include "metrics.h"

#define NSEC_PER_SEC	1000000000LL

static const char help[] =
"Usage: chanctl COMMAND [OPTION]... [ARGUMENT]...\n"
"\n"
"Make and use channels that have a name.  NAME is the name of a channel, which is\n"
"a device /dev/chan/NAME, or chanN for /dev/chanN, or a path.\n"
"\n"
"chanctl make [OPTION]... [NAME]\n"
"    Make a channel and print the path of its node.  Without NAME the kernel\n"
"    chooses chanN.  It stays until it is removed.\n"
"      --elem-size N   bytes of an element, or the most of a message\n"
"                      (default 1, with --message 4096)\n"
"      --cap N         elements that it buffers (default 0: unbuffered, so that\n"
"                      each send waits for its receive)\n"
"      --message       elements keep their own length\n"
"      --autoclose     close it when the last process that had it open for\n"
"                      sending, or the last for receiving, closes or exits\n"
"      --mode OCTAL    permissions of the node, less the umask (default 0600)\n"
"    N may end in K, M or G for 2^10, 2^20 or 2^30.\n"
"\n"
"chanctl remove NAME...\n"
"    Remove channels, by their names without a path.  Who uses them gets an error.\n"
"\n"
"chanctl close NAME...\n"
"    Close channels: no more sends; what they buffer can still be received.\n"
"\n"
"chanctl send [OPTION]... NAME [DATA]\n"
"    Send DATA as one element; without DATA or with - all of standard input.\n"
"      --hex           DATA is hexadecimal digits, two a byte; blanks are skipped\n"
"      --timeout S     give up after S seconds, which may have a fraction\n"
"      --try           give up at once\n"
"\n"
"chanctl recv [OPTION]... NAME\n"
"    Receive an element and write it to standard output as it is.\n"
"      --count N       receive N elements (default 1)\n"
"      --all           receive until the channel is closed and drained\n"
"      --hex           write hexadecimal digits, one element a line\n"
"      --newline       write a newline after each element\n"
"      --timeout S     give up S seconds after the start\n"
"      --try           give up as soon as there is nothing to receive\n"
"\n"
"chanctl ls [--no-header]\n"
"    List the named channels.  Columns are separated by blanks; more may be added\n"
"    at the end in time:\n"
"      PATH       of the node\n"
"      NODE       chanN, its directory in /sys/class/chan\n"
"      KIND       fixed or message\n"
"      ELEM_SIZE  bytes of an element, or the most of a message\n"
"      CAP        elements that it can buffer\n"
"      LEN        elements that it buffers now\n"
"      STATE      open or closed\n"
"      RECVQ      receivers that wait now\n"
"      SENDQ      senders that wait now\n"
"      OWNER      user id of the maker\n"
"      MODE       permissions of the node; - if it is not to be seen\n"
"\n"
"chanctl info NAME...\n"
"    Print everything about channels as \"key: value\" lines, an empty line between\n"
"    two channels.  Does not open them, so it has no effect on --autoclose.\n"
"\n"
"chanctl metrics\n"
"    Print what the module and its named channels count, and how long calls wait,\n"
"    as OpenMetrics text for Prometheus.\n"
"\n"
"chanctl metrics --summary [--no-header]\n"
"    Print how long calls wait, in seconds.  Columns are separated by blanks; more\n"
"    may be added at the end in time:\n"
"      CHANNEL    its name; * for all channels, also those without a name\n"
"      WAIT       recvq or sendq; for all channels what waited (recv, send, select),\n"
"                 a slash, and how it ended (ready, timeout, signal,\n"
"                 deadlock)\n"
"      COUNT      waits that have ended\n"
"      P50        half of them took no longer, and likewise\n"
"      P95, P99   95 and 99 percent; - if COUNT is 0; >S if longer than S\n"
"    Quantiles are computed from buckets: they are off by less than a factor of two.\n"
"    Only channels that record their waits are listed:\n"
"\n"
"chanctl metrics --record NAME...\n"
"    Have channels record how long calls wait for them, until they are removed.\n"
"    For root only.\n"
"\n"
"chanctl --help\n"
"    Print this.\n"
"\n"
"After -- nothing is taken for an option: chanctl send jobs -- --all\n"
"\n"
"Exit status:\n"
"    0  done; recv: received as many as asked for, or with --all until the end\n"
"    1  error\n"
"    2  wrong usage\n"
"    3  send: the channel is closed; recv: closed and drained before --count\n"
"    4  send, recv: it would have had to wait, or the time was up\n"
"\n"
"Examples:\n"
"    chanctl make --message --cap 16 jobs\n"
"    chanctl send jobs \"build the docs\"\n"
"    while job=$(chanctl recv jobs); do echo \"doing: $job\"; done\n"
"    chanctl close jobs; chanctl recv --all --newline jobs; chanctl remove jobs\n"
"    chanctl make --elem-size 8 ticks; chanctl send --hex ticks 0100000000000000\n"
"    chanctl metrics --record jobs; chanctl metrics --summary\n";

/* What the options of all commands come to. */
struct options {
	struct wish wish;
	unsigned int flags;
	mode_t mode;
	size_t count;
	bool all;
	bool hex;
	bool newline;
	bool header;
	bool summary;
	bool record;
	bool try;
	bool timed;
	struct timespec deadline;
};

struct command {
	const char *name;
	const char *options;
	int least_args;
	int most_args;
	enum exit_status (*run)(struct options *opts, int argc, char **argv);
};

static enum exit_status misuse(const char *what, const char *arg)
{
	complain("%s%s; see \"chanctl --help\"", what, arg);
	return USAGE;
}

/* ---- arguments ---- */

static bool parse_size(const char *arg, size_t *value)
{
	static const char suffixes[] = "KMG";
	unsigned long long n;
	const char *suffix;
	char *end;

	errno = 0;
	n = strtoull(arg, &end, 10);
	if (!isdigit((unsigned char)*arg) || errno)
		return false;
	if (*end) {
		unsigned int shift;

		suffix = strchr(suffixes, toupper((unsigned char)*end));
		if (!suffix || end[1])
			return false;
		shift = 10 * (suffix - suffixes + 1);
		if (n > ULLONG_MAX >> shift)
			return false;
		n <<= shift;
	}
	*value = n;
	return *value == n;
}

static bool parse_mode(const char *arg, mode_t *mode)
{
	unsigned long n;
	char *end;

	n = strtoul(arg, &end, 8);
	*mode = n;
	return isdigit((unsigned char)*arg) && !*end && n <= 0777;
}

static bool parse_timeout(const char *arg, struct timespec *deadline)
{
	double seconds;
	char *end;

	seconds = strtod(arg, &end);
	if (end == arg || *end || !(seconds >= 0 && seconds < 1e9))
		return false;
	clock_gettime(CLOCK_MONOTONIC, deadline);
	deadline->tv_sec += (time_t)seconds;
	deadline->tv_nsec += (seconds - (time_t)seconds) * NSEC_PER_SEC;
	if (deadline->tv_nsec >= NSEC_PER_SEC) {
		deadline->tv_nsec -= NSEC_PER_SEC;
		deadline->tv_sec++;
	}
	return true;
}

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "elem-size", required_argument, NULL, 'e' },
	{ "cap", required_argument, NULL, 'c' },
	{ "message", no_argument, NULL, 'm' },
	{ "autoclose", no_argument, NULL, 'a' },
	{ "mode", required_argument, NULL, 'p' },
	{ "hex", no_argument, NULL, 'x' },
	{ "timeout", required_argument, NULL, 't' },
	{ "try", no_argument, NULL, 'y' },
	{ "count", required_argument, NULL, 'n' },
	{ "all", no_argument, NULL, 'A' },
	{ "newline", no_argument, NULL, 'l' },
	{ "no-header", no_argument, NULL, 'H' },
	{ "summary", no_argument, NULL, 'S' },
	{ "record", no_argument, NULL, 'R' },
	{}
};

/* Returns false if the argument is bad. */
static bool set_option(struct options *opts, int opt)
{
	switch (opt) {
	case 'e':
		return parse_size(optarg, &opts->wish.elem_size);
	case 'c':
		return parse_size(optarg, &opts->wish.cap);
	case 'm':
		opts->flags |= KCHAN_MESSAGE;
		break;
	case 'a':
		opts->flags |= KCHAN_AUTOCLOSE;
		break;
	case 'p':
		return parse_mode(optarg, &opts->mode);
	case 'x':
		opts->hex = true;
		break;
	case 't':
		opts->timed = true;
		return parse_timeout(optarg, &opts->deadline);
	case 'y':
		opts->try = true;
		break;
	case 'n':
		return parse_size(optarg, &opts->count) && opts->count;
	case 'A':
		opts->all = true;
		break;
	case 'l':
		opts->newline = true;
		break;
	case 'H':
		opts->header = false;
		break;
	case 'S':
		opts->summary = true;
		break;
	case 'R':
		opts->record = true;
		break;
	}
	return true;
}

static const char *option_name(int opt)
{
	const struct option *o;

	for (o = long_options; o->name; o++)
		if (o->val == opt)
			break;
	return o->name;
}

/* DONE to go on. */
static enum exit_status parse_options(const struct command *command, struct options *opts,
				      int argc, char **argv)
{
	int opt;

	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (opt == '?')
			return misuse("these options make no sense", "");
		if (!strchr(command->options, opt)) {
			complain("%s takes no --%s; see \"chanctl --help\"", command->name,
				 option_name(opt));
			return USAGE;
		}
		if (!set_option(opts, opt)) {
			complain("--%s does not take \"%s\"; see \"chanctl --help\"",
				 option_name(opt), optarg);
			return USAGE;
		}
	}
	if (opts->try && opts->timed)
		return misuse("--try and --timeout exclude each other", "");
	return DONE;
}

/* ---- make, remove, close ---- */

static enum exit_status print_path(int ch)
{
	struct chan_info info = { .size = sizeof(info) };
	char room[PATH_ROOM];

	if (ioctl(ch, CHAN_IOC_INFO, &info) < 0) {
		complain("cannot ask for the name: %s", strerror(errno));
		return FAILED;
	}
	puts(node_path(info.name, room));
	return DONE;
}

static enum exit_status do_make(struct options *opts, int argc, char **argv)
{
	struct wish *wish = &opts->wish;
	enum exit_status status;
	int ch;

	wish->name = argc ? argv[0] : NULL;
	if (wish->elem_size == SIZE_MAX)
		wish->elem_size = opts->flags & KCHAN_MESSAGE ? 4096 : 1;
	ch = kchan_make_named(wish->name, wish->elem_size, wish->cap, opts->flags, opts->mode);
	if (ch < 0)
		return explain_make(wish);
	status = print_path(ch);
	close(ch);
	return status;
}

static enum exit_status do_remove(struct options *opts, int argc, char **argv)
{
	enum exit_status status = DONE;
	int i;

	(void)opts;
	for (i = 0; i < argc; i++)
		if (kchan_remove(argv[i]))
			status = explain_remove(argv[i]);
	return status;
}

static enum exit_status close_one(const char *name)
{
	enum exit_status status = DONE;
	int ch = kchan_open(name, O_WRONLY);

	if (ch < 0)
		return explain_open(name, "for sending, which closing needs");
	if (kchan_close(ch)) {
		explain_transfer(name, ch, 0);
		status = FAILED;
	}
	close(ch);
	return status;
}

static enum exit_status do_close(struct options *opts, int argc, char **argv)
{
	enum exit_status status = DONE;
	int i;

	(void)opts;
	for (i = 0; i < argc; i++)
		if (close_one(argv[i]) != DONE)
			status = FAILED;
	return status;
}

/* ---- send ---- */

/* Some bytes that were allocated. */
struct bytes {
	char *data;
	size_t len;
};

static bool read_all(FILE *f, struct bytes *bytes)
{
	size_t room = 0;
	size_t n;

	do {
		if (bytes->len == room) {
			char *more;

			room = room ? 2 * room : 4096;
			more = realloc(bytes->data, room);
			if (!more)
				return false;
			bytes->data = more;
		}
		n = fread(bytes->data + bytes->len, 1, room - bytes->len, f);
		bytes->len += n;
	} while (n);
	return !ferror(f);
}

static bool get_data(const char *arg, struct bytes *bytes)
{
	if (!arg || !strcmp(arg, "-"))
		return read_all(stdin, bytes);
	bytes->data = strdup(arg);
	bytes->len = strlen(arg);
	return bytes->data;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *p = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return p ? p - digits : -1;
}

/* In place.  Returns false if this is not hexadecimal. */
static bool decode_hex(struct bytes *bytes)
{
	size_t i, digits = 0;

	for (i = 0; i < bytes->len; i++) {
		char *to = &bytes->data[digits / 2];
		int digit = hex_digit(bytes->data[i]);

		if (isspace((unsigned char)bytes->data[i]))
			continue;
		if (digit < 0)
			return false;
		*to = digits++ % 2 ? *to << 4 | digit : digit;
	}
	bytes->len = digits / 2;
	return digits % 2 == 0;
}

static int send_one(const struct options *opts, int ch, const struct bytes *bytes)
{
	if (opts->try)
		return kchan_try_send(ch, bytes->data, bytes->len);
	return kchan_send_until(ch, bytes->data, bytes->len, opts->timed ? &opts->deadline : NULL);
}

static enum exit_status send_to(const struct options *opts, const char *name,
				const struct bytes *bytes)
{
	enum exit_status status = DONE;
	int ch = kchan_open(name, O_WRONLY);

	if (ch < 0)
		return explain_open(name, "for sending");
	if (send_one(opts, ch, bytes))
		status = explain_transfer(name, ch, bytes->len);
	close(ch);
	return status;
}

static enum exit_status do_send(struct options *opts, int argc, char **argv)
{
	enum exit_status status = FAILED;
	struct bytes bytes = {};

	if (!get_data(argc > 1 ? argv[1] : NULL, &bytes))
		complain("cannot read the data: %s", strerror(errno));
	else if (opts->hex && !decode_hex(&bytes))
		status = misuse("the data are not pairs of hexadecimal digits", "");
	else
		status = send_to(opts, argv[0], &bytes);
	free(bytes.data);
	return status;
}

/* ---- recv ---- */

static int recv_one(const struct options *opts, int ch, struct bytes *bytes, size_t room)
{
	if (opts->try)
		return kchan_try_recv_msg(ch, bytes->data, room, &bytes->len);
	return kchan_recv_msg_until(ch, bytes->data, room, &bytes->len,
				    opts->timed ? &opts->deadline : NULL);
}

/* Written out at once, because it is in no channel any more. */
static bool print_element(const struct options *opts, const struct bytes *bytes)
{
	size_t i;

	if (opts->hex)
		for (i = 0; i < bytes->len; i++)
			printf("%02x", (unsigned char)bytes->data[i]);
	else
		fwrite(bytes->data, 1, bytes->len, stdout);
	if (opts->hex || opts->newline)
		putchar('\n');
	return !fflush(stdout) && !ferror(stdout);
}

static enum exit_status recv_from(const struct options *opts, const char *name, int ch,
				  struct bytes *bytes, size_t room)
{
	size_t done;

	for (done = 0; opts->all || done < opts->count; done++) {
		int ret = recv_one(opts, ch, bytes, room);

		if (ret < 0)
			return explain_transfer(name, ch, room);
		if (!ret)
			return opts->all ? DONE : CLOSED;
		if (!print_element(opts, bytes)) {
			complain("an element was received and cannot be written: %s",
				 strerror(errno));
			return FAILED;
		}
	}
	return DONE;
}

static enum exit_status recv_with_room(const struct options *opts, const char *name, int ch)
{
	struct chan_info info = { .size = sizeof(info) };
	enum exit_status status;
	struct bytes bytes;

	if (ioctl(ch, CHAN_IOC_INFO, &info) < 0)
		return explain_transfer(name, ch, 0);
	/* One byte more, so that an empty element has an address too. */
	bytes.data = malloc(info.elem_size + 1UL);
	if (!bytes.data) {
		complain("no memory for an element of %u bytes", info.elem_size);
		return FAILED;
	}
	status = recv_from(opts, name, ch, &bytes, info.elem_size);
	free(bytes.data);
	return status;
}

static enum exit_status do_recv(struct options *opts, int argc, char **argv)
{
	enum exit_status status;
	int ch;

	(void)argc;
	ch = kchan_open(argv[0], O_RDONLY);
	if (ch < 0)
		return explain_open(argv[0], "for receiving");
	status = recv_with_room(opts, argv[0], ch);
	close(ch);
	return status;
}

/* ---- ls and info ---- */

static enum exit_status do_ls(struct options *opts, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return list_channels(opts->header);
}

static enum exit_status do_info(struct options *opts, int argc, char **argv)
{
	enum exit_status status = DONE;
	int i;

	(void)opts;
	for (i = 0; i < argc; i++) {
		if (i)
			putchar('\n');
		if (print_info(argv[i]) != DONE)
			status = FAILED;
	}
	return status;
}

/* ---- metrics ---- */

static enum exit_status record_all(int argc, char **argv)
{
	enum exit_status status = DONE;
	int i;

	for (i = 0; i < argc; i++)
		if (record_waits(argv[i]) != DONE)
			status = FAILED;
	return status;
}

static enum exit_status do_metrics(struct options *opts, int argc, char **argv)
{
	if (opts->record && opts->summary)
		return misuse("--record and --summary exclude each other", "");
	if (!opts->header && !opts->summary)
		return misuse("--no-header goes with --summary only", "");
	if (opts->record)
		return argc ? record_all(argc, argv) : misuse("--record needs a NAME", "");
	if (argc)
		return misuse("a NAME goes with --record only: ", argv[0]);
	return opts->summary ? print_summary(opts->header) : print_metrics();
}

/* ---- main ---- */

static const struct command commands[] = {
	{ "make", "ecmap", 0, 1, do_make },
	{ "remove", "", 1, INT_MAX, do_remove },
	{ "close", "", 1, INT_MAX, do_close },
	{ "send", "xty", 1, 2, do_send },
	{ "recv", "nAxlty", 1, 1, do_recv },
	{ "ls", "H", 0, 0, do_ls },
	{ "info", "", 1, INT_MAX, do_info },
	{ "metrics", "HSR", 0, INT_MAX, do_metrics },
	{}
};

static const struct command *find_command(const char *name)
{
	const struct command *command;

	for (command = commands; command->name; command++)
		if (!strcmp(command->name, name))
			return command;
	return NULL;
}

static bool wants_help(int argc, char **argv)
{
	int i;

	if (argc > 1 && !strcmp(argv[1], "help"))
		return true;
	for (i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help"))
			return true;
	return false;
}

static enum exit_status run(const struct command *command, int argc, char **argv)
{
	struct options opts = {
		.wish.elem_size = SIZE_MAX,
		.mode = 0600,
		.count = 1,
		.header = true,
	};
	enum exit_status status;

	status = parse_options(command, &opts, argc, argv);
	if (status != DONE)
		return status;
	argc -= optind;
	argv += optind;
	if (argc < command->least_args)
		return misuse("an argument is missing for ", command->name);
	if (argc > command->most_args)
		return misuse("there are too many arguments for ", command->name);
	return command->run(&opts, argc, argv);
}

int main(int argc, char **argv)
{
	const struct command *command;
	enum exit_status status;

	if (wants_help(argc, argv)) {
		fputs(help, stdout);
		return DONE;
	}
	if (argc < 2)
		return misuse("a command is missing", "");
	command = find_command(argv[1]);
	if (!command)
		return misuse("there is no command ", argv[1]);
	/* What getopt_long() begins its complaints with. */
	argv[1] = "chanctl";
	status = run(command, argc - 1, argv + 1);
	if (fflush(stdout) && status == DONE) {
		complain("cannot write the output: %s", strerror(errno));
		return FAILED;
	}
	return status;
}
