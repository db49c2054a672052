# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# What the scripts share.  Sourced, with $top set to the top of the tree.

# Downloads and everything else that takes long to make; safe to delete.
CACHE=${CHAN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/chan}
export CACHE

me=${0##*/}

die() {
	status=$1
	shift
	printf '%s: %s\n' "$me" "$*" >&2
	exit "$status"
}

# Progress, for people: standard output is for results.
say() {
	printf '%s: %s\n' "$me" "$*" >&2
}

# Runs a long command quietly: its output goes to a file, which is shown if it fails.
quietly() {
	log=$1
	shift
	if [ "${V:-0}" != 0 ]; then
		"$@" >&2
	elif ! "$@" >"$log" 2>&1; then
		tail -n 40 "$log" >&2
		say "failed: $* (all of it: $log)"
		return 1
	fi
}

# Runs a command: what it prints is shown, and kept in a file.  Its status is the command's.
kept_in() {
	kept=$1
	shift
	{
		kept_status=0
		"$@" || kept_status=$?
		echo "$kept_status" >"$kept.status"
	} | tee "$kept"
	kept_status=$(cat "$kept.status")
	rm -f "$kept.status"
	return "$kept_status"
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die 1 "you are not root and there is no sudo: as root, run: $*"
	fi
}

update_lists() {
	say "updating the package lists"
	quietly "$CACHE/apt-update.log" as_root apt-get update
}

# One holder at a time of a name in the cache, until the script ends.
lock() {
	mkdir -p "$CACHE" || die 1 "cannot make $CACHE: set CHAN_CACHE to a directory of yours"
	exec 9>"$CACHE/$1.lock"
	flock 9
}

# The unpacked source package of the kernel that KUnit and the checks use.
kernel_source() {
	version=$(dpkg-query -W -f '${Version}' linux-source-6.12 2>/dev/null) ||
		die 1 "package linux-source-6.12 is missing: run scripts/setup test check"
	tree=$CACHE/source/$version
	if [ ! -d "$tree" ]; then
		lock source
		if [ ! -d "$tree" ]; then
			say "unpacking the kernel's source, 1.7 GB"
			rm -rf "$CACHE"/source
			mkdir -p "$tree.new"
			tar xf /usr/src/linux-source-6.12.tar.xz -C "$tree.new" --strip-components=1 ||
				die 1 "cannot unpack /usr/src/linux-source-6.12.tar.xz into $tree.new"
			mv "$tree.new" "$tree"
		fi
		exec 9>&-
	fi
	printf '%s\n' "$tree"
}

# The guest's first file system: busybox, and the places where guest-init mounts things.
begin_initrd() {
	mkdir -p "$1/bin" "$1/boot" "$1/proc" "$1/sys" "$1/dev" "$1/lower" "$1/rw" "$1/new"
	cp "$(command -v busybox)" "$1/bin/busybox" ||
		die 1 "busybox is missing: run scripts/setup vm"
}

# Packs a directory into a file, and removes it.
end_initrd() {
	( cd "$1" && find . | cpio -o -H newc -R 0:0 --quiet ) >"$2"
	rm -r "$1"
}

# A copy of the tree for a module of its own; its tests are those that were built here.
copy_tree() {
	mkdir -p "$1/build"
	for part in kmod uapi scripts selftests Kbuild Makefile; do
		cp -r "$top/$part" "$1"
	done
	ln -s "$top/build/user" "$1/build/user"
}
