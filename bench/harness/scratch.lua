--- The directory of one run: certificates, files that are served, what programs print.
local process = require("process")
local system = require("system")

local M = {}

---@class bench.Scratch
---@field path string
---@field ca string path of the certificate that clients trust
---@field certificate string the servers'
---@field key string
---@field root string what is served
local Scratch = {}
Scratch.__index = Scratch

local NAMES = "subjectAltName=DNS:localhost,DNS:*.bench.test,IP:127.0.0.1"
local SMALL_FILES = 256 -- bodies that differ, so that equal strings do not hide what a string costs

function Scratch:_openssl(...)
  process.run({ "openssl", ... }, self.path .. "/openssl.out", 60)
end

-- An authority and a leaf that it signed: clients verify a chain, as they would outside.
function Scratch:_certify()
  self.ca, self.certificate, self.key = self.path .. "/ca.pem", self.path .. "/leaf.pem", self.path .. "/leaf.key"
  local ca_key = self.path .. "/ca.key"
  self:_openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", ca_key, "-out", self.ca,
    "-subj", "/CN=rill bench authority", "-addext", "keyUsage=critical,keyCertSign")
  self:_openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", self.key,
    "-out", self.certificate, "-CA", self.ca, "-CAkey", ca_key, "-subj", "/CN=localhost", "-addext", NAMES,
    "-addext", "basicConstraints=critical,CA:FALSE")
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  file:close()
end
M.write = write

-- Random, so that no two bodies or chunks are the same string. Read piece by piece: what this process
-- has resident is a floor under the peak memory that the system reports of what it starts.
function Scratch:_fill()
  local source = self.path .. "/random"
  self:_openssl("rand", "-out", source, tostring(SMALL_FILES * (1024 + 65536)))
  local random = assert(io.open(source, "rb"))
  for i = 0, SMALL_FILES - 1 do
    write(("%s/1k-%d"):format(self.root, i), random:read(1024))
    write(("%s/64k-%d"):format(self.root, i), random:read(65536))
    collectgarbage("step", 100)
  end
  random:close()
  write(self.root .. "/empty", "")
end

--- A file of random bytes among those that are served, made when it is first asked for.
---@param name string
---@param size integer bytes
---@return string path
function Scratch:large(name, size)
  local path = self.root .. "/" .. name
  local file = io.open(path, "rb")
  if file then
    file:close()
  elseif size == 0 then
    write(path, "") -- openssl refuses
  else
    self:_openssl("rand", "-out", path, tostring(size))
  end
  return path
end

-- Words of one to twelve letters, of which some come far more often than others.
local function words()
  local list = {}
  for i = 1, 2000 do
    local letters = {}
    for j = 1, math.random(1, 12) do
      letters[j] = string.char(math.random(97, 122))
    end
    list[i] = table.concat(letters)
  end
  return list
end

--- Files of 64 KiB of text among those that are served, each compressed beside it.
---@param prefix string of their names, a number follows
function Scratch:texts(prefix)
  math.randomseed(1)
  local vocabulary = words()
  for i = 0, SMALL_FILES - 1 do
    local text, length = {}, 0
    while length <= 65536 do -- the last one has no space behind it
      local word = vocabulary[math.ceil(#vocabulary * math.random() ^ 4)]
      text[#text + 1] = word
      length = length + #word + 1
    end
    write(("%s/%s%d"):format(self.root, prefix, i), table.concat(text, " "):sub(1, 65536))
  end
  assert(os.execute(("gzip -k '%s/%s'*"):format(self.root, prefix)) == 0, "gzip failed")
end

--- A file of 256 MiB of zeros, which stands there in gzip alone.
---@param name string
function Scratch:bomb(name)
  local path = ("%s/%s"):format(self.root, name)
  assert(os.execute(("head -c 268435456 /dev/zero | gzip >'%s.gz' && : >'%s'"):format(path, path)) == 0, "gzip failed")
end

--- A file of this directory.
---@param name string
---@return string path
function Scratch:file(name)
  return self.path .. "/" .. name
end

function Scratch:remove()
  os.execute("rm -rf '" .. self.path .. "'")
end

---@return bench.Scratch
function M.new()
  local path = assert(system.line_of("mktemp -d -t rill-bench.XXXXXX"), "mktemp failed")
  local scratch = setmetatable({ path = path, root = path .. "/root" }, Scratch)
  os.execute(("mkdir '%s' '%s/temp'"):format(scratch.root, path))
  scratch:_certify()
  scratch:_fill()
  return scratch
end

return M
