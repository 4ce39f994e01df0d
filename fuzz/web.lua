--- Random cases of what is written in Lua: Location, dates of cookies, cookie files and Set-Cookie; selectors.
--- usage: luajit fuzz/web.lua SECONDS [SEED [SUBJECT]]     SECONDS, or a number of cases: 500x
--- A case that fails is shown with its seed, which alone repeats it: luajit fuzz/web.lua 1x SEED SUBJECT
local here = arg[0]:match "^(.*)/" or "."
package.path = ("%s/web/?.lua;%s/../lua/?.lua;%s/../lua/?/init.lua;%s"):format(here, here, here, package.path)

local SUBJECTS = { "location", "dates", "jar", "selectors" }
local ROUND = 200 -- cases between two looks at the clock
local SHOWN = 2000 -- bytes of a message

local limit, first, only = arg[1] or "60", tonumber(arg[2]) or os.time(), arg[3]
local cases, seconds = tonumber(limit:match "^(%d+)x$"), tonumber(limit)

local function run(subject, seed)
  math.randomseed(seed)
  local ok, why = pcall(require(subject))
  if ok then return end
  io.stderr:write(("%s, seed %.0f: %s\n"):format(subject, seed, tostring(why):sub(1, SHOWN)))
  os.exit(1, true)
end

local function run_all(subject)
  local began, seed = os.clock(), first
  repeat
    for _ = 1, cases or ROUND do
      run(subject, seed)
      seed = seed + 1
    end
  until cases or os.clock() - began >= seconds / #SUBJECTS
  print(("%s: %d cases from seed %.0f"):format(subject, seed - first, first))
end

for _, subject in ipairs(only and { only } or SUBJECTS) do run_all(subject) end
