std = "luajit"
max_line_length = 120
cache = false
exclude_files = { "lua/rill/cdef.lua" } -- made by make
files["spec"] = { std = "+busted" }
files["examples/neovim"] = { read_globals = { "vim" } }
