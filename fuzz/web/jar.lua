--- Cookies. A file's line is a cookie, a comment, or reported by its number, and what is saved is what was read. What
--- a page sets never reaches another site, and a Secure cookie no page without TLS.
local ffi = require("ffi")
local cookies = require("rill.cookies")
local lines = require("rill.cookies.file")
local rill = require("rill")
local suffix = require("rill.core.suffix")
local url = require("rill.url")
local pick = require("pick")

ffi.cdef "int getpid(void);"

local NOW = os.time()
local FIELDS = {
  { "example.com", ".example.com", "www.Example.COM", "127.0.0.1", ".127.0.0.1", "[::1]", "localhost", "co.uk", ".",
    "", "..", "\195\188.de", "#HttpOnly_example.com", "#HttpOnly_.a.b", "#HttpOnly_", "# a comment" },
  { "TRUE", "FALSE", "true", "", "x" },
  { "/", "/a", "/a b/", "", "a" },
  { "TRUE", "FALSE", "False", "" },
  { "0", ("%d"):format(NOW + 1000), ("%d"):format(NOW - 1), "99999999999999999999", "-1", "1.5", "1e9", "x", "" },
}
local NAMES = { "a", "b c", "__Host-a", "__secure-b", "", "=", "\195\188", ("n"):rep(4096) }
local VALUES = { "", "1", "a=b", '"q"', "x\ty", "\t", ";", ("v"):rep(4096) }
local HOSTS = { "example.com", "www.example.com", "a.b.example.com", "badexample.com", "co.uk", "a.co.uk", "b.co.uk",
  "github.io", "me.github.io", "you.github.io", "127.0.0.1", "1.0.0.1", "[::1]", "localhost", "com" }
