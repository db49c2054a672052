/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Channels: the interface between user space and the chan module.
 *
 * A channel is a file descriptor.  CHAN_IOC_MAKE on /dev/chanctl makes one;
 * opening a named one (/dev/chan/NAME, or /dev/chanN when the kernel chose the
 * name) yields another descriptor of the same channel.  Commands about a channel
 * are ioctls on its own descriptor, those about none or several on /dev/chanctl
 * too; read(2), write(2) and poll(2) work on a channel as well.  The semantics
 * are those of channels in the Go language specification: see
 * Documentation/abi.rst.
 *
 * How the structs grow.  CHAN_IOC_SEND and CHAN_IOC_RECV and their _UNTIL forms
 * take small fixed structs which never change.  All others begin with the size
 * in bytes of the struct that the caller was compiled with, at least 8 and at
 * most a page.  A shorter struct than the kernel's stands for one whose missing
 * fields are 0; a longer one is accepted as long as everything that this kernel
 * does not know is 0.  Where the struct is the reply, the kernel fills what fits,
 * and writes 0 to what it does not know.
 *
 * What an errno means, whatever the command:
 *
 *   EAGAIN     the operation would block, and was asked not to
 *   EDEADLK    all goroutines of the process wait for each other (CHAN_IOC_GO_DETECT)
 *   EBADF      not an open descriptor, or it does not grant this direction
 *   E2BIG      the struct is newer than the kernel, and uses what is new; or it
 *              is larger than a page
 *   EDQUOT     a limit of this user is reached (CHAN_IOC_QUERY shows them)
 *   EFAULT     a bad pointer; nothing was sent (by a call: unless it says so), and
 *              nothing was consumed but in the one case which counts as "lost"
 *              (struct chan_info)
 *   EIDRM      the channel was removed
 *   EINTR      a signal arrived before anything happened
 *   EINVAL     an unknown flag, a reserved field that is not 0, a bad name
 *   EMSGSIZE   the size does not suit the channel's elements
 *   ENOSPC     a limit of the module is reached (CHAN_IOC_QUERY shows them)
 *   ENOTTY     not a channel, or a command that this kernel does not know
 *   EPIPE      the channel is closed
 *   ETIMEDOUT  the deadline passed
 */
#ifndef _UAPI_LINUX_CHAN_H
#define _UAPI_LINUX_CHAN_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* The version of this interface; it grows when a command or a field is added. */
#define CHAN_ABI_VERSION	4

/* Longest name of a channel, in bytes, without the final NUL. */
#define CHAN_NAME_MAX		64

/* A channel without a device node. */
#define CHAN_NO_MINOR		(~(__u32)0)

/* No deadline: wait for ever.  As the time of a timer: it is stopped. */
#define CHAN_FOREVER		(~(__u64)0)

/* A case of a select that takes no part, as a nil channel in Go. */
#define CHAN_NIL		(-1)

/* Flags of a channel (struct chan_make, struct chan_info). */
#define CHAN_MESSAGE		(1U << 0) /* elements keep their own length */
#define CHAN_AUTOCLOSE		(1U << 1) /* closes with its last end */
#define CHAN_NAMED		(1U << 2) /* has a device node */
#define CHAN_TIMER		(1U << 3) /* yields times; struct chan_info only */

/* States of a channel (struct chan_info). */
#define CHAN_STATE_CLOSED	(1U << 0) /* no more sends */
#define CHAN_STATE_REMOVED	(1U << 1) /* the name and the contents are gone */

/* Flags of one send or receive. */
#define CHAN_XFER_TRY		(1U << 0) /* do not block */

/* Flags of several sends or receives, beside CHAN_XFER_TRY. */
#define CHAN_BATCH_UNTIL	(1U << 1) /* there is a deadline */

/* What a case of a select does. */
#define CHAN_DIR_SEND		1
#define CHAN_DIR_RECV		2

/* Flags of a select. */
#define CHAN_SELECT_TRY		(1U << 0) /* do not block: Go's default case */

/* Flags of a call. */
#define CHAN_CALL_SENT		(1U << 0) /* the request is sent: only receive */

/*
 * For @out of struct chan_call: the channel whose descriptor takes the command.  Neither -1 nor
 * a negated errno, lest a descriptor that was never opened be taken for it.
 */
#define CHAN_CALL_HERE		(-4096)

