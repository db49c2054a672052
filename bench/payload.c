// SPDX-License-Identifier: GPL-2.0-only
/* What the length of an element costs. */
#include "bench.h"

#define MOST_BYTES	(1U << 20)

/* Operations in a block, so that all copy about as much. */
static unsigned int ops_for(unsigned int bytes)
{
	const unsigned int ops = (4U << 20) / (bytes + 4096);

	return ops > 500 ? 500 : ops;
}

static void measure(unsigned int bytes, bool thorough)
{
	const struct bench unbuffered = {
		"payload", bytes, ops_for(bytes), bytes, .thorough = thorough,
	};
	const struct bench buffered = {
		"payload-buffered", bytes, ops_for(bytes), bytes, .thorough = thorough,
	};

	bench_unbuffered_payload(&unbuffered);
	bench_buffered_payload(&buffered);
}

void bench_payload(void)
{
	unsigned int bytes;

	measure(0, true);
	for (bytes = 1; bytes <= MOST_BYTES; bytes *= 4)
		measure(bytes, bytes != 64 && bytes != 65536);
}
