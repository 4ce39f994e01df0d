--- rill crawl: whole sites, as data. Nothing here that a script could not do with rill.crawl.
local arguments = require("rill.cli.arguments")
local checks = require("rill.core.arguments")
local common = require("rill.cli.common")
local crawl = require("rill.crawl")
local descriptors = require("rill.crawl.descriptors")
local files = require("rill.crawl.file")
local flags = require("rill.cli.crawl_flags")
local frontiers = require("rill.crawl.frontiers")
local html = require("rill.html")
local output = require("rill.cli.output")
local progress = require("rill.crawl.progress")
local rill = require("rill")
local shared_file = require("rill.crawl.shared_file")
local summary = require("rill.cli.summary")
local url = require("rill.url")
local urls = require("rill.cli.urls")

local M = {}

M.flags = flags.all

local USAGE = [[
usage: rill crawl URL... [OPTION...]
       rill crawl FILE.lua [URL...] [OPTION...]
       rill crawl --state FILE

Crawls sites. URL may be @FILE, which has one on each line. FILE.lua returns a table of options, with handlers; options
of the command line win. Without handlers a line of JSON is written for each URL.
Exit status: 0 finished, or ended by a limit; 1 no start URL answered; 2 a wrong command line; 3 see --fail-above;
4 a state or an output; 130 INT, 143 TERM.
]]

