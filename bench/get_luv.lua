-- The line `get_1k` on a luv loop.
require("rill").use "luv"
dofile((arg[0]:gsub("get_luv", "get_1k")))
