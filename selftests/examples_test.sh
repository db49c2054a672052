#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The examples do what they are examples of.  (treesum is left to make demo.)
# shellcheck disable=SC2317 # the tests are called by their names
# shellcheck source=selftests/ktap.sh
. "$(dirname "$0")/ktap.sh"

sieve_finds_the_first_primes() {
	"$O/sieve" 10 >"$scratch/primes" || fail "sieve: status $?"
	check_equal "the primes" "2 3 5 7 11 13 17 19 23 29" "$(tr '\n' ' ' <"$scratch/primes" |
		sed 's/ $//')"
}

switchboard_serves_sockets_and_channels_with_one_epoll() {
	"$O/switchboard" --clients 5 --requests 100 --timeout 120 >"$scratch/out" ||
		fail "switchboard: status $?"
	check [ -s "$scratch/out" ]
}

switchboard_says_when_it_cannot_do_it_in_time() {
	"$O/switchboard" --clients 20 --requests 100000 --timeout 1 >"$scratch/out" \
		2>"$scratch/err"
	check_equal "status" 1 $?
	check [ -s "$scratch/err" ]
}

run_tests sieve_finds_the_first_primes switchboard_serves_sockets_and_channels_with_one_epoll \
	switchboard_says_when_it_cannot_do_it_in_time
