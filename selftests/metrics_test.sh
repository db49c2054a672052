#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What chanctl metrics prints: a parser of others accepts it, and the numbers are right.
# shellcheck disable=SC2317 # the tests are called by their names
# shellcheck source=selftests/ktap.sh
. "$(dirname "$0")/ktap.sh"

openmetrics=$(dirname "$0")/openmetrics.py

# Takes a snapshot, which is $scratch/NAME.
scrape() {
	"$chanctl" metrics >"$scratch/$1" || fail "chanctl metrics: $?"
}

# Prints the value of a sample in a snapshot.
sample() {
	grep -F "$2 " "$scratch/$1" | sed 's/.* //'
}

expect_sample() {
	check_equal "$2" "$3" "$(sample "$1" "$2")"
}

# Leaves what the tests look at: 2 elements sent, 1 received, 3 parks of which 2 ended so.
set_up_channel() {
	check "$chanctl" make --message --elem-size 16 --cap 4 measured >/dev/null
	check "$chanctl" metrics --record measured
	"$chanctl" recv --timeout 2 measured
	check_equal "status of a receive that gives up" 4 $?
	"$chanctl" recv measured >"$scratch/received" &
	receiver=$!
	eventually has measured recvq 1
	check "$chanctl" send measured one
	check wait "$receiver"
	check "$chanctl" send measured two
}

a_channel_has_its_numbers() {
	set_up_channel
	scrape first
	c='channel="measured"'
	expect_sample first "chan_channel_sends_total{$c}" 2
	expect_sample first "chan_channel_receives_total{$c}" 1
	expect_sample first "chan_channel_handoffs_total{$c}" 1
	expect_sample first "chan_channel_parks_total{$c,queue=\"recvq\"}" 2
	expect_sample first "chan_channel_parks_total{$c,queue=\"sendq\"}" 0
	expect_sample first "chan_channel_aborts_total{$c}" 1
	expect_sample first "chan_channel_length{$c}" 1
	expect_sample first "chan_channel_capacity{$c}" 4
	expect_sample first "chan_channel_closed{$c}" 0
	expect_sample first "chan_channel_waiters{$c,queue=\"recvq\"}" 0
	expect_sample first "chan_channel_wait_seconds_count{$c,queue=\"recvq\"}" 2
	expect_sample first "chan_channel_wait_seconds_bucket{$c,queue=\"recvq\",le=\"+Inf\"}" 2
	expect_sample first "chan_channel_wait_seconds_count{$c,queue=\"sendq\"}" 0
}

who_waits_is_seen_while_he_waits() {
	check "$chanctl" make waited >/dev/null
	"$chanctl" recv waited 2>/dev/null &
	pid=$!
	eventually has waited recvq 1
	scrape waiting
	c='channel="waited"'
	expect_sample waiting "chan_channel_waiters{$c,queue=\"recvq\"}" 1
	oldest=$(sample waiting "chan_channel_oldest_wait_seconds{$c,queue=\"recvq\"}")
	case $oldest in
	*[1-9]*) ;;
	*) fail "the oldest wait: '$oldest'" ;;
	esac
	if grep -q "wait_seconds_count{$c" "$scratch/waiting"; then
		fail "a channel that records nothing has a histogram"
	fi
	check "$chanctl" remove waited
	wait "$pid"
}

# By how much a sample has grown between two snapshots.
growth() {
	echo $(($(sample "$2" "$3") - $(sample "$1" "$3")))
}

totals_include_channels_that_are_gone() {
	scrape before
	check "$chanctl" make --cap 2 --elem-size 1 gone >/dev/null
	check "$chanctl" send gone x
	check "$chanctl" send gone y
	check "$chanctl" remove gone
	scrape after
	check_equal sends 2 "$(growth before after chan_sends_total)"
	check_equal made 1 "$(growth before after chan_channels_made_total)"
	check_equal freed 1 "$(growth before after chan_channels_freed_total)"
	if grep -q 'channel="gone"' "$scratch/after"; then
		fail "a channel is still there"
	fi
}

# Prints the samples that must not decrease and have, from one snapshot to the next.
decreased() {
	awk '/^#/ || $1 !~ /_(total|bucket|count|sum)($|{)/ { next }
		NR == FNR { old[$1] = $2; next }
		!($1 in old) || $2 < old[$1] { print }
		{ seen++ }
		END { if (seen < 300) print "only " seen " samples" }' "$scratch/$1" "$scratch/$2"
}

nothing_decreases() {
	scrape old
	for i in 1 2 3; do
		"$chanctl" recv --timeout 0.02 measured >/dev/null
		check "$chanctl" send measured "$i"
		scrape new
		check_equal "decreased" "" "$(decreased old new)"
		mv "$scratch/new" "$scratch/old"
	done
}

# The kernel takes no such name; in a mount namespace of our own sysfs may say anything.
# shellcheck disable=SC2016 # expanded there
labels_are_escaped() {
	find_sysfs measured
	unshare -m sh -c 'mkdir "$2" && cp "$1"/* "$2" 2>/dev/null
		printf "%s\n" "$3" >"$2/name"
		mount -t tmpfs none /sys/class/chan && cp -r "$2" /sys/class/chan/chan0 &&
		"$4" metrics' sh "$dir" "$scratch/fake" 'a"b\c{d}=1' "$chanctl" >"$scratch/odd" ||
		fail "chanctl metrics: $?"
	expect_sample odd 'chan_channel_closed{channel="a\"b\\c{d}=1"}' 0
}