/* Flags of a timer. */
#define CHAN_TIMER_TICK		(1U << 0) /* periodic */

/* Longest name of a goroutine, in bytes, with the final NUL. */
#define CHAN_GO_NAME_MAX	48

/* The cases of its select which are told of a goroutine. */
#define CHAN_GO_CASES		8

/* States of a goroutine (struct chan_go_info), with Go's numbers. */
#define CHAN_GO_IDLE		0 /* about to be registered */
#define CHAN_GO_RUNNABLE	1 /* readied, and not yet back from its wait */
#define CHAN_GO_RUNNING		2
#define CHAN_GO_WAITING		4 /* parked on channels */
#define CHAN_GO_DEAD		6

/* Flags of struct chan_go. */
#define CHAN_GO_HELPER		(1U << 0) /* no goroutine, and never uses a channel */

/* Why a goroutine waits (struct chan_go_info). */
#define CHAN_REASON_RECV	0 /* chan receive */
#define CHAN_REASON_SEND	1 /* chan send */
#define CHAN_REASON_SELECT	2 /* select */
#define CHAN_REASON_SELECT_NONE	3 /* select (no cases) */

/* Flags of a goroutine (struct chan_go_info). */
#define CHAN_GO_BOUNDED		(1U << 0) /* what it waits for has a deadline or a timer */
#define CHAN_GO_LEAKED		(1U << 1) /* nobody can end its wait; see CHAN_GO_FIND_LEAKS */
#define CHAN_GO_DEADLOCKED	(1U << 2) /* this was its last wait, which ended with EDEADLK */

/* Flags of struct chan_go_list. */
#define CHAN_GO_FIND_LEAKS	(1U << 0) /* look who is leaked, in all processes */

/* Flags of struct chan_go_detect. */
#define CHAN_GO_DEADLOCK	(1U << 0) /* tell when all goroutines are asleep */

/* Features (struct chan_query). */
#define CHAN_FEATURE_MESSAGE	(1ULL << 0) /* CHAN_MESSAGE */
#define CHAN_FEATURE_AUTOCLOSE	(1ULL << 1) /* CHAN_AUTOCLOSE */
#define CHAN_FEATURE_NAMES	(1ULL << 2) /* CHAN_NAMED */
#define CHAN_FEATURE_SELECT	(1ULL << 3) /* CHAN_IOC_SELECT */
#define CHAN_FEATURE_CALL	(1ULL << 4) /* CHAN_IOC_CALL */
#define CHAN_FEATURE_TIMERS	(1ULL << 5) /* CHAN_IOC_MAKE_TIMER, _SET_TIMER */
#define CHAN_FEATURE_CLOSES	(1ULL << 6) /* closes of struct chan_make */
#define CHAN_FEATURE_GO		(1ULL << 7) /* CHAN_IOC_GO and CHAN_IOC_GO_* */
#define CHAN_FEATURE_BATCH	(1ULL << 8) /* CHAN_IOC_SEND_N, CHAN_IOC_RECV_N */

/**
 * struct chan_xfer - one send or receive
 * @addr: user address of the element, or of the room for it.  0 in a receive
 *	discards the element.
 * @size: bytes at @addr.  Fixed elements: exactly the channel's element size (a
 *	receive that discards may also say 0).  Messages: the length to send, or
 *	the room to receive into.
 * @flags: CHAN_XFER_TRY, or 0 to wait unless the descriptor is O_NONBLOCK.
 *
 * Argument of CHAN_IOC_SEND, which returns 0, and of CHAN_IOC_RECV, which
 * returns 0 if the channel is closed and drained (the room is then zeroed, as far
 * as an element could fill it), and otherwise 1 plus the length of the element
 * received.
 */
struct chan_xfer {
	__u64 addr;
	__u32 size;
	__u32 flags;
};

/**
 * struct chan_xfer_until - one send or receive with a deadline
 * @xfer: as without a deadline; its flags must be 0, and O_NONBLOCK is ignored.
 * @deadline: absolute CLOCK_MONOTONIC time in nanoseconds.  One that has passed
 *	means to try once.  CHAN_FOREVER means none.
 */
struct chan_xfer_until {
	struct chan_xfer xfer;
	__u64 deadline;
};

