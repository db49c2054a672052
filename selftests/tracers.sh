# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# What the tests with tracers share, in addition to ktap.sh.  They take it that nobody else
# uses channels meanwhile.

# shellcheck disable=SC2034 # for ktap.sh: bpftrace takes long to start
patience=6000
tracefs=/sys/kernel/tracing

# Without it, whoever switches an event switches some of the scheduler's too, because the
# names of tasks are recorded.  That is code which runs all the time, and emulators have been
# seen to stumble over such code when it is changed.
no_commands() {
	commands=$(cat $tracefs/options/record-cmd 2>/dev/null)
	[ "$commands" != 1 ] || echo 0 >$tracefs/options/record-cmd
}

restore_commands() {
	[ "$commands" != 1 ] || echo 1 >$tracefs/options/record-cmd
}

needs_events() {
	[ -d $tracefs/events/chan ] || skip "no events: is tracefs mounted at $tracefs?"
}

needs() {
	command -v "$1" >/dev/null || skip "$1 is not installed"
}

needs_bpftrace() {
	needs bpftrace || return
	[ -e /sys/kernel/btf/vmlinux ] || skip "no /sys/kernel/btf/vmlinux for bpftrace"
}
