/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters and histograms of the module and of named channels.
 */
#ifndef METRICS_H
#define METRICS_H

#include <stdbool.h>

#include "explain.h"

enum exit_status print_metrics(void);
enum exit_status print_summary(bool header);
enum exit_status record_waits(const char *name);

#endif /* METRICS_H */
