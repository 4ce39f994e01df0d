--- The world this process lives in: what parks and resumes tasks, and who steps the loop.
local core = require("rill.runtime.core")

core.adopt(require("rill.runtime.standalone"))

return core
