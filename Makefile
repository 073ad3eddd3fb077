# The only entrance. `make help` lists the targets; the work is in scripts/.
SHELL := /bin/sh
PREFIX ?= /usr/local
SCRIPTS := scripts

.PHONY: build up test bench bench-shim fuzz lint format release install uninstall clean help

build: ## build everything (debug)
	@$(SCRIPTS)/build.sh

up: ## install what is missing (asks unless CI or YES=1), build, and run `dev up`
	@$(SCRIPTS)/setup.sh
	@$(SCRIPTS)/build.sh
	@.build/debug/dev up

test: ## the whole suite; FILTER=Name runs a part of it
	@$(SCRIPTS)/test.sh

bench: release ## the benchmarks of docs/benchmarks.md (release build)
	@$(SCRIPTS)/bench.sh

bench-shim: release ## Prisma over HTTP beside Prisma's own executor
	@$(SCRIPTS)/bench.sh --rows shim

fuzz: ## each fuzzer for FUZZ_SECONDS (default 60)
	@$(SCRIPTS)/fuzz.sh

lint: ## formatting and style; changes nothing
	@$(SCRIPTS)/lint.sh

format: ## rewrite the sources as the formatter wants them
	swift format -i -r Sources Tests Package.swift

release: ## optimised build, Swift's own libraries linked statically
	@$(SCRIPTS)/build.sh release

install: release ## dev, devd, completions and man pages under PREFIX (and DESTDIR)
	@PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" $(SCRIPTS)/install.sh

uninstall: ## remove what `make install` put under PREFIX
	@PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)" $(SCRIPTS)/install.sh --remove

clean: ## remove what was built (databases stay where they are)
	rm -rf .build

help:
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' Makefile
