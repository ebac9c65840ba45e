#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Six messages in, three out: rmmod frees the three that are left, and says so
# in the kernel log. The module is loaded again afterwards, as it was.
set -u
cd "$(dirname "$0")" || exit
. ../lib/scenario.sh
needs_rmmod

scenario() {
	echo '*** Test for cleanup of left-over resources on rmmod call ***'
	for _ in 1 2; do
		send 'hello 1'
		send 'hello 2'
		send 'hello 3'
	done
	echo 'Should obtain back three messages'
	take
	take
	take
	echo 'Now queue should still contain 3 messages - should be cleaned on rmmod'
	reload
	echo 'Last five lines from kern.log:'
	tail -n 5 "$work/log"
	echo '*** END: Test for cleanup of left-over resources on rmmod call ***'
}

expected() {
	cat <<-'END'
	*** Test for cleanup of left-over resources on rmmod call ***
	Sending message: hello 1
	Sending message: hello 2
	Sending message: hello 3
	Sending message: hello 1
	Sending message: hello 2
	Sending message: hello 3
	Should obtain back three messages
	hello 1
	<MSG DELIM>
	hello 2
	<MSG DELIM>
	hello 3
	<MSG DELIM>
	Now queue should still contain 3 messages - should be cleaned on rmmod
	Last five lines from kern.log:
	kmsg_queue: entering cleanup()
	kmsg_queue: removed message of size 8
	kmsg_queue: removed message of size 8
	kmsg_queue: removed message of size 8
	kmsg_queue: cleanup() finished
	*** END: Test for cleanup of left-over resources on rmmod call ***
	END
}

play
