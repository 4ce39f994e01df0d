--- rill.multipart: fields and files as a request body (RFC 7578), named as browsers name them.
local body_value = require("rill.core.body_value")
local errors = require("rill.errors")
local fields = require("rill.core.fields")
local list_of = require("rill.core.list")
local random = require("rill.core.random")

local BOUNDARY_BYTES = 16 -- random: it is not in the data, files included
local KNOWN = { name = true, value = true, file = true, filename = true, content_type = true }

-- HTML Standard, "multipart form data": what would end the quoted name is percent-encoded.
local function escape(text)
  return (text:gsub('[\r\n"]', { ["\r"] = "%0D", ["\n"] = "%0A", ['"'] = "%22" }))
end

-- The same: a line end in a field's name, however it is written, is CRLF. A filename's stay as they are.
local function field_name(text)
  return escape((text:gsub("\r\n?", "\n"):gsub("\n", "\r\n")))
end

local function check_text(what, value, optional)
  if optional and type(value) == "nil" then return end
  if type(value) ~= "string" then
    errors.raise(("rill.multipart: %s must be a string, got %s"):format(what, errors.show(value)))
  end
end

local function check_part(i, part)
  local what = ("parts[%d]"):format(i)
  if type(part) ~= "table" then
    errors.raise(("rill.multipart: %s must be a table, got %s"):format(what, errors.show(part)))
  end
  for key in pairs(part) do
    if not KNOWN[key] then errors.raise(("rill.multipart: %s: unknown field %s"):format(what, errors.show(key))) end
  end
  check_text(what .. ".name", part.name)
  check_text(what .. ".filename", part.filename, true)
  check_text(what .. ".content_type", part.content_type, true)
  if (part.value == nil) == (part.file == nil) then
    errors.raise(("rill.multipart: %s needs a value or a file"):format(what))
  end
  check_text(what .. ".file", part.file, true)
  if part.file and (part.file == "" or part.file:find("%z")) then
    errors.raise(("rill.multipart: %s.file must be a path, got %s"):format(what, errors.show(part.file)))
  end
  if part.content_type and part.content_type:find "[\r\n%z]" then
    errors.raise(("rill.multipart: %s.content_type has a line end or NUL: %s"):format(what,
      errors.show(part.content_type)))
  end
end

-- A map of names to values is a list of plain fields, in the order of the names.
local function listed(parts)
  if type(parts) ~= "table" then
    errors.raise("rill.multipart: parts must be a table, got " .. errors.show(parts))
  end
  if list_of.is(parts) then return parts end
  if parts[1] ~= nil then
    errors.raise("rill.multipart: parts must be a list without holes or a map, got " .. list_of.shown(parts))
  end
  local names, list = {}, {}
  for name in pairs(parts) do
    check_text("a name", name)
    names[#names + 1] = name
  end
  table.sort(names)
  for i, name in ipairs(names) do list[i] = { name = name, value = parts[name] } end
  return list
end

-- Names are written as browsers write them: some servers take no other case.
local function head_of(part)
  local filename = part.filename or part.file and part.file:match "[^/]*$"
  local kind = part.content_type or filename and "application/octet-stream"
  return ('Content-Disposition: form-data; name="%s"%s\r\n%s\r\n'):format(field_name(part.name),
    filename and ('; filename="%s"'):format(escape(filename)) or "", kind and "Content-Type: " .. kind .. "\r\n" or "")
end

-- What stands before, in and behind each part: a list of text and { file = path }.
local function pieces_of(parts, boundary)
  local pieces, text = {}, {}
  for _, part in ipairs(parts) do
    text[#text + 1] = "--" .. boundary .. "\r\n" .. head_of(part)
    if part.file then
      pieces[#pieces + 1], pieces[#pieces + 2] = table.concat(text), { file = part.file }
      text = {}
    else
      text[#text + 1] = fields.text("rill.multipart", part.name, part.value)
    end
    text[#text + 1] = "\r\n"
  end
  text[#text + 1] = "--" .. boundary .. "--\r\n"
  pieces[#pieces + 1] = table.concat(text)
  return pieces
end

--- A body of multipart/form-data. Files are read as it is sent, and may be sent again.
---@param parts table a list of { name=, value= } or { name=, file= path }, each with `filename` (the path's last
---  part) and `content_type` where wanted; or a map of names to values
---@return rill.BodyValue
return function(parts)
  parts = listed(parts)
  for i, part in ipairs(parts) do check_part(i, part) end
  local boundary = "----rill" .. random(BOUNDARY_BYTES)
  local pieces = pieces_of(parts, boundary)
  local kind = "multipart/form-data; boundary=" .. boundary
  if #pieces == 1 then return body_value.new(kind, pieces[1]) end
  return body_value.new(kind, nil, pieces)
end
