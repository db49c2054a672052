#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# chantrace: what it records of real programs, and what it makes of that.
# shellcheck disable=SC2016,SC2317 # the tests are called by their names; sh -c expands for itself
# shellcheck source=selftests/ktap.sh
. "$(dirname "$0")/ktap.sh"

src=$(cd "$(dirname "$0")" && pwd)
chantrace=$O/chantrace
trace=$scratch/trace.jsonl
sieve=$scratch/sieve.jsonl
# There are about as many parks as the square of this, and each of the readers takes them all up.
primes=$((15 + 30 * ${CHAN_TEST_SCALE:-100} / 100))

# Record a command: $trace, its output in $scratch/out, its status in $ended.
record() {
	"$chantrace" record -o "$trace" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
	ended=$?
}

# A shell makes what it starts with & ignore Ctrl-C.
begin_to_record() {
	env --default-signal=INT "$chantrace" record -o "$trace" "$@" \
		>"$scratch/out" 2>"$scratch/err" </dev/null &
	tracer=$!
}

# The process that a tracer runs.
command_of() {
	tr -d ' ' <"/proc/$1/task/$1/children"
}

says() {
	grep -q "$1" "$scratch/err" || fail "no \"$1\" in: $(cat "$scratch/err")"
}

# The checker accepts the trace; what it says goes to $scratch/checked.
accepted() {
	"$chantrace" check "$1" >"$scratch/checked" || {
		fail "check refuses the trace:"
		sed 's/^/#   /' "$scratch/checked"
	}
	sed 's/^/#   /' "$scratch/checked"
}

# The number before a word that follows in what the checker said: checked park-end parks
checked() {
	sed -n "s/^$1:.*[ :]\([0-9][0-9]*\) $2.*/\1/p" "$scratch/checked"
}

at_least() {
	[ "${3:-0}" -ge "$2" ] || fail "$1: expected $2 at least, saw '$3'"
}

# Lines of the trace with all of these.
count_lines() {
	cp "$trace" "$scratch/lines"
	for word in "$@"; do
		grep -e "$word" "$scratch/lines" >"$scratch/fewer"
		mv "$scratch/fewer" "$scratch/lines"
	done
	wc -l <"$scratch/lines"
}

instances() {
	ls -d /sys/kernel/tracing/instances/chantrace-* 2>/dev/null
}

# None but those that were there before, if they are given.
no_instance_left() {
	check_equal "instances left" "${1-}" "$(instances)"
}

the_readers_pass_their_own_tests() {
	python3 "$src/chantrace_offline.py" >"$scratch/out" 2>&1 || {
		fail "chantrace_offline.py: status $?"
		sed 's/^/#   /' "$scratch/out"
	}
}

the_sieve_is_recorded_and_accepted() {
	record -- "$O/sieve" "$primes"
	check_equal "status" 0 "$ended"
	check_equal "primes" "$primes" "$(wc -l <"$scratch/out")"
	says "none lost"
	cp "$trace" "$sieve"
	accepted "$sieve"
	check_equal "goroutines" $((primes + 2)) "$(checked go-state goroutines)"
	at_least "parks" $((primes * primes / 2)) "$(checked park-end parks)"
	main=$(sed -n '1s/.*"pid":\([0-9]*\).*/\1/p' "$trace")
	check_equal "primes received by main" "$primes" "$(count_lines '"e":"chan_recv"' \
		"\"tid\":$main," '"path":"\(direct\|parked\)"')"
	at_least "parks that say why" $((primes * primes / 4)) "$(count_lines '"reason":"chan receive"')"
	check_equal "numbers lost" '"lost":0}' "$(sed -n '1s/.*,//p' "$trace")"
	no_instance_left
}

its_report_names_goroutines_and_channels() {
	"$chantrace" report --top 0 "$sieve" >"$scratch/report" || fail "report: status $?"
	check grep -q "^command  .*sieve $primes$" "$scratch/report"
	ch=$(sed -n 's/.*"e":"chan_make","chan":\([0-9]*\).*/\1/p' "$sieve" | head -n 1)
	check grep -q "^  generate 2  *filter 3  *$ch  *[0-9][0-9]*\$" "$scratch/report"
	check grep -q "^  $ch  *recvq  *[0-9]" "$scratch/report"
	check_equal "filters" "$primes" "$(sed -n '/^Tasks/,$p' "$scratch/report" |
		grep -c '^  filter ')"
}

