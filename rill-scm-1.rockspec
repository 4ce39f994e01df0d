rockspec_format = "3.0"
package = "rill"
version = "scm-1"
source = {
  url = "git+https://github.com/rill-lua/rill.git", -- `luarocks make` builds the checkout that it is called in
}
description = {
  summary = "A crawling client for HTTP/2 and HTTP/1.1, for LuaJIT",
  detailed = [[
A C core on libevent, nghttp2, OpenSSL, c-ares, zlib, brotli and zstd with a LuaJIT front. Needs LuaJIT 2.1, make, a C
compiler and the libraries that .ci/packages lists: the build names what is missing.]],
  homepage = "https://github.com/rill-lua/rill",
  issues_url = "https://github.com/rill-lua/rill/issues",
  labels = { "http", "http2", "crawler", "scraping", "async", "luajit" },
  license = "MIT",
}
supported_platforms = { "linux" }
dependencies = {
  "lua == 5.1", -- LuaJIT's; plain Lua 5.1 has no FFI
}
deploy = {
  wrap_bin_scripts = false, -- bin/rill finds its modules, and is run by luajit
}
build = {
  type = "make",
  build_target = "all",
  build_variables = {
    CFLAGS = "$(CFLAGS)",
  },
  install_target = "install-rock",
  install_variables = {
    BINDIR = "$(BINDIR)",
    LUADIR = "$(LUADIR)",
    LIBDIR = "$(LIBDIR)",
    DOCDIR = "$(PREFIX)/doc",
  },
  copy_directories = {},
}
