---@meta
-- What rill's public names are, for lua-language-server, which completes them and finds what is misspelt, and for
-- .ci/types.lua. This file is never loaded; doc/reference says what each name means. A class
-- whose name is in lower case (rill.url) is a module.

--- `require "rill"`.
---@class rill
---@field version string
---@field runtime "standalone"|"openresty"|"luv"
---@field cancelled table
---@field streaming table
---@field on_warning fun(message: string, fields: table)
---@field on_error fun(message: string, fields: table)
---@field run fun(fn: function, ...: any): any
---@field spawn fun(fn: function, ...: any): rill.Task
---@field sleep fun(seconds: number)
---@field now fun(): number
---@field timeout fun(seconds: number, fn: function, ...: any): any, any
---@field all fun(fns: function[], options?: rill.Concurrency): any[][]
---@field map fun(items: any[]|function|rill.Queue, fn: function, options?: rill.Concurrency): rill.Map
---@field queue fun(max?: integer): rill.Queue
---@field semaphore fun(size: integer): rill.Semaphore
---@field signal fun(name: string, ...: string): string
---@field wait fun(fd: integer, what: "r"|"w", timeout?: number): true?, rill.Error?
---@field use fun(name: "luv")
---@field client fun(options?: rill.ClientOptions): rill.Client?, rill.Error?
---@field connect fun(url: string, options?: rill.ClientOptions): rill.Connection?, rill.Error?
---@field form fun(pairs: table<string, any>|any[][]): rill.BodyValue
---@field json fun(value: any): rill.BodyValue
---@field multipart fun(parts: rill.Part[]): rill.BodyValue
---@field url rill.url
---@field html rill.html
---@field har rill.har
---@field cookies rill.cookies
---@field robots rill.robots
---@field sitemap rill.sitemap

---@class rill.Concurrency
---@field concurrency? integer

---@alias rill.Body string|rill.File|rill.BodyValue|fun(): string?
---@alias rill.Fields table<string, string|number|string[]|false>|string[][]|rill.Headers

--- Options that a request may have as well.
---@class rill.SharedOptions
---@field headers? rill.Fields
---@field user_agent? string
---@field timeout? number
---@field queue_timeout? number
---@field read_timeout? number
---@field maxsize? integer
---@field warnsize? integer
---@field retries? integer
---@field retry_idempotent? boolean
---@field bind_address? string
---@field proxy? string|false
---@field decompress? boolean
---@field redirects? integer|false
---@field allow_downgrade? boolean
---@field expect_continue? boolean
---@field on_headers? fun(head: rill.Head, stream: rill.Stream): ("stop"|"cancel"|nil)
---@field on_chunk? fun(chunk: string, stream: rill.Stream): ("stop"|"cancel"|nil)
---@field idempotent? boolean
---@field lenient_eof? boolean
---@field auth? rill.Auth|false
---@field query? table<string, any>|any[][]

---@class rill.ClientOptions: rill.SharedOptions
---@field connect_timeout? number
---@field idle_timeout? number
---@field ping_after? number
---@field ping_timeout? number
---@field max_header_list? integer
---@field max_buffered? integer
---@field max_connections_per_origin? integer
---@field max_connections? integer
---@field max_streams? integer
---@field per_origin? rill.Politeness|table<string, rill.Politeness>|false
---@field tls? rill.TlsOptions
---@field resolve? table<string, string|string[]>
---@field dns_servers? string[]
---@field family? "any"|4|6
---@field deny_private? boolean
---@field no_proxy? string[]|string|false
---@field h2c? boolean
---@field window? integer
---@field max_window? integer
---@field max_frame_size? integer
---@field cookies? boolean|rill.Jar
---@field coalesce? boolean
---@field on_warning? fun(message: string, fields: table)
---@field on_event? fun(event: rill.Event)
---@field protocols? ("h2"|"http/1.1")[]

---@class rill.RequestOptions: rill.SharedOptions
---@field trailers? rill.Fields|fun(): rill.Fields?
---@field types? string
---@field keep_head? boolean

---@class rill.Request: rill.RequestOptions
---@field url string
---@field method? string
---@field body? rill.Body

---@class rill.DownloadOptions: rill.RequestOptions
---@field method? string
---@field body? rill.Body
---@field resume? boolean
---@field on_progress? fun(received: number, total: number?)

---@class rill.File
---@field file string

---@class rill.Part
---@field name string
---@field value? string
---@field file? string
---@field filename? string
---@field content_type? string

