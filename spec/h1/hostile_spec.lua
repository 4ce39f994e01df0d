-- All of spec/hostile1 through the Lua API; `make hostile` judges it from outside, memory and processor time too.
local ffi = require "ffi"
local hostile = require "support.hostile"
local server_of = require "support.server"
local support = require "support"
local rill = require "rill"

local PATIENCE = 60 -- seconds
local SERVER = server_of.here .. "/../hostile1/server.py"

ffi.cdef "unsigned char *SHA256(const unsigned char *data, size_t length, unsigned char *digest);"
local crypto = ffi.load "crypto.so.3"

local function sha256(text)
  local digest = ffi.new "unsigned char[32]"
  crypto.SHA256(text, #text, digest)
  return (ffi.string(digest, 32):gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

local function has(list, value)
  for _, one in ipairs(list or {}) do
    if one == value then return true end
  end
  return false
end

local REASONS = { maxsize_exceeded_actual = "maxsize_exceeded" }

local function assert_response(expect, res, err)
  assert(res, tostring(err))
  assert.equal(expect.status, res.status)
  assert.equal(expect.body_length, #res.body)
  assert.is_true(has(expect.body_sha256, sha256(res.body)), "the body is another")
  for _, pair in ipairs(expect.headers or {}) do assert.is_true(has(res.headers:all(pair[1]), pair[2]), pair[1]) end
  for _, name in ipairs(expect.headers_absent or {}) do assert.is_nil(res.headers[name]) end
end

local function assert_error(expect, res, err)
  assert.is_nil(res)
  assert.is_true(has(expect.close_reason, REASONS[err.reason] or err.reason), tostring(err))
  if expect.retry_safe ~= nil then assert.equal(expect.retry_safe, err.retry_safe) end
end

local function send(client, ask, url)
  local numbers, results = {}, {}
  for i = 1, ask.count do numbers[i] = i end
  local body = ask.upload_bytes > 0 and ("x"):rep(ask.upload_bytes) or nil
  local function one() return { client:request { url = url, method = ask.method, body = body } } end
  for _, result in rill.map(numbers, one, { concurrency = ask.parallel }) do results[#results + 1] = result end
  return results
end

for _, tls in ipairs { false, true } do
  describe("a hostile HTTP/1.1 server " .. (tls and "over TLS" or "in clear text"), function()
    local server

    setup(function() server = support.hostile { server = SERVER, case = "baseline-small", h2c = not tls } end)
    teardown(function()
      for _, each in ipairs(server:events()) do
        if each.event == "end" then assert.same({}, each.violations) end
      end
      server:stop()
    end)
    before_each(support.begin)
    after_each(support.check_clean)

    for _, case in ipairs(hostile.cases { server = SERVER }) do
      local expect, ask = case.expect, case.request
      local here = not (tls and (case.clear_only or case.family ~= "ends") or not tls and case.tls_only)
      local act = here and it or function() end
      act(("gets what it deserves: %s"):format(case.name), function()
        local ends = has(expect.close_reason, "timeout") -- else it is not to come
        local client = support.client { protocols = { "http/1.1" }, timeout = ends and ask.timeout_s or PATIENCE,
          redirects = 0, maxsize = type(ask.maxsize) == "number" and ask.maxsize or nil, tls = { ca_file = server.ca } }
        local limits, opened = expect.server or {}, 0
        local function try()
          local before = client:stats().connections_opened
          local results = send(client, ask, (server.url:gsub("baseline%-small", case.name)))
          opened = client:stats().connections_opened - before
          return opened >= (limits.min_connections or 1) and results
        end
        -- A server that stands still lets the time be over before a connection stands, but not each time.
        local results = support.run(function() return support.wait(try, 60, "connections") end)
        local check = expect.outcome == "response" and assert_response or assert_error
        for _, result in ipairs(results) do check(expect, result[1], result[2]) end
        client:close()
        assert.is_true(opened <= (limits.max_connections or 1000), opened .. " connections")
        if not limits.max_sent_mb then return end
        local ended = support.run(function()
          return server:wait_events(function(event) return event.event == "end" and event.case == case.name end)
        end)
        assert.is_true(ended[1].bytes_out <= limits.max_sent_mb * 2 ^ 20, ended[1].bytes_out .. " bytes sent")
      end)
    end
  end)
end