# It is slow on an emulated processor, so once for all.
a_real_parser_accepts_it() {
	"$openmetrics" "$scratch/old" "$scratch/odd" 2>"$scratch/err" ||
		fail "this is not OpenMetrics: $(tail -n 1 "$scratch/err")"
	for family in "chan_channels gauge -" "chan_sends counter -" "chan_user_bytes gauge bytes" \
		"chan_wait_seconds histogram seconds" "chan_channel_sends counter -" \
		"chan_channel_oldest_wait_seconds gauge seconds" \
		"chan_channel_wait_seconds histogram seconds"; do
		grep -qx "$family" "$scratch/old.families" || fail "no family $family"
	done
	grep -qxF 'chan_channel_closed{channel=a"b\c{d}=1} 0' "$scratch/odd.samples" ||
		fail "a name has changed: $(grep closed "$scratch/odd.samples")"
	check_equal "last line" "# EOF" "$(tail -n 1 "$scratch/old")"
}

# Ten waits of which nine are in (1.024, 2.048] us and one is beyond all bounds.
# shellcheck disable=SC2016 # expanded there
quantiles_are_those_of_prometheus() {
	find_sysfs measured
	awk '{ $2 = 0 } $1 == 2048 { $2 = 9 } $1 == "+Inf" { $2 = 1 } { print }' \
		"$dir/recvq_waits" >"$scratch/waits"
	unshare -m sh -c 'mount --bind "$1" "$2/recvq_waits" && "$3" metrics --summary --no-header' \
		sh "$scratch/waits" "$dir" "$chanctl" >"$scratch/table" || fail "summary: $?"
	# P50: rank 5 of 9 in the bucket, 1024 + 1024 * 5 / 9 ns.
	check_equal "row" "measured recvq 10 0.000001593 >549.755813888 >549.755813888" \
		"$(awk '$1 == "measured" && $2 == "recvq" { $1 = $1; print }' "$scratch/table")"
}

the_summary_has_a_row_for_each_wait() {
	"$chanctl" metrics --summary >"$scratch/table"
	check_equal "header" "CHANNEL WAIT COUNT P50 P95 P99" \
		"$(head -n 1 "$scratch/table" | awk '{ $1 = $1; print }')"
	check_equal "rows of the module" 12 "$(grep -c '^\* ' "$scratch/table")"
	check_equal "rows of a channel" 2 "$(grep -c '^measured ' "$scratch/table")"
	check_equal "who has not waited" "measured sendq 0 - - -" \
		"$(awk '$2 == "sendq" { $1 = $1; print }' "$scratch/table")"
	timeouts=$(awk '$2 == "recv/timeout" { print $3, ($4 > 0), ($4 <= $5), ($5 <= $6) }' \
		"$scratch/table")
	case $timeouts in
	[1-9]*" 1 1 1") ;;
	*) fail "timeouts: $timeouts" ;;
	esac
}

bad_use_is_refused() {
	for bad in "measured" "--record" "--record --summary measured" "--no-header"; do
		# shellcheck disable=SC2086 # words
		"$chanctl" metrics $bad >/dev/null 2>&1
		check_equal "status of metrics $bad" 2 $?
	done
	"$chanctl" metrics --record nobody 2>"$scratch/err"
	check_equal "status for a name that is not there" 1 $?
	grep -q 'there is no /dev/chan/nobody' "$scratch/err" || fail "$(cat "$scratch/err")"
	setpriv --reuid 65534 --clear-groups "$chanctl" metrics --record measured 2>"$scratch/err"
	check_equal "status for nobody" 1 $?
	grep -q 'only root' "$scratch/err" || fail "$(cat "$scratch/err")"
	check "$chanctl" remove measured
}

without_the_module_it_says_so() {
	eventually module_idle
	check rmmod chan
	for option in --summary ""; do
		"$chanctl" metrics ${option:+"$option"} >"$scratch/out" 2>"$scratch/err"
		check_equal "status of metrics $option" 1 $?
		check [ ! -s "$scratch/out" ]
		grep -q 'modprobe chan' "$scratch/err" || fail "$(cat "$scratch/err")"
	done
	check modprobe chan
}

# To import it takes seconds on an emulated processor.
find_client='import importlib.util, sys
sys.exit(not importlib.util.find_spec("prometheus_client"))'
if ! python3 -c "$find_client" 2>/dev/null; then
	why_not() {
		echo "needs the package python3-prometheus-client"
	}
fi

run_tests a_channel_has_its_numbers who_waits_is_seen_while_he_waits \
	totals_include_channels_that_are_gone nothing_decreases labels_are_escaped \
	a_real_parser_accepts_it quantiles_are_those_of_prometheus \
	the_summary_has_a_row_for_each_wait bad_use_is_refused without_the_module_it_says_so
