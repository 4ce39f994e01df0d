# `make` builds librill into build/ and makes the tree usable in place: lua/rill/librill.so,
# lua/rill/cdef.lua. What it needs stands in .ci/packages. CC, CPPFLAGS, CFLAGS, LDFLAGS come from
# outside as usual; so do PREFIX, DESTDIR and their kind (mk/dist.mk).
VERSION = 0.1.0
ABI = $(shell sed -n 's/^enum { RILL_ABI = \([0-9]*\) };$$/\1/p' src/rill.h)
SONAME = librill.so.$(ABI)

CC ?= cc
CFLAGS ?= -O2 -g
BUILD ?= build
LUAJIT ?= luajit
Q = $(if $(V),,@)# V=1 shows the commands

LIBRARIES = libevent_core libnghttp2 openssl libcares libidn2 zlib libbrotlidec libzstd
SOURCES = $(sort $(wildcard src/*/*.c))
OBJECTS = $(SOURCES:src/%.c=$(BUILD)/%.o)
LIBRARY = $(BUILD)/librill.so.$(VERSION)
STRIPPED = $(BUILD)/stripped/$(notdir $(LIBRARY))# what is installed

export PATH := $(PATH):/usr/sbin# nginx lives there, and a user's PATH may not name it

.DELETE_ON_ERROR:
.PHONY: all clean help needs

all: $(LIBRARY) $(STRIPPED) lua/rill/librill.so lua/rill/cdef.lua ## build the library and make the tree usable in place

include mk/flags.mk mk/spec.mk mk/bench.mk mk/fuzz.mk mk/dist.mk mk/develop.mk

needs:
	@.ci/need build

$(BUILD)/%.o: src/%.c Makefile mk/flags.mk | needs
	@mkdir -p $(@D)
	@echo '  cc $<'
	$(Q)$(CC) $(LTO) $(ALL_CFLAGS) $(OWN_CFLAGS) -c -o $@ $<

$(BUILD)/h2/session.o: OWN_CFLAGS = $(NGHTTP2_HAS)

# Made beside its place and moved: a running program keeps the library that it has mapped.
$(LIBRARY): $(OBJECTS)
	@echo '  ld $@'
	$(Q)$(CC) $(ALL_LDFLAGS) $(CFLAGS) -o $@.new $^ $(shell pkg-config --libs $(LIBRARIES)) -lm
	$(Q)mv $@.new $@
	$(Q)ln -sf $(@F) $(BUILD)/$(SONAME)
	$(Q)ln -sf $(SONAME) $(BUILD)/librill.so
	@.ci/nghttp2

$(STRIPPED): $(LIBRARY)
	@mkdir -p $(@D)
	$(Q)$(STRIP) --strip-unneeded -o $@ $<

lua/rill/librill.so: | $(LIBRARY)
	$(Q)ln -sfn ../../$(LIBRARY) $@

lua/rill/cdef.lua: src/rill.h
	@mkdir -p $(BUILD)
	@echo '  made $@'
	$(Q)$(CC) -E -P -DRILL_CDEF -o $(BUILD)/cdef.h $<
	$(Q){ echo 'return [['; cat $(BUILD)/cdef.h; echo ']]'; } > $@.new
	$(Q)mv $@.new $@

clean: ## remove what was built
	rm -rf build lua/rill/librill.so lua/rill/cdef.lua

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 15

-include $(OBJECTS:.o=.d)
