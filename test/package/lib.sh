# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2034,SC2154
# What the tests of the packages share: a namespace, throw-away systems, TAP.
# Sourced, with $package set to this directory.

vm=$package/../vm
top=$(cd "$package/../.." && pwd)
# shellcheck source=SCRIPTDIR/../vm/lib.sh
. "$vm/lib.sh"
# shellcheck source=SCRIPTDIR/../vm/archive.sh
. "$vm/archive.sh"

# What makes the systems, and our packages: a test of the rpms names others.
system=system
packages=debs

# start 'SUITE...' ARG...: begin a test that has these arguments and needs
# systems of these suites. Our packages are in $ours then.
start() {
	for suite in $1; do
		[ -n "${KMSGQ_INSIDE-}" ] || "$package/make/$system" "$suite" > /dev/null
	done
	shift
	ours=$("$package/make/$packages")
	enter "$@"
	version=$(cat "$ours/version")
	later=$(cat "$ours/later")
	work=$(mktemp -d "${TMPDIR:-/tmp}/kmsgq-package.XXXXXX")
	trap 'drop; rm -rf "$work"' EXIT
	trap 'exit 130' INT TERM HUP
}

# enter ARG...: go on in a private namespace, where mounts and processes end
# with the script, and where an ordinary user is root over his own files.
enter() {
	[ -z "${KMSGQ_INSIDE-}" ] || return 0
	user=
	inside=root
	[ "$(id -u)" -eq 0 ] || {
		user='--map-root-user --map-auto'
		inside=user
	}
	# shellcheck disable=SC2086 # a list
	KMSGQ_INSIDE=$inside exec unshare $user --mount --pid --fork --kill-child \
		"$0" "$@"
}

# fresh SUITE [LAYER]: have $root, a system of that suite that nobody else sees. It
# is a layer over the one in the cache, which stays as it is, and over what keep
# put into LAYER.
fresh() {
	drop
	lower=$cache/systems/$("$package/make/$system" "$1")
	mkdir "$work/upper" "$work/scratch" "$work/root"
	# An ordinary user may set no other attributes, and dpkg renames directories.
	xattr=
	[ "$KMSGQ_INSIDE" = root ] || xattr=,userxattr
	mount -t overlay -o "lowerdir=${2:+$2:}$lower,upperdir=$work/upper,workdir=$work/scratch$xattr" \
		overlay "$work/root" 2>/dev/null ||
		# Where /tmp itself is such a layer.
		for layer in "$lower" "${2-}"; do
			[ ! -d "$layer" ] || cp -a --reflink=auto "$layer/." "$work/root"
		done
	root=$work/root
	# dkms and newer kernels' objtool read /proc.
	mount -t proc proc "$root/proc"
	ln -sfn /proc/self/fd "$root/dev/fd"
	for file in null zero full random urandom tty; do
		[ -e "$root/dev/$file" ] || : > "$root/dev/$file"
		mount --bind "/dev/$file" "$root/dev/$file"
	done
	[ -z "${ours-}" ] || cp -r "$ours"/kmsg-queue* "$root/srv"
}

# keep LAYER: have what was done in $root in LAYER. $root itself is gone then.
keep() {
	unmount
	# Without overlay all of it is in root.
	[ -n "$(ls "$work/upper")" ] || mv -T "$work/root" "$work/upper"
	mv -T "$work/upper" "$1"
}

unmount() {
	grep -o " $work/root[^ ]*" /proc/self/mounts | sort -r |
		xargs -r umount -l
}

# drop: be rid of it; a test in a subshell may have made it.
drop() {
	unmount
	rm -rf "$work/upper" "$work/scratch" "$work/root"
}

# in_root COMMAND...: as root of the system in $root. The same source is compiled
# over and over there: Debian's kernels have ccache do it once if asked to.
in_root() {
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_KERNEL_USE_CCACHE=1 DEBIAN_FRONTEND=noninteractive \
		chroot "$root" "$@"
}

# apt_install WORD...: in $root; the words may be patterns of its files.
apt_install() {
	in_root sh -c "apt-get install -y --allow-downgrades \
		-o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-unsafe-io $*"
}

# publish kmsg-queue[-later]: have our repository, which apt in $root then knows,
# offer both packages.
publish() {
	URL=file:///srv/repo XDG_DATA_HOME=$cache "$top/debian/repo" "$work/repo" \
		"$ours/$1.deb" "$ours/kmsg-queue-utils${1#kmsg-queue}.deb"
	rm -rf "$root/srv/repo"
	cp -r "$work/repo" "$root/srv"
	use_repo apt
}

# use_repo apt|rpm: copy our repository's files to where README has users put them.
use_repo() {
	sed -n "s|^    sudo wget -P \([^ ]*\) https://[^/]*\(/$1/.*\)|\1 \2|p" \
		"$top/README.md" > "$work/wget"
	[ -s "$work/wget" ] || fail "README does not say how to use a repository for $1"
	while read -r directory file; do
		cp "$root/srv/repo$file" "$root$directory"
	done < "$work/wget"
}