--- What rill.form, rill.json and rill.multipart make.
---@class rill.BodyValue
---@field text string?
---@field content_type string

---@class rill.TlsOptions
---@field verify? boolean
---@field ca_file? string
---@field ca_path? string
---@field ca_pem? string
---@field cert_file? string
---@field key_file? string
---@field key_password? string
---@field server_name? string
---@field min_version? "1.2"|"1.3"
---@field max_version? "1.2"|"1.3"
---@field ciphers? string
---@field ciphersuites? string
---@field groups? string
---@field session_cache? boolean
---@field keylog_file? string
---@field pin_sha256? string[]

---@class rill.Politeness
---@field concurrency? integer
---@field delay? number
---@field jitter? number
---@field retry_after? boolean

---@class rill.Auth
---@field user? string
---@field password? string
---@field bearer? string

---@alias rill.Ask fun(self, url: string, options?: rill.RequestOptions): rill.Response?, rill.Error?
---@alias rill.Send fun(self, url: string, body?: rill.Body, options?: rill.RequestOptions): rill.Response?, rill.Error?

---@class rill.Client
---@field request fun(self, request: rill.Request): rill.Response?, rill.Error?
---@field get rill.Ask
---@field head rill.Ask
---@field delete rill.Ask
---@field options rill.Ask
---@field post rill.Send
---@field put rill.Send
---@field patch rill.Send
---@field download fun(self, url: string, path: string, options?: rill.DownloadOptions): rill.Response?, rill.Error?
---@field open fun(self, request: rill.Request): rill.Stream?, rill.Error?
---@field stats fun(self): rill.Stats
---@field close fun(self)

---@class rill.Stats
---@field connections integer
---@field connections_opened integer
---@field handshakes integer
---@field resumptions integer
---@field streams integer
---@field pending integer
---@field requests integer
---@field attempts integer
---@field responses integer
---@field bytes_sent number
---@field bytes_received number
---@field retries integer
---@field buffered number
---@field closed table<string, integer>

---@class rill.Connection
---@field request fun(self, request: rill.Request): rill.Response?, rill.Error?
---@field open fun(self, request: rill.Request): rill.Stream?, rill.Error?
---@field ping fun(self): number?, rill.Error?
---@field drain fun(self)
---@field close fun(self, code?: string|integer)
---@field frames fun(self): rill.Frame[]
---@field ip_address string
---@field port integer
---@field protocol "h2"|"h2c"|"http/1.1"
---@field certificate rill.Certificate?
---@field tls { version: string, cipher: string, resumed: boolean }?
---@field peer_settings table<string, number>
---@field streams integer
---@field pending integer
---@field closed rill.Error?
---@field goaway { code: string, last_stream_id: integer, debug: string }?

---@class rill.Certificate
---@field subject string
---@field issuer string
---@field names string[]
---@field not_before number
---@field not_after number
---@field sha256 string
---@field pem string

---@class rill.Frame
---@field time number
---@field direction "sent"|"recv"
---@field type string
---@field stream integer
---@field length integer
---@field flags string
---@field note string

---@class rill.Head
---@field status integer
---@field headers rill.Headers
---@field informational rill.Head[]

---@class rill.Headers
---@field [string] string?
---@field get fun(self, name: string): string?
---@field all fun(self, name: string): string[]
---@field has fun(self, name: string): boolean
---@field each fun(self): fun(): string?, string?
---@field count fun(self): integer

---@class rill.Response
---@field status integer
---@field ok boolean
---@field headers rill.Headers
---@field body string?
---@field path string?
---@field trailers rill.Headers?
---@field informational rill.Head[]
---@field url string
---@field request { method: string, url: string, headers: rill.Headers }
---@field protocol string?
---@field ip_address string?
---@field certificate rill.Certificate?
---@field timings rill.Timings
---@field flags { stopped: boolean, decoded: string[], cut: boolean }
---@field close_reason rill.CloseReason
---@field history rill.Redirect[]
---@field attempts integer
---@field bytes_received number
---@field json fun(self): any, rill.Error?
---@field text fun(self): string
---@field save fun(self, path: string): boolean?, rill.Error?
---@field pointer fun(self): ffi.cdata*, integer

---@class rill.Redirect
---@field url string
---@field status integer
---@field headers rill.Headers

