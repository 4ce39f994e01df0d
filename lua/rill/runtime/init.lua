--- The world this process lives in: what parks and resumes tasks, and who steps the loop.
local core = require("rill.runtime.core")

-- No global: a strict script asks for none that is not there.
local ngx = package.loaded.ngx
local in_nginx = type(ngx) == "table" and type(ngx.get_phase) == "function" and type(ngx.config) == "table"

core.adopt(require(in_nginx and "rill.runtime.nginx" or "rill.runtime.standalone"))

return core