# rpm_repo NAME ENABLED: have dnf know the repository /srv/NAME in $root.
rpm_repo() {
	mkdir -p "$root/etc/yum.repos.d"
	printf '[%s]\nname=%s\nbaseurl=file:///srv/%s\nenabled=%s\ngpgcheck=0\n' \
		"$1" "$1" "$1" "$2" > "$root/etc/yum.repos.d/$1.repo"
}

# kernels: those that are installed in $root, oldest first.
kernels() {
	find "$root/lib/modules/" -mindepth 2 -maxdepth 2 -name modules.dep \
		-printf '%h\n' | sed 's,.*/,,' | sort -V
}

# run_newest: as if the newest kernel ran in $root. Else dkms takes it for a build
# machine's chroot, and goes by the version of the kernel that runs here.
run_newest() {
	mv "$root/bin/uname" "$root/bin/uname.real"
	printf '#!/bin/sh\n[ "$*" != -r ] || exec echo %s\nexec uname.real "$@"\n' \
		"$(kernels | tail -n 1)" > "$root/bin/uname"
	chmod +x "$root/bin/uname"
}

# built KERNEL [FIELD]: the version of the module that a kernel in $root has, if
# any, or what else modinfo says.
built() {
	in_root modinfo -k "$1" -F "${2-version}" kmsg_queue 2>/dev/null || :
}

# everywhere VERSION: each kernel has that version's module, and dkms knows that
# version alone.
everywhere() {
	for kernel in $(kernels); do
		same "the module's version in $kernel" "$1" "$(built "$kernel")"
	done
	same "what dkms has of kmsg_queue" "$1 source" "$(registered)"
}

registered() {
	(cd "$root/var/lib/dkms/kmsg_queue" && find . -mindepth 1 -maxdepth 2 \
		-name source -printf '%P\n' | tr / ' ')
}

# left: what there is of the module, outside of the package's own files.
left() {
	find "$root/lib/modules" "$root/var/lib/dkms" \
		-name 'kmsg_queue*' -printf '%P\n'
}

# headers_only KERNEL: have a tree in /lib/modules of a kernel that a module
# cannot be built for.
headers_only() {
	mkdir -p "$root/lib/modules/$1/build/include"
}

# no_headers_of KERNEL: have a kernel there without its headers.
no_headers_of() {
	mkdir "$root/lib/modules/$1"
	: > "$root/lib/modules/$1/modules.dep"
}

# dkms_source NAME: another package's source that cannot be built.
dkms_source() {
	mkdir "$root/usr/src/$1-1"
	printf 'obj-m := %s.o\n' "$1" > "$root/usr/src/$1-1/Kbuild"
	echo '#error on purpose' > "$root/usr/src/$1-1/$1.c"
	cat > "$root/usr/src/$1-1/dkms.conf" <<-END
		PACKAGE_NAME="$1"
		PACKAGE_VERSION="1"
		BUILT_MODULE_NAME[0]="$1"
		DEST_MODULE_LOCATION[0]="/updates/dkms"
		AUTOINSTALL="yes"
	END
	in_root dkms add -m "$1" -v 1
}

# set_version OLD NEW: in the copy of the source that is the current directory.
set_version() {
	sed -i "1s/$1/$2/" CHANGELOG debian/changelog
	sed -i "/VERSION/s/$1/$2/" dkms.conf src/main.c
	sed -i "/^Version:/s/$1/$2/; /^\* /s/$1/$2/" rpm/*.spec
}

fail() {
	echo "failed: $*"
	exit 1
}

skip() {
	echo "$*"
	exit 77
}

# same WHAT WANTED FOUND
same() {
	[ "$2" = "$3" ] || fail "$1 should be '$2' and is '$3'"
}

tests=0

# check NAME COMMAND...: one test. The command runs under set -e; its output is
# shown if it fails. It skips by skip. KMSGQ_ONLY picks tests by a part of NAME.
check() {
	case $1 in
	*"${KMSGQ_ONLY-}"*) ;;
	*) return 0 ;;
	esac
	tests=$((tests + 1))
	name=$1
	shift
	note "$name ..."
	# In an if or || the shell would ignore set -e.
	set +e
	(
		trap - EXIT
		set -e
		"$@"
	) > "$work/log" 2>&1 < /dev/null
	status=$?
	set -e
	case $status in
	0) echo "ok $tests - $name" ;;
	77) echo "ok $tests - $name # SKIP $(tail -n 1 "$work/log")" ;;
	*)
		echo "not ok $tests - $name"
		tail -n 60 "$work/log" | tr -d '\000\r' | sed 's/^/# /'
		;;
	esac
}

# plan: the last line of a test's output.
plan() {
	echo "1..$tests"
}
