-- Libraries that only some scripts need: loaded when something needs them, named where they cannot be.
local scratch = require "support.scratch"
local script = require "support.script"
local support = require "support"

local CODINGS = {
  gzip = { "libz.so.1", "zlib1g" },
  deflate = { "libz.so.1", "zlib1g" },
  br = { "libbrotlidec.so.1", "libbrotli1" },
  zstd = { "libzstd.so.1", "libzstd1" },
}

-- A directory in which libraries are found that are none.
local function with(content, files)
  local directory = scratch.directory "libraries"
  for _, file in ipairs(files) do scratch.write(directory .. "/" .. file, content) end
  return { environment = { "LD_LIBRARY_PATH=" .. directory } }
end

local function without(...)
  return with("", { ... })
end

describe("libraries", function()
  local server

  setup(function() server = support.node { script = "coded.js" } end)
  teardown(function() server:stop() end)
  before_each(support.begin)
  after_each(support.check_clean)

  it("are loaded by the first who needs them", function()
    local lines = script.run([[
    local url, ca = ...
    local function loaded(name)
      local file = io.open("/proc/self/maps")
      local text = file:read("*a")
      file:close()
      return text:find(name, 1, true) and "loaded" or "not"
    end
    local client = rill.client { tls = { ca_file = ca }, dns_servers = { "127.0.0.1:9" } }
    rill.run(function()
      for _, name in ipairs { "libz", "libbrotlidec", "libzstd", "libidn2", "libcares" } do tell(name, loaded(name)) end
      tell("plain", #assert(client:get(url .. "/?n=100")).body, loaded("libz"), loaded("libcares"))
      assert(client:get(url .. "/?n=400000&codings=gzip"))
      tell("long", loaded("libdeflate"))
      for coding, name in pairs { gzip = "libz", br = "libbrotlidec", zstd = "libzstd" } do
        local res = assert(client:get(url .. "/?n=100&codings=" .. coding))
        tell(coding, #res.body, loaded(name))
      end
      tell("short", loaded("libdeflate"))
      tell(select(2, client:get("https://name.test/")).kind, loaded("libcares"))
    end)
    tell(rill.url.parse("https://b\195\188cher.test/").host, loaded("libidn2"))
    ]], { server.url, support.ca().file })
    table.sort(lines)
    assert.same({ "br 100 loaded", "dns loaded", "gzip 100 loaded", "libbrotlidec not", "libcares not", "libidn2 not",
      "libz not", "libzstd not", "long not", "plain 100 loaded not", "short loaded", "xn--bcher-kva.test loaded",
      "zstd 100 loaded" }, lines)
  end)

  for coding, library in pairs(CODINGS) do
    it("are named where a body needs one that is not there: " .. coding, function()
      local lines = script.run([[
      local url, ca, coding = ...
      local client = rill.client { tls = { ca_file = ca } }
      rill.run(function()
        for _ = 1, 2 do tell(tostring(select(2, client:get(url .. "/?n=100&codings=" .. coding)))) end
        tell(#assert(client:get(url .. "/?n=100&codings=" .. (coding == "br" and "zstd" or "br"))).body)
      end)
      ]], { server.url, support.ca().file, coding }, without(library[1]))
      for i = 1, 2 do
        assert.matches(library[1] .. " cannot be used (install Debian's " .. library[2] .. ")", lines[i], 1, true)
      end
      assert.equal("100", lines[3])
    end)
  end

  it("are named where a host needs one that is not there", function()
    local lines = script.run([[
    tell(tostring(select(2, rill.url.parse("https://b\195\188cher.test/"))))
    tell(rill.url.parse("https://plain.test/").host)
    ]], {}, without "libidn2.so.0")
    assert.matches("its host needs libidn2.so.0, which cannot be loaded: install Debian's libidn2-0", lines[1], 1, true)
    assert.equal("plain.test", lines[2])
  end)

  it("are named where a name is looked up that needs one that is not there", function()
    local lines = script.run([[
    local url, ca = ...
    local client = rill.client { tls = { ca_file = ca } }
    rill.run(function()
      for _ = 1, 2 do tell(tostring(select(2, client:get "https://name.test/"))) end
      tell(assert(client:get(url .. "/?n=100")).status)
    end)
    ]], { server.url, support.ca().file }, without "libcares.so.2")
    for i = 1, 2 do
      assert.matches("libcares.so.2 cannot be used (install Debian's libc-ares2)", lines[i], 1, true)
    end
    assert.equal("200", lines[3])
  end)

  it("are named where a WARC record needs one that is not there", function()
    local text = [[
    local record = { type = "response", time = 1e9, fields = "", head = "HTTP/1.1 200 OK\r\n\r\n" }
    for _ = 1, 2 do tell(tostring(select(2, require("rill.warc").members { record }))) end
    ]]
    local lines = script.run(text, {}, without("libz.so.1", "libdeflate.so.0"))
    for i = 1, 2 do assert.matches("libz.so.1 cannot be used (install Debian's zlib1g)", lines[i], 1, true) end
  end)

  -- What a client offers, before and after a body in br has come.
  local function offers(environment)
    return script.run([[
    local url, ca = ...
    local function offer()
      local client = rill.client { tls = { ca_file = ca } }
      local res = assert(client:get(url .. "/?n=100"))
      tell(res.request.headers["accept-encoding"])
      return client
    end
    rill.run(function()
      local client = offer()
      local res, err = client:get(url .. "/?n=100&codings=br")
      tell(res and #res.body or tostring(err))
      offer()
    end)
    ]], { server.url, support.ca().file }, environment)
  end

  it("are what a client's accept-encoding is made of", function()
    local all = "gzip, deflate, br, zstd"
    assert.same({ all, "100", all }, offers())
    assert.same({ "br, zstd", "100", "br, zstd" }, offers(without "libz.so.1"))
    assert.same({ "gzip, deflate, br", "100", "gzip, deflate, br" }, offers(without "libzstd.so.1"))
    local lines = offers(without("libz.so.1", "libzstd.so.1", "libbrotlidec.so.1"))
    assert.same({ "identity", "identity" }, { lines[1], lines[3] })
  end)

  it("are offered no more by later clients when one of them could not be loaded", function()
    local lines = offers(with("\127ELF, and no more", { "libbrotlidec.so.1" }))
    assert.equal("gzip, deflate, br, zstd", lines[1])
    assert.matches("libbrotlidec.so.1 cannot be used", lines[2], 1, true)
    assert.equal("gzip, deflate, zstd", lines[3])
  end)
end)
