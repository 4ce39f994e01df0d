--- The memory of documents, which Lua's collector does not see: it is made to work for them, and what it drops is freed
--- in pieces, one in each turn of the loop.
local ffi = require("rill.core.ffi")
local C = require("rill.html.clib")
local core = require("rill.clib")
local loops = require("rill.runtime.loop")
local runtime = require("rill.runtime")

local M = {}

-- After so many bytes of pages the collector is made to work as though the trees had been allocated in Lua: some 20
-- bytes for a byte of a page.
local SLACK = 2 ^ 20
local BYTES_PER_BYTE = 20
local STEP = 1024 -- KiB of that work before other tasks have their turn
local PAUSE = 0.005 -- seconds between two pieces, where others have work to do
local MAX_WAITING = tonumber(C.RILL_DOC_WAITING)

local made = C.rill_docs_new()
if made == nil then error("rill.html.document: out of memory", 0) end
local documents = ffi.gc(made, C.rill_docs_free)
local waiting = C.rill_docs_waiting(documents) -- lives as long as `documents`
local unseen = 0
local next_piece = 0

local function let_others_run()
  require("rill.task.timer").sleep(0)
end

--- A turn of the loop frees a piece.
---@param idle boolean
---@return boolean whether there is more
function loops.on_turn(idle)
  if waiting[0] == 0 then return false end
  local now = core.rill_now()
  if now < next_piece and not idle then return true end
  next_piece = now + PAUSE
  return C.rill_docs_tidy(documents) > 0
end

-- Where nobody waits, all is freed; else what is beyond the bound, with turns for others.
local function make_room()
  if not runtime.may_wait() then
    while C.rill_docs_tidy(documents) > 0 do end
    return
  end
  while waiting[0] > MAX_WAITING do
    C.rill_docs_tidy(documents)
    let_others_run()
  end
end

local function note(length)
  unseen = unseen + length
  if unseen < SLACK then return end
  local kib = unseen * BYTES_PER_BYTE / 1024
  unseen = 0
  -- A cycle that ends has seen all.
  while kib > 0 and not collectgarbage("step", math.min(kib, STEP)) do
    kib = kib - STEP
    if runtime.may_wait() then let_others_run() end
  end
end

--- Nodes that wait to be freed, as RILL_DOC_WAITING counts them.
---@return integer
function M.waiting()
  return waiting[0]
end

--- Begins to read a page, which must live until it is read.
---@param page string
---@return ffi.cdata* rill_doc *, freed in pieces when it is collected
function M.open(page)
  note(#page)
  make_room()
  local handle = C.rill_docs_open(documents, page, #page)
  if handle == nil then error("rill.html.document: out of memory", 0) end
  return ffi.gc(handle, C.rill_doc_drop)
end

return M
