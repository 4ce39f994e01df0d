# Installing. Every path may have spaces.
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
LUADIR ?= $(PREFIX)/share/lua/5.1
DOCDIR ?= $(PREFIX)/share/doc/rill
MANDIR ?= $(PREFIX)/share/man
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
INSTALL ?= install
STRIP ?= strip

MODULES = $(sort rill/cdef.lua rill/html/cdef.lua $(shell cd lua && find rill -name '*.lua'))
PAGES = README.md SECURITY.md LICENSE CHANGELOG.md $(wildcard examples/*.* examples/*/*.* doc/*.* doc/*/*.*)
MANUAL = $(BUILD)/man/rill.1 $(BUILD)/man/librill.3

# A library with its other names, and where the modules find it: its file, soname, name.
library = $(INSTALL) -D -m 755 $(1) '$(DESTDIR)$(LIBDIR)/$(notdir $(1))' && \
	ln -sf $(notdir $(1)) '$(DESTDIR)$(LIBDIR)/$(2)' && \
	ln -sf $(2) '$(DESTDIR)$(LIBDIR)/$(3)' && \
	ln -sfnr '$(DESTDIR)$(LIBDIR)/$(2)' '$(DESTDIR)$(LUADIR)/rill/$(3)'

# Some files into a directory, with one command for each folder of theirs, or out of it; each word of a template, filled in.
in = $(foreach file,$(2),$(if $(filter $(1),$(dir $(file))),$(file)))
put = $(foreach folder,$(sort $(dir $(2))),$(INSTALL) -d '$(DESTDIR)$(3)/$(folder)' && \
	$(INSTALL) -m 644 $(addprefix $(1),$(call in,$(folder),$(2))) '$(DESTDIR)$(3)/$(folder)' &&) :
take = rm -f $(foreach file,$(1),'$(DESTDIR)$(2)/$(file)')
fill = -e 's|@$(1)@|$(subst |,\|,$(subst &,\&,$(subst \,\\,$(2))))|'

# A directory as the pkg-config file names it, which may be moved with its prefix.
below = $(subst $(PREFIX)/,$${prefix}/,$(1))

# The command, which knows where its modules are.
command = $(INSTALL) -d '$(DESTDIR)$(BINDIR)' && sed $(call fill,LUADIR,$(LUADIR)) bin/rill >'$(DESTDIR)$(BINDIR)/rill' && \
	chmod 755 '$(DESTDIR)$(BINDIR)/rill'

.PHONY: install install-rock install-files uninstall dist man

man: $(MANUAL) ## make the manual pages, of the reference and the header
$(BUILD)/man/rill.1: doc/reference/cli.md $(wildcard lua/rill/cli/*.lua) lua/rill/cdef.lua | $(LIBRARY) lua/rill/librill.so
$(BUILD)/man/librill.3: src/rill.h
$(MANUAL): .ci/man.lua
	@mkdir -p $(@D)
	$(Q)$(LUAJIT) .ci/man.lua $(basename $(@F)) >$@

install-files: all
	$(call put,lua/,$(MODULES),$(LUADIR))
	$(call put,,$(PAGES),$(DOCDIR))

install: install-files man ## install to $(DESTDIR)$(PREFIX): command, header, library, pkg-config file, Lua modules, pages
	$(command)
	$(INSTALL) -D -m 644 $(BUILD)/man/rill.1 '$(DESTDIR)$(MANDIR)/man1/rill.1'
	$(INSTALL) -D -m 644 $(BUILD)/man/librill.3 '$(DESTDIR)$(MANDIR)/man3/librill.3'
	$(INSTALL) -D -m 644 completion/rill.bash '$(DESTDIR)$(BASHDIR)/rill'
	$(INSTALL) -D -m 644 completion/_rill '$(DESTDIR)$(ZSHDIR)/_rill'
	$(INSTALL) -D -m 644 src/rill.h '$(DESTDIR)$(INCLUDEDIR)/rill.h'
	$(call library,$(STRIPPED),$(SONAME),librill.so)
	$(call library,$(DOC_STRIPPED),$(DOC_SONAME),librilldoc.so)
	$(INSTALL) -d '$(DESTDIR)$(LIBDIR)/pkgconfig'
	sed $(call fill,PREFIX,$(PREFIX)) $(call fill,LIBDIR,$(call below,$(LIBDIR))) $(call fill,INCLUDEDIR,$(call below,$(INCLUDEDIR))) \
		$(call fill,VERSION,$(VERSION)) $(call fill,REQUIRES,$(LINKED)) src/rill.pc.in \
		>'$(DESTDIR)$(LIBDIR)/pkgconfig/rill.pc'

uninstall: ## remove what `make install` with the same DESTDIR and PREFIX has installed
	$(call take,rill,$(BINDIR))
	$(call take,man1/rill.1 man3/librill.3,$(MANDIR))
	$(call take,rill,$(BASHDIR))
	$(call take,_rill,$(ZSHDIR))
	$(call take,rill.h,$(INCLUDEDIR))
	$(call take,pkgconfig/rill.pc $(notdir $(LIBRARY)) $(SONAME) librill.so,$(LIBDIR))
	$(call take,$(notdir $(DOC_LIBRARY)) $(DOC_SONAME) librilldoc.so,$(LIBDIR))
	$(call take,rill/librill.so rill/librilldoc.so $(MODULES),$(LUADIR))
	$(call take,$(PAGES),$(DOCDIR))
	for directory in '$(DESTDIR)$(LUADIR)/rill' '$(DESTDIR)$(DOCDIR)'; do \
		[ ! -d "$$directory" ] || find "$$directory" -depth -type d -exec rmdir --ignore-fail-on-non-empty {} +; done

# For luarocks: BINDIR gets the command, LUADIR the modules, LIBDIR the libraries as rill/librill.so and its like, DOCDIR
# the pages.
install-rock: install-files
	$(INSTALL) -D -m 755 bin/rill '$(BINDIR)/rill'
	$(INSTALL) -D -m 755 $(STRIPPED) '$(LIBDIR)/rill/librill.so'
	$(INSTALL) -D -m 755 $(DOC_STRIPPED) '$(LIBDIR)/rill/librilldoc.so'

# A release: what git has at HEAD, and the rockspec for it. REPOSITORY is where luarocks gets it from, at the tag v$(VERSION).
REPOSITORY ?= git+$(shell sed -n 's|^ *homepage = "\(.*\)",$$|\1|p' rill-scm-1.rockspec).git
RELEASE = build/dist/rill-$(VERSION)
dist: ## make the tarball and the rockspec of this version, of HEAD: build/dist
	@[ -z "$$(git status --porcelain --untracked-files=no)" ] || { echo 'make dist: commit or undo your changes first' >&2; exit 1; }
	@mkdir -p build/dist
	git archive --format=tar.gz --prefix=rill-$(VERSION)/ -o $(RELEASE).tar.gz HEAD
	sed -e 's|^version = .*|version = "$(VERSION)-1"|' -e 's|^  url = .*|  url = "$(REPOSITORY)",\n  tag = "v$(VERSION)",|' \
		rill-scm-1.rockspec >$(RELEASE)-1.rockspec
