-- Runs spec files side by side, each in a process of its own:
--   luajit .ci/specs.lua [--jobs=N] [--limit=SECONDS] [--under=LIBRARY] [busted's flags] [-- FILE or DIRECTORY...]
--
-- jobs   how many at a time (4): most of them wait for something
-- limit  for all of them (3600); what has not ended by then fails
-- under  a library built with sanitizers, for .ci/sanitized; of a directory's files those are left out that say
--        "not under sanitizers" at their beginning: what they run are other programs, which have none
--
-- What a file printed stands together. A file fails when one of its specs does, when its process crashes or does not
-- end, and when it has no spec. The last line is the sum, "N passed, N failed".
package.path = "./spec/?.lua;" .. package.path
local ffi = require "ffi"
local lfs = require "lfs"
local ca = require "support.ca"
local deadline = require "support.deadline"
local process = require "support.process"
local scratch = require "support.scratch"

local FILE_SECONDS = 2400 -- for what hangs: a busy machine takes four times as long as a quiet one
local SECONDS = "build/spec_seconds" -- what each file took, of the last run: the longest ones begin
local LONG = ".ci/long_specs" -- the same, for a tree without such a run: long ones, seconds of processor time
local UNKNOWN = 4 -- seconds that others are taken to need

local options = { jobs = 4, limit = 3600, under = false, seed = false }
local flags, roots = {}, {}

local function read_arguments()
  local list = flags
  for _, word in ipairs(arg) do
    local name, value = word:match "^%-%-(%w+)=(.+)$"
    if word == "--" then
      list = roots
    elseif list == flags and options[name] ~= nil then
      options[name] = tonumber(value) or value
    else
      list[#list + 1] = word
    end
  end
  if not roots[1] then roots[1] = "spec" end
end

--- Whether one of busted's flags begins like this.
local function has_flag(...)
  for _, flag in ipairs(flags) do
    for _, beginning in ipairs { ... } do
      if flag:sub(1, #beginning) == beginning then return true end
    end
  end
  return false
end

local function last_seconds()
  local seconds = {}
  for _, list in ipairs { LONG, SECONDS } do
    local file = io.open(list)
    for line in file and file:lines() or function() end do
      local took, path = line:match "^([%d.]+) (.+)$"
      if took then seconds[path] = tonumber(took) end
    end
    if file then file:close() end
  end
  return seconds
end

local function keep_seconds(seconds)
  local file = io.open(SECONDS, "w")
  if not file then return end
  for path, took in pairs(seconds) do file:write(("%.2f %s\n"):format(took, path)) end
  file:close()
end

local function shuffle(list)
  math.randomseed(options.seed)
  for i = #list, 2, -1 do
    local j = math.random(i)
    list[i], list[j] = list[j], list[i]
  end
end

local function is_for_sanitizers(path)
  local file = assert(io.open(path))
  local beginning = file:read(400) or ""
  file:close()
  return not beginning:find("not under sanitizers", 1, true)
end

-- In the order in which they begin: the longest first, of those that take as long by name.
local function spec_files(seconds)
  local files = {}
  for _, root in ipairs(roots) do
    local found = lfs.attributes(root, "mode") == "directory" and scratch.find(root) or { root }
    for _, path in ipairs(found) do
      local wanted = path == root or path:find "_spec%.lua$" and (not options.under or is_for_sanitizers(path))
      if wanted then files[#files + 1] = path end
    end
  end
  table.sort(files, function(a, b)
    local left, right = seconds[a] or UNKNOWN, seconds[b] or UNKNOWN
    if left ~= right then return left > right end
    return a < b
  end)
  if has_flag "--shuffle" then shuffle(files) end
  return files
end

local function start(path, directory, number)
  local argv = { arg[-1], ".ci/busted.lua", "--ignore-lua", "--seed=" .. options.seed, unpack(flags) }
  argv[#argv + 1] = path
  if options.under then
    table.insert(argv, 1, ".ci/sanitized")
    table.insert(argv, 2, options.under)
  end
  return { path = path, began = deadline.now(), process = process.start(argv, directory .. "/" .. number) }
end

-- Reads what a file's process said; returns the counts, and what else was wrong.
local function verdict(job, output, late)
  local status, said = job.process.status, output:match "%d+ passed, %d+ failed\n$"
  local passed, failed = (said or "0 passed, 0 failed"):match "(%d+)%D+(%d+)"
  passed, failed = tonumber(passed), tonumber(failed)
  if late then return passed, failed + 1, "did not end in time" end
  if failed > 0 then return passed, failed end
  if status > 128 then return passed, 1, "ended by signal " .. status - 128 end
  if status ~= 0 then return passed, 1, "ended with status " .. status end
  if not said then return passed, 1, "ended without a sum" end
  local partial = has_flag("--filter", "--tags", "--exclude-tags", "-t", "--name")
  if passed == 0 and not partial and not output:find "pending: " then return 0, 1, "ran no spec" end
  return passed, failed
end

local function report(job, late)
  local output = job.process:output()
  local passed, failed, wrong = verdict(job, output, late)
  io.write((output:gsub("\n*%d+ passed, %d+ failed\n$", "\n")))
  if wrong then io.write(("FAILED %s %s\n"):format(job.path, wrong)) end
  io.flush()
  return passed, failed
end

local function run(files, seconds)
  local directory, last = scratch.directory "specs", deadline.now() + options.limit
  local running, next_file, sum = {}, 1, { passed = 0, failed = 0, broken = {} }
  local function finish(i, late)
    local job = table.remove(running, i)
    local passed, failed = report(job, late)
    seconds[job.path] = deadline.now() - job.began
    sum.passed, sum.failed = sum.passed + passed, sum.failed + failed
    if failed > 0 then sum.broken[#sum.broken + 1] = job.path end
  end
  local function step()
    while #running < options.jobs and files[next_file] do
      running[#running + 1] = start(files[next_file], directory, next_file)
      next_file = next_file + 1
    end
    for i = #running, 1, -1 do
      local now = deadline.now()
      local late = now > last or now - running[i].began > FILE_SECONDS
      if late then running[i].process:stop() end
      if running[i].process:ended() then finish(i, late) end
    end
    return #running == 0 and not files[next_file]
  end
  deadline.wait(step, math.huge)
  return sum
end

-- What the files' processes have in common, for support.scratch and support.ca.
local function share()
  ffi.cdef "int setenv(const char *name, const char *value, int overwrite);"
  local directory = scratch.directory "run"
  assert(lfs.mkdir(directory .. "/ca"))
  ca.make(directory .. "/ca")
  ffi.C.setenv("RILL_SPEC_RUN", directory, 1)
end

read_arguments()
options.seed = options.seed or os.time() % 100000
local seconds, began = last_seconds(), deadline.now()
local files = spec_files(seconds)
if #files > 1 and not os.getenv "RILL_SPEC_RUN" then share() end
local sum = run(files, seconds)
keep_seconds(seconds)
if has_flag "--shuffle" then io.write("\nshuffled with --seed=", options.seed, "\n") end
for _, path in ipairs(sum.broken) do io.write("\nfailed: ", path) end
io.write(("\n%d files in %.0f s\n"):format(#files, deadline.now() - began))
local filtered = has_flag("--filter", "--tags", "--exclude-tags", "-t", "--name")
if filtered and sum.passed + sum.failed == 0 then sum.failed = 1 end -- nothing passes that filter
io.write(("%d passed, %d failed\n"):format(sum.passed, sum.failed))
os.exit(sum.failed == 0 and 0 or 1, true)
