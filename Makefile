# What is needed is in `setup`; `demo` and `test` call it.
SHELL   := /bin/bash
BINARY  := .build/release/clm-replay
STORE   := .build/demo-store
SUDO    := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: setup build demo test check-metrics lint bench soak clean

setup:
	@if ! pkg-config --exists lmdb 2>/dev/null; then \
	  echo "installing liblmdb-dev and pkg-config"; \
	  $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq liblmdb-dev pkg-config >/dev/null; fi
	@if ! [ -e /usr/share/zoneinfo/Europe/Berlin ]; then \
	  echo "installing tzdata"; \
	  $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq tzdata >/dev/null; fi

build: setup
	swift build -c release --product clm-replay

demo: build
	@BINARY=$(BINARY) STORE=$(STORE) bash docs/demo.sh

# Debug build and all tests; the reference model (Python, PyYAML) is held against the program on random rules and logs.
test: setup
	swift build --build-tests
	swift test --skip-build
	@python3 -c "import yaml" 2>/dev/null || python3 -m pip install -q pyyaml
	python3 Tests/Reference/campaign.py --binary .build/debug/clm-replay --seeds 1001..1012 --kind micro -j 2
	python3 Tests/Reference/campaign.py --binary .build/debug/clm-replay --seeds 1001..1012 --kind days -j 2
	python3 Tests/Reference/evidence.py --binary .build/debug/clm-replay --events 2000

# Every cell of `metrics` against SQL over the raw events.
check-metrics: build
	@python3 -c "import yaml, duckdb" 2>/dev/null || python3 -m pip install -q pyyaml duckdb
	for period in month week quarter; do python3 Tests/Reference/metrics_sql.py --binary $(BINARY) --period $$period || exit 1; done

lint:
	swift format lint --strict -r Sources Tests Package.swift

bench: build
	bash Benchmarks/run.sh $(BINARY)
	bash Benchmarks/value.sh $(BINARY)

# The long campaigns: random rules against the reference model, and imports killed at random.
soak: build
	python3 Tests/Reference/campaign.py --binary $(BINARY) --seeds 1..2000 --kind micro -j 2
	python3 Tests/Reference/campaign.py --binary $(BINARY) --seeds 1..2000 --kind days -j 2
	python3 Tests/Faults/kill.py --binary $(BINARY) --kills 200
	python3 Tests/Faults/disk.py --binary $(BINARY)

clean:
	rm -rf .build
