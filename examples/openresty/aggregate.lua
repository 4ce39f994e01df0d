-- Fetches several pages at once and answers with all of them: a page costs as long as the slowest of its parts.
local rill = require "rill"

local client = assert(rill.client { timeout = 5 }) -- one for all requests of the worker: they share its connections

local M = {}

-- Answers with one part a page, in the order in which they came.
function M.answer(base, paths)
  ngx.header["content-type"] = "text/plain"
  local function fetch(path) return client:get(base .. path) end
  for path, res, err in rill.map(paths, fetch, { concurrency = 8 }) do
    ngx.say(path, " ", res and res.status or err.reason, "\n", res and res.body or err.message)
    ngx.flush()
  end
end

-- Hands one page on while it comes in; where the client is slow the upstream waits.
function M.pass(url)
  local stream = assert(client:open { url = url })
  local head, err = stream:headers()
  if not head then
    ngx.log(ngx.ERR, tostring(err))
    return ngx.exit(ngx.HTTP_BAD_GATEWAY)
  end
  ngx.status = head.status
  ngx.header["content-type"] = head.headers:get "content-type"
  for chunk in stream:chunks() do
    ngx.print(chunk)
    ngx.flush(true)
  end
  if stream.close_reason ~= "ended" then ngx.log(ngx.ERR, "the page is not complete: ", stream.close_reason) end
end

return M
