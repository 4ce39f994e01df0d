local cookies = require "rill.cookies"
local disk = require "support.disk"
local lfs = require "lfs"
local rill = require "rill"
local support = require "support"

local HOST = "https://www.example.com/a/b"

--- What a jar sends to `address` after one response to HOST.
local function sent(set_cookie, address, from)
  local jar = cookies.jar()
  jar:set(from or HOST, set_cookie)
  return jar:get(address or HOST)
end

describe("a cookie", function()
  it("goes back to its host alone, unless it names a domain", function()
    assert.equal("n=v", sent "n=v")
    assert.is_nil(sent("n=v", "https://example.com/a/b"))
    assert.is_nil(sent("n=v", "https://x.www.example.com/a/b"))
    for _, domain in ipairs { "example.com", ".example.com", "EXAMPLE.com" } do
      assert.equal("n=v", sent("n=v; Domain=" .. domain, "https://other.example.com/a/b"), domain)
    end
    assert.is_nil(sent("n=v; Domain=example.com", "https://badexample.com/a/b"))
  end)

  it("is refused where its domain is another's, or anybody's", function()
    local jar = cookies.jar()
    for domain, why in pairs { ["other.com"] = "is not that of", com = "anybody may register", ["co.uk"] = "anybody",
      ["x.www.example.com"] = "is not that of" } do
      local kept, said = jar:set(HOST, "n=v; Domain=" .. domain)
      assert.is_false(kept)
      assert.truthy(said:find(why, 1, true), said)
    end
    assert.is_true(jar:set("https://github.io/", "n=v; Domain=github.io")) -- a public suffix may keep its own
    assert.is_nil(jar:get "https://somebody.github.io/")
  end)

  it("of an address belongs to that address", function()
    assert.equal("n=v", sent("n=v; Domain=127.0.0.1", "https://127.0.0.1/", "https://127.0.0.1/"))
    assert.is_nil(sent("n=v; Domain=0.0.1", "https://127.0.0.1/", "https://127.0.0.1/"))
    assert.equal("n=v", sent("n=v", "https://[::1]/", "https://[::1]/"))
  end)

  it("goes to its path and what is below", function()
    assert.equal("n=v", sent("n=v", "https://www.example.com/a/other"))
    assert.is_nil(sent("n=v", "https://www.example.com/ab"))
    assert.equal("n=v", sent("n=v; Path=/x", "https://www.example.com/x/y"))
    assert.is_nil(sent("n=v; Path=/x", "https://www.example.com/xy"))
    assert.equal("n=v", sent("n=v; Path=nonsense", "https://www.example.com/a/c"))
  end)

  it("that is secure neither comes nor goes in clear text, and is not replaced from there", function()
    assert.is_nil(sent("n=v; Secure", "http://www.example.com/a/b"))
    assert.is_nil(sent("n=v; Secure", nil, "http://www.example.com/a/b"))
    local jar = cookies.jar()
    jar:set(HOST, "n=safe; Secure; Path=/")
    assert.is_false(jar:set("http://www.example.com/", "n=forged; Path=/"))
    assert.equal("n=safe", jar:get(HOST))
  end)

  it("whose name makes a promise keeps it", function()
    assert.equal("__Host-n=v", sent "__Host-n=v; Secure; Path=/")
    assert.equal("__Secure-n=v", sent "__Secure-n=v; Secure; Domain=example.com")
    for _, bad in ipairs { "__Host-n=v; Path=/", "__Host-n=v; Secure", "__Host-n=v; Secure; Path=/a",
      "__host-n=v; Secure; Path=/; Domain=www.example.com", "__Secure-n=v" } do
      assert.is_nil(sent(bad), bad)
    end
  end)

  it("ends when it says so, Max-Age before Expires, and lives 400 days at most", function()
    assert.is_nil(sent "n=v; Expires=Thu, 01 Jan 1970 00:00:01 GMT")
    assert.is_nil(sent "n=v; Max-Age=0; Expires=Fri, 01 Jan 2100 00:00:00 GMT")
    assert.equal("n=v", sent "n=v; Max-Age=100; Expires=Thu, 01 Jan 1970 00:00:01 GMT")
    assert.equal("n=v", sent "n=v; Max-Age=1.5")
    local jar = cookies.jar()
    jar:set(HOST, "n=v; Max-Age=99999999999")
    local cookie = jar:each()()
    assert.is_true(cookie.expires <= os.time() + 400 * 86400)
    jar:set(HOST, "n=; Expires=Thu, 01 Jan 1970 00:00:01 GMT")
    assert.is_nil(jar:get(HOST))
  end)

  it("has dates in many spellings", function()
    local parse = require "rill.cookies.parse"
    for _, text in ipairs { "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "6 nov 1994 8:49:37",
      "1994 Nov 6 08:49:37", "Nov/6/1994 08:49:37 +0100" } do
      assert.equal(784111777, parse.date(text), text)
    end
    for _, text in ipairs { "", "06 Nov 1994", "31 Feb 2020 00:00:00", "06 Nov 1600 08:49:37", "06 Nov 1994 24:00:00",
      "06 Nov 942000 08:49:37", "32 Jan 2020 00:00:00" } do
      assert.is_nil(parse.date(text), text)
    end
  end)

  it("that is long costs no more than its bytes", function()
    local blanks = (" "):rep(2 ^ 20) -- looked at once for each blank before it, a night's work
    assert.is_nil(sent("n=a" .. blanks .. "b"))
    assert.is_nil(sent(blanks))
    assert.equal("n=v", sent("n" .. blanks .. "=" .. blanks .. "v;" .. blanks .. "x"))
    assert.equal("n=v", sent("n=v" .. ("; x="):rep(2 ^ 18)))
    assert.is_nil(sent("n=v; Path=/" .. ("x"):rep(1023)))
    assert.equal("n=v", sent("n=v; Path=/" .. ("x"):rep(1024))) -- as if it were not there
  end)

  it("without a name, with control characters or too large is refused", function()
    for _, bad in ipairs { "", "v", "=v", "n=a\1b", "n=a\0b", "n=" .. ("x"):rep(4096) } do
      assert.is_nil(sent(bad), bad)
    end
    assert.equal("n=" .. ("x"):rep(4095), sent("n=" .. ("x"):rep(4095)))
    assert.equal('n="a b" , c', sent 'n = "a b" , c ; unknown; Path=/')
  end)
end)

