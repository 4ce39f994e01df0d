--- Logs in by a form. The cookies are kept in a file, so the next run is logged in already.
--- usage: luajit login.lua https://example.com USER PASSWORD COOKIES.txt
local rill = require("rill")

local base, user, password, file = arg[1], arg[2], arg[3], arg[4]

local function is_login(page)
  return page.url:find("/login", 1, true)
end

rill.run(function()
  local jar = assert(rill.cookies.jar(file)) -- a file that is not there is an empty jar
  local client = rill.client { cookies = jar }

  local page = assert(client:get(base .. "/account")) -- who is not logged in is redirected to the form
  if is_login(page) then
    local token = page:text():match('name="token" value="([^"]*)"') -- most forms have one that must come back
    page = assert(client:post(page.url, rill.form { user = user, password = password, token = token }))
    if not page.ok or is_login(page) then error(("not logged in: %s"):format(page)) end
    print("logged in as " .. user)
  end
  print(page:text())

  assert(jar:save(file, { session = true }))
  client:close()
end)
