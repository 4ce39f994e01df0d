--- A command for Neovim, :Fetch URL: the page's text in a new buffer, while the editor goes on.
--- Put it where Neovim looks for plugins: ~/.config/nvim/plugin/fetch.lua. rill has to be where require finds it.
local rill = require("rill")
rill.use "luv"

local client = rill.client { timeout = 20 }

local function lines_of(text)
  return vim.split(text:gsub("\r", ""), "\n", { plain = true })
end

-- What touches the editor runs from vim.schedule: a task runs inside the event loop, where Neovim forbids that.
local function show(buffer, text)
  vim.schedule(function()
    if vim.api.nvim_buf_is_valid(buffer) then vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines_of(text)) end
  end)
end

local function fetch(buffer, url)
  local res, err = client:get(url)
  if not res then return show(buffer, "failed: " .. tostring(err)) end
  show(buffer, res:text() or "no text: " .. url)
end

vim.api.nvim_create_user_command("Fetch", function(command)
  vim.cmd "new"
  local buffer = vim.api.nvim_get_current_buf()
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, { "fetching " .. command.args .. " ..." })
  rill.run(fetch, buffer, command.args)
end, { nargs = 1 })
