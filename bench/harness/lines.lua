--- The lines of the table: what runs, on which server, and what it is held against.
---
--- A figure is one of
---   cpu      CPU seconds a unit, over the peer's; less is better
---   cpu_seconds, seconds   CPU seconds and time of a whole run, over the peer's; less is better
---   speed    units a second, over the peer's; more is better
---   memory   resident memory at most, over the peer's; less is better
---   peak     resident memory at most, in MB (10^6 bytes)
---   memory_above  resident memory at most, less that of the peer, in MB
---   a name   that the program prints with a number: kib_..., where less is better, or mb_..., where more is
--- `of` names the contestant that is held ("rill" unless said), `against` the one it is held against.
local contestants = require("contestants")
local scratch_files = require("scratch")
local servers = require("servers")
local system = require("system")
local curl, h2load, rill = contestants.curl, contestants.h2load, contestants.rill

local MEGABYTES = 256
local LARGE = MEGABYTES * 2 ^ 20
local UPLOADS, UPLOAD_MEGABYTES = 6, 64

-- Options of h2load.
local function streams(connections, per_connection)
  return function()
    return { "-c" .. connections, "-m" .. per_connection }
  end
end

-- The same over HTTP/1.1.
local function http1(connections)
  return function()
    return { "--h1", "-c" .. connections }
  end
end

local function fixed(word)
  return function()
    return word
  end
end

local function upload_file(place)
  return place.scratch:large("upload", UPLOAD_MEGABYTES * 2 ^ 20)
end

local function received_file(place)
  return place.scratch:file("received")
end

-- GET over HTTP/1.1 by six connections, as `h2load --h1` does it.
local function http1_line(size, says, bytes, count, way, must, aim)
  local path = ("/%s-0"):format(size)
  return {
    name = ("http1_%s%s"):format(size, way == "TLS" and "" or "_clear"), unit = "request",
    title = ("HTTP/1.1 %s, 6 connections, GET %s"):format(way == "TLS" and "over TLS" or "in clear text", says),
    server = way == "TLS" and "nginx_html" or "nginx_clear",
    contestants = {
      rill = rill("get_http1", count, path, fixed(tostring(bytes))),
      h2load = h2load(count, path, http1(6)),
    },
    figures = { { "cpu", against = "h2load", must = must, aim = aim } },
  }
end

