# What is measured, and the demo.
.PHONY: bench beside bench-needs bench-openresty growth demo

# The delaying proxy.
$(BUILD)/bench_delay: bench/c/delay.c
	@mkdir -p $(@D)
	@echo '  cc $<'
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS) -o $@ $<

# The generated sites that are crawled.
$(BUILD)/bench_site: bench/c/site.c
	@mkdir -p $(@D)
	@echo '  cc $<'
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS) $(shell pkg-config --cflags libnghttp2) -o $@ $< \
		$(shell pkg-config --libs libnghttp2)

# Parsers in C that the line `links` is held against.
$(BUILD)/bench_libxml2: PARSER = libxml-2.0
$(BUILD)/bench_gumbo: PARSER = gumbo
$(BUILD)/bench_libxml2 $(BUILD)/bench_gumbo: $(BUILD)/bench_%: bench/peers/%_links.c bench/peers/pages.c \
		bench/peers/pages.h $(LIBRARY)
	@echo '  cc $@'
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS) -Isrc $(shell pkg-config --cflags $(PARSER)) -o $@ \
		$(filter %.c,$^) -L$(BUILD) -Wl,-rpath,'$$ORIGIN' -lrill $(shell pkg-config --libs $(PARSER))

$(BUILD)/bench_go: bench/peers/go_http.go
	@mkdir -p $(@D)
	@echo '  go $<'
	$(Q)GOCACHE='$(CURDIR)/$(BUILD)/go-cache' GO111MODULE=off go build -o $@ $<

bench-needs:
	@.ci/need --install build bench
	@.ci/need --install peers || echo 'The bench goes on without that.'
	@$(MAKE) --no-print-directory all $(BUILD)/bench_delay $(BUILD)/bench_site
	@! command -v go >/dev/null || $(MAKE) --no-print-directory $(BUILD)/bench_go
	@for peer in libxml2:libxml-2.0 gumbo:gumbo; do ! pkg-config --exists $${peer#*:} || \
		$(MAKE) --no-print-directory $(BUILD)/bench_$${peer%:*} || exit 1; done

bench: bench-needs ## compare with h2load, curl, libcurl multi, Go and lua-http on loopback
	bench/run
	bench/instructions
	bench/traces

beside: bench-needs ## measure what README says of speed, and write it there; five minutes
	bench/beside

bench-openresty: ## compare with proxy_pass, lua-resty-http and cosockets, inside nginx
	@.ci/need --install build test bench
	@$(MAKE) --no-print-directory all
	bench/openresty

growth: bench-needs ## plot cost against streams, connections, queue, body size and pages: doc/pictures
	bench/growth

demo: ## install what is missing (apt), build, crawl two documentation sites over HTTP/2
	@.ci/need --install build demo
	@$(MAKE) --no-print-directory all
	examples/demo
