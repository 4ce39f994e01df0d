-- `ulimit -f`: a limit on how large files get.
local process = require "support.process"
local site = require "support.site"
local support = require "support"

local PAGES = [[(path) => {
  const n = path === '/' ? 1 : Number(path.slice(1));
  if (!(n >= 1 && n <= 100)) return null;
  let seed = n, text = '';
  for (let i = 0; i < 500; i++) {
    seed = seed * 16807 % 2147483647;
    text += seed.toString(36);
  }
  return `<title>${text}</title><a href="/${n + 1}">`;
}]]
local CRAWL = [[
  local url, ca, directory = unpack(arg)
  local done, err = require "rill.crawl" { start = url, client = { tls = { ca_file = ca } }, robots = false,
    progress = false, traps = false, warc = directory .. "/site", page = function() end }
  print(err and err.kind, err and err.path)
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

  it("ends as on a full disk", function()
    local script = support.write(directory .. "/crawl.lua", CRAWL)
    local argv = { "env", unpack(process.sanitizers()) }
    for _, word in ipairs { "LUA_PATH=lua/?.lua;lua/?/init.lua;;", "sh", "-c", 'ulimit -f 16; exec luajit "$@"', "sh",
      script, server.url .. "/", server.ca, directory } do
      argv[#argv + 1] = word
    end
    local child = process.start(argv, directory .. "/output")
    assert.equal(0, child:wait(60), child:output())
    assert.equal(("full\t%s/site-00000.warc.gz\n"):format(directory), child:output())
  end)
end)
