#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Many clients insert at once, and one reads; one inserts, and many read at
# once. No message is lost, doubled, mixed, or out of its writer's order.
set -u
cd "$(dirname "$0")" || exit
. ../lib/scenario.sh

writers=20
each=100	# messages of each of these writers
total=2000	# messages of the single writer
readers=100

# write_as CLIENT COUNT
write_as() {
	i=1
	while [ $i -le "$2" ]; do
		echo "client #$1: Msg #$i" > "$queue"
		i=$((i + 1))
	done
}

# Reads messages until the queue is empty; the shell's own read takes no
# process for each.
read_all() {
	while read -r line < "$queue"; do
		echo "$line"
	done
}

fail() {
	echo "FAILED: $1" >&2
	exit 1
}

echo '*** Test for parallel insert ***'
echo "$writers clients send $each messages each"
client=1
while [ $client -le $writers ]; do
	write_as $client $each &
	client=$((client + 1))
done
wait
echo 'Logs of reading out messages by a single client:'
read_all | tee "$work/read"
# Each line is whole, and each client's messages come as it sent them.
awk -v writers=$writers -v each=$each '
	!/^client #[0-9]+: Msg #[0-9]+$/ { print "mixed: " $0; exit }
	{
		client = $2; sub("#", "", client); sub(":", "", client)
		number = $4; sub("#", "", number)
		if (number != ++last[client]) {
			print "expected message " last[client] ": " $0
			exit
		}
	}
	END {
		for (client = 1; client <= writers; client++)
			if (last[client] != each)
				print last[client] + 0 " of client " client
		if (NR != writers * each)
			print NR " messages came"
	}' "$work/read" > "$work/wrong"
[ ! -s "$work/wrong" ] || fail "$(cat "$work/wrong")"
echo '*** END: Test for parallel insert ***'

echo '*** Test for parallel readout ***'
echo "A single client sends $total messages, $readers clients read"
write_as 1 $total
mkdir "$work/readers"
reader=1
while [ $reader -le $readers ]; do
	read_all > "$work/readers/$reader" &
	reader=$((reader + 1))
done
wait
echo 'Logs of queue readout, one client after the other:'
cat "$work"/readers/*
# What one reader gets is in order, and all of them get all, once.
awk -v total=$total '
	!/^client #1: Msg #[0-9]+$/ { print "mixed: " $0; exit }
	{
		number = $4; sub("#", "", number); number += 0
		if (number <= last[FILENAME])
			print "after message " last[FILENAME] ": " $0
		if (seen[number]++)
			print "twice: " $0
		last[FILENAME] = number
	}
	END {
		for (number = 1; number <= total; number++)
			if (!seen[number])
				print "lost: " number
		if (NR != total)
			print NR " messages came"
	}' "$work"/readers/* > "$work/wrong"
[ ! -s "$work/wrong" ] || fail "$(head -n 20 "$work/wrong")"
[ "$(cat $sys/queues/msg_queue/queued)" = 0 ] || fail 'the queue is not empty'
echo '*** END: Test for parallel readout ***'
