--- One origin's manners: spacing, the adaptive limit, Retry-After, the breaker, robots.txt. A value without functions,
--- which the frontier keeps; nothing here waits, and each call is given the time.
local M = {}

local floor, max = math.floor, math.max

local GOOD_PAGES = 20 -- in a row, then one more at once
local SLOW, FAST = 0.02, 0.3 -- weights of the two averages of latency
local LATENCY_FLOOR = 0.25 -- seconds; a doubling below that means nothing
local DIALS = 5 -- failed ones in a row that open the breaker
local REST = 30 -- seconds
local MAX_REST = 600 -- seconds
local ROUNDS = 5 -- rests of the breaker
local MAX_CRAWL_DELAY = 60 -- seconds
local ROBOTS_AGE = 24 * 3600 -- seconds

M.ROBOTS_AGE = ROBOTS_AGE

---@class rill.CrawlOrigin
---@field key string "https://example.com"
---@field policy table the option `per_origin`
---@field in_flight integer
---@field limit number at once, now
---@field good integer good pages since the limit changed
---@field next_start number
---@field gap number seconds from the last start to that
---@field reached boolean? it has answered since the last dial that failed
---@field hold number Retry-After: nothing before that
---@field dials integer failed in a row
---@field rounds integer the breaker's rests
---@field open_until number
---@field answered boolean in this crawl
---@field later integer URLs that wait for a repeat
---@field dead table? { reason=, message=, kind= } or { skip= }: all that waits ends so
---@field robots table? { at=, body=, allow=, delay= }
---@field pages boolean? URLs of it were taken in, not only a sitemap's own
---@field asking boolean robots.txt is being fetched
---@field robots_tries integer
---@field robots_since number?
---@field robots_hold number
---@field slow number? seconds
---@field fast number?

---@param key string
---@param policy table
---@return rill.CrawlOrigin
function M.new(key, policy)
  return {
    key = key, policy = policy, in_flight = 0, limit = policy.concurrency, good = 0, next_start = 0, gap = 0, hold = 0,
    dials = 0, rounds = 0, open_until = 0, later = 0,
    answered = false, asking = false, robots_tries = 0, robots_hold = 0,
  }
end

--- Whether robots.txt has to be asked for first.
---@param o rill.CrawlOrigin
---@param now number
---@return boolean
function M.needs_robots(o, now)
  return not o.dead and (not o.robots or now - o.robots.at >= ROBOTS_AGE)
end

--- When the next request may start.
---@param o rill.CrawlOrigin
---@param now number
---@return number? time nil: not before something of it has ended
function M.due(o, now)
  if o.dead then return now end
  if o.asking then return nil end
  local limit = o.dials >= DIALS and 1 or floor(o.limit)
  if o.in_flight >= limit then return nil end
  if o.gap > 0 and not o.reached and o.in_flight > 0 then return nil end -- both would leave when the dial has ended
  return max(now, o.next_start, o.hold, o.open_until, o.robots_hold)
end

-- Seconds to the next start. Only our own delay varies by chance: Crawl-delay is the least.
local function spacing(o)
  local policy, robots = o.policy, o.robots
  local delay, jitter = policy.delay, policy.jitter
  if delay > 0 then delay = delay * (1 - jitter + 2 * jitter * math.random()) end
  if robots and robots.delay and policy.crawl_delay then
    delay = math.max(delay, math.min(MAX_CRAWL_DELAY, robots.delay))
  end
  return delay
end

--- A request starts.
---@param o rill.CrawlOrigin
---@param now number
function M.start(o, now)
  o.in_flight = o.in_flight + 1
  local delay = spacing(o)
  o.gap = delay
  if delay > 0 then o.next_start = now + delay end
end

local function slow_down(o)
  o.good = 0
  if o.policy.adaptive then o.limit = math.max(1, math.floor(o.limit / 2)) end
end

local function is_slower(o, latency)
  o.slow = o.slow and o.slow + SLOW * (latency - o.slow) or latency
  o.fast = o.fast and o.fast + FAST * (latency - o.fast) or latency
  return o.fast > LATENCY_FLOOR and o.fast > 2 * o.slow
end

local function answered(o, result)
  o.answered, o.dials, o.rounds, o.open_until = true, 0, 0, 0
  if result.latency and is_slower(o, result.latency) then
    slow_down(o)
    o.fast, o.slow = result.latency, o.fast -- from here on a doubling counts again
    return
  end
  if result.bad then return end
  o.good = o.good + 1
  if o.good >= GOOD_PAGES and o.policy.adaptive then
    o.good, o.limit = 0, math.min(o.policy.concurrency, o.limit + 1)
  end
end

local function dial_failed(o, result, now)
  o.dials = o.dials + 1
  if o.dials < DIALS or now < o.open_until then return end
  if not o.answered or o.rounds >= ROUNDS then
    o.dead = { reason = result.reason, kind = result.kind, message = result.message }
    return
  end
  o.open_until = now + math.min(MAX_REST, REST * 2 ^ o.rounds)
  o.rounds = o.rounds + 1
end

--- A request has ended.
---@param o rill.CrawlOrigin
---@param result { kind: "ok"|"busy"|"timeout"|"dial"|"other", latency: number?, hold: number?, bad: boolean?,
---  sent: number?, reason: string?, message: string? } busy: 429 or 503; bad: answered, but nothing to be pleased with;
---  sent: when the request had left, after a dial
---@param now number
function M.finish(o, result, now)
  o.in_flight = o.in_flight - 1
  o.reached = result.kind == "ok" or result.kind == "busy" or o.reached and result.kind ~= "dial"
  if result.sent and o.gap > 0 then o.next_start = math.max(o.next_start, result.sent + o.gap) end
  if result.hold then o.hold = math.max(o.hold, now + result.hold) end
  if result.kind == "ok" then
    answered(o, result)
  elseif result.kind == "busy" then
    o.answered, o.dials = true, 0
    slow_down(o)
  elseif result.kind == "timeout" then
    slow_down(o)
  elseif result.kind == "dial" then
    dial_failed(o, result, now)
  end
end

--- Pulls the next try of robots.txt back: 1 s doubling to 300.
local function rest_robots(o, now)
  o.robots_hold = now + math.min(300, 2 ^ o.robots_tries) * (0.5 + math.random() / 2)
  o.robots_tries = o.robots_tries + 1
end

--- What came of asking for robots.txt.
---@param o rill.CrawlOrigin
---@param robots { answer: "parsed"|"allow"|"wait"|"dial"|"never", body: string?, delay: number?, err: table? }
---@param options { robots_wait: number, retries: integer }
---@param now number
function M.robots(o, robots, options, now)
  o.asking = false
  if robots.answer == "parsed" or robots.answer == "allow" then
    o.robots = { at = now, body = robots.body, delay = robots.delay, parsed = robots.parsed }
    o.robots_tries, o.robots_since, o.robots_hold = 0, nil, 0
    return
  end
  o.robots_since = o.robots_since or now
  if robots.answer == "never" or robots.answer == "dial" and o.robots_tries >= options.retries then
    local err = robots.err
    o.dead = o.dead or { reason = err.reason, kind = err.kind, message = err.message }
  elseif robots.answer == "wait" and now - o.robots_since >= options.robots_wait then
    o.dead = { skip = "robots_unreachable" }
  else
    rest_robots(o, now)
    if robots.answer == "wait" then
      o.robots_hold = math.min(o.robots_hold, o.robots_since + options.robots_wait)
    end
  end
end

return M
