# What is needed is in `setup`; `demo` and `test` call it.
SHELL   := /bin/bash
BINARY  := .build/release/clm-replay
STORE   := .build/demo-store
SUDO    := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: setup build demo try test check-metrics check-tables check-sources check-value check-schema check-report report-picture dist check-dist lint docc bench bench-small bench-budgets soak faults packages chromium install clean

setup:
	@if ! pkg-config --exists lmdb zlib sqlite3 libcrypto 2>/dev/null; then \
	  echo "installing liblmdb-dev, libssl-dev, zlib1g-dev, libsqlite3-dev and pkg-config"; \
	  $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq liblmdb-dev libssl-dev zlib1g-dev libsqlite3-dev pkg-config >/dev/null; fi
	@if ! [ -e /usr/share/zoneinfo/Europe/Berlin ]; then \
	  echo "installing tzdata"; \
	  $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq tzdata >/dev/null; fi

# Swift's libraries and, where their archives are installed, OpenSSL's, SQLite's, zlib's and C++'s become part of the program, which
# then needs libc and liblmdb alone and starts in a third of the time. SwiftPM asks pkg-config where libraries are, so it is told of
# a folder that has archives only; one that is missing is linked as ever.
STATIC   := $(CURDIR)/.build/static
RELEASE  := swift build -c release --static-swift-stdlib -Xswiftc -Xclang-linker -Xswiftc -static-libgcc

