--- A site of pages that name each other as a tree, and that can be held back: for crawls that must not come to their
--- end before a spec has done something.
local support = require "support"

local M = {}

-- All but the first wait until so many workers have asked for one, and all from some answer on for a file.
local SOURCE = [[
const fs = require('fs'), agents = new Set(), held = [];
let now = 0, most = 0, answers = 0;
server.on('stream', (stream, headers) => {
  const path = headers[':path'], n = path === '/' ? 1 : Number(path.slice(1));
  most = Math.max(most, ++now);
  log({ path, agent: headers['user-agent'], most });
  stream.on('error', () => {});
  stream.on('close', () => { now--; });
  const give = () => {
    if (stream.destroyed) return;
    stream.respond({ ':status': 200, 'content-type': 'text/html' });
    stream.end(`<title>page ${n}</title>${links}<a href="/">`);
  };
  const look = () => stream.destroyed || fs.existsSync('GATE') ? give() : setTimeout(look, 10);
  const answer = () => ++answers > HOLD ? look() : give();
  const next = n === 1 ? [...Array(30).keys()].map((m) => m + 2) : [2 * n + 28, 2 * n + 29];
  const links = next.filter((m) => m <= PAGES).map((m) => `<a href="/${m}">`).join('');
  if (n > 1) agents.add(headers['user-agent']);
  if (n > 1 && agents.size < WANTED) return held.push(answer);
  for (const each of held.splice(0)) each();
  answer();
});
]]

--- Starts it. Its events: { path=, agent=, most= } each, `most` requests at once so far.
---@param given { pages: integer, gate: string, wanted: integer?, hold: integer? } wanted: workers that are waited for
---  (1); hold: answers that are given before the file `gate` is there (all)
---@return table node see support.node
function M.serve(given)
  local words = { WANTED = given.wanted or 1, HOLD = given.hold or 1e9, PAGES = given.pages, GATE = given.gate }
  return support.node { source = (SOURCE:gsub("%u%u%u%u+", words)) }
end

return M