describe("a jar", function()
  it("shows each cookie with all that is known of it", function()
    local jar = cookies.jar()
    for _, value in ipairs { "Strict", "lax", "NONE", "other" } do
      jar:set(HOST, ("%s=1; SameSite=%s; Secure; HttpOnly; Domain=example.com; Path=/a; Max-Age=60")
        :format(value, value))
    end
    jar:set(HOST, "plain=2")
    local seen = {}
    for cookie in jar:each() do seen[#seen + 1] = cookie end
    assert.is_true(math.abs(seen[1].expires - os.time() - 60) <= 20)
    for i, same_site in ipairs { "Strict", "Lax", "None", false } do
      assert.equal(same_site or nil, seen[i].same_site)
      assert.same({ "1", "example.com", "/a", true, true, false }, { seen[i].value, seen[i].domain, seen[i].path,
        seen[i].secure, seen[i].http_only, seen[i].host_only })
    end
    assert.same({ name = "plain", value = "2", domain = "www.example.com", path = "/a", secure = false,
      http_only = false, host_only = true }, seen[5])
    seen[5].value = "changed"
    assert.matches("plain=2", jar:get(HOST), 1, true)
  end)

  it("sends longer paths first, then older cookies, and replaces in place", function()
    local jar = cookies.jar()
    for _, text in ipairs { "a=1; Path=/", "b=2; Path=/a/b", "c=3; Path=/", "a=4; Path=/" } do jar:set(HOST, text) end
    assert.equal("b=2; a=4; c=3", jar:get(HOST))
  end)

  it("holds 180 cookies of a host and 3,000 in all, and keeps those in use", function()
    local jar = cookies.jar()
    jar:set(HOST, "kept=1; Path=/; Secure")
    for i = 1, 1000 do jar:set(HOST, ("n%d=v"):format(i)) end
    local count, kept = 0, false
    for cookie in jar:each() do count, kept = count + 1, kept or cookie.name == "kept" end
    assert.equal(180, count)
    assert.is_true(kept)
    for i = 1, 4000 do jar:set(("https://h%d.example.com/"):format(i), "n=v") end
    count = 0
    for _ in jar:each() do count = count + 1 end
    assert.equal(3000, count)
  end)

  it("is cleared whole, or of what one host would send", function()
    local jar = cookies.jar()
    jar:set(HOST, "a=1; Domain=example.com")
    jar:set(HOST, "b=2")
    jar:set("https://example.org/", "c=3")
    jar:clear "www.example.com"
    assert.equal("a=1", jar:get(HOST))
    jar:clear "example.com"
    assert.is_nil(jar:get(HOST))
    jar:clear()
    assert.is_nil(jar:each()())
  end)

  it("says what is wrong with a URL, and raises for what is no text", function()
    local jar = cookies.jar()
    assert.equal("invalid_url", select(2, jar:set("nowhere", "n=v")).reason)
    assert.equal("invalid_url", select(2, jar:get "mailto:x@example.com").reason)
    for _, call in ipairs { function() jar:set(1, "n=v") end, function() jar:set(HOST) end, function() jar:get() end,
      function() jar:clear(1) end, function() jar:save() end, function() jar:save("/x", 1) end,
      function() jar:save("/x", { sessions = true }) end, function() jar:save("/x", { session = 1 }) end,
      function() cookies.jar(1) end } do
      assert.is_false((pcall(call)))
    end
    assert.equal("cookie jar: 0 cookies", tostring(jar))
  end)
end)

describe("a jar's file", function()
  local path

  before_each(function() path = support.directory "jar" .. "/cookies.txt" end)
  after_each(disk.unmount)

  it("brings back what was saved, for its owner's eyes only", function()
    local jar = assert(cookies.jar(path)) -- not there: empty
    jar:set(HOST, "a=1; Max-Age=1000; HttpOnly; Secure; Path=/")
    jar:set(HOST, "b=2; Max-Age=1000; Domain=example.com; Path=/")
    jar:set(HOST, "session=3")
    assert.is_true(jar:save())
    assert.equal("rw-------", lfs.attributes(path, "permissions"))
    local back = cookies.jar(path)
    assert.equal("a=1; b=2", back:get "https://www.example.com/")
    assert.equal("b=2", back:get "https://example.com/")
    assert.is_true(jar:save(path, { session = true }))
    assert.equal("session=3; a=1; b=2", cookies.jar(path):get(HOST))
  end)

  it("is read though some of its lines are broken, each of which warns", function()
    support.write(path, table.concat({ "\239\187\191# Netscape HTTP Cookie File", "",
      "www.example.com\tFALSE\t/\tTRUE\t0\ta\t1\r",
      "nonsense", "www.example.com\tFALSE\t/\tTRUE\tsoon\tb\t2", "#HttpOnly_.example.com\tTRUE\t/\tFALSE\t0\tc\t3",
      "www.example.com\tFALSE\t/\tTRUE\t0\tempty" }, "\n"))
    local lines, former = {}, rill.on_warning
    rill.on_warning = function(_, fields)
      assert.equal(path, fields.path)
      lines[#lines + 1] = fields.line
    end
    local jar = cookies.jar(path)
    rill.on_warning = former
    assert.same({ 4, 5 }, lines)
    assert.equal("a=1; c=3; empty=", jar:get "https://www.example.com/")
  end)

  it("is read though a line of it is long", function()
    local blanks, tabs = (" "):rep(2 ^ 20), ("\t"):rep(2 ^ 20)
    support.write(path, table.concat({ ("x"):rep(2 ^ 20), "x\t" .. blanks, tabs .. "x", blanks .. "x",
      "www.example.com\tFALSE\t/\tTRUE\t0\ta\t1" }, "\n"))
    local lines, former = {}, rill.on_warning
    rill.on_warning = function(message, fields)
      lines[#lines + 1] = fields.line
      assert.is_true(#message < 1000)
    end
    local jar = cookies.jar(path)
    rill.on_warning = former
    assert.same({ 1, 2, 3, 4 }, lines)
    assert.equal("a=1", jar:get "https://www.example.com/")
  end)

  it("is read as far as 64 MiB", function()
    local file = assert(io.open(path, "wb"))
    file:write "www.example.com\tFALSE\t/\tTRUE\t0\ta\t1\n"
    file:seek("set", 64 * 2 ^ 20) -- a hole
    file:write "\nwww.example.com\tFALSE\t/\tTRUE\t0\tb\t2\n"
    file:close()
    local lines, former = {}, rill.on_warning
    rill.on_warning = function(_, fields) lines[#lines + 1] = fields.line end
    local jar = cookies.jar(path)
    rill.on_warning = former
    assert.same({ 2 }, lines)
    assert.equal("a=1", jar:get "https://www.example.com/")
  end)

  it("cannot say what a page could not: broken promises, hosts below a public suffix", function()
    support.write(path, table.concat({ ".co.uk\tTRUE\t/\tFALSE\t0\ta\t1", "localhost\tTRUE\t/\tFALSE\t0\tb\t2",
      "a.co.uk\tFALSE\t/\tFALSE\t0\t__Secure-c\t3", ".a.co.uk\tTRUE\t/\tTRUE\t0\t__host-d\t4",
      "a.co.uk\tFALSE\t/x\tTRUE\t0\t__Host-e\t5", "a.co.uk\tFALSE\t/\tTRUE\t0\t__Host-f\t6",
      ".\tTRUE\t/\tFALSE\t0\tg\t7", "..\tTRUE\t/\tFALSE\t0\th\t8" }, "\n"))
    local lines, former = {}, rill.on_warning
    rill.on_warning = function(_, fields) lines[#lines + 1] = fields.line end
    local jar = cookies.jar(path)
    rill.on_warning = former
    assert.same({ 3, 4, 5, 7, 8 }, lines)
    assert.equal("__Host-f=6", jar:get "https://a.co.uk/x")
    assert.equal("a=1", jar:get "https://co.uk/")
    assert.equal("b=2", jar:get "https://localhost/")
  end)

  it("is replaced, whatever it was: a link, a file that others could read", function()
    local jar, place = cookies.jar(), path:match "^(.*)/"
    jar:set(HOST, "a=1; Max-Age=1000")
    support.write(path, "old")
    local made = "chmod 644 '%s'; ln -s cookies.txt '%s/link'; mkfifo '%s/pipe'"
    assert(os.execute(made:format(path, place, place)) == 0)
    assert(jar:save(place .. "/link"))
    assert.equal("file", lfs.symlinkattributes(place .. "/link", "mode"))
    assert.equal("old", support.read(path))
    assert(jar:save(path))
    assert.equal("rw-------", lfs.attributes(path, "permissions"))
    for name, why in pairs { pipe = "not a regular file", ["cookies.txt/x"] = "Not a directory",
      [("n"):rep(256)] = "File name too long", ["."] = "Is a directory" } do
      local saved, err = jar:save(place .. "/" .. name)
      assert.is_nil(saved)
      assert.equal("file_error", err.reason)
      assert.matches(why, tostring(err), 1, true)
    end
    assert(jar:save(place .. "/" .. ("n"):rep(255)))
    assert.equal(4, #support.find(place) + 1) -- the pipe is none of the files
  end)

  it("stays as it was where the disk is full", function()
    local directory = disk.small()
    if not directory then return pending "mounting is not permitted" end
    local jar = cookies.jar()
    for i = 1, 100 do jar:set(HOST, ("n%d=%s; Max-Age=1000"):format(i, ("v"):rep(2000))) end
    support.write(directory .. "/jar", "old")
    local saved, err = jar:save(directory .. "/jar")
    local left = #support.find(directory)
    local kept = support.read(directory .. "/jar")
    assert.is_nil(saved)
    assert.equal("file_error", err.reason)
    assert.matches("No space left on device", tostring(err), 1, true)
    assert.same({ "old", 1 }, { kept, left })
  end)

  it("stays as it was where it cannot be written, and says why it cannot be read", function()
    local jar = cookies.jar()
    jar:set(HOST, "a=1; Max-Age=1000")
    local saved, err = jar:save "/nowhere/at/all"
    assert.is_nil(saved)
    assert.equal("file_error", err.reason)
    assert.truthy(tostring(err):find("/nowhere/at/all", 1, true))
    assert.equal("file_error", select(2, cookies.jar "/").reason)
  end)
end)