its_other_formats_are_valid() {
	python3 "$src/chantrace_offline.py" "$sieve" RealTrace >"$scratch/out" 2>&1 || {
		fail "chantrace_offline.py: status $?"
		sed 's/^/#   /' "$scratch/out"
	}
	grep -q skipped "$scratch/out" && fail "nothing was tested"
	check "$chantrace" perfetto "$sieve" 2>"$scratch/err"
	check grep -q '^{"traceEvents":\[{.*"displayTimeUnit":"ns"' "${sieve%.jsonl}.perfetto.json"
}

# The sieve is torn down by closing channels, on which others are parked to send.
negative_numbers_are_negative() {
	at_least "those who were readied by a close" 1 \
		"$(grep '"e":"chan_ready"' "$sieve" | grep -c '"result":-32[,}]')"
	check_equal "results that are no errno" "" \
		"$(sed -n 's/.*"result":\(-*[0-9]\{4,\}\).*/\1/p' "$sieve")"
}

a_deadlock_is_recorded_and_told() {
	record -- "$O/selftests/deadlock_test" -t two_that_wait_for_each_other
	check_equal "status" 0 "$ended"
	accepted "$trace"
	check_equal "deadlocks" 1 "$(count_lines '"e":"chan_deadlock"')"
	check_equal "those whom it made go on" 2 "$(count_lines '"e":"chan_abort"' '"result":-35')"
	pid=$(sed -n 's/.*"e":"chan_deadlock".*"pid":\([0-9]*\).*/\1/p' "$trace")
	worker=$(sed -n 's/.*"tid":\([0-9]*\),.*"e":"chan_deadlock".*/\1/p' "$trace")
	"$chantrace" report "$trace" >"$scratch/report" || fail "report: status $?"
	check grep -q "^DEADLOCK  *of 2 goroutines in process $pid, after [0-9.]* [mu]*s\$" \
		"$scratch/report"
	grep "^  kworker.* $worker " "$scratch/report" && fail "who found it is no user of channels"
	check "$chantrace" perfetto -o "$scratch/out" "$trace" 2>"$scratch/err"
	check grep -q '"ph":"i"[^}]*"name":"deadlock of 2 goroutines"' "$scratch/out"
}

# Each has a goroutine 1 of the name main.
goroutines_of_two_processes_are_told_apart() {
	record -- sh -c '"$1" 3 & "$1" 3 >/dev/null; wait' - "$O/sieve"
	check_equal "status" 0 "$ended"
	accepted "$trace"
	"$chantrace" report --top 0 "$trace" >"$scratch/report" || fail "report: status $?"
	sed -n '/^Tasks/,$p' "$scratch/report" >"$scratch/tasks"
	check_equal "rows of main" 2 "$(grep -c '^  main 1 (sieve [0-9]*) ' "$scratch/tasks")"
	check_equal "processes" 2 \
		"$(sed -n 's/^  main 1 (sieve \([0-9]*\)).*/\1/p' "$scratch/tasks" | sort -u | wc -l)"
	check_equal "rows of filters" 6 "$(grep -c '^  filter [345] (sieve ' "$scratch/tasks")"
}

