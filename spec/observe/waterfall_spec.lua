-- rill.har.page: a waterfall in one HTML file, opened in headless Chromium.
local browser = require "support.browser"
local har = require "support.har"
local rill = require "rill"
local support = require "support"

local BARS = "document.querySelectorAll('.bar').length"
local ORDER = "[...document.querySelectorAll('.request')].map(row => Number(row.dataset.n))"
local HOSTILE = "</script><script>console.error('run')</script><img src=x onerror=alert(1)>\"'&--> \226\128\168 \255"

local function sort(key)
  return ("document.querySelector('[data-key=%s] button').click()"):format(key)
end

-- A list that was sorted by a column has its numbers in the order that this list of values has.
local function order_of(values, down)
  local numbers = {}
  for i = 1, #values do numbers[i] = i end
  table.sort(numbers, function(a, b)
    if down then a, b = b, a end
    if values[a] == values[b] then return a < b end
    return values[a] < values[b]
  end)
  return numbers
end

local function entry(i, fields)
  local made = {
    startedDateTime = ("2026-11-29T10:00:%02d.%03dZ"):format(math.floor(i / 100) % 60, i % 100 * 10), time = 30 + i % 7,
    request = { method = "GET", url = "https://example.com/" .. i, bodySize = 0 },
    response = { status = 200, bodySize = i, httpVersion = "HTTP/2", content = { size = i, mimeType = "text/html" } },
    timings = { blocked = 1, dns = -1, connect = -1, ssl = -1, send = 0, wait = 20 + i % 7, receive = 9 },
    connection = tostring(i % 3 + 1),
  }
  for name, value in pairs(fields or {}) do made[name] = value end
  return made
end

describe("the waterfall page", function()
  local out

  before_each(function()
    support.begin()
    out = support.directory "waterfall" .. "/page.html"
  end)
  after_each(support.check_clean)

  it("draws what was recorded: a bar per request, streams of a connection together, sorted as one likes", function()
    local server = support.node {}
    local client = support.client { retries = 0 }
    local recorder, gone = rill.har.recorder(client), support.refused()
    support.run(function()
      for _, n in ipairs { 5000, 10, 700, 3, 90000 } do assert(client:get(server.url .. "/size?n=" .. n)) end
      assert(client:get(server.url .. "/status?n=404"))
      assert(client:post(server.url .. "/echo", "four"))
      assert.is_nil(client:get(gone .. "/"))
    end)
    local entries, _, path = har.saved(recorder)
    assert(rill.har.page(path, out))
    local sizes = {}
    for i, each in ipairs(entries) do sizes[i] = each.response.bodySize end
    local results = browser.ask(out, { BARS, ORDER, sort "wire", ORDER, sort "wire", ORDER, sort "took", ORDER,
      "[...document.querySelectorAll('.group .what')].map(what => what.firstChild.textContent)",
      sort "start", "[...document.querySelectorAll('.group .what')].map(what => what.firstChild.textContent)",
      "document.querySelectorAll('.request.failed').length", "document.getElementById('legend').textContent",
      "requests.map(r => r.took)" })
    assert.equal(8, results[1])
    assert.same({ 1, 2, 3, 4, 5, 6, 7, 8 }, results[2])
    assert.same(order_of(sizes, true), results[4])
    assert.same(order_of(sizes, false), results[6])
    for i, each in ipairs(entries) do assert.is_true(math.abs(each.time - results[14][i]) < 0.01) end
    assert.same(order_of(results[14], true), results[8])
    assert.same({}, results[9])
    assert.same({ "Connection " .. entries[1].connection, "No connection" }, results[11])
    assert.equal(1, results[12])
    assert.equal("QueuedDNSConnectTLSWaitReceive", results[13])
  end)

  it("shows two thousand requests, filters and zooms", function()
    local entries = {}
    for i = 1, 2000 do entries[i] = entry(i) end
    assert(rill.har.page(entries, out))
    local results = browser.ask(out, { BARS, "document.querySelectorAll('.group').length",
      "byId('find').value = '/1999'; byId('find').dispatchEvent(new Event('input'))", BARS,
      "setTime(1000, 2000); document.body.style.getPropertyValue('--v0')" })
    assert.same({ 2000, 3 }, { results[1], results[2] })
    assert.equal(1, results[4])
    assert.equal("1000.000", results[5])
  end)

  it("runs nothing of what stands in names and values", function()
    local entries = { entry(1, {
      request = { method = HOSTILE, url = HOSTILE }, connection = HOSTILE, serverIPAddress = HOSTILE, _error = HOSTILE,
      response = { status = 301, redirectURL = HOSTILE, httpVersion = HOSTILE, content = { mimeType = HOSTILE } },
    }) }
    assert(rill.har.page(entries, out))
    local results = browser.ask(out, { BARS, "document.querySelector('.request').click()",
      "document.querySelectorAll('script').length", "document.querySelectorAll('img').length",
      "document.querySelector('.details .url').textContent" })
    assert.same({ 1, 2, 0 }, { results[1], results[3], results[4] })
    assert.matches("</script><script>console.error('run')</script>", results[5], 1, true)
  end)

  it("draws what foreign files have, of whatever kind", function()
    local path = support.write(out .. ".har", '\239\187\191{"log":{"entries":[7, {}, {"request":"x","response":[],'
      .. '"timings":{"wait":"slow","receive":1e999},"startedDateTime":"yesterday"},'
      .. '{"request":{"url":"https://example.com/\\ud83d\\ude00","method":{}},"startedDateTime":'
      .. '"2020-02-29T23:59:59+01:30","timings":{"connect":5,"ssl":9}}]}}')
    assert(rill.har.page(path, out))
    assert.same({ 4, "https://example.com/\240\159\152\128" }, browser.ask(out, { BARS, "requests[3].url" }))
    assert(rill.har.page({}, out))
    assert.same({ 0, "No request matches." },
      browser.ask(out, { BARS, "none.hidden ? '' : none.textContent" }))
  end)

  it("cuts what is long, and refuses a file that is too large", function()
    local long = "https://example.com/" .. ("a"):rep(100000)
    assert(rill.har.page({ entry(1, { request = { method = "GET", url = long } }) }, out))
    assert.equal(4000, browser.ask(out, { "requests[0].url.length" })[1])
    local path = support.write(out .. ".har", "")
    local file = assert(io.open(path, "r+b"))
    file:seek("set", 512 * 2 ^ 20) -- a hole
    file:write "x"
    file:close()
    local ok, err = rill.har.page(path, out)
    assert.is_nil(ok)
    assert.same({ "file_error", path .. ": more than 512 MiB are not read" }, { err.reason, err.message })
  end)

  it("says what is wrong with a file", function()
    local folder = support.directory "har"
    local path, page = folder .. "/a.har", folder .. "/page.html"
    local function reason(text)
      support.write(path, text)
      local ok, err = rill.har.page(path, page)
      assert.is_nil(ok)
      return err.reason
    end
    for _, text in ipairs { "", "{", "[]", '{"log":{}}', '{"log":{"entries":7}}', "<html>" } do
      assert.equal("decode_error", reason(text), text)
    end
    assert.equal("file_error", select(2, rill.har.page(folder .. "/none", page)).reason)
    assert.equal("file_error", select(2, rill.har.page({}, folder .. "/none/page.html")).reason)
    assert.same({ path }, { folder .. "/" .. support.find(folder)[1]:match "[^/]*$" })
    assert.error_matches(function() rill.har.page(7, page) end, "a path or a list of entries, got 7")
    assert.error_matches(function() rill.har.page({}, nil) end, "a path must be a string without NUL, got nil")
  end)
end)
