--- A site of many hosts that tries what the web tries on crawlers, and the manifest of what may be asked for.
local base64 = require "rill.core.base64"
local dkjson = require "dkjson"
local node = require "support.node"
local scratch = require "support.scratch"

local M = {}

local BIG = ("#"):rep(99) .. "\n" -- a line of robots.txt

---@class support.Manifest
---@field must string[] "host/path" that is asked for, once at least
---@field never string[] that is not asked for at all
---@field most table<string, integer> host -> requests that it may get, robots.txt aside

local function gzip(text)
  local directory = scratch.directory "gzip"
  scratch.write(directory .. "/plain", text)
  assert(os.execute(("gzip -n -c '%s/plain' >'%s/packed'"):format(directory, directory)) == 0)
  return scratch.read(directory .. "/packed")
end

local function answer(body, fields)
  local made = { body = body or "" }
  for name, value in pairs(fields or {}) do made[name] = value end
  return made
end

local HOME = "<a href=/open>o</a><a href=/closed/x>c</a>"
local CLOSED = "Disallow: /closed\n"

-- robots.txt of 30 kinds: its answer, and whether /closed/x may be asked for; `all`: for all there is, "/" too.
local ROBOTS = {
  missing = { answer("", { status = 404 }), true },
  forbidden = { answer("", { status = 403 }), true },
  gone = { answer("", { status = 410 }), true },
  empty = { answer "", true },
  plain = { answer("User-agent: *\n" .. CLOSED), false },
  bom = { answer("\239\187\191User-agent: *\n" .. CLOSED), false },
  cr = { answer((("User-agent: *\n" .. CLOSED):gsub("\n", "\r"))), false },
  crlf = { answer((("User-agent: *\n" .. CLOSED):gsub("\n", "\r\n"))), false },
  unended = { answer "User-agent: *\nDisallow: /closed", false },
  comments = { answer("# hello\nUser-agent: * # all\n\n# rule\n" .. CLOSED), false },
  case = { answer "USER-AGENT: *\nDISALLOW : /closed", false },
  own = { answer("User-agent: *\nDisallow: /open\n\nUser-agent: RILL/1\n" .. CLOSED), false },
  foreign = { answer "User-agent: other\nDisallow: /", true },
  merged = { answer("User-agent: rill\nDisallow: /x\n\nUser-agent: b\nDisallow: /open\n\nUser-agent: rill\n" .. CLOSED),
    false },
  longest = { answer("User-agent: *\n" .. CLOSED .. "Allow: /closed/x\n"), true },
  tie = { answer("User-agent: *\nDisallow: /closed/x\nAllow: /closed/x\n"), true },
  star = { answer "User-agent: *\nDisallow: /*sed/\n", false },
  dollar = { answer "User-agent: *\nDisallow: /closed/x$\nDisallow: /ope$\n", false },
  escaped = { answer "User-agent: *\nDisallow: /%63losed/\n", false },
  html = { answer "<!doctype html><html>User-agent: * Disallow: /</html>", true },
  binary = { answer("\0\1\2\255\n\0User-agent: x\nUser-agent: *\n" .. CLOSED), false },
  large = { answer("User-agent: *\n" .. BIG:rep(5200) .. CLOSED), true },
  full = { answer("User-agent: *\n" .. CLOSED .. BIG:rep(5200)), false },
  moved = { answer("", { status = 302, headers = { location = "/other.txt" } }), false },
  abroad = { answer("", { status = 301, headers = { location = "http://plain.robots.test:PORT/robots.txt" } }), false },
  circle = { answer("", { status = 302, headers = { location = "/robots.txt" } }), true },
  packed = { answer(gzip("User-agent: *\n" .. CLOSED), { headers = { ["content-encoding"] = "gzip" } }), false },
  nothing = { answer "User-agent: *\nDisallow: /\n", nil },
  failing = { answer("", { status = 500 }), nil },
  busy = { answer("", { status = 503 }), nil },
}

