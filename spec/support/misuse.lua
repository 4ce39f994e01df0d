-- Calls every function that lua/rill/meta.lua declares with values it was never meant for, at each place of its
-- arguments. Writes what was not answered by an error of the caller's line, by nil or by a value that has a text.
-- arguments: URL of a server, its CA
local ffi = require "ffi"
local rill = require "rill"

local URL, CA = ...
local WAIT = 0.02 -- seconds that a call may wait where its argument was good after all

ffi.cdef "typedef struct { int x; } misuse_struct;"

local cycle = {}
cycle[1], cycle.url, cycle.file, cycle.headers, cycle.start = cycle, cycle, cycle, cycle, cycle

local VALUES = {
  { "NULL", ffi.cast("void *", 0) },
  { "a pointer", ffi.cast("char *", 8) },
  { "uint64_t", ffi.new("uint64_t", 2 ^ 60) },
  { "a struct", ffi.new "misuse_struct" },
  { "NaN", 0 / 0 },
  { "infinity", math.huge },
  { "-infinity", -math.huge },
  { "2^63", 2 ^ 63 },
  { "-1", -1 },
  { "NUL", "https://a\0b/" },
  { "nothing", "" },
  { "a table in itself", cycle },
  { "a function", function() end },
  { "a coroutine", coroutine.create(function() end) },
  { "true", true },
  { "userdata", io.stdout },
  { "nil" },
}

-- Where a message speaks of rill's inside.
local INNER = { "attempt to ", "bad argument #", "cannot convert", "has no member", "table index is", "stack overflow" }

local function text_of(value)
  local ok, text = pcall(tostring, value)
  return ok and text or nil
end

local function fault_of(ok, first)
  local text = text_of(first)
  if not text then return "what it gave has no text" end
  if ok then return nil end
  for _, words in ipairs(INNER) do
    if text:find(words, 1, true) then return text end
  end
  if not text:find("misuse.lua:", 1, true) then return text end
end

local function call(name, fn, shown, ...)
  local arguments, count = { ... }, select("#", ...)
  local ok, first = pcall(rill.timeout, WAIT, function()
    return (fn(unpack(arguments, 1, count)))
  end)
  local fault = fault_of(ok, first)
  if fault then print(("%s with %s: %s"):format(name, shown, (fault:gsub("\n.*", "")))) end
end

-- make() gives the function, and the object that it is called on, where there is one.
local function try(name, make)
  for _, value in ipairs(VALUES) do
    local shown, given = value[1], value[2]
    local fields = { url = given, method = given, headers = given, body = given, start = given, max = given,
      name = given, value = given }
    for where, arguments in pairs {
      ["%s"] = { n = 1, given }, ["%s behind a URL"] = { n = 2, URL, given },
      ["%s behind two"] = { n = 3, URL, URL, given }, ["%s in a list"] = { n = 1, { given } },
      ["%s in fields"] = { n = 1, fields },
      ["%s as meta"] = { n = 2, URL, { meta = given } },
    } do
      local fn, object = make()
      local words = where:format(shown)
      if object ~= nil then
        call(name, fn, words, object, unpack(arguments, 1, arguments.n))
      else
        call(name, fn, words, unpack(arguments, 1, arguments.n))
      end
    end
  end
end

local function new_client()
  return assert(rill.client { tls = { ca_file = CA }, retries = 0 })
end

local client = new_client()
local function url(path) return URL .. path end

local function open()
  return assert(client:open { method = "POST", url = url "/echo", body = rill.streaming })
end

local function connection()
  return assert(rill.connect(URL .. "/", { tls = { ca_file = CA } }))
end

local PAGE = "<title>x</title><p id=a>b<a href=/c>d</a>"

-- class -> an object of it
local OBJECTS = {
  ["rill.Client"] = new_client,
  ["rill.Connection"] = connection,
  ["rill.Headers"] = function() return assert(client:get(url "/")).headers end,
  ["rill.Response"] = function() return assert(client:get(url "/")) end,
  ["rill.Stream"] = open,
  ["rill.Task"] = function() return rill.spawn(function() end) end,
  ["rill.Map"] = function() return rill.map({}, function() end) end,
  ["rill.Queue"] = function() return rill.queue() end,
  ["rill.Semaphore"] = function() return rill.semaphore(100) end,
  ["rill.Recorder"] = function() return rill.har.recorder(client) end,
  ["rill.Jar"] = function() return rill.cookies.jar() end,
  ["rill.Node"] = function() return rill.html.document(PAGE, "https://h/"):css("p")[1] end,
  ["rill.Document"] = function() return rill.html.document(PAGE, "https://h/") end,
  ["rill.Robots"] = function() return rill.robots.parse "User-agent: *\nDisallow: /x" end,
  ["rill.SitemapReader"] = function() return rill.sitemap.reader() end,
  ["rill.Crawl"] = function() return require "rill.crawl".new { start = URL } end,
}

-- These run until something else ends them, or change what all others run on.
local LEFT_OUT = { ["rill.run"] = true, ["rill.use"] = true, ["rill.Crawl:run"] = true }

local function method(class, name, make)
  if LEFT_OUT[class .. ":" .. name] then return end
  try(class .. ":" .. name, function()
    local object = make()
    return object[name], object
  end)
end

-- The functions that each class has, in the order of the file.
local function declared()
  local list, class = {}, nil
  for line in io.lines "lua/rill/meta.lua" do
    class = line:match "^%-%-%-@class ([%w_.]+)" or class
    local name, kind = line:match "^%-%-%-@field ([%w_]+) (%S+)"
    if name and (kind:find "^fun%(" or kind == "rill.Ask" or kind == "rill.Send") then
      list[#list + 1] = { class, name, not kind:find "^fun%(" or kind:find "^fun%(self" ~= nil }
    end
  end
  return list
end

local function try_page(list)
  local crawl = require "rill.crawl"
  local trusting = { tls = { ca_file = CA }, deny_private = false }
  assert(crawl { start = url "/page", robots = false, max_pages = 1, client = trusting, progress = false,
    out = function() end, page = function(page)
      for _, each in ipairs(list) do
        if each[1] == "rill.CrawlPage" then method(each[1], each[2], function() return page end) end
      end
    end })
end

rill.on_error = function() end
rill.on_warning = function() end
rill.run(function()
  local count = 0
  for _, each in ipairs(declared()) do
    local class, name, is_method = unpack(each)
    if is_method and class ~= "rill.CrawlPage" then
      method(class, name, assert(OBJECTS[class], "there is no object of " .. class))
      count = count + 1
    elseif class:find "^rill%.?%l*$" and not LEFT_OUT[class .. "." .. name] and not name:find "^on_" then
      try(class .. "." .. name, function() return require(class)[name] end)
      count = count + 1
    end
  end
  try_page(declared())
  assert(count > 100, count .. " functions")
  client:close()
end)
print "done"
