# For who works on rill.
.PHONY: debug check hooks pictures compile_commands.json

debug: ## build into build/debug: -O0 -g3, all checks on; run with RILL_LIBRARY=build/debug/librill.so
	@$(MAKE) --no-print-directory BUILD=build/debug CFLAGS='-O0 -g3 -DRILL_CHECK' build/debug/$(notdir $(LIBRARY))

check: ## build, lint and test what differs from BASE=HEAD
	@.ci/need --install build test lint
	@$(MAKE) --no-print-directory all spec-programs spec-preloads WARNINGS='$(WARNINGS) -Werror'
	@BASE='$(BASE)' JOBS='$(JOBS)' .ci/check

hooks: ## let git look at layout and subject of each commit
	git config core.hooksPath .ci/hooks

pictures: ## draw doc/pictures anew: the house, a request's life, the plots of the figures that are there
	luajit .ci/house.lua
	luajit .ci/life.lua
	bench/growth --draw

# What editors and analyzers ask for: how each file is compiled.
compile_commands.json: | needs
	@{ echo '['; comma=; for file in $(SOURCES) $(DOC_SOURCES); do \
		printf '%s{"directory": "%s", "file": "%s", "arguments": [' "$$comma" '$(CURDIR)' "$$file"; \
		for word in $(CC) $(ALL_CFLAGS) $(shell pkg-config --cflags $(DOC_LIBRARIES)) $(NGHTTP2_HAS) -c; do printf '"%s", ' "$$word"; done; \
		printf '"%s"]}\n' "$$file"; comma=,; done; echo ']'; } >$@
