-- The programs in examples/ that a newcomer copies, each run as its first lines say. The crawler: spec/crawl.
local process = require "support.process"
local support = require "support"

local FILE_SIZE = 3000000 -- bytes

-- Each part is what one of the examples talks to.
local SERVER = [=[
const file = Buffer.alloc(FILE_SIZE, 'a large file ');
const asked = {};
const forms = { answers: 0 };

const answer = (stream, status, fields, body) => {
  stream.respond({ ':status': status, ...fields });
  stream.end(body);
};
const whole = (stream, then) => {
  const chunks = [];
  stream.on('data', (data) => chunks.push(data));
  stream.on('end', () => then(Buffer.concat(chunks)));
};

// Page 7 is busy twice, page 9 breaks off once, 11 always; there is no 13.
const pages = (stream, url) => {
  const number = Number(url.pathname.match(/\d+/)[0]);
  const time = asked[number] = (asked[number] || 0) + 1;
  log({ event: 'page', number });
  if (number === 7 && time < 3) return answer(stream, 503, {}, 'busy');
  if (number === 13) return answer(stream, 404, {}, 'no such page');
  if (number === 11 || number === 9 && time < 2) {
    stream.respond({ ':status': 200, 'content-length': 1000 });
    return stream.write('half', () => setImmediate(() => stream.close(2)));
  }
  answer(stream, 200, {}, `page ${number}`);
};

const account = (stream, url, headers) => {
  if (/(^|; )session=42(;|$)/.test(headers.cookie || '')) return answer(stream, 200, {}, 'welcome back');
  answer(stream, 302, { location: '/login' });
};

const login = (stream, url, headers) => {
  if (headers[':method'] === 'GET') {
    return answer(stream, 200, { 'content-type': 'text/html', 'set-cookie': 'form=7; Path=/login' },
      '<form><input name="user"><input type="hidden" name="token" value="t&7"></form>');
  }
  whole(stream, (body) => {
    const form = new URLSearchParams(body.toString());
    log({ event: 'login', form: [...form].flat(), type: headers['content-type'], cookie: headers.cookie });
    if (form.get('password') !== 'open & shut') return answer(stream, 200, {}, 'wrong password');
    answer(stream, 303, { location: '/account', 'set-cookie': 'session=42; Secure; HttpOnly' });
  });
};

const upload = (stream, url, headers) => whole(stream, (body) => {
  const boundary = /boundary=(.*)$/.exec(headers['content-type'])[1];
  const parts = body.toString('latin1').split(`--${boundary}`).slice(1, -1).map((part) => {
    const [head, ...rest] = part.split('\r\n\r\n');
    return `${/ name="([^"]*)"/.exec(head)[1]} ${rest.join('\r\n\r\n').length - 2}`;
  });
  answer(stream, 201, {}, parts.join(', '));
});

// Gives away a third of the file at a time.
const large = (stream, url, headers) => {
  const range = /^bytes=(\d+)-$/.exec(headers.range || '');
  const from = range && headers['if-range'] === '"one"' ? Number(range[1]) : 0;
  log({ event: 'large', from });
  stream.respond({ ':status': from ? 206 : 200, etag: '"one"', 'content-length': file.length - from,
    ...(from && { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` }) });
  const third = file.subarray(from, from + file.length / 3);
  if (from + third.length === file.length) return stream.end(third);
  stream.write(third, () => setImmediate(() => stream.close(2)));
};

const items = (stream, url, headers) => {
  if (headers.authorization !== 'Bearer secret') return answer(stream, 401, {}, 'who are you?');
  const json = { 'content-type': 'application/json' };
  if (headers[':method'] === 'POST') {
    return whole(stream, (body) => {
      log({ event: 'added', name: JSON.parse(body).name, type: headers['content-type'] });
      answer(stream, 201, json, '{"id": 251}');
    });
  }
  const page = Number(url.searchParams.get('page')), size = Number(url.searchParams.get('per_page'));
  const list = Array.from({ length: 250 }, (_, i) => ({ id: i + 1, name: `item ${i + 1}` }));
  answer(stream, 200, json, JSON.stringify({ items: list.slice((page - 1) * size, page * size) }));
};

const shop = (stream, url) => {
  const type = { 'content-type': 'text/html; charset=windows-1252' };
  if (url.pathname !== '/shop/offers') return answer(stream, 404, type, 'no such page');
  answer(stream, 200, type, Buffer.from(`<base href=/shop/><ul>
    <li class="new offer"><h2><a href="tea?green#top">Green  tea</a></h2> now <span class=price>3.50 <b>EUR</b></span>
    <li class=offer><h2>Caf\xe9, "black"</h2><span class=price>12</span></li>
    <li class=offer><h2>sold out</h2></li></ul>
    <table id=stock><thead><tr><th>Name<th>Left</thead><tr><td>Tea<td>7
    <tr><td>Cake<td><table><tr><td>1</table></table>`,
    'latin1'));
};

const scene = (stream, url) => {
  if (url.pathname !== '/scene') return answer(stream, url.pathname === '/scene/gone.png' ? 404 : 200, {}, 'part');
  answer(stream, 200, { 'content-type': 'text/html' }, `<link rel=canonical href=/other><a href=/more>
    <link rel=stylesheet href=/scene/a.css><script src=/scene/a.js></script><img src=/scene/gone.png>`);
};

const places = { shop, pages, account, login, upload, large, items, scene };
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  const url = new URL(headers[':path'], 'https://localhost');
  (places[url.pathname.split('/')[1]] || shop)(stream, url, headers);
});
]=]

describe("the example", function()
  local server, place

  before_each(function()
    server = support.node { source = (SERVER:gsub("FILE_SIZE", FILE_SIZE)) }
    place = support.directory "examples"
  end)
  after_each(process.stop_all)

  -- Runs one; returns its exit status and what it wrote.
  local function run(name, ...)
    local argv = { "env", "LUA_PATH=lua/?.lua;lua/?/init.lua;;", "SSL_CERT_FILE=" .. server.ca, "TOKEN=secret" }
    for _, word in ipairs(process.sanitizers()) do argv[#argv + 1] = word end
    for _, word in ipairs { "luajit", ("examples/%s.lua"):format(name), ... } do argv[#argv + 1] = word end
    local child = process.start(argv, support.directory "output" .. "/output")
    return child:wait(60), child:output()
  end

  local function events(kind)
    local list = {}
    for _, event in ipairs(server:events()) do
      if event.event == kind then list[#list + 1] = event end
    end
    return list
  end

  it("many_files saves 50 pages, tries again what breaks, and reports what it did not get", function()
    local status, output = run("many_files", server.url .. "/pages/", place)
    assert.equal(0, status, output)
    assert.matches("48 of 50 saved in ", output, 1, true)
    assert.matches("/pages/13.html: status 404\n", output, 1, true)
    assert.matches("/pages/11.html: [%w_]+ ", output)
    assert.equal(48, #support.find(place))
    for _, number in ipairs { 1, 7, 9, 50 } do
      assert.equal("page " .. number, support.read(("%s/%d.html"):format(place, number)))
    end
    assert.equal(50 + 2 + 1 + 2, #events "page")
  end)

  it("login fills a form in, and with the cookies of its file is logged in the next time", function()
    local cookies = place .. "/cookies.txt"
    local status, output = run("login", server.url, "me", "open & shut", cookies)
    assert.equal(0, status, output)
    assert.equal("logged in as me\nwelcome back\n", output)
    assert.same({ event = "login", form = { "password", "open & shut", "token", "t&7", "user", "me" },
      type = "application/x-www-form-urlencoded", cookie = "form=7" }, events("login")[1])
    status, output = run("login", server.url, "me", "forgotten", cookies)
    assert.equal(0, status, output)
    assert.equal("welcome back\n", output)
    assert.equal(1, #events "login")
  end)

  it("login says where the password is wrong", function()
    local status, output = run("login", server.url, "me", "shut", place .. "/cookies.txt")
    assert.equal(1, status)
    assert.matches("not logged in: 200 https://localhost:%d+/login", output)
  end)

  it("upload sends a form with a file, and reports how far it is", function()
    local path = support.write(place .. "/data", support.content(FILE_SIZE))
    local status, output = run("upload", server.url .. "/upload", path)
    assert.equal(0, status, output)
    local total = assert(output:match "\r%d+ of (%d+) bytes", output)
    assert.matches(("201\t%s bytes sent\ntitle 6, file %d\n"):format(total, FILE_SIZE), output, 1, true)
    assert.is_true(tonumber(total) > FILE_SIZE)
  end)

  it("resume goes on where a download breaks off", function()
    local path = place .. "/large"
    local status, output = run("resume", server.url .. "/large", path)
    assert.equal(0, status, output)
    assert.equal(("a large file "):rep(FILE_SIZE):sub(1, FILE_SIZE), support.read(path))
    assert.equal(1, #support.find(place))
    local seen = events "large"
    assert.same({ 0, FILE_SIZE / 3, FILE_SIZE / 3 * 2 }, { seen[1].from, seen[2].from, seen[3].from })
    assert.matches(("\r%%d+ of %d bytes"):format(FILE_SIZE), output) -- the last one, unless another was just made
    assert.matches(path .. " is complete\n", output, 1, true)
    assert.equal(2, select(2, output:gsub("broke off: ", "")))
  end)

  it("waterfall draws a page and what it consists of", function()
    local out = place .. "/waterfall.html"
    local status, output = run("waterfall", server.url .. "/scene", out)
    assert.equal(0, status, output)
    local page = support.read(out)
    for path, code in pairs { ["/scene/a.css"] = 200, ["/scene/a.js"] = 200, ["/scene/gone.png"] = 404 } do
      assert.matches(("%d\t%s%s"):format(code, server.url, path), output, 1, true)
      assert.matches(('"%s%s"'):format(server.url, path), page, 1, true)
    end
    assert.equal(4, select(2, page:gsub('%["GET","https://', "")))
  end)

  it("prices writes titles and prices as CSV", function()
    local file = support.directory "prices" .. "/prices.csv"
    local status, output = run("prices", file, server.url .. "/shop/offers", server.url .. "/shop/none")
    assert.equal(0, status, output)
    local written = support.read(file)
    local rows = {
      "title,price,url\r\n", ("Green tea,3.50 EUR,%s/shop/tea?green\r\n"):format(server.url),
      '"Caf\195\169, ""black""",12,\r\n',
    }
    for _, row in ipairs(rows) do assert.matches(row, written, 1, true) end
    assert.matches("/shop/none: ", output, 1, true)
    assert.matches("404", output, 1, true)
    assert.is_nil(written:find("sold out", 1, true))
  end)

  it("table makes JSON of a table", function()
    local status, output = run("table", server.url .. "/shop/offers", "#stock")
    assert.equal(0, status, output)
    assert.same({ { Name = "Tea", Left = "7" }, { Name = "Cake", Left = "1" } }, require("dkjson").decode(output))
    status, output = run("table", server.url .. "/shop/offers", "table[")
    assert.equal(1, status)
    assert.matches("invalid_selector", output, 1, true)
  end)

  it("paging reads an API to its end, and adds to it", function()
    local status, output = run("paging", server.url .. "/items")
    assert.equal(0, status, output)
    assert.matches("^1\titem 1\n2\titem 2\n", output)
    assert.matches("\n250\titem 250\n250 items, added 251\n$", output)
    assert.same({ event = "added", name = "item 251", type = "application/json" }, events("added")[1])
  end)
end)
