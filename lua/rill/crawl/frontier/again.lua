--- A recrawl of a shared state: every page that is remembered is put into the queue again, some buckets at a time. Each
--- step is all or nothing, so it goes on wherever it was interrupted, and several workers may do it together.
local batches = require("rill.crawl.frontier.batch")
local json = require("rill.core.plain_json")
local rank_of = require("rill.crawl.frontier.rank")
local record = require("rill.crawl.frontier.record")
local totals = require("rill.crawl.frontier.totals")

local BUCKETS = 64 -- looked at in one step

-- The words of one page, where its time has come.
local function add(words, settings, page, before, name)
  if (page.gone or 0) >= 2 or page.visited > before then return end
  local high, low = batches.halves(name)
  local entry = { url = page.url, depth = page.depth, hops = 0, attempts = 0, free = 0, high = high, low = low,
    known = { etag = page.etag, modified = page.modified, hash = page.hash, gone = page.gone or 0,
      archived = page.w and page.visited - page.w } }
  for _, word in ipairs { page.origin, json.encode(settings.policy(page.origin)), ("%d"):format(rank_of(entry)),
    record.encode(entry) } do
    words[#words + 1] = word
  end
end

local function words_of(wire, settings, first, after, before)
  local words = { tostring(first), "" }
  for bucket = first, after - 1 do
    local list, err = wire:command { "HGETALL", ("%s:page:%d"):format(wire.key, bucket) }
    if err then return nil, err end
    for i = 1, #list, 2 do add(words, settings, json.decode(list[i + 1]), before, list[i]) end
  end
  return words
end

--- Fills the queue where that is wanted, unless there is work in it.
---@param call fun(name: string, words: string[]): any, rill.Error?
---@param wire rill.CrawlWire
---@param settings table
---@param buckets integer
---@return table<string, number>? sums of all counters: they begin anew
---@return rill.Error? err
return function(call, wire, settings, buckets)
  local before = math.ceil(settings.now - (type(settings.recrawl) == "number" and settings.recrawl or 0))
  local at, err
  if settings.recrawl then at, err = call("recrawl", { "", "" }) end
  while at and at ~= "" do
    local first = tonumber(at)
    local after = math.min(buckets, first + BUCKETS)
    local words
    words, err = words_of(wire, settings, first, after, before)
    if not words then return nil, err end
    words[2] = after < buckets and tostring(after) or ""
    at, err = call("recrawl", words)
  end
  local list
  if not err then list, err = wire:command { "HGETALL", wire.key .. ":stats" } end
  if err then return nil, err end
  return totals.read(list)
end
