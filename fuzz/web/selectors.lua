--- Selectors and expressions. Whatever is asked of whatever page, there is an answer or an error that says why; the
--- answer holds what can be used, and is the same for a second time.
local html = require("rill.html")
local pick = require("pick")

local CSS = {
  "a", "div", "*", "p", ".x", "#y", "[href]", "[a=b]", "[a^='b'", "]", ":not(", ":has(", ":is(", ")", ">", "+",
  "~", " ", ",", ":nth-child(", "2n+1", "-n", ":first-child", ":empty", ":root", ":scope", "::text",
  "::attr(href)", "::", ":", "\\", "\\61 ", "'", "\"", "/*", "*/", "|", "\255", "\195\188", "\0",
  ":contains('x')", ":lang(en)", "(", ".",
}
local XPATH = {
  "//", "/", "a", "div", "*", "@href", "@*", "[", "]", "(", ")", "1", "-1", ".", "..", "::", "ancestor", "|",
  "following-sibling::", "descendant::", "text()", "node()", "comment()", "position()", "last()", "count(",
  "string(", "=", "<", " and ", " or ", " div ", "'x'", ",", "contains(", "concat(", "has-class('x')", "re:test(",
  "re:match(", "'(a|b)*'", "$v", "namespace::*", "id('y')", "sum(", "number(", "rill-nth(", "rill-scope()", "\0",
  "\255", "1e9", "normalize-space(",
}
local MARKUP = {
  "<div class=x>", "</div>", "<p>", "</p>", "<a href=/b?c#d>", "</a>", "text", "&amp;", "&#0;", "<table>", "<td>",
  "</table>", "<br>", "<!--", "-->", "<script>", "</script>", "<b", "\"", "'", " id=y", "<", ">", "/", "<svg>",
  "<title>", "<textarea>", "<pre>", "\n", "\0", "\255", "<base href=//h/>", "</body>", "</html>",
  "<select><option>",
}

local function check_list(list)
  for _, value in ipairs(list) do
    if type(value) == "table" then
      local text, markup = value:text(), value:html()
      if type(text) ~= "string" or type(markup) ~= "string" then error("no text") end
      if #value:text { raw = true } > 1e6 then error("too much text") end
      for _, link in ipairs(value:links()) do
        if not link.url:find "^https?://" then error("a link to " .. link.url) end
      end
    elseif type(value) == "string" and value:find "%z" then
      error("a NUL")
    end
  end
end

local function ask(node, method, question)
  local list, err = node[method](node, question)
  local again = node[method](node, question)
  if not list then
    if again or (err.reason ~= "invalid_selector" and err.reason ~= "limit") then error(tostring(err)) end
    return
  end
  if #again ~= #list then error(("%d and then %d results"):format(#list, #again)) end
  check_list(list)
  return list
end

return function()
  local document = html.document(pick.text(MARKUP, 40), "http://h.example/")
  for _ = 1, 10 do
    local is_css = pick.once_in(2)
    local question = pick.text(is_css and CSS or XPATH, 8)
    local ok, why = pcall(function()
      local list = ask(document, is_css and "css" or "xpath", question)
      local node = list and list[1]
      if type(node) == "table" then ask(node, is_css and "css" or "xpath", question) end
    end)
    if not ok then error(("%q: %s"):format(question, tostring(why))) end
  end
  document:close()
end
