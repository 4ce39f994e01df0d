local dkjson = require "dkjson"
local html = require "rill.html"
local pages = require "support.pages"
local process = require "support.process"
local support = require "support"

local PACKAGES = { ["python3-doc"] = 90, ["postgresql-doc"] = 90, ["apache2-doc"] = 90, ["nodejs-doc"] = 45,
                   ["perl-doc"] = 30 }
local SECONDS = 300 -- for node to read them all, on a busy machine

-- A line per page: its path, and the URL it is said to have.
local function write_list(path)
  local lines, bytes = {}, 0
  for package, count in pairs(PACKAGES) do
    for _, page in ipairs(pages.sample(package, count)) do
      lines[#lines + 1] = ("%s\thttps://docs.example/%s"):format(page.path, page.path)
      bytes = bytes + page.size
    end
  end
  support.write(path, table.concat(lines, "\n") .. "\n")
  return #lines, bytes
end

-- What parse5 and node's URL find: one object per page.
local function ask_parse5(list)
  local reading = process.start({ "node", "spec/support/node/page_links.js", list }, list .. ".found")
  assert(reading:wait(SECONDS) == 0, reading:output():sub(1, 2000))
  local found = {}
  for line in reading:output():gmatch "[^\n]+" do found[#found + 1] = assert(dkjson.decode(line)) end
  return found
end

local function set_of(list)
  local set = {}
  for _, value in ipairs(list) do set[value] = true end
  return set
end

-- Those of `list` that `other` does not hold.
local function beyond(list, other)
  local set, rest = set_of(other), {}
  for _, value in ipairs(list) do
    if not set[value] then rest[#rest + 1] = value end
  end
  return rest
end

-- A line for each URL of links, at its first place.
local function described(links)
  local list, known = {}, {}
  for _, link in ipairs(links) do
    local first = known[link.url]
    if first then
      first.nofollow = first.nofollow and link.nofollow
    else
      known[link.url] = { url = link.url, tag = link.tag, rel = link.rel or "-", nofollow = link.nofollow }
      list[#list + 1] = known[link.url]
    end
  end
  for i, link in ipairs(list) do
    list[i] = ("%s %s %s %s"):format(link.url, link.tag, link.rel, tostring(link.nofollow))
  end
  return list
end

describe("the links of real pages", function()
  teardown(process.stop_all)

  it("are those that another parser and another URL library find, in the same order", function()
    local list = support.directory "pages" .. "/list"
    local count, bytes = write_list(list)
    assert.is_true(count >= 300, count .. " pages only")
    assert.is_true(bytes > 20e6, bytes .. " bytes only")
    local links = 0
    local found = ask_parse5(list)
    assert.equal(count, #found)
    for _, page in ipairs(found) do
      local ours = html.links(support.read(page.path), "https://docs.example/" .. page.path)
      assert.same({ missing = {}, extra = {} },
                  { missing = beyond(page.links, ours), extra = beyond(ours, page.links) }, page.path)
      assert.equal(table.concat(page.links, "\n"), table.concat(ours, "\n"), page.path)
      links = links + #ours
    end
    assert.is_true(links > 15000, links .. " links only")
  end)

  it("are those of a document: URLs, tags, rel and nofollow", function()
    local count = 0
    for package, most in pairs(PACKAGES) do
      for _, page in ipairs(pages.sample(package, most)) do
        local body, url = support.read(page.path), "https://docs.example/" .. page.path
        local document = html.document(body, url)
        local expected, given = described(html.scan(body, url)), described(document:links())
        assert.same({}, beyond(expected, given), page.path)
        assert.same({}, beyond(given, expected), page.path)
        assert.equal(table.concat(expected, "\n"), table.concat(given, "\n"), page.path)
        count = count + #given
        document:close()
      end
    end
    assert.is_true(count > 15000, count .. " links only")
  end)
end)

describe("the links of a document", function()
  local function of(page, content_type)
    local document = html.document(page, "http://h.example/", content_type)
    return described(document:links()), described(html.scan(page, "http://h.example/", { content_type = content_type }))
  end

  it("differ from a scan's where libxml2 reads markup, and in queries of other encodings", function()
    local given, expected = of "<textarea><a href=/in>x</a></textarea><a href=/out>y</a>"
    assert.same({ "http://h.example/out a - false" }, expected)
    assert.equal(expected[1], given[#given]) -- and libxml2 before 2.14 has the other as well
    given, expected = of("<a href='/\246?\246'>x</a>", "text/html; charset=latin1")
    assert.same({ "http://h.example/%C3%B6?%F6 a - false" }, expected)
    assert.same({ "http://h.example/%C3%B6?%C3%B6 a - false" }, given)
  end)

  it("count those of svg, and the base that a scan finds", function()
    local given, expected = of [[<base href=mailto:x><base href=/b/><svg><a xlink:href=s></a></svg>
      <area href=t><a>no</a>]]
    assert.same({ "http://h.example/b/s a - false", "http://h.example/b/t area - false" }, given)
    assert.same(expected, given)
  end)
end)
