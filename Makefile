# dmamatrix: "make run" and "make test" do everything on a fresh machine.

PREFIX ?= /usr/local
SWIFT ?= swift
TOOL = .build/release/dmamatrix
SHARE = $(DESTDIR)$(PREFIX)/share
# The executable carries the Swift runtime; tests are built beside it.
BUILD = $(SWIFT) build -c release --static-swift-stdlib -Xswiftc -use-ld=lld -Xlinker -s
TEST = $(SWIFT) test -c release --scratch-path .build-test

# Kernels of the lab, their packages and build trees, and what they answered.
LAB ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/dmamatrix/lab
LAB_KERNEL ?= 6.12

.PHONY: run lab lab-devices drivers test test-quick docs attack mutate lint bench goldens ecosystem \
  verify-kernels shards torture fuzz sanitize build install install-files dist clean deps

run: build
	$(TOOL) generate --database matrix.db
	@echo
	$(TOOL) report versions --database matrix.db --platform x86-sme47,x86-sme51 \
	  --iommu passthrough --swiotlb force

build: deps
	$(BUILD) --product dmamatrix

test: deps
	$(TEST)

# The model and the parsers, in about a minute after the build: what to run while working.
QUICK = DMAModelTests|BootInputsTests|PolicyFilesTests|AnalysisTests.Cover|SubstringSearchTests
test-quick: deps
	$(TEST) --filter '$(QUICK)'

# The guide and the library's pages, by DocC: a link that leads nowhere fails.
docs: build
	SWIFT=$(SWIFT) sh Tests/docs.sh .build/release

# What an attacker would try, alone; "make test" has it too. Programs of Tests/Attack
# run in the jail that kernel trees run in.
attack: deps
	$(TEST) --filter AttackTests

# Changes the model one place at a time; a test must notice.  By hand: it takes about a
# minute for each change, and first a build of its own.
MUTANTS = --count 40 --minutes 60
mutate: deps
	SWIFT=$(SWIFT) python3 Tests/Mutate/mutate.py $(MUTANTS)

lint:
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests schema

# Measures against other ways to do the same; writes reports/benchmark.md.
bench: build
	TOOL=$(TOOL) sh Tests/Benchmark/run.sh

# Rewrites the checked-in reports, the README's examples and the manual page;
# read the diff in review.
goldens: build
	GOLDENS=rewrite TOOL=$(TOOL) sh Tests/goldens.sh

# The exports and the explorer in the programs that people use: Datasette, DuckDB,
# pandas and Chromium, from PyPI and Debian.
ecosystem: build
	TOOL=$(TOOL) sh Tests/Ecosystem/run.sh

# Debian's own kernel code against the model, of the newest point release that apt has:
# all that differ are named at the end.  6.1 and 6.12 are bookworm's; 7.2 and
# 7.3 come from trixie-backports, forky or sid: KERNELS="7.2 7.3".
KERNELS ?= 6.1 6.12
verify-kernels: build
	sh Tests/kernels.sh .kernels $(KERNELS)
	differ=; for kernel in $(KERNELS); do \
	  $(TOOL) verify --tree .kernels/$$kernel --against $$kernel --yes || \
	    differ="$$differ $$kernel ($$(cat .kernels/$$kernel/.package))"; done; \
	[ -z "$$differ" ] || { echo "verify-kernels: differ from their models:$$differ" >&2; exit 1; }

# The masks of real drivers: TREE is Debian's 7.3 unpacked (linux-source-7.3, or
# "make verify-kernels KERNELS=7.3").
TREE ?= .kernels/7.3
drivers: build
	$(TOOL) report drivers --drivers $(TREE) --format markdown -o reports/drivers.md

# Boots a Debian kernel with dmaprobe in QEMU, on the fewest machines that show every
# answer of the model, and compares; "make lab LAB_KERNEL=7.3" another one.
lab: build
	sh Sources/dmaprobe/debian.sh --packages
	sh Sources/dmaprobe/debian.sh $(LAB_KERNEL) $(LAB)/$(LAB_KERNEL)
	$(TOOL) lab run --kernel $(LAB)/$(LAB_KERNEL)/bzImage \
	  --module $(LAB)/$(LAB_KERNEL)/dmaprobe.ko --plan $(LAB_KERNEL) \
	  --output $(LAB)/$(LAB_KERNEL)/logs
	[ -e matrix.db ] || $(TOOL) generate
	$(TOOL) observe $(LAB)/$(LAB_KERNEL)/logs/*-amd64-*.log

# Boots it with real devices and their own drivers, takes a capture with the script of
# "host --script" while they do I/O, and reads it with host and observe:
# DEVICES="iommu=intel swiotlb=force memory=2G" another machine.
DEVICES ?=
lab-devices: build
	sh Sources/dmaprobe/debian.sh --packages
	sh Sources/dmaprobe/debian.sh --modules $(LAB_KERNEL) $(LAB)/$(LAB_KERNEL)
	TOOL=$(TOOL) sh Tests/Devices/run.sh $(DEVICES) $(LAB_KERNEL) $(LAB)/$(LAB_KERNEL)

# Parts by GNU parallel and by a real Slurm of one node, merged. Needs root.
shards: build
	TOOL=$(TOOL) sh Tests/Shards/run.sh

# Kills, full disks, wrong clocks, damaged pages: what was lost; writes
# reports/torture.md. "make torture TORTURE=--short" does a few of each. verify is
# killed too where "make verify-kernels" unpacked a kernel. Disks need root.
TORTURE ?= --report reports/torture.md
torture: build
	python3 Tests/Torture/torture.py --tool $(TOOL) \
	  $(addprefix --tree ,$(firstword $(wildcard .kernels/6.1 .kernels/6.12))) $(TORTURE)

# Each parser against libFuzzer for SECONDS, on one core. With SEED the inputs are
# those of a number, and without it others each time.
SECONDS = 600
SEED =
fuzz: build
	SEED=$(SEED) sh Tests/Fuzz/run.sh $(TOOL) $(SECONDS)

# Tests with the address and with the thread sanitizer: those where bytes from outside
# meet memory of C, and those where threads meet.
SANITIZE = address thread
sanitize: deps
	SWIFT=$(SWIFT) sh Tests/sanitize.sh $(SANITIZE)

# The executable, the manual page, and completions for three shells.
install: build install-files

install-files:
	install -D -m 755 $(TOOL) $(DESTDIR)$(PREFIX)/bin/dmamatrix
	install -D -m 644 reports/dmamatrix.1 $(SHARE)/man/man1/dmamatrix.1
	install -d $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions \
	  $(SHARE)/fish/vendor_completions.d
	$(TOOL) --generate-completion-script bash >$(SHARE)/bash-completion/completions/dmamatrix
	$(TOOL) --generate-completion-script zsh >$(SHARE)/zsh/site-functions/_dmamatrix
	$(TOOL) --generate-completion-script fish >$(SHARE)/fish/vendor_completions.d/dmamatrix.fish

# An archive that runs without a Swift toolchain, with an example database.
dist: build
	sh Tests/dist.sh $(TOOL) dist

# Installs what is missing; says so where it cannot.
deps:
	@sh Tests/dependencies.sh

clean:
	rm -rf .build .build-test .build-address .build-thread .build-fuzz .venv .kernels dist matrix.db
