--- Uploads a file as browsers do, and reports how far it is.
--- usage: luajit upload.lua https://example.com/upload FILE
local rill = require("rill")

local url, path = arg[1], arg[2]

rill.run(function()
  local client = rill.client { timeout = 0 } -- as long as it takes
  local stream = assert(client:open {
    url = url,
    method = "POST",
    body = rill.multipart { { name = "title", value = "a file" }, { name = "file", file = path } },
  })

  local progress = rill.spawn(function()
    while true do
      io.stderr:write(("\r%d of %d bytes"):format(stream.bytes_sent, stream.request_content_length))
      rill.sleep(0.1)
    end
  end)
  local res, err = stream:response()
  progress:cancel()
  io.stderr:write("\n")

  if not res then error(tostring(err)) end
  print(res.status, stream.bytes_sent .. " bytes sent")
  print(res.body)
  client:close()
end)