-- The same words once for each upload.
local function repeated(count, words)
  return function(place)
    local list = {}
    for _ = 1, count do
      for _, word in ipairs(words(place)) do
        list[#list + 1] = word
      end
    end
    return list
  end
end

local download = {
  h2load = h2load(MEGABYTES, "/256m", streams(1, 1), 1),
  curl = curl(MEGABYTES, function(place)
    return { "-o", "/dev/null", place.url .. "/256m" }
  end, 1),
}

local function large_file(scratch)
  scratch:large("256m", LARGE)
end

-- 1 GiB of zeros, which takes no room on the disk.
local function sparse_file(scratch)
  local path = scratch.root .. "/sparse"
  local file = assert(io.open(path, "wb"))
  assert(file:seek("set", 2 ^ 30 - 1))
  assert(file:write("\0"))
  file:close()
end

-- Every second page of two documentation packages, some 31 MB.
local function list_pages(scratch, root)
  local lines = {}
  for _, package in ipairs { "python3-doc", "postgresql-doc" } do
    local directory = assert(system.line_of(("'%s/.ci/unpack' '%s/build/pages' %s"):format(root, root, package)),
      "no pages of " .. package)
    local paths = assert(io.popen(("find '%s' -type f -name '*.html' | sort"):format(directory)))
    for path in paths:lines() do
      lines[#lines + 1] = ("%s\thttps://docs.example%s\n"):format(path, path)
    end
    paths:close()
  end
  local chosen = {}
  for i = 1, #lines, 2 do
    chosen[#chosen + 1] = lines[i]
  end
  scratch_files.write(scratch:file("pages"), table.concat(chosen))
end

-- A site of all pages of some documentation packages, and a page that names each; their paths are a file, too.
local function make_site(scratch, root, packages)
  local index = ("/site/%s.html"):format(#packages == 1 and packages[1] or "index")
  local names, urls = { "<title>all</title>" }, { index }
  for _, package in ipairs(packages) do
    local directory = assert(system.line_of(("'%s/.ci/unpack' '%s/build/pages' %s"):format(root, root, package)),
      "no pages of " .. package)
    assert(os.execute(("mkdir -p '%s/site' && ln -sfn '%s' '%s/site/%s'"):format(scratch.root, directory, scratch.root,
      package)) == 0)
    local paths = assert(io.popen(("cd '%s/site' && find -L %s -type f -name '*.html'"):format(scratch.root, package)))
    for path in paths:lines() do
      urls[#urls + 1] = "/site/" .. path
      names[#names + 1] = ("<a href='/site/%s'>p</a>"):format(path)
    end
    paths:close()
  end
  scratch_files.write(scratch.root .. index, table.concat(names, "\n"))
  scratch_files.write(scratch.root .. "/paths", table.concat(urls, "\n") .. "\n")
end

-- All pages of two packages, more than 2,500.
local function make_large_site(scratch, root)
  make_site(scratch, root, { "python3-doc", "postgresql-doc" })
end

-- Those of one, more than 1,000.
local function make_small_site(scratch, root)
  make_site(scratch, root, { "postgresql-doc" })
end

local function state_file(place)
  return place.scratch:file("site.crawl")
end

-- A new one each time.
local function new_directory(place)
  local path = place.scratch:file("shared")
  os.execute(("rm -rf '%s'; mkdir '%s'"):format(path, path))
  return path
end

local function shared_by(pages)
  return function(place)
    return ("%d %s"):format(pages, new_directory(place))
  end
end

local function large_with_state(place)
  return "2500 " .. state_file(place)
end

local function large_with_redis(place)
  return "2500 redis:" .. new_directory(place)
end

local SITE, SMALL_SITE = "/site/index.html", "/site/postgresql-doc.html"

return {
  {
    name = "get_1k", title = "GET 1 KiB, 100 streams, one URL", unit = "request", server = "nghttpd",
    contestants = {
      rill = rill("get_1k", 150000, "/1k-0"),
      h2load = h2load(150000, "/1k-0", streams(1, 100)),
    },
    figures = {
      { "cpu", against = "h2load", must = 1.35, aim = 1.25 },
      { "speed", against = "h2load", must = 0.9, aim = 1.1 },
    },
  },
  {
    name = "get_distinct", title = "GET 1 KiB, 100 streams, every URL distinct", unit = "request", server = "nghttpd",
    contestants = {
      rill = rill("get_distinct", 300000, "/1k-"),
      h2load = h2load(100000, "/1k-0", streams(1, 100)),
    },
    figures = {
      { "cpu", against = "h2load", must = 1.45, aim = 1.35 },
      { "speed", against = "h2load", must = 0.9, aim = 1.1 },
      { "peak", must = 40, aim = 12 },
    },
  },
  {
    name = "chunks_256m", title = "256 MiB by stream:chunks()", unit = "MiB", server = "nghttpd", prepare = large_file,
    contestants = {
      rill = rill("chunks_256m", MEGABYTES, "/256m"),
      h2load = download.h2load,
    },
    figures = {
      { "cpu", against = "h2load", must = 1.4, aim = 1.2 },
      { "peak", must = 64 * 2 ^ 20 / 1e6 },
    },
  },
  {
    name = "headers_22", title = "GET 1 KiB with 22 response headers", unit = "request", server = "nginx_22",
    contestants = {
      rill = rill("get_1k", 60000, "/1k-0"),
      h2load = h2load(60000, "/1k-0", streams(1, 100)),
    },
    figures = { { "cpu", against = "h2load", must = 1.05, aim = 0.9 } },
  },
  {
    name = "bodies_64k", title = "GET 64 KiB, bodies as strings", unit = "request", server = "nghttpd",
    contestants = {
      rill = rill("get_distinct", 20000, "/64k-"),
      h2load = h2load(10000, "/64k-0", streams(1, 100)),
    },
    figures = {
      { "cpu", against = "h2load", must = 1.2, aim = 1.0 },
      { "peak", must = 64, aim = 18 },
    },
  },
  http1_line("1k", "1 KiB", 1024, 30000, "TLS", 1.2, 1.05),
  http1_line("1k", "1 KiB", 1024, 30000, "clear", 1.2, 1.05),
  http1_line("64k", "64 KiB", 65536, 10000, "TLS", 1.1, 1.0),
  http1_line("64k", "64 KiB", 65536, 10000, "clear", 1.1, 1.0),
  {
    name = "http1_tunnel", title = "HTTP/1.1 over TLS through CONNECT, 6 connections, GET 1 KiB", unit = "request",
    server = "nginx_html", proxy = "relay_proxy",
    contestants = {
      rill = rill("get_http1", 20000, "/1k-0", function(place) return "1024 " .. place.proxy end),
      ["plain relay"] = rill("get_http1", 20000, "/1k-0", fixed("1024")),
    },
    servers = { ["plain relay"] = "relay" },
    figures = { { "cpu", against = "plain relay", must = 1.05, aim = 1.0 } },
  },
  {
    name = "http1_idle", title = "1,000 idle TLS connections of HTTP/1.1", unit = "connection", server = "nginx_html",
    contestants = { rill = rill("idle_connections", 1000, "/empty", fixed("http/1.1")) },
    figures = { { "kib_per_connection", must = 48, aim = 40 } },
  },
  {
    name = "polite", title = "HTTP/1.1, 10,000 origins with limits", unit = "request", server = "nginx_clear",
    contestants = {
      rill = rill("polite", 30000, "/1k-0", fixed("2")),
      ["no limits"] = rill("polite", 30000, "/1k-0", fixed("none")),
    },
    figures = { { "cpu", against = "no limits", must = 1.05, aim = 1.0 } },
  },
  {
    name = "gzip_64k", title = "GET 64 KiB of text, gzip, bodies as strings", unit = "request", server = "nginx_gzip",
    prepare = function(scratch)
      scratch:texts("text-64k-")
    end,
    contestants = {
      rill = rill("get_distinct", 10240, "/text-64k-"),
      curl = curl(2048, function(place)
        return { "--compressed", "-o", "/dev/null", place.url .. "/text-64k-[0-255]?n=[1-8]" }
      end, 2048),
      ["h2load and zlib"] = contestants.h2load_zlib(10240, "/text-64k-"),
    },
    figures = {
      { "cpu", against = "curl", must = 0.9 },
      { "cpu", against = "h2load and zlib", must = 1.15 },
    },
  },
  {
    name = "get_luv", title = "GET 1 KiB, one URL, on a luv loop", unit = "request", server = "nghttpd",
    contestants = {
      rill = rill("get_luv", 50000, "/1k-0"),
      standalone = rill("get_1k", 50000, "/1k-0"),
    },
    figures = { { "cpu", against = "standalone", must = 1.15 } },
  },
  {
    name = "sequential", title = "one GET after the other", unit = "request", server = "nghttpd",
    contestants = {
      rill = rill("sequential", 10000, "/1k-0"),
      h2load = h2load(10000, "/1k-0", streams(1, 1)),
    },
    figures = { { "cpu", against = "h2load", must = 1.0, aim = 0.85 } },
  },
  {
    name = "discard_256m", title = "256 MiB read and dropped in C", unit = "MiB", server = "nghttpd",
    prepare = large_file,
    contestants = {
      rill = rill("discard_256m", MEGABYTES, "/256m"),
      h2load = download.h2load,
      curl = download.curl,
    },
    figures = {
      { "cpu", against = "curl", must = 1.1, aim = 1.0 },
      { "cpu", against = "h2load", must = 1.2, aim = 1.0 },
    },
  },
  {
    name = "whole_256m", title = "256 MiB kept in C", unit = "MiB", server = "nghttpd", prepare = large_file,
    contestants = {
      rill = rill("whole_256m", MEGABYTES, "/256m"),
      h2load = download.h2load,
      curl = download.curl,
      ["libcurl, body kept"] = contestants.curl_memory(MEGABYTES, "/256m"),
    },
    figures = { -- curl and h2load keep nothing
      { "cpu", against = "curl", must = 1.3, aim = 1.1 },
      { "cpu", against = "h2load" },
      { "cpu", against = "libcurl, body kept" },
    },
  },
  {
    name = "upload_64m", title = "upload of 64 MiB from a string", unit = "MiB", server = "nghttpd",
    prepare = function(scratch)
      upload_file { scratch = scratch }
    end,
    contestants = {
      rill = rill("upload_64m", UPLOADS * UPLOAD_MEGABYTES, "/empty"),
      h2load = h2load(UPLOADS * UPLOAD_MEGABYTES, "/empty", function(place)
        return { "-c1", "-m1", "-d", upload_file(place) }
      end, UPLOADS),
      curl = curl(UPLOADS * UPLOAD_MEGABYTES, repeated(UPLOADS, function(place)
        return { "-T", upload_file(place), place.url .. "/empty" }
      end), UPLOADS),
    },
    figures = {
      { "cpu", against = "curl", must = 0.8, aim = 0.55 },
      { "cpu", against = "h2load", must = 1.2, aim = 0.8 },
    },
  },
  {
    name = "handshake_full", title = "full TLS 1.3 handshake, verified, and one GET", unit = "connection",
    server = "nginx_full",
    contestants = {
      rill = rill("handshake_full", 400, "/empty", fixed("400")),
      h2load = h2load(400, "/empty", streams(400, 1)),
    },
    figures = { { "cpu", against = "h2load", must = 1.2, aim = 1.05 } },
  },
  {
    name = "handshake_resumed", title = "resumed handshake and one GET", unit = "connection", server = "nginx_resumed",
    contestants = {
      rill = rill("handshake_resumed", 400, "/empty", fixed("10")),
      full = rill("handshake_full", 400, "/empty", fixed("10")),
    },
    servers = { full = "nginx_full" },
    figures = { { "cpu", against = "full", must = 0.6, aim = 0.5 } },
  },
  {
    name = "idle_connections", title = "1,000 idle TLS connections", unit = "connection", server = "nghttpd",
    contestants = { rill = rill("idle_connections", 1000, "/empty") },
    figures = { { "kib_per_connection", must = 60, aim = 48 } },
  },
  {
    name = "many_connections", title = "1,000 connections with 10 streams each", unit = "request", server = "nghttpd",
    contestants = {
      rill = rill("many_connections", 50000, "/1k-0"),
      h2load = h2load(50000, "/1k-0", streams(1000, 10)),
    },
    figures = {
      { "memory", against = "h2load", must = 1.3, aim = 1.1 },
      { "cpu", against = "h2load", must = 1.3, aim = 1.1 },
    },
  },
  {
    name = "queued", title = "100,000 queued tasks, each one GET", unit = "request", server = "nghttpd",
    contestants = {
      rill = rill("queued", 100000, "/1k-"),
      workers = rill("get_distinct", 100000, "/1k-"),
    },
    figures = {
      { "cpu", against = "workers", must = 2.5, aim = 1.4 },
      { "peak" },
    },
  },
  {
    name = "map", title = "rill.map over 100,000 URLs, 100 at once", unit = "request", server = "nghttpd",
    contestants = {
      rill = rill("map", 100000, "/1k-"),
      workers = rill("get_distinct", 100000, "/1k-"),
    },
    figures = {
      { "cpu", against = "workers", must = 1.15, aim = 1.05 },
      { "memory_above", against = "workers", must = 8, aim = 2 },
    },
  },
  {
    name = "queued_memory", title = "tasks that wait in the queue", unit = "task", server = "far_2s",
    contestants = { rill = rill("queued_memory", 30000, "/empty") },
    figures = { { "kib_per_task", must = 4, aim = 2.5 } },
  },
  {
    name = "to_file", title = "256 MiB to a file", unit = "MiB", server = "nghttpd", prepare = large_file,
    contestants = {
      rill = rill("to_file", MEGABYTES, "/256m", received_file),
      curl = curl(MEGABYTES, function(place)
        return { "-o", received_file(place), place.url .. "/256m" }
      end, 1),
    },
    figures = { { "cpu", against = "curl", must = 1.1, aim = 1.0 } },
  },
  {
    name = "round_trip_20ms", title = "256 MiB at 20 ms round trip", unit = "MiB", server = "far_20ms",
    prepare = large_file,
    contestants = { rill = rill("round_trip_20ms", MEGABYTES, "/256m") },
    figures = { { "mb_per_second", must = 200, aim = 390 } },
  },
  {
    name = "in_flight", title = "memory of one request in C", unit = "request", server = "far_2s",
    contestants = { rill = rill("in_flight", 50900, "/empty") },
    figures = {
      { "kib_per_stream", must = 1.5, aim = 1.0 },
      { "kib_per_queued_request", must = 0.5, aim = 0.25 },
    },
  },
  {
    name = "hostile_bodies", title = "1,000 bodies of 1 GiB at once, max_buffered 256 MiB", unit = "body",
    server = "nginx_unannounced", prepare = sparse_file, within = 180,
    contestants = { rill = rill("hostile_bodies", 1000, "/sparse") },
    figures = { { "peak", must = 450 * 2 ^ 20 / 1e6 } },
  },
  {
    name = "bombs", title = "200 bodies at once that grow a thousandfold, max_buffered 64 MiB, maxsize 8 MiB",
    unit = "body", server = "nginx_gzip", within = 60,
    prepare = function(scratch)
      scratch:bomb("bomb")
    end,
    contestants = { rill = rill("bombs", 200, "/bomb") },
    figures = { { "peak", must = 48 } },
  },
  {
    name = "slow_readers", title = "200 bodies of 1 GiB that nobody reads on, max_buffered 64 MiB", unit = "body",
    server = "nginx_unannounced", prepare = sparse_file, within = 60,
    contestants = { rill = rill("slow_readers", 200, "/sparse") },
    figures = { { "peak", must = 48 } },
  },
  {
    name = "peers", title = "GET 1 KiB, 100 streams, one URL", unit = "request", server = "nghttpd",
    contestants = {
      rill = rill("get_1k", 50000, "/1k-0"),
      ["libcurl multi"] = contestants.curl_multi(10000, "/1k-0"),
      ["Go net/http"] = contestants.go(20000, "/1k-0"),
      ["lua-http"] = contestants.lua_http(3000, "/1k-0"),
    },
    figures = {
      { "cpu", against = "libcurl multi", must = 0.13, aim = 0.11 },
      { "cpu", against = "Go net/http", must = 0.18, aim = 0.15 },
      { "cpu", against = "lua-http" },
    },
  },
  {
    name = "links", title = "URLs of the links of real pages", unit = "list",
    prepare = list_pages,
    contestants = {
      rill = contestants.pages({ "luajit", "$root/bench/links.lua" }, 4, "pages"),
      libxml2 = contestants.pages({ "$root/build/bench_libxml2" }, 1, "pages"),
      gumbo = contestants.pages({ "$root/build/bench_gumbo" }, 1, "pages"),
    },
    figures = {
      { "mb_per_second", against = "libxml2", must = 6, aim = 12 },
      { "mb_per_second", against = "gumbo", must = 25, aim = 55 },
    },
  },
  {
    name = "documents", title = "trees of real pages, and ten selectors", unit = "list",
    prepare = list_pages,
    contestants = {
      rill = contestants.pages({ "luajit", "$root/bench/documents.lua" }, 1, "pages"),
      links = contestants.pages({ "luajit", "$root/bench/links.lua" }, 4, "pages"),
      parsel = contestants.parsel("pages"),
    },
    figures = {
      { "mb_per_second", against = "parsel", must = 1 / 0.7, aim = 3 },
      { "mb_per_second", against = "links" }, -- which makes no tree
    },
  },
  {
    name = "crawl_site", title = "a documentation site of 2,500 pages", unit = "site", server = "nginx_html",
    prepare = make_large_site, within = 180,
    contestants = {
      rill = rill("crawl_site", 1, SITE, fixed("2500 -")),
      sqlite = rill("crawl_site", 1, SITE, large_with_state),
      redis = rill("crawl_site", 1, SITE, large_with_redis),
      wget = contestants.wget(2500, SITE),
      ["h2load and tokenizer"] = contestants.h2load_links("/paths"),
    },
    figures = {
      { "cpu", against = "wget", must = 0.15, aim = 0.1 },
      { "cpu_seconds", against = "h2load and tokenizer", must = 2.0, aim = 1.4 },
      { "speed", against = "wget", must = 1 / 0.2, aim = 1 / 0.12 },
      { "cpu", of = "sqlite", against = "rill", must = 1.3, aim = 1.15 },
      { "cpu", of = "redis", against = "rill", must = 1.6, aim = 1.3 },
    },
  },
  {
    name = "scrapy", title = "a documentation site of 1,100 pages: URL and title of each", unit = "site",
    server = "nginx_html", prepare = make_small_site, within = 120, rounds = 3,
    contestants = {
      rill = rill("crawl_site", 1, SMALL_SITE, fixed("1000 -")),
      Scrapy = contestants.scrapy(SMALL_SITE, 1000),
    },
    figures = { { "seconds", against = "Scrapy" }, { "cpu_seconds", against = "Scrapy" } },
  },
  {
    name = "crawl_growth", title = "a generated site, with a state in SQLite", unit = "page", server = "site",
    rounds = 1, within = 1800,
    contestants = { rill = rill("crawl_growth", servers.PAGES, "/", state_file) },
    figures = { { "peak", must = 120, aim = 60 }, { "times_growth", must = 1.2, aim = 1.05 } },
  },
  {
    name = "crawl_shared", title = "a generated site: a state in Redis, WARC files", unit = "site",
    server = "shared_site", within = 400,
    contestants = { rill = rill("crawl_shared", 1, "/", shared_by(16000)) },
    figures = {
      { "times_worker", must = 1.6 },
      { "times_redis", must = 0.5 },
      { "times_warc", must = 1.3 },
      { "times_archive" },
    },
  },
  {
    name = "crawl_workers", title = "a generated site: three workers and one, on all processors", unit = "site",
    server = "workers_site", within = 300,
    servers = { ["48,000 pages"] = "workers_long_site", ["16,000 pages of text"] = "workers_text_site" },
    rounds = 3,
    contestants = {
      ["16,000 pages"] = rill("crawl_workers", 1, "/", shared_by(16000)),
      ["48,000 pages"] = rill("crawl_workers", 1, "/", shared_by(48000)),
      ["16,000 pages of text"] = rill("crawl_workers", 1, "/", shared_by(16000)),
    },
    figures = {
      { "times_three", of = "16,000 pages", must = 1 / 1.5 },
      { "times_busy", of = "16,000 pages" },
      { "times_three", of = "48,000 pages", must = 1 / 1.5 },
      { "times_busy", of = "48,000 pages" },
      { "times_three", of = "16,000 pages of text", must = 1 / 1.5 },
      { "times_busy", of = "16,000 pages of text" },
    },
  },
  {
    name = "crawl_hosts", title = "2,000 hosts of five pages, 2 s between two", unit = "host", server = "small_sites",
    contestants = { rill = rill("crawl_hosts", 2000, "/") },
    figures = { { "times_late", must = 1.1 } },
  },
  {
    name = "crawl_dead", title = "a dead host and one that hangs, among ten", unit = "page", server = "sites",
    contestants = { rill = rill("crawl_dead", 20, "/") },
    figures = { { "times_late", must = 1.1 } },
  },
}
