-- Libraries that only some scripts need: loaded when something needs them, named where they cannot be.
local scratch = require "support.scratch"
local script = require "support.script"
local support = require "support"

local CODINGS = { br = { "libbrotlidec.so.1", "libbrotli1" }, zstd = { "libzstd.so.1", "libzstd1" } }

-- A directory in which a library is found that is none.
local function without(file)
  local directory = scratch.directory "libraries"
  scratch.write(directory .. "/" .. file, "")
  return { environment = { "LD_LIBRARY_PATH=" .. directory } }
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
    local client = rill.client { tls = { ca_file = ca } }
    for _, name in ipairs { "libbrotlidec", "libzstd", "libidn2" } do tell(name, loaded(name)) end
    rill.run(function()
      for coding, name in pairs { br = "libbrotlidec", zstd = "libzstd" } do
        local res = assert(client:get(url .. "/?n=100&codings=" .. coding))
        tell(coding, #res.body, loaded(name))
      end
    end)
    tell(rill.url.parse("https://b\195\188cher.test/").host, loaded("libidn2"))
    ]], { server.url, support.ca().file })
    table.sort(lines)
    assert.same({ "br 100 loaded", "libbrotlidec not", "libidn2 not", "libzstd not", "xn--bcher-kva.test loaded",
      "zstd 100 loaded" }, lines)
  end)

  for coding, library in pairs(CODINGS) do
    it("are named where a body needs one that is not there: " .. coding, function()
      local lines = script.run([[
      local url, ca, coding = ...
      local client = rill.client { tls = { ca_file = ca } }
      rill.run(function()
        for _ = 1, 2 do tell(tostring(select(2, client:get(url .. "/?n=100&codings=" .. coding)))) end
        tell(#assert(client:get(url .. "/?n=100&codings=gzip")).body)
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
end)
