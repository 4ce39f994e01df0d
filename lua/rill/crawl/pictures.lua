--- What a crawl has asked for, as HAR and as a waterfall. Written when it ends, and once as it begins: a path that
--- cannot be written to is found out then.
local har = require("rill.har")
local own_path = require("rill.crawl.own_path")
local save = require("rill.crawl.save")

local M = {}

---@class rill.CrawlPictures
---@field private _recorder rill.Recorder
---@field private _har string?
---@field private _page string?
local Pictures = {}
Pictures.__index = Pictures

--- Writes what was asked for so far.
---@return boolean? ok
---@return rill.Error? err reason "output"
function Pictures:write()
  if self._har then
    local ok, err = self._recorder:save(self._har)
    if not ok then return nil, save.failure(err, self._har) end
  end
  if self._page then
    local ok, err = har.page(self._recorder:entries(), self._page)
    if not ok then return nil, save.failure(err, self._page) end
  end
  return true
end

function Pictures:close()
  self._recorder:stop()
end

--- Begins to record.
---@param options table of the crawl: `har`, `waterfall`
---@param clients rill.CrawlClients
---@param worker string?
---@return rill.CrawlPictures?
---@return rill.Error? err
function M.open(options, clients, worker)
  local self = setmetatable({ _recorder = har.recorder(clients.main),
    _har = options.har and own_path(options.har, worker),
    _page = options.waterfall and own_path(options.waterfall, worker) }, Pictures)
  if clients.guarded then har.add(self._recorder, clients.guarded) end
  local ok, err = self:write()
  if ok then return self end
  self:close()
  return nil, err
end

return M
