-- Bodies that bring their content-type, and the options auth and query, as a server reads them.
local dkjson = require "dkjson"
local process = require "support.process"
local rill = require "rill"
local support = require "support"

local server

local function describe_with_server(name, fn)
  for protocol, http1 in pairs { ["HTTP/2"] = false, ["HTTP/1.1"] = true } do
    describe(name .. " over " .. protocol, function()
      setup(function() server = support.node { script = "web.js", http1 = http1 } end)
      teardown(function() server:stop() end)
      before_each(support.begin)
      after_each(support.check_clean)
      fn()
    end)
  end
end

local function ask(request, client_options)
  local client = support.client(client_options)
  return support.run(function()
    request.url = request.url or server.url .. "/echo"
    request.method = request.method or "POST"
    local res = assert(client:request(request))
    return dkjson.decode(res.body), res
  end)
end

local function refused(message, fn, ...)
  local ok, why = pcall(fn, ...)
  assert.is_false(ok)
  assert.truthy(tostring(why):find(message, 1, true), why)
end

describe_with_server("rill.form", function()
  it("sends fields as forms do", function()
    local said = ask { body = rill.form { { "a", "1 2&=+" }, { "b\195\188", 2 ^ 53 }, { "a", true }, { "x", 0.1 } } }
    assert.equal("a=1+2%26%3D%2B&b%C3%BC=9007199254740992&a=true&x=0.1", said.body)
    assert.equal("application/x-www-form-urlencoded", said.fields["content-type"])
    assert.equal("a=1&b=2&b=3", ask { body = rill.form { b = { 2, 3 }, a = 1 } }.body)
    assert.equal("", ask { body = rill.form {} }.body)
    local own = ask { body = rill.form { a = 1 }, headers = { ["Content-Type"] = "text/x" } }
    assert.equal("text/x", own.fields["content-type"])
  end)

  it("takes only what can be sent", function()
    refused("a map or a list", rill.form, "a=1")
    refused("must be a pair", rill.form, { { "a" } })
    refused('the value of "a"', rill.form, { a = function() end })
    refused('the value of "a"', rill.form, { a = 0 / 0 })
    refused("has no key", rill.form, { { "a", 1 }, b = 2 })
  end)
end)

describe_with_server("rill.json", function()
  it("sends a value", function()
    local said = ask { body = rill.json { a = { 1, "x" } } }
    assert.same({ a = { 1, "x" } }, dkjson.decode(said.body))
    assert.equal("application/json", said.fields["content-type"])
    refused("cannot be encoded", rill.json, { f = function() end })
    local circle = {}
    circle[1] = circle
    for _, value in ipairs { 1 / 0, { a = { 0 / 0 } }, circle } do refused("cannot be encoded", rill.json, value) end
  end)

  it("names what to install where no library is there", function()
    local said = require("support.script").run [[
      package.path, package.cpath = package.path:match "^[^;]*;[^;]*", ""
      local ok, why = pcall(rill.json, { 1 })
      tell(tostring(ok), (why:gsub("\n", " ")))
    ]]
    assert.matches("false .*rill.json needs .*luarocks install lua%-cjson.*luarocks install dkjson", said[1])
  end)

  it("sends numbers to their last digit, and leaves what it was given alone", function()
    local given = { id = 1234567890123456, list = { 2 ^ 53, -2 ^ 53, 1 / 3, 0.1, 1e300, 7 }, name = "1234567890123456" }
    local kept = given.list[3]
    assert.same(given, dkjson.decode(ask { body = rill.json(given) }.body))
    assert.equal(kept, given.list[3])
    assert.equal("1234567890123456", ask { body = rill.json(1234567890123456) }.body)
  end)
end)