# How goroutines come to have the number of one that has gone, whose end is not told yet.
write_numbers_again() {
	cat >"$scratch/again.py" <<-'EOF'
		import ctypes, fcntl, os, struct, sys, threading
		MAKE, GO, GO_END, GO_LIST = 0xC700, 0xC706, 0xC707, 0xC708
		SEND, RECV = 0x4010C710, 0x4010C711
		FIND_LEAKS = 1
		ROUNDS = 300

		def go(number, name):
		    fcntl.ioctl(ctl, GO, struct.pack("IIQQ48s", 72, 0, number, 0, name))

		def transfer(how):
		    element = ctypes.c_uint64(1)
		    fcntl.ioctl(chan, how, struct.pack("QII", ctypes.addressof(element), 8, 0))

		def ends_without_a_word():
		    go(7, b"quiet")

		def search():
		    while receiver.is_alive():
		        try:
		            fcntl.ioctl(ctl, GO_LIST, struct.pack("IIQII", 24, 8, 0, 0, FIND_LEAKS))
		        except BlockingIOError:
		            pass  # too busy

		def receive():
		    for _ in range(ROUNDS):
		        go(9, b"short")
		        transfer(RECV)
		        fcntl.ioctl(ctl, GO_END, 0)

		def run(*threads):
		    for thread in threads:
		        thread.start()
		    return threads

		if len(sys.argv) > 1:
		    ctl = int(sys.argv[1])
		    go(1, b"again")
		    sys.exit()
		ctl = os.open("/dev/chanctl", os.O_RDWR)
		os.set_inheritable(ctl, True)
		go(1, b"main")
		for _ in range(5):
		    run(threading.Thread(target=ends_without_a_word))[0].join()
		make = bytearray(struct.pack("IIIIQQIIQ", 48, 0, 0, 8, 0, 0, 0, 0, 0))
		chan = fcntl.ioctl(ctl, MAKE, make)
		receiver = threading.Thread(target=receive)
		searcher = threading.Thread(target=search)
		run(receiver, searcher)
		for _ in range(ROUNDS):
		    transfer(SEND)
		receiver.join()
		searcher.join()
		os.execv(sys.executable, [sys.executable, sys.argv[0], str(ctl)])
	EOF
}

a_number_may_be_used_again() {
	write_numbers_again
	record -b 20000 -- python3 "$scratch/again.py"
	check_equal "status" 0 "$ended"
	sed 's/^/#   /' "$scratch/err"
	accepted "$trace"
	check_equal "goroutines" $((1 + 5 + 300 + 1)) "$(checked go-state goroutines)"
	for name in main:1 quiet:5 short:300 again:1; do
		check_equal "goroutines called ${name%:*}" "${name#*:}" "$(count_lines \
			'"e":"chan_go_create"' "\"name\":\"${name%:*}\"")"
	done
	check_equal "serial numbers" $((1 + 5 + 300 + 1)) \
		"$(sed -n 's/.*"e":"chan_go_create".*"serial":\([0-9]*\).*/\1/p' "$trace" |
			sort -u | wc -l)"
}

the_trace_may_go_to_standard_output() {
	"$chantrace" record -o - -- "$O/sieve" 3 2>"$scratch/err" >"$trace"
	check_equal "status" 0 $?
	accepted "$trace"
	says "none lost"
	check_equal "what the program prints" "2 3 5" "$(grep -x '[235]' "$scratch/err" | xargs)"
	"$chantrace" record -o - -- "$O/sieve" 3 2>"$scratch/err" |
		"$chantrace" check - >"$scratch/checked" || fail "check: status $?"
	check_equal "goroutines" 5 "$(checked go-state goroutines)"
	[ ! -e - ] || fail "there is a file of the name -"
}

a_program_without_channels_is_told_so() {
	record -- true
	check_equal "status" 0 "$ended"
	says "none of channels: did true use any?"
	"$chantrace" report "$trace" >"$scratch/report" || fail "report: status $?"
	check grep -q "^events .*, none of channels: did the program use any?\$" "$scratch/report"
	check "$chantrace" html -o "$scratch/out" "$trace" 2>"$scratch/err"
	says "none of channels"
	record -- "$chanctl" make quiet
	grep "none of channels" "$scratch/err" && fail "one is"
	check "$chanctl" remove quiet
}

selects_are_recorded_and_accepted() {
	record -- "$O/switchboard" --clients 3 --requests 30 --timeout 120
	check_equal "status of switchboard" 0 "$ended"
	accepted "$trace"
	at_least "selects" 30 "$(count_lines '"e":"chan_select_commit"')"
	record -- "$O/selftests/selectend_test"
	check_equal "status of selectend_test" 0 "$ended"
	accepted "$trace"
	at_least "aborts" 1 "$(checked park-end 'by an abort')"
	at_least "entries" 30 "$(checked queue-order entries)"
}

