# `make` builds librill and librilldoc into build/ and makes the tree usable in place: lua/rill/librill.so,
# lua/rill/cdef.lua and the like. What it needs stands in .ci/packages. CC, CPPFLAGS, CFLAGS, LDFLAGS come from
# outside as usual; so do PREFIX, DESTDIR and their kind (mk/dist.mk).
VERSION := $(shell sed -n 's|^.define RILL_VERSION "\(.*\)"$$|\1|p' src/rill.h)
ABI = $(shell sed -n 's/^enum { RILL_ABI = \([0-9]*\) };$$/\1/p' src/rill.h)
SONAME = librill.so.$(ABI)

CC ?= cc
CFLAGS ?= -O3 -g
BUILD ?= build
LUAJIT ?= luajit
Q = $(if $(V),,@)# V=1 shows the commands

LINKED = libevent_core libnghttp2 openssl
LOADED = libcares zlib libidn2 libbrotlidec libzstd# on first use: src/base/library.c
LIBRARIES = $(LINKED) $(LOADED)
SOURCES = $(sort $(filter-out $(DOC_SOURCES),$(wildcard src/*/*.c)))
OBJECTS = $(SOURCES:src/%.c=$(BUILD)/%.o)
LIBRARY = $(BUILD)/librill.so.$(VERSION)
STRIPPED = $(BUILD)/stripped/$(notdir $(LIBRARY))# what is installed

# Documents: a library of their own, which scripts load on first use.
DOC_ABI = $(shell sed -n 's/^enum { RILL_DOC_ABI = \([0-9]*\) };$$/\1/p' src/doc/doc.h)
DOC_SONAME = librilldoc.so.$(DOC_ABI)
DOC_LIBRARIES = libxml-2.0 libpcre2-8
DOC_SOURCES = $(sort $(wildcard src/doc/*.c))
DOC_OBJECTS = $(DOC_SOURCES:src/%.c=$(BUILD)/%.o)
DOC_LIBRARY = $(BUILD)/librilldoc.so.$(VERSION)
DOC_STRIPPED = $(BUILD)/stripped/$(notdir $(DOC_LIBRARY))

export PATH := $(PATH):/usr/sbin# nginx lives there, and a user's PATH may not name it

.DELETE_ON_ERROR:
.PHONY: all all-doc clean help needs

all: $(LIBRARY) $(STRIPPED) lua/rill/librill.so lua/rill/cdef.lua all-doc ## build the libraries and make the tree usable in place
all-doc: $(DOC_LIBRARY) $(DOC_STRIPPED) lua/rill/librilldoc.so lua/rill/html/cdef.lua

include mk/flags.mk mk/spec.mk mk/bench.mk mk/fuzz.mk mk/dist.mk mk/develop.mk

needs:
	@.ci/need build

$(BUILD)/%.o: src/%.c Makefile mk/flags.mk | needs
	@mkdir -p $(@D)
	@echo '  cc $<'
	$(Q)$(CC) $(LTO) $(ALL_CFLAGS) $(OWN_CFLAGS) -c -o $@ $<

$(BUILD)/h2/session.o: OWN_CFLAGS = $(NGHTTP2_HAS)
$(DOC_OBJECTS): OWN_CFLAGS = $(shell pkg-config --cflags $(DOC_LIBRARIES))

# Made beside its place and moved: a running program keeps the library that it has mapped.
$(LIBRARY): $(OBJECTS)
	@echo '  ld $@'
	$(Q)$(CC) $(ALL_LDFLAGS) $(CFLAGS) -o $@.new $^ $(shell pkg-config --libs $(LINKED)) -lm
	$(Q)mv $@.new $@
	$(Q)ln -sf $(@F) $(BUILD)/$(SONAME)
	$(Q)ln -sf $(SONAME) $(BUILD)/librill.so
	@.ci/nghttp2

$(DOC_LIBRARY): $(DOC_OBJECTS)
	@echo '  ld $@'
	$(Q)$(CC) $(DOC_LDFLAGS) $(CFLAGS) -o $@.new $^ $(shell pkg-config --libs $(DOC_LIBRARIES)) -lm
	$(Q)mv $@.new $@
	$(Q)ln -sf $(@F) $(BUILD)/$(DOC_SONAME)
	$(Q)ln -sf $(DOC_SONAME) $(BUILD)/librilldoc.so

$(BUILD)/stripped/%: $(BUILD)/%
	@mkdir -p $(@D)
	$(Q)$(STRIP) --strip-unneeded -o $@ $<

lua/rill/librill.so: $(LIBRARY)
	$(Q)ln -sfn ../../$(BUILD)/librill.so $@

lua/rill/librilldoc.so: $(DOC_LIBRARY)
	$(Q)ln -sfn ../../$(BUILD)/librilldoc.so $@

lua/rill/cdef.lua: src/rill.h
lua/rill/html/cdef.lua: src/doc/doc.h
lua/rill/cdef.lua lua/rill/html/cdef.lua:
	@mkdir -p $(BUILD) $(@D)
	@echo '  made $@'
	$(Q)$(CC) -E -P -DRILL_CDEF -o $(BUILD)/$(notdir $<).cdef $<
	$(Q){ echo 'return [['; sed 's/^ *//' $(BUILD)/$(notdir $<).cdef; echo ']]'; } > $@.new
	$(Q)mv $@.new $@

clean: ## remove what was built
	rm -rf build lua/rill/librill.so lua/rill/librilldoc.so lua/rill/cdef.lua lua/rill/html/cdef.lua

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 19

-include $(OBJECTS:.o=.d) $(DOC_OBJECTS:.o=.d)
