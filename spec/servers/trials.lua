--- What is asked of a server: each trial is { name, fn(client, server, share) -> good, asked, the first failure };
--- `share` of the usual number of requests are made.
local rill = require "rill"

local SMALL, BIG, SIZE = 2000, 100, 300 * 1024

local function numbers(count)
  local list = {}
  for i = 1, count do list[i] = i end
  return list
end

-- How many of `count` calls of `fn(i)` were as wished; with the first that was not.
local function many(count, fn, concurrency)
  local good, first = 0, nil
  count = math.ceil(count)
  for _, fine, err in rill.map(numbers(count), fn, { concurrency = concurrency or 50 }) do
    if fine then good = good + 1 else first = first or tostring(err) end
  end
  return good, count, first
end

local function has_status(...)
  local wanted = {}
  for _, status in ipairs { ... } do wanted[status] = true end
  return function(res, err)
    if not res then return nil, err end
    return wanted[res.status], ("status %d"):format(res.status)
  end
end

local is_200, is_post = has_status(200), has_status(200, 204, 403, 404, 405, 411, 501)
local is_304 = has_status(304)

local M = {
  { "small", function(client, server, share)
    return many(SMALL * share, function()
      local res, err = client:get(server.url .. "/small")
      return is_200(res, err) and #res.body == 1024, err
    end)
  end },
  { "300 KiB", function(client, server, share)
    return many(BIG * share, function()
      local res, err = client:get(server.url .. "/big")
      if not res then return nil, err end
      return #res.body == SIZE, "a body of " .. #res.body
    end)
  end },
  { "HEAD", function(client, server, share)
    return many(100 * share, function()
      local res, err = client:head(server.url .. "/big")
      return is_200(res, err) and res.body == "", err
    end)
  end },
  { "304", function(client, server, share)
    local modified = client:head(server.url .. "/small").headers["last-modified"]
    return many(100 * share, function()
      return is_304(client:get(server.url .. "/small", { headers = { ["if-modified-since"] = modified } }))
    end)
  end },
  { "POST", function(client, server, share)
    return many(100 * share, function(i)
      local res, err = client:post(server.url .. (server.post or "/small"), ("x"):rep(i * 1000))
      return is_post(res, err)
    end, 6)
  end },
  { "chunked POST", function(client, server, share)
    return many(50 * share, function()
      local left = 5
      return is_post(client:post(server.url .. (server.post or "/small"), function()
        left = left - 1
        return left >= 0 and ("x"):rep(20000) or nil
      end))
    end, 6)
  end },
  { "trailers", function(client, server, share)
    if not server.trailers then return 0, 0 end
    return many(100 * share, function()
      local res, err = client:get(server.url .. server.trailers)
      return res and res.trailers and res.trailers["x-sum"] == "abc", err
    end)
  end },
  { "cancels", function(client, server, share)
    return many(100 * share, function()
      local stream = assert(client:open { url = server.url .. "/big" })
      if not stream:read(1000) then return nil, select(2, stream:closed()) end
      stream:cancel()
      return stream:closed() == "cancelled" or stream.close_reason == "ended"
    end, 6)
  end },
  { "aborted uploads", function(client, server, share)
    return many(30 * share, function()
      local url = server.url .. (server.post or "/small")
      local stream = assert(client:open { url = url, method = "POST", body = rill.streaming })
      stream:write(("x"):rep(50000))
      rill.sleep(0.001)
      stream:cancel()
      return stream:closed() ~= nil
    end, 6)
  end },
  { "behind idleness", function(client, server, share) -- the server closes as, or before, a request comes
    local idle = server.idle or 1
    return many(24 * share, function(i)
      assert(is_200(client:get(server.url .. "/small")))
      rill.sleep(idle - 0.04 + i * 0.004)
      return is_200(client:get(server.url .. "/small"))
    end, 6)
  end },
  { "again", function(client, server, share)
    return many(200 * share, function() return is_200(client:get(server.url .. "/small")) end)
  end },
}

return M
