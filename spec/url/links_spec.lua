local browsers = require "support.browsers"
local node_answers = require "support.node_answers"

-- What node's URL, which follows the URL Standard, makes of links: null where it refuses, or for other schemes.
local NODE = [[(base, link) => {
  try {
    const url = new URL(link.toString(), base.length ? base.toString() : undefined);
    return /^https?:$/.test(url.protocol) ? url.href : "other:";
  } catch { return null; }
}]]

local function compare(questions)
  local answers, seen, failed = node_answers(NODE, questions), 0, {}
  for i, question in ipairs(questions) do
    if answers[i] ~= "other:" then
      seen = seen + 1
      local difference = browsers.difference(question[1] ~= "" and question[1] or nil, question[2], answers[i])
      if difference then failed[#failed + 1] = ("%q on %q: %s"):format(question[2], question[1], difference) end
    end
  end
  assert.equal("", table.concat(failed, "\n", 1, math.min(#failed, 20)))
  return seen
end

describe("a link as node's URL reads it", function()
  it("has the same host, however that is spelled", function()
    local questions = {}
    for _, host in ipairs {
      "i❤.ws", "☃.net", "I❤.WS", "💩.la", "☃ß", "fa\195\159.de", "ς.gr", "☃ς.gr", "ẞ.de",
      "a\204\129.de", "日本。jp", "ﬁ.com",
      "①.com", "½.com", "℡.com", "ab\194\173c.com", "\194\173", "א1.com", "אa.com", "xn--fa-hia.de",
      "XN--N3H.net", "xn--",
      "xn--a", "xn--zn7c.com", "xn--☃", "ｘｎ－－n3h", "a_b.ü.de", "my_shop.example", "-ü.de", "ü-.de",
      "ab--ü", "☃-",
      "·l.com", "l·l.com", "・ー", "👨\226\128\141👩.ws", "a\226\128\141b", "क्\226\128\141ष",
      "a\239\191\189", "a\226\128\174b",
      "１.２.３.４", "0x7f.1", "127.1", "0300.0250.0.1", "0x.0x.0", "1.2.3.4.5", "256.1", "1..2", "1.2.3.4..",
      "4294967296",
      "08", "0x", "0xg", "1.0x100", "%31%2e1", "%F0%9F%92%A9", "%ff", "a%2fb", "a%b", "a%", "a b", "a<b", "a\"b",
      "a`{}b", "a^b",
      "a|b", "[::1]", "[1:0::]", "[1::2::3]", "[0:0:0:0:0:0:0:1]", "[::g]", "[::1%25eth0]", "[fe80::A]",
      "[1:2:3:4:5:6:7]",
      "h:", "h:0", "h:00080", "h:65535", "h:65536", "h:8 0", "h:x", ":80", "", ".", "..", "a.", "a..b", "u:p@h",
      "u@v@h", "@h", ":@h",
      "u:p:q@h:81", "\226\128\164", "a\226\128\164b", "。", "℀.com", "‥", "≠.com", "a≠", "⒈com",
    } do
      questions[#questions + 1] = { "", "http://" .. host .. "/" }
      questions[#questions + 1] = { "https://base.example/x", "//" .. host }
    end
    compare(questions)
  end)

  it("is the same for 5,000 of them that look scraped", function()
    local state = 20261128
    local function below(limit)
      state = state * 16807 % 2147483647
      return state % limit
    end
    local function any(list) return list[below(#list) + 1] end

    local bases = { "http://base.example/a/b/c?q#f", "https://base.example",
    "https://u:p@base.example:8443/d/./e/../f", "" }
    local starts = {
      "", "", "", "", "/", "//", "///", "\\", "\\\\", "/\\", "?", "#", "./", "../", "../../", "http:", "http:/",
      "http://", "http:///",
      "HTTP://", "https:", "https:/", "https://", "https:\\\\", "hTTps:/\\", "ht\ntp://", "http ://", "www.", ":",
      "mailto:",
    }
    local hosts = {
      "example.com", "Example.COM", "example.com.", "my_shop.example", "münchen.de", "i❤.ws", "☃.net",
      "xn--n3h.net",
      "127.0.0.1", "0x7f.1", "127.1", "1.2.3.4", "[::1]", "[2001:DB8:0::1]", "ex%61mple.com", "日本。jp", "a b",
      "exa\tmple.com",
      "user@host", "u:p@host", "host:80", "host:443", "host:8080", "host:", "host:0", "host:99999", "", "a%20b",
      "256.256.256.256",
    }
    local pieces = {
      "/", "/", "/", "a", "b", "index.html", ".", "..", "/./", "/../", "%2e", "%2E%2e", "//", "\\", " ", "  ",
      "\t", "\n", "\r\n", "ü",
      "日本", "😀", "%c3%bc", "%C3%BC", "%", "%%", "%4", "%zz", "%41", "%7e", "%2F", "%00", "+", "&", "=", ";",
      ",", "~", "!", "*", "'",
      "\"", "(", ")", "<", ">", "[", "]", "{", "}", "|", "^", "`", "@", ":", "$", "\1", "\127", "\0", "?", "?",
      "#", "#", "?a=b&c=d",
      "&amp;", "#top", "\226\128\139", "\239\187\191",
    }
    local questions = {}
    for i = 1, 5000 do
      local parts = { any { "", "", "", " ", "\n", "\t \n", "\0", "\31" }, any(starts), any(hosts) }
      for j = 1, below(9) do parts[3 + j] = any(pieces) end
      parts[#parts + 1] = any { "", "", "", " ", "\n", "\r\n\t", "\0", "\1 " }
      questions[i] = { any(bases), table.concat(parts) }
    end
    local seen = compare(questions)
    assert.is_true(seen > 4000, "only " .. seen .. " of http and https")
  end)
end)
