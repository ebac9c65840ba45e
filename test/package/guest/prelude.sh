# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# Ahead of every script that runs in the VM.

# shellcheck disable=SC2034
setup=/usr/libexec/kmsg_queue/dkms-setup
fail() {
	echo "failed: $*"
	exit 1
}
same() {
	[ "$2" = "$3" ] || fail "$1 should be \"$2\" and is \"$3\""
}
parameter() {
	same "$1" "$2" "$(cat "/sys/module/kmsg_queue/parameters/$1")"
}
# log: the kernel log, as it is since boot
log() {
	journalctl -k -o cat
}
unit() {
	systemctl show -P ActiveState systemd-modules-load.service
}