---@class rill.Stream
---@field id integer?
---@field status integer?
---@field close_reason rill.CloseReason?
---@field error_code string?
---@field timings rill.Timings
---@field bytes_received number
---@field bytes_sent number
---@field request_content_length number?
---@field remaining_content_length number?
---@field request_sent boolean
---@field reached_warnsize boolean
---@field closed_local boolean
---@field closed_remote boolean
---@field headers fun(self): rill.Head?, rill.Error?
---@field read fun(self, max?: integer): string?, rill.Error?
---@field chunks fun(self): fun(): string?
---@field body fun(self): string?, rill.Error?
---@field response fun(self): rill.Response?, rill.Error?
---@field trailers fun(self): rill.Headers?, rill.Error?
---@field write fun(self, data: string): boolean?, rill.Error?
---@field finish fun(self, trailers?: rill.Fields|fun(): rill.Fields?): boolean?, rill.Error?
---@field reset fun(self, code?: string|integer)
---@field cancel fun(self)
---@field stop fun(self)
---@field closed fun(self): rill.CloseReason, rill.Error?

---@alias rill.CloseReason
---| "ended" | "stopped" | "reset" | "connection_lost" | "goaway" | "inactive" | "connect_failed" | "timeout"
---| "cancelled" | "maxsize_exceeded" | "maxsize_exceeded_actual" | "protocol_error" | "invalid_hostname"
---| "file_error" | "body_error" | "decode_error"

--- What no stream carries; the last five are a crawl's.
---@alias rill.OtherReason
---| "invalid_url" | "redirect" | "invalid_selector" | "limit" | "error"
---| "state" | "output" | "start" | "status" | "handler"

---@class rill.Error
---@field reason rill.CloseReason|rill.OtherReason
---@field message string
---@field url string?
---@field method string?
---@field status integer?
---@field code string?
---@field kind string?
---@field phase "queue"|"dns"|"connect"|"proxy"|"tls"|"settings"|"headers"|"body"|"idle"|nil
---@field expected number?
---@field limit number?
---@field at integer?
---@field path string?
---@field errors rill.Error[]?
---@field frames rill.Frame[]?
---@field headers rill.Headers?
---@field history rill.Redirect[]?
---@field processed "no"|"maybe"|"yes"|nil
---@field retry_safe boolean
---@field attempts integer?
---@field traceback string?
---@field value any

---@class rill.Timings
---@field queue number
---@field dns number
---@field connect number
---@field tls number
---@field wait number
---@field body number
---@field stalled_local number
---@field stalled_remote number
---@field total number

---@alias rill.EventType
---| "dial" | "connected" | "failed" | "closed" | "goaway" | "request" | "sent" | "head" | "done" | "retry" | "redirect"
---| "warning" | "dropped"

---@class rill.Event
---@field type rill.EventType
---@field time number
---@field client integer
---@field connection? integer
---@field stream? integer
---@field url? string
---@field address? string
---@field protocol? string
---@field resumed? boolean
---@field dns? number
---@field connect? number
---@field tls? number
---@field error? rill.Error
---@field streams? integer
---@field code? string
---@field last_stream_id? integer
---@field method? string
---@field attempt? integer
---@field status? integer
---@field close_reason? rill.CloseReason
---@field bytes_received? number
---@field timings? rill.Timings
---@field delay? number
---@field location? string
---@field message? string
---@field count? integer

---@class rill.Task
---@field join fun(self): any, any
---@field cancel fun(self)

--- A loop calls it: the next item, and what its function has returned or `nil, err`; nil at the end.
---@class rill.Map
---@field close fun(self)
---@overload fun(): any, any, any

---@class rill.Queue
---@field push fun(self, item: any): true?, rill.Error?
---@field pop fun(self): any
---@field close fun(self)
---@field count fun(self): integer

---@class rill.Semaphore
---@field acquire fun(self, timeout?: number): true?, rill.Error?
---@field release fun(self)
---@field with fun(self, fn: function, ...: any): any

--- `require "rill.har"`.
---@class rill.har
---@field recorder fun(client: rill.Client|rill.Connection, options?: rill.RecorderOptions): rill.Recorder
---@field page fun(source: string|table[], out: string): boolean?, rill.Error?

---@class rill.RecorderOptions
---@field bodies? boolean
---@field max? integer

---@class rill.Recorder
---@field dropped integer
---@field bodies boolean
---@field entries fun(self): table[]
---@field save fun(self, path: string): boolean?, rill.Error?
---@field stop fun(self)

--- `require "rill.url"`.
---@class rill.url
---@field parse fun(url: string): rill.Url?, rill.Error?
---@field resolve fun(base: string, reference: string): string?, rill.Error?
---@field normalize fun(url: string): string?, rill.Error?
---@field same_site fun(a: string, b: string): boolean

