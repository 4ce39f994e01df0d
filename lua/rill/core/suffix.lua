--- The public suffix list, by libpsl: under which names anybody may register a domain.
--- Loaded on first use.
local ffi = require("rill.core.ffi")

local errors = require("rill.errors")

local M = {}

local LIBRARY, PACKAGE = "libpsl.so.5", "libpsl5"

pcall(ffi.cdef, [[
typedef struct rill_psl rill_psl;
const rill_psl *psl_builtin(void);
const rill_psl *psl_latest(const char *file);
int psl_is_public_suffix(const rill_psl *list, const char *domain);
const char *psl_registrable_domain(const rill_psl *list, const char *domain);
]])

local library, list

--- Loads the library; raises what to install where it is not there.
function M.load()
  if list then return end
  local loaded, found = pcall(ffi.load, LIBRARY)
  if not loaded then
    errors.raise(("rill: cookies and same_site need libpsl (Debian: apt-get install %s): %s"):format(PACKAGE, found))
  end
  library, list = found, found.psl_builtin()
  if list == nil then error("rill: " .. LIBRARY .. " was built without a list of public suffixes", 0) end
end

--- Whether anybody may register names below this one.
---@param host string in lower case, ASCII, no address
---@return boolean
function M.is_public(host)
  M.load()
  return library.psl_is_public_suffix(list, host) ~= 0
end

--- The part of a name that its owner has registered: "example.co.uk" of "www.example.co.uk".
---@param host string in lower case, ASCII, no address
---@return string? domain nil where the host is a public suffix itself
function M.registrable(host)
  M.load()
  local domain = library.psl_registrable_domain(list, host)
  return domain ~= nil and ffi.string(domain) or nil
end

return M