/**
 * struct chan_batch - several sends or receives of elements of fixed size
 * @size: sizeof(struct chan_batch).
 * @flags: CHAN_XFER_TRY or CHAN_BATCH_UNTIL, or 0 to wait unless the descriptor is
 *	O_NONBLOCK.
 * @elems: user address of an array of @n elements, or of the room for it.  0 in a receive
 *	discards the elements.
 * @n: how many elements, at most 2^31 - 1.  In a receive at least 1.
 * @elem_size: bytes of an element, which must be those of the channel's (EMSGSIZE).  0 does
 *	not ask.
 * @deadline: with CHAN_BATCH_UNTIL: absolute CLOCK_MONOTONIC time in nanoseconds, as in
 *	struct chan_xfer_until, of all the sends, or of the first receive; O_NONBLOCK is
 *	ignored.  Otherwise 0.
 *
 * Argument of CHAN_IOC_SEND_N and CHAN_IOC_RECV_N, which do what a write and a read of so many
 * elements do.  They are separate sends and receives: those of others may come in between.
 * SEND_N waits for each element if it has to, and returns how many it has sent: @n, or fewer
 * if after the first one there was an error, a signal, or nothing that could be done without
 * waiting when it may not, or no longer.  RECV_N waits for the first element only, takes of
 * the others those that are there, and returns how many it has received; or 0 if the channel
 * is closed and drained, with the room left alone.  EINVAL: also, the channel is one of
 * messages.
 */
struct chan_batch {
	__u32 size;
	__u32 flags;
	__u64 elems;
	__u32 n;
	__u32 elem_size;
	__u64 deadline;
};

/**
 * struct chan_make - make a channel
 * @size: sizeof(struct chan_make).
 * @flags: CHAN_MESSAGE, CHAN_AUTOCLOSE, CHAN_NAMED.
 * @fd_flags: of the descriptor returned: O_CLOEXEC, O_NONBLOCK.
 * @elem_size: bytes of an element; with CHAN_MESSAGE, the most it may have.
 * @cap: elements the channel buffers; 0 makes it unbuffered.
 * @name: with CHAN_NAMED: user address of a NUL-terminated name of 1 to
 *	CHAN_NAME_MAX characters out of [A-Za-z0-9._-], neither "." nor ".." nor
 *	"chan" followed by digits only.  0: the kernel picks "chanN".
 *	Without CHAN_NAMED: 0.
 * @mode: with CHAN_NAMED: permissions of the node, less the umask.
 *	Without CHAN_NAMED: 0.
 * @reserved: 0.
 * @closes: absolute CLOCK_MONOTONIC time in nanoseconds from which on the channel
 *	counts as closed, if nobody has closed it before.  0 or CHAN_FOREVER: never.
 *
 * The command returns a descriptor of the new channel that may send and
 * receive.  Errors: EEXIST (the name is taken), EPERM (a name is asked for
 * outside the initial user namespace), EDQUOT, ENOSPC, EMFILE, ENFILE, ENOMEM.
 */
struct chan_make {
	__u32 size;
	__u32 flags;
	__u32 fd_flags;
	__u32 elem_size;
	__u64 cap;
	__u64 name;
	__u32 mode;
	__u32 reserved;
	__u64 closes;
};

/**
 * struct chan_case - one case of a select
 * @ch: descriptor of a channel; a negative one is Go's nil channel: the case takes
 *	no part.
 * @dir: CHAN_DIR_SEND or CHAN_DIR_RECV.
 * @elem: user address of the element, or of the room for it.  0 in a receive
 *	discards the element.
 * @size: bytes at @elem, as @size of struct chan_xfer.
 * @ok: out, if this case was chosen: 1, or 0 for a receive from a channel that is
 *	closed and drained.  If the command failed because of this case: the errno,
 *	negative.  Otherwise left alone.
 * @pad: not looked at.
 * @len: out, if this case was chosen: bytes received (0 if closed) or sent.
 * @reserved: 0.
 */
struct chan_case {
	__s32 ch;
	__u32 dir;
	__u64 elem;
	__u64 size;
	__s32 ok;
	__u32 pad;
	__u64 len;
	__u64 reserved[2];
};

