--- Public cases of robots.txt: `make suites SUITES=DIRECTORY` (DIRECTORY/robots).
local dkjson = require "dkjson"
local robots = require "rill.robots"

local DIRECTORY = (os.getenv "SUITES" or "") .. "/robots/"

-- Where the cases follow Google's parser and not RFC 9309: it decodes nothing of either side, expects URLs that are
-- escaped already, and asks the rules about /robots.txt itself.
local OTHER = {
  ["http://foo.bar/foo/bar/baz"] = "%62%61%7A",
  ["http://foo.bar/foo/bar/\227\131\132"] = "Allow",
  ["http://example.com/robots.txt"] = "Disallow",
  ["http://m.example.com/robots.txt"] = "Disallow",
}

local function bytes_of(text) -- code points up to 255 as bytes
  return (text:gsub("([\194\195])([\128-\191])", function(lead, byte)
    return string.char((lead:byte() - 194) * 64 + byte:byte())
  end))
end

local function differs(case, expected, text)
  local url = bytes_of(expected.url)
  local allowed = robots.parse(text):allowed(url, expected.agent)
  local other = OTHER[url]
  if allowed == expected.allowed or other and allowed and text:find(other, 1, true) then return nil end
  return ("%s: %s for %q: %s, not %s"):format(case.file, url, expected.agent, tostring(allowed),
    tostring(expected.allowed))
end

describe("the public cases of robots.txt", function()
  local file = io.open(DIRECTORY .. "cases.json", "rb")
  if not file then return pending("are not in " .. DIRECTORY) end
  local cases = dkjson.decode(file:read "*a").cases
  file:close()

  it("are judged as they say", function()
    local wrong, count, googles = {}, 0, {}
    for _, case in ipairs(cases) do
      local text = bytes_of(case.robots)
      for _, expected in ipairs(case.expect) do
        local said = differs(case, expected, text)
        local list = expected.google and googles or wrong
        count = count + 1
        list[#list + 1] = said
      end
    end
    print(("\n%d cases of robots.txt, %d differ, %d more where only Google's parser does so:\n%s"):format(count,
      #wrong, #googles, table.concat(googles, "\n")))
    assert.equal("", table.concat(wrong, "\n"))
    assert.is_true(count > 300)
  end)
end)
