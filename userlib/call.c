// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Request and reply.
 */

#include "command.h"
#include "internal.h"

static __u32 to_size(size_t size)
{
	return size > UINT32_MAX ? UINT32_MAX : size;
}

static inline int run_call(int out, const void *req, size_t req_size, int in, void *rep,
			   size_t rep_size, const struct timespec *deadline)
{
	struct chan_call call = {
		.size = sizeof(call),
		.out = CHAN_CALL_HERE,
		.in = in,
		.req = (uintptr_t)req,
		.rep = (uintptr_t)rep,
		.req_size = to_size(req_size),
		.rep_size = to_size(rep_size),
	};
	int ret;

	call.deadline = CHAN_FOREVER;
	if (deadline && kchan_ns(deadline, &call.deadline))
		return -1;
	/* Once it is sent the kernel has said so in @call, and goes on where it was. */
	do {
		ret = command(out, CHAN_IOC_CALL, &call);
	} while (ret < 0 && errno == EINTR && call.flags & CHAN_CALL_SENT);
	return ret < 0 ? -1 : ret > 0;
}

KCHAN_API int kchan_call_until(int out, const void *req, size_t req_size, int in, void *rep,
			       size_t rep_size, const struct timespec *deadline)
{
	begin_blocking();
	return end_blocking(run_call(out, req, req_size, in, rep, rep_size, deadline));
}

KCHAN_API int kchan_call(int out, const void *req, size_t req_size, int in, void *rep,
			 size_t rep_size)
{
	begin_blocking();
	return end_blocking(run_call(out, req, req_size, in, rep, rep_size, NULL));
}
