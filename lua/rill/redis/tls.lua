--- TLS for Redis, by the OpenSSL that rill's core runs on: hiredis 0.14 has none. Bytes in, bytes out: whoever holds
--- the socket moves them, so nothing here waits or blocks.
local ffi = require("rill.core.ffi")

local M = {}

pcall(ffi.cdef, [[
  typedef struct rill_tls_context rill_tls_context;
  typedef struct rill_tls_session rill_tls_session;
  typedef struct rill_tls_bytes rill_tls_bytes;
  const void *TLS_client_method(void);
  const void *BIO_s_mem(void);
  rill_tls_context *SSL_CTX_new(const void *method);
  void SSL_CTX_free(rill_tls_context *context);
  int SSL_CTX_set_default_verify_paths(rill_tls_context *context);
  int SSL_CTX_load_verify_locations(rill_tls_context *context, const char *file, const char *path);
  void SSL_CTX_set_verify(rill_tls_context *context, int mode, void *callback);
  long SSL_CTX_ctrl(rill_tls_context *context, int what, long number, void *pointer);
  int SSL_CTX_use_certificate_chain_file(rill_tls_context *context, const char *file);
  int SSL_CTX_use_PrivateKey_file(rill_tls_context *context, const char *file, int type);
  void SSL_CTX_set_default_passwd_cb_userdata(rill_tls_context *context, const char *password);
  int SSL_get_sigalgs(rill_tls_session *session, int index, int *sign, int *hash, int *both, uint8_t *low,
    uint8_t *high);
  rill_tls_session *SSL_new(rill_tls_context *context);
  void SSL_free(rill_tls_session *session);
  void SSL_set_connect_state(rill_tls_session *session);
  void SSL_set_bio(rill_tls_session *session, rill_tls_bytes *input, rill_tls_bytes *output);
  long SSL_ctrl(rill_tls_session *session, int what, long number, const char *text);
  int SSL_set1_host(rill_tls_session *session, const char *host);
  void *SSL_get0_param(rill_tls_session *session);
  int X509_VERIFY_PARAM_set1_ip_asc(void *param, const char *address);
  int SSL_do_handshake(rill_tls_session *session);
  int SSL_get_error(const rill_tls_session *session, int result);
  int SSL_read(rill_tls_session *session, void *room, int size);
  int SSL_write(rill_tls_session *session, const char *bytes, int length);
  long SSL_get_verify_result(const rill_tls_session *session);
  const char *X509_verify_cert_error_string(long number);
  rill_tls_bytes *BIO_new(const void *method);
  size_t BIO_ctrl_pending(rill_tls_bytes *bytes);
  int BIO_read(rill_tls_bytes *bytes, void *room, int size);
  int BIO_write(rill_tls_bytes *bytes, const void *data, int length);
  void ERR_clear_error(void);
  unsigned long ERR_peek_error(void);
  const char *ERR_reason_error_string(unsigned long number);
]])
pcall(ffi.cdef, "char *strerror(int number);")

local WANT_READ, WANT_WRITE, CLOSED = 2, 3, 6 -- of SSL_get_error()
local SET_MIN_VERSION, TLS_1_2 = 123, 0x0303
local SET_HOST_NAME = 55
local VERIFY_NONE, VERIFY_PEER, VERIFIED, PEM = 0, 1, 0, 1
local SYSTEM = 0x80000000 -- is added to an errno
local PIECE = 65536 -- bytes that are moved at a time

local ENDED = "it closed the connection"

local library
local function load()
  if library then return library end
  local found, loaded = pcall(ffi.load, "libssl.so.3")
  library = found and loaded or nil
  return library
end

---@class rill.RedisTls
---@field private _session ffi.cdata*
---@field private _input ffi.cdata* what the server sent; the session's
---@field private _output ffi.cdata* what is to be sent; the session's
---@field private _has_own boolean a certificate
---@field private _context ffi.cdata* kept while the session lives
local Tls = {}
Tls.__index = Tls

-- OpenSSL keeps several errors of one failure: the first is its cause, the later ones name the functions that gave up.
local function cause()
  local number = library.ERR_peek_error()
  if tonumber(number) >= SYSTEM then return ffi.string(ffi.C.strerror(tonumber(number) - SYSTEM)) end
  local text = number ~= 0 and library.ERR_reason_error_string(number) or nil
  return text ~= nil and ffi.string(text) or "TLS failed"
end

-- The same of a file; `otherwise`: what is not in it.
local function cause_of_file(otherwise)
  local number = tonumber(library.ERR_peek_error())
  return number >= SYSTEM and cause() or otherwise
end

local NO_PASSWORD = "" -- else OpenSSL would ask for that of an encrypted key, on the terminal

-- Who we are. Returns what is wrong.
local function configure_own(context, cert, key)
  if key and not cert then return ("key_file %s: cert_file is missing"):format(key) end
  if not cert then return nil end
  library.SSL_CTX_set_default_passwd_cb_userdata(context, NO_PASSWORD)
  if library.SSL_CTX_use_certificate_chain_file(context, cert) ~= 1 then
    return ("cert_file %s: %s"):format(cert, cause_of_file "no certificate in it")
  end
  if library.SSL_CTX_use_PrivateKey_file(context, key or cert, PEM) == 1 then return nil end
  if cause():find "mismatch" then
    return ("key_file %s: not the key of the certificate in %s"):format(key or cert, cert)
  end
  if key then return ("key_file %s: %s"):format(key, cause_of_file "no private key in it that needs no password") end
  return ("cert_file %s: %s"):format(cert, cause_of_file "no private key in it, and key_file is missing")