describe_with_server("rill.multipart", function()
  -- The parts as a parser that is not rill's reads them.
  local function parsed(said)
    local dir = support.directory "parts"
    support.write(dir .. "/body", said.body)
    support.write(dir .. "/parse.py", [[
import email, json, sys
body = open(sys.argv[1] + '/body', encoding='utf-8').read().encode('latin1')
message = email.message_from_bytes(b'Content-Type: ' + sys.argv[2].encode() + b'\r\n\r\n' + body)
json.dump([[str(part['content-disposition']), part.get_content_type() if part['content-type'] else None,
  part.get_payload(decode=True).decode('latin1')] for part in message.get_payload()], open(sys.argv[1] + '/out', 'w'))
]])
    process.run({ "python3", dir .. "/parse.py", dir, said.fields["content-type"] }, dir .. "/log")
    return dkjson.decode(support.read(dir .. "/out"), 1, false)
  end

  it("sends fields and files, with a known length", function()
    local dir = support.directory()
    support.write(dir .. "/a.txt", ("line\n"):rep(100000))
    support.write(dir .. "/empty", "")
    local said = ask { body = rill.multipart {
      { name = "n", value = "v" }, { name = "file", file = dir .. "/a.txt", content_type = "text/plain" },
      { name = "e", file = dir .. "/empty" }, { name = 'q"\r\n\n\r', value = 5, filename = 'x"\ny' },
    } }
    assert.equal(#said.body, tonumber(said.fields["content-length"]))
    assert.same({
      { 'form-data; name="n"', false, "v" },
      { 'form-data; name="file"; filename="a.txt"', "text/plain", ("line\n"):rep(100000) },
      { 'form-data; name="e"; filename="empty"', "application/octet-stream", "" },
      { 'form-data; name="q%22%0D%0A%0D%0A%0D%0A"; filename="x%22%0Ay"', "application/octet-stream", "5" },
    }, parsed(said))
  end)

  it("has another boundary each time, and needs no file", function()
    local one, two = rill.multipart { b = 1, a = "x" }, rill.multipart { a = 1 }
    assert.not_equal(one.content_type, two.content_type)
    assert.same({ { 'form-data; name="a"', false, "x" }, { 'form-data; name="b"', false, "1" } },
      parsed(ask { body = one }))
  end)

  it("is sent again, by a redirect too", function()
    local dir = support.directory()
    support.write(dir .. "/a", "of a file")
    local body = rill.multipart { { name = "f", file = dir .. "/a" }, { name = "g", file = dir .. "/a" } }
    local first = ask { body = body }
    assert.equal(first.body, ask({ body = body, url = server.url .. "/to?status=307&location=/echo" }).body)
    local got = ask { body = body, url = server.url .. "/to?status=303&location=/echo" }
    assert.same({ "GET", "" }, { got.method, got.body })
    assert.is_nil(got.fields["content-type"])
  end)

  it("says which file is not there, has gone or has shrunk", function()
    local dir = support.directory()
    local client = support.client()
    assert(os.execute("mkfifo " .. dir .. "/pipe") == 0)
    local big = support.write(dir .. "/big", ("x"):rep(2 ^ 20))
    support.run(function()
      for path, why in pairs { [dir .. "/none"] = "No such file", [dir] = "Is a directory",
        [dir .. "/pipe"] = "not a regular", ["/proc/version"] = "not a regular" } do
        local res, err = client:post(server.url, rill.multipart { { name = "f", file = path } })
        assert.is_nil(res)
        assert.same({ "file_error", "no" }, { err.reason, err.processed })
        assert.truthy(err.message:find(why, 1, true) and err.message:find(path, 1, true), err.message)
      end
      local late = support.node { source = [[server.on('stream', (stream, headers) => {
        log({ event: 'open' });
        stream.on('error', () => {});
        if (headers[':path'] === '/go') { stream.respond(); stream.end(); for (const s of held) s.resume(); return; }
        held.push(stream);
      }); const held = [];]] }
      for i, harm in ipairs { "rm ", "truncate -s 100 " } do
        local round = 2 * i - 1
        local path = dir .. "/late"
        support.write(path, "late")
        if harm ~= "rm " then support.write(path, ("y"):rep(2 ^ 20)) end
        local task = rill.spawn(function()
          return client:post(late.url, rill.multipart { { name = "b", file = big }, { name = "f", file = path } })
        end)
        local function opened() -- the first stream of this round
          local count = 0
          for _, event in ipairs(late:events()) do count = count + (event.event == "open" and 1 or 0) end
          return count >= round
        end
        support.wait(opened, 15)
        assert(os.execute(harm .. path) == 0)
        assert.equal(200, client:get(late.url .. "/go").status)
        local res, err = task:join()
        assert.is_nil(res)
        assert.equal("file_error", err.reason)
        assert.truthy(err.message:find(path, 1, true), err.message)
        assert.truthy(err.message:find(harm == "rm " and "No such file" or "has shrunk", 1, true), err.message)
      end
      late:stop()
    end)
  end)

  it("takes only what can be sent", function()
    for message, parts in pairs {
      ["needs a value or a file"] = { { name = "a" } }, ["unknown field"] = { { name = "a", value = 1, type = 2 } },
      ["name must be a string"] = { { value = 1 } },
      ["has a line end"] = { { name = "a", value = 1, content_type = "a\nb" } },
      ["must be a path"] = { { name = "a", file = "a\0b" } },
    } do
      refused(message, rill.multipart, parts)
    end
    refused("parts must be a table", rill.multipart, 1)
  end)
end)

describe_with_server("the option query", function()
  it("is appended, escaped as UTF-8; a request's goes over the client's", function()
    local function path(url, query, client_query)
      return ask({ url = server.url .. url, method = "GET", query = query }, { query = client_query }).path
    end
    assert.equal("/echo?a=1%202&b=%C3%BC%26", path("/echo", { a = "1 2", b = "\195\188&" }))
    assert.equal("/echo?x&a=1&a=2", path("/echo?x#frag", { { "a", 1 }, { "a", 2 } }))
    assert.equal("/echo?b=2&a=3", path("/echo?", { a = 3 }, { { "a", 1 }, { "b", 2 } }))
    assert.equal("/echo?k=1", path("/echo", nil, { k = 1 }))
    assert.equal("/echo", path("/to?location=/echo", { k = 1 }))
    refused("query must be", rill.client, { query = "a=1" })
    refused("the value of", rill.client, { query = { a = {} , b = print } })
  end)

  it("goes with open and on a connection", function()
    local client = support.client { query = { k = 1 } }
    support.run(function()
      local stream = assert(client:open { url = server.url .. "/echo", query = { l = 2 } })
      assert.equal("/echo?k=1&l=2", dkjson.decode(stream:body()).path)
      local conn = assert(support.connect(server.url, { query = { k = 1 } }))
      assert.equal("/echo?k=1", dkjson.decode(conn:request({ url = "/echo" }).body).path)
      conn:close()
    end)
  end)
end)

describe_with_server("the option auth", function()
  local function sent(auth, client_auth, headers, url)
    local request = { url = url, method = "GET", auth = auth, headers = headers }
    return ask(request, { auth = client_auth }).fields.authorization
  end

  it("becomes an authorization field", function()
    assert.equal("Basic dXNlcjpwYXNzOndvcmQ=", sent { user = "user", password = "pass:word" })
    assert.equal("Basic dXNlcjo=", sent { user = "user" })
    assert.equal("Bearer abc.def", sent { bearer = "abc.def" })
    assert.equal("Bearer client", sent(nil, { bearer = "client" }))
    assert.equal("Bearer own", sent({ bearer = "own" }, { bearer = "client" }))
    assert.is_nil(sent(false, { bearer = "client" }))
    assert.equal("by hand", sent({ bearer = "own" }, nil, { authorization = "by hand" }))
    assert.equal("Bearer own", sent({ bearer = "own" }, nil, nil, (server.url:gsub("://", "://a:b@")) .. "/echo"))
  end)

  it("stays with its origin", function()
    local other = support.node { script = "web.js" }
    local function through(url) return server.url .. "/to?location=" .. url end
    assert.equal("Bearer own", sent({ bearer = "own" }, nil, nil, through "/echo"))
    assert.is_nil(sent({ bearer = "own" }, nil, nil, through(other.url .. "/echo")))
    assert.is_nil(sent(nil, { bearer = "own" }, nil, through(other.url .. "/echo")))
    other:stop()
  end)

  it("is what it can be", function()
    for _, auth in ipairs { "user:pass", 1, {}, { password = "x" }, { user = "a:b" }, { bearer = "a b" },
      { bearer = "" }, { user = "a", bearer = "b" }, { user = "a", pass = "b" }, { user = "a\r\n" },
      { bearer = "a\nb" } } do
      refused("auth must be", rill.client, { auth = auth })
    end
  end)
end)
