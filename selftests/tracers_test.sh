#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What the kernel, trace-cmd, perf and bpftrace show of the events.  trace_events provokes
# all of them, and says what is to be seen.
# shellcheck disable=SC2317 # the tests are called by their names
# shellcheck source=selftests/ktap.sh
. "$(dirname "$0")/ktap.sh"
# shellcheck source=selftests/tracers.sh
. "$(dirname "$0")/tracers.sh"

provoke=$O/selftests/trace_events
expected=$scratch/expected
events=$tracefs/events/chan

# Lines of a tracer as trace_events would write them.
plain() {
	sed -n -e 's/^.*\(chan_[a-z_]*\): */\1 /' -e 's/^tracepoint:chan://' -e '/^chan_/{
		s/waited=[1-9][0-9]*$/waited=*/
		s/domain=[1-9][0-9]* /domain=* /
		s/serial=[1-9][0-9]* /serial=* /
		s/ *$//
		p
	}'
}

# A deadlock is told by a worker of the kernel, perhaps on another processor, so its place
# among the lines of a tracer that does not sort is not certain.
deadlocks_last() {
	grep -v '^chan_deadlock' "$1"
	grep '^chan_deadlock' "$1"
}

# Where the expected line ends with "waited=?", any time that was seen is right.
of_any_time() {
	awk 'NR == FNR { if (sub(/waited=[?]$/, "waited=")) any[$0]; next }
		{ line = $0; sub(/waited=[0-9*]+$/, "waited=", line); print line in any ? line "?" : $0 }
		' "$expected" "$1"
}

# Whether what a tracer has written is what was to be seen.
check_seen() {
	plain <"$scratch/seen" >"$scratch/timed"
	of_any_time "$scratch/timed" >"$scratch/plain"
	deadlocks_last "$scratch/plain" >"$scratch/sorted"
	deadlocks_last "$expected" | sed 's/ *$//' | diff - "$scratch/sorted" >"$scratch/diff" ||
		fail "expected (<), and seen (>): $(head -n 20 "$scratch/diff")"
	[ "$(wc -l <"$expected")" -gt 100 ] || fail "there was hardly anything to see"
}

# Run a tracer, whose complaints are shown if it fails.
run_tracer() {
	"$@" >"$scratch/log" 2>&1 || fail "failed ($?): $*: $(cat "$scratch/log")"
	! grep -i error "$scratch/log" || fail "$1 complains"
}

the_kernel_shows_each_event() {
	needs_events || return
	instance=$tracefs/instances/chan_tracers
	mkdir -p "$instance" || fail "no instance"
	echo 1 >"$instance"/events/chan/enable
	check "$provoke" "$expected"
	echo 0 >"$instance"/events/chan/enable
	cat "$instance"/trace >"$scratch/seen"
	rmdir "$instance"
	check_seen
}

# Who gives way or spins is up to the scheduler, so these events are for a test of their own.
let_linger() {
	echo "$1" >"$parameters/give_way" && echo "$2" >"$parameters/spin_max_us"
}

lingers() {
	[ "$1" = chan_give_way ] || [ "$1" = chan_spin ]
}

# The partners of linger_test give way on one processor, and spin on two.
who_lingers_is_shown() {
	needs_events || return
	instance=$tracefs/instances/chan_lingers
	mkdir -p "$instance" || fail "no instance"
	echo 1 >"$instance"/events/chan/enable
	check "$O/selftests/linger_test" -t on_one_processor_partners_give_way >/dev/null
	check "$O/selftests/linger_test" -t on_two_processors_partners_spin >/dev/null
	echo 0 >"$instance"/events/chan/enable
	plain <"$instance"/trace >"$scratch/plain"
	rmdir "$instance"
	grep -Eq '^chan_give_way chan=[0-9]+ g=0 done=1 elsewhere=0$' "$scratch/plain" ||
		fail "nobody has given way"
	grep -Eq '^chan_spin chan=[0-9]+ g=0 done=1 elsewhere=1$' "$scratch/plain" ||
		fail "nobody has spun"
}

# The words that the format of an event knows for its numbers.
words_of() {
	grep -o '{ *[^{}"]*, "[^"]*" *}' "$events/$1/format" | sed 's/^.*, "//; s/" *}$//'
}

each_event_has_been_provoked_with_each_of_its_words() {
	needs_events || return
	[ -s "$expected" ] || check "$provoke" "$expected"
	n=0
	for event in "$events"/chan_*; do
		event=${event##*/}
		! lingers "$event" || continue
		grep "^$event " "$expected" >"$scratch/lines" || fail "$event is not provoked"
		words_of "$event" >"$scratch/words"
		while read -r word; do
			n=$((n + 1))
			grep -q "[=' ]$word\(['| ]\|\$\)" "$scratch/lines" ||
				fail "$event is not provoked with \"$word\""
		done <"$scratch/words"
	done
	[ "$n" -gt 30 ] || fail "only $n words in the formats"
}

trace_cmd_shows_each_event() {
	{ needs_events && needs trace-cmd; } || return
	run_tracer trace-cmd record -q -e chan -o "$scratch/trace.dat" "$provoke" "$expected"
	run_tracer trace-cmd report -i "$scratch/trace.dat"
	mv "$scratch/log" "$scratch/seen"
	check_seen
}

perf_shows_each_event() {
	{ needs_events && needs perf; } || return
	run_tracer perf record -q -a -e 'chan:*' -o "$scratch/perf.data" "$provoke" "$expected"
	run_tracer perf script -i "$scratch/perf.data"
	mv "$scratch/log" "$scratch/seen"
	check_seen
}

bpftrace_reads_each_event() {
	{ needs_events && needs_bpftrace; } || return
	run_tracer bpftrace -q -o "$scratch/seen" -c "$provoke $expected" \
		"$(dirname "$0")/trace_events.bt"
	check_seen
}

parameters=/sys/module/chan/parameters
no_commands
[ ! -w "$parameters/give_way" ] || let_linger N 0
trap 'rm -rf "$scratch"; restore_commands; let_linger Y 100' EXIT
run_tests the_kernel_shows_each_event each_event_has_been_provoked_with_each_of_its_words \
	trace_cmd_shows_each_event perf_shows_each_event bpftrace_reads_each_event \
	who_lingers_is_shown