/**
 * struct chan_select - wait until one of several operations can proceed, and do it
 * @size: sizeof(struct chan_select).
 * @flags: CHAN_SELECT_TRY.
 * @cases: user address of @n struct chan_case, which must be writable.
 * @n: how many; at most @max_select_cases of struct chan_query (ENOSPC).  0, as well
 *	as none but nil cases, waits for nothing but the deadline.
 * @reserved: 0.
 * @deadline: absolute CLOCK_MONOTONIC time in nanoseconds.  One that has passed
 *	means to try once.  CHAN_FOREVER means none.  With CHAN_SELECT_TRY: 0.
 *
 * Returns the index of the case that was chosen: one of those that can proceed, each
 * with the same probability; or else the first that can.  Exactly that one has been
 * done, and the memory of the others was not touched.  EAGAIN (with CHAN_SELECT_TRY)
 * and ETIMEDOUT are given only if there was a moment at which none could proceed.
 * O_NONBLOCK is ignored.  EPIPE means that a send was chosen whose channel is closed.
 * EFAULT means that nothing was done, unless the memory of the chosen case was writable
 * when the command began and is not any more.
 */
struct chan_select {
	__u32 size;
	__u32 flags;
	__u64 cases;
	__u32 n;
	__u32 reserved;
	__u64 deadline;
};

/**
 * struct chan_call - send a request on one channel, then receive a reply on another
 * @size: sizeof(struct chan_call).
 * @flags: CHAN_CALL_SENT.  The kernel sets it when the command fails after the
 *	request was sent, and clears it when it succeeds; with it, the command only
 *	receives.
 * @out: descriptor of the channel to send on, or CHAN_CALL_HERE for the one that takes
 *	the command, which saves to look for it.
 * @in: descriptor of the channel to receive on, not the same channel (EINVAL).
 * @req: user address of the request.
 * @rep: user address of the room for the reply; 0 discards it.
 * @req_size: bytes at @req.
 * @rep_size: bytes at @rep.
 * @deadline: of both halves, as in struct chan_select.
 *
 * Returns as CHAN_IOC_RECV does.  The receive is queued before the receiver of the
 * request is woken.  O_NONBLOCK is ignored.  A call that a signal interrupts between
 * the halves is restarted with the second one, or fails with EFAULT if this struct is
 * not writable any more.
 */
struct chan_call {
	__u32 size;
	__u32 flags;
	__s32 out;
	__s32 in;
	__u64 req;
	__u64 rep;
	__u32 req_size;
	__u32 rep_size;
	__u64 deadline;
};

/**
 * struct chan_make_timer - make a timer channel
 * @size: sizeof(struct chan_make_timer).
 * @flags: CHAN_TIMER_TICK.
 * @fd_flags: of the descriptor returned: O_CLOEXEC, O_NONBLOCK.
 * @reserved: 0.
 * @when: absolute CLOCK_MONOTONIC time in nanoseconds; CHAN_FOREVER: stopped.
 * @period: with CHAN_TIMER_TICK: nanoseconds from one tick to the next, not 0.
 *	Otherwise 0.
 *
 * The command returns a descriptor that may receive only.  From @when on a receive
 * yields, once, an element of 8 bytes: the time in nanoseconds at which it was due,
 * on the receiver's CLOCK_MONOTONIC.  A ticker yields one for each period; those that
 * have not been received when the next one is due are dropped.  The channel has
 * capacity and length 0 and is never closed.
 */
struct chan_make_timer {
	__u32 size;
	__u32 flags;
	__u32 fd_flags;
	__u32 reserved;
	__u64 when;
	__u64 period;
};

/**
 * struct chan_set_timer - stop a timer channel or set it anew
 * @size: sizeof(struct chan_set_timer).
 * @flags: 0.
 * @when: as in struct chan_make_timer.
 * @period: of a ticker: nanoseconds, not 0 unless @when is CHAN_FOREVER.  Of another
 *	timer: not looked at.
 *
 * Returns 1 if the timer was active, which it is until its time has been received,
 * otherwise 0.  No time from before this command is received after it.  EINVAL: not
 * a timer channel.
 */
struct chan_set_timer {
	__u32 size;
	__u32 flags;
	__u64 when;
	__u64 period;
};

/**
 * struct chan_remove - remove a named channel
 * @size: sizeof(struct chan_remove).
 * @flags: 0.
 * @name: user address of the NUL-terminated name.
 *
 * Errors: ENOENT (no such name), EPERM (neither its owner nor CAP_FOWNER).
 */
struct chan_remove {
	__u32 size;
	__u32 flags;
	__u64 name;
};

