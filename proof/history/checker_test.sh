#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Whether the checker accepts the good histories of checker_cases and rejects the bad ones.  It
# needs no module.
# shellcheck disable=SC2317 # tests are called by their names
set -u
here=$(cd "$(dirname "$0")" && pwd)
O=${O:-$here/../../build/user}
checker=$O/proof/history/checker
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
number=0 failed=0

# A result, and what it is of; what was seen comes with a failure.
tell() {
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number $2"
		return
	fi
	echo "not ok $number $2"
	sed 's/^/# /' "$scratch/out"
	failed=$((failed + 1))
}

# The checker is to end with this status.
expect() {
	status=$1 name=$2
	shift 2
	"$checker" "$@" >"$scratch/out" 2>&1
	seen=$?
	[ "$seen" = "$status" ] || echo "status $seen, not $status" >>"$scratch/out"
	[ "$seen" = "$status" ]
	tell $? "$name"
}

# Each history to a file of its own, of the name that its number is; prints "verdict number name".
cut_up() {
	awk -v dir="$scratch" '
		/^(good|bad) / {
			if (file) print "end" >file
			file = sprintf("%s/%03d", dir, ++n)
			verdict = $1
			sub(/^[a-z]+ /, "")
			printf "%s %03d %s\n", verdict, n, $0
			print "history " n " seed 0" >file
			next
		}
		/^#/ || !file { next }
		{ print >file }
		END { if (file) print "end" >file }' "$here/checker_cases"
}

malformed() {
	printf '%s\n' "$@" >"$scratch/malformed"
	expect 2 "no history: $name" "$scratch/malformed"
}

test_malformed() {
	name='a return without a call' malformed 'history 1 seed 1' 'chan 0 cap 1' '< 0 sent' end
	name='a second call' malformed 'history 1 seed 1' 'chan 0 cap 1' '> 0 recv 0' '> 0 len 0' end
	name='no such channel' malformed 'history 1 seed 1' 'chan 0 cap 1' '> 0 recv 1' end
	name='an element sent twice' malformed 'history 1 seed 1' 'chan 0 cap 1' \
		'> 0 send-n 0 1 1' end
	name='a result of something else' malformed 'history 1 seed 1' 'chan 0 cap 1' \
		'> 0 recv 0' '< 0 sent' end
	name='an unknown operation' malformed 'history 1 seed 1' 'chan 0 cap 1' '> 0 peek 0' end
	name='too many words' malformed 'history 1 seed 1' 'chan 0 cap 1' '> 0 recv 0 0' end
	name='no end' malformed 'history 1 seed 1' 'chan 0 cap 1' '> 0 recv 0'
	name='nothing at all' malformed ''
}

# What a person is shown ends with the event that cannot be explained.
test_report() {
	"$checker" "$scratch/002" >"$scratch/out"
	grep -q '^history 2 .* explains line 8:$' "$scratch/out" &&
		grep -q '< 0 got 2.*<-- here' "$scratch/out" &&
		grep -q 'holds 1 2$' "$scratch/out"
	tell $? 'the report shows where, and what there was'
	tail -n 1 "$scratch/out" | grep -qx '1 histories of 3 operations: 1 not linearizable'
	tell $? 'the last line counts'
	"$checker" -k "$scratch/kept" "$scratch/002" >/dev/null
	cmp -s "$scratch/kept" "$scratch/002"
	tell $? 'the history is kept as it was'
}

[ -x "$checker" ] || { echo "checker_test.sh: no $checker: run make histories" >&2; exit 2; }
cut_up >"$scratch/list"
echo "TAP version 13"
while read -r verdict case name; do
	[ "$verdict" = good ]
	expect $? "$verdict: $name" "$scratch/$case"
done <"$scratch/list"
test_malformed
test_report
expect 2 'fewer histories than expected' -n 2 "$scratch/001"
echo "1..$number"
echo "# Totals: pass:$((number - failed)) fail:$failed skip:0"
[ "$failed" = 0 ]
