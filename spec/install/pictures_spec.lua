-- doc/pictures: drawn by scripts of sources and figures, and up to date.
package.path = ".ci/?.lua;bench/harness/?.lua;" .. package.path
local house = require "house"
local life = require "life"
local process = require "support.process"
local support = require "support"

local function picture(name)
  return support.read("doc/pictures/" .. name .. ".svg")
end

local function drawn_of_figures()
  local root = io.popen("pwd"):read "*l"
  return require("growth").pictures(root)
end

describe("the picture of the house", function()
  it("is what the sources say now: make pictures", function()
    assert.is_true(picture "house" == house.draw(), "doc/pictures/house.svg is old: make pictures")
  end)

  it("has a box for each room of src/, and for Lua's", function()
    local arrows = house.arrows()
    for _, path in ipairs(support.find "src") do
      local room = path:match "^src/(%w+)/"
      if room then assert.is_table(arrows[room], room) end
    end
    local text = picture "house"
    for room in pairs(arrows) do
      assert.is_truthy(text:find(">" .. room .. "<", 1, true) or text:find(">src/" .. room .. "<", 1, true), room)
    end
  end)

  it("has no arrow up: rooms do not need each other", function()
    local arrows = house.arrows()
    assert.is_nil(house.circle(arrows))
    arrows.base.api = true
    assert.is_not_nil(house.circle(arrows):find("base > api", 1, true))
    assert.is_nil(arrows.api.rill)
  end)

  it("has arrows that end below where they begin", function()
    local count = 0
    for path in picture "house":gmatch '<path d="(M[^"]*)" class="line%-soft"' do
      local from, to = path:match "^M%S+ ([%d.]+)", path:match "([%d.]+)$"
      assert.is_true(tonumber(to) > tonumber(from), path)
      count = count + 1
    end
    assert.is_true(count >= #support.find "src" / 20, count .. " arrows")
  end)
end)

describe("the picture of a request's life", function()
  it("is what .ci/life.lua draws", function()
    assert.is_true(picture "request" == life.draw(), "doc/pictures/request.svg is old: make pictures")
  end)

  it("names files that are there", function()
    local count = 0
    for path in picture "request":gmatch "[%w_]+/[%w_/]+%.[clua]+" do
      assert.is_truthy(support.read(path), path)
      count = count + 1
    end
    assert.is_true(count > 10)
  end)
end)

describe("the plots", function()
  it("are drawn of the figures beside them", function()
    local count = 0
    for file, text in pairs(drawn_of_figures()) do
      assert.is_true(support.read("doc/pictures/" .. file) == text, file .. " is old: bench/growth --draw")
      count = count + 1
    end
    assert.equal(5, count)
  end)

  it("have the figures of rill beside others from the table in doc/performance.md", function()
    local text = support.read "doc/performance.md":match "\n## Beside others\n(.-)\n## "
    assert.is_true(picture "peers" == require("beside").picture(text))
  end)
end)

describe("every picture", function()
  it("is XML, has a title, and colours for light and dark pages", function()
    local argv = { "python3", "-c", "import sys, xml.dom.minidom as m\nfor path in sys.argv[1:]: m.parse(path)" }
    for _, path in ipairs(support.find "doc/pictures") do
      if path:find "%.svg$" then
        local text = support.read(path)
        assert.is_not_nil(text:find "<title>%w", path)
        assert.is_not_nil(text:find("prefers-color-scheme: dark", 1, true), path)
        argv[#argv + 1] = path
      end
    end
    local parser = process.start(argv, support.directory "pictures" .. "/output")
    assert.equal(0, parser:wait(20), parser:output())
  end)

  it("is shown by a page", function()
    local pages = support.read "README.md"
    for name in io.popen("ls doc/*.md"):lines() do pages = pages .. support.read(name) end
    for _, path in ipairs(support.find "doc/pictures") do
      assert.is_not_nil(pages:find("pictures/" .. path:match "[^/]*$", 1, true), path)
    end
  end)
end)
