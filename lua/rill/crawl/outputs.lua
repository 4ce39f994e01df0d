--- All that a crawl writes items to: each has an offset, which the page's transaction keeps.
local arguments = require("rill.core.arguments")
local errors = require("rill.errors")
local list_of = require("rill.core.list")
local own_path = require("rill.crawl.own_path")

local getinfo = debug.getinfo

local M = {}

local OPTIONS = { path = true, format = true, fields = true, append = true }
local FORMATS = {
  jsonl = "rill.crawl.export.jsonl", csv = "rill.crawl.export.csv", sqlite = "rill.crawl.export.sqlite",
}

---@class rill.CrawlOutputs
---@field private _writers { name: string, writer: table }[]
---@field private _functions function[]
---@field private _frontier rill.CrawlFrontier
---@field private _warn fun(text: string)
---@field private _guarded function
local Outputs = {}
Outputs.__index = Outputs

local ENDINGS = { csv = "csv", jsonl = "jsonl", ndjson = "jsonl", jl = "jsonl" }

--- What a file is by the ending of its name, which is the script's, and no worker's own. A name without an ending, and
--- a device, is JSON Lines.
---@param path string
---@return string? format nil: none is known by that ending
---@return string? ending
function M.format_of(path)
  if path:find "%.sqlite#." or path:find "%.db#." then return "sqlite" end
  local ending = not path:find "^/dev/" and path:match "[^/]%.([^./]*)$"
  if not ending then return "jsonl" end
  return ENDINGS[ending:lower()], ending
end

-- One of `out` as a table of options.
local function as_options(entry)
  if type(entry) == "string" and entry ~= "" then return { path = entry } end
  if type(entry) ~= "table" or type(entry.path) ~= "string" or entry.path == "" then
    errors.raise("crawl: out must be a path, a function, a table with a path, or a list of them, got "
      .. (type(entry) == "table" and entry.path == "" and 'the path ""' or errors.show(entry)))
  end
  for name in pairs(entry) do
    if not OPTIONS[name] then errors.raise("crawl: out: unknown option " .. errors.show(name)) end
  end
  if entry.fields ~= nil and not list_of.is_of_texts(entry.fields) then
    errors.raise("crawl: out: fields must be a list of names, got " .. errors.show(entry.fields))
  end
  if entry.fields ~= nil and not entry.fields[1] then
    errors.raise("crawl: out: fields names none: leave it out for all that items have")
  end
  return entry
end

-- What the name says that it is must be what is written.
local function check_format(options)
  local path, format = options.path, options.format
  if format ~= nil then
    if not FORMATS[format] then errors.raise("crawl: out: unknown format " .. errors.show(format)) end
    return
  end
  if path:find "%.sqlite$" or path:find "%.db$" then
    errors.raise("crawl: out: a table is named as file#table, got " .. errors.show(path))
  end
  local known, ending = M.format_of(path)
  if not known then
    errors.raise(("crawl: out: nothing is known of the ending .%s of %s: there are .jsonl, .csv, .sqlite#table and "
      .. '.db#table; format = "jsonl" (--format jsonl) writes lines of JSON whatever the name'):format(ending,
      errors.show(path)))
  end
end

local function entries_of(out)
  if out == nil then return {} end
  if type(out) == "table" and out.path == nil and not arguments.is_callable(out) then return out end
  return { out }
end

--- The `format` that one entry of a crawl's option `out` names.
---@param out any as a state has kept it
---@param is_meant fun(path: string): boolean
---@return string? format
function M.given_format(out, is_meant)
  for _, entry in ipairs(entries_of(out)) do
    if type(entry) == "table" and type(entry.path) == "string" and is_meant(entry.path) then return entry.format end
  end
end

--- The error of a file that is there and that no state names.
---@param path string
---@param advice string? what to do
---@return rill.Error
function M.unknown_file(path, advice)
  return errors.new { reason = "output", kind = "exists", path = path,
    message = path .. " exists, and the state does not know it: "
      .. (advice or "append = true (--append) adds to it") }
end

-- Opens what the state knows, cut to what was committed.
local function reopen(room, options, offset)
  if offset > 0 and not room.exists(options.path) then
    return nil, errors.new { reason = "output", kind = "short", path = options.path,
      message = options.path .. " is gone, the state knows of it" }
  end
  local writer, err = room.open(options.path, options)
  if not writer then return nil, err end
  local ok
  ok, err = writer:truncate(offset)
  if ok then return writer end
  writer:close()
  return nil, err
end

-- A file that is made is known to the state before it is there: a kill between leaves none that nobody knows.
local function open_new(room, options, frontier)
  local path = options.path
  local existed = room.exists(path) and not path:find "^/dev/"
  if existed and not options.append then return nil, M.unknown_file(path) end
  local ok, err = true, nil
  if not existed then ok, err = frontier:register(path, 0) end
  if not ok then return nil, err end
  local writer
  writer, err = room.open(path, options)
  if writer and existed then
    ok, err = frontier:register(path, writer:offset())
    if not ok then return nil, err end
  end
  return writer, err
