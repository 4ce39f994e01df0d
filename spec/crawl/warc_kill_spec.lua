-- Workers that write WARC files are killed, in the middle of a record too: what is there is whole, and there once.
local process = require "support.process"
local server_of = require "support.server"
local support = require "support"

local PAGES, MOMENTS = 120, 8

describe("WARC files of a worker that is killed", function()
  it(("at %d moments hold each exchange once, in whole members"):format(MOMENTS), function()
    support.begin()
    local redis = support.redis()
    local fleet = support.fleet { state = redis:state "site", pages = PAGES }
    local path = fleet.directory .. "/site"
    for moment = 1, MOMENTS do
      local child, wanted = fleet:worker("a", { warc = path }), fleet:asked() + math.random(0, 3 * moment)
      support.wait(function() return fleet:asked() >= wanted or child:ended() end, 60, "it to go on")
      child:signal "KILL"
      child:wait(10)
    end
    local file = assert(io.open(path .. ".a-00000.warc.gz", "ab")) -- as if the last one had died while it wrote
    file:write "\31\139\8\0half of a member"
    file:close()
    fleet:finish(fleet:worker("a", { warc = path }))

    local reader = process.start({ "/usr/bin/python3", "-B", support.here .. "/warc.py", path .. ".a-00000.warc.gz" },
      fleet.directory .. "/records")
    assert.equal(0, reader:wait(60), reader:output())
    local seen, count = {}, 0
    for _, record in ipairs(server_of.json_lines(reader:output())) do
      if record["WARC-Type"] == "response" then
        assert.is_nil(seen[record["WARC-Target-URI"]], record["WARC-Target-URI"])
        seen[record["WARC-Target-URI"]], count = true, count + 1
      end
    end
    assert.equal(PAGES, count)
    fleet:stop()
    redis:stop()
    support.check_clean()
  end)
end)