buffers_are_recorded_and_accepted() {
	record -- "$O/selftests/fifo_test"
	check_equal "status" 0 "$ended"
	accepted "$trace"
	at_least "steps of the occupancy" 100 "$(checked occupancy 'sends and receives')"
	at_least "buffered" 10 "$(count_lines '"e":"chan_send"' '"path":"buffered"')"
}

a_program_that_is_killed_while_it_waits() {
	make --message x
	begin_to_record -- "$chanctl" recv x
	eventually has x recvq 1
	kill -KILL "$(command_of "$tracer")"
	wait "$tracer"
	check_equal "status" 137 $?
	accepted "$trace"
	check_equal "aborts" 1 "$(checked park-end 'by an abort')"
	check "$chanctl" remove x
}

ctrl_c_stops_the_program_and_the_trace_is_written() {
	make --message x
	begin_to_record -- "$chanctl" recv x
	eventually has x recvq 1
	kill -INT "$tracer"
	wait "$tracer"
	check_equal "status" 130 $?
	accepted "$trace"
	check_equal "parks" 1 "$(checked park-end parks)"
	check "$chanctl" remove x
	no_instance_left
}

who_does_not_listen_is_killed_by_the_second_ctrl_c() {
	make --message x
	begin_to_record -- sh -c 'trap "" INT; exec "$@"' - "$chanctl" recv x
	eventually has x recvq 1
	kill -INT "$tracer"
	kill -0 "$(command_of "$tracer")" || fail "killed by the first"
	eventually received_one "$tracer"
	kill -INT "$tracer"
	wait "$tracer"
	check_equal "status" 137 $?
	check "$chanctl" remove x
}

# Whether a tracer has taken the signals that it was sent.
received_one() {
	grep -q '^ShdPnd:.*[1-9a-f]' "/proc/$1/status" && return 1
	return 0
}

children_are_followed() {
	make --message x
	record -- sh -c '"$1" recv x & "$1" send x hello; wait' - "$chanctl"
	check_equal "status" 0 "$ended"
	check_equal "received" hello "$(cat "$scratch/out")"
	accepted "$trace"
	check_equal "senders" 1 "$(count_lines '"comm":"chanctl"' '"e":"chan_send"')"
	check_equal "receivers" 1 "$(count_lines '"comm":"chanctl"' '"e":"chan_recv"')"
	at_least "new processes" 2 "$(count_lines '"e":"task_new"')"
	check "$chanctl" remove x
}

who_shares_a_channel_is_recorded_and_nobody_else() {
	make --message x
	make --message elsewhere
	"$chanctl" recv x >/dev/null &
	eventually has x recvq 1
	record -- sh -c '"$1" send x hello; setsid -f "$1" ls >"$2"' - "$chanctl" /dev/null
	wait $!
	accepted "$trace"
	at_least "events of the receiver" 1 "$(count_lines '"e":"chan_ready"')"

	# Who is there all the time and has nothing to do with it.
	exchange elsewhere &
	other=$!
	record -- "$chanctl" make quiet
	few=$(count_lines '"e":"chan_')
	check "$chanctl" remove quiet
	# Until there was an exchange from beginning to end.
	check find_sysfs elsewhere
	record --all -- sh -c 'read -r before <"$1"
		until read -r now <"$1" && [ "$now" -gt $((before + 1)) ]; do sleep 0.1; done' \
		- "$dir/receives"
	many=$(count_lines '"e":"chan_')
	: >"$scratch/stop"
	wait "$other"
	check_equal "events of making a channel" 1 "$few"
	at_least "events of everybody" 4 "$many"
	check "$chanctl" remove x elsewhere
}

exchange() {
	until [ -e "$scratch/stop" ]; do
		"$chanctl" recv "$1" >/dev/null &
		"$chanctl" send "$1" hello
		wait $!
	done
}

lost_events_are_said_loudly() {
	record -b 1 -- "$O/sieve" 40
	check_equal "status" 0 "$ended"
	says "EVENTS WERE LOST"
	check grep -q '"lost":[1-9]' "$trace"
	"$chantrace" check "$trace" >"$scratch/out" 2>"$scratch/err"
	check_equal "status of check" 2 $?
	says "cannot be checked"
	"$chantrace" report "$trace" >"$scratch/report" || fail "report: status $?"
	check grep -q '^LOST' "$scratch/report"
}

