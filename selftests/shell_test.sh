#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Channels from the shell, from a module just loaded: chanctl makes and closes them,
# and plain sh does the work.
# shellcheck disable=SC2317 # the tests are called by their names
# shellcheck source=selftests/ktap.sh
. "$(dirname "$0")/ktap.sh"

make() {
	check "$chanctl" make "$@" >/dev/null
}

a_module_just_loaded_makes_a_channel() {
	eventually module_idle
	check rmmod chan
	check modprobe chan
	check [ -c /dev/chanctl ]
	made=$("$chanctl" make --message --elem-size 64 x)
	check_equal "what make prints" /dev/chan/x "$made"
	check [ -c /dev/chan/x ]
	check_equal "its mode" 600 "$(stat -c %a /dev/chan/x)"
}

echo_blocks_until_cat_takes_it() {
	echo hello >/dev/chan/x &
	echo_pid=$!
	eventually has x sendq 1
	check kill -0 "$echo_pid"
	cat </dev/chan/x >"$scratch/out" &
	cat_pid=$!
	check wait "$echo_pid"
	eventually [ -s "$scratch/out" ]
	check_equal "what cat wrote" hello "$(cat "$scratch/out")"
	eventually has x recvq 1
	check kill -0 "$cat_pid"
}

cat_ends_when_the_channel_is_closed() {
	check "$chanctl" close x
	check wait "$cat_pid"
	check_equal "what cat wrote" hello "$(cat "$scratch/out")"
	check "$chanctl" remove x
	check [ ! -e /dev/chan/x ]
}

worker() {
	while read -r job; do
		echo "$job"
	done </dev/chan/jobs >"$scratch/done.$1"
}

four_workers_share_a_thousand_jobs() {
	make --message --elem-size 64 jobs
	pids=
	for i in 1 2 3 4; do
		worker "$i" &
		pids="$pids $!"
	done
	eventually has jobs recvq 4
	for i in $(seq 1000); do
		echo "job number $i"
	done >/dev/chan/jobs
	check "$chanctl" close jobs
	for pid in $pids; do
		check wait "$pid"
	done
	seq -f 'job number %.0f' 1000 | sort >"$scratch/expected"
	sort "$scratch"/done.* >"$scratch/seen"
	check cmp "$scratch/expected" "$scratch/seen"
	for i in 1 2 3 4; do
		check [ -s "$scratch/done.$i" ]
	done
	check "$chanctl" remove jobs
}

a_buffered_channel_takes_lines_without_a_reader() {
	make --message --elem-size 64 --cap 3 box
	for i in 1 2 3; do echo "line $i"; done >/dev/chan/box
	check "$chanctl" close box
	check_equal "lines" "line 1 line 2 line 3 " "$(tr '\n' ' ' </dev/chan/box)"
	check "$chanctl" remove box
}

a_writer_hears_of_close() {
	make --message --elem-size 64 shut
	check "$chanctl" close shut
	if sh -c 'echo x' 2>/dev/null >/dev/chan/shut; then
		fail "echo to a closed channel succeeded"
	fi
	check "$chanctl" remove shut
}

autoclose_ends_readers_with_their_writer() {
	make --message --elem-size 64 --autoclose pipe
	cat </dev/chan/pipe >"$scratch/pipe" &
	cat_pid=$!
	eventually has pipe recvq 1
	{ echo one; echo two; } >/dev/chan/pipe
	check wait "$cat_pid"
	check_equal "what cat wrote" "one two " "$(tr '\n' ' ' <"$scratch/pipe")"
	check "$chanctl" remove pipe
}

chanctl_sends_and_receives() {
	make --message --cap 2 c
	check "$chanctl" send c hello
	check_equal "received" hello "$("$chanctl" recv c)"
	"$chanctl" recv --try c >/dev/null 2>&1
	check_equal "status of recv --try" 4 $?
	"$chanctl" recv --timeout 0.1 c >/dev/null 2>&1
	check_equal "status of recv --timeout" 4 $?
	check "$chanctl" send c last
	check "$chanctl" close c
	"$chanctl" send c more 2>/dev/null
	check_equal "status of send when closed" 3 $?
	check_equal "received" last "$("$chanctl" recv c)"
	"$chanctl" recv c >/dev/null 2>&1
	check_equal "status of recv when drained" 3 $?
	check "$chanctl" remove c
	"$chanctl" remove c 2>/dev/null
	check_equal "status of a second remove" 1 $?
}

chanctl_lists_and_describes() {
	make --elem-size 8 --cap 5 listed
	line=$("$chanctl" ls --no-header | grep '^/dev/chan/listed ')
	# shellcheck disable=SC2086 # in words
	set -- $line
	check_equal "columns" "fixed 8 5 0 open 0 0 0" "$3 $4 $5 $6 $7 $8 $9 ${10}"
	"$chanctl" info listed >"$scratch/info" || fail "info"
	check grep -q '^cap: *5$' "$scratch/info"
	check "$chanctl" remove listed
}

run_tests a_module_just_loaded_makes_a_channel echo_blocks_until_cat_takes_it \
	cat_ends_when_the_channel_is_closed four_workers_share_a_thousand_jobs \
	a_buffered_channel_takes_lines_without_a_reader a_writer_hears_of_close \
	autoclose_ends_readers_with_their_writer chanctl_sends_and_receives \
	chanctl_lists_and_describes
