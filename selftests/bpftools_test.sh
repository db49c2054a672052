#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# tools/bpf: all of them watch while a writer, a reader and chanctl use a channel, and then
# have to agree with the channel's own counters.
# shellcheck disable=SC2317 # the tests are called by their names
# shellcheck source=selftests/ktap.sh
. "$(dirname "$0")/ktap.sh"
# shellcheck source=selftests/tracers.sh
. "$(dirname "$0")/tracers.sh"

bpf=$(dirname "$0")/../tools/bpf
elements=100

# The value that chanctl info shows of the channel.
info() {
	sed -n "s/^$1: *//p" "$scratch/info"
}

# Start one, and do not wait for it: $1 is its name, the rest are its arguments.
start_tool() {
	name=$1
	shift
	"$bpf/$name.bt" "$@" >"$scratch/$name" 2>"$scratch/$name.err" &
	tools="$tools $!"
}

# What they print first they print when all their events are being watched.
wait_for_tools() {
	for name in chansnoop chanlat chandepth chanwho; do
		eventually grep -q '^TIME\|^Tracing' "$scratch/$name" ||
			fail "$name: $(cat "$scratch/$name.err")"
	done
}

has_ended() {
	case $(cat "/proc/$1/stat" 2>/dev/null) in
	'' | *') Z '*) ;;
	*) return 1 ;;
	esac
}

# Wait for one that has to end; one that does not is no reason to wait for ever.
await_end() {
	eventually has_ended "$1" && check wait "$1"
}

# A tracer that is told to end while it prints may go on.
ends_or_is_told() {
	has_ended "$1" && return
	told=$((told + 1))
	[ $((told % 400)) != 0 ] || kill -INT "$1"
	return 1
}

stop_tools() {
	for pid in $tools; do
		kill -INT "$pid"
	done
	for pid in $tools; do
		told=0
		eventually ends_or_is_told "$pid" && check wait "$pid"
	done
}

# The writer has to wait for the reader, and at last the reader for the writer.
write_elements() {
	for i in $(seq $((elements - 1))); do echo "element $i"; done
	eventually has traced recvq 1
	echo "element $elements"
}

use_the_channel() {
	write_elements >/dev/chan/traced &
	writer=$!
	eventually has traced sendq 1
	cat /dev/chan/traced >/dev/null &
	reader=$!
	await_end "$writer"
	eventually has traced recvq 1
	check "$chanctl" close traced
	await_end "$reader"
	"$chanctl" info traced >"$scratch/info"
}

# A wait that a signal ends.
wait_in_vain() {
	"$chanctl" recv other &
	waiter=$!
	eventually has other recvq 1
	kill "$waiter"
	wait "$waiter" 2>/dev/null
}

watch_a_channel() {
	{ needs_events && needs_bpftrace; } || return
	tools=''
	check "$chanctl" make --message --cap 4 traced >/dev/null
	check "$chanctl" make other >/dev/null
	"$chanctl" info traced >"$scratch/info"
	id=$(info id)
	start_tool chansnoop "$id"
	start_tool chanlat
	start_tool chandepth "$id"
	start_tool chanwho "$id"
	wait_for_tools
	use_the_channel
	wait_in_vain
	stop_tools
	check "$chanctl" remove traced other
	check_equal "elements sent" "$elements" "$(info sends)"
	parks=$(($(info recv_parks) + $(info send_parks)))
	[ "$(info send_parks)" -ge 1 ] || fail "the writer never waited"
	watched=1
}

# They have watched, or there is no sense in looking.
needs_watching() {
	[ -n "$watched" ] || skip "nothing was watched"
}

# How many lines of chansnoop are about this event.
snooped() {
	awk -v event="$1" '$6 == event { n++ } END { print n + 0 }' "$scratch/chansnoop"
}

chansnoop_shows_each_operation() {
	needs_watching || return
	check_equal "sends" "$elements" "$(snooped send)"
	check_equal "receives, and the end" $((elements + 1)) "$(snooped recv)"
	check_equal "parks" "$parks" "$(snooped park)"
	check_equal "readies" "$parks" "$(snooped ready)"
	check_equal "closes" 1 "$(snooped close)"
	check_equal "other channels" "" \
		"$(awk -v id="$id" '$1 ~ /^[0-9]/ && $5 != id' "$scratch/chansnoop")"
	grep -q " $reader  *0  *$id recv  *0 closed$" "$scratch/chansnoop" ||
		fail "the end of the reader is not shown"
	grep -q " ready  *- tid $writer, waited [0-9]* us$" "$scratch/chansnoop" ||
		fail "nobody wakes the writer"
}

# The number of waits of a map of chanlat: said, and added up.
waits() {
	said=$(sed -n "s/^@$1_stats\[$2\]: count \([0-9]*\),.*/\1/p" "$scratch/chanlat")
	added=$(awk -v map="@$1[$2]:" '$1 == map { on = 1; next } /^$/ { on = 0 }
		on { sub(/^[^|]*[])] */, ""); n += $1 } END { print n + 0 }' "$scratch/chanlat")
	echo "$said $added"
}

chanlat_counts_each_wait() {
	needs_watching || return
	n=$(info recv_parks)
	check_equal "waits of the reader" "$n $n" "$(waits recvq "$id")"
	n=$(info send_parks)
	check_equal "waits of the writer" "$n $n" "$(waits sendq "$id")"
	check_equal "waits in vain" "1 1" "$(waits aborted $((id + 1)))"
}

chandepth_counts_each_operation() {
	needs_watching || return
	check_equal "capacity" 4 "$(sed -n "s/^@capacity\[$id\]: //p" "$scratch/chandepth")"
	check_equal "elements at the end" 0 "$(sed -n "s/^@last\[$id\]: //p" "$scratch/chandepth")"
	check_equal "most elements" 4 "$(sed -n "s/^@most\[$id\]: //p" "$scratch/chandepth")"
	# Of a call that parked its partner has told, but the last one was ended by close.
	n=$((2 * elements - parks + 1))
	check_equal "operations" "$n" "$(awk '/^\[/ { sub(/^[^|]*\) */, ""); n += $1 }
		END { print n + 0 }' "$scratch/chandepth")"
}

# How often one has waked another, by their numbers.
wakes() {
	awk -F '[], :]+' -v waker="$1" -v woken="$2" '/^@usecs/ && $2 == waker && $5 == woken {
		print $8 }' "$scratch/chanwho"
}

chanwho_tells_who_wakes_whom() {
	needs_watching || return
	check_equal "writer wakes reader" $(($(info recv_parks) - 1)) "$(wakes "$writer" "$reader")"
	check_equal "reader wakes writer" "$(info send_parks)" "$(wakes "$reader" "$writer")"
	check_equal "wakers of the reader" 2 "$(grep -c "cat, $reader, 0\]" "$scratch/chanwho")"
	grep -q "^@usecs\[chanctl, [0-9]*, 0, cat, $reader, 0\]: count 1," "$scratch/chanwho" ||
		fail "chanctl, which closes the channel, does not wake the reader"
}

watched=''
no_commands
trap 'rm -rf "$scratch"; restore_commands' EXIT
run_tests watch_a_channel chansnoop_shows_each_operation chanlat_counts_each_wait \
	chandepth_counts_each_operation chanwho_tells_who_wakes_whom
