# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2034,SC2154
# Boot the whole system in $root: its own kernel, initramfs and systemd, from a
# disk. Sourced after lib.sh. Nothing here knows how packages got into $root.

# image: make $work/disk of what is in $root, once all is installed there.
image() {
	cp "$package/guest/agent" "$root/srv"
	cp "$package/guest/agent.service" \
		"$root/etc/systemd/system/kmsgq-agent.service"
	in_root systemctl -q enable kmsgq-agent.service
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

# run_vm TIMEOUT OPTION...: $firmware may have more options; what qemu does goes to the files in $work/vm. Its end is the
# end of this shell, too.
run_vm() {
	timeout=$1
	shift
	# shellcheck disable=SC2086 # a list of options
	setpriv --pdeathsig KILL timeout -k 5 "$timeout" qemu-system-x86_64 \
		-no-user-config -nodefaults -no-reboot -display none \
		-accel "$("$vm/accel" "$work/vm/vmlinuz")" -cpu max -smp 2 -m 1024 \
		-kernel "$work/vm/vmlinuz" -initrd "$work/vm/initrd" \
		-drive "if=virtio,format=raw,file=$work/disk,cache=unsafe" \
		-drive if=none,id=script,format=raw,readonly=on,file="$work/vm/script" \
		-device virtio-blk-pci,drive=script,serial=script \
		-chardev "file,id=console,path=$work/vm/console" \
		-serial chardev:console -device virtio-serial-pci \
		-chardev "file,id=output,path=$work/vm/output" \
		-device virtserialport,chardev=output,name=output \
		-chardev "file,id=verdict,path=$work/vm/verdict" \
		-device virtserialport,chardev=verdict,name=verdict \
		${firmware-} "$@" < /dev/null > "$work/vm/qemu" 2>&1
}

# boot KERNEL [CMDLINE]: boot that kernel of $work/disk, run the script on
# stdin as root, print its output. Its status is boot's, but 124 for a splat on
# the kernel's console and 125 for a VM that died or hung.
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
	touch "$work/vm/output" "$work/vm/verdict"
	end=0
	run_vm "${KMSGQ_BOOT_TIMEOUT:-900}" -append \
		"root=LABEL=kmsgq console=ttyS0 panic=-1 loglevel=5 ${2-}" || end=$?

	tr -d '\000\r' < "$work/vm/output"
	tr -d '\000\r' < "$work/vm/console" > "$work/vm/log"
	read -r what status < "$work/vm/verdict" || what=died
	if [ "$what" != exit ] || [ "$end" -ne 0 ]; then
		cat "$work/vm/qemu"
		tail -n 30 "$work/vm/log"
		echo "the VM died or hung (qemu: $end)"
		return 125
	fi
	if grep -aE -f "$vm/splats" "$work/vm/log"; then
		return 124
	fi
	return "$status"
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
