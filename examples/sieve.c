// SPDX-License-Identifier: GPL-2.0-only
/*
 * The prime sieve with which Go introduces channels: a generator sends 2, 3, 4, ... to
 * a chain of filters, one goroutine for each prime found so far, which pass on what
 * their prime does not divide.  What comes out at the end is the next prime.
 *
 * Go lets all of this vanish with the process.  Here it is torn down: main closes the
 * last channel, whose sender thereby fails, closes the channel before it, and so on
 * to the generator.  A channel's descriptor belongs to the goroutine that sends on it.
 */
#define KCHAN_SHORT_NAMES
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <kchan.h>

static const char help[] =
"Usage: sieve [N]\n"
"\n"
"Print the first N primes (default 100), found by N + 1 goroutines that are\n"
"connected by unbuffered channels.  Each takes a thread and a descriptor.\n";

/* A link of the chain: what its goroutine receives on, sends on, and sieves by. */
struct link {
	int in;
	int out;
	uint64_t prime;
};

static struct kchan_wg running;

static void die(const char *what)
{
	fprintf(stderr, "sieve: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int make_channel(void)
{
	int ch = kchan_make(sizeof(uint64_t), 0, 0);

	if (ch < 0)
		die("cannot make a channel");
	return ch;
}

static void generate(void *arg)
{
	struct link *link = arg;
	uint64_t n = 2;

	while (!kchan_send(link->out, &n, sizeof(n)))
		n++;
	close(link->out);
	free(link);
	kchan_wg_done(&running);
}

static void filter(void *arg)
{
	struct link *link = arg;
	uint64_t n;

	while (kchan_recv(link->in, &n, sizeof(n)) > 0)
		if (n % link->prime && kchan_send(link->out, &n, sizeof(n)))
			break;
	kchan_close(link->in);
	close(link->out);
	free(link);
	kchan_wg_done(&running);
}

/* A link that receives on @in and sends on a new channel; its goroutine frees it. */
static struct link *new_link(int in, uint64_t prime)
{
	struct link *link = malloc(sizeof(*link));

	if (!link)
		die("no memory");
	*link = (struct link){ .in = in, .out = make_channel(), .prime = prime };
	kchan_wg_add(&running, 1);
	return link;
}

static int start_generator(void)
{
	struct link *link = new_link(-1, 0);
	int out = link->out;

	if (go(generate, link) < 0)
		die("no more goroutines");
	return out;
}

static int start_filter(int in, uint64_t prime)
{
	struct link *link = new_link(in, prime);
	int out = link->out;

	if (go(filter, link) < 0)
		die("no more goroutines");
	return out;
}

static void print_primes(unsigned long count)
{
	int ch = start_generator();
	uint64_t prime;

	while (count--) {
		if (kchan_recv(ch, &prime, sizeof(prime)) != 1)
			die("cannot receive");
		printf("%llu\n", (unsigned long long)prime);
		ch = start_filter(ch, prime);
	}
	kchan_close(ch);
	if (kchan_wg_wait(&running))
		die("cannot wait");
}

static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	unsigned long count = 100;
	char *end = "";

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(help, stdout);
		return 0;
	}
	if (argc > 1)
		count = strtoul(argv[1], &end, 10);
	if (argc > 2 || *end || (argc > 1 && end == argv[1])) {
		fputs("See \"sieve --help\".\n", stderr);
		return 2;
	}
	allow_descriptors();
	if (kchan_wg_init(&running))
		die("cannot set up");
	print_primes(count);
	return fflush(stdout) ? 1 : 0;
}
