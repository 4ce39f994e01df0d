--- Crawls a site over HTTP/2: follows the links of one host breadth first, writes a line of JSON per page.
--- Works from anywhere: luajit examples/crawl.lua https://example.com/ --out pages.jsonl
local USAGE = [[
usage: crawl.lua START_URL [--out FILE] [--concurrency N] [--max-pages N] [--ca FILE]

  --out FILE        where the lines of JSON go (standard output)
  --concurrency N   pages at a time (32)
  --max-pages N     pages in all (no limit)
  --ca FILE         certificates to trust, PEM (the system's)
  --help            this text
]]

-- The modules of a source tree, else of `make install`, which puts this file into share/doc/rill/examples.
local here = arg[0]:match "^(.*)/" or "."
for _, modules in ipairs { "../../../lua/5.1", "../lua" } do
  package.path = ("%s/%s/?.lua;%s/%s/?/init.lua;%s"):format(here, modules, here, modules, package.path)
end

local html = require "rill.html"
local rill = require "rill"
local ffi = require "ffi"

ffi.cdef "int isatty(int fd);"

local ON_TERMINAL = ffi.C.isatty(2) == 1 -- stderr
local MAX_PAGE = 32 * 2 ^ 20 -- bytes
local TRIES = 3 -- of a page whose body breaks
local PAUSE = 0.2 -- seconds before the next try
local BROKEN = { connection_lost = true, reset = true, goaway = true, protocol_error = true, decode_error = true }
local DEFAULTS = { concurrency = 32, max_pages = math.huge }
local OPTIONS = { ["--out"] = "out", ["--concurrency"] = "concurrency", ["--max-pages"] = "max_pages", ["--ca"] = "ca" }
local FIELDS = { "url", "status", "bytes", "links", "content_type", "seconds", "close_reason", "error" }
local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function complain(status, ...)
  io.stderr:write("crawl.lua: ", string.format(...), "\n", status == 2 and "\n" .. USAGE or "")
  os.exit(status, true)
end

--- Reads the command line.
local function read_options(words)
  local options = setmetatable({}, { __index = DEFAULTS })
  local i = 1
  while words[i] do
    local word, given = words[i]:match "^(%-%-%a[%a-]*)=(.*)$"
    local value = given or words[i + 1]
    word = word or words[i]
    local name = OPTIONS[word]
    if word == "--help" then os.exit(io.stdout:write(USAGE) and io.stdout:flush() and 0 or 1, true) end
    if not name then
      if word:find "^%-" or options.start then complain(2, "what is %s?", word) end
      options.start, i = word, i + 1
    else
      local number = DEFAULTS[name] and tonumber(value)
      if not value or DEFAULTS[name] and not (number and number >= 1 and number % 1 == 0) then
        local kind = DEFAULTS[name] and "whole number from 1" or "file"
        complain(2, "%s takes a %s, got %s", word, kind, value or "nothing")
      end
      options[name], i = number or value, i + (given and 1 or 2)
    end
  end
  local start, err = rill.url.normalize(options.start or complain(2, "START_URL is missing"))
  options.start = start or complain(2, "%s", err)
  return options
end

--- JSON of a string (bytes above ASCII are read as Latin-1), a number or nil.
local function json(value)
  if type(value) ~= "string" then return value and ("%.14g"):format(value) or "null" end
  local escaped = value:gsub('[%c"\\\127-\255]', function(char)
    return ESCAPES[char] or ("\\u%04x"):format(char:byte())
  end)
  return '"' .. escaped .. '"'
end

local function json_line(page)
  local parts = {}
  for i, name in ipairs(FIELDS) do
    parts[i] = json(name) .. ":" .. json(page[name])
  end
  return "{" .. table.concat(parts, ",") .. "}\n"
end

local function is_html(content_type)
  local kind = (content_type or ""):lower():match "^%s*([^;%s]*)"
  return kind == "text/html" or kind == "application/xhtml+xml"
end

--- Gets one page into `page`, unless it is no HTML; again where its body has broken.
local function get(client, page)
  for try = 1, TRIES do
    page.status, page.content_type = nil, nil
    local response, err = client:get(page.url, {
      on_headers = function(head)
        page.status, page.content_type = head.status, head.headers["content-type"]
        return not is_html(page.content_type) and "stop" or nil
      end,
    })
    if response or not page.status or not BROKEN[err.reason] or try == TRIES then return response, err end
    rill.sleep(PAUSE)
  end
end

--- Visits one page. Returns what its line says, and the links on it.
local function visit(client, address)
  local page, began = { url = address, bytes = 0 }, rill.now()
  local response, err = get(client, page)
  page.seconds = math.floor((rill.now() - began) * 1e6) / 1e6
  if not response then
    page.close_reason, page.error, page.kind = err.reason, tostring(err), err.kind
    return page, {}
  end
  page.bytes, page.close_reason = response.bytes_received, response.close_reason
  local links = is_html(page.content_type) and html.links(response.body, address, page.content_type) or {}
  page.links = #links
  local location = page.status >= 300 and page.status < 400 and response.headers["location"]
  page.location = location and rill.url.resolve(address, location) or nil
  links[#links + 1] = page.location
  return page, links
end

--- A queue of addresses, and the way into it: each once, and only on the host where the crawl starts.
local function new_frontier(start, max_pages)
  local home = rill.url.parse(start)
  local queue, seen, count = rill.queue(), {}, 0
  local function add(link) -- true: it will be visited
    local address = rill.url.normalize(link)
    local parts = address and not seen[address] and count < max_pages and rill.url.parse(address)
    if parts and parts.scheme == home.scheme and parts.authority == home.authority then
      seen[address], count = true, count + 1
      queue:push(address)
      return true
    end
  end
  add(start)
  return queue, add
end

--- Tells how it goes until cancelled: in one line kept current on a terminal, else in a line now and then.
local function show_progress(totals, queue)
  while true do
    rill.sleep(ON_TERMINAL and 0.2 or 5)
    local rate = totals.pages / (rill.now() - totals.began)
    local line = ("%d pages done, %d queued, %.0f per second, %.1f MB, %d errors"):format(totals.pages, queue:count(),
      rate, totals.bytes / 1e6, totals.errors)
    io.stderr:write(ON_TERMINAL and "\r" .. line .. "\27[K" or line .. "\n")
  end
end

--- A line on stderr, in front of the progress.
local function tell(...)
  io.stderr:write(ON_TERMINAL and "\r\27[K" or "", "crawl.lua: ", string.format(...), "\n")
end

local function count_one(counts, key)
  counts[key] = (counts[key] or 0) + 1
  return counts[key] == 1
end

--- Counts a page; the first error of each kind is reported, whatever becomes of its line.
local function count_page(totals, page)
  totals.pages, totals.bytes = totals.pages + 1, totals.bytes + page.bytes
  count_one(totals.reasons, page.close_reason)
  if page.status then count_one(totals.statuses, page.status) end
  if page.error then
    totals.errors = totals.errors + 1
    if count_one(totals.kinds, page.close_reason .. (page.kind or "")) and not page.told then tell("%s", page.error) end
  elseif page.status >= 400 and count_one(totals.kinds, page.status) and not page.told then
    tell("%s: status %d", page.url, page.status)
  end
end

--- Looks at the page where the crawl starts, or where a redirect has led it; `moves` where it is led on. Why it gave no
--- page goes to `totals.lost` and is reported.
local function judge_start(totals, page, moves)
  if page.url ~= totals.start then return end
  local why
  if moves then
    totals.start = rill.url.normalize(page.location)
  elseif page.error then
    why = page.error
  elseif page.location then
    local home, target = rill.url.parse(page.url), rill.url.parse(page.location)
    local same = target and target.scheme == home.scheme and target.authority == home.authority
    why = ("it redirects to %s, which is not visited%s"):format(page.location, same and " again" or ": start there")
  elseif page.status < 200 or page.status > 299 then
    why = ("status %d"):format(page.status)
  elseif not is_html(page.content_type) then
    why = ("it is %s, no HTML"):format(page.content_type or "of no type")
  end
  if not why then return end
  totals.lost, page.told = true, true
  if not page.error then totals.errors = totals.errors + 1 end
  tell("%s gave no page: %s", page.url, why)
end

--- Counts by name as text, in order.
local function list(counts)
  local parts = {}
  for name, count in pairs(counts) do
    parts[#parts + 1] = ("%s %d"):format(name, count)
  end
  table.sort(parts)
  return #parts > 0 and table.concat(parts, ", ") or "none"
end

local function summarize(totals, stats)
  local seconds = rill.now() - totals.began
  io.stderr:write(ON_TERMINAL and "\r\27[K" or "", totals.caught and "stopped by SIG" .. totals.caught .. "\n" or "",
    ("pages:         %d (%d errors)\n"):format(totals.pages, totals.errors),
    ("bytes:         %.0f\n"):format(totals.bytes),
    ("seconds:       %.2f\n"):format(seconds),
    ("pages/second:  %.1f\n"):format(totals.pages / seconds),
    ("connections:   %d\n"):format(stats.connections_opened),
    ("statuses:      %s\n"):format(list(totals.statuses)),
    ("close reasons: %s\n"):format(list(totals.reasons)))
end

--- Writes a whole line, at once: what stays in a buffer fails unseen.
local function put(out, line)
  local written, why = out:write(line)
  if written then written, why = out:flush() end
  return written, why
end
jit.off(put) -- compiled code drops the results that nobody looks at

--- Crawls until no page is left, somebody interrupts, or `out` takes no more. Returns the totals.
local function crawl(client, options, out)
  local queue, add = new_frontier(options.start, options.max_pages)
  local totals = { pages = 0, bytes = 0, errors = 0, reasons = {}, statuses = {}, kinds = {}, began = rill.now(),
    start = options.start }
  local pages = rill.map(queue, function(address)
    return visit(client, address)
  end, { concurrency = options.concurrency })
  local progress = rill.spawn(show_progress, totals, queue)
  rill.spawn(function()
    totals.caught = rill.signal("INT", "TERM") -- once: the next one ends the process
    pages:close()
  end)

  for address, page, links in pages do
    if not page then -- a fault of ours, in `links`: the page is told, the crawl goes on
      page, links = { url = address, bytes = 0, close_reason = "error", error = tostring(links) }, {}
    end
    local moves = page.location and add(page.location)
    for _, link in ipairs(links) do
      add(link)
    end
    judge_start(totals, page, moves)
    count_page(totals, page)
    local written, why = put(out, json_line(page))
    if not written then
      totals.failure = why
      pages:close()
    end
  end
  progress:cancel()
  summarize(totals, client:stats())
  return totals
end

local options = read_options(arg)
local client, err = rill.client { maxsize = MAX_PAGE, timeout = 60, redirects = 0, tls = { ca_file = options.ca } }
if not client then complain(1, "%s", err) end
local out = io.stdout
if options.out then
  out, err = io.open(options.out, "w")
  if not out then complain(1, "cannot write %s", err) end
end
out:setvbuf "full" -- with "line" the C library reports success where the disk is full

local totals = rill.run(crawl, client, options, out)
client:close()
local written, why = out:flush()
if written and options.out then written, why = out:close() end
if totals.failure or not written then
  complain(1, "cannot write %s: %s", options.out or "standard output", totals.failure or why)
end
local failed = totals.lost or totals.errors == totals.pages
os.exit(totals.caught == "INT" and 130 or totals.caught and 143 or failed and 1 or 0, true)
