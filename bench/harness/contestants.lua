--- Who runs a line: how each is started, and how one sees that it did all its work.
---
--- A contestant is { program = string, units = integer, arguments = fun(place) -> string[],
--- check = fun(output) -> boolean }; `place` is { url, ca, root, scratch }.
local system = require("system")

local M = {}

-- The peers that issue and table speak of: what they are called, and how their version is asked for.
local PEERS = {
  { name = "h2load", program = "h2load", version = "h2load --version" },
  { name = "curl", program = "curl", version = "curl --version" },
  { name = "Lua-cURL multi", reason = "no program in bench/ yet" },
  { name = "lua-http", reason = "no program in bench/ yet" },
  { name = "Go net/http", reason = "no program in bench/ yet" },
}

--- Names and versions of the peers that can run, and of those that cannot why.
---@return table<string, string> present
---@return { name: string, reason: string }[] missing
function M.peers()
  local present, missing = {}, {}
  for _, peer in ipairs(PEERS) do
    local reason = peer.reason
    if not reason and not M.installed(peer.program) then reason = "not installed" end
    if reason then
      missing[#missing + 1] = { name = peer.name, reason = reason }
    else
      present[peer.name] = system.line_of(peer.version) or "version unknown"
    end
  end
  return present, missing
end

---@param program string
---@return boolean
function M.installed(program)
  return system.line_of("command -v " .. program) ~= nil
end

--- A program of bench/, run by LuaJIT: it gets URL, CA file and count, and says "units N" at last.
---@param name string its file, without ".lua"
---@param units integer
---@param path string of the URL
function M.rill(name, units, path)
  return {
    program = "luajit",
    units = units,
    arguments = function(place)
      return { "luajit", ("%s/bench/%s.lua"):format(place.root, name), place.url .. path, place.ca, tostring(units) }
    end,
    check = function(output)
      return output:match("\nunits (%d+)\n") == tostring(units)
    end,
  }
end

--- h2load, which verifies no certificate and throws away what it gets.
---@param units integer requests, or megabytes where `requests` says how many requests these are
---@param path string
---@param options fun(place): string[] connections, streams and so on
---@param requests integer?
function M.h2load(units, path, options, requests)
  local count = tostring(requests or units)
  return {
    program = "h2load",
    units = units,
    arguments = function(place)
      local words = { "h2load", "-n" .. count }
      for _, word in ipairs(options(place)) do
        words[#words + 1] = word
      end
      words[#words + 1] = place.url .. path
      return words
    end,
    check = function(output)
      return output:match(" (%d+) succeeded, 0 failed, 0 errored, 0 timeout") == count
        and output:match("status codes: (%d+) 2xx") == count
    end,
  }
end

--- curl, which verifies, and whose figures include a process start of some milliseconds.
---@param units integer
---@param words fun(place): string[] options and URLs
---@param requests integer how many responses there must be
function M.curl(units, words, requests)
  return {
    program = "curl",
    units = units,
    arguments = function(place)
      local argv = { "curl", "-sS", "--http2", "--cacert", place.ca, "-w", "\nresponse %{http_version} %{http_code}\n" }
      for _, word in ipairs(words(place)) do
        argv[#argv + 1] = word
      end
      return argv
    end,
    check = function(output)
      return select(2, output:gsub("\nresponse 2 200", "")) == requests
    end,
  }
end

return M
