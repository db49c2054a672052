/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Running a command and recording what it does.
 */
#ifndef RECORD_H
#define RECORD_H

int record(int argc, char **argv);

#endif /* RECORD_H */
