-- Documents beside parsel, which Scrapy's users know: the same selectors on the same real pages.
local dkjson = require "dkjson"
local html = require "rill.html"
local pages = require "support.pages"
local process = require "support.process"
local support = require "support"
local decoded = require "rill.core.text"

local PACKAGES = { ["python3-doc"] = 12, ["postgresql-doc"] = 12, ["apache2-doc"] = 10, ["nodejs-doc"] = 6,
                   ["perl-doc"] = 6 }
local LARGEST = 400 * 1024 -- bytes of a page: parsel takes its time
local SECONDS = 300 -- for parsel, on a busy machine
local SELECTORS = "spec/support/parsel/selectors.txt"

local function lines_of(text)
  local list = {}
  for line in text:gmatch "[^\n]+" do list[#list + 1] = line end
  return list
end

local function choose()
  local paths = {}
  for package, count in pairs(PACKAGES) do
    for _, page in ipairs(pages.sample(package, count)) do
      if page.size < LARGEST then paths[#paths + 1] = page.path end
    end
  end
  return paths
end

-- For parsel, which is given text: in UTF-8.
local function write_pages(paths, directory)
  local list = {}
  for i, path in ipairs(paths) do
    local body = support.read(path)
    list[i] = support.write(("%s/%d.html"):format(directory, i), decoded.read(body, #body))
  end
  support.write(directory .. "/pages", table.concat(list, "\n") .. "\n")
end

-- A result as parsel's get() writes it.
local function written(value)
  if type(value) == "table" then return value:html() end
  if type(value) == "boolean" then return value and "1" or "0" end
  if type(value) == "number" then
    return value ~= value and "nan" or value % 1 == 0 and ("%.1f"):format(value) or ("%.17g"):format(value)
  end
  return value
end

local function answer(document, line)
  local kind, question = line:match "^(%S+) (.*)$"
  local found, err = document[kind](document, question)
  if not found then return { error = err.message } end
  for i, value in ipairs(found) do found[i] = written(value) end
  return found
end

-- The first difference of two answers; nil: they are equal.
local function difference(expected, given)
  if expected.error or given.error then
    if expected.error and given.error then return nil end
    return ("%s / %s"):format(tostring(expected.error), tostring(given.error))
  end
  if #expected ~= #given then return ("%d / %d results"):format(#expected, #given) end
  for i, value in ipairs(expected) do
    if value ~= given[i] then return ("%d: %s / %s"):format(i, value:sub(1, 200), tostring(given[i]):sub(1, 200)) end
  end
end

describe("documents of real pages", function()
  teardown(process.stop_all)

  it("answer selectors and expressions as parsel does", function()
    local directory = support.directory "parsel"
    local paths, selectors = choose(), lines_of(support.read(SELECTORS))
    write_pages(paths, directory)
    local asking = process.start({ "/usr/bin/python3", "spec/support/parsel/answers.py", SELECTORS,
      directory .. "/pages" }, directory .. "/answers")
    local status, said = asking:wait(SECONDS), asking:output()
    assert(status == 0, said:sub(-2000))
    local answers, results, wrong = lines_of(said), 0, {}
    assert.equal(#paths, #answers)
    assert.is_true(#paths > 35 and #selectors >= 150, #paths .. " pages, " .. #selectors .. " selectors")
    for i, path in ipairs(paths) do
      local document = html.document(support.read(path))
      for j, expected in ipairs(assert(dkjson.decode(answers[i]))) do
        local given = answer(document, selectors[j])
        results = results + #given
        local differs = difference(expected, given)
        if differs then wrong[#wrong + 1] = ("%s in %s: %s"):format(selectors[j], path, differs) end
      end
      document:close()
    end
    assert.same({}, wrong)
    assert.is_true(results > 100000, results .. " results only")
  end)
end)
