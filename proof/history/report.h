/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a person is told of a check.
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdio.h>

#include "check.h"

void report(FILE *f, const struct text *text, const struct check *check);
void count_outcomes(const struct history *h);
void show_outcomes(FILE *f);

#endif /* REPORT_H */
