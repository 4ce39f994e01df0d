--- A scripted HTTP/1.1 server: each path has the bytes that it answers with.
local dkjson = require "dkjson"
local authority = require "support.ca"
local scratch = require "support.scratch"
local server = require "support.server"

local M = {}

--- Starts one. `server:events()` has "accept", "tls" (`alpn`), "request" (`connection`, `number` on it, `line`,
---  `fields`), "body" (`bytes`, `text`, `trailers`), "answered" and "end" per connection.
---@param answers table<string, string|table> by path: the bytes, or { pieces or bytes, times: integer? (each piece is
---  sent so often), ends: "fin"|"reset"|"notify"|nil (nil: it goes on; notify: close_notify, then FIN), early: boolean?
---  (before it reads the body), silent: integer[]? (these requests of a connection end it without a word) }
---@param options { tls: boolean?, alpn: string[]?, asks: boolean?, greeting: table? }? asks: for a certificate of the
---  client's; greeting: { bytes: string, ends: boolean? }, which a client of TLS 1.2 gets with the end of the handshake
---@return support.Server
function M.start(answers, options)
  options = options or {}
  local ca, told = authority.get(), {}
  for path, answer in pairs(answers) do
    if type(answer) == "string" then answer = { answer } end
    local pieces = {}
    for i, piece in ipairs(answer) do
      pieces[i] = piece:gsub("[\128-\255]", function(c) -- JSON is UTF-8
        local byte = c:byte()
        return string.char(0xc0 + math.floor(byte / 64), 0x80 + byte % 64)
      end)
    end
    told[path] = { pieces = setmetatable(pieces, { __jsontype = "array" }), times = answer.times, ends = answer.ends,
      early = answer.early, silent = answer.silent }
  end
  local directory = scratch.directory "http1"
  local file = scratch.write(directory .. "/answers", dkjson.encode { tls = options.tls or false,
    alpn = options.alpn or false, asks = options.asks or false, greeting = options.greeting or false, answers = told })
  local self, said = server.start_python("http1", server.here .. "/http1.py", { file, ca.leaf, ca.key }, directory)
  self.port, self.ca = said.port, ca.file
  self.url = ("%s://localhost:%d"):format(options.tls and "https" or "http", said.port)
  return self
end

return M
