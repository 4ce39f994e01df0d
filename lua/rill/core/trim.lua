--- A text without the blanks around it. It looks once at each byte: "^%s*(.-)%s*$" looks at a blank once for each blank
--- before it, and peers choose how many there are.
---@param text string
---@return string
return function(text)
  local first = text:find "%S"
  return first and text:match("^.*%S", first) or ""
end
