# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2034,SC2154
# Runs QEMU, and finds out what became of the guest. Sourced after lib.sh.

# For every guest's command line. On a busy host an emulated processor stands still
# for many seconds, which is no fault of the guest: its timer's first ticks come
# too late for the kernel's check of it, which panics, and what looks for lockups
# sees one. A real one is still found, after two minutes, or five.
patient='no_timer_check watchdog_thresh=60 rcupdate.rcu_cpu_stall_timeout=300'

# qemu DIRECTORY 'PORT...' SECONDS OPTION...: run $machine until the guest powers
# off, SECONDS have passed (0: no limit), or this shell ends. Takes the place of
# the (sub)shell that calls it. The console, QEMU's own messages and what the
# guest writes to each port go to files of these names in DIRECTORY: files take
# any amount at any time, so nothing in the guest waits for a reader.
qemu() {
	dir=$1
	seconds=$3
	nr=0
	for port in $2; do
		nr=$((nr + 1))
		: > "$dir/$port"
		set -- "$@" -chardev "file,id=$port,path=$dir/$port" \
			-device "virtserialport,nr=$nr,chardev=$port,name=$port"
	done
	shift 3
	# shellcheck disable=SC2086 # a list
	exec setpriv --pdeathsig TERM timeout --foreground -k 5 "$seconds" \
		$machine -no-user-config -nodefaults -no-reboot -display none \
		-chardev "file,id=console,path=$dir/console" \
		-serial chardev:console -device virtio-serial-pci \
		"$@" 2> "$dir/qemu"
}

# outcome DIRECTORY END: after QEMU has ended with status END. The status is the
# one that the guest wrote to the port "verdict", after the word exit; but
#	123	it wrote another word, which is in $what
#	124	there is a splat on the kernel's console
#	125	the guest died or hung
outcome() {
	# Console lines end in CR LF, and a dying guest may write anything.
	tr -d '\000\r' < "$1/console" > "$1/log"
	if splats=$(grep -aE -f "$vm/splats" "$1/log"); then
		note "on the kernel's console:"
		printf '%s\n' "$splats" >&2
	fi
	read -r what status < "$1/verdict" || what=died
	[ "$2" -eq 0 ] || what=died
	case $what in
	died) ;;
	exit)
		[ -z "$splats" ] || return 124
		return "$status"
		;;
	*) return 123 ;;
	esac
	cat "$1/qemu" >&2
	note "the end of the console:"
	tail -n 40 "$1/log" >&2
	case $2 in
	124|137) note "the VM hung: it was stopped after its time limit" ;;
	*) note "the VM died before the command's end (QEMU: status $2)" ;;
	esac
	return 125
}
