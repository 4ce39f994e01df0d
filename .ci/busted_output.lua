--- Busted's output for rill: a line for each file, failures in full, and at last the sum in the
-- form "N passed, N failed", alone on its line. Errors count as failed; pending ones are named.
if not rawget(_G, "jit") then
  io.stderr:write("rill needs LuaJIT 2.1: this is ", _VERSION, "; run `make test`\n")
  os.exit(1)
end
local busted = require("busted")
local base = require("busted.outputHandlers.base")

---@param failure table what the base handler keeps: name, element, message, trace
local function describe(failure)
  local trace = failure.element.trace or failure.trace or {}
  local where = ("%s:%s"):format(trace.short_src or "?", trace.currentline or "?")
  local message = failure.message
  if type(message) ~= "string" then message = require("pl.pretty").write(message) end
  local traceback = failure.trace and failure.trace.traceback or ""
  return ("\n%s %s\n%s\n%s%s\n"):format(failure.isError and "ERROR" or "FAILED", failure.name, where,
    message, traceback)
end

return function()
  local handler = base()
  local before = { passed = 0, failed = 0 }

  local function passed() return handler.successesCount end
  local function failed() return handler.failuresCount + handler.errorsCount end

  -- The name is there before the file runs: when it hangs, one sees where.
  busted.subscribe({ "file", "start" }, function(file)
    before.passed, before.failed = passed(), failed()
    io.write(file.name, " ")
    io.flush()
  end)

  busted.subscribe({ "file", "end" }, function(file)
    local failures = failed() - before.failed
    io.write(("%d passed%s  (%.2f s)\n"):format(passed() - before.passed,
      failures > 0 and (", %d FAILED"):format(failures) or "", file.duration or 0))
    io.flush()
  end)

  busted.subscribe({ "suite", "end" }, function()
    for _, pending in ipairs(handler.pendings) do io.write("\npending: ", pending.name, "\n") end
    for _, failure in ipairs(handler.failures) do io.write(describe(failure)) end
    for _, failure in ipairs(handler.errors) do io.write(describe(failure)) end
    io.write(("\n%d passed, %d failed\n"):format(passed(), failed()))
    io.flush()
  end)

  return handler
end
