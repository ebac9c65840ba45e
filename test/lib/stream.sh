# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# What the scripts that feed test/lib/tap-join share. Sourced.

# stream NAME COMMAND...: what COMMAND prints, as one of tap-join's streams.
# Its exit status is left in $status.
stream() {
	echo "# stream $1"
	shift
	status=0
	"$@" 2>&1 || status=$?
	echo "# end $status"
}