/**
 * struct chan_dup - another descriptor of the same channel
 * @size: sizeof(struct chan_dup).
 * @fd_flags: O_RDONLY, O_WRONLY or O_RDWR, not more than the descriptor it is
 *	asked of grants; O_CLOEXEC, O_NONBLOCK.
 *
 * Unlike dup(2), the result is an open file description of its own.
 */
struct chan_dup {
	__u32 size;
	__u32 fd_flags;
};

/**
 * struct chan_info - what a channel is and what it has done
 * @size: sizeof(struct chan_info) of the caller; the kernel fills as much.
 * @flags: CHAN_MESSAGE, CHAN_AUTOCLOSE, CHAN_NAMED, CHAN_TIMER.
 * @id: number of the channel, unique as long as the module is loaded.
 * @cap: elements it can buffer.
 * @len: elements it buffers now.
 * @elem_size: bytes of an element, or the most of a message.
 * @state: CHAN_STATE_CLOSED, CHAN_STATE_REMOVED.
 * @minor: minor number of its node, the N of chanN; CHAN_NO_MINOR for an anonymous
 *	channel.
 * @owner: user id of the maker, as seen by the caller.
 * @receivers: open file descriptions that may receive, as AUTOCLOSE counts them.
 * @senders: open file descriptions that may send, as AUTOCLOSE counts them.
 * @recvq: receivers parked now.
 * @sendq: senders parked now.
 * @sends: elements sent.
 * @receives: elements received.
 * @handoffs: elements that went from a sender to a receiver without waiting in
 *	the buffer.
 * @recv_parks: how often a receiver parked, a select with several cases on each of
 *	its channels.
 * @send_parks: how often a sender parked, likewise.
 * @aborts: how often a signal, a deadline or a deadlock ended a park.
 * @lost: elements that were gone when their receiver's memory turned out to be
 *	unwritable although it was writable before.
 * @name: its name, NUL-terminated; empty for an anonymous channel.
 *
 * This command also answers for a removed channel.
 */
struct chan_info {
	__u32 size;
	__u32 flags;
	__u64 id;
	__u64 cap;
	__u64 len;
	__u32 elem_size;
	__u32 state;
	__u32 minor;
	__u32 owner;
	__u32 receivers;
	__u32 senders;
	__u32 recvq;
	__u32 sendq;
	__u64 sends;
	__u64 receives;
	__u64 handoffs;
	__u64 recv_parks;
	__u64 send_parks;
	__u64 aborts;
	__u64 lost;
	char name[CHAN_NAME_MAX + 8];
};

/**
 * struct chan_query - what this kernel offers, its limits, and their use
 * @size: sizeof(struct chan_query) of the caller; the kernel fills as much.
 * @abi: CHAN_ABI_VERSION of the kernel.
 * @features: CHAN_FEATURE_*.
 * @max_elem_size: module's limit on @elem_size of struct chan_make, bytes.
 * @max_cap: module's limit on @cap of struct chan_make, elements.
 * @max_ring_bytes: module's limit on the buffer of one channel, bytes.
 * @max_channels: module's limit on all channels.
 * @channels: how many there are.
 * @max_user_channels: limit on the channels one user has made.
 * @user_channels: how many the caller's user has made.
 * @max_user_names: limit on the names of one user.
 * @user_names: how many the caller's user has.
 * @max_user_bytes: limit on the bytes of one user in buffers and in elements
 *	that are under way.
 * @user_bytes: how many the caller's user has there.
 * @max_select_cases: module's limit on @n of struct chan_select.
 *
 * Works on /dev/chanctl and on every channel.  Each limit is a module parameter
 * of the same name in /sys/module/chan/parameters.
 */
struct chan_query {
	__u32 size;
	__u32 abi;
	__u64 features;
	__u64 max_elem_size;
	__u64 max_cap;
	__u64 max_ring_bytes;
	__u64 max_channels;
	__u64 channels;
	__u64 max_user_channels;
	__u64 user_channels;
	__u64 max_user_names;
	__u64 user_names;
	__u64 max_user_bytes;
	__u64 user_bytes;
	__u64 max_select_cases;
};

