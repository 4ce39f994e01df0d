--- A small site for specs of crawls, written as JavaScript: path -> text, or { status, type, location, body, headers,
--- breaks, code, fails, failure, fail_headers, hangs, after (a file: not before it is there),
--- cut, cut_body }. HOST in a body is the server's authority.
local dkjson = require "dkjson"
local node = require "support.node"
local scratch = require "support.scratch"

local M = {}

local SOURCE = [[
const fs = require('fs');
const pages = PAGES;
function give(stream, headers, page) {
  if (stream.destroyed) return;
  if (page.after && !fs.existsSync(page.after)) return setTimeout(give, 10, stream, headers, page);
  if (page.breaks-- > 0) return stream.close(page.code || 0);
  if (page.fails-- > 0) {
    stream.respond({ ':status': page.failure || 503, ...page.fail_headers });
    return stream.end();
  }
  const head = { ':status': page.status || 200, 'content-type': page.type || 'text/html', ...page.headers };
  if (page.location) head.location = page.location;
  stream.respond(head);
  if (page.cut) return stream.write(page.cut_body || '<p>half', () => stream.destroy(new Error('cut')));
  stream.end(Buffer.isBuffer(page.body) ? page.body : (page.body || '').replace(/HOST/g, headers[':authority']));
}
server.on('stream', (stream, headers) => {
  const path = headers[':path'];
  log({ path, headers });
  stream.on('error', () => {});
  let page = typeof pages === 'function' ? pages(path, headers) : pages[path];
  if (typeof page === 'string') page = { body: page };
  if (!page) page = { status: 404, body: 'no such page' };
  if (!page.hangs) give(stream, headers, page);
});
]]

--- Starts it.
---@param pages string JavaScript: an object, or a function (path, headers)
---@param options table? of support.node
---@return support.Server
function M.start(pages, options)
  options = options or {}
  options.source = SOURCE:gsub("PAGES", function() return pages end)
  return node.start(options)
end

--- What a crawl of it is given, in the same table: it begins at /, unless it says otherwise, and shows nothing.
---@param server support.Server
---@param options table
---@return table options
function M.options(server, options)
  options.start = options.start or server.url .. "/"
  options.client, options.progress = { tls = { ca_file = server.ca } }, false
  options.robots = options.robots or false
  return options
end

--- The paths that were asked for, sorted.
---@param server support.Server
---@return string[]
function M.asked(server)
  local paths = {}
  for _, event in ipairs(server:events()) do paths[#paths + 1] = event.path end
  table.sort(paths)
  return paths
end

--- The lines of JSON of a file.
---@param path string
---@return table[]
function M.lines(path)
  local list = {}
  for line in scratch.read(path):gmatch "[^\n]+" do list[#list + 1] = dkjson.decode(line) end
  return list
end

return M
