--- The value that a wait raises in a cancelled task: `rill.cancelled`. Compare with ==.
return setmetatable({}, {
  __tostring = function()
    return "rill.cancelled"
  end,
})
