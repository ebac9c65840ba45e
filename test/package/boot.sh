# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2034,SC2154
# Boot the whole system in $root: its own kernel, initramfs and systemd, from a
# disk. Sourced after lib.sh. Nothing here knows how packages got into $root.

# shellcheck source=test/vm/qemu.sh
. "$vm/qemu.sh"

# image: make $work/disk of what is in $root, once all is installed there.
image() {
	cp "$package/guest/agent" "$package/guest/plain-init" "$root/srv"
	cp "$package/guest/agent.service" \
		"$root/etc/systemd/system/kmsgq-agent.service"
	in_root systemctl -q enable kmsgq-agent.service
	# What takes time, and nobody needs: there are no logins.
	in_root systemctl -q mask getty.target systemd-logind.service \
		ldconfig.service systemd-journal-catalog-update.service
	echo 'LABEL=kmsgq / ext4 defaults 0 1' > "$root/etc/fstab"
	: > "$root/etc/machine-id"
	cp "$top/test/session/first.sh" "$root/srv"
	umount -R -l "$root/proc"
	rm -f "$work/disk"
	truncate -s 4G "$work/disk"
	PATH=$PATH:/usr/sbin:/sbin mke2fs -q -t ext4 -L kmsgq -O ^has_journal \
		-E lazy_itable_init=1 -d "$root" "$work/disk"
	mount -t proc proc "$root/proc"
}

# How long systemd waits for a unit: a busy host must not make a boot fail.
# KMSGQ_BOOT_TIMEOUT limits it.
waits=systemd.default_timeout_start_sec=900

# One is enough for a boot, and a quarter cheaper to emulate than two.
processors=1

# boot KERNEL [CMDLINE]: boot that kernel of $work/disk, run the script on stdin
# as root, and print its output. The status is that of outcome.
boot() {
	rm -rf "$work/vm"
	mkdir "$work/vm"
	# By Debian's names, or those of the Boot Loader Specification.
	cp "$(find "$root/boot" -path "*/vmlinuz-$1" -o -path "*/$1/linux")" \
		"$work/vm/vmlinuz"
	cp "$(find "$root/boot" -path "*/initrd.img-$1" -o -path "*/$1/initrd")" \
		"$work/vm/initrd"
	# A disk is made of sectors, which empty lines fill up.
	{ cat; yes '' | head -c 65536; } | head -c 65536 > "$work/vm/script"
	processor amd64
	end=0
	# shellcheck disable=SC2086 # $firmware: more options
	(qemu "$work/vm" 'output verdict' "${KMSGQ_BOOT_TIMEOUT:-900}" \
		-accel "$("$vm/accel" "$work/vm/vmlinuz")" -smp $processors -m 1024 \
		-kernel "$work/vm/vmlinuz" -initrd "$work/vm/initrd" \
		-drive "if=virtio,format=raw,file=$work/disk,cache=unsafe" \
		-drive "if=none,id=script,format=raw,readonly=on,file=$work/vm/script" \
		-device virtio-blk-pci,drive=script,serial=script ${firmware-} \
		-append "root=LABEL=kmsgq console=$serial panic=-1 loglevel=5 $patient $waits ${2-}" \
		< /dev/null) || end=$?
	tr -d '\000\r' < "$work/vm/output"
	outcome "$work/vm" "$end" 2>&1
}

# run_in KERNEL: boot it and run the script on stdin.
run_in() {
	cat "$package/guest/prelude.sh" - | boot "$@"
}

# keep_built KERNEL: what it has now is to be handed out.
keep_built() {
	ko=$(find "$root/lib/modules/$1/" -name 'kmsg_queue.ko*')
	case $ko in
	*.xz) xz -dc "$ko" ;;
	*.zst) zstd -dc "$ko" ;;
	*) cat "$ko" ;;
	esac > "$root/srv/$(built "$1").ko"
}

# hand_out_built: from here on nothing is built in $root.
hand_out_built() {
	rm "$root/usr/bin/make"
	cp "$package/guest/make" "$root/usr/bin/make"
}
