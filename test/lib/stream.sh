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

# end_vm NAME STATUS: after the streams of a VM. A stream NAME, which says what
# that status of test/vm/run means.
end_vm() {
	echo "# stream $1"
	case $2 in
	124) echo "# end 1 the kernel's console has a BUG, WARNING or the like" ;;
	125) echo '# end 1 it died or hung' ;;
	*) echo "# end $2" ;;
	esac
}
