// SPDX-License-Identifier: GPL-2.0-only
/* What the length of an element costs. */
#include "bench.h"

/* Operations in a block, so that all copy about as much. */
static unsigned int ops_for(unsigned int bytes)
{
	const unsigned int ops = (4U << 20) / (bytes + 4096);

	return ops > 200 ? 200 : ops;
}

static void measure(unsigned int bytes)
{
	const bool thorough = bytes != 64 && bytes != 32768;
	const struct bench unbuffered = {
		"payload", bytes, ops_for(bytes), bytes, .stretch = STREAM_STRETCH,
		.thorough = thorough,
	};
	const struct bench buffered = {
		"payload-buffered", bytes, ops_for(bytes), bytes, .thorough = thorough,
	};

	bench_unbuffered_payload(&unbuffered);
	bench_buffered_payload(&buffered);
}

void bench_payload(void)
{
	static const unsigned int sizes[] = {
		0, 8, 64, 512, 4096, 32768, 262144, 1048576,
	};
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		measure(sizes[i]);
}
