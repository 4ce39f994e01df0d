--- What make builds for the specs alone.
local process = require "support.process"
local scratch = require "support.scratch"

--- Has make bring a file up to date; raises with what it said when it cannot.
---@param path string as the Makefile names it
---@param ... string variables, NAME=VALUE
---@return string path
return function(path, ...)
  -- an outer make's flags are not for this one
  process.run({ "env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", "make", path, ... }, scratch.directory "make" .. "/output")
  return path
end
