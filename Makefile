# SPDX-License-Identifier: GPL-2.0-only
# For people; kbuild reads src/Kbuild. `make help` lists the targets.

NAME := kmsg_queue
VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
KVER := $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build

# Not what a build leaves behind.
SOURCES = src/Kbuild $(filter-out %.mod.c,$(wildcard src/*.[ch]))

# Where things go; a package sets DESTDIR.
DKMS_SRC = $(DESTDIR)/usr/src/$(NAME)-$(VERSION)
USR = $(DESTDIR)/usr
LIB = $(USR)/lib
MAN = $(USR)/share/man

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

module: ## build src/kmsg_queue.ko for the running kernel, or for KDIR=...
	@test -e $(KDIR)/Makefile || { \
	  echo "No kernel headers in $(KDIR): install the package" \
	    "linux-headers-$(KVER) (Debian, Ubuntu) or kernel-devel-$(KVER)" \
	    "(Fedora, EL), or set KDIR=... to the build directory of a kernel" >&2; \
	  exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR)/src modules

# What the package kmsg-queue-dkms ships.
install-dkms:
	install -D -m 644 -t "$(DKMS_SRC)" dkms.conf $(SOURCES)
	install -D -m 644 -t "$(LIB)/modprobe.d" src/conf/modprobe.d/*.conf
	install -D -m 644 -t "$(LIB)/modules-load.d" src/conf/modules-load.d/*.conf
	install -D -m 644 -t "$(LIB)/dracut/dracut.conf.d" src/conf/dracut.conf.d/*.conf
	install -D -m 644 -t "$(LIB)/dracut/modules.d/99$(NAME)" src/conf/dracut-module/module-setup.sh
	install -D -m 755 -t "$(USR)/libexec/$(NAME)" src/dkms-setup
	install -D -m 644 -t "$(MAN)/man4" src/man/*.4
	install -D -m 644 -t "$(MAN)/man5" src/man/*.5

# What the package kmsg-queue-utils ships.
install-utils:
	install -D -m 755 -t "$(USR)/bin" src/kmsgq
	install -D -m 644 -t "$(USR)/share/bash-completion/completions" src/completion/kmsgq
	install -D -m 644 -t "$(LIB)/systemd/system" src/conf/systemd/*.service
	install -D -m 644 -t "$(MAN)/man1" src/man/*.1
	install -D -m 644 -t "$(MAN)/man7" src/man/*.7

install-files: install-dkms install-utils

install: ## install without a package: register with DKMS, install configuration
	@$(if $(DESTDIR),$(MAKE) install-files,src/by-hand install $(VERSION))

uninstall: ## reverse install; keep modified files; a loaded module stays until rmmod or reboot
	@src/by-hand uninstall

demo: harness ## install and boot the package in a disposable VM
	@test/package/demo

shell: harness ## open a shell in a VM with the module loaded
	@test/vm/run --interactive

check: harness ## run lint and every test of the module
	@test/check --also test/bench/check

bench: harness ## benchmark against the kernel's own queues; tables and picture in build/; RECORD=1
	@test/bench/run $(if $(RECORD),--record)

check-debug: harness ## run every test with KASAN, lockdep, KCSAN and more; PARTS='kunit faults' for some
	@test/check-debug $(PARTS)

check-kernels: harness ## run the tests on Debian's kernels from 5.10 on; KERNELS='trixie sid:rt-amd64', RECORD=1
	@test/check-kernels $(if $(RECORD),--record) $(KERNELS)

fuzz: harness ## run the model-based fuzzer; SECONDS=600, SEED=N to repeat
	@test/fuzz/run --seconds $(or $(SECONDS),60) $(if $(SEED),--seed $(SEED)) \
		$(if $(KERNEL),--kernel $(KERNEL))

deb: ## build the Debian package into build/
	@debian/build

rpm: ## build the rpm and its source rpm into build/
	@rpm/build

repo: ## build signed repositories for apt and dnf into build/repo; KEY= and URL= to publish
	@debian/repo build/repo
	@rpm/repo build/repo

check-packages: ## install, upgrade, boot and remove the packages in disposable systems
	@test/package/check

check-relays: ## test the kmsgq-relays(7) recipes against real brokers; PARTS='mosquitto redis'
	@test/relays/check $(PARTS)

check-programs: ## test the rows of kmsgq-programs(7) with Debian's programs; PARTS='shells tools', SUITES=trixie
	@test/programs/check $(if $(SUITES),--suites '$(SUITES)') $(PARTS)

lint: ## check the sources and the packages, without running anything
	@test/lint

harness:
	@packages=$$(test/vm/deps) && test/need $$packages

clean: ## remove build output
	rm -rf build
	cd src && rm -rf *.ko *.mod *.mod.c *.o .*.cmd .*.o .tmp_versions Module.symvers modules.order
	@echo "Kernels, roots and builds for the VMs are kept in" \
	  "$${KMSGQ_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/kmsg_queue}: delete that directory to remove them"

.PHONY: help module install-dkms install-utils install-files install uninstall \
	demo shell check bench check-debug check-kernels fuzz deb rpm repo \
	check-packages check-relays check-programs lint harness clean
