local process = require "support.process"
local support = require "support"

-- Everything that can go wrong in one exchange of five requests, one trial each: spec/c/faults.c.
describe("an exchange", function()
  -- make asan has built the program too, and these flags are not known here.
  local sanitized = os.getenv "RILL_SANITIZED"
  local build = sanitized and "build/asan" or "build"
  local program = build .. "/faults"
  local ca

  setup(function()
    ca = support.ca()
    support.make(program, "BUILD=" .. build)
  end)

  -- Runs one mode over clear text, or TLS when `stride` is given. Returns the counts that it tells, by reason.
  local function try(mode, stride, flag, value)
    local argv = { program }
    if stride then
      -- a sanitizer makes each handshake several times as expensive
      argv = { program, "-t", ca.leaf, ca.key, ca.file, "-s", tostring(sanitized and stride * 4 or stride) }
    end
    for _, word in ipairs { flag or mode, flag and (value or mode), value and mode } do argv[#argv + 1] = word end
    local child = process.start(argv, support.directory "faults" .. "/output")
    local status, said = child:wait(120), child:output()
    assert.equal(0, status, said)
    local trials, rest = said:match(mode .. " (%d+) trials:([^\n]*)")
    local counts = { trials = tonumber(trials) }
    for name, count in rest:gmatch "([%w_]+) (%d+)" do counts[name] = tonumber(count) end
    return counts
  end

  it("ends well through short reads and writes, EAGAIN and EINTR at every call", function()
    local counts = try "io"
    assert.equal(5 * counts.trials, counts.ended)
    counts = try("io", 1)
    assert.equal(5 * counts.trials, counts.ended)
  end)

  it("gives every request one outcome, whichever allocation fails, and leaves nothing behind", function()
    local counts = try "memory"
    assert.is_true(counts.trials > 100 and counts.error > 0 and counts.ended > 0)
    counts = try("memory", 9)
    assert.is_true(counts.trials > 100)
  end)

  it("does the same when all allocations fail from some point on", function()
    assert.is_true(try("exhausted").trials > 100)
    assert.is_true(try("exhausted", 9).trials > 100)
  end)

  it("does the same with limits for origins, shared connections, and notes of all that happens", function()
    for _, mode in ipairs { "memory", "exhausted", "close", "abandon" } do
      assert.is_true(try(mode, nil, "-w").trials > 5)
      assert.is_true(try(mode, mode == "abandon" and 1 or 13, "-w").trials > 5)
    end
  end)

  for way, secure in pairs { connect = false, socks5 = false, socks5h = true, ["connect-tls"] = true } do
    it("does the same on its way through a proxy: " .. way, function()
      for _, mode in ipairs { "memory", "exhausted", "close", "send", "abandon" } do
        local stride = secure and (mode == "abandon" and 1 or 29) or nil
        assert.is_true(try(mode, stride, "-p", way).trials > 3)
      end
    end)
  end

  it("does the same when descriptors run out", function()
    assert.is_true(try("descriptors").connect_failed > 0)
  end)

  it("does the same when the server hangs up after any byte, with FIN or reset", function()
    local counts = try "close"
    assert.is_true(counts.trials > 900 and counts.connection_lost > 0 and counts.ended > 0)
    counts = try("close", 5)
    assert.is_true(counts.trials > 300 and counts.connect_failed > 0 and counts.connection_lost > 0)
  end)

  it("does the same when any send finds the connection reset", function()
    assert.is_true(try("send").connection_lost > 0)
    assert.is_true(try("send", 1).connect_failed > 0)
  end)

  it("goes with its loop, whatever is open or untold", function()
    assert.is_true(try("abandon").trials > 5)
    assert.is_true(try("abandon", 1).trials > 5)
  end)

  it("never believes an impostor, whichever allocation fails", function()
    for _, mode in ipairs { "impostor", "pinned" } do
      local counts = try(mode, 23)
      assert.is_true(counts.trials > 100)
      assert.is_nil(counts.ended)
    end
  end)
end)
