-- `ulimit -f`: a limit on how large files get.
local process = require "support.process"
local site = require "support.site"
local support = require "support"

local PAGES = [[(path) => {
  const n = path === '/' ? 1 : Number(path.slice(1));
  if (path === '/large') return '<a href="/100">' + 'x'.repeat(100000);
  if (!(n >= 1 && n <= 100)) return null;
  let seed = n, text = '';
  for (let i = 0; i < 500; i++) {
    seed = seed * 16807 % 2147483647;
    text += seed.toString(36);
  }
  return `<title>${text}</title><a href="/${n + 1}">`;
}]]
local WITH_WARC = [[
  local url, ca, directory = unpack(arg)
  local done, err = require "rill.crawl" { start = url, client = { tls = { ca_file = ca } }, robots = false,
    progress = false, traps = false, warc = directory .. "/site", page = function() end }
  print(err and err.kind, err and err.path)
]]
local SAVES = [[
  local url, ca, directory = unpack(arg)
  local done = assert(require "rill.crawl" { start = url .. "large", client = { tls = { ca_file = ca } },
    robots = false, progress = false, save = directory .. "/bodies", page = function() end })
  print(done.reason, done.ok)
]]

describe("a crawl whose files may not grow", function()
  local server, directory

  before_each(function()
    support.begin()
    directory = support.directory "limited"
    server = site.start(PAGES)
  end)
  after_each(function()
    server:stop()
    support.check_clean()
  end)

  local function output_of(text)
    local script = support.write(directory .. "/crawl.lua", text)
    local argv = { "env", unpack(process.sanitizers()) }
    for _, word in ipairs { "LUA_PATH=lua/?.lua;lua/?/init.lua;;", "sh", "-c", 'ulimit -f 16; exec luajit "$@"', "sh",
      script, server.url .. "/", server.ca, directory } do
      argv[#argv + 1] = word
    end
    local child = process.start(argv, directory .. "/output")
    assert.equal(0, child:wait(60), child:output())
    return child:output()
  end

  it("ends as on a full disk", function()
    assert.equal(("full\t%s/site-00000.warc.gz\n"):format(directory), output_of(WITH_WARC))
  end)

  it("goes on where it is the file of one page's body", function()
    local output = output_of(SAVES)
    local bodies = ("%s/bodies/localhost:%d/"):format(directory, server.port)
    assert.matches(("cannot save %s/large: "):format(server.url), output, 1, true)
    assert.matches("File too large", output, 1, true)
    assert.matches("finished\t2\n", output, 1, true)
    assert.not_equal("", support.read(bodies .. "100"))
    assert.is_nil((io.open(bodies .. "large")))
  end)
end)
