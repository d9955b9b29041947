# dmamatrix: "make run" and "make test" do everything on a fresh machine.

PREFIX ?= /usr/local
SWIFT ?= swift
TOOL = .build/release/dmamatrix
# The executable carries the Swift runtime; tests are built beside it.
BUILD = $(SWIFT) build -c release --static-swift-stdlib -Xswiftc -use-ld=lld -Xlinker -s
TEST = $(SWIFT) test -c release --scratch-path .build-test

.PHONY: run test lint bench goldens build install clean deps

run: build
	$(TOOL) generate --database matrix.db
	@echo
	$(TOOL) report versions --database matrix.db

build: deps
	$(BUILD) --product dmamatrix

test: deps
	$(TEST)

lint:
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests schema

bench: build
	$(TOOL) bench

# Rewrites the checked-in reports; read the diff in review.
goldens: build
	GOLDENS=rewrite TOOL=$(TOOL) sh Tests/goldens.sh

install: build
	install -D -m 755 $(TOOL) $(DESTDIR)$(PREFIX)/bin/dmamatrix

# Installs what is missing; says so where it cannot.
deps:
	@sh Tests/dependencies.sh

clean:
	rm -rf .build .build-test matrix.db