---@class rill.Url
---@field scheme string
---@field userinfo string?
---@field host string?
---@field port integer?
---@field path string
---@field query string?
---@field fragment string?
---@field authority string?
---@field target string

--- `require "rill.cookies"`.
---@class rill.cookies
---@field jar fun(path?: string): rill.Jar?, rill.Error?

---@class rill.Jar
---@field get fun(self, url: string): string?, rill.Error?
---@field set fun(self, url: string, set_cookie: string): boolean?, any
---@field each fun(self): fun(): rill.Cookie?
---@field save fun(self, path?: string, options?: { session?: boolean }): true?, rill.Error?
---@field clear fun(self, host?: string)

---@class rill.Cookie
---@field name string
---@field value string
---@field domain string
---@field path string
---@field expires number?
---@field secure boolean
---@field http_only boolean
---@field same_site string?
---@field host_only boolean

--- `require "rill.html"`.
---@class rill.html
---@field links fun(body: string, base: string, content_type?: string): string[]
---@field scan fun(body: string, base: string, options?: rill.ScanOptions): rill.HtmlScan
---@field document fun(body: string, base?: string, content_type?: string): rill.Document

---@class rill.ScanOptions
---@field content_type? string
---@field tags? string[]|"all"
---@field agent? string

---@class rill.HtmlLink
---@field url string
---@field tag string
---@field rel string?
---@field nofollow boolean

---@class rill.HtmlScan
---@field [integer] rill.HtmlLink
---@field base string?
---@field canonical string?
---@field robots string?
---@field refresh string?
---@field title string?
---@field refused rill.HtmlRefused[]?
---@field cut boolean?

---@class rill.HtmlRefused: rill.HtmlLink
---@field reason "invalid"|"scheme"|"long"

---@class rill.Node
---@field name string
---@field text fun(self, options?: { raw?: boolean }): string
---@field html fun(self, options?: { inner?: boolean }): string
---@field attr fun(self, name: string): string?
---@field css fun(self, selector: string): any[]?, rill.Error?
---@field xpath fun(self, expression: string): any[]?, rill.Error?
---@field links fun(self): rill.NodeLink[]

---@class rill.NodeLink
---@field url string
---@field text string
---@field rel string?
---@field tag string
---@field nofollow boolean

---@class rill.Document: rill.Node
---@field url string?
---@field cut table<string, boolean>?
---@field closed boolean
---@field root fun(self): rill.Node
---@field close fun(self)

--- `require "rill.robots"`.
---@class rill.robots
---@field parse fun(bytes: string): rill.Robots

---@class rill.Robots
---@field sitemaps string[]
---@field allowed fun(self, url: string, agent?: string): boolean
---@field matched fun(self, url: string, agent?: string): string?, integer?
---@field crawl_delay fun(self, agent?: string): number?

--- `require "rill.sitemap"`.
---@class rill.sitemap
---@field parse fun(body: string, base?: string): rill.sitemap.Entry[], rill.sitemap.Entry[]
---@field reader fun(base?: string): rill.SitemapReader

---@class rill.sitemap.Entry
---@field url string
---@field lastmod string?
---@field priority number?

---@class rill.SitemapReader
---@field urls rill.sitemap.Entry[]
---@field sitemaps rill.sitemap.Entry[]
---@field cut string?
---@field done boolean?
---@field write fun(self, bytes: string)
---@field finish fun(self, is_part?: boolean): rill.sitemap.Entry[], rill.sitemap.Entry[], string?

--- `require "rill.crawl"`.
---@class rill.crawl
---@field new fun(options: rill.CrawlOptions): rill.Crawl
---@field status fun(state: string|string[]): rill.CrawlSummary?, rill.Error?
---@field join fun(state: string|string[], out: string): any, rill.Error?
---@overload fun(options: rill.CrawlOptions): rill.CrawlSummary?, rill.Error?

---@class rill.Crawl
---@field client rill.Client
---@field run fun(self): rill.CrawlSummary?, rill.Error?
---@field stop fun(self, reason?: string)
---@field add fun(self, url: string, options?: rill.AddOptions): boolean, string?
---@field emit fun(self, item: table)
---@field stats fun(self): rill.CrawlSummary

