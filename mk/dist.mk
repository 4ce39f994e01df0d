# Installing. Every path may have spaces.
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
LUADIR ?= $(PREFIX)/share/lua/5.1
DOCDIR ?= $(PREFIX)/share/doc/rill
INSTALL ?= install
STRIP ?= strip

MODULES = $(sort rill/cdef.lua rill/html/cdef.lua $(shell cd lua && find rill -name '*.lua'))
PAGES = README.md SECURITY.md LICENSE CHANGELOG.md $(wildcard examples/*.* examples/*/*.* doc/*.* doc/*/*.*)

# A library with its other names, and where the modules find it: its file, soname, name.
library = $(INSTALL) -D -m 755 $(1) '$(DESTDIR)$(LIBDIR)/$(notdir $(1))' && \
	ln -sf $(notdir $(1)) '$(DESTDIR)$(LIBDIR)/$(2)' && \
	ln -sf $(2) '$(DESTDIR)$(LIBDIR)/$(3)' && \
	ln -sfnr '$(DESTDIR)$(LIBDIR)/$(2)' '$(DESTDIR)$(LUADIR)/rill/$(3)'

# Each of some files, into or out of a directory; each word of a template, filled in.
put = for file in $(2); do $(INSTALL) -D -m 644 $(1)$$file '$(DESTDIR)$(3)'/$$file || exit 1; done
take = for file in $(1); do rm -f '$(DESTDIR)$(2)'/$$file || exit 1; done
fill = -e 's|@$(1)@|$(subst |,\|,$(subst &,\&,$(subst \,\\,$(2))))|'

# The command, which knows where its modules are.
command = $(INSTALL) -d '$(DESTDIR)$(BINDIR)' && sed $(call fill,LUADIR,$(LUADIR)) bin/rill >'$(DESTDIR)$(BINDIR)/rill' && \
	chmod 755 '$(DESTDIR)$(BINDIR)/rill'

.PHONY: install install-rock install-files uninstall

install-files: all
	$(call put,lua/,$(MODULES),$(LUADIR))
	$(call put,,$(PAGES),$(DOCDIR))

install: install-files ## install to $(DESTDIR)$(PREFIX): command, header, library, pkg-config file, Lua modules, pages
	$(command)
	$(INSTALL) -D -m 644 src/rill.h '$(DESTDIR)$(INCLUDEDIR)/rill.h'
	$(call library,$(STRIPPED),$(SONAME),librill.so)
	$(call library,$(DOC_STRIPPED),$(DOC_SONAME),librilldoc.so)
	$(INSTALL) -d '$(DESTDIR)$(LIBDIR)/pkgconfig'
	sed $(call fill,PREFIX,$(PREFIX)) $(call fill,LIBDIR,$(LIBDIR)) $(call fill,INCLUDEDIR,$(INCLUDEDIR)) \
		$(call fill,VERSION,$(VERSION)) $(call fill,REQUIRES,$(LIBRARIES)) src/rill.pc.in \
		>'$(DESTDIR)$(LIBDIR)/pkgconfig/rill.pc'

uninstall: ## remove what `make install` with the same DESTDIR and PREFIX has installed
	$(call take,rill,$(BINDIR))
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