build: setup
	@mkdir -p $(STATIC)
	@for pair in zlib:z libcrypto:crypto sqlite3:sqlite3 :stdc++; do \
	  archive=$$(clang -print-file-name=lib$${pair#*:}.a); [ -e $$archive ] || continue; \
	  ln -sf $$archive $(STATIC)/; module=$${pair%:*}; [ -z $$module ] || \
	    printf 'Name: %s\nDescription: its archive\nVersion: %s\nLibs: -L%s -l%s\n' \
	      $$module $$(pkg-config --modversion $$module) $(STATIC) $${pair#*:} > $(STATIC)/$$module.pc; done
	PKG_CONFIG_PATH=$(STATIC) $(RELEASE) --product clm-replay

# The program, completions for bash, zsh and fish, and a man page for each command: `make install PREFIX=~/.local`.
PREFIX ?= /usr/local
SHARE  := $(DESTDIR)$(PREFIX)/share

install: build
	install -D -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/clm-replay
	install -d $(SHARE)/bash-completion/completions $(SHARE)/zsh/site-functions $(SHARE)/fish/vendor_completions.d $(SHARE)/man/man1
	$(BINARY) --generate-completion-script bash > $(SHARE)/bash-completion/completions/clm-replay
	$(BINARY) --generate-completion-script zsh > $(SHARE)/zsh/site-functions/_clm-replay
	$(BINARY) --generate-completion-script fish > $(SHARE)/fish/vendor_completions.d/clm-replay.fish
	bash docs/manual.sh $(BINARY) $(SHARE)/man/man1

# An archive with the program for machines without Swift, its man pages and completions, and the licences of what is linked in.
VERSION = $(firstword $(subst $(comma), ,$(word 2,$(shell $(BINARY) --version))))
comma   := ,
DIST    = clm-replay-$(VERSION)-linux-$(shell uname -m)

dist: build
	rm -rf .build/dist
	$(MAKE) --no-print-directory install PREFIX=/$(DIST) DESTDIR=$(CURDIR)/.build/dist
	strip .build/dist/$(DIST)/bin/clm-replay
	bash docs/licences.sh .build/dist/$(DIST)
	tar -C .build/dist --owner=0 --group=0 --sort=name -czf .build/dist/$(DIST).tar.gz $(DIST)
	@ls -l .build/dist/$(DIST).tar.gz

# What `make dist` made, in a Debian that has nothing but libc and liblmdb (debootstrap needs root): a log from import to proof.
check-dist: dist
	SUDO="$(SUDO)" bash Tests/Dist/check.sh .build/dist/$(DIST)

demo: build
	@BINARY=$(BINARY) STORE=$(STORE) bash docs/demo.sh

# The same with a debug build, which takes a third of the time to make: for a first look.
try: setup
	swift build --product clm-replay
	@BINARY=.build/debug/clm-replay STORE=$(STORE) bash docs/demo.sh

# Debug build and all tests; the reference model (Python, PyYAML) is held against the program on random rules and logs.
test: setup packages
	swift build --build-tests
	swift test --skip-build
	python3 Tests/Reference/campaign.py --binary .build/debug/clm-replay --seeds 1001..1012 --kind micro -j 2
	python3 Tests/Reference/campaign.py --binary .build/debug/clm-replay --seeds 1001..1012 --kind days -j 2
	python3 Tests/Reference/values.py --binary .build/debug/clm-replay --seeds 1..4
	python3 Tests/Reference/engines.py --binary .build/debug/clm-replay --seeds 1..6 --crowd 20
	python3 Tests/Reference/evidence.py --binary .build/debug/clm-replay --events 2000
	python3 Tests/Reference/tamper.py --binary .build/debug/clm-replay --small
	python3 Tests/Reference/csv_rows.py --binary .build/debug/clm-replay --small
	$(MAKE) faults

# Every cell of `metrics` against SQL over the raw events.
check-metrics: build
	@python3 -c "import yaml, duckdb" 2>/dev/null || python3 -m pip install -q pyyaml duckdb
	for period in month week quarter; do python3 Tests/Reference/metrics_sql.py --binary $(BINARY) --period $$period || exit 1; done

# Tables as SQLite, DuckDB, pandas and Datasette read them against CSV; Parquet by the lines of docs/export.md. The extension
# is that of DuckDB 1.4.4, as PyPI has it.
check-tables: build .build/tables-venv/ready
	.build/tables-venv/bin/python Tests/Reference/tables.py --binary $(BINARY)

.build/tables-venv/ready:
	python3 -m venv .build/tables-venv
	.build/tables-venv/bin/pip install -q duckdb==1.4.4 duckdb-ext-sqlite==1.4.4.20260205 duckdb-ext-postgres==1.4.4.20260205 pandas==3.1.1 datasette==0.65.5 confluent-kafka
	touch $@

# Every line of docs/sources.md, with a PostgreSQL server and a Kafka broker of their own.
check-sources: build .build/tables-venv/ready
	@if ! which jq zstd kcat psql >/dev/null; then echo "installing jq, zstd, kcat and postgresql"; \
	  $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq jq zstd kcat postgresql >/dev/null; fi
	.build/tables-venv/bin/python Tests/Reference/sources.py --binary $(BINARY)

# Fits of customer value against scipy and PyPI `lifetimes`, installed aside in the last versions that work together (Python 3.11).
# CLM_REFERENCE_DATA may name a folder with completejourney_events.csv.gz.
VALUE_PYTHON ?= .build/value-venv/bin/python

check-value: build .build/value-venv/ready
	$(VALUE_PYTHON) Tests/Reference/value.py --binary $(BINARY)

check-schema: build
	@python3 -c "import jsonschema, yaml" 2>/dev/null || python3 -m pip install -q jsonschema pyyaml
	python3 Tests/Reference/schema.py --binary $(BINARY)

.build/value-venv/ready:
	python3 -m venv .build/value-venv
	.build/value-venv/bin/pip install -q "lifetimes==0.11.3" "pandas<2" "numpy<1.26" "scipy<1.12" "mpmath>=1.3"
	touch $@

# Pages of `report` in headless Chromium: what is drawn, at two widths, light and dark, and on paper.
check-report: build chromium
	python3 Tests/Report/check.py --binary $(BINARY)

# The picture of the README: the report on the demo shop.
report-picture: build chromium
	python3 Tests/Report/check.py --binary $(BINARY) --picture docs/report.png

chromium:
	@if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null && ! command -v google-chrome >/dev/null; then \
	  echo "installing chromium and fonts"; \
	  $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; fi

# Form, and that every public member of the libraries has a documentation comment, as the compiler's symbols say.
lint: setup
	swift format lint --strict -r Sources Tests Benchmarks Package.swift
	swift build
	python3 Tests/Documentation/symbols.py

# The reference of the libraries, as archives in .build/docc that a web server or Xcode shows; a warning is an error.
DOCC ?= $(shell command -v docc || echo "$$(dirname "$$(readlink -f "$$(command -v swift)")")/docc")

docc: setup
	swift build
	rm -rf .build/docc
	python3 Tests/Documentation/symbols.py --output .build/docc/symbols
	for library in CEL EventStore Projections; do \
	  "$(DOCC)" convert Sources/$$library/$$library.docc --additional-symbol-graph-dir .build/docc/symbols/$$library \
	    --fallback-display-name $$library --fallback-bundle-identifier clm-replay.$$library \
	    --warnings-as-errors --output-dir .build/docc/$$library.doccarchive || exit 1; done

# Beside what others have, on the same file, answers compared; writes docs/benchmarks.md. Alone on two cores it takes about
# 20 minutes and 12 GB. Fails where a budget of instructions (Benchmarks/budgets.json; valgrind counts them) is exceeded by 10 %.
EVENTS ?= 10000000
BENCH  := .build/bench-venv/bin/python Benchmarks/bench.py --binary $(BINARY)

bench: build .build/bench-venv/ready .build/value-venv/ready
	swift build -c release --package-path Benchmarks --scratch-path .build/benchmarks --product store-benchmark
	$(BENCH) --store-benchmark .build/benchmarks/release/store-benchmark --events $(EVENTS) --lifetimes $(VALUE_PYTHON) --report docs/benchmarks.md

# 200,000 events, to try the benchmark itself: its figures are mostly those of starting processes.
bench-small: build .build/bench-venv/ready
	swift build -c release --package-path Benchmarks --scratch-path .build/benchmarks --product store-benchmark
	$(BENCH) --store-benchmark .build/benchmarks/release/store-benchmark --events 200000 --rounds 1 --no-instructions

# Instructions alone; `make bench-budgets BUDGETS=--set-budgets` makes them the budgets.
bench-budgets: build .build/bench-venv/ready
	$(BENCH) --instructions-only $(BUDGETS)

.build/bench-venv/ready:
	python3 -m venv .build/bench-venv
	.build/bench-venv/bin/pip install -q duckdb==2.0.1 polars==2.1.0 eventsourcing==9.5.6 lmdb==3.0.0
	touch $@

# The long campaigns: random rules against the reference model, killed commands, power cuts, failing calls, full disks, damaged
# and forged files, mutated input, readers beside writers. Power cuts, full disks and their file systems need root.
soak: build packages
	python3 Tests/Reference/campaign.py --binary $(BINARY) --seeds 1..2000 --kind micro -j 2
	python3 Tests/Reference/campaign.py --binary $(BINARY) --seeds 1..2000 --kind days -j 2
	python3 Tests/Reference/values.py --binary $(BINARY) --seeds 1..300
	python3 Tests/Reference/engines.py --binary $(BINARY) --seeds 1..500 --crowd 100
	CLM_SCANNER_LINES=10000000 swift test --filter LineLayoutTests
	python3 Tests/Reference/compared.py --binary $(BINARY) --seeds 1..500 --kind days
	python3 Tests/Reference/compared.py --binary $(BINARY) --seeds 1..500 --kind micro
	python3 Tests/Reference/tamper.py --binary $(BINARY)
	python3 Tests/Reference/folded.py --binary $(BINARY) --events 20000 --seeds 1,2,3
	@python3 -c "import duckdb" 2>/dev/null || python3 -m pip install -q duckdb
	python3 Tests/Reference/csv_rows.py --binary $(BINARY)
	python3 Tests/Faults/kill.py --binary $(BINARY) --kills 2000
	python3 Tests/Faults/resume.py --binary $(BINARY)
	python3 Tests/Faults/power.py --binary $(BINARY) --cuts 200
	python3 Tests/Faults/failing.py --binary $(BINARY)
	python3 Tests/Faults/disk.py --binary $(BINARY) --sizes 60
	python3 Tests/Faults/damage.py --binary $(BINARY) --mutations 21000
	python3 Tests/Faults/forged.py --binary $(BINARY) --changes 4000
	python3 Tests/Faults/index.py --binary $(BINARY)
	python3 Tests/Faults/forget.py --binary $(BINARY)
	python3 Tests/Faults/fuzz.py --binary $(BINARY)
	python3 Tests/Faults/beside.py --binary $(BINARY)

# A small part of each.
faults: build packages
	for part in kill resume power failing disk damage forged index forget fuzz beside; do \
	  python3 Tests/Faults/$$part.py --binary $(BINARY) --small || exit 1; done

packages:
	@python3 -c "import yaml, lmdb, xxhash" 2>/dev/null || python3 -m pip install -q pyyaml lmdb xxhash

clean:
	rm -rf .build
