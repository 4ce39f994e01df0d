# The specs and other checks.
JOBS ?= 4# spec files at a time: most of them wait for something
MINUTES ?= 5
RUNS ?= 20
BESIDE = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc))# files that are compiled at a time

.PHONY: test asan valgrind hostile soak soak-openresty suites lint stable spec-programs spec-preloads

PROGRAM_CFLAGS = -std=c11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS)
WITH_LIBRARY = -L$(BUILD) -Wl,-rpath,'$$ORIGIN' -lrill

# A C program of the specs, built as one outside would: the header, -lrill.
$(BUILD)/poll_loop: spec/c/poll_loop.c $(LIBRARY)
	@echo '  cc $<'
	$(Q)$(CC) $(PROGRAM_CFLAGS) -Isrc -o $@ $< $(WITH_LIBRARY)

$(BUILD)/tls_flood: spec/c/tls_flood.c
	@echo '  cc $<'
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) -O2 -o $@ $< $(shell pkg-config --cflags --libs openssl)

# Links the failing calls in front of libc's (see spec/c/shim.h): every symbol is there for libraries.
$(BUILD)/faults: spec/c/faults.c spec/c/shim.c spec/c/faults_peer.c spec/c/shim.h \
		spec/c/faults_peer.h $(LIBRARY)
	@echo '  cc $@'
	$(Q)$(CC) $(PROGRAM_CFLAGS) -Isrc -rdynamic -o $@ $(filter %.c,$^) $(WITH_LIBRARY) -lssl -lcrypto -ldl

# The library's objects with rill_check(), and a program that knows their insides.
CHECKED = api/check api/loop
$(BUILD)/broken_loop: spec/c/broken_loop.c $(LIBRARY)
	@echo '  cc $<'
	$(Q)$(CC) $(ALL_CFLAGS) -fno-lto -MF $@.d -DRILL_CHECK -o $@ $< $(CHECKED:%=src/%.c) \
		$(filter-out $(CHECKED:%=$(BUILD)/%.o),$(OBJECTS)) $(shell pkg-config --libs $(LINKED)) -lm

# The library's objects, without rill_check(): the program fills the gate with what it would miss.
$(BUILD)/held_dial: spec/c/held_dial.c $(LIBRARY)
	@echo '  cc $<'
	$(Q)$(CC) $(ALL_CFLAGS) -fno-lto -MF $@.d -URILL_CHECK -o $@ $< $(CHECKED:%=src/%.c) \
		$(filter-out $(CHECKED:%=$(BUILD)/%.o),$(OBJECTS)) $(shell pkg-config --libs $(LINKED)) -lm

# What the library does not export, for spec/html/encoder_spec.lua.
$(BUILD)/encoder.so: spec/c/encoder.c $(LIBRARY)
	@echo '  cc $<'
	$(Q)$(CC) $(ALL_CFLAGS) -fno-lto -shared -o $@ $< \
		$(filter $(BUILD)/html/% $(BUILD)/base/% $(BUILD)/url/%,$(OBJECTS)) $(shell pkg-config --libs $(LINKED))

# The same for spec/limits/shelf_spec.lua.
$(BUILD)/shelf.so: spec/c/shelf.c $(LIBRARY)
	@echo '  cc $<'
	$(Q)$(CC) $(ALL_CFLAGS) -fno-lto -shared -o $@ $< $(filter $(BUILD)/base/%,$(OBJECTS)) $(shell pkg-config --libs $(LINKED))

# Preloaded: count.so by the specs of costs, extremes.so by specs of limits; nginx_stub.so is for spec/nginx/core_spec.lua,
# whole.so for spec/client/whole_spec.lua.
$(BUILD)/%.so: spec/c/%.c
	@mkdir -p $(@D)
	@echo '  cc $<'
	$(Q)$(CC) $(PROGRAM_CFLAGS) -fPIC -shared -o $@ $< $(shell pkg-config --cflags --libs libnghttp2 libcrypto) -ldl

# Built before the specs run side by side.
spec-programs: $(BUILD)/poll_loop $(BUILD)/faults
	@:
spec-preloads: build/count.so build/extremes.so build/encoder.so build/shelf.so build/nginx_stub.so build/whole.so
	@:

