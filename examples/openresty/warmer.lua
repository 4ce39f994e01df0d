-- Keeps pages warm in a shared dictionary: a timer asks again for what may have changed.
local rill = require "rill"

local client = assert(rill.client { timeout = 10 })

local M = {}

local function refresh(pages, url)
  local tag = pages:get("etag " .. url)
  local res, err = client:get(url, tag and { headers = { ["if-none-match"] = tag } })
  if not res then
    ngx.log(ngx.WARN, "not refreshed: ", tostring(err)) -- what is there stays
  elseif res.status == 200 then
    pages:set(url, res.body)
    pages:set("etag " .. url, res.headers:get "etag")
  end
end

-- From now on every `seconds`, in one worker.
function M.start(dictionary, base, paths, seconds)
  if ngx.worker.id() ~= 0 then return end
  local pages = ngx.shared[dictionary]
  local function round(premature)
    if premature then return end -- the worker is about to leave
    for _ in rill.map(paths, function(path) refresh(pages, base .. path) end) do end
  end
  assert(ngx.timer.at(0, round))
  assert(ngx.timer.every(seconds, round))
end

-- Answers from the dictionary.
function M.answer(dictionary, url)
  local page = ngx.shared[dictionary]:get(url)
  if not page then return ngx.exit(ngx.HTTP_SERVICE_UNAVAILABLE) end
  ngx.print(page)
end

return M
