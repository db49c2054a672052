// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client asks, with up to WINDOW questions in flight, and checks every answer.  It knows
 * them beforehand, because it multiplies primes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "switchboard.h"

static const uint16_t primes[] = {
	2, 3, 5, 7, 11, 13, 17, 401, 409, 419, 421, 431, 433, 439, 443, 449, 457, 461, 463,
};

#define NPRIMES		(sizeof(primes) / sizeof(*primes))

/* The question of this number, answered. */
static struct question compose(unsigned int client, unsigned int number)
{
	uint64_t p = primes[(client + number) % NPRIMES];
	uint64_t q = primes[(client + number / NPRIMES) % NPRIMES];

	return (struct question){ .number = number, .n = p * q, .divisor = p < q ? p : q };
}

static bool send_question(int fd, unsigned int client, unsigned int number)
{
	struct question question = compose(client, number);

	question.divisor = 0;
	if (send(fd, &question, sizeof(question), MSG_NOSIGNAL) == sizeof(question))
		return true;
	complain("client %u: cannot ask: %s", client, strerror(errno));
	return false;
}

static bool recv_answer(int fd, unsigned int client, struct question *answer)
{
	ssize_t n = recv(fd, answer, sizeof(*answer), MSG_WAITALL);

	if (n == sizeof(*answer))
		return true;
	complain("client %u: no answer: %s", client,
		 n < 0 ? strerror(errno) : "the server has hung up");
	return false;
}

static bool is_right(unsigned int client, const struct question *answer,
		     unsigned int questions, bool *answered)
{
	unsigned int number = answer->number;
	struct question right = compose(client, number);

	if (number >= questions || answered[number]) {
		complain("client %u: the answer to question %u was not awaited", client, number);
		return false;
	}
	answered[number] = true;
	if (answer->n == right.n && answer->divisor == right.divisor)
		return true;
	complain("client %u: question %u: %llu is not the smallest divisor of %llu", client,
		 number, (unsigned long long)answer->divisor, (unsigned long long)right.n);
	return false;
}

static bool converse(int fd, unsigned int client, unsigned int questions, bool *answered)
{
	unsigned int asked = 0, heard = 0;
	struct question answer;

	while (heard < questions) {
		if (asked < questions && asked - heard < WINDOW) {
			if (!send_question(fd, client, asked++))
				return false;
			continue;
		}
		if (!recv_answer(fd, client, &answer) ||
		    !is_right(client, &answer, questions, answered))
			return false;
		heard++;
	}
	return true;
}

int ask(const struct address *address, unsigned int client, unsigned int questions)
{
	bool *answered = calloc(questions, sizeof(*answered));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good;

	if (!answered || fd < 0 ||
	    connect(fd, (const struct sockaddr *)&address->name, address->len)) {
		complain("client %u: cannot connect: %s", client, strerror(errno));
		return 1;
	}
	good = converse(fd, client, questions, answered);
	close(fd);
	free(answered);
	return good ? 0 : 1;
}