test: ## install what is missing (apt), build, run the specs; BUSTED_FLAGS=--shuffle, ROOT=spec/x_spec.lua, JOBS=4
	@.ci/need --install build test
	@$(MAKE) --no-print-directory $(BESIDE) all spec-programs spec-preloads
	@$(LUAJIT) .ci/specs.lua --jobs=$(JOBS) $(BUSTED_FLAGS) -- $(ROOT)

stable: ## run the specs shuffled RUNS=20 times, with two busy processes beside them
	@.ci/stable $(RUNS)

SANITIZED = build/asan/librill.so.$(VERSION)
SANITIZED_DOC = build/asan/librilldoc.so.$(VERSION)
sanitize = $(MAKE) --no-print-directory $(BESIDE) BUILD=build/asan CPPFLAGS='$(CPPFLAGS) -DRILL_CHECK' \
	CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined'

asan: ## the same specs under AddressSanitizer and UBSan, with all invariants checked; leaks fail
	@.ci/need --install build test
	@$(MAKE) --no-print-directory $(BESIDE) all spec-preloads
	@$(sanitize) $(SANITIZED) $(SANITIZED_DOC) spec-programs build/asan/broken_loop build/asan/held_dial
	@CC='$(CC)' $(LUAJIT) .ci/specs.lua --jobs=$(JOBS) --under=$(SANITIZED) $(BUSTED_FLAGS) -- $(ROOT)

valgrind: ## what spec/limits/faults_spec.lua does, with fewer trials, under memcheck
	@.ci/need --install build valgrind
	@$(MAKE) --no-print-directory $(BUILD)/faults
	.ci/valgrind $(BUILD)/faults

PROBE = $(if $(ASAN),"$(CURDIR)/.ci/sanitized" "$(CURDIR)/$(SANITIZED)") $(LUAJIT) "$(CURDIR)/spec/support/probe.lua" \
	--ca {ca} -X {method} --data {upload_file} -n {count} -p {parallel} --gap {gap_ms} --max {maxsize} -t {timeout} {url}
JUDGED = $(if $(ONLY),--only '$(ONLY)') $(if $(H2C),--h2c) $(if $(ASAN),--sanitized)
hostile: ## judge rill by spec/hostile and spec/hostile1; ONLY=GLOB, H2C=1: in clear text, ASAN=1: under sanitizers
	@.ci/need --install build hostile
	@$(MAKE) --no-print-directory all
	@$(if $(ASAN),$(sanitize) $(SANITIZED))
	@CC='$(CC)' spec/hostile/judge.py --client json --label rill --out $(BUILD)/hostile$(if $(ASAN),_asan).json \
		--command '$(PROBE)' $(JUDGED)
	@CC='$(CC)' spec/hostile/judge.py --client json --label rill --out $(BUILD)/hostile1$(if $(ASAN),_asan).json \
		--server spec/hostile1/server.py --command '$(subst {url},--http 1 {url},$(PROBE))' $(JUDGED)

soak: ## 50 origins that die, restart and misbehave, for MINUTES=5
	@.ci/need --install build test
	@$(MAKE) --no-print-directory all
	@$(LUAJIT) spec/soak/main.lua $(MINUTES)

soak-openresty: ## 200,000 requests and clients that leave in an nginx worker, and 1 GiB through it
	@$(MAKE) --no-print-directory test RILL_SOAK_ROUNDS=400 ROOT='spec/nginx/soak_spec.lua spec/nginx/requests_spec.lua'

suites: ## run public test data as specs, SUITES=DIRECTORY; passes over what is not there
	@[ -d '$(SUITES)' ] || { echo 'make suites SUITES=DIRECTORY: what may be there is in spec/suites' >&2; exit 2; }
	@.ci/need --install build test
	@$(MAKE) --no-print-directory all
	@SUITES='$(SUITES)' $(LUAJIT) .ci/specs.lua --jobs=$(JOBS) $(BUSTED_FLAGS) -- $(wildcard spec/suites/*.lua)

lint: ## luacheck, gcc and clang with warnings as errors, exported symbols, other ways to build
	@.ci/need --install build test lint
	@$(MAKE) --no-print-directory all
	@WARNINGS='$(WARNINGS)' LIBRARIES='$(LIBRARIES) $(DOC_LIBRARIES) gumbo' NGHTTP2_HAS='$(NGHTTP2_HAS)' .ci/lint $(LIBRARY) $(DOC_LIBRARY)