---@class rill.CrawlPage
---@field url string
---@field status integer?
---@field headers rill.Headers?
---@field body string?
---@field text string?
---@field response rill.Response?
---@field depth integer
---@field meta any
---@field from string?
---@field priority integer
---@field attempts integer
---@field base string?
---@field charset string?
---@field title string?
---@field canonical string?
---@field noindex boolean
---@field nofollow boolean
---@field unchanged boolean
---@field hash string?
---@field duplicate_of string|true|nil
---@field redirected_from string[]
---@field stopped boolean?
---@field error rill.Error?
---@field links fun(self, selector?: string): rill.NodeLink[]?, rill.Error?
---@field css fun(self, selector: string): any[]?, rill.Error?
---@field xpath fun(self, expression: string): any[]?, rill.Error?
---@field json fun(self): any, rill.Error?
---@field save fun(self, path: string): boolean?, rill.Error?
---@field follow fun(self, target: string|table, options?: rill.FollowOptions): boolean, string?
---@field emit fun(self, item: table)

---@class rill.AddOptions
---@field priority? integer
---@field meta? any
---@field depth? integer

---@class rill.FollowOptions
---@field priority? integer
---@field meta? any
---@field again? boolean

---@class rill.CrawlSummary
---@field reason string?
---@field pages integer
---@field ok integer
---@field redirects integer
---@field errors integer
---@field failed integer
---@field retried integer
---@field unchanged integer
---@field changed integer
---@field gone integer
---@field items integer
---@field bytes number
---@field queued integer
---@field in_flight integer
---@field origins integer
---@field robots integer
---@field sitemaps integer
---@field elapsed number
---@field rate number
---@field statuses table<string, integer>
---@field skipped table<string, integer>
---@field failures table<string, integer>

---@class rill.CrawlPoliteness
---@field concurrency? integer
---@field delay? number
---@field jitter? number
---@field adaptive? boolean
---@field crawl_delay? boolean
---@field retry_after_max? number

---@class rill.CrawlKey
---@field sort_query? boolean
---@field drop? string[]
---@field slash? boolean
---@field www? boolean
---@field fragment? boolean

---@class rill.CrawlTraps
---@field url_length? integer|false
---@field segments? integer|false
---@field repeats? integer|false
---@field params? integer|false
---@field per_host? integer|false
---@field per_path? integer|false
---@field per_shape? integer|false
---@field same_run? integer|false
---@field redirects? integer|false

---@class rill.CrawlOut
---@field path string
---@field format? "jsonl"|"csv"|"sqlite"
---@field fields? string[]
---@field append? boolean

---@alias rill.CrawlScope string|fun(url: string, parts: rill.Url): any


---@class rill.CrawlOptions
---@field start? string|string[]|fun(): string?
---@field client? rill.ClientOptions|rill.Client
---@field concurrency? integer
---@field per_origin? rill.CrawlPoliteness|fun(origin: string): rill.CrawlPoliteness
---@field allow? rill.CrawlScope|rill.CrawlScope[]
---@field deny? rill.CrawlScope|rill.CrawlScope[]
---@field depth? integer
---@field max_pages? integer
---@field max_items? integer
---@field max_bytes? integer
---@field max_time? number
---@field max_failed? integer
---@field stop? fun(stats: rill.CrawlSummary): any
---@field follow? boolean
---@field links? "pages"|"all"|string[]
---@field robots? boolean
---@field robots_agent? string
---@field robots_wait? number
---@field nofollow? boolean
---@field sitemaps? "robots"|"auto"|string[]|false
---@field canonical? "follow"|"skip"|"ignore"
---@field key? rill.CrawlKey|fun(url: string): string
---@field traps? rill.CrawlTraps|false
---@field retries? integer
---@field retry_status? integer[]
---@field types? "all"|string[]
---@field maxsize? integer
---@field page? fun(page: rill.CrawlPage)
---@field failed? fun(page: rill.CrawlPage, err: rill.Error)
---@field skipped? string|fun(url: string, reason: string, from: string?)
---@field finish? fun(crawl: rill.Crawl)
---@field out? string|rill.CrawlOut|fun(item: table, page: rill.CrawlPage)|(string|rill.CrawlOut|function)[]
---@field state? string|string[]
---@field worker? string
---@field lease? number
---@field recrawl? boolean|number
---@field unchanged? "deliver"
---@field remember? boolean
---@field durable? "process"|"power"
---@field expect? integer
---@field unreachable? number
---@field save? string
---@field warc? string
---@field har? string
---@field waterfall? string
---@field progress? boolean|fun(stats: rill.CrawlSummary)
---@field drain? number

return {}
