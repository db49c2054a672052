// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checks histories against the model.
 */
#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "report.h"

static const char usage_text[] =
	"usage: checker [OPTION...] [FILE...]\n"
	"\n"
	"Reads histories of channels (history.h describes the text) from files, or from standard\n"
	"input, and says whether each can be explained by channels on which one thing happens\n"
	"at a time (model.h describes these).\n"
	"\n"
	"The last line is \"N histories of M operations: all linearizable\", or how many are not.\n"
	"Of the first that is not, the shortest part that cannot be explained is shown before.\n"
	"\n"
	"  -a         go on after a history that is not linearizable\n"
	"  -k FILE    where to keep the first such history\n"
	"  -n N       expect so many histories: it is an error if there are fewer\n"
	"  -p         show progress on standard error\n"
	"  -v         show how often operations have ended how, and the largest set of states\n"
	"  -h         this text\n"
	"\n"
	"Exit status: 0 if all are linearizable; 1 if one is not; 2 if it is no history, if there\n"
	"is none, or for wrong usage; 3 if for one there are too many states to look at.\n";

static struct {
	bool all;
	bool progress;
	bool verbose;
	const char *keep;
	unsigned long expected;
} options;

static struct {
	unsigned long histories;
	unsigned long operations;
	unsigned long wrong;
	unsigned long undecided;
} total;

static void keep(const struct text *text)
{
	int fd = open(options.keep, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	if (fd < 0)
		err(2, "%s", options.keep);
	text_copy(text, fd);
	close(fd);
}

static void on_wrong(const struct text *text, const struct check *check)
{
	if (!total.wrong++) {
		report(stdout, text, check);
		if (options.keep)
			keep(text);
	}
}

static void show_progress(void)
{
	if (options.progress && total.histories % 500 == 0)
		fprintf(stderr, "\rchecked %lu histories", total.histories);
}

/* False: that is enough. */
static bool check_next(struct text *text, struct check *check)
{
	static struct history h;

	if (!read_history(text, &h))
		return false;
	total.histories++;
	total.operations += h.n_ops;
	count_outcomes(&h);
	switch (check_history(check, &h)) {
	case LINEARIZABLE:
		break;
	case NOT_LINEARIZABLE:
		on_wrong(text, check);
		break;
	case UNDECIDED:
		total.undecided++;
		printf("history %llu (seed %llu): more than %d states\n", h.number, h.seed,
		       MAX_STATES);
		break;
	}
	show_progress();
	return options.all || !total.wrong;
}

static void check_all(int fd, const char *name, struct check *check)
{
	struct text *text = text_of(fd, name);

	while (check_next(text, check))
		;
}

static void check_file(const char *name, struct check *check)
{
	int fd = open(name, O_RDONLY);

	if (fd < 0)
		err(2, "%s", name);
	check_all(fd, name, check);
	close(fd);
}

static int conclude(const struct check *check)
{
	if (options.progress)
		fprintf(stderr, "\r\033[K");
	if (options.verbose) {
		show_outcomes(stdout);
		printf("at most %u states at an event\n", check->most);
	}
	printf("%lu histories of %lu operations: ", total.histories, total.operations);
	if (total.wrong)
		printf("%lu not linearizable\n", total.wrong);
	else if (total.undecided)
		printf("%lu undecided\n", total.undecided);
	else
		puts(total.histories ? "all linearizable" : "nothing to check");
	if (total.wrong)
		return 1;
	if (!total.histories || total.histories < options.expected) {
		warnx("%lu histories are missing",
		      total.histories ? options.expected - total.histories : 1);
		return 2;
	}
	return total.undecided ? 3 : 0;
}

static unsigned long to_number(const char *arg)
{
	char *end;
	unsigned long n = strtoul(arg, &end, 10);

	if (end == arg || *end)
		errx(2, "not a number: %s", arg);
	return n;
}

int main(int argc, char **argv)
{
	static struct check check;
	int opt;

	while ((opt = getopt(argc, argv, "ak:n:pvh")) != -1) {
		switch (opt) {
		case 'a':
			options.all = true;
			break;
		case 'k':
			options.keep = optarg;
			break;
		case 'n':
			options.expected = to_number(optarg);
			break;
		case 'p':
			options.progress = true;
			break;
		case 'v':
			options.verbose = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return 0;
		default:
			fputs(usage_text, stderr);
			return 2;
		}
	}
	if (optind == argc)
		check_all(STDIN_FILENO, "standard input", &check);
	for (; optind < argc && (options.all || !total.wrong); optind++)
		check_file(argv[optind], &check);
	return conclude(&check);
}
