# make            the release binary, .build/release/anchorhold
# make demo       build, then a session whose every line is shown
# make test       everything: rooms, black box as root and as an ordinary user; ends with counts
# make test-kernels  the black box on Debian's kernel 6.1, emulated; minutes
# make test-containers  the black box at isolation level container, inside of containers; minutes
# make what-holds what verify finds on this machine and in containers, for the docs
# make fuzz       decoder, policy and profile parser under libFuzzer, ten minutes each
# make bench      what it costs, beside its baselines

PREFIX ?= /usr/local
DESTDIR ?=
BINARY := .build/release/anchorhold
TOOLS := .build/tests
CC := gcc
CFLAGS := -static -O2 -Wall -Wextra -Werror
PRODUCT_TARGETS := Linux Profile Wire Schema Policy Confinement Audit Session anchorhold

.PHONY: all deps build skipping properties demo test test-kernels test-containers what-holds bench \
  lint format install tools fuzz clean

all: build

deps:
	@Tests/dependencies

# The program has one thread, always: references are counted without atomic instructions.
build: deps
	swift build -c release -Xswiftc -static-executable -Xswiftc -assume-single-threaded \
	  --product anchorhold
	@strip --strip-all $(BINARY)
	@ldd $(BINARY) 2>&1 | grep -q 'not a dynamic executable' \
	  || { echo 'anchorhold: error: $(BINARY) is not static' >&2; exit 1; }
	@ls -l $(BINARY) | awk '{printf "%s: %.1f MB, static\n", $$NF, $$5 / 1e6}'

tools: $(TOOLS)/probe $(TOOLS)/notes $(TOOLS)/bench_server $(TOOLS)/blind_relay $(TOOLS)/load $(TOOLS)/walls

$(TOOLS)/probe: $(wildcard Tests/Probe/*.[ch] Sources/CProbe/*.c Sources/CProbe/include/*.h) \
    Sources/CLinux/landlock.c
	@mkdir -p $(TOOLS)
	$(CC) $(CFLAGS) -ISources/CProbe/include -ISources/CLinux/include -o $@ $(filter %.c,$^)

$(TOOLS)/notes: examples/notes/notes.c
	@mkdir -p $(TOOLS)
	$(CC) $(CFLAGS) -o $@ $<

$(TOOLS)/%: Benchmarks/%.c
	@mkdir -p $(TOOLS)
	$(CC) $(CFLAGS) -o $@ $<

# The baseline of the decoder; not linked statically, because Debian has only the shared library.
$(TOOLS)/simdjson: Benchmarks/simdjson.cpp
	@mkdir -p $(TOOLS)
	g++ -O3 -Wall -Wextra -Werror -o $@ $< -lsimdjson

# The same sources, able to leave out one step of sealing, and with a way into relay and init for
# who plays the attacker there: only for the tests.
skipping: deps
	swift build --scratch-path .build/skipping -Xswiftc -static-executable -Xcc -DCL_SKIP_STEPS \
	  -Xcc -DCL_BACKDOOR -Xswiftc -DCL_BACKDOOR --product anchorhold

demo: build tools
	@examples/demo

# Properties that hold for a million documents: optimised, because else it takes minutes.
properties: deps
	swift build -c release -Xswiftc -static-executable -Xswiftc -assume-single-threaded \
	  --product properties

test: build tools skipping properties
	@Tests/run

# On another kernel, in an emulated machine: longer than the rest, so not a part of it.
test-kernels: build tools skipping
	@Tests/Kernels/run

# In podman's containers, in four ways: likewise.
test-containers: build tools skipping
	@python3 Tests/Commands/servers.py
	@Tests/Containers/run

bench: build tools
	@python3 Tests/Commands/servers.py git
	@Benchmarks/bench
	@Benchmarks/repository
	@swift build -c release -Xswiftc -static-executable -Xswiftc -assume-single-threaded \
	  --product bench-schema
	@taskset -c 0 .build/release/bench-schema
	@swift build -c release -Xswiftc -static-executable -Xswiftc -assume-single-threaded \
	  --product bench-call
	@taskset -c 0 .build/release/bench-call
	@Tests/dependencies bench
	@$(MAKE) -s $(TOOLS)/simdjson
	@swift build -c release -Xswiftc -static-executable -Xswiftc -assume-single-threaded \
	  --product bench-decode
	@Benchmarks/messages

fuzz: deps
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-600} Tests/Fuzz/run

# What verify finds in each environment, for docs/what-holds.md: as root, with podman and runc.
what-holds: build tools
	@Tests/what-holds

lint:
	swift format lint --strict -r Sources Tests Package.swift
	@if grep -rnE '^ *((public|internal|private|fileprivate|package) +)?(@[A-Za-z_]+ +)*import +(struct |class |func |enum )?(Foundation|Dispatch|FoundationEssentials)' \
	  $(addprefix Sources/,$(PRODUCT_TARGETS)); then \
	  echo 'lint: product targets import neither Foundation nor Dispatch' >&2; exit 1; fi

format:
	swift format -i -r Sources Tests Package.swift

install: build
	install -D -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/anchorhold

clean:
	rm -rf .build
