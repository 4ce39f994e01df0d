--- What is shown while a crawl runs: one live line on a terminal, a line every 30 s elsewhere; and warnings at its end.
local ffi = require("rill.core.ffi")
local rill = require("rill")
local url = require("rill.url")

pcall(ffi.cdef, "int isatty(int fd);")
pcall(ffi.cdef, "int ioctl(int fd, unsigned long request, ...);")

local M = {}

local STDOUT, STDERR = 1, 2
local ON_TERMINAL = ffi.C.isatty(STDERR) == 1
local SHARED = ON_TERMINAL and ffi.C.isatty(STDOUT) == 1 -- items stand on the same screen
local TIOCGWINSZ = 0x5413 -- Linux
local COLUMNS = 80 -- of a terminal that does not say
local LIVE, SELDOM = 0.2, 30 -- seconds
local MANY = 100 -- URLs that a trap has passed over, then it is named
local TRAPS = { "url_length", "segments", "repeats", "params", "per_host", "per_path", "per_shape", "same_run",
  "redirects" }

local window = ffi.new("unsigned short[4]") -- rows, columns

-- What fits on one line of the terminal, as wide as it is now: a longer one would be followed by its own rests.
local function fitting(text)
  local known = ffi.C.ioctl(STDERR, TIOCGWINSZ, window) == 0 and window[1] > 0
  return text:sub(1, math.max(1, (known and window[1] or COLUMNS) - 1))
end

local function show(text)
  io.stderr:write(ON_TERMINAL and "\r\27[K" or "", text, "\n")
  io.stderr:flush()
end

--- Writes a line of its own.
---@param _ rill.Crawl
---@param text string
function M.say(_, text)
  show("rill: " .. text)
end

local function resting(crawl)
  local names, count = {}, 0
  for key, why in pairs(crawl.frontier:resting(crawl:clock())) do
    count = count + 1
    if count <= 3 then names[count] = key:gsub("^%a+://", "") .. " (" .. why .. ")" end
  end
  return count > 0 and (", resting: " .. table.concat(names, ", ") .. (count > 3 and ", ..." or "")) or ""
end

--- The line.
---@param crawl rill.Crawl
---@return string
function M.line(crawl)
  local s = crawl:stats()
  local text = ("%d pages, %.0f pages/s, %d failed, %d queued, %d hosts, %.1f MB, %d s"):format(s.pages, s.rate,
    s.failed, s.queued, s.origins, s.bytes / 1e6, s.elapsed)
  return text .. resting(crawl)
end

local function show_line(crawl)
  local text = M.line(crawl)
  if ON_TERMINAL then
    io.stderr:write("\r", fitting(text), "\27[K")
    io.stderr:flush()
  else
    show(text)
  end
end

--- Takes the live line away before items are written to the same terminal.
---@param crawl rill.Crawl
function M.hide(crawl)
  if not SHARED or crawl.options.progress == false or not crawl.outputs:has_stdout() then return end
  io.stderr:write("\r\27[K")
  io.stderr:flush()
end

--- Starts what reports.
---@param crawl rill.Crawl
---@return rill.Task?
function M.start(crawl)
  local wanted = crawl.options.progress
  if wanted == nil then wanted = ON_TERMINAL end
  if wanted == false then return nil end
  local by_hook = type(wanted) ~= "boolean"
  return rill.spawn(function()
    while true do
      rill.sleep((by_hook or ON_TERMINAL) and LIVE or SELDOM)
      if by_hook then
        crawl:guarded("progress", wanted, crawl:stats())
      else
        show_line(crawl)
      end
    end
  end)
end

-- All pages were redirects, and one led out of scope: the pages of such a site are at another host.
local function say_elsewhere(crawl, all)
  local target = crawl.examples.scope
  if not target or all.redirects == 0 or all.redirects < all.pages then return end
  local parts = url.parse(target)
  show(("rill: the start leads out of scope, to %s: --allow %s takes it in"):format(target,
    parts and parts.host or "HOST"))
end

--- Says what somebody should know who looks at the result.
---@param crawl rill.Crawl
---@param all table summary
function M.finish(crawl, all)
  if ON_TERMINAL and crawl.options.progress ~= false then io.stderr:write("\r\27[K") end
  if crawl.quiet then return end
  say_elsewhere(crawl, all)
  for _, name in ipairs(TRAPS) do
    local count = all.skipped[name] or 0
    if count > MANY then
      show(("rill: %d URLs were skipped by %s, such as %s: --traps.%s N raises the limit"):format(count, name,
        crawl.examples[name] or "those in the state", name:gsub("_", "-")))
    end
  end
end

return M
