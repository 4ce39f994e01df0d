-- A body of 32 MiB and more, kept in memory: there the system writes it, into a mapping of its own.
local lfs = require "lfs"
local script = require "support.script"
local support = require "support"

local EXTREMES = "build/extremes.so"
local MIB = 2 ^ 20
local LENGTH = 33 * MIB + 7 -- room for it is made anew at 32 MiB

-- Its arguments: the body's URL, the authority's file, the file that the body is. `long(rights)`: how many mappings of
-- 32 MiB and more there are that are nobody's file. `sealed()`: those that can only be read.
local PROLOGUE = [[
local ffi = require "ffi"
local url, ca, path = ...
ffi.cdef "int memcmp(const void *one, const void *other, size_t length);"
local client = rill.client { tls = { ca_file = ca }, timeout = 60, on_warning = function() end }
local function is_whole(response)
  local file = assert(io.open(path, "rb"))
  local wanted = file:read "*a"
  file:close()
  local data, length = response:pointer()
  return length == #wanted and ffi.C.memcmp(data, wanted, length) == 0
end
local function long(rights)
  local count = 0
  for line in io.lines "/proc/self/maps" do
    local first, last, its = line:match "^(%x+)%-(%x+) (%S+) %x+ 00:00 0%s*$"
    if its == rights and tonumber(last, 16) - tonumber(first, 16) >= 2 ^ 25 then count = count + 1 end
  end
  return count
end
local function sealed() return long "r--p" end
local function wait_for(bytes)
  while client:stats().buffered < bytes do rill.sleep(0.005) end
end
]]

-- Each piece says where it stands.
local function write(path)
  local file, rest = assert(io.open(path, "wb")), support.content(MIB - 16)
  for i = 0, 32 do file:write(("%015d\n"):format(i), rest) end
  file:write "the end"
  file:close()
  return path
end

local function run(server, path, text, options)
  return script.run(PROLOGUE .. text, { server.url .. path, server.ca, server.root .. "/body" }, options)
end

local WHOLE = [[
rill.run(function()
  local response = assert(client:get(url))
  tell(tostring(response.protocol), tostring(is_whole(response)), sealed())
  response = nil
  collectgarbage()
  collectgarbage()
  tell(sealed())
end)
client:close()
]]

for _, protocol in ipairs { "h2", "http/1.1" } do
  describe("a body of 33 MiB over " .. protocol, function()
    local server

    setup(function()
      support.make(EXTREMES)
      server = support.nginx { http2 = protocol == "h2", config = [[
        location /coded { gzip on; gzip_comp_level 1; gzip_types *; }
        location /rests { limit_rate_after 18m; limit_rate 16m; }
        location /begins { limit_rate_after 6m; limit_rate 1; }
        location /halts { limit_rate_after 20m; limit_rate 1; }]] }
      local file = write(server.root .. "/body")
      assert.equal(LENGTH, lfs.attributes(file, "size"))
      for _, name in ipairs { "coded", "begins", "rests", "halts" } do
        lfs.mkdir(server.root .. "/" .. name)
        assert(lfs.link(file, ("%s/%s/body"):format(server.root, name)))
      end
    end)
    teardown(function() server:stop() end)
    before_each(support.begin)
    after_each(support.check_clean)

    for path, kind in pairs { ["/body"] = "", ["/coded/body"] = ", decoded" } do
      it("is whole" .. kind .. ", can only be read, and goes when nobody holds it", function()
        assert.same({ protocol .. " true 1", "0" }, run(server, path, WHOLE))
      end)
    end

    for _, answer in ipairs { "refused", "short" } do
      it("is whole where the system's writing is " .. answer, function()
        local options = { preload = EXTREMES, environment = { "EXTREMES_SYSTEM_WRITES=" .. answer } }
        assert.same({ protocol .. " true 1", "0" }, run(server, "/body", WHOLE, options))
      end)
    end

    it("is whole where the system does not move what has become larger", function()
      local options = { preload = EXTREMES, environment = { "EXTREMES_NO_MREMAP=1" } }
      assert.same({ protocol .. " true 1", "0" }, run(server, "/body", WHOLE, options))
    end)

    it("is written by the system from half of 32 MiB on", function()
      local lines = run(server, "/body", WHOLE .. [[
        ffi.cdef "double extremes_system_writes(void);"
        tell(tostring(ffi.C.extremes_system_writes() >= 16 * 2 ^ 20))
      ]], { preload = EXTREMES })
      assert.equal("true", lines[3])
    end)

    it("has a long block once 4 of its 32 MiB have arrived", function()
      if os.getenv "RILL_SANITIZED" then return end -- they map as much themselves
      assert.same({ "1" }, run(server, "/begins/body", [[
        rill.run(function()
          local before = long "rw-p"
          local task = rill.spawn(function() return client:get(url) end)
          wait_for(5 * 2 ^ 20)
          local now = long "rw-p"
          task:cancel()
          task:join()
          tell(now - before)
        end)
        client:close()
      ]]))
    end)

    it("is saved, and made a string", function()
      assert.same({ "true", "true true" }, run(server, "/body", [[
        local copy = path .. ".copy"
        rill.run(function()
          local response = assert(client:get(url))
          tell(tostring(assert(response:save(copy))))
          local file = assert(io.open(copy, "rb"))
          local saved = file:read "*a"
          file:close()
          os.remove(copy)
          tell(tostring(saved == response.body), tostring(is_whole(response)))
        end)
        client:close()
      ]]))
    end)

    it("is whole where the process forks in the middle, and its child stays", function()
      assert.same({ "true" }, run(server, "/rests/body", [[
        ffi.cdef "int fork(void); int pause(void); int kill(int id, int signal); int waitpid(int, int *, int);"
        rill.run(function()
          local task = rill.spawn(function() return client:get(url) end)
          wait_for(17 * 2 ^ 20)
          local id = ffi.C.fork()
          if id == 0 then ffi.C.pause() end
          local response = assert(task:join())
          tell(tostring(is_whole(response)))
          ffi.C.kill(id, 9)
          ffi.C.waitpid(id, nil, 0)
        end)
        client:close()
      ]]))
    end)

    it("leaves nothing where it is cancelled in the middle", function()
      local lines = run(server, "/halts/body", [[
        local function mapped()
          local file = assert(io.open "/proc/self/status")
          local kib = file:read("*a"):match "VmSize:%s*(%d+) kB"
          file:close()
          return tonumber(kib) / 1024
        end
        local first
        rill.run(function()
          for i = 1, 4 do
            local task = rill.spawn(function() return client:get(url) end)
            wait_for(17 * 2 ^ 20)
            task:cancel()
            task:join()
            first = first or mapped()
          end
          tell(client:stats().buffered, mapped() - first)
        end)
        client:close()
      ]])
      local held, more = lines[1]:match "^(%S+) (%S+)$"
      assert.equal("0", held)
      if os.getenv "RILL_SANITIZED" then return end -- what was freed is kept there, to see who uses it
      assert.is_true(tonumber(more) < 32, more)
    end)
  end)
end
