--- What somebody may have meant by an option that is not there: the nearest name, or what rill calls a thing that
--- other libraries name otherwise.
local errors = require("rill.errors")

local M = {}

-- Names of other clients (with the words' joints taken out, in lower case) -> what rill calls it.
local function table_of(meanings)
  local by_name = {}
  for sentence, names in pairs(meanings) do
    for name in names:gmatch "%S+" do
      by_name[name] = sentence
    end
  end
  return by_name
end

local OF_TLS = {
  ["verify"] = "sslverify verifyssl verifypeer verifyhost insecure rejectunauthorized strictssl checkhostname "
    .. "certreqs skipverify insecureskipverify allowinsecure noverify tlsverify",
  ["ca_file"] = "ca cabundle cacert cacerts cainfo cafile verifylocations rootcas trust truststore",
  ["ca_path"] = "capath cadir",
  ["cert_file"] = "cert certificate clientcert clientcertificate sslcert certfile",
  ["key_file"] = "key sslkey keyfile privatekey clientkey clientprivkey",
  ["key_password"] = "passphrase password keypasswd",
  ["server_name"] = "sni servername sslservername sslname tlsservername",
  ["min_version"] = "minversion mintls sslversion tlsversion secureprotocol tlsminversion",
  ["groups"] = "curves ecdhcurve",
  ["keylog_file"] = "keylog keylogfile sslkeylogfile",
  ["pin_sha256"] = "pins pin pinnedpublickey fingerprint pinnedpubkey",
}

local OF_TASKS = table_of {
  ['"concurrency"'] = "limit max n workers parallel parallelism jobs poolsize threads maxconcurrency size",
}

local OF_BODY = table_of {
  ['"file"'] = "path filename name filepath",
}

local OF_REQUEST = table_of {
  ['"redirects"'] = "maxredirects allowredirects followredirects followredirect followlocation redirect maxredirs "
    .. "follow redirectenabled maxredirections",
  ['"retries"'] = "retry maxretries retrycount maxattempts retrytimes attempts",
  ['"timeout", in seconds'] = "timeoutms totaltimeout requesttimeout maxtime deadline downloadtimeout "
    .. "timeouts calltimeout",
  ['"connect_timeout", in seconds'] = "connectiontimeout connecttimeoutms dialtimeout conntimeout",
  ['"read_timeout", in seconds'] = "sockettimeout recvtimeout responsetimeout headerstimeout bodytimeout readtimeoutms "
    .. "sendtimeout sockread",
  ['"idle_timeout", in seconds'] = "keepalive keepalivetimeout poolidletimeout keepaliveexpiry idleconntimeout",
  ['"max_connections" and "max_connections_per_origin"'] = "poolsize poolmaxsize maxconns maxsockets limits "
    .. "connections maxkeepaliveconnections maxconnsperhost limitperhost pool backlog maxhostconnections",
  ['"max_streams"'] = "maxconcurrentstreams concurrentstreams",
  ['"max_header_list"'] = "maxheadersize maxheaderlistsize maxheaders",
  ['"window"'] = "initialwindowsize streamwindow localwindowsize",
  ['"per_origin"'] = "delay downloaddelay ratelimit concurrency throttle politeness autothrottle crawldelay",
  ['"proxy"'] = "proxies httpproxy httpsproxy proxyurl proxyopts socksproxy allproxy",
  ['"protocols"'] = "http2 httpversion version alpn alpnprotocols protocol http1",
  ['"h2c"'] = "priorknowledge http2priorknowledge plaintext",
  ['"user_agent"'] = "useragent agent ua",
  ['"headers"'] = "header httpheader httpheaders requestheaders extraheaders fields",
  ['"auth"'] = "user username password basicauth bearer token authorization userpwd credentials httpauth",
  ['"cookies"'] = "cookie cookiejar jar cookiefile",
  ['"query"'] = "params querystring qs search searchparams queryparams args",
  ['"decompress"'] = "gzip compress compressed compression acceptencoding encoding acceptcompression",
  ['"maxsize"'] = "maxbody maxbodysize maxresponsesize maxcontentlength downloadmaxsize maxfilesize sizelimit",
  ['"warnsize"'] = "downloadwarnsize",
  ['"bind_address"'] = "localaddress localaddr sourceaddress sourceip interface outgoingip bind localip bindaddr",
  ['"dns_servers"'] = "nameservers dns resolver dnsserver nameserver resolvers",
  ['"resolve"'] = "hosts lookup hostmap dnsmap connectto unixsocket socketpath uds unix",
  ['"family"'] = "ipv4 ipv6 ipversion ipfamily ipresolve",
  ['"on_chunk"'] = "ondata onbody sink writefunction writecallback datacallback onprogress progress callback contentcb",
  ['"on_headers"'] = "onresponse onheader headerfunction headercallback onhead",
  ['"expect_continue"'] = "expect continue100 expect100",
  ['"lenient_eof"'] = "ignorecontentlength",
  ['"url"'] = "uri href link address",
  ['"method"'] = "verb httpmethod",
  ['"body": rill.json(value)'] = "json",
  ['"body": rill.form(pairs)'] = "form formdata formparams postfields",
  ['"body": rill.multipart(parts)'] = "files multipart",
  ['"body": a string, { file = path }, or a function that returns pieces']
    = "data payload content file upload source rawbody postdata",
  ['client:open{}, which returns a stream'] = "stream streaming buffer",
  ['client:download(url, path)'] = "output outfile save saveto outputfile download path writedata",
  ['an absolute URL in each call: rill.url.resolve(base, reference) makes it'] = "baseurl prefixurl base baseuri",
  ['headers = { host = "name" }'] = "host hostheader vhost virtualhost",
  ['task:cancel() and stream:cancel()'] = "signal canceltoken abortsignal",
}

for name, others in pairs(OF_TLS) do
  OF_REQUEST[name:gsub("_", "")] = ("tls = { %s = ... }"):format(name)
  for other in others:gmatch "%S+" do
    OF_REQUEST[other] = OF_REQUEST[other] or ("tls = { %s = ... }"):format(name)
  end
end
for other in ("ssl ssloptions sslcontext tlsoptions https tlsconfig sslparams"):gmatch "%S+" do
  OF_REQUEST[other] = '"tls", a table'
end

local WITHIN_TLS = {}
for name, others in pairs(OF_TLS) do
  for other in others:gmatch "%S+" do
    WITHIN_TLS[other] = ('"%s"'):format(name)
  end
end

--- By what is called: names of other libraries and what rill calls them.
M.request, M.tls, M.tasks, M.body = OF_REQUEST, WITHIN_TLS, OF_TASKS, OF_BODY

-- How many letters differ, are missing, too many, or stand in each other's place.
local function distance(a, b)
  local before, row = {}, {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local former = before
    before, row = row, { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      row[j] = math.min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], former[j - 2] + 1)
      end
    end
  end
  return row[#b]
end

local function plain(name)
  return name:lower():gsub("[_%-. ]", "")
end

-- The nearest of the names, if it is near: a third of its letters may be wrong.
local function nearest(name, known)
  local best, least
  for _, names in ipairs(known) do
    for other in pairs(names) do
      local far = distance(plain(name), plain(other))
      if far <= math.max(1, math.floor(#other / 3)) and (not least or far < least or far == least and other < best) then
        best, least = other, far
      end
    end
  end
  return best, least
end

local MAX_NAME = 40 -- longer ones are compared with nothing

--- What stands behind "unknown option NAME".
---@param name any the key that is not known
---@param known table[] sets of the names that are
---@param others table<string, string> one of those above
---@return string hint "" where nothing is near
function M.hint(name, known, others)
  if type(name) ~= "string" or #name > MAX_NAME then return "" end
  local best, far = nearest(name, known)
  local meant = others[(plain(name))]
  if meant and not (best and far == 0) then return ": rill calls it " .. meant end
  return best and (', did you mean "%s"?'):format(best) or ""
end

--- Raises that an option is not known.
---@param call string
---@param name any
---@param known table[]
---@param others table<string, string>
function M.unknown(call, name, known, others)
  errors.raise(("%s: unknown option %s%s"):format(call, errors.show(name), M.hint(name, known, others)))
end

return M
