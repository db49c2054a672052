/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A command to a channel.
 */
#ifndef KCHAN_COMMAND_H
#define KCHAN_COMMAND_H

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

/*
 * ioctl(2), which takes any number of arguments and so puts them into memory first: a function
 * that does this takes as long as a quarter of what the module does for a short send.
 */
#if defined(__x86_64__) && !defined(__ILP32__)
/* Out of line, as otherwise the way of success saves registers for it. */
static __attribute__((noinline, cold)) int command_failed(int err)
{
	errno = err;
	return -1;
}

static inline int command(int ch, unsigned long cmd, void *arg)
{
	long ret;

	__asm__ volatile("syscall"
			 : "=a" (ret)
			 : "0" ((long)SYS_ioctl), "D" ((long)ch), "S" (cmd), "d" (arg)
			 : "rcx", "r11", "cc", "memory");
	return __builtin_expect(ret >= 0, 1) ? ret : command_failed(-ret);
}
#else
static inline int command(int ch, unsigned long cmd, void *arg)
{
	return ioctl(ch, cmd, arg);
}
#endif

#endif /* KCHAN_COMMAND_H */
