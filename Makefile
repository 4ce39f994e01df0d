# `make` builds librill into build/ and makes the tree usable in place: lua/rill/librill.so,
# lua/rill/cdef.lua. What it needs stands in .ci/packages. CC, CFLAGS, LDFLAGS, PREFIX, DESTDIR,
# LIBDIR, LUADIR come from outside as usual.
VERSION = 0.1.0
SONAME = librill.so.0

CC ?= cc
CFLAGS ?= -O2 -g
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
LUADIR ?= $(PREFIX)/share/lua/5.1
BUILD ?= build
LUAJIT ?= luajit
INSTALL ?= install
SECONDS ?= 60
MINUTES ?= 5
JOBS ?= 4# spec files at a time: most of them wait
Q = $(if $(V),,@)# V=1 shows the commands

LIBRARIES = libevent_core libnghttp2 openssl libcares libidn2
WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wwrite-strings -Wvla
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -Isrc -fPIC -fvisibility=hidden -MMD -MP $(WARNINGS) \
	$(shell pkg-config --cflags $(LIBRARIES)) $(CFLAGS)
ALL_LDFLAGS = -shared -Wl,-soname,$(SONAME) -Wl,-z,nodelete -Wl,-z,defs -Wl,--as-needed $(LDFLAGS)

SOURCES = $(sort $(wildcard src/*/*.c))
OBJECTS = $(SOURCES:src/%.c=$(BUILD)/%.o)
LIBRARY = $(BUILD)/librill.so.$(VERSION)
MODULES = $(shell cd lua && find rill -name '*.lua' | sort)

export PATH := $(PATH):/usr/sbin# nginx lives there, and a user's PATH may not name it

# -DRILL_HAVE_NAME where nghttp2 has that function.
have = $(shell echo 'int main(void) { return !$(1); }' | $(CC) -x c -include nghttp2/nghttp2.h - \
	-o /dev/null $(shell pkg-config --cflags --libs libnghttp2) 2>/dev/null && echo -DRILL_HAVE_$(2))
NGHTTP2_HAS = $(call have,nghttp2_option_set_stream_reset_rate_limit,RESET_RATE_LIMIT) \
	$(call have,nghttp2_option_set_max_continuations,MAX_CONTINUATIONS)

.PHONY: all test lint asan valgrind bench bench-needs growth fuzz hostile soak demo install install-rock clean help needs
.DELETE_ON_ERROR:

all: $(LIBRARY) lua/rill/librill.so lua/rill/cdef.lua ## build the library and make the tree usable in place

needs:
	@.ci/need build

$(BUILD)/%.o: src/%.c Makefile | needs
	@mkdir -p $(@D)
	@echo '  cc $<'
	$(Q)$(CC) $(ALL_CFLAGS) $(OWN_CFLAGS) -c -o $@ $<

$(BUILD)/h2/session.o: OWN_CFLAGS = $(NGHTTP2_HAS)

# Made beside its place and moved: a running program keeps the library that it has mapped.
$(LIBRARY): $(OBJECTS)
	@echo '  ld $@'
	$(Q)$(CC) $(ALL_LDFLAGS) $(CFLAGS) -o $@.new $^ $(shell pkg-config --libs $(LIBRARIES))
	$(Q)mv $@.new $@
	$(Q)ln -sf $(@F) $(BUILD)/$(SONAME)
	$(Q)ln -sf $(SONAME) $(BUILD)/librill.so
	@.ci/nghttp2

lua/rill/librill.so: | $(LIBRARY)
	$(Q)ln -sfn ../../$(LIBRARY) $@

lua/rill/cdef.lua: src/rill.h
	@mkdir -p $(BUILD)
	@echo '  made $@'
	$(Q)$(CC) -E -P -DRILL_CDEF -o $(BUILD)/cdef.h $<
	$(Q){ echo 'return [['; cat $(BUILD)/cdef.h; echo ']]'; } > $@.new
	$(Q)mv $@.new $@

# A C program of the specs, built as one outside would: the header, -lrill.
$(BUILD)/poll_loop: spec/c/poll_loop.c $(LIBRARY)
	@echo '  cc $<'
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS) -Isrc -o $@ $< \
		-L$(BUILD) -Wl,-rpath,'$$ORIGIN' -lrill

# Links the failing calls in front of libc's (see spec/c/shim.h): every symbol is there for libraries.
$(BUILD)/faults: spec/c/faults.c spec/c/shim.c spec/c/faults_peer.c spec/c/shim.h \
		spec/c/faults_peer.h $(LIBRARY)
	@echo '  cc $@'
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS) -Isrc -rdynamic -o $@ $(filter %.c,$^) \
		-L$(BUILD) -Wl,-rpath,'$$ORIGIN' -lrill -lssl -lcrypto -ldl

# Preloaded by spec/task/cost_spec.lua.
$(BUILD)/count.so: spec/c/count.c
	@mkdir -p $(@D)
	@echo '  cc $<'
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS) -fPIC -shared -o $@ $< -ldl

# Preloaded by specs of limits.
$(BUILD)/extremes.so: spec/c/extremes.c
	@mkdir -p $(@D)
	@echo '  cc $<'
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS) -fPIC -shared -o $@ $< \
		$(shell pkg-config --cflags --libs libnghttp2) -ldl

# What specs use beside the library, built before they run side by side.
SPEC_PROGRAMS = $(addprefix $(BUILD)/,poll_loop faults)
SPEC_PRELOADS = build/count.so build/extremes.so

test: ## install what is missing (apt), build, run the specs; BUSTED_FLAGS=--shuffle, ROOT=spec/x_spec.lua
	@.ci/need --install build test
	@$(MAKE) --no-print-directory all $(SPEC_PROGRAMS) $(SPEC_PRELOADS)
	@$(LUAJIT) .ci/specs.lua --jobs=$(JOBS) $(BUSTED_FLAGS) -- $(ROOT)

lint: ## luacheck, gcc and clang with warnings as errors, exported symbols
	@.ci/need --install build test lint
	@$(MAKE) --no-print-directory all
	@WARNINGS='$(WARNINGS)' LIBRARIES='$(LIBRARIES)' NGHTTP2_HAS='$(NGHTTP2_HAS)' .ci/lint $(LIBRARY)

SANITIZED = build/asan/librill.so.$(VERSION)
sanitize = $(MAKE) --no-print-directory BUILD=build/asan \
	CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined'

asan: ## the same specs under AddressSanitizer and UBSan; leaks fail
	@.ci/need --install build test
	@$(MAKE) --no-print-directory all $(SPEC_PRELOADS)
	@$(sanitize) $(SANITIZED) build/asan/poll_loop build/asan/faults
	@CC='$(CC)' $(LUAJIT) .ci/specs.lua --jobs=$(JOBS) --limit=900 --under=$(SANITIZED) $(BUSTED_FLAGS) -- $(ROOT)

valgrind: ## what spec/limits/faults_spec.lua does, with fewer trials, under memcheck
	@.ci/need --install build valgrind
	@$(MAKE) --no-print-directory $(BUILD)/faults
	.ci/valgrind $(BUILD)/faults

# The delaying proxy of the bench.
$(BUILD)/bench_delay: bench/c/delay.c
	@mkdir -p $(@D)
	@echo '  cc $<'
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS) -o $@ $<

$(BUILD)/bench_go: bench/peers/go_http.go
	@mkdir -p $(@D)
	@echo '  go $<'
	$(Q)GOCACHE=$(abspath $(BUILD))/go-cache GO111MODULE=off go build -o $@ $<

bench-needs:
	@.ci/need --install build bench
	@.ci/need --install peers || echo 'The bench goes on without that.'
	@$(MAKE) --no-print-directory all $(BUILD)/bench_delay
	@! command -v go >/dev/null || $(MAKE) --no-print-directory $(BUILD)/bench_go

bench: bench-needs ## compare with h2load, curl, libcurl multi, Go and lua-http on loopback
	bench/run
	bench/traces

growth: bench-needs ## plot cost against streams, connections, queue and body size: doc/*.svg
	bench/growth

fuzz: ## run every harness in fuzz/ for SECONDS=60
	@.ci/need --install build fuzz
	@LIBRARIES='$(LIBRARIES)' NGHTTP2_HAS='$(NGHTTP2_HAS)' .ci/fuzz $(SECONDS)

PROBE = $(if $(ASAN),$(CURDIR)/.ci/sanitized $(CURDIR)/$(SANITIZED)) $(LUAJIT) $(CURDIR)/spec/support/probe.lua --ca {ca} -X {method} --data {upload_file} -n {count} \
	-p {parallel} --gap {gap_ms} --max {maxsize} -t {timeout} {url}
hostile: ## run the 195 cases of spec/hostile and judge rill; ONLY=GLOB, H2C=1, ASAN=1: under sanitizers
	@.ci/need --install build hostile
	@$(MAKE) --no-print-directory all
	@$(if $(ASAN),$(sanitize) $(SANITIZED))
	@CC='$(CC)' spec/hostile/judge.py --client json --label rill --out $(BUILD)/hostile$(if $(ASAN),_asan).json \
		--command '$(PROBE)' $(if $(ONLY),--only '$(ONLY)') $(if $(H2C),--h2c) $(if $(ASAN),--sanitized)

soak: ## 50 origins that die, restart and misbehave, for MINUTES=5
	@.ci/need --install build test
	@$(MAKE) --no-print-directory all
	@$(LUAJIT) spec/soak/main.lua $(MINUTES)

demo: ## install what is missing (apt), build, crawl a documentation site over HTTP/2
	@.ci/need --install build demo
	@$(MAKE) --no-print-directory all
	examples/demo

install: all ## install to $(DESTDIR)$(PREFIX): header, library, pkg-config file, Lua modules
	$(INSTALL) -d $(DESTDIR)$(INCLUDEDIR) $(DESTDIR)$(LIBDIR)/pkgconfig
	$(INSTALL) -m 644 src/rill.h $(DESTDIR)$(INCLUDEDIR)/rill.h
	$(INSTALL) -m 755 $(LIBRARY) $(DESTDIR)$(LIBDIR)/
	ln -sf $(notdir $(LIBRARY)) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/librill.so
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
		-e 's|@VERSION@|$(VERSION)|' -e 's|@REQUIRES@|$(LIBRARIES)|' src/rill.pc.in \
		> $(DESTDIR)$(LIBDIR)/pkgconfig/rill.pc
	for module in $(MODULES); do \
		$(INSTALL) -D -m 644 lua/$$module $(DESTDIR)$(LUADIR)/$$module || exit 1; done
	ln -sfnr $(DESTDIR)$(LIBDIR)/$(SONAME) $(DESTDIR)$(LUADIR)/rill/librill.so

install-rock: all # for luarocks: LUADIR gets the modules, LIBDIR the library as rill/librill.so
	for module in $(MODULES); do \
		$(INSTALL) -D -m 644 lua/$$module $(LUADIR)/$$module || exit 1; done
	$(INSTALL) -D -m 755 $(LIBRARY) $(LIBDIR)/rill/librill.so

clean: ## remove what was built
	rm -rf build lua/rill/librill.so lua/rill/cdef.lua

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' Makefile

-include $(OBJECTS:.o=.d)
