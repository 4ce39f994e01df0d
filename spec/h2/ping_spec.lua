-- rill_connection_ping(): what C can do, and scripts, whose connections are made first, need not.
local C = require "rill.clib"
local ffi = require "ffi"
local support = require "support"

describe("a PING that is asked for while the connection is dialled", function()
  local loop, connection

  before_each(support.begin)
  after_each(function()
    C.rill_loop_free(loop)
    support.check_clean()
  end)

  local function connect(url, ca)
    loop, connection = C.rill_loop_new(nil), ffi.new "rill_id"
    local options = ffi.new "rill_options"
    C.rill_options_init(options)
    options.tls.ca_file = ca
    assert.equal(0, C.rill_connect(loop, options, url, #url, connection, nil))
  end

  local function ping()
    return C.rill_connection_ping(loop, connection.slot, connection.generation)
  end

  -- The types of its events until one of these has come.
  local function events_until(last)
    local event, types = ffi.new "rill_event[1]", {}
    support.wait(function()
      if C.rill_poll(loop, event, 1, 100) == 1 then
        types[#types + 1] = event[0].type
        return event[0].type == last
      end
    end, 3, "the event")
    return types, event[0]
  end

  it("is sent when it stands, and PONG follows", function()
    local server = support.node()
    connect(server.url, server.ca)
    local started = C.rill_now()
    assert.equal(0, ping())
    assert.equal(0, ping()) -- joins the first
    local types, pong = events_until(C.RILL_EVENT_PONG)
    local most = C.rill_now() - started + 0.002 -- the loop counts milliseconds
    assert.same({ tonumber(C.RILL_EVENT_CONNECTED), tonumber(C.RILL_EVENT_PONG) }, types)
    assert.is_true(pong.seconds > 0 and pong.seconds <= most, ("%g of %g s"):format(pong.seconds, most))
    assert.equal(0, ping())
    assert.same({ tonumber(C.RILL_EVENT_PONG) }, (events_until(C.RILL_EVENT_PONG)))
  end)

  it("has no answer where there is no connection: CLOSED says so", function()
    connect(support.refused())
    assert.equal(0, ping())
    assert.same({ tonumber(C.RILL_EVENT_CLOSED) }, (events_until(C.RILL_EVENT_CLOSED)))
    assert.equal(-C.RILL_CLOSED, ping())
  end)
end)
