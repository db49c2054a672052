# SPDX-License-Identifier: GPL-2.0-only
# Thin: each part has a makefile of its own, and the module is built by Kbuild.
KDIR ?= /lib/modules/$(shell uname -r)/build
O ?= $(CURDIR)/build/user
export O

parts := userlib tools examples

.DEFAULT_GOAL := all
.PHONY: all modules user $(parts) selftests bench bench-quick bench-repeat bench-programs demo \
	test test-debug model histories fuzz mutations inject balance storm coverage check \
	install modules_install clean distclean help

all: modules user

help:
	@echo 'Needs nothing but make and apt:'
	@echo '  make demo             real work through kernel channels, in a virtual machine'
	@echo '  make test             all tests, on two kernels in virtual machines'
	@echo '  make test-debug       the same tests on kernels that watch memory, locks and races'
	@echo '  make model            the protocol as a model, searched exhaustively'
	@echo '  make histories        random concurrent programs, checked against a sequential model'
	@echo '                                           (HISTORIES=N: so many, of 100,000)'
	@echo '  make fuzz             a minute of fuzzing; proof/fuzz/run --help has more'
	@echo '  make mutations        whether the tests find deliberate faults of the module'
	@echo '  make inject           each allocation and each copy of the module fails once, in turn'
	@echo '  make balance          ten million operations on each of the kernels of test-debug'
	@echo '  make storm            ten thousand kills'
	@echo '  make coverage         which lines of the module the tests run'
	@echo '  make check            static checks'
	@echo '  make bench            what channels cost beside pipes, queues and others'
	@echo '  make bench-quick      likewise, in a minute or two'
	@echo '  make bench-repeat     whether the figures are the same a second time'
	@echo
	@echo 'For the kernel you run (headers and a compiler installed):'
	@echo '  make                  the module, the library, the tools, the examples'
	@echo '  make modules          the module       (KDIR=DIR: headers of another kernel)'
	@echo '  make user             all but the module             (O=DIR: where it goes)'
	@echo '  make modules_install  the module, for modprobe'
	@echo '  make install          library, tools, manual pages   (DESTDIR=, PREFIX=)'
	@echo
	@echo '  make clean            removes what was built'
	@echo '  make distclean        removes the cache of kernels too'

modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR) CONFIG_CHAN=m modules

modules_install:
	$(MAKE) -C $(KDIR) M=$(CURDIR) CONFIG_CHAN=m modules_install

user: $(parts)

$(parts):
	$(MAKE) -C $@

tools examples: userlib

selftests: userlib tools examples
	$(MAKE) -C selftests

bench-programs: userlib
	$(MAKE) -C bench
	$(MAKE) -C bench/go
	$(MAKE) -C bench/where

bench-quick: how := --quick
bench-repeat: how := --twice
bench bench-quick bench-repeat:
	scripts/setup bench
	scripts/bench $(how)

demo:
	scripts/setup demo
	$(MAKE) --no-print-directory -s user
	scripts/demo

test:
	scripts/setup test
	scripts/test $(TESTS)

test-debug:
	scripts/setup test
	scripts/test --debug $(TESTS)

model:
	scripts/setup model
	proof/model/run

histories:
	scripts/setup histories
	$(MAKE) --no-print-directory -s -C proof/history
	proof/history/checker_test.sh
	proof/history/run $(HISTORIES:%=--histories %)

fuzz:
	scripts/setup fuzz
	proof/fuzz/run

mutations inject storm:
	scripts/setup test
	proof/$@/run

balance:
	scripts/setup test
	proof/balance/run --kernel debug
	proof/balance/run --kernel kcsan

coverage:
	scripts/setup coverage
	proof/$@/run

check:
	scripts/setup check
	scripts/check

install: user
	for part in userlib tools; do $(MAKE) -C $$part install || exit; done

clean:
	rm -rf build
	[ ! -d "$(KDIR)" ] || $(MAKE) -C $(KDIR) M=$(CURDIR) CONFIG_CHAN=m clean

distclean: clean
	rm -rf "$${CHAN_CACHE:-$${XDG_CACHE_HOME:-$$HOME/.cache}/chan}"
