--- html5lib's public tokenizer and tree construction cases: `make suites SUITES=DIRECTORY` (DIRECTORY/html5lib).
local dkjson = require "dkjson"
local html = require "rill.html"
local process = require "support.process"
local support = require "support"

local DIRECTORY = (os.getenv "SUITES" or "") .. "/html5lib"
local BASE = "http://example.com/dir/page"
local SECONDS = 300 -- for node to make the pages, on a busy machine

-- What doc/html.md lists, rows "| file | numbers | why |" of pages whose links only a tree knows: why, by case.
local function listed()
  local known, count = {}, 0
  for file, numbers, why in support.read("doc/html.md"):gmatch "\n| `([%w_-]+%.dat)` | ([%d, ]+) | (%C+) |" do
    for number in numbers:gmatch "%d+" do known[file .. " " .. number], count = why, count + 1 end
  end
  return known, count
end

-- Whether a page may differ: the links that a tree drops are there, and no others.
local function excused(why, page, ours)
  return why and (not why:find "^dropped" or page.tags and ours == table.concat(page.tags, "\n"))
end

-- The pages, a table for each, and how many there are of each kind.
local function make_pages()
  local out = support.directory "html5lib" .. "/pages"
  local making = process.start({ "node", "spec/suites/html5lib_pages.js", DIRECTORY }, out)
  assert(making:wait(SECONDS) == 0, making:output():sub(-2000))
  local pages = {}
  for line in making:output():gmatch "[^\n]+" do pages[#pages + 1] = assert(dkjson.decode(line), line) end
  return pages, table.remove(pages).counts
end

local function joined(links)
  return table.concat(links, "\n")
end

describe("html5lib's cases", function()
  if not io.open(DIRECTORY .. "/LICENSE") then
    pending("are not in " .. DIRECTORY)
    return
  end
  teardown(process.stop_all)

  it("have the links that a browser sees, but where only a tree knows", function()
    local pages, counts = make_pages()
    assert.is_true(counts.cases >= 7000 and counts.trees >= 1700, "some cases are not there")
    local known, listed_count = listed()
    local met, wrong = {}, {}
    for _, page in ipairs(pages) do
      local case = page.file .. " " .. page.case
      local ours = joined(html.links(page.page, BASE, "text/html; charset=utf-8"))
      if ours ~= joined(page.links) then
        met[case] = true
        if not excused(known[case], page, ours) then
          wrong[#wrong + 1] = ("%s (%s)\n  page  %s\n  seen  %s\n  right %s"):format(case, page.kind, page.page,
            ours:gsub("\n", " "), (joined(page.links):gsub("\n", " ")))
        end
      end
    end
    assert.equal("", table.concat(wrong, "\n", 1, math.min(#wrong, 20)), #wrong .. " pages")
    for case in pairs(known) do
      if not met[case] then wrong[#wrong + 1] = case .. " is listed in doc/html.md, and right" end
    end
    assert.same({}, wrong)
    print(("html5lib: %d pages of %d tokenizer and %d tree cases, %d listed"):format(#pages, counts.cases, counts.trees,
      listed_count))
  end)
end)
