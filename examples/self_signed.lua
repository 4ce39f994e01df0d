--- Talks to a server whose certificate no known authority has signed: trusts that one, and checks it.
--- usage: luajit self_signed.lua https://localhost:8443/ CERTIFICATE.pem
local rill = require("rill")

local url, file = arg[1], arg[2]

rill.run(function()
  local careful = rill.client() -- trusts what the system trusts
  local res, err = careful:get(url)
  if not res then print(err.reason, err.kind, err) end

  -- Better than verify = false, which would believe anybody who answers.
  local client = rill.client { tls = { ca_file = file } }
  res, err = client:get(url)
  if not res then error(tostring(err)) end
  print(res.status, res.url)
end)