--- The help.
---@return string
function M.help()
  local parts = { USAGE }
  for _, group in ipairs(flags.groups) do
    parts[#parts + 1] = "\n" .. group[1] .. "\n" .. arguments.help({ unpack(group, 2) })
  end
  return table.concat(parts)
end

-- The table that a file returns.
local function script_of(path)
  local chunk, why = loadfile(path)
  if not chunk then arguments.fail("%s", why) end
  local ok, options = xpcall(chunk, function(raised) return debug.traceback(tostring(raised), 2) end)
  if not ok then arguments.fail("%s: %s", path, options) end
  if type(options) ~= "table" then
    arguments.fail("%s: it must return a table of options, not %s", path, type(options))
  end
  return options
end

local function merge(into, from)
  for name, value in pairs(from) do
    if type(value) == "table" and type(into[name]) == "table" and not value[1] then
      merge(into[name], value)
    else
      into[name] = value
    end
  end
end

local function list_or_word(value, words)
  if value == nil or words[value] then return value end
  local list = {}
  for word in value:gmatch "[^,%s]+" do list[#list + 1] = word end
  return list
end

-- What a scope or a list may hold is looked at here, so that no crawl begins with a word that means nothing.
local function check_each(flag, list, what, is_right)
  if type(list) ~= "table" then return end
  if not list[1] then arguments.fail("%s takes a list with commas", flag) end
  for _, word in ipairs(list) do
    if not is_right(word) then arguments.fail("%s takes %s: got %q", flag, what, tostring(word)) end
  end
end

-- Whether a word names a file of options: no host ends so.
local function is_script(word)
  return word:find "%.lua$" ~= nil and not word:find "://"
end

local function is_place(word)
  local prefix = word:match "^(%a[%w+.-]*://[^*]*)"
  return word ~= "" and not word:find "%s" and (not prefix or url.parse((prefix:gsub("%$$", ""))) ~= nil)
end

local function is_url(word)
  local normal = url.normalize(word)
  return normal ~= nil and normal:find "^https?://" ~= nil
end

local function is_tag(word)
  return (pcall(html.scan, "", "http://h/", { tags = { word } }))
end

local function is_type(word)
  return word == "html" or word == "xhtml" or word:find "^[^/]+/[^/]+$" ~= nil
end

local function is_status(word)
  return type(word) == "number" and word % 1 == 0 and word >= 100 and word <= 599
end

local function words_of_lists(given)
  given.links = list_or_word(given.links, { pages = true, all = true })
  given.types = list_or_word(given.types, { all = true })
  if given.sitemaps then given.sitemaps = list_or_word(given.sitemaps, { robots = true, auto = true }) end
  check_each("--links", given.links, "pages, all or tags that have links, as a,area,img", is_tag)
  check_each("--types", given.types, "all, html, xhtml or types as text/plain", is_type)
  check_each("--sitemaps", given.sitemaps, "robots, auto or URLs", is_url)
  check_each("--retry-status", given.retry_status, "statuses from 100 to 599", is_status)
  for _, name in ipairs { "allow", "deny" } do
    check_each("--" .. name, given[name], "a host, host:port, .host or a URL prefix", is_place)
  end
end

-- What is no stream of lines, or cannot be one beside items, has a file of its own.
local function check_files(given)
  for _, name in ipairs { "har", "save", "skipped", "warc", "waterfall" } do
    if given[name] == "-" then arguments.fail("--%s takes a path, got \"-\": ./- is a file of that name", name) end
  end
end

-- --out with --format, --fields and --append.
local function outputs_of(given)
  if not given.out then
    if given.append or given.format or given.fields then
      arguments.fail("--append, --format and --fields are of --out, which is missing")
    end
    return nil
  end
  local list = {}
  for i, path in ipairs(given.out) do
    list[i] = { path = path, format = given.format, fields = given.fields, append = given.append or nil }
    if not (given.format or given.fields or given.append) then list[i] = path end
  end
  return list
end

-- What has no meaning without a state, and what without one that is shared.
local OF_STATE = { "recrawl", "unchanged", "remember", "durable" }
local OF_REDIS = { "worker", "lease", "unreachable", "expect" }

local function check_state(given, state)
  for _, name in ipairs(OF_STATE) do
    if given[name] and not state then arguments.fail("--%s is of --state, which is missing", name) end
  end
  for _, name in ipairs(OF_REDIS) do
    if given[name] and not frontiers.is_shared(state) then
      arguments.fail("--%s is of a --state in Redis, which is missing", name)
    end
  end
end

-- A list, which a state keeps; with a file that may be long, an iterator.
local function starts_of(words)
  for _, word in ipairs(words) do
    if word:find "^@." then return urls.each(words) end
  end
  local list = {}
  for address in urls.each(words) do list[#list + 1] = address end
  return list
end

local OWN = { "stats", "fail_above", "quiet", "verbose", "append", "format", "fields", "out" } -- no options of a crawl

local function options_of(given, script, words)
  local options, own = script or {}, {}
  local out = outputs_of(given)
  for _, name in ipairs(OWN) do own[name], given[name] = given[name], nil end
  local client = type(options.client) == "table" and options.client.request == nil and options.client or nil
  local extra = common.client_options(given, {})
  if own.quiet then extra.on_warning = function() end end
  if next(extra) then given.client = given.client or {} merge(given.client, extra) end
  if options.client and not client and given.client then
    arguments.fail("the file gives a client: options of requests belong there")
  end
  words_of_lists(given)
  check_files(given)
  if given.state and not given.state[2] then given.state = given.state[1] end
  if given.per_origin and checks.is_callable(options.per_origin) then options.per_origin = nil end
  merge(options, given)
  check_state(given, options.state)
  if words[1] then options.start = starts_of(words) end
  options.out = out or options.out
  if options.start ~= nil and options.out == nil and not options.save and not options.warc then options.out = "-" end
  if own.quiet then options.progress = false end
  return options, own
end

-- USR1 shows where the crawl is.
local function watch(running)
  while true do
    rill.signal "USR1"
    progress.say(running, progress.line(running))
  end
end

-- What options mean together is known as the crawl begins: what raises then is a wrong command line.
local function run(running)
  local ok, done, err = pcall(rill.run, function()
    local watching = rill.spawn(watch, running)
    local done, err = running:run()
    watching:cancel()
    return done, err
  end)
  if ok then return done, err end
  local wrong = tostring(done):match "^[^\n]-:%d+: crawl: ([^\n]*)"
  if wrong then arguments.fail("%s", wrong) end
  error(done, 0)
end

local function not_written(path, why)
  common.say("cannot write %s: %s", path, (why:gsub("^.*: ", ""))) -- some causes name the path, others do not
end

-- Opens a file of counters before the crawl, which has them only when it ends: what is there stays until then.
-- Second result: it is new.
local function open_stats(path)
  if path == "-" then return true end
  local is_new = not files.exists(path)
  local file, why = io.open(path, "a")
  if file then return file, is_new end
  not_written(path, why)
end

local function write_stats(path, stats)
  local text = summary.json(stats) .. "\n"
  if path == "-" then return output.write(text) end
  local file, why = io.open(path, "w")
  if file then
    local ok
    ok, why = file:write(text)
    if ok then ok, why = file:close() end
    if ok then return true end
  end
  not_written(path, why)
  return false
end
jit.off(write_stats) -- compiled code drops the results that nobody looks at

-- Where nothing was to be asked for (max_pages is 0, a recrawl finds all recent), nobody could.
local function nobody_answered(done)
  if done.pages > done.failed then return false end
  return done.failed > 0 or next(done.skipped) ~= nil or done.reason == "max_time"
end

local function status_of(own, done)
  if done.reason == "interrupted" then return common.SIGNALS[done.signal] or 130 end
  if nobody_answered(done) then
    common.say("no start URL answered%s", own.failure and ": " .. common.why(own.failure) or "")
    return 1
  end
  if own.fail_above and done.failed * 100 > own.fail_above * done.pages then
    common.say("%d of %d pages failed, which is more than %g %%", done.failed, done.pages, own.fail_above)
    return 3
  end
  return 0
end

local STATUS = { start = 1, state = 4, output = 4 }

local function failed(err)
  if err.reason == "output" and tostring(err):find "Broken pipe" then return 0 end -- nobody reads any more
  local status = type(err) == "string" and 4 or STATUS[err.reason] -- a string: something within has raised
  if not status then arguments.fail("%s", tostring(err)) end -- there is no client: as with the other commands
  common.say("%s", tostring(err))
  return status
end

local function finish(own, done)
  local is_written = not own.stats or write_stats(own.stats, done)
  -- With -q too where the counters would be nowhere else.
  if not own.quiet or not is_written then io.stderr:write("rill: ", done.reason, "\n", summary.text(done)) end
  local status = status_of(own, done)
  return is_written and status or 4
end

--- Runs the command.
---@param given table
---@param words string[]
---@return integer status
function M.run(given, words)
  local script
  if words[1] and is_script(words[1]) then script = script_of(table.remove(words, 1)) end
  for _, word in ipairs(words) do
    if is_script(word) and not word:find "^@" then
      arguments.fail("%q is no URL: a file of options stands before all URLs", word)
    end
  end
  if given.fail_above and given.fail_above > 100 then
    arguments.fail("--fail-above takes a percentage, 0 to 100, got %g", given.fail_above)
  end
  local options, own = options_of(given, script, words)
  common.checked(shared_file.check, { state = options.state, out = options.out, skipped = options.skipped,
    har = options.har, waterfall = options.waterfall, stats = own.stats })
  descriptors.raise(descriptors.MANY)
  local running = common.checked(crawl.new, options)
  running.quiet = own.quiet
  function running.on_exchange(_, address, status, why, pause)
    own.failure = own.failure or why
    common.exchange(own, address, status, why, pause)
  end
  if options.start == nil and options.state == nil then arguments.fail("URL is missing") end
  local stats, is_new = true, false
  if own.stats then stats, is_new = open_stats(own.stats) end
  if not stats then return 4 end
  local called, done, err = pcall(run, running)
  if is_new and not (called and done) then os.remove(own.stats) end -- there are no counters
  if not called then error(done, 0) end
  local status = done and finish(own, done) or failed(err)
  if io.type(stats) then stats:close() end -- only now: who reads a pipe waits for the counters
  return status
end

return M
