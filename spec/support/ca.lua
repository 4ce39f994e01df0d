--- A certificate authority and leaf certificates, made with the openssl command: once per run of `.ci/specs.lua`, of
-- which each process has a copy, and where there is none once per process.
local process = require "support.process"
local scratch = require "support.scratch"

local NAMES = "DNS:localhost,DNS:*.test,DNS:a.test,DNS:b.test,DNS:c.test,DNS:www.test,IP:127.0.0.1,IP:::1"
local EXPIRED_CONFIG = [[
[ca]
default_ca = spec
[spec]
database = %s/index.txt
new_certs_dir = %s
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
]]

---@class support.CA
---@field directory string
---@field file string the trusted CA's certificate
---@field other_file string another CA's certificate
---@field key string the key of all leaves
---@field leaf string good for localhost, 127.0.0.1, ::1, a.test, b.test, c.test, www.test
---@field wrong_name string for another host
---@field expired string
---@field self_signed string
---@field untrusted string good, but signed by the other CA
local CA = {}
CA.__index = CA

local M = {}
local authority
local PLACES = { file = "ca.pem", other_file = "other.pem", key = "leaf.key", leaf = "leaf.pem",
                 wrong_name = "wrong_name.pem", untrusted = "untrusted.pem", self_signed = "self_signed.pem",
                 expired = "expired.pem" }

--- Makes one more key.
---@param name string file name without ending
---@return string path
function CA:make_key(name)
  local path = ("%s/%s.key"):format(self.directory, name)
  process.run({ "openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-out", path }, self.directory .. "/log")
  return path
end

--- Encrypts a key.
---@param key string path
---@param password string
---@return string path of the encrypted one
function CA:encrypt(key, password)
  local path = key .. ".encrypted"
  process.run({ "openssl", "pkey", "-in", key, "-aes256", "-passout", "pass:" .. password, "-out", path },
              self.directory .. "/log")
  return path
end

--- The pin of a certificate's key: base64 of the SHA-256 of its SubjectPublicKeyInfo.
---@param certificate string path
---@return string
function CA:pin(certificate)
  local out = certificate .. ".pin"
  local steps = "openssl x509 -in %s -noout -pubkey | openssl pkey -pubin -outform der | " ..
    "openssl dgst -sha256 -binary | openssl base64 > %s"
  process.run({ "sh", "-c", steps:format(certificate, out) }, self.directory .. "/log")
  return (scratch.read(out):gsub("%s", ""))
end

local function certificate(self, name, words)
  local path = ("%s/%s.pem"):format(self.directory, name)
  process.run({ "openssl", "req", "-x509", "-new", "-days", "30", "-subj", "/CN=" .. name, "-out", path,
                unpack(words) }, self.directory .. "/log")
  return path
end

local function root(self, name)
  local made = self:make_key(name)
  return certificate(self, name, { "-key", made, "-addext", "keyUsage=critical,keyCertSign,cRLSign" }), made
end

--- Makes one more certificate.
---@param name string file name without ending
---@param names string subject alternative names as openssl writes them, "DNS:a.test,IP:127.0.0.1"
---@param issuer string? "ca" (default) or "other"
---@param key string? path of its key; `self.key` by default
---@return string path of the PEM file
function CA:sign(name, names, issuer, key)
  local signer = ("%s/%s"):format(self.directory, issuer or "ca")
  return certificate(self, name, {
    "-key", key or self.key, "-CA", signer .. ".pem", "-CAkey", signer .. ".key",
    "-addext", "basicConstraints=critical,CA:FALSE", "-addext", "subjectAltName=" .. names })
end

--- Makes an intermediate authority, signed by "ca", that `sign` takes as issuer.
---@param name string file name without ending; its key is `name`.key in the directory
---@return string path of the PEM file
function CA:sign_authority(name)
  return certificate(self, name, {
    "-key", self:make_key(name), "-CA", self.directory .. "/ca.pem", "-CAkey", self.directory .. "/ca.key",
    "-addext", "keyUsage=critical,keyCertSign,cRLSign" })
end

-- `openssl req` knows no dates in the past, `openssl ca` does.
local function expired(self)
  local dir = self.directory
  local path, request = dir .. "/expired.pem", dir .. "/expired.csr"
  local extensions = scratch.write(dir .. "/expired.ext", "subjectAltName=" .. NAMES .. "\n")
  local config = scratch.write(dir .. "/ca.cnf", EXPIRED_CONFIG:format(dir, dir))
  scratch.write(dir .. "/index.txt", "")
  process.run({ "openssl", "req", "-new", "-key", self.key, "-subj", "/CN=expired", "-out", request }, dir .. "/log")
  process.run({ "openssl", "ca", "-batch", "-notext", "-config", config, "-in", request, "-cert", self.file,
                "-keyfile", dir .. "/ca.key", "-extfile", extensions, "-startdate", "20200101000000Z",
                "-enddate", "20200201000000Z", "-out", path }, dir .. "/log")
  return path
end

local function at(directory)
  local self = setmetatable({ directory = directory }, CA)
  for field, name in pairs(PLACES) do self[field] = directory .. "/" .. name end
  return self
end

--- Makes all of it in a directory.
---@param directory string
---@return support.CA
function M.make(directory)
  local self = at(directory)
  root(self, "ca")
  root(self, "other")
  self:make_key "leaf"
  self:sign("leaf", NAMES)
  self:sign("wrong_name", "DNS:elsewhere.example")
  self:sign("untrusted", NAMES, "other")
  certificate(self, "self_signed", { "-key", self.key, "-addext", "subjectAltName=" .. NAMES })
  expired(self)
  return self
end

-- Of the run's, with the keys of both authorities.
local function copy(from, to)
  for _, name in pairs(PLACES) do scratch.write(to .. "/" .. name, scratch.read(from .. "/" .. name)) end
  for _, name in ipairs { "ca.key", "other.key" } do
    scratch.write(to .. "/" .. name, scratch.read(from .. "/" .. name))
  end
  return at(to)
end

--- This process's certificates.
---@return support.CA
function M.get()
  if authority then return authority end
  local directory, run = scratch.directory "ca", os.getenv "RILL_SPEC_RUN"
  authority = run and copy(run .. "/ca", directory) or M.make(directory)
  return authority
end

return M