/**
 * struct chan_go - register the calling thread as a goroutine
 * @size: sizeof(struct chan_go).
 * @flags: CHAN_GO_HELPER, or 0.
 * @id: its number, not 0.  That no other goroutine of the process has it is up to the
 *	program.  0 for a helper.
 * @creator: number of the one that started it, or 0.
 * @name: of its function, NUL-terminated, cut to fit.
 *
 * The open file description is a runtime domain, for the threads of the process which
 * registers the first of them there.  A goroutine is registered until CHAN_IOC_GO_END,
 * until its thread exits or executes another program, or until the last descriptor of the
 * domain is closed.  Channels are used by registered and other threads alike.
 *
 * CHAN_GO_HELPER is for a thread that serves the runtime, and promises that it never uses,
 * passes on or closes the descriptor of a channel, starts neither thread nor process, and
 * cancels nobody.  It is not listed, and does not keep a process from being found asleep.  It is
 * a helper until it exits.
 *
 * Errors: EEXIST (the thread is a goroutine already, or a helper of this domain), EPERM (the
 * domain is another process's), EBUSY (the table of goroutines could not grow).
 * CHAN_IOC_GO_END fails with ESRCH if the thread is not registered there.
 */
struct chan_go {
	__u32 size;
	__u32 flags;
	__u64 id;
	__u64 creator;
	char name[CHAN_GO_NAME_MAX];
};

/**
 * struct chan_go_case - where a goroutine waits
 * @chan: number of the channel (@id of struct chan_info).
 * @dir: CHAN_DIR_SEND or CHAN_DIR_RECV.
 * @reserved: 0.
 */
struct chan_go_case {
	__u64 chan;
	__u32 dir;
	__u32 reserved;
};

/**
 * struct chan_go_info - a goroutine
 * @id: its number.
 * @creator: number of the one that started it, or 0.
 * @since: when it began to wait, CLOCK_MONOTONIC of the caller in nanoseconds; 0 if it does
 *	not wait.
 * @parks: how often it has parked.
 * @readies: how often another task has ended its wait.
 * @ip: where in user space it waits: the instruction behind the system call; 0 if it does
 *	not wait.
 * @tid: its thread, as the caller sees it.
 * @state: CHAN_GO_IDLE and so on.
 * @reason: CHAN_REASON_*; 0 if it does not wait.
 * @cases: how many cases it waits for; 0 if it does not wait.
 * @flags: CHAN_GO_BOUNDED and so on.
 * @reserved: 0.
 * @where: the first of them, in the order of the call, nil channels left out.
 * @name: of its function.
 */
struct chan_go_info {
	__u64 id;
	__u64 creator;
	__u64 since;
	__u64 parks;
	__u64 readies;
	__u64 ip;
	__s32 tid;
	__u32 state;
	__u32 reason;
	__u32 cases;
	__u32 flags;
	__u32 reserved;
	struct chan_go_case where[CHAN_GO_CASES];
	char name[CHAN_GO_NAME_MAX];
};

/**
 * struct chan_go_list - the goroutines of a domain
 * @size: sizeof(struct chan_go_list).
 * @entry_size: sizeof(struct chan_go_info) of the caller, a multiple of 8 up to 4096
 *	(EINVAL); the kernel fills as much of each, and writes 0 to what it does not know.
 * @entries: user address of an array of them; 0 if @room is 0.
 * @room: how many fit there.
 * @flags: CHAN_GO_FIND_LEAKS, or 0.
 *
 * The command returns how many there are, of which it has told the first @room, in the
 * order of their registration.  Errors: EPERM (the domain is another process's), EINTR,
 * EAGAIN (goroutines somewhere were too busy to say who is leaked).
 *
 * A goroutine is leaked if it waits without a deadline, and nobody is left who could end its
 * wait: all that refers to its channels are calls of goroutines that are leaked, and
 * descriptors of processes whose threads are all goroutines that are leaked.  See
 * Documentation/goroutines.rst for what cannot be seen, and is then not called leaked.
 */
struct chan_go_list {
	__u32 size;
	__u32 entry_size;
	__u64 entries;
	__u32 room;
	__u32 flags;
};

/**
 * struct chan_go_detect - what to look out for in a domain
 * @size: sizeof(struct chan_go_detect).
 * @flags: CHAN_GO_DEADLOCK, or 0 not to.
 *
 * With CHAN_GO_DEADLOCK, when every thread of the process is a goroutine that waits without
 * a deadline on channels to which nothing outside the process refers, and no signal handler
 * or timer could change that, their calls fail with EDEADLK.  The command makes a descriptor
 * a domain, as CHAN_IOC_GO does.  Errors: EPERM (the domain is another process's).
 */
