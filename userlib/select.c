// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Select.
 */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

#include "command.h"
#include "internal.h"

/* The kernel reads and writes what the caller has. */
static_assert(sizeof(struct kchan_case) == sizeof(struct chan_case), "size of a case");
static_assert(offsetof(struct kchan_case, elem) == offsetof(struct chan_case, elem), "elem");
static_assert(offsetof(struct kchan_case, size) == offsetof(struct chan_case, size), "size");
static_assert(offsetof(struct kchan_case, ok) == offsetof(struct chan_case, ok), "ok");
static_assert(offsetof(struct kchan_case, len) == offsetof(struct chan_case, len), "len");
#if __SIZEOF_POINTER__ == 4 && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "struct kchan_case lacks a layout for this machine"
#endif
static_assert(KCHAN_SEND == CHAN_DIR_SEND && KCHAN_RECV == CHAN_DIR_RECV, "directions");

/* Every channel takes the command, so usually no descriptor has to be opened. */
static struct kchan_case *first_channel(struct kchan_case *cases, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (cases[i].ch >= 0)
			return &cases[i];
	return NULL;
}

static bool is_channel(int fd)
{
	return command(fd, CHAN_IOC_CAP, NULL) >= 0 || errno == EIDRM;
}

/* If it is no channel that took the command, nobody has said so in the case. */
static int blame(struct kchan_case *first)
{
	int err = errno;

	if ((err == ENOTTY || err == EBADF) && !is_channel(first->ch))
		first->ok = -err;
	return fail(err);
}

/* More than the kernel takes stays more than it takes. */
static __u32 min_u32(size_t n)
{
	return n < UINT32_MAX ? n : UINT32_MAX;
}

static int run_select(struct kchan_case *cases, size_t n, __u32 flags, __u64 deadline)
{
	struct kchan_case *first = first_channel(cases, n);
	struct chan_select select = {
		.size = sizeof(select),
		.flags = flags,
		.cases = (uintptr_t)cases,
		.n = min_u32(n),
		.deadline = deadline,
	};
	int ret;

	if (!first)
		return kchan_control(CHAN_IOC_SELECT, &select);
	ret = command(first->ch, CHAN_IOC_SELECT, &select);
	if (ret < 0)
		return blame(first);
	return ret;
}

KCHAN_API int kchan_select(struct kchan_case *cases, size_t n)
{
	begin_blocking();
	return end_blocking(run_select(cases, n, 0, CHAN_FOREVER));
}

KCHAN_API int kchan_try_select(struct kchan_case *cases, size_t n)
{
	return run_select(cases, n, CHAN_SELECT_TRY, 0);
}

KCHAN_API int kchan_select_until(struct kchan_case *cases, size_t n,
				 const struct timespec *deadline)
{
	__u64 ns;

	begin_blocking();
	if (kchan_deadline(deadline, &ns))
		return -1;
	return end_blocking(run_select(cases, n, 0, ns));
}
