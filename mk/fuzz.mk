SECONDS ?= 60

.PHONY: fuzz

fuzz: ## run every harness in fuzz/ for SECONDS=60
	@.ci/need --install build fuzz
	@LIBRARIES='$(LIBRARIES)' NGHTTP2_HAS='$(NGHTTP2_HAS)' .ci/fuzz $(SECONDS)