struct chan_go_detect {
	__u32 size;
	__u32 flags;
};

/**
 * struct chan_go_stats - what a domain does
 * @size: sizeof(struct chan_go_stats) of the caller; the kernel fills as much.
 * @goroutines: how many are registered.
 * @runnable: how many of them have been readied, and are not yet back.
 * @running: how many neither wait on channels nor are to come back.
 * @waiting: how many are parked.
 * @looks: how often it was looked whether this is a deadlock.
 * @started: how many have been registered in all.
 * @parks: how often they parked in all, those that have ended included.
 * @readies: how often another task ended their wait, likewise.
 *
 * Errors: EPERM (the domain is another process's).
 */
struct chan_go_stats {
	__u32 size;
	__u32 goroutines;
	__u32 runnable;
	__u32 running;
	__u32 waiting;
	__u32 looks;
	__u64 started;
	__u64 parks;
	__u64 readies;
};

#define CHAN_IOC_MAGIC		0xC7

/* On /dev/chanctl. */
#define CHAN_IOC_MAKE		_IO(CHAN_IOC_MAGIC, 0x00) /* struct chan_make */
#define CHAN_IOC_REMOVE		_IO(CHAN_IOC_MAGIC, 0x01) /* struct chan_remove */
#define CHAN_IOC_MAKE_TIMER	_IO(CHAN_IOC_MAGIC, 0x03) /* struct chan_make_timer */
#define CHAN_IOC_GO		_IO(CHAN_IOC_MAGIC, 0x06) /* struct chan_go */
#define CHAN_IOC_GO_END		_IO(CHAN_IOC_MAGIC, 0x07) /* argument 0 */
#define CHAN_IOC_GO_LIST	_IO(CHAN_IOC_MAGIC, 0x08) /* struct chan_go_list */
#define CHAN_IOC_GO_DETECT	_IO(CHAN_IOC_MAGIC, 0x09) /* struct chan_go_detect */
#define CHAN_IOC_GO_STATS	_IO(CHAN_IOC_MAGIC, 0x0A) /* struct chan_go_stats */

/* On /dev/chanctl and on a channel. */
#define CHAN_IOC_QUERY		_IO(CHAN_IOC_MAGIC, 0x02) /* struct chan_query */
#define CHAN_IOC_SELECT		_IO(CHAN_IOC_MAGIC, 0x04) /* struct chan_select */
#define CHAN_IOC_CALL		_IO(CHAN_IOC_MAGIC, 0x05) /* struct chan_call */

/* On a channel. */
#define CHAN_IOC_SEND		_IOW(CHAN_IOC_MAGIC, 0x10, struct chan_xfer)
#define CHAN_IOC_RECV		_IOW(CHAN_IOC_MAGIC, 0x11, struct chan_xfer)
#define CHAN_IOC_SEND_UNTIL	_IOW(CHAN_IOC_MAGIC, 0x12, struct chan_xfer_until)
#define CHAN_IOC_RECV_UNTIL	_IOW(CHAN_IOC_MAGIC, 0x13, struct chan_xfer_until)
#define CHAN_IOC_CLOSE		_IO(CHAN_IOC_MAGIC, 0x14) /* argument 0; returns 0 */
#define CHAN_IOC_LEN		_IO(CHAN_IOC_MAGIC, 0x15) /* argument 0; returns it */
#define CHAN_IOC_CAP		_IO(CHAN_IOC_MAGIC, 0x16) /* argument 0; returns it */
#define CHAN_IOC_ELEM_SIZE	_IO(CHAN_IOC_MAGIC, 0x17) /* argument 0; returns it */
#define CHAN_IOC_DUP		_IO(CHAN_IOC_MAGIC, 0x18) /* struct chan_dup */
#define CHAN_IOC_INFO		_IO(CHAN_IOC_MAGIC, 0x19) /* struct chan_info */
#define CHAN_IOC_SET_TIMER	_IO(CHAN_IOC_MAGIC, 0x1A) /* struct chan_set_timer */
#define CHAN_IOC_SEND_N		_IO(CHAN_IOC_MAGIC, 0x1B) /* struct chan_batch */
#define CHAN_IOC_RECV_N		_IO(CHAN_IOC_MAGIC, 0x1C) /* struct chan_batch */

#endif /* _UAPI_LINUX_CHAN_H */
