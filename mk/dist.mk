# Installing. Every path may have spaces.
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
LUADIR ?= $(PREFIX)/share/lua/5.1
DOCDIR ?= $(PREFIX)/share/doc/rill
INSTALL ?= install
STRIP ?= strip

MODULES = $(sort rill/cdef.lua $(shell cd lua && find rill -name '*.lua'))
PAGES = README.md LICENSE CHANGELOG.md $(wildcard examples/*.lua doc/*)

# Each of some files, into or out of a directory; each word of a template, filled in.
put = for file in $(2); do $(INSTALL) -D -m 644 $(1)$$file '$(DESTDIR)$(3)'/$$file || exit 1; done
take = for file in $(1); do rm -f '$(DESTDIR)$(2)'/$$file || exit 1; done
fill = -e 's|@$(1)@|$(subst |,\|,$(subst &,\&,$(subst \,\\,$(2))))|'

.PHONY: install install-rock install-files uninstall

install-files: all
	$(call put,lua/,$(MODULES),$(LUADIR))
	$(call put,,$(PAGES),$(DOCDIR))

install: install-files ## install to $(DESTDIR)$(PREFIX): header, library, pkg-config file, Lua modules, pages
	$(INSTALL) -D -m 644 src/rill.h '$(DESTDIR)$(INCLUDEDIR)/rill.h'
	$(INSTALL) -D -m 755 $(STRIPPED) '$(DESTDIR)$(LIBDIR)/$(notdir $(LIBRARY))'
	ln -sf $(notdir $(LIBRARY)) '$(DESTDIR)$(LIBDIR)/$(SONAME)'
	ln -sf $(SONAME) '$(DESTDIR)$(LIBDIR)/librill.so'
	ln -sfnr '$(DESTDIR)$(LIBDIR)/$(SONAME)' '$(DESTDIR)$(LUADIR)/rill/librill.so'
	$(INSTALL) -d '$(DESTDIR)$(LIBDIR)/pkgconfig'
	sed $(call fill,PREFIX,$(PREFIX)) $(call fill,LIBDIR,$(LIBDIR)) $(call fill,INCLUDEDIR,$(INCLUDEDIR)) \
		$(call fill,VERSION,$(VERSION)) $(call fill,REQUIRES,$(LIBRARIES)) src/rill.pc.in \
		>'$(DESTDIR)$(LIBDIR)/pkgconfig/rill.pc'

uninstall: ## remove what `make install` with the same DESTDIR and PREFIX has installed
	$(call take,rill.h,$(INCLUDEDIR))
	$(call take,pkgconfig/rill.pc $(notdir $(LIBRARY)) $(SONAME) librill.so,$(LIBDIR))
	$(call take,rill/librill.so $(MODULES),$(LUADIR))
	$(call take,$(PAGES),$(DOCDIR))
	for directory in '$(DESTDIR)$(LUADIR)/rill' '$(DESTDIR)$(DOCDIR)'; do \
		[ ! -d "$$directory" ] || find "$$directory" -depth -type d -exec rmdir --ignore-fail-on-non-empty {} +; done

# For luarocks: LUADIR gets the modules, LIBDIR the library as rill/librill.so, DOCDIR the pages.
install-rock: install-files
	$(INSTALL) -D -m 755 $(STRIPPED) '$(LIBDIR)/rill/librill.so'
