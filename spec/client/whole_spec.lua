-- A collected body in gzip that is here as a whole: made in one call by libdeflate, where that is installed, and the
-- same to whoever gets it.
local lfs = require "lfs"
local scratch = require "support.scratch"
local script = require "support.script"
local support = require "support"

local WHOLE_MOST = 512 * 1024 -- bytes that are made in one call
local FILE = "libdeflate.so.0"

-- What the children share: `new(options)`, a client; `said(client, path)`: what comes of a GET, in one line; `given`.
local PROLOGUE = [[
local url, ca = ...
local given = { select(3, ...) }
local function new(options)
  options = options or {}
  options.tls = { ca_file = ca }
  return rill.client(options)
end
-- A text, in few words.
local function sum(text)
  local hash = 0
  for i = 1, #text do hash = (hash * 31 + text:byte(i)) % 4294967296 end
  return ("%d bytes, %d"):format(#text, hash)
end
local function said(client, path)
  local res, err = client:get(url .. path)
  return res and sum(res.body) or tostring(err)
end
]]

-- Environment in which the library is no library, or the one that stands in for it.
local function with(library, says)
  local directory = scratch.directory "libraries"
  if library then
    assert(lfs.link(lfs.currentdir() .. "/" .. library, directory .. "/" .. FILE, true))
  else
    scratch.write(directory .. "/" .. FILE, "")
  end
  return { environment = { "LD_LIBRARY_PATH=" .. directory, "STAND_IN=" .. (says or "") } }
end

-- What is so over each version of HTTP: `http1` of the server.
local function specs(http1)
  local server

  setup(function() server = support.node { script = "coded.js", http1 = http1 } end)
  teardown(function() server:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  local function run(text, environment, ...)
    return script.run(PROLOGUE .. text, { server.url, support.ca().file, ... }, environment)
  end

  -- What the stand-in makes of each of these paths: "x", or the "text" that comes by zlib.
  local function by(says, paths, options)
    local lines = run([[
    rill.run(function()
      local client = new(]] .. (options or "{}") .. [[)
      for _, path in ipairs(given) do
        local res = assert(client:get(url .. path))
        tell(res.body:find "^x+$" and "x" or "text", #res.body)
        assert(client:stats().buffered == 0)
      end
    end)
    ]], with("build/whole.so", says), unpack(paths))
    return lines
  end

  it("is made by it", function()
    assert.same({ "x 1", "x 1000", "x 100000", "x 1000", "x 1000", "x 50000" }, by(nil, {
      "/gzip?n=1", "/gzip?n=1000", "/gzip?n=100000", "/gzip?fields=extra,name,comment", "/?codings=gzip&say=x-gzip",
      "/gzip?n=50000&each=700",
    }))
  end)

  it("is made by it up to 512 KiB", function()
    local zeros = "/?codings=gzip&zeros="
    local made = by(nil, { zeros .. "0.5", zeros .. "0.5000019073486328" })
    assert.same({ "x " .. WHOLE_MOST, "text " .. WHOLE_MOST + 2 }, made)
  end)

  it("is for zlib where the size it says cannot be, or is more than maxsize", function()
    local made = by(nil, { "/gzip?n=1000&tail=junk", "/members?say=gzip&tail=%01%01%01%01" })
    assert.same({ "text 1000", "text 13" }, made)
    local lines = run([[
    rill.run(function()
      for _, path in ipairs { "/gzip?n=1000&isize=4294967295", "/gzip?n=1&isize=500000", "/gzip?n=1&isize=0" } do
        tell(select(2, new():get(url .. path)).reason)
      end
      tell(select(2, new { maxsize = 999 }:get(url .. "/gzip?n=1000")).reason)
      tell(#assert(new { maxsize = 1000 }:get(url .. "/gzip?n=1000")).body)
    end)
    ]], with "build/whole.so")
    assert.same({ "decode_error", "decode_error", "decode_error", "maxsize_exceeded_actual", "1000" }, lines)
  end)

  it("is for zlib where its header has a checksum, several codings are named, or there is none", function()
    assert.same({ "text 1000", "text 1000", "text 1000", "text 1000", "text 1000" }, by(nil, {
      "/gzip?fields=sum", "/?codings=gzip,gzip", "/?codings=deflate", "/?codings=br", "/",
    }))
  end)

  it("is for zlib where it is too long to wait for its end", function()
    assert.same({ "text 400000" }, by(nil, { "/?codings=gzip&n=400000" }))
    assert.same({ "text 60000" }, by(nil, { "/?codings=gzip&n=60000" }, "{ window = 16384, max_window = 16384 }"))
  end)

  it("is for zlib where it is not collected", function()
    local lines = run([[
    local function kind(text) return text:find "^x+$" and "x" or "text" end
    rill.run(function()
      local client, path = new(), url .. "/gzip?n=5000"
      local parts = {}
      for chunk in assert(client:open { url = path }):chunks() do parts[#parts + 1] = chunk end
      tell(kind(table.concat(parts)))
      local stream = assert(client:open { url = path })
      local first = assert(stream:read())
      tell(kind(first .. assert(stream:response()).body))
      local file = os.tmpname()
      assert(client:download(path, file))
      local handle = io.open(file)
      tell(kind(handle:read "*a"))
      handle:close()
      os.remove(file)
    end)
    ]], with "build/whole.so")
    assert.same({ "text", "text", "text" }, lines)
  end)

  for _, says in ipairs { "not all taken", "too little made", "broken", "out of memory" } do
    it("is for zlib from the start where that comes of it: " .. says, function()
      local paths = { "/gzip?n=1000", "/gzip?n=100000", "/gzip?n=50000&each=700" }
      assert.same({ "text 1000", "text 100000", "text 50000" }, by(says, paths))
    end)
  end

  it("is for zlib, which can stop half way, where it would be more than max_buffered", function()
    local lines = run([[
    rill.run(function()
      local client = new { max_buffered = 100000 }
      local function hold() return client:get(url .. "/hold?n=90000") end
      local oldest = rill.spawn(hold)
      while client:stats().buffered < 90000 do rill.sleep(0.001) end
      local stream = assert(client:open { url = url .. "/?codings=gzip&zeros=0.5" })
      local task = rill.spawn(function() return stream:response() end)
      while not stream.closed_remote do rill.sleep(0.001) end
      oldest:cancel()
      local res = assert(task:join())
      tell(#res.body, res.body:byte())
    end)
    ]], with "build/whole.so")
    assert.same({ WHOLE_MOST .. " 0" }, lines)
  end)

  it("is for zlib once the library was not found: it is not looked for again", function()
    local environment = with()
    local place = environment.environment[1]:match "=(.*)" .. "/" .. FILE
    local lines = run([[
    local library, place = unpack(given)
    rill.run(function()
      local client = new()
      for _ = 1, 2 do
        tell(assert(client:get(url .. "/gzip?n=100")).body:find "^x+$" and "x" or "text")
        os.remove(place)
        assert(os.execute(("ln -s '%s' '%s'"):format(library, place)) == 0)
      end
    end)
    ]], environment, lfs.currentdir() .. "/build/whole.so", place)
    assert.same({ "text", "text" }, lines)
  end)

  -- Paths, and what comes of them whoever makes the body: bytes of text, or the reason of an error.
  local function expected()
    local list = {
      { "/gzip?n=0", 0 }, { "/gzip?n=1", 1 }, { "/gzip?n=70000", 70000 },
      { "/gzip?fields=extra", 1000 }, { "/gzip?fields=name", 1000 }, { "/gzip?fields=comment", 1000 },
      { "/gzip?fields=sum", 1000 }, { "/gzip?fields=extra,name,comment,sum", 1000 },
      { "/gzip?fields=wrong-sum", "decode_error" }, { "/gzip?flags=32", "decode_error" },
      { "/gzip?flags=128", "decode_error" }, { "/gzip?flags=8", "decode_error" },
      { "/members?say=gzip", 13 }, { "/members?say=gzip&tail=junk", 13 }, { "/gzip?tail=junk", 1000 },
      { "/gzip?tail=%01%01%01%01", 1000 }, { "/gzip?tail=%01%01%00%00", 1000 }, { "/gzip?tail=%1f%7f", 1000 },
      { "/gzip?crc=1", "decode_error" }, { "/gzip?n=5000&flip=100", "decode_error" },
      { "/gzip?n=5000&flip=3", "decode_error" },
    }
    for _, size in ipairs { 0, 1, 999, 1001, 100000, 524288, 524289, 2 ^ 31, 2 ^ 32 - 1 } do
      list[#list + 1] = { "/gzip?n=1000&isize=" .. ("%.0f"):format(size), "decode_error" }
    end
    local path = "/gzip?n=20&fields=name"
    local coded = support.run(function()
      return assert(support.client():get(server.url .. path, { decompress = false })).body
    end)
    for cut = 1, #coded - 1 do list[#list + 1] = { path .. "&cut=" .. cut, "decode_error" } end
    return list
  end

  local EACH = [[
  rill.run(function()
    local client = new { maxsize = 600000 }
    local paths = {}
    for path in io.lines(given[1]) do paths[#paths + 1] = path end
    local lines = {}
    for path, line in rill.map(paths, function(path) return said(client, path) end, { concurrency = 8 }) do
      lines[path] = line
    end
    for _, path in ipairs(paths) do tell(lines[path]) end
    assert(client:stats().buffered == 0)
  end)
  local maps = io.open "/proc/self/maps"
  tell(maps:read "*a":find("libdeflate", 1, true) and "loaded" or "not")
  maps:close()
  ]]

  -- What comes of each of the paths with libdeflate and without it.
  local function both(paths)
    local file = scratch.write(scratch.directory "paths" .. "/paths", table.concat(paths, "\n") .. "\n")
    local whole, zlib = run(EACH, nil, file), run(EACH, with(), file)
    assert.equal("loaded", table.remove(whole))
    assert.equal("not", table.remove(zlib))
    assert.equal(#paths, #whole)
    return whole, zlib
  end

  it("is the same without it", function()
    local paths, list = {}, expected()
    for i, each in ipairs(list) do paths[i] = each[1] end
    local whole, zlib = both(paths)
    assert.same(zlib, whole)
    local kinds = { decode_error = "content%-encoding gzip: the data" }
    for i, each in ipairs(list) do
      local wanted = kinds[each[2]] or "^" .. each[2] .. " bytes, "
      assert.truthy(whole[i]:find(wanted), each[1] .. ": " .. whole[i])
    end
  end)

  it("is the same without it: random bodies, broken and cut ones among them", function()
    local paths = {}
    for seed = 1, 200 do paths[seed] = "/random?seed=" .. seed end
    local whole, zlib = both(paths)
    assert.same(zlib, whole)
  end)

  it("is larger than maxsize with it as without it", function()
    local text = [[
    rill.run(function()
      for _, most in ipairs { 999, 1000, 1001 } do tell(said(new { maxsize = most }, "/gzip?n=1000")) end
      tell(said(new { maxsize = 2000 }, "/gzip?n=5000&isize=1000"))
    end)
    ]]
    local whole = run(text)
    assert.same(run(text, with()), whole)
    assert.matches("more than maxsize", whole[1], 1, true)
    assert.matches("1000 bytes, ", whole[2], 1, true)
    assert.equal(whole[2], whole[3])
    assert.matches("incorrect length check", whole[4], 1, true)
  end)
end

describe("a whole body, over HTTP/2,", function() specs(false) end)
describe("a whole body, over HTTP/1.1,", function() specs(true) end)
