std = "luajit"
max_line_length = 120
cache = false
exclude_files = { "lua/rill/cdef.lua" } -- made by make
files["spec"] = { std = "+busted" }
files["examples/busted_spec.lua"] = { std = "+busted" }
files["examples/openresty"] = { std = "ngx_lua" }
files["examples/neovim"] = { read_globals = { "vim" } }
-- Pieces of scripts that run inside Redis, put together by lua/rill/crawl/frontier/wire.lua.
files["lua/rill/crawl/frontier/inside"] = {
  ignore = { "211" }, read_globals = { "redis", "KEYS", "ARGV", "cjson", "cmsgpack", "struct", "origin", "P", "CONF",
    "DUE", "LATER", "LEASE", "LEASED", "STATS", "SHAPE", "NEWS", "GONE", "call", "now", "clock", "origins", "origin_of",
    "queue_of", "set_policy", "make_ready", "add_rank", "has_work", "save", "leases_of", "call_with",
    "lease_end", "lease_head", "record_of", "end_lease", "take_back", "take_all_back", "settle", "numbers", "sub",
    "format", "begin", "set_clock", "CLOCK_KEPT", "enter", "stay", "go", "mark_files", "asker" },
}
