-- A lock that the system does not give: whoever holds it is named where there is such a one, else what the system says.
local script = require "support.script"
local support = require "support"

local EXTREMES = "build/extremes.so"
local CAUSES = {
  [11] = false, -- EWOULDBLOCK
  [4] = "Interrupted system call", [9] = "Bad file descriptor", [37] = "No locks available",
}

describe("a lock that cannot be had", function()
  local server

  setup(function()
    support.make(EXTREMES)
    server = support.nghttpd { files = { page = "here" } }
  end)
  teardown(function() server:stop() end)

  for number, cause in pairs(CAUSES) do
    it("names why: " .. (cause or "another holds it"), function()
      local directory = support.directory "lock"
      local lines = script.run([[
      local url, ca, directory = ...
      local options = { tls = { ca_file = ca }, timeout = 60 }
      local done, err = require "rill.crawl" { start = url, client = options, robots = false, progress = false,
        state = directory .. "/state" }
      tell(tostring(done), err.reason, err.kind, err.message)
      rill.run(function()
        local client = rill.client(options)
        local res, err = client:download(url, directory .. "/page", { resume = true })
        tell(tostring(res), err.reason, err.message)
        client:close()
      end)
      ]], { server.url .. "/page", server.ca, directory }, {
        preload = EXTREMES, environment = { "EXTREMES_NO_LOCKS=" .. number },
      })
      local state, part = directory .. "/state", directory .. "/page.part"
      assert.same({
        cause and ("nil state file cannot lock %s: %s"):format(state, cause)
          or ("nil state locked %s is in use by another crawl"):format(state),
        ("nil file_error %s: %s"):format(part, cause or "another download writes it"),
      }, lines)
    end)
  end
end)
