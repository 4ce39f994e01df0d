-- Workers that are another user than the master, which has read and checked what clients were configured with.
local lfs = require "lfs"
local scratch = require "support.scratch"
local support = require "support"

local HTTP = [[
init_by_lua_block {
  rill = require "rill"
  open = assert(rill.client { tls = { ca_file = "$readable" }, timeout = 20 })
  secret = assert(rill.client { tls = { ca_file = "$secret" }, timeout = 20 })
  system = assert(rill.client { timeout = 20 })
  function tell(res, err)
    ngx.say(res and res.status or ("%s %s: %s"):format(err.reason, err.kind, err.message))
  end
}
]]

local SERVER = [[
location /user { content_by_lua_block { ngx.print(io.open("/proc/self/status"):read "*a") } }
location /get { content_by_lua_block { tell(open:get "$upstream/get") } }
location /secret { content_by_lua_block { tell(secret:get "$upstream/secret") } }
location /system { content_by_lua_block { tell(system:get "$upstream/system") } }
location /download { content_by_lua_block { tell(open:download("$upstream/file", "$folder/" .. ngx.var.arg_to)) } }
location /upload { content_by_lua_block { tell(open:post("$upstream/file", { file = "$secret" })) } }
]]

local function run(...)
  assert(os.execute("env -u LD_PRELOAD " .. table.concat({ ... }, " ")) == 0)
end

local it_as_root = scratch.is_root and it or pending -- only root's workers can become somebody else

describe("a worker of another user than its master", function()
  local upstream, server, folder

  setup(function()
    upstream = support.node { script = "got.js" }
    folder = support.directory "users"
    local text = support.read(upstream.ca)
    for _, name in ipairs { "readable", "secret" } do support.write(folder .. "/" .. name, text) end
    for _, name in ipairs { "own", "foreign" } do lfs.mkdir(folder .. "/" .. name) end
    run("chmod 711", folder:match "^(.*)/")
    run("chmod 755", folder)
    run("chmod 600", folder .. "/secret")
    if scratch.is_root then run("chown nobody", folder .. "/own") end
    local values = { upstream = upstream.url, readable = folder .. "/readable", secret = folder .. "/secret",
      folder = folder }
    server = support.openresty {
      config = SERVER, http_config = HTTP, values = values,
      user = "nobody nogroup",
    }
  end)
  teardown(function()
    server:stop()
    upstream:stop()
  end)

  it_as_root("fetches with a CA file that it can read", function()
    assert.falsy(server:get("/user"):find "Uid:%s+0")
    assert.equal("200\n", server:get "/get")
  end)

  it_as_root("is told which file it cannot read, by the request that needs it", function()
    local answer = server:get "/secret"
    assert.truthy(answer:find("file_error", 1, true) and answer:find(folder .. "/secret", 1, true), answer)
    assert.equal("200\n", server:get "/get")
  end)

  it_as_root("trusts the system's certificates", function()
    local answer = server:get "/system"
    assert.truthy(answer:find "^connect_failed tls: .*certificate", answer)
  end)

  it_as_root("writes and reads the files that its user may", function()
    assert.equal("200\n", server:get "/download?to=own/file")
    assert.equal("got /file", support.read(folder .. "/own/file"))
    local answer = server:get "/download?to=foreign/file"
    assert.truthy(answer:find "^file_error", answer)
    answer = server:get "/upload"
    assert.truthy(answer:find "^file_error", answer)
    assert.equal("200\n", server:get "/get")
  end)
end)
