/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What sysfs says about named channels.
 */
#ifndef LIST_H
#define LIST_H

#include <stdbool.h>

#include "explain.h"

enum exit_status list_channels(bool header);
enum exit_status print_info(const char *name);

#endif /* LIST_H */