local PATHS = { "/", "/a", "/a/", "/a/b", "/ab" }
local ATTRIBUTES = { "; Secure", "; secure=no", "; HttpOnly", "; Path=/", "; path=/a", "; Path=", "; Path=a",
  "; Max-Age=100", "; Max-Age=0", "; max-age=-1", "; Max-Age=99999999999", "; Expires=Fri, 07 Aug 2093 08:04:19 GMT",
  "; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "; SameSite=Lax", "; samesite=x", "; Domain=", ";", "; =", "; \255" }
local MAX_AGE = 400 * 86400 -- seconds

local function same(a, b)
  for _, name in ipairs { "name", "value", "domain", "path", "secure", "http_only", "host_only" } do
    if a[name] ~= b[name] then return false end
  end
  return a.expires == b.expires or a.expires and b.expires and math.abs(a.expires - b.expires) < 1
end

local function random_line()
  local fields = {}
  for i, values in ipairs(FIELDS) do fields[i] = pick.of(values) end
  fields[#fields + 1], fields[#fields + 2] = pick.of(NAMES), pick.of(VALUES)
  if pick.once_in(8) then table.remove(fields, math.random(#fields)) end
  local line = table.concat(fields, "\t") .. pick.of { "", "", "\r" }
  return pick.once_in(2) and line or (pick.damaged(line):gsub("\n", ""))
end

-- One line, read, written and read again.
local function line_is_kept()
  local line = random_line()
  local cookie, why = lines.read_line(line)
  if not cookie then return end
  if why or cookie.domain == "" or cookie.name == "" or cookie.path:sub(1, 1) ~= "/" then
    error(("%q is read as a cookie"):format(line))
  end
  local written = lines.line(cookie)
  local again = lines.read_line((written:gsub("\n$", "")))
  if not again or not same(cookie, again) then error(("%q is written as %q"):format(line, written)) end
end

-- Calls a function; returns its result and the numbers of the lines that it warned of.
local function warned(fn, ...)
  local numbers, hook = {}, rill.on_warning
  rill.on_warning = function(_, fields) numbers[fields.line] = true end
  local result = fn(...)
  rill.on_warning = hook
  return result, numbers
end

local path = ("%s/rill-jar-%d"):format(os.getenv "TMPDIR" or "/tmp", ffi.C.getpid())

local function load_text(text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  local jar, numbers = warned(cookies.jar, path)
  return assert(jar), numbers
end

local function contents(jar)
  local list = {}
  for cookie in jar:each() do list[#list + 1] = cookie end
  table.sort(list, function(a, b)
    return a.domain .. a.path .. a.name .. tostring(a.host_only) < b.domain .. b.path .. b.name .. tostring(b.host_only)
  end)
  return list
end

-- What must hold for a cookie of a jar, wherever it came from.
local function check_kept(cookie, text)
  local promise = cookie.name:lower()
  if promise:find "^__secure%-" and not cookie.secure
    or promise:find "^__host%-" and not (cookie.secure and cookie.host_only and cookie.path == "/")
    or cookie.expires and (cookie.expires > os.time() + MAX_AGE or cookie.expires <= NOW)
    or not cookie.host_only and suffix.is_public(cookie.domain)
    or (cookie.name .. cookie.value):find "[%z\1-\8\10-\31\127]" or #cookie.name + #cookie.value > 4096 then
    error(("%q is kept as %s"):format(text, lines.line(cookie)))
  end
end

-- A whole file. A line that is bad by itself is reported; what is kept comes back from a second file.
local function file_is_kept()
  local text = {}
  for i = 1, math.random(0, 12) do text[i] = random_line() end
  local jar, numbers = load_text(table.concat(text, "\n"))
  for i, line in ipairs(text) do
    local _, why = lines.read_line(line)
    if why and not numbers[i] then error(("line %d of %q is not reported"):format(i, table.concat(text, "\n"))) end
  end
  local before = contents(jar)
  for _, cookie in ipairs(before) do check_kept(cookie, table.concat(text, "\n")) end
  assert(jar:save(path, { session = true }))
  local again, more = warned(cookies.jar, path)
  os.remove(path)
  local after = contents(assert(again))
  if next(more) or #before ~= #after then error(("%q is not saved whole"):format(table.concat(text, "\n"))) end
  for i, cookie in ipairs(before) do
    if not same(cookie, after[i]) then
      error(("%q is saved as %q"):format(table.concat(text, "\n"), lines.line(after[i])))
    end
  end
end

-- What is sent to a page was set by the same host or site; `set` knows who.
local function check_sent(jar, set, host)
  local scheme = pick.of { "http", "https" }
  local page = ("%s://%s%s"):format(scheme, host, pick.of(PATHS))
  for number in (jar:get(page) or ""):gmatch "~(%d+)~" do
    local one = set[tonumber(number)]
    if one.host ~= host and not url.same_site("http://" .. one.host, "http://" .. host)
      or one.secure and scheme == "http" then
      error(("%q of %s is sent to %s"):format(one.field, one.host, page))
    end
  end
end

-- Pages of several hosts set cookies, and read them.
local function sites_are_apart()
  local jar, set = cookies.jar(), {}
  for i = 1, math.random(10) do
    local host = pick.of(HOSTS)
    local attributes = pick.text(ATTRIBUTES, 4)
    if pick.once_in(2) then attributes = ("; Domain=%s%s"):format(pick.of { "", "." }, pick.of(HOSTS)) .. attributes end
    local field = ("%s=~%d~%s"):format(pick.of(NAMES), i, pick.once_in(4) and pick.damaged(attributes) or attributes)
    set[i] = { host = host, field = field, secure = (field .. ";"):find("; Secure;", 1, true) }
    jar:set(("%s://%s%s"):format(pick.of { "http", "https" }, host, pick.of(PATHS)), field)
    for cookie in jar:each() do check_kept(cookie, field) end
    check_sent(jar, set, host)
    check_sent(jar, set, pick.of(HOSTS))
  end
end

return function() return pick.of { line_is_kept, file_is_kept, sites_are_apart } () end
