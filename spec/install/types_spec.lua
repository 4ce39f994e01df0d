-- lua/rill/meta.lua declares what there is, and .ci/types.lua finds by it what a script has misspelt.
package.path = ".ci/?.lua;" .. package.path
local support = require "support"
local declarations = require "types.declarations"
local values = require "types.values"
local walk = require "types.walk"

local META = "lua/rill/meta.lua"
local declared = declarations.read(META)
local known = values(declared)

local function found_in(text)
  return walk(known, "script.lua", text)
end

local function assert_clean(path, text)
  assert.same({}, walk(known, path, text))
end

-- Programs in a page, each at the line where it stands there.
local function programs(path)
  local text, list, at = support.read(path), {}, 1
  while true do
    local first, last, program = text:find("```lua\n(.-)\n```", at)
    if not first then return list end
    if loadstring(program) then -- not a part of one
      list[#list + 1] = ("\n"):rep(select(2, text:sub(1, first):gsub("\n", "")) + 1) .. program
    end
    at = last
  end
end

local function lines_of(command)
  local list, pipe = {}, io.popen(command)
  for line in pipe:lines() do list[#list + 1] = line end
  pipe:close()
  return list
end

-- Public methods of a class in a module.
local function methods_of(path, class)
  local set, private = {}, false
  for line in support.read(path):gmatch "[^\n]*" do
    if line:find "^%-%-%-@private" then private = true end
    local name = line:match("^function " .. class .. "[:.](%a[%w_]*)%(")
    if name and not private then set[name] = true end
    if line:find "^function" or line:find "^local function" then private = false end
  end
  return set
end

-- Public fields that a module declares of a class of its own.
local function fields_of(path, class)
  local body = support.read(path):match("%-%-%-@class " .. class:gsub("%.", "%%.") .. "%f[^%w.].-\n(.-)\nlocal ")
  local set = {}
  for line in (body or ""):gmatch "[^\n]+" do
    if line:find "^%-%-%-@class" then break end
    local name = line:match "^%-%-%-@field ([%w_]+) "
    if name and name ~= "private" then set[name] = true end
  end
  return set
end

local CLASSES = {
  { "rill.Client", "client", "Client" }, { "rill.Connection", "connection", "methods" },
  { "rill.Stream", "stream", "methods" }, { "rill.Response", "response", "methods" },
  { "rill.Headers", "headers", "methods" }, { "rill.Error", "errors" }, { "rill.Jar", "cookies", "Jar" },
  { "rill.Recorder", "har", "Recorder" }, { "rill.Url", "url" }, { "rill.HtmlScan", "html" },
  { "rill.HtmlLink", "html" }, { "rill.NodeLink", "html/node_links" }, { "rill.Node", "html/node", "Node" },
  { "rill.Robots", "robots", "Robots" }, { "rill.CrawlPage", "crawl/page", "methods" },
  { "rill.Certificate", "core/certificate" }, { "rill.Frame", "core/frames" },
}

local OF_RILL_ITSELF = { abandon = true, on_event = true, recording = true } -- for the runtime

local function keys_in(path, name)
  local body = assert(support.read(path):match("\nlocal " .. name .. " = (%b{})"), name)
  local set = {}
  body = body:sub(2, -2):gsub("%b{}", ""):gsub("%b()", "")
  for key in body:gmatch "%f[%w_]([%l_]+) = " do set[key] = true end
  return set
end

local function assert_same_keys(expected, found, what)
  for key in pairs(expected) do assert.is_true(found[key] ~= nil, what .. " lacks " .. key) end
  for key in pairs(found) do assert.is_true(expected[key] ~= nil, what .. " has " .. key .. ", which is not there") end
end

describe("the types", function()
  it("have the methods and fields of each class, and no other", function()
    for _, case in ipairs(CLASSES) do
      local class, path = declared.classes[case[1]], "lua/rill/" .. case[2] .. ".lua"
      local expected = fields_of(path, case[1])
      for name in pairs(case[3] and methods_of(path, case[3]) or {}) do
        if not name:find "^_" then expected[name] = true end
      end
      for name in pairs(OF_RILL_ITSELF) do expected[name] = nil end
      for name in pairs(expected) do
        assert.is_true(class.fields[name] ~= nil, case[1] .. " lacks " .. name)
      end
      for name in pairs(class.fields) do
        local there = expected[name] or support.read(path):find("%f[%w_]" .. name .. "%f[^%w_]")
        assert.is_true(there ~= nil, case[1] .. " has " .. name)
      end
    end
  end)

  it("have the options of a crawl and of its tables, and no other", function()
    local folder = "lua/rill/crawl/"
    for class, place in pairs { CrawlOptions = { "options", "KNOWN" }, CrawlPoliteness = { "options", "PER_ORIGIN" },
      CrawlTraps = { "traps", "DEFAULTS" }, CrawlKey = { "key", "KNOWN" }, CrawlOut = { "outputs", "OPTIONS" } } do
      local fields = declared.classes["rill." .. class].fields
      assert_same_keys(keys_in(folder .. place[1] .. ".lua", place[2]), fields, class)
    end
  end)

  it("have the public names of rill, and no other", function()
    local rill = require "rill"
    for name in pairs(declared.classes.rill.fields) do
      assert.is_true(rill[name] ~= nil or name:find "^on_" ~= nil, name)
    end
    local expected = keys_in("lua/rill/init.lua", "LATER")
    for name in pairs(rill) do expected[name] = true end
    for name in pairs(expected) do
      assert.is_true(declared.classes.rill.fields[name] ~= nil, "rill lacks " .. name)
    end
  end)

  it("have every type of event and its fields, and no other", function()
    local page = support.read "doc/observing.md":match "\n## Events\n(.-)\n## "
    local types, fields = {}, { type = true, time = true, client = true, connection = true, stream = true, url = true }
    for name, cell in page:gmatch "\n| `(%w+)` | ([^|]*) |" do
      types[name] = true
      for field in cell:gmatch "`([%w_]+)`" do fields[field] = true end
    end
    assert_same_keys(fields, declared.classes["rill.Event"].fields, "rill.Event")
    local declared_types = {}
    for _, member in ipairs(known:members { kind = "name", name = "rill.EventType" }) do
      declared_types[member.value] = true
    end
    assert_same_keys(types, declared_types, "rill.EventType")
  end)

  it("have every close reason, and no other", function()
    local C, ffi = require "rill.clib", require "ffi"
    local names = {}
    for _, alias in ipairs { "rill.CloseReason", "rill.OtherReason" } do
      for _, member in ipairs(known:members { kind = "name", name = alias }) do names[member.value] = true end
    end
    local number = 1
    while ffi.string(C.rill_reason_name(number)) ~= "" do
      local name = ffi.string(C.rill_reason_name(number))
      assert.is_true(names[name] or name == "argument" or name == "closed", name)
      number = number + 1
    end
  end)

  it("name only types that there are", function()
    for name in support.read(META):gmatch "rill%.[%w_.]*%w" do
      local makes_body = name == "rill.form" or name == "rill.json" or name == "rill.multipart"
      assert.is_true((declared.classes[name] or declared.aliases[name] or makes_body) ~= nil, name)
    end
  end)
end)

local CALLED = { client = "Client", conn = "Connection", stream = "Stream", response = "Response", res = "Response",
  err = "Error", jar = "Jar", recorder = "Recorder", task = "Task", page = "CrawlPage", event = "Event" }

describe("the pages", function()
  it("name only methods and fields that there are", function()
    local count = 0
    for _, path in ipairs(lines_of "ls README.md CHANGELOG.md doc/*.md doc/reference/*.md") do
      local text = support.read(path):gsub("```.-```", "")
      for code in text:gmatch "`([^`\n]+)`" do
        for object, name in code:gmatch "%f[%w_](%l+)[:.]([%l_]+)%f[^%w_]" do
          local class = CALLED[object] and declared.classes["rill." .. CALLED[object]]
          local other = object == "page" and declared.classes["rill.Document"].fields[name]
          if class and not code:find "[/*]" then
            assert.is_true((class.fields[name] or other) ~= nil, path .. " names " .. code)
            count = count + 1
          end
        end
      end
    end
    assert.is_true(count > 100, count .. " names")
  end)
end)

describe("the check of types", function()
  it("finds nothing in the examples", function()
    local paths = lines_of "find examples bench -name '*.lua'"
    assert.is_true(#paths > 20)
    for _, path in ipairs(paths) do assert_clean(path, support.read(path)) end
  end)

  it("finds nothing in the programs of README and doc", function()
    for _, path in ipairs(lines_of "ls README.md doc/*.md doc/reference/*.md") do
      for _, program in ipairs(programs(path)) do
        assert_clean(path, 'local rill = require "rill" local client = rill.client() ' .. program)
      end
    end
  end)

  it("names the line, the wrong name and the nearest right one", function()
    assert.same({
      'script.lua:2: rill has no "on_eror", did you mean "on_error"?',
      'script.lua:3: rill.ClientOptions has no "timeot", did you mean "timeout"?',
      'script.lua:3: rill.TlsOptions has no "verfy", did you mean "verify"?',
      'script.lua:5: rill.RequestOptions has no "maxsiz", did you mean "maxsize"?',
      'script.lua:6: rill.Error has no "reson", did you mean "reason"?',
      'script.lua:7: rill.Response has no "stauts", did you mean "status"?',
      'script.lua:7: rill.Timings has no "qeue", did you mean "queue"?',
    }, found_in [[local rill = require "rill"
      rill.on_eror = print
      local client = rill.client { timeot = 20, tls = { verfy = false } }
      rill.run(function()
        local res, err = client:get("https://example.com/", { maxsiz = 3 })
        if not res then return print(err.reson, err) end
        print(res.stauts, res.headers["content-type"], res.timings.qeue)
      end)]])
  end)

  it("follows loops, hooks and functions of the script", function()
    assert.same({
      'script.lua:3: rill.Client has no "gett", did you mean "get"?',
      'script.lua:5: rill.Concurrency has no "concurency", did you mean "concurrency"?',
      'script.lua:5: rill.Response has no "boddy", did you mean "body"?',
      'script.lua:7: rill.Head has no "statuss", did you mean "status"?',
      'script.lua:7: "stopp" is not one of its values, did you mean "stop"?',
      'script.lua:8: rill.Stream has no "respons", did you mean "response"?',
    }, found_in [[local rill = require("rill")
      local client = assert(rill.client())
      print(client:gett "https://example.com/")
      local function fetch(url) return client:get(url) end
      for _, res in rill.map({}, fetch, { concurency = 3 }) do print(res.boddy) end
      local stream = client:open { url = "https://example.com/",
        on_headers = function(head) return head.statuss and "stopp" or nil end }
      print(stream:respons())]])
  end)

  it("follows crawls and their pages", function()
    assert.same({
      'script.lua:2: rill.CrawlOptions has no "dept", did you mean "depth"?',
      'script.lua:3: rill.CrawlPage has no "titel", did you mean "title"?',
      'script.lua:3: rill.CrawlPage has no "emitt", did you mean "emit"?',
      'script.lua:4: rill.CrawlTraps has no "per_hst", did you mean "per_host"?',
      'script.lua:6: rill.CrawlSummary has no "pagess", did you mean "pages"?',
    }, found_in [[local crawl = require "rill.crawl"
      local done = crawl { start = "https://example.com/", dept = 3,
        page = function(page) print(page.titel) page:emitt {} end,
        traps = { per_hst = 3 },
      }
      print(done.pagess)]])
  end)

  it("finds values that an option does not take", function()
    assert.same({
      'script.lua:2: timeout: number is wanted, not "20"',
      'script.lua:2: "h3" is not one of its values, did you mean "h2"?',
      'script.lua:5: "endet" is not one of its values, did you mean "ended"?',
    }, found_in [[local rill = require "rill"
      local options = { timeout = "20", protocols = { "h3" } }
      local client = rill.client(options)
      local res = client:get "https://example.com/"
      if res.close_reason == "endet" then print(1) end]])
  end)

  it("finds a method that is called with a dot", function()
    assert.same({ "script.lua:2: get is a method: it is called with a colon" }, found_in [[local rill = require "rill"
      print(rill.client().get("https://example.com/"))]])
  end)

  it("knows what rill's own modules declare for each other", function()
    local inside = declarations.read(META)
    local path = support.write(support.directory "types" .. "/thing.lua", [[---@class rill.Thing
---@field private _count integer
local Thing = {}
---@param timer rill.Timer
function Thing:more(timer) return self._conut, self:mroe(), timer.fird end
return Thing]])
    declarations.add_modules(inside, { "lua/rill/task/timer.lua", path })
    assert.same({
      'lua/thing.lua:5: rill.Thing has no "_conut", did you mean "_count"?',
      'lua/thing.lua:5: rill.Thing has no "mroe", did you mean "more"?',
      'lua/thing.lua:5: rill.Timer has no "fird", did you mean "fired"?',
    }, walk(values(inside, true), "lua/thing.lua", support.read(path), true))
  end)

  it("allows all that it does not know of", function()
    assert.same({}, found_in [[local rill = require "rill"
      local other = require "other"
      local res = other.get(rill)
      res.anything, other.more = 1, res.headers.x.y
      local headers = { ["x-thing"] = "1", accept = false }
      rill.client { headers = headers }
      local list = setmetatable({}, { __index = other })
      function list:add(item) self.items = item end
      list:add(1)]])
  end)

  it("is part of make lint", function()
    assert.is_not_nil(support.read ".ci/lint":find(".ci/types.lua", 1, true))
    assert.is_not_nil(support.read ".ci/check":find(".ci/types.lua", 1, true))
  end)
end)
