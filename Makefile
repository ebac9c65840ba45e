# SPDX-License-Identifier: GPL-2.0-only
# For people; kbuild reads src/Kbuild. `make help` lists the targets.

NAME := kmsg_queue
VERSION := $(firstword $(shell head -n 1 CHANGELOG))
KVER := $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build

# Not what a build leaves behind.
SOURCES = src/Kbuild $(filter-out %.mod.c,$(wildcard src/*.[ch]))

# Where things go; a package sets DESTDIR.
DKMS_SRC = $(DESTDIR)/usr/src/$(NAME)-$(VERSION)
MODPROBE_D = $(DESTDIR)/etc/modprobe.d
MODULES_LOAD_D = $(DESTDIR)/usr/lib/modules-load.d
DRACUT_D = $(DESTDIR)/usr/lib/dracut/dracut.conf.d
BIN = $(DESTDIR)/usr/bin
UNITS = $(DESTDIR)/usr/lib/systemd/system
MAN1 = $(DESTDIR)/usr/share/man/man1
MAN4 = $(DESTDIR)/usr/share/man/man4

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

module: ## build src/kmsg_queue.ko for the running kernel, or for KDIR=...
	@test -e $(KDIR)/Makefile || { \
	  echo "No kernel headers in $(KDIR): install the package" \
	    "linux-headers-$(KVER) (Debian, Ubuntu) or kernel-devel-$(KVER)" \
	    "(Fedora, EL), or set KDIR=... to the build directory of a kernel" >&2; \
	  exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR)/src modules

# Everything that a package ships, and the one list of it. An existing
# configuration may have been changed: keep it.
install-files:
	install -d "$(DKMS_SRC)" "$(MODPROBE_D)" "$(MODULES_LOAD_D)" \
	  "$(DRACUT_D)" "$(BIN)" "$(UNITS)" "$(MAN1)" "$(MAN4)"
	install -m 644 dkms.conf $(SOURCES) "$(DKMS_SRC)"
	test -e "$(MODPROBE_D)/$(NAME).conf" || \
	  install -m 644 src/modprobe.d/$(NAME).conf "$(MODPROBE_D)"
	install -m 644 src/modules-load.d/$(NAME).conf "$(MODULES_LOAD_D)"
	install -m 644 src/dracut.conf.d/$(NAME).conf "$(DRACUT_D)"
	install -m 644 src/$(NAME).4 "$(MAN4)"
	install src/kmsgq-consume "$(BIN)"
	install -m 644 src/kmsgq-consume.1 "$(MAN1)"
	install -m 644 src/systemd/kmsgq-consume@.service "$(UNITS)"

install: install-files ## without a package: give the source to dkms, install the configuration
	@test -n "$(DESTDIR)" || { \
	  command -v dkms >/dev/null || { \
	    echo "dkms is missing: install the package dkms" >&2; exit 1; }; \
	  { dkms status $(NAME)/$(VERSION) | grep -q . || \
	    dkms add $(NAME)/$(VERSION); } && \
	  dkms build --force $(NAME)/$(VERSION) -k $(KVER) && \
	  dkms install --force $(NAME)/$(VERSION) -k $(KVER) && \
	  echo "Installed. \`modprobe $(NAME)\` loads it now, systemd at each boot."; }

uninstall: ## undo install; a loaded module stays until rmmod or reboot
	@test -n "$(DESTDIR)" || dkms remove $(NAME)/$(VERSION) --all
	rm -rf "$(DKMS_SRC)"
	rm -f "$(MODPROBE_D)/$(NAME).conf" "$(MODULES_LOAD_D)/$(NAME).conf" \
	  "$(DRACUT_D)/$(NAME).conf" "$(MAN4)/$(NAME).4" "$(BIN)/kmsgq-consume" \
	  "$(MAN1)/kmsgq-consume.1" "$(UNITS)/kmsgq-consume@.service"

demo: harness ## see it work: install the package in a throw-away VM and boot it
	@test/package/demo

shell: harness ## a shell in a throw-away VM that has the module
	@test/vm/run --interactive

check: harness ## lint and every test of the module
	@test/check --also test/bench/check

bench: harness ## compare with the kernel's own queues; tables and picture in build/; RECORD=1
	@test/bench/run $(if $(RECORD),--record)

check-debug: harness ## every test with KASAN, lockdep, KCSAN and more; PARTS='kunit faults' for some
	@test/check-debug $(PARTS)

check-kernels: harness ## the tests on Debian's kernels from 5.10 on; KERNELS='trixie sid:rt-amd64', RECORD=1
	@test/check-kernels $(if $(RECORD),--record) $(KERNELS)

fuzz: harness ## random calls with predicted results; SECONDS=600, SEED=N to repeat
	@test/fuzz/run --seconds $(or $(SECONDS),60) $(if $(SEED),--seed $(SEED)) \
		$(if $(KERNEL),--kernel $(KERNEL))

deb: ## build the Debian package into build/
	@debian/build

rpm: ## build the rpm and its source rpm into build/
	@rpm/build

check-packages: ## install, upgrade, boot and remove the packages in throw-away systems
	@test/package/check

lint: ## check the sources and the packages, without running anything
	@test/lint

harness:
	@packages=$$(test/vm/deps) && test/need $$packages

clean: ## remove what was built here
	rm -rf build
	cd src && rm -rf *.ko *.mod *.mod.c *.o .*.cmd .*.o .tmp_versions Module.symvers modules.order
	@echo "Kernels, roots and builds for the VMs are kept in" \
	  "$${KMSGQ_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/kmsg_queue}: delete that directory to remove them"

.PHONY: help module install-files install uninstall demo shell check bench \
	check-debug check-kernels fuzz deb rpm check-packages lint harness clean
