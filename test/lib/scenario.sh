# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# Shared by the sessions that users know. Each prints its transcript, and fails
# unless every line is as expected. They run against the loaded module, on any
# machine; exit status 77 means that they cannot, and the output says why.

# modinfo and rmmod may not be in an ordinary user's PATH.
PATH=$PATH:/usr/sbin:/sbin
sys=/sys/module/kmsg_queue

skip() {
	echo "SKIP: $1" >&2
	exit 77
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

parameter() {
	cat "$sys/parameters/$1"
}

# Stop if anything would change the transcript, or take somebody's messages.
[ -d $sys ] || skip 'kmsg_queue is not loaded: modprobe kmsg_queue'
queue=/proc/$(parameter procfs_name)
{ [ -r "$queue" ] && [ -w "$queue" ]; } ||
	skip "you may not read and write $queue: $(ls -l "$queue")"
[ "$(cat $sys/queues/msg_queue/queued)" = 0 ] ||
	skip "$queue holds $(cat $sys/queues/msg_queue/queued) messages: read them first"
[ "$(cat $sys/refcnt)" = 0 ] || skip "somebody has $queue open"
[ "$(parameter read_wait)" = N ] ||
	skip 'read_wait is on: an empty queue would not end the test'
[ "$(parameter msg_max_size)" -ge 64 ] || skip 'msg_max_size is below 64'
[ "$(parameter queue_max_bytes)" -ge 1048576 ] ||
	skip 'queue_max_bytes is below 1048576'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# needs_rmmod: for scenarios that unload the module
needs_rmmod() {
	[ "$(id -u)" = 0 ] || command -v sudo > /dev/null ||
		skip 'rmmod needs root, or sudo'
	modinfo kmsg_queue > /dev/null 2>&1 ||
		skip 'modprobe does not find kmsg_queue, to load it again'
}

# Removes the module, and loads it again as it was.
reload() {
	set --
	for file in "$sys"/parameters/*; do
		# All but "queue", which is only written.
		[ "${file##*/}" != queue ] || continue
		set -- "$@" "${file##*/}=$(cat "$file")"
	done
	mark="kmsg_queue test $$ at $(date +%s)"
	echo "$mark" | as_root tee /dev/kmsg > /dev/null
	as_root rmmod kmsg_queue || return
	as_root dmesg | sed "1,/$mark/d" | grep 'kmsg_queue: ' > "$work/log"
	as_root modprobe kmsg_queue "$@"
}

# send MESSAGE
send() {
	echo "Sending message: $1"
	echo "$1" > "$queue"
}

# Takes one message, as users do.
take() {
	cat "$queue"
	echo '<MSG DELIM>'
}

without_times() {
	sed 's/^\(\[[^]]*\] *\)*//' "$@"
}

# same EXPECTED CAME: the files have the same lines
same() {
	diff -u "$1" "$2" > "$work/diff" && return
	echo 'FAILED: the lines with - were expected, those with + came' >&2
	sed 1,2d "$work/diff" >&2
	exit 1
}

# play: print what `scenario` prints, and compare it with `expected`
play() {
	scenario 2>&1 | tee "$work/came"
	expected > "$work/expected"
	without_times "$work/came" > "$work/plain"
	same "$work/expected" "$work/plain"
}
