--- Who runs a line: how each is started, and how one sees that it did all its work.
---
--- A contestant is { program = string, units = integer, arguments = fun(place) -> string[],
--- check = fun(output) -> boolean }; `place` is { url, ca, root, scratch }. `missing` says why it cannot run.
local system = require("system")

local M = {}

-- The peers that issue and table speak of: what they are called, and how their version is asked for.
local PEERS = {
  { name = "h2load", version = "h2load --version" },
  { name = "curl", version = "curl --version" },
  { name = "libcurl multi, LuaJIT FFI", version = "luajit -e 'local ffi = require([[ffi]]) "
    .. "ffi.cdef[[const char *curl_version(void);]] print(ffi.string(ffi.load([[libcurl.so.4]]).curl_version()))'" },
  { name = "lua-http", version = "luajit -e 'require([[http.client]]) print(require([[http.version]]).version)'" },
  { name = "Scrapy", version = "/usr/bin/python3 -c 'import scrapy; print(scrapy.__version__)'" },
  { name = "Go net/http", version = "go version" },
  { name = "libxml2", version = "pkg-config --modversion libxml-2.0" },
  { name = "parsel", version = "/usr/bin/python3 -c 'import parsel; print(parsel.__version__)'" },
  { name = "wget", version = "wget --version" },
  { name = "gumbo", version = "pkg-config --modversion gumbo" },
  { name = "Lua-cURL", reason = "Debian's lua-curl 0.3.0 has no multi interface; libcurl multi stands for it" },
}

--- Names and versions of the peers that can run, and of those that cannot why.
---@return table<string, string> present
---@return { name: string, reason: string }[] missing
function M.peers()
  local present, missing = {}, {}
  for _, peer in ipairs(PEERS) do
    local version = not peer.reason and system.line_of(peer.version)
    if version then
      present[peer.name] = version
    else
      missing[#missing + 1] = { name = peer.name, reason = peer.reason or "not installed" }
    end
  end
  return present, missing
end

---@param program string
---@return boolean
function M.installed(program)
  return system.line_of("command -v " .. program) ~= nil
end

--- wget, which mirrors a site into files, over HTTP/1.1.
---@param least integer files that there must be
---@param path string
---@return table
function M.wget(least, path)
  return {
    program = "wget",
    units = 1,
    arguments = function(place)
      -- A folder each time: what is there already is not fetched again. 8: a link was broken.
      return { "sh", "-c", 'wget --directory-prefix "$(mktemp -d "$0")" "$@" || [ $? = 8 ]',
        place.scratch:file("mirror-XXXXXX"), "--mirror", "--no-verbose", "--accept=html",
        "--ca-certificate", place.ca, place.url .. path }
    end,
    check = function(output)
      return (tonumber(output:match("Downloaded: (%d+) files")) or 0) >= least
    end,
  }
end

-- A program that gets URL, CA file, count and what `more` adds, and says "units N" at last.
local function program(command, units, path, more)
  return {
    program = command[1],
    units = units,
    arguments = function(place)
      local argv = {}
      for i, word in ipairs(command) do
        argv[i] = word:gsub("^%$root", place.root)
      end
      for _, word in ipairs { place.url .. path, place.ca, tostring(units), more and more(place) } do
        argv[#argv + 1] = word
      end
      return argv
    end,
    check = function(output)
      return output:match("\nunits (%d+)\n") == tostring(units)
    end,
  }
end

--- A program of bench/, run by LuaJIT.
---@param name string its file, without ".lua"
---@param units integer
---@param path string of the URL
---@param more (fun(place): string)? one argument more
function M.rill(name, units, path, more)
  return program({ "luajit", ("$root/bench/%s.lua"):format(name) }, units, path, more)
end

--- h2load, and zlib for what it throws away: the files whose names begin with that path.
function M.h2load_zlib(units, path)
  return program({ "luajit", "$root/bench/peers/h2load_zlib.lua" }, units, path, function(place)
    return place.scratch.root .. path
  end)
end

--- h2load over the paths of a list, and rill's tokenizer over the same files: what a crawl has to do at least.
---@param list string the file's name in the server's root
function M.h2load_links(list)
  return program({ "luajit", "$root/bench/peers/h2load_links.lua" }, 1, "", function(place)
    return place.scratch.root .. list
  end)
end

--- libcurl's multi interface, called by LuaJIT's FFI.
function M.curl_multi(units, path)
  return program({ "luajit", "$root/bench/peers/curl_multi.lua" }, units, path)
end

--- libcurl, which keeps a body of so many MiB in memory.
function M.curl_memory(units, path)
  return program({ "luajit", "$root/bench/peers/curl_memory.lua" }, units, path)
end

--- lua-http, which runs in LuaJIT.
function M.lua_http(units, path)
  local contestant = program({ "luajit", "$root/bench/peers/lua_http.lua" }, units, path)
  if not system.line_of("luajit -e 'print(require([[http.client]]))'") then contestant.missing = "not installed" end
  return contestant
end

--- Scrapy, which crawls a site of at least so many pages.
function M.scrapy(path, least)
  local contestant = program({ "/usr/bin/python3", "$root/bench/peers/scrapy_site.py" }, 1, path, function()
    return tostring(least)
  end)
  if not system.line_of("/usr/bin/python3 -c 'import scrapy; print(1)'") then contestant.missing = "not installed" end
  return contestant
end

--- Go's net/http: `make bench` builds it where there is a Go compiler.
function M.go(units, path)
  return program({ "$root/build/bench_go" }, units, path)
end

--- A program that looks for links in the pages of a list, and prints MB a second; it needs no server.
---@param command string[]
---@param passes integer
---@param list string the file of the list, among those of the run
function M.pages(command, passes, list)
  return {
    program = command[1],
    units = 1,
    arguments = function(place)
      local argv = {}
      for i, word in ipairs(command) do
        argv[i] = word:gsub("^%$root", place.root)
      end
      argv[#argv + 1], argv[#argv + 2] = place.scratch:file(list), tostring(passes)
      return argv
    end,
    check = function(output)
      local pages = tonumber(output:match("\nunits (%d+)\n"))
      return pages ~= nil and pages > 0
    end,
  }
end

--- parsel (lxml and cssselect), which reads the pages of a list into trees and asks them.
---@param list string
function M.parsel(list)
  local contestant = M.pages({ "/usr/bin/python3", "$root/bench/peers/parsel_documents.py" }, 1, list)
  if not system.line_of("/usr/bin/python3 -c 'import parsel; print(1)'") then contestant.missing = "not installed" end
  return contestant
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
