/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What can be made, and be there in numbers.
 */
#ifndef MAKE_H
#define MAKE_H

/**
 * struct kind - something with descriptors
 * @name: of the mechanism.
 * @make: makes one.
 * @fds: descriptors that it has.
 */
struct kind {
	const char *name;
	void (*make)(int fds[2]);
	unsigned int fds;
};

#define KINDS	5

extern const struct kind kinds[KINDS];

int *make_idle(const struct kind *kind, unsigned int n);
void dispose_idle(const struct kind *kind, int *fds, unsigned int n);

#endif /* MAKE_H */
