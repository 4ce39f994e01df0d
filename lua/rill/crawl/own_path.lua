--- Where a worker writes that is one of many: "items.jsonl" becomes "items.WORKER.jsonl".
---@param path string "items.jsonl", "items.db#pages"
---@param worker string? nil: there is but one
---@return string
return function(path, worker)
  if not worker or path == "-" or path:find "^/dev/" then return path end
  local file, rest = path:match "^([^#]*)(.*)$"
  local stem, suffix = file:match "^(.*[^/])(%.[^./]+)$"
  return (stem or file) .. "." .. worker .. (suffix or "") .. rest
end
