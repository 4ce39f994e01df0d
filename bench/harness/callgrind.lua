--- Counts the instructions of programs: a figure that the load and the age of a machine leave alone.
local process = require("process")
local system = require("system")

local M = {}

local RUN_WITHIN = 120 -- seconds

-- glibc copies much at once by `rep movsb`, which counts as an instruction for each byte: here it does not.
local TUNABLES = "GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=100000000"

-- Instructions by object file, of a file that callgrind wrote: "ob=(3) /usr/lib/x.so" or "ob=(3)" says where those
-- after it belong, a line that begins with a position ends with its cost; what follows "calls=" is the callee's.
local function read_objects(path)
  local names, costs, object, callee = {}, {}, nil, false
  for line in io.lines(path) do
    local id, name = line:match("^c?ob=(%(%d+%))%s*(.*)$")
    if id then
      if name ~= "" then names[id] = name end
      if line:sub(1, 2) == "ob" then object = id end
    elseif line:find("^calls=") then
      callee = true
    elseif line:find("^[%d+*-]") then
      if not callee then costs[object] = (costs[object] or 0) + tonumber(line:match(" (%d+)$") or 0) end
      callee = false
    end
  end
  local rill, all = 0, 0
  for id, cost in pairs(costs) do
    all = all + cost
    if names[id]:find("librill", 1, true) then rill = rill + cost end
  end
  return rill, all
end

-- Instructions of one program: librill's own, and all.
local function count(files, argv)
  local out = files:file("callgrind.out")
  local words = { "env", TUNABLES, "setarch", "-R", "valgrind", "--quiet", "--tool=callgrind",
    "--callgrind-out-file=" .. out }
  for _, word in ipairs(argv) do words[#words + 1] = word end
  process.run(words, files:file("client.out"), RUN_WITHIN)
  return read_objects(out)
end

--- Instructions of a unit of a program's work: the difference between much and little of it, which is without start,
--- handshake and compilation.
---@param files bench.Scratch
---@param few integer units
---@param many integer units
---@param argv_of fun(units: integer): string[] the program and its arguments
---@return number own librill's; 0: the program does without
---@return number all
function M.per_unit(files, few, many, argv_of)
  assert(system.line_of("command -v valgrind"), "valgrind is not installed")
  local rill_many, all_many = count(files, argv_of(many))
  local rill_few, all_few = count(files, argv_of(few))
  return (rill_many - rill_few) / (many - few), (all_many - all_few) / (many - few)
end

return M
