# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# A dracut module that takes out of the initramfs what its module for systemd puts
# there: modules-load.d/kmsg_queue.conf, but not the kernel module, which
# dracut.conf.d/kmsg_queue.conf omits. The boot would report it missing.

check() {
	return 0
}

install() {
	# shellcheck disable=SC2154 # dracut's
	rm -f "$initdir/usr/lib/modules-load.d/kmsg_queue.conf" \
		"$initdir/etc/modules-load.d/kmsg_queue.conf"
}
