--- A client's cookie jar at work: what a request sends, what a response leaves.
local M = {}

--- Gives a client its jar.
---@param client rill.Endpoint
---@param given table options of a client
function M.equip(client, given)
  local jar = given.cookies
  client._jar = jar == true and require("rill.cookies").jar() or jar
end

local function has_cookie(fields)
  for i = 1, #fields, 2 do
    if fields[i] == "cookie" then return true end
  end
end

--- Adds the Cookie field of a request. One that is given by hand stands in its place.
---@param jar rill.Jar
---@param url string
---@param fields table flat list; not changed
---@return table fields
function M.with_cookie(jar, url, fields)
  if has_cookie(fields) then return fields end
  local cookie = jar:get(url)
  if not cookie then return fields end
  local all = {}
  for i = 1, #fields do all[i] = fields[i] end
  all[#all + 1], all[#all + 2] = "cookie", cookie
  return all
end

--- Keeps the cookies of a response.
---@param jar rill.Jar
---@param url string that was asked for
---@param response rill.Response
function M.keep(jar, url, response)
  for _, value in ipairs(response.headers:all("set-cookie")) do
    jar:set(url, value)
  end
end

return M
