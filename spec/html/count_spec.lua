local html = require "rill.html"
local support = require "support"

local BASE = "https://example.com/"
local LINKS = 150
local SHIFTS = 4095 -- bytes that a page is moved by, at most
local STEP = os.getenv "RILL_SANITIZED" and 31 or 1
local SLICE = 2 ^ 20 -- bytes that a task reads of a page before others have their turn

-- How the link number %d is written.
local WAYS = {
  ["in double quotes"] = '<p><a href="/%d">x</a></p>\n',
  ["in single quotes"] = "<li><a href='/%d'>x</a>\n",
  ["without quotes"] = "<td><a href=/%d>x</a>",
  ["in upper case"] = '<P><A HREF="/%d">x</A></P>\n',
  ["with blanks around the equals sign"] = '<p><a href \t= \n "/%d">x</a>\n',
  ["with line ends inside the tag"] = '<a\n  class=x\r\n  href="/%d"\n>x</a\n>',
  ["among other attributes, some with > in them"] =
    [[<a title="1 > 0" data-x='<a href="/no">' href="/%d" alt=">">x</a>]],
  ["with character references"] = '<a href="&#x2F;%d?a=1&amp;b=2">x</a>',
  ["between comments, scripts and styles that look like links"] =
    [[<!-- <a href="/no"> --><script>'<a href="/no">'</script><b><i><a href="/%d">x</i></b><style>/*<a href="/no">*/
    </style><!--><p><textarea><a href="/no"></textarea>]],
}

-- The page's links in one way of writing them, and their URLs.
local function page_of(way, count)
  local parts, urls = {}, {}
  for i = 1, count do
    parts[i] = way:gsub("%%d", tostring(i))
    urls[i] = BASE .. i .. (way:find("?a=1", 1, true) and "?a=1&b=2" or "")
  end
  return table.concat(parts), urls
end

-- Fails, with words that name the first difference, unless two lists of links are the same.
local function same(urls, links, where)
  if #links ~= #urls then error(("%d links of %d, %s"):format(#links, #urls, where), 2) end
  for i = 1, #urls do
    if links[i] ~= urls[i] then error(("%s in place of %s, %s"):format(links[i], urls[i], where), 2) end
  end
end

describe("a page with many links", function()
  for name, way in pairs(WAYS) do
    it("gives all of them wherever they stand on it: " .. name, function()
      local page, urls = page_of(way, LINKS)
      for shift = 0, SHIFTS, STEP do
        same(urls, html.links((" "):rep(shift) .. page, BASE), "shifted by " .. shift)
      end
    end)
  end

  it("gives all of them in a task too, wherever the end of a slice falls", function()
    local before, text = STEP == 1 and 1 or 13, ("text "):rep(SLICE / 5 + 1)
    support.run(function()
      for name, way in pairs(WAYS) do
        local page, urls = page_of(way, 12)
        for back = 0, #way + 8, before do -- a link and the beginning of the next
          local padding = text:sub(1, SLICE - back)
          same(urls, html.links(padding .. page, BASE), ("%s, %d bytes before the slice's end"):format(name, back))
        end
      end
    end, 120)
  end)

  it("gives all of them when there are 2,000, or 100,000", function()
    for _, count in ipairs { 2000, 100000 } do
      local page, urls = page_of(WAYS["in double quotes"], count)
      same(urls, html.links(page, BASE), "of " .. count)
    end
  end)
end)
