#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Unloading the module: refused while anybody uses it, and complete when not.
# shellcheck disable=SC2317 # the tests are called by their names
# shellcheck source=selftests/ktap.sh
. "$(dirname "$0")/ktap.sh"

refused() {
	if rmmod chan 2>"$scratch/err"; then
		fail "rmmod succeeded"
		modprobe chan
		return
	fi
	grep -q 'in use' "$scratch/err" || fail "rmmod says: $(cat "$scratch/err")"
	check [ -d /sys/module/chan ]
}

refused_while_a_descriptor_is_open() {
	check "$chanctl" make held >/dev/null
	exec 3<>/dev/chan/held
	refused
	exec 3<&-
	exec 3</dev/chanctl
	refused
	exec 3<&-
	check "$chanctl" remove held
}

refused_while_a_task_is_parked() {
	check "$chanctl" make held >/dev/null
	cat </dev/chan/held 2>/dev/null &
	pid=$!
	eventually has held recvq 1
	refused
	check "$chanctl" remove held
	# The name has gone, but who was parked has not come out of his call perhaps.
	wait "$pid"
	eventually module_idle
	check rmmod chan
	check modprobe chan
}

refused_while_a_removed_channel_is_open() {
	check "$chanctl" make held >/dev/null
	exec 3<>/dev/chan/held
	check "$chanctl" remove held
	refused
	exec 3<&-
}

allowed_with_only_names_left() {
	check "$chanctl" make --elem-size 8 --cap 10 left1 >/dev/null
	check "$chanctl" make --message --elem-size 100000 --cap 10 left2 >/dev/null
	check "$chanctl" make >/dev/null
	head -c 80 /dev/zero >/dev/chan/left1
	head -c 70000 /dev/zero | dd of=/dev/chan/left2 bs=70000 iflag=fullblock 2>/dev/null
	eventually module_idle
	check rmmod chan
	check [ ! -e /dev/chan/left1 ]
	check [ ! -e /dev/chan/left2 ]
	check [ ! -e /dev/chanctl ]
	check [ ! -e /sys/class/chan ]
	check [ ! -e /sys/module/chan ]
	check modprobe chan
	check_equal "channels after loading" "" "$("$chanctl" ls --no-header)"
}

allowed_with_a_sysfs_file_open() {
	check "$chanctl" make seen >/dev/null
	check find_sysfs seen
	exec 4<"$dir/len"
	eventually module_idle
	check rmmod chan
	if cat <&4 >/dev/null 2>&1; then
		fail "an attribute of an unloaded module can be read"
	fi
	exec 4<&-
	check modprobe chan
}

loads_and_unloads_many_times() {
	for i in 1 2 3 4; do
		eventually module_idle
		check rmmod chan
		check modprobe chan
		check "$chanctl" make "round$i" >/dev/null
	done
}

parameters_can_be_set_when_loading() {
	eventually module_idle
	check rmmod chan
	check modprobe chan max_cap=7 max_user_names=3
	check_equal max_cap 7 "$(cat /sys/module/chan/parameters/max_cap)"
	check_equal max_user_names 3 "$(cat /sys/module/chan/parameters/max_user_names)"
	if "$chanctl" make --cap 8 big 2>/dev/null; then
		fail "a channel beyond max_cap was made"
	fi
	check rmmod chan
	check modprobe chan
	modinfo -p chan >"$scratch/params"
	for name in max_elem_size max_cap max_ring_bytes max_channels max_user_channels \
		max_user_names max_user_bytes; do
		grep -q "^$name:.*default" "$scratch/params" || fail "modinfo lacks $name"
	done
}

use_it_all_the_time() {
	while [ ! -e "$scratch/stop" ]; do
		"$chanctl" make --cap 1 --message "race$1"
		"$chanctl" send --try "race$1" x
		"$chanctl" recv --try "race$1"
		"$chanctl" remove "race$1"
	done >/dev/null 2>&1
}

unloading_races_with_use() {
	use_it_all_the_time 1 &
	first=$!
	use_it_all_the_time 2 &
	unloaded=0
	# As often as CHAN_TEST_SCALE says, rounded up to a few: to load takes long on some kernels.
	times=$((2 + 8 * ${CHAN_TEST_SCALE:-100} / 100))
	for _ in $(seq "$times"); do
		if rmmod chan 2>/dev/null; then
			unloaded=$((unloaded + 1))
			modprobe chan
		fi
	done
	: >"$scratch/stop"
	wait "$first" $!
	echo "# unloaded $unloaded times of $times"
	eventually module_idle
	check rmmod chan
	check modprobe chan
}

run_tests refused_while_a_descriptor_is_open refused_while_a_task_is_parked \
	refused_while_a_removed_channel_is_open allowed_with_only_names_left \
	allowed_with_a_sysfs_file_open loads_and_unloads_many_times \
	parameters_can_be_set_when_loading unloading_races_with_use
