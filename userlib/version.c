// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the loaded module offers.
 */
#include "internal.h"

KCHAN_API int kchan_version(unsigned int *kernel_abi, unsigned long long *features)
{
	struct chan_query query = { .size = sizeof(query) };

	if (kchan_control(CHAN_IOC_QUERY, &query) < 0)
		return -1;
	if (kernel_abi)
		*kernel_abi = query.abi;
	if (features)
		*features = query.features;
	return 0;
}