end

-- Whom to trust, and who we are. Returns what is wrong.
local function configure(context, given)
  library.SSL_CTX_ctrl(context, SET_MIN_VERSION, TLS_1_2, nil)
  library.SSL_CTX_set_verify(context, given.verify == "false" and VERIFY_NONE or VERIFY_PEER, nil)
  local trusted
  if given.ca_file or given.ca_path then
    trusted = library.SSL_CTX_load_verify_locations(context, given.ca_file, given.ca_path)
  else
    trusted = library.SSL_CTX_set_default_verify_paths(context)
  end
  if trusted ~= 1 then
    return ("ca_file %s: %s"):format(given.ca_file or given.ca_path or "", cause_of_file "no certificates in it")
  end
  return configure_own(context, given.cert_file, given.key_file)
end

local function is_literal(host)
  return host:find ":" ~= nil or host:find "^%d+%.%d+%.%d+%.%d+$" ~= nil
end

local function expect_host(session, host)
  if is_literal(host) then
    return library.X509_VERIFY_PARAM_set1_ip_asc(library.SSL_get0_param(session), host) == 1
  end
  library.SSL_ctrl(session, SET_HOST_NAME, 0, host)
  return library.SSL_set1_host(session, host) == 1
end

-- The session of a context with what it reads and writes: none of them, and why, where memory is short or OpenSSL is
-- configured so that it has no ciphers.
local function new_session(context)
  local session = library.SSL_new(context)
  if session == nil then return nil, cause() end
  session = ffi.gc(session, library.SSL_free)
  local input, output = library.BIO_new(library.BIO_s_mem()), library.BIO_new(library.BIO_s_mem())
  library.SSL_set_bio(session, input, output) -- it frees both
  if input == nil or output == nil then return nil, cause() end
  library.SSL_set_connect_state(session)
  return session, input, output
end

--- Begins a session with a host.
---@param host string a name or an address
---@param given { verify: string?, ca_file: string?, ca_path: string?, cert_file: string?, key_file: string?,
---  server_name: string? }
---@return rill.RedisTls?
---@return string? wrong
function M.new(host, given)
  if not load() then return nil, "TLS needs OpenSSL 3: install Debian's libssl3" end
  library.ERR_clear_error()
  local context = library.SSL_CTX_new(library.TLS_client_method())
  if context == nil then return nil, cause() end
  context = ffi.gc(context, library.SSL_CTX_free)
  local wrong = configure(context, given)
  if wrong then return nil, wrong end
  local session, input, output = new_session(context)
  if not session then return nil, input end
  if not expect_host(session, given.server_name or host) then return nil, cause() end
  return setmetatable({ _context = context, _session = session, _input = input, _output = output,
    _has_own = given.cert_file ~= nil }, Tls)
end

-- Why a step has not been made: true where more bytes have to come, else what is wrong.
local function why_not(self, result)
  local code = library.SSL_get_error(self._session, result)
  if code == WANT_READ or code == WANT_WRITE then return true end
  if code == CLOSED then return false, ENDED end
  local verified = library.SSL_get_verify_result(self._session)
  if verified ~= VERIFIED and cause() == "certificate verify failed" then
    return false, "certificate not trusted: " .. ffi.string(library.X509_verify_cert_error_string(verified))
  end
  local text = cause()
  return false, text == "wrong version number" and text .. ": it may speak no TLS" or text
end

--- Takes the handshake a step further: output() may have bytes then, and feed() is wanted.
---@return boolean done
---@return string? wrong
function Tls:handshake()
  library.ERR_clear_error()
  local result = library.SSL_do_handshake(self._session)
  if result == 1 then return true end
  local _, wrong = why_not(self, result)
  return false, wrong
end

local piece = ffi.new("char[?]", PIECE)

--- Whether the server has asked for a certificate, and there is none.
---@return boolean
function Tls:is_missed()
  return not self._has_own and library.SSL_get_sigalgs(self._session, 0, nil, nil, nil, nil, nil) > 0
end

--- What has to be sent now.
---@return string bytes "" for nothing
function Tls:output()
  local parts = {}
  while library.BIO_ctrl_pending(self._output) > 0 do
    local count = library.BIO_read(self._output, piece, PIECE)
    if count <= 0 then break end
    parts[#parts + 1] = ffi.string(piece, count)
  end
  return table.concat(parts)
end

--- Takes in what was received.
---@param bytes ffi.cdata*
---@param count integer
function Tls:feed(bytes, count)
  library.BIO_write(self._input, bytes, count)
end

--- Encrypts: output() has it.
---@param text string
---@return boolean ok
---@return string? wrong
function Tls:write(text)
  library.ERR_clear_error()
  if library.SSL_write(self._session, text, #text) == #text then return true end
  return false, cause()
end

--- Decrypts what was fed.
---@param room ffi.cdata*
---@param size integer
---@return integer count 0: more has to be fed
---@return string? wrong
---@return boolean? ended in order: by close_notify
function Tls:read(room, size)
  library.ERR_clear_error()
  local count = library.SSL_read(self._session, room, size)
  if count > 0 then return count end
  local _, wrong = why_not(self, count)
  return 0, wrong, wrong == ENDED
end

return M
