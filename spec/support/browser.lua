--- Headless Chromium: what a page does there.
local dkjson = require "dkjson"
local process = require "support.process"
local scratch = require "support.scratch"
local server = require "support.server"

local M = {}

--- Opens a file and asks it. Raises what the console has of errors, and requests for anything else.
---@param path string
---@param expressions string[] JavaScript, one after the other
---@return table results
function M.ask(path, expressions)
  local directory = scratch.directory "browser"
  local script = server.here .. "/node/browser.js"
  process.run({ "node", script, path, directory, unpack(expressions) }, directory .. "/output")
  local heard = assert(dkjson.decode(scratch.read(directory .. "/output")))
  assert(#heard.errors == 0, table.concat(heard.errors, "\n"))
  assert(#heard.requests == 0, table.concat(heard.requests, "\n"))
  return heard.results
end

return M
