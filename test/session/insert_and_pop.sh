#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Three messages in, three messages out, in order; then the queue is empty.
set -u
cd "$(dirname "$0")" || exit
. ../lib/scenario.sh

scenario() {
	echo '*** Test for simple insert & pop ***'
	send 'hello 1'
	send 'hello 2'
	send 'hello 3'
	echo 'Should obtain back three messages'
	take
	take
	take
	echo 'Now queue should be empty (no data after this message)'
	take
	echo '*** END: Test for simple insert & pop ***'
}

expected() {
	cat <<-'END'
	*** Test for simple insert & pop ***
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
	Now queue should be empty (no data after this message)
	<MSG DELIM>
	*** END: Test for simple insert & pop ***
	END
}

play
