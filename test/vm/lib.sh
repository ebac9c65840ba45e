# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2034,SC2154
# What the scripts of the VM harness share: messages and the cache.
# Sourced.

# Everything downloaded or built is kept here; it may be deleted at any time.
cache=${KMSGQ_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kmsg_queue}

# depmod and chroot are there, which is not in every user's PATH.
PATH=$PATH:/usr/sbin:/sbin

# The status of every failure that keeps the command from being run at all.
die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 123
}

note() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

# package_of TOOL: the Debian package that has it.
package_of() {
	case $1 in
	apt-get) echo apt ;;
	depmod) echo kmod ;;
	dpkg-deb) echo dpkg ;;
	qemu-system-aarch64) echo qemu-system-arm ;;
	qemu-system-*) echo qemu-system-x86 ;;
	sqfstar) echo squashfs-tools ;;
	xz) echo xz-utils ;;
	*) echo "$1" ;;
	esac
}

# need TOOL...: all of them, or say how to get them.
need() {
	tools=
	lacking=
	for tool; do
		command -v "$tool" >/dev/null || {
			tools="$tools $tool"
			lacking="$lacking $(package_of "$tool")"
		}
	done
	[ -z "$tools" ] || die "missing:$tools; apt-get install$lacking"
}

# contents PATH...: names and contents of all files there.
contents() {
	find "$@" -type f -exec sha256sum {} + | LC_ALL=C sort -k 2
}

# key FILE...: what they hold, and the words on stdin, as a short hash.
key() {
	cat "$@" - | sha256sum | cut -c1-16
}

# once DIR FUNCTION: have FUNCTION fill DIR, unless that was done before.
# The lock makes runs at the same time share one build. DIR appears complete
# or not at all: what an interrupt leaves is thrown away by the next call.
once() {
	[ ! -d "$1" ] || return 0
	mkdir -p "${1%/*}"
	(
		flock 9
		[ ! -d "$1" ] || exit 0
		rm -rf "$1.new" "$1.new".*
		mkdir "$1.new"
		"$2" "$1.new"
		mv "$1.new" "$1"
	) 9>"$1.lock"
}

# The host's own suite if it is a Debian one.
host_suite() {
	# shellcheck source=/dev/null
	(. /etc/os-release
	if [ "${ID-}" = debian ] && [ -n "${VERSION_CODENAME-}" ]; then
		echo "$VERSION_CODENAME"
	else
		echo bookworm
	fi)
}

# processor NAME: what a kernel runs on, by the end of its name or release:
# $arch and $triplet, as Debian and its compilers call it, $machine, the QEMU
# that is one, and $serial, the console there; empty where we only build for it.
processor() {
	machine='' serial=''
	case $1 in
	*686|*686-pae)
		arch=i386 triplet=i686-linux-gnu
		# Of AMD's 32-bit processors, Linux warns that two don't go together.
		machine='qemu-system-i386 -cpu max,vendor=GenuineIntel'
		serial=ttyS0
		;;
	*s390x) arch=s390x triplet=s390x-linux-gnu ;;
	*arm64)
		arch=arm64 triplet=aarch64-linux-gnu
		machine='qemu-system-aarch64 -machine virt -cpu max'
		serial=ttyAMA0
		;;
	*)
		arch=amd64 triplet=x86_64-linux-gnu
		machine='qemu-system-x86_64 -cpu max' serial=ttyS0
		return
		;;
	esac
	# Not every mirror has the security updates of them all.
	export KMSGQ_SECURITY_MIRROR="${KMSGQ_SECURITY_MIRROR-}"
}

# chrooted ROOT DIRECTORY COMMAND...: run it in a root that has DIRECTORY as its
# /mnt and a /tmp of its own. The mounts are in a namespace that ends with it.
chrooted() {
	user=
	[ "$(id -u)" -eq 0 ] || user='--user --map-root-user'
	# shellcheck disable=SC2016,SC2086 # the inner shell's; options
	unshare $user --mount sh -ec '
		root=$1
		mount --rbind /dev "$root/dev"
		mount --rbind /proc "$root/proc"
		mount --bind "$2" "$root/mnt"
		mount -t tmpfs tmpfs "$root/tmp"
		shift 2
		exec chroot "$root" env -i LC_ALL=C.UTF-8 HOME=/tmp \
			PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"' sh "$@"
}

# make_in ROOT HEADERS DIRECTORY ARG...: build the modules of DIRECTORY in a
# root, with the headers there.
make_in() {
	root=$1
	headers=$2
	directory=$3
	shift 3
	chrooted "$root" "$directory" env LC_ALL=C \
		make -C "$headers" M=/mnt -j"$(nproc)" "$@" modules
}

# about_module: of the warnings on stdin those about the module. Debian ships no
# vmlinux, and now and then rebuilds the compiler.
about_module() {
	grep -Ev -e '^Skipping BTF generation' \
		-e '^warning: the compiler differs from' \
		-e '^  (The kernel was built by|You are using):' || :
}
