#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The session that every user tries first, as a transcript. For root in a
# disposable machine with the module loaded; the ordinary user is `user`. Fails
# if an answer is not the expected one.
#
#	first.sh [QUEUE USER]	this additional queue too, which is for USER alone
set -u

queue=/proc/$(cat /sys/module/kmsg_queue/parameters/procfs_name)
failed=0

# type USER COMMAND: show a command and what it prints, as USER types it.
type() {
	case $1 in
	root) prompt='#' ;;
	user) prompt='$' ;;
	*) prompt="$1\$" ;;
	esac
	echo "$prompt $2"
	output=$(su "$1" -s /bin/sh -c "$2" 2>&1)
	[ -z "$output" ] || echo "$output"
}

# expect OUTPUT: of the last command
expect() {
	[ "$output" = "$1" ] || {
		failed=1
		echo "*** this should have printed: '$1'"
	}
}

type root 'modinfo -F description kmsg_queue; modinfo -F version kmsg_queue'
type root 'modinfo -F parm kmsg_queue'
type user "ls -l $queue"
type user 'grep -r . /sys/module/kmsg_queue/parameters'
for n in 1 2 3; do
	type user "echo \"hello $n\" > $queue"
	expect ''
done
type user 'cat /sys/module/kmsg_queue/queues/msg_queue/queued'
expect 3
for n in 1 2 3; do
	type user "cat $queue"
	expect "hello $n"
done
type user "cat $queue"
expect ''
if [ $# = 2 ]; then
	further=/proc/msg_queues/$1
	type user "ls -l $further"
	type "$2" "echo \"hello $2\" > $further"
	expect ''
	type user "cat $further"
	expect "cat: $further: Permission denied"
	type "$2" "cat $further"
	expect "hello $2"
fi
exit $failed
