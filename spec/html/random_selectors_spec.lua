-- Selectors beside cssselect, which Scrapy's users know: random ones on random pages find the same elements. Without
-- those whose translation by cssselect 1.2 is wrong: :has(), and :is(), which drops what stands before it.
local dkjson = require "dkjson"
local html = require "rill.html"
local process = require "support.process"
local support = require "support"

local SEED, PAGES, SELECTORS = 20261129, 3, 500
local SECONDS = 300 -- for parsel, on a busy machine

local NAMES = { "div", "p", "span", "ul", "li", "b", "a", "i" }
local VALUES = { "x", "x y", "y-z", "z", "", "X" }
local OPERATORS = { "=", "~=", "|=", "^=", "$=", "*=", "!=" }
local PLACES = { "odd", "even", "2", "n", "2n", "-n+2", "3n+1", "n+2", "-2n+3", "0" }
local OF_CHILDREN = { ":nth-child", ":nth-last-child" }
local OF_TYPE = { ":nth-of-type", ":nth-last-of-type" } -- cssselect wants a name before them
local PLAIN = { ":first-child", ":last-child", ":only-child", ":empty", ":root", ":link", ":contains('t')" }
local COMBINATORS = { " ", " > ", " + ", " ~ " }

local random

local function one_of(list)
  return list[random(#list)]
end

-- Numbers that are the same for each run and machine.
local function seeded(seed)
  return function(most)
    seed = (seed * 16807) % 2147483647
    return seed % most + 1
  end
end

local function element(parts, depth, count)
  local name = one_of(NAMES)
  count[1] = count[1] + 1
  parts[#parts + 1] = ('<%s id="e%d"'):format(name, count[1])
  if random(2) == 1 then parts[#parts + 1] = (' class="%s"'):format(one_of(VALUES)) end
  if random(3) == 1 then parts[#parts + 1] = (' lang="%s"'):format(one_of(VALUES)) end
  if random(4) == 1 then parts[#parts + 1] = ' href="/h"' end
  parts[#parts + 1] = ">"
  for _ = 1, random(5) - 1 do
    if depth > 0 and random(3) < 3 then
      element(parts, depth - 1, count)
    elseif random(2) == 1 then
      parts[#parts + 1] = "text "
    else
      parts[#parts + 1] = "<!--comment-->"
    end
  end
  parts[#parts + 1] = ("</%s>"):format(name)
end

local function random_page()
  local parts, count = { "<title>t</title>" }, { 0 }
  while count[1] < 150 do element(parts, 6, count) end
  return table.concat(parts)
end

local function attribute()
  if random(4) == 1 then return ("[%s]"):format(one_of { "class", "lang", "href" }) end
  return ("[%s%s'%s']"):format(one_of { "class", "lang" }, one_of(OPERATORS), one_of(VALUES))
end

local compound

local function test(named, nested)
  local kind = random(nested and 6 or 7)
  if kind == 1 then return "." .. one_of { "x", "y", "z", "X" } end
  if kind == 2 then return "#e" .. random(150) end
  if kind == 3 then return attribute() end
  if kind == 4 then return one_of(PLAIN) end
  if kind == 5 then return ("%s(%s)"):format(one_of(OF_CHILDREN), one_of(PLACES)) end
  if kind == 6 then
    if named then return ("%s(%s)"):format(one_of(OF_TYPE), one_of(PLACES)) end
    return attribute()
  end
  return (":not(%s)"):format(compound(true))
end

function compound(nested)
  local named = random(3) < 3
  local parts = { named and one_of(NAMES) or "*" }
  for _ = 1, random(3) - 1 do parts[#parts + 1] = test(named, nested) end
  return table.concat(parts)
end

local function selector()
  local parts = { compound() }
  for _ = 1, random(4) - 1 do
    parts[#parts + 1] = one_of(COMBINATORS)
    parts[#parts + 1] = compound()
  end
  return table.concat(parts)
end

local function random_selector()
  if random(6) == 1 then return selector() .. ", " .. selector() end
  return selector() .. one_of { "", "", "", "::text", " ::text", "::attr(id)" }
end

-- An element as its number: all else of it is the same where that is.
local function id_of(markup)
  return markup:match '^<%w+ id="(e%d+)"' or markup
end

local function found(document, question)
  local list, err = document:css(question)
  if not list then return { error = err.message } end
  for i, value in ipairs(list) do list[i] = id_of(type(value) == "table" and value:html() or value) end
  return list
end

local function expected(answer)
  for i, value in ipairs(answer) do answer[i] = id_of(value) end
  return answer
end

describe("random selectors", function()
  teardown(process.stop_all)

  it("find what cssselect's translation finds", function()
    random = seeded(SEED)
    local directory, paths, pages, selectors = support.directory "random_selectors", {}, {}, {}
    for i = 1, PAGES do
      pages[i] = random_page()
      paths[i] = support.write(("%s/%d.html"):format(directory, i), pages[i])
    end
    for i = 1, SELECTORS do selectors[i] = "css " .. random_selector() end
    support.write(directory .. "/pages", table.concat(paths, "\n") .. "\n")
    support.write(directory .. "/selectors", table.concat(selectors, "\n") .. "\n")
    local asking = process.start({ "/usr/bin/python3", "spec/support/parsel/answers.py", directory .. "/selectors",
      directory .. "/pages" }, directory .. "/answers")
    assert(asking:wait(SECONDS) == 0, asking:output():sub(-2000))
    local page, results, wrong = 0, 0, {}
    for line in asking:output():gmatch "[^\n]+" do
      page = page + 1
      local document = html.document(pages[page])
      for i, answer in ipairs(assert(dkjson.decode(line))) do
        local mine = found(document, selectors[i]:sub(5))
        local theirs = expected(answer)
        results = results + #mine
        if table.concat(mine, " ") ~= table.concat(theirs, " ") or mine.error or theirs.error then
          wrong[#wrong + 1] = ("%s: %s / %s"):format(selectors[i], theirs.error or table.concat(theirs, " "):sub(1, 80),
            mine.error or table.concat(mine, " "):sub(1, 80))
        end
      end
      document:close()
    end
    assert.same({}, wrong)
    assert.equal(PAGES, page)
    assert.is_true(results > 2000, results .. " results only")
  end)
end)