the_status_is_that_of_the_program() {
	record sh -c 'exit 7'
	check_equal "of exit 7" 7 "$ended"
	record sh -c 'kill -TERM $$'
	check_equal "of one that was terminated" 143 "$ended"
}

what_cannot_be_run() {
	before=$(instances)
	record -- nonexistent-program
	check_equal "status" 127 "$ended"
	says "nonexistent-program: No such file"
	record -- /etc/passwd
	check_equal "status" 126 "$ended"
	says "Permission denied"
	# On one processor the process that failed is often not yet gone when we go on.
	for _ in 1 2 3 4 5 6 7 8; do
		taskset 1 "$chantrace" record -o "$trace" -- nonexistent-program 2>/dev/null
	done
	no_instance_left "$before"
}

wrong_usage() {
	record
	check_equal "status without a command" 2 "$ended"
	record -b many -- true
	check_equal "status of -b many" 2 "$ended"
	record --no-such-option true
	check_equal "status of an unknown option" 2 "$ended"
	"$chantrace" 2>/dev/null
	check_equal "status without anything" 2 $?
	"$chantrace" nonsense 2>/dev/null
	check_equal "status of an unknown command" 2 $?
	for command in report check perfetto; do
		"$chantrace" "$command" 2>/dev/null
		check_equal "status of $command without a file" 2 $?
		"$chantrace" "$command" /nonexistent 2>"$scratch/err"
		check_equal "status of $command of no file" 2 $?
		says "/nonexistent"
		check "$chantrace" "$command" --help >"$scratch/out"
	done
	check "$chantrace" --help >"$scratch/out"
	"$chantrace" record -o /nonexistent/x -- true 2>"$scratch/err"
	check_equal "status of an output that cannot be written" 125 $?
	says "/nonexistent/x"
}

only_root_may() {
	chmod 755 "$scratch"
	setpriv --reuid 65534 --clear-groups "$chantrace" record -o /dev/null -- true \
		2>"$scratch/err"
	check_equal "status" 125 $?
	says "only root"
}

without_the_module() {
	before=$(instances)
	eventually module_idle
	check rmmod chan
	record -- true
	check_equal "status" 125 "$ended"
	says "modprobe chan"
	check modprobe chan
	no_instance_left "$before"
}

found_where_it_is_installed() {
	mkdir -p "$scratch/bin" "$scratch/libexec/chantrace"
	cp "$chantrace" "$scratch/bin"
	"$scratch/bin/chantrace" report "$sieve" >"$scratch/out" 2>"$scratch/err"
	check_equal "status without its scripts" 125 $?
	says "libexec"
	cp -r "$O"/chantrace.d/* "$scratch/libexec/chantrace"
	check "$scratch/bin/chantrace" check "$sieve" >"$scratch/out"
}

make() {
	check "$chanctl" make "$@" >/dev/null
}

[ -x "$chantrace" ] || why_not() {
	echo "no $chantrace, for which libtracefs-dev is needed"
}

run_tests the_readers_pass_their_own_tests the_sieve_is_recorded_and_accepted \
	its_report_names_goroutines_and_channels its_other_formats_are_valid \
	negative_numbers_are_negative a_deadlock_is_recorded_and_told \
	goroutines_of_two_processes_are_told_apart a_number_may_be_used_again \
	the_trace_may_go_to_standard_output \
	a_program_without_channels_is_told_so \
	selects_are_recorded_and_accepted buffers_are_recorded_and_accepted \
	a_program_that_is_killed_while_it_waits ctrl_c_stops_the_program_and_the_trace_is_written \
	who_does_not_listen_is_killed_by_the_second_ctrl_c children_are_followed \
	who_shares_a_channel_is_recorded_and_nobody_else lost_events_are_said_loudly \
	the_status_is_that_of_the_program what_cannot_be_run wrong_usage only_root_may \
	without_the_module found_where_it_is_installed
