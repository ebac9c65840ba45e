# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-only
# Sourced by what signs a repository, with the top directory in $top: sets $key to
# $KEY, or to a key in the user's home directory, which is created if necessary.

# One at a time: they share the key, and gpg's agent, which this stops.
exec 9< "$top/debian/repo-key.sh"
flock 9

# made_key: print the key that is there.
made_key() {
	gpg --batch --with-colons --list-secret-keys 2>/dev/null |
		sed -n '/^fpr:/{s/^fpr:*//;s/:.*//p;q}'
}

key=${KEY-}
if [ -z "$key" ]; then
	# Not in the tree: a source package made there would have it.
	export GNUPGHOME="${XDG_DATA_HOME:-$HOME/.local/share}/kmsg_queue/key"
	trap 'gpgconf --kill gpg-agent' EXIT
	(umask 077 && mkdir -p "$GNUPGHOME")
	[ -n "$(made_key)" ] || gpg --batch --quiet --pinentry-mode loopback \
		--passphrase '' --quick-generate-key \
		'kmsg_queue (a key to try things)' rsa3072 sign never >&2
	key=$(made_key)
fi
