-- Cases that nobody has thought of: those of `make fuzz`, a fixed number of them, always the same.
local process = require "support.process"
local support = require "support"

local CASES, SEED = "600x", "1000"

describe("whatever is in", function()
  for subject, what in pairs { location = "a Location or a chain of them", dates = "a cookie's date",
    jar = "a cookie file or a Set-Cookie field" } do
    it(what .. " is read by the rules", function()
      local argv = { "env", unpack(process.sanitizers()) }
      for _, word in ipairs { "luajit", "fuzz/web.lua", CASES, SEED, subject } do argv[#argv + 1] = word end
      process.run(argv, support.directory "random" .. "/output")
    end)
  end
end)
