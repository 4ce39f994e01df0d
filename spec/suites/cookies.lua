--- Public test data of cookies: `make suites SUITES=DIRECTORY` (DIRECTORY/cookies).
local dkjson = require "dkjson"
local cookies = require "rill.cookies"
local parse = require "rill.cookies.parse"
local suffix = require "rill.core.suffix"
local url = require "rill.url"

local DIRECTORY = (os.getenv "SUITES" or "") .. "/cookies/"
local NOW = 1339200000 -- 2012-06-09: some cookies of the cases end soon after
local HOST = "http://home.example.org:8888/cookie-parser?%s"

local function read(name)
  local file = io.open(DIRECTORY .. name, "rb")
  if not file then
    pending("are not in " .. DIRECTORY)
    return nil
  end
  local text = file:read "*a"
  file:close()
  return text
end

local function at(time, fn)
  local clock = os.time
  os.time = function() return time end -- luacheck: ignore
  local ok, why = pcall(fn)
  os.time = clock -- luacheck: ignore
  assert(ok, why)
end


describe("the cookies of http-state", function()
  local text = read "http-state.json"
  if not text then return end

  it("go back as they say", function()
    local wrong, count = {}, 0
    at(NOW, function()
      for _, case in ipairs(dkjson.decode(text)) do
        local jar, from = cookies.jar(), HOST:format(case.test)
        for _, field in ipairs(case.received) do jar:set(from, field) end
        local to = case["sent-to"] and url.resolve(from, case["sent-to"])
          or HOST:gsub("parser", "parser-result"):format(case.test)
        local expected = {}
        for i, pair in ipairs(case.sent) do expected[i] = pair.name .. "=" .. pair.value end
        local said = jar:get(to) or ""
        count = count + 1
        if said ~= table.concat(expected, "; ") and not case.test:find "^DISABLED" then
          wrong[#wrong + 1] = ("%s: %q, not %q"):format(case.test, said, table.concat(expected, "; "))
        end
      end
    end)
    print(("\n%d cases of Set-Cookie, %d of them differ"):format(count, #wrong))
    assert.equal("", table.concat(wrong, "\n"))
  end)

  for _, name in ipairs { "dates.json", "dates-bsd.json" } do
    it("have dates that are read as they say: " .. name, function()
      for _, case in ipairs(dkjson.decode(read(name), 1, false)) do
        local time = parse.date(case.test)
        local shown = time and os.date("!%a, %d %b %Y %H:%M:%S GMT", time) or nil
        assert.equal(case.expected or nil, shown, case.test)
      end
    end)
  end
end)

describe("the public suffix list's cases", function()
  local text = read "test_psl.txt"
  if not text then return end

  it("are told apart", function()
    local count = 0
    for name, expected in text:gmatch "\ncheckPublicSuffix%('([^']*)', '?([^')]*)'?%);" do
      local parts = name:sub(1, 1) ~= "." and url.parse("http://" .. name .. "/")
      if parts then
        local wanted = expected ~= "null" and url.parse("http://" .. expected .. "/").host or nil
        assert.equal(wanted, suffix.registrable(parts.host), name)
        count = count + 1
      end
    end
    assert.is_true(count > 60, "some cases are not there")
  end)
end)
