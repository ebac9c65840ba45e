# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2016
# Where Debian's archive is, and how to make a system from it. Sourced after
# lib.sh.

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# base_suite SUITE: what a suite with only some packages is an addition to.
base_suite() {
	case $1 in
	*-backports) echo "${1%-backports}" ;;
	experimental|rc-buggy) echo sid ;;
	*) echo "$1" ;;
	esac
}

# The host's apt knows the mirrors. Not every Debian host has the main archive
# first, and an Ubuntu one has none.
host_mirror() {
	apt-get indextargets --format '$(REPO_URI) $(RELEASE)' \
		'Created-By: Packages' 'Component: main' |
	awk -v want="$1" '$2 ~ want { print $1; exit }'
}

# sources SUITE: lines for apt's sources.list.
sources() {
	base=$(base_suite "$1")
	mirror=${KMSGQ_MIRROR:-$(host_mirror \
		'^(bullseye|bookworm|trixie|forky|duke|sid|(old)*stable|testing|unstable)$')}
	[ -n "$mirror" ] ||
		die "apt knows no Debian mirror here; set KMSGQ_MIRROR to one"
	printf '%s\n' "$base" "$1" | uniq | while read -r suite; do
		echo "deb [signed-by=$keyring] $mirror $suite main"
	done

	# Updates of stable kernels appear there first.
	case $base in
	sid|unstable|testing) return ;;
	esac
	security=${KMSGQ_SECURITY_MIRROR-$(host_mirror -security'$')}
	[ -z "$security" ] ||
		echo "deb [signed-by=$keyring] $security $base-security main"
}

# Settings for apt: a frozen mirror is as good as a live one here, the
# signatures are checked all the same.
apt_settings='Acquire::Retries "3"; Acquire::Check-Valid-Until "false";'

# open_to_all DIRECTORY: may any user enter it?
open_to_all() {
	directory=$(realpath "$1")
	while [ "$directory" ]; do
		case $(stat -c %A "$directory") in
		*[xt]) directory=${directory%/*} ;;
		*) return 1 ;;
		esac
	done
}

# bootstrap SUITE TARGET OPTION...: a system with only what is asked for; TARGET
# is a directory, or a file if it ends in .tar. For an ordinary user mmdebstrap
# does it in a user namespace, where his own directories are another user's.
bootstrap() {
	suite=$1
	tar=$2
	shift 2
	temporary=${TMPDIR:-/tmp}
	open_to_all "$temporary" || temporary=/tmp
	# mmdebstrap does not read the host's apt settings.
	proxies=$(apt-config dump Acquire | grep -i '::proxy') || :
	sources "$suite" > "$tar.sources"
	TMPDIR=$temporary mmdebstrap --variant=essential --architectures=amd64 \
		--dpkgopt=force-unsafe-io \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--aptopt="$apt_settings $proxies" \
		"$@" "$(base_suite "$suite")" "$tar" - \
		< "$tar.sources" > "$tar.log" 2>&1 || {
		grep -E '^(E|W|Err|dpkg): ?|: error: ' "$tar.log" | tail -n 5 >&2
		die "cannot make a root of $suite: $(grep '^E: ' "$tar.log" |
			head -n 1 | cut -c 4-); all that mmdebstrap said is in $tar.log"
	}
	rm "$tar.sources" "$tar.log"
}
