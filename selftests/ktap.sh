# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# What the shell tests share.  A test is a function; it fails by fail or by a command
# of its that check runs.

O=${O:-$(dirname "$0")/../build/user}
chanctl=${CHANCTL:-$O/chanctl}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() {
	echo "# $current: $*"
	failed=1
}

# The test cannot be done here: says why, and ends it by skip REASON || return.
skip() {
	skipped=$*
	false
}

# Run a command which must succeed.
check() {
	"$@" || fail "failed ($?): $*"
}

check_equal() {
	[ "$2" = "$3" ] || fail "$1: expected '$2', saw '$3'"
}

# Wait until a command succeeds, for as long as anybody would wait: $patience looks.
eventually() {
	tries=0
	until "$@" 2>/dev/null; do
		tries=$((tries + 1))
		if [ $tries -ge "${patience:-1200}" ]; then
			fail "never came true: $*"
			return 1
		fi
		sleep 0.05
	done
}

# Starting a program takes long on an emulated processor, so these do without.

# Whether a file holds this one line.
holds() {
	read -r line <"$1" && [ "$line" = "$2" ]
}

# Sets $dir to the directory of a named channel in sysfs.
find_sysfs() {
	for dir in /sys/class/chan/*; do
		! holds "$dir/name" "$1" || return 0
	done
	return 1
}

# Whether an attribute of a channel has a value.
has() {
	find_sysfs "$1" && holds "$dir/$2" "$3"
}

module_idle() {
	holds /sys/module/chan/refcnt 0
}

# Why nothing can be tested here, or nothing.
why_not() {
	if [ "$(id -u)" != 0 ]; then
		echo "needs root"
	elif [ ! -x "$chanctl" ]; then
		echo "no $chanctl"
	elif ! modinfo chan >/dev/null 2>&1; then
		echo "modprobe does not know the module"
	fi
}

run_tests() {
	status=0 number=0
	reason=$(why_not)
	echo "TAP version 13"
	echo "1..$#"
	for current in "$@"; do
		number=$((number + 1)) failed='' skipped=''
		if [ -n "$reason" ]; then
			echo "ok $number $current # SKIP $reason"
			continue
		fi
		$current
		if [ -n "$failed" ]; then
			status=1
			echo "not ok $number $current"
		elif [ -n "$skipped" ]; then
			echo "ok $number $current # SKIP $skipped"
		else
			echo "ok $number $current"
		fi
	done
	exit $status
}
