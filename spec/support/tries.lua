--- What a machine that stands still for a moment may spoil, tried again: so often and no more, however quick a try is.
-- A fault that spoils nearly every try is found that way; one that waits for a while with another try would hide it.

--- Calls `try` until it returns something true, so many times at most; then raises what the last one said.
---@param most integer
---@param try fun(): any, any whatever is returned here, or false and why
---@param what string? what is tried, for the message where `try` does not say why
---@return any whatever the try returned
return function(most, try, what)
  local said
  for _ = 1, most do
    local result, why = try()
    if result then return result end
    said = why
  end
  error(("%d tries, none with %s"):format(most, tostring(said or what or "a result")), 2)
end
