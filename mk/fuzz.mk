SECONDS ?= 60

.PHONY: fuzz

fuzz: ## run every harness in fuzz/ for SECONDS=60, and fuzz/web.lua, which is Lua
	@.ci/need --install build fuzz
	@$(MAKE) --no-print-directory all
	@$(LUAJIT) fuzz/web.lua $(SECONDS)
	@LIBRARIES='$(LIBRARIES) $(DOC_LIBRARIES)' NGHTTP2_HAS='$(NGHTTP2_HAS)' .ci/fuzz $(SECONDS)