local function url_set(...)
  local parts = { "<urlset>" }
  for _, loc in ipairs { ... } do parts[#parts + 1] = "<url><loc>" .. loc .. "</loc></url>" end
  return table.concat(parts) .. "</urlset>"
end

local function index_of(...)
  local parts = { "<sitemapindex>" }
  for _, loc in ipairs { ... } do parts[#parts + 1] = "<sitemap><loc>" .. loc .. "</loc></sitemap>" end
  return table.concat(parts) .. "</sitemapindex>"
end

-- Sitemaps of 17 kinds: files by name ("map" is the one that robots.txt names), and whether /found is asked for.
local SITEMAPS = {
  xml = { { map = url_set "http://HOST/found" }, true },
  relative = { { map = url_set "/found" }, true },
  cdata = { { map = url_set "<![CDATA[/found]]>" }, true },
  references = { { map = url_set " &#x2f;f&#111;und\n" }, true },
  prefixed = { { map = (url_set("/found"):gsub("<(/?)(%l)", "<%1s:%2")) }, true },
  index = { { map = index_of "/second", second = url_set "/found" }, true },
  deep = { { map = index_of "/second", second = index_of "/third", third = url_set "/found" }, true },
  deeper = { { map = index_of "/second", second = index_of "/third", third = index_of "/fourth",
    fourth = url_set "/found" }, false },
  ring = { { map = index_of("/map", "/second"), second = index_of("/map", "/third"), third = url_set "/found" }, true },
  text = { { map = "http://HOST/found\nnot a URL\n" }, true },
  rss = { { map = "<rss><channel><item><link>/found</link></item></channel></rss>" }, true },
  atom = { { map = "<feed><entry><link href='/found'/></entry></feed>" }, true },
  cut = { { map = url_set("/found", "/x"):sub(1, 50) }, true },
  wide = { { map = "\255\254" .. url_set("/found"):gsub(".", "%0\0") }, true },
  packed = { { map = gzip(url_set "/found") }, true },
  bomb = { { map = gzip("<urlset><url><loc>/found</loc></url>" .. (" "):rep(60 * 2 ^ 20)) }, true },
  absent = { { map = url_set("http://elsewhere.test/x", "/closed/x", "mailto:x@y") }, false },
}

-- Titles in odd encodings: bytes, content-type, what a page says.
M.CHARSETS = {
  cyrillic = {
    "<meta charset=windows-1251><title>\207\240\232\226\229\242</title><a href=/next>", nil, "Привет",
  },
  utf16 = { "\255\254" .. ("<title>hi</title><a href=/next>"):gsub(".", "%0\0"), nil, "hi" },
  japanese = { "<title>\147\250\150\123</title><a href=/next>", "text/html; charset=shift_jis", "日本" },
  latin = { "<title>caf\233</title><a href=/next>", nil, "café" },
  unknown = { "<title>x</title><a href=/next>", "text/html; charset=no-such-thing", "x" },
}

local ENDLESS = { -- and how many requests they may get with the limits of M.traps
  calendar = 152, sessions = 6, repeats = 202, soft = 120, chain = 16, loop = 4, facets = 32, long = 12,
  words = 202,
}

--- The option `traps` that the manifest stands for.
M.traps = {
  per_shape = 150, per_path = 30, per_host = 200, same_run = 20, redirects = 10, repeats = 3, url_length = 2000,
}

local function add(manifest, list, host, ...)
  for _, path in ipairs { ... } do table.insert(manifest[list], host .. path) end
end

local function add_robots(hosts, manifest)
  for name, kind in pairs(ROBOTS) do
    local host = name .. ".robots.test"
    hosts[host] = { pages = {
      ["/"] = answer(HOME), ["/open"] = answer(host), ["/closed/x"] = answer("closed " .. host),
      ["/robots.txt"] = kind[1], ["/other.txt"] = answer("User-agent: *\n" .. CLOSED),
    } }
    if kind[2] == nil then
      add(manifest, "never", host, "/", "/open", "/closed/x")
    else
      add(manifest, "must", host, "/", "/open")
      add(manifest, kind[2] and "must" or "never", host, "/closed/x")
    end
  end
end

local function add_sitemaps(hosts, manifest)
  for name, kind in pairs(SITEMAPS) do
    local host = name .. ".maps.test"
    local pages = { ["/"] = answer("start of " .. host), ["/found"] = answer("found on " .. host),
      ["/robots.txt"] = answer("User-agent: *\n" .. CLOSED .. "Sitemap: http://" .. host .. ":PORT/map\n") }
    for path, body in pairs(kind[1]) do
      pages["/" .. path] = answer(body:gsub("HOST", host .. ":PORT"), { headers = { ["content-type"] = "text/plain" } })
    end
    hosts[host] = { pages = pages }
    add(manifest, "must", host, "/", "/map")
    add(manifest, kind[2] and "must" or "never", host, "/found")
    add(manifest, "never", host, "/closed/x")
  end
  add(manifest, "never", "deeper.maps.test", "/fourth")
end

local function add_endless(hosts, manifest)
  for name, most in pairs(ENDLESS) do
    local host = name .. ".endless.test"
    hosts[host] = { endless = name }
    manifest.most[host] = most
    add(manifest, "must", host, "/")
  end
end

local function add_charsets(hosts, manifest)
  for name, kind in pairs(M.CHARSETS) do
    local host = name .. ".charset.test"
    hosts[host] = { pages = { ["/"] = answer(kind[1], { headers = { ["content-type"] = kind[2] } }),
      ["/next"] = answer(host) } }
    add(manifest, "must", host, "/", "/next")
  end
end

local function add_broken(hosts, manifest)
  hosts["broken.test"] = { pages = {
    ["/"] = answer "<a href=/drop><a href=/bomb><a href=/busy><a href=/after><a href=/typed>",
    ["/drop"] = answer("<a href=/never-seen>half", { ["end"] = "drop" }),
    ["/bomb"] = answer("", { ["end"] = "bomb", headers = { ["content-encoding"] = "gzip" } }),
    ["/busy"] = answer("busy no more", { ["end"] = "busy" }),
    ["/after"] = answer "after",
    ["/typed"] = answer("<a href=/in-image>", { headers = { ["content-type"] = "image/png" } }),
  } }
  add(manifest, "must", "broken.test", "/", "/drop", "/bomb", "/busy", "/after", "/typed")
  add(manifest, "never", "broken.test", "/in-image", "/never-seen")
  manifest.most["broken.test"] = 14
  hosts["later.test"] = { pages = { ["/"] = answer "<a href=/much-later>l</a>",
    ["/much-later"] = answer("", { status = 429, headers = { ["retry-after"] = "999999" } }) } }
  add(manifest, "must", "later.test", "/", "/much-later")
  manifest.most["later.test"] = 2
  hosts["stall.test"] = { pages = { ["/"] = answer("", { ["end"] = "stall" }), ["/robots.txt"] = answer "" } }
  add(manifest, "must", "stall.test", "/")
  manifest.most["stall.test"] = 3
end

--- Starts it.
---@return support.Server server with `starts` (URLs), `resolve` (the client's option), `hosts` (names)
---@return support.Manifest
function M.start()
  local hosts, manifest = {}, { must = {}, never = {}, most = {} }
  for _, fill in ipairs { add_robots, add_sitemaps, add_endless, add_charsets, add_broken } do fill(hosts, manifest) end
  local port = require("support.port").free()
  for _, host in pairs(hosts) do
    for _, page in pairs(host.pages or {}) do
      page.body = base64((page.body:gsub("PORT", port)))
      local location = page.headers and page.headers.location
      if location then page.headers.location = location:gsub("PORT", port) end
    end
  end
  local path = scratch.directory "traps" .. "/hosts.json"
  scratch.write(path, dkjson.encode(hosts))
  local server = node.start { script = "traps.js", h2c = true, port = port, settings_file = path }
  server.starts, server.resolve, server.hosts = {}, {}, {}
  for host in pairs(hosts) do
    table.insert(server.hosts, host)
    table.insert(server.starts, ("http://%s:%d/"):format(host, port))
    server.resolve[("%s:%d"):format(host, port)] = "127.0.0.1:" .. port
  end
  table.sort(server.starts)
  return server, manifest
end

return M
