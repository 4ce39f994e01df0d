local process = require "support.process"
local support = require "support"

-- What builds with -DRILL_CHECK walk after each pass: spec/c/broken_loop.c breaks one thing at a time.
describe("the check of a loop's invariants", function()
  -- make asan has built the program too, with flags that are not known here.
  local build = os.getenv "RILL_SANITIZED" and "build/asan" or "build"
  local verdicts = {}

  setup(function()
    local program = build .. "/broken_loop"
    support.make(program, "BUILD=" .. build)
    local child = process.start({ program }, support.directory "broken_loop" .. "/output")
    local status, said = child:wait(60), child:output()
    assert.equal(0, status, said)
    for name, verdict in said:gmatch "([%w_]+) ([not ]*seen)\n" do
      verdicts[name] = verdict
    end
  end)

  it("passes a loop that nobody has broken", function()
    assert.equal("not seen", verdicts.nothing)
  end)

  for what, fault in pairs {
    ["a count of waiting calls"] = "waiting_count",
    ["the length of a queue"] = "queue_count",
    ["how many of a queue are assigned"] = "queue_assigned",
    ["a younger call before an older one"] = "queue_order",
    ["a link of a queue"] = "queue_link",
    ["a call in a state that it is not in"] = "call_state",
    ["a list's end"] = "list_end",
    ["a member that knows no list"] = "member_of_no_list",
    ["a connection without its place in the pool"] = "place_in_pool",
    ["window that nobody was given"] = "granted_window",
    ["a closed connection that dials"] = "closed_connection",
    ["a count of bodies held back"] = "held_back_bodies",
    ["bytes that no body holds"] = "held_bytes",
    ["a list of collected bodies that ends elsewhere"] = "collected_bodies",
    ["window that no body has grown by"] = "widened_windows",
    ["a TLS handshake that no connection makes"] = "handshakes_inside",
    ["a handshake that waits at an open gate"] = "waits_at_open_gate",
  } do
    it("sees " .. what, function()
      assert.equal("seen", verdicts[fault])
    end)
  end
end)
