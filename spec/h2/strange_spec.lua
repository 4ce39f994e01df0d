-- Faults and oddities of spec/support/cases/strange.py, each with what it must come to.
local hostile = require "support.hostile"
local support = require "support"

local STRANGE = support.here .. "/cases/strange.py"

local function listed()
  local cases = {}
  for _, case in ipairs(hostile.cases { extra = STRANGE }) do
    if case.family == "<run_path>" then cases[#cases + 1] = case end
  end
  return cases
end

local function contains(list, value)
  for _, each in ipairs(list) do
    if each == value then return true end
  end
  return false
end

-- What is wrong with the outcome; nil: nothing.
local function fault(expect, res, err)
  if expect.outcome == "response" then
    if not res then return tostring(err) end
    local fits = res.status == expect.status and #res.body == expect.body_length
    return not fits and ("%d with %d bytes"):format(res.status, #res.body) or nil
  end
  if res then return ("accepted: %d with %d bytes"):format(res.status, #res.body) end
  if not contains(expect.close_reason, err.reason) then return tostring(err) end
  if type(expect.retry_safe) == "boolean" and expect.retry_safe ~= err.retry_safe then
    return "retry_safe is " .. tostring(err.retry_safe)
  end
end

describe("a server that answers strangely", function()
  local server, before

  setup(function() server = support.hostile { case = "baseline-small", extra = STRANGE } end)
  teardown(function() server:stop() end)
  before_each(function()
    support.begin()
    before = server:settled()
  end)
  after_each(support.check_clean)

  it("keeps control characters of a value but NUL, CR and LF, as HTTP/1.1 does", function()
    local client = support.client { tls = { ca_file = server.ca } }
    local url = server.url:match "^https://[^/]*" .. "/case/value-with-controls"
    support.run(function() assert.equal("a\1\127b", assert(client:get(url)).headers["x-a"]) end)
  end)

  for _, case in ipairs(listed()) do
    it("is taken for what it is: " .. case.name, function()
      local client = support.client { tls = { ca_file = server.ca }, timeout = 60 }
      local host = server.url:match "^https://[^/]*"
      local sent = case.request
      support.run(function()
        local body = sent.upload_bytes > 0 and ("u"):rep(sent.upload_bytes) or nil
        local res, err = client:request { method = sent.method, url = host .. "/case/" .. case.name, body = body }
        local wrong = fault(case.expect, res, err)
        if wrong and case.expect["or"] then wrong = fault(case.expect["or"], res, err) end
        assert.is_nil(wrong)
        assert.equal(200, assert(client:get(host .. "/ok")).status)
      end)
      local opened = client:stats().connections_opened
      client:close()
      local ends = support.run(function() return server:ends(before + opened) end)
      for i = before + 1, #ends do assert.same({}, ends[i].violations) end
    end)
  end
end)
