--- The Web Platform Tests' cases of URLs: `make suites SUITES=DIRECTORY` (DIRECTORY/url/urltestdata.json).
local dkjson = require "dkjson"
local browsers = require "support.browsers"

local PATH = (os.getenv "SUITES" or "") .. "/url/urltestdata.json"
local HTTP = "^[%z\1-\32]*[Hh][Tt][Tt][Pp][Ss]?:"

-- Whether a case is about http and https: what comes of it, or what it was meant to be.
local function is_http(case)
  if case.href then return case.href:find "^https?:" ~= nil end
  local has_scheme = case.input:find "^[%z\1-\32]*%a[%w+.-]*:"
  return case.failure and (case.input:find(HTTP) or case.base and case.base:find(HTTP) and not has_scheme)
end

describe("the Web Platform Tests' URLs of http and https", function()
  local file = io.open(PATH, "rb")
  if not file then
    pending("are not in " .. PATH)
    return
  end

  it("are read as they say, but for what doc/url.md lists", function()
    local cases, count, wrong = dkjson.decode(file:read "*a", 1, false), 0, {}
    file:close()
    for _, case in ipairs(cases) do
      if type(case) == "table" and is_http(case) then
        count = count + 1
        local difference = browsers.difference(case.base or nil, case.input, case.href or false)
        if difference then wrong[#wrong + 1] = ("%q on %s: %s"):format(case.input, tostring(case.base), difference) end
      end
    end
    print(("\n%d cases of http and https, %d of them differ"):format(count, #wrong))
    assert.equal("", table.concat(wrong, "\n"))
    assert.is_true(count > 400, "some cases are not there")
  end)
end)