end

local function open_file(self, options)
  local room = require(FORMATS[options.format])
  local offset = self._frontier.offsets and self._frontier.offsets[options.path]
  if offset then return reopen(room, options, offset) end
  return open_new(room, options, self._frontier)
end

local function own_options(self, options)
  local path = own_path(options.path, self._frontier.worker)
  return { path = path, format = options.format or M.format_of(options.path), fields = options.fields,
    append = options.append, warn = self._warn }
end

--- Raises what is wrong with `out`, before anything is opened. Each file once: two that write to one place would undo
--- each other.
---@param out any
function M.check(out)
  local list, known = entries_of(out), {}
  if not list_of.is(list) then as_options(list) end -- which raises
  for _, entry in ipairs(list) do
    local path = not arguments.is_callable(entry) and as_options(entry).path
    if path and path ~= "-" then check_format(as_options(entry)) end
    if path and known[path] then errors.raise("crawl: out: it is named twice: " .. errors.show(path)) end
    if path then known[path] = true end
  end
end

local function open_one(self, entry)
  if arguments.is_callable(entry) then
    table.insert(self._functions, entry)
    return true
  end
  local options = own_options(self, as_options(entry))
  local writer, err
  if options.path == "-" then
    writer = require("rill.crawl.export.jsonl").stdout()
  else
    writer, err = open_file(self, options)
  end
  if not writer then return nil, err end
  table.insert(self._writers, { name = options.path, writer = writer })
  return true
end

--- Gives every output an item.
---@param item table
---@param page rill.CrawlPage?
---@param id string
---@param order string[]? of its names
function Outputs:write(item, page, id, order)
  for _, output in ipairs(self._writers) do
    local writer = output.writer
    if order and writer.write_ordered then
      writer:write_ordered(item, order, id)
    else
      writer:write(item, page, id)
    end
  end
  for _, fn in ipairs(self._functions) do self._guarded("out", fn, item, page, id) end
end

--- Whether items go to standard output.
---@return boolean
function Outputs:has_stdout()
  for _, output in ipairs(self._writers) do
    if output.name == "-" then return true end
  end
  return false
end

--- Whether items go to a function that has their page, too: of what is called otherwise that is not known.
---@return boolean
function Outputs:shows_page()
  for _, fn in ipairs(self._functions) do
    local info = type(fn) == "function" and getinfo(fn, "u")
    if not info or info.isvararg or info.nparams > 1 then return true end
  end
  return false
end

--- Gives all bytes to the system.
---@return boolean? ok
---@return rill.Error? err
function Outputs:flush()
  for _, output in ipairs(self._writers) do
    local ok, err = output.writer:flush()
    if not ok then return nil, err end
  end
  return true
end

--- Cuts each to a place, by its path.
---@param places table<string, number>
---@return boolean? ok
---@return rill.Error? err
function Outputs:truncate(places)
  for _, output in ipairs(self._writers) do
    if output.name ~= "-" then
      local ok, err = output.writer:truncate(places[output.name] or 0)
      if not ok then return nil, err end
    end
  end
  return true
end

---@return boolean? ok
---@return rill.Error? err
function Outputs:sync()
  for _, output in ipairs(self._writers) do
    if output.name ~= "-" and output.writer.sync then
      local ok, err = output.writer:sync()
      if not ok then return nil, err end
    end
  end
  return true
end

--- How long each is now, by its path.
---@return table<string, number>
function Outputs:offsets()
  local list = {}
  for _, output in ipairs(self._writers) do
    if output.name ~= "-" then list[output.name] = output.writer:offset() end
  end
  return list
end

--- Closes all.
---@param unused boolean? the crawl has failed: files that were made and have nothing are removed
function Outputs:close(unused)
  for _, output in ipairs(self._writers) do output.writer:close(unused) end
  self._writers = {}
end

--- Opens what `out` names; a file that the state knows is cut to the place that was committed.
---@param out any
---@param frontier rill.CrawlFrontier
---@param warn fun(text: string)
---@param guarded fun(name: string, fn: function, ...) calls what a script has given
---@return rill.CrawlOutputs?
---@return rill.Error? err
function M.open(out, frontier, warn, guarded)
  local self = setmetatable({ _writers = {}, _functions = {}, _frontier = frontier, _warn = warn,
    _guarded = guarded }, Outputs)
  for _, entry in ipairs(entries_of(out)) do
    local ok, err = open_one(self, entry)
    if not ok then
      self:close(true)
      return nil, err
    end
  end
  return self
end

return M
