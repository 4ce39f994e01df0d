-- rill in Neovim, and the page about luv loops as printed.
local process = require "support.process"
local script = require "support.script"
local support = require "support"

local SITE = "https://example.com/"
local PATH = 'package.path = "./lua/?.lua;./lua/?/init.lua;" .. package.path\n'

local function site(server)
  return (server.url .. "/")
end

describe("on a luv loop", function()
  local server

  before_each(function()
    server = support.node { source = [[
      server.on('stream', (stream, headers) => {
        stream.respond({ ':status': 200, 'content-type': 'text/plain; charset=iso-8859-1' });
        stream.end(Buffer.from('first line\r\ncaf\xe9', 'latin1'));
      });]] }
  end)
  after_each(function() server:stop() end)

  it("the program of doc/luv.md runs as printed", function()
    local program = assert(support.read "doc/luv.md":match "\n```lua\n(.-)\n```"):gsub(SITE, site(server))
    local directory = support.directory "luv"
    local argv = script.environment()
    table.insert(argv, "SSL_CERT_FILE=" .. server.ca)
    table.insert(argv, "luajit")
    table.insert(argv, support.write(directory .. "/program.lua", PATH .. program))
    local child = process.start(argv, directory .. "/output")
    assert.equal(0, child:wait(30), child:output())
    assert.equal("200\n200\n", child:output())
  end)

  -- Runs Lua in an editor without a screen; what it returns after `vim.wait` is written.
  local function edit(text)
    if os.getenv "RILL_SANITIZED" then return pending "the editor itself does not run there" end
    local directory = support.directory "neovim"
    local file = support.write(directory .. "/init.lua", PATH .. text)
    local child = process.start({ "env", "-u", "RILL_LIBRARY", "HOME=" .. directory, "XDG_STATE_HOME=" .. directory,
      "SSL_CERT_FILE=" .. server.ca, "nvim", "--headless", "-u", "NONE", "-i", "NONE", "-n", "-c", "luafile " .. file,
      "-c", "qa!" }, directory .. "/output")
    assert.equal(0, child:wait(30), child:output())
    return (child:output():gsub("\r", ""))
  end

  it("the plugin fills a buffer, and says what failed", function()
    local output = edit(([[
      vim.cmd "luafile examples/neovim/fetch.lua"
      local function text()
        return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "|")
      end
      local function fetch(url)
        vim.cmd("Fetch " .. url)
        local begun = text()
        vim.wait(20000, function() return text() ~= begun end, 10)
        io.stdout:write(begun:match "^fetching" or "", " ", text(), "\n")
      end
      fetch "%s"
      fetch "%s"]]):format(site(server), support.refused()))
    local lines = {}
    for line in output:gmatch "[^\n]+" do lines[#lines + 1] = line end
    assert.equal("fetching first line|caf\195\169", lines[1])
    assert.matches("^fetching failed: connect_failed %(tcp%)", lines[2])
  end)

  it("tasks run while the editor waits, and join each other", function()
    local output = edit(([[
      local rill = require "rill"
      rill.use "luv"
      local client, statuses = rill.client(), {}
      local first = rill.run(function() return assert(client:get "%s").status end)
      rill.run(function() statuses[1] = first:join() end)
      coroutine.wrap(function() statuses[2] = assert(client:get "%s").status end)()
      vim.wait(20000, function() return statuses[1] and statuses[2] end, 10)
      io.stdout:write(rill.runtime, " ", tostring(statuses[1]), " ", tostring(statuses[2]), "\n")]])
      :format(site(server), site(server)))
    assert.equal("luv 200 200\n", output)
  end)
end)
