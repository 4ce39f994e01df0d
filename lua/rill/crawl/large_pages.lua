--- Large pages for the bodies that a crawl holds: for all of the process, once the first crawl begins.
local C = require("rill.clib")

local is_asked = false

-- A crawl holds bodies until they are committed, and LuaJIT's collector gives them back by the 16 MiB: some 30 MiB in
-- all, the first touch of each page of which is an interruption. In a virtual machine 2,768 pages took 12 % more CPU
-- with pages of 4 KiB than with those of 2 MiB. And malloc() joins what a page's document leaves at once.

--- Asks for them, once.
return function()
  if is_asked then return end
  is_asked = true
  C.rill_expect_bodies()
end
