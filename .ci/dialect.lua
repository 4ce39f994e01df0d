-- One Lua dialect: luajit .ci/dialect.lua FILE... What breaks it is written as path:line: what; then it fails.
--
-- * no tabs, no blanks at the end of a line; in lua/ lines begin with an even number of blanks
-- * require("x") with parentheses, in lua/
-- * a module in lua/rill returns one value, once, in its last statement; what runs inside Redis is no module
-- * what stands beside the task in lua/rill/task (map, queue, ...) touches no private field but those it declares
-- * a private field, _name, that a module of lua/rill writes is declared: ---@field private _name, of some class
local failed = 0

local function fail(path, number, what)
  failed = failed + 1
  io.stderr:write(("%s:%d: %s\n"):format(path, number, what))
end

local function lines_of(path)
  local file = assert(io.open(path))
  local list = {}
  for line in file:lines() do list[#list + 1] = line end
  file:close()
  return list
end

-- Lines with all that stands in long brackets left out, so that what is quoted there is not judged.
local function without_long_strings(lines)
  local list, closing = {}, nil
  for i, line in ipairs(lines) do
    local shown = line
    if closing then
      local _, last = line:find(closing, 1, true)
      shown = last and "  " .. line:sub(last + 1) or ""
      if last then closing = nil end
    end
    local at, equals = shown:match "()%[(=*)%["
    if at and not shown:sub(1, at):find "%-%-" and not closing then
      local wanted = "]" .. equals .. "]"
      if not shown:find(wanted, at, true) then
        closing, shown = wanted, shown:sub(1, at - 1)
      end
    end
    list[i] = shown
  end
  return list
end

local function check_layout(path, lines, code)
  for i, line in ipairs(lines) do
    if line:find "\t" then fail(path, i, "a tab") end
    if line:find "%s$" then fail(path, i, "blanks at the end") end
    local odd = #code[i]:match "^ *" % 2 == 1 and code[i]:find "%S"
    if odd and path:find "^lua/" then fail(path, i, "an odd number of blanks") end
  end
end

local function check_requires(path, code)
  for i, line in ipairs(code) do
    if line:gsub("%-%-.*", ""):find "require%s*[\"']" then fail(path, i, 'require("x") has parentheses') end
  end
end

local function check_return(path, code)
  local last, returned = 0, 0
  for i, line in ipairs(code) do
    if line:find "^return" then returned = returned + 1 end
    if line:find "^return" or line:find "^%a" and not line:find "^end" then last = i end
  end
  local statement = last > 0 and code[last] or ""
  if returned ~= 1 or not statement:find "^return%s" then
    fail(path, math.max(last, 1), "a module returns one value, once, at its end")
  elseif statement:find "^return [%w_.]+," then
    fail(path, last, "a module returns one value")
  end
end

local function declared_in(paths)
  local names = {}
  for _, path in ipairs(paths) do
    for _, line in ipairs(lines_of(path)) do
      local field = line:match "^%-%-%-@field (.*)"
      local name = field and field:gsub("^private ", ""):match "^[%w_]+"
      if name then names[name] = true end
    end
  end
  return names
end

local function check_fields(path, code, declared)
  for i, line in ipairs(code) do
    local text = line:gsub("%-%-.*", ""):gsub('"[^"]*"', '""')
    local target = text:match "^(.-)%s=%s" or ""
    for _, use in ipairs {
      { target, "%.(_%a[%w_]*)" }, { text, "self%.(_%a[%w_]*)%f[^%w_(]" }, { text, "[{,]%s*(_%a[%w_]*) = " },
    } do
      for name in use[1]:gmatch(use[2]) do
        if not declared[name] then fail(path, i, ("the field %s is declared by no class"):format(name)) end
      end
    end
  end
end

-- The task and what is one with it; the other rooms ask it.
local OF_THE_TASK = { init = true, failure = true, misplaced = true }

local function check_others(path, code)
  local name = path:match "^lua/rill/task/(%w+)%.lua$"
  if not name or OF_THE_TASK[name] then return end
  local own = declared_in { path }
  for i, line in ipairs(code) do
    for field in line:gsub("%-%-.*", ""):gmatch "%.(_%a[%w_]*)%f[^%w_(]" do
      if not own[field] then fail(path, i, ("the field %s is another module's"):format(field)) end
    end
  end
end

-- Whichever files are looked at, a field may be declared in any.
local modules, found = {}, assert(io.popen "find lua -name '*.lua'")
for path in found:lines() do modules[#modules + 1] = path end
found:close()
local declared = declared_in(modules)
for _, path in ipairs(arg) do
  local lines = lines_of(path)
  local code = without_long_strings(lines)
  check_layout(path, lines, code)
  if path:find "^lua/" then
    check_requires(path, code)
    if not path:find("/inside/", 1, true) then check_return(path, code) end
    check_fields(path, code, declared)
    check_others(path, code)
  end
end
os.exit(failed == 0 and 0 or 1)
