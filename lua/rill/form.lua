--- rill.form: a form's fields as a request body.
local body_value = require("rill.core.body_value")
local fields = require("rill.core.fields")

--- A body of application/x-www-form-urlencoded.
---@param pairs table<string, any>|{[1]: string, [2]: any}[] a map, sent in the order of its names, or a list of pairs;
---  values are strings, numbers, booleans, in a map also lists of them
---@return rill.BodyValue
return function(pairs)
  return body_value.new("application/x-www-form-urlencoded", fields.form(fields.pairs("rill.form", pairs)))
end
