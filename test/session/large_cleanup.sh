#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# As cleanup.sh, with many messages.
set -u
cd "$(dirname "$0")" || exit
. ../lib/scenario.sh
needs_rmmod

count=1000	# from 100 to 1003: rmmod logs no more than 1000 one by one

scenario() {
	echo '*** Test for cleanup of left-over resources using many messages ***'
	echo "Will put $count messages to the queue..."
	i=1
	while [ $i -le $count ]; do
		echo "Welcome number $i" > "$queue"
		i=$((i + 1))
	done
	echo 'Will obtain back three messages'
	take
	take
	take
	echo "Now queue should still contain $((count - 3)) messages - should be cleaned on rmmod"
	reload
	echo 'Last fifty lines from kern.log:'
	tail -n 50 "$work/log"
	echo '*** END: Test for cleanup of left-over resources on rmmod call ***'
}

# All that rmmod logs: the size of each message left, with its newline.
expected_log() {
	echo 'kmsg_queue: entering cleanup()'
	seq 4 $count | awk '{
		size = length("Welcome number " $1) + 1
		print "kmsg_queue: removed message of size " size
	}'
	echo 'kmsg_queue: cleanup() finished'
}

expected() {
	cat <<-END
	*** Test for cleanup of left-over resources using many messages ***
	Will put $count messages to the queue...
	Will obtain back three messages
	Welcome number 1
	<MSG DELIM>
	Welcome number 2
	<MSG DELIM>
	Welcome number 3
	<MSG DELIM>
	Now queue should still contain $((count - 3)) messages - should be cleaned on rmmod
	Last fifty lines from kern.log:
	END
	expected_log | tail -n 50
	echo '*** END: Test for cleanup of left-over resources on rmmod call ***'
}

play
expected_log > "$work/expected"
without_times "$work/log" > "$work/plain"
same "$work/expected" "$work/plain"
