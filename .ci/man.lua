-- Makes the manual pages: luajit .ci/man.lua rill|librill >PAGE
-- rill(1) is doc/reference/cli.md and what each command says of itself, librill(3) is src/rill.h.
local function read(path)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return text
end

local HEADER = read("src/rill.h")
local VERSION = assert(HEADER:match('RILL_VERSION "([^"]+)"'))

-- Text as roff has it: no line of it is a request.
local function plain(text)
  return (text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("\n([.'])", "\n\\&%1"):gsub("^([.'])", "\\&%1"))
end

-- The same, of Markdown: code in bold, links without their targets.
local function inline(text)
  text = plain(text:gsub("%[([^%]]+)%]%([^)]*%)", "%1"))
  return (text:gsub("%*%*(.-)%*%*", "\\fB%1\\fP"):gsub("`(.-)`", "\\fB%1\\fP"))
end

local function say(...)
  io.write(table.concat({ ... }), "\n")
end

local function heading(text)
  say(".SH ", text:upper())
end

local function verbatim(text)
  say(".nf\n", plain(text), "\n.fi")
end

-- A row of a table: its first cell is the term.
local function row(line)
  local cells = {}
  for cell in line:gmatch("|%s*([^|]-)%s*%f[|]") do cells[#cells + 1] = cell end
  if cells[1] and not cells[1]:find("^%-+$") then
    say(".TP\n", inline(cells[1]), "\n", inline(table.concat(cells, "; ", 2)))
  end
end

-- Headings, paragraphs and tables: what pages of the reference are made of.
local function markdown(text)
  local head
  for line in text:gmatch("([^\n]*)\n") do
    local title = line:match("^#+ (.*)$")
    if title then
      heading((title:gsub("`", "")))
    elseif line:find("^|") then
      if head then row(line) end -- the first row names the columns
      head = true
    else
      head = nil
      say(line == "" and ".PP" or inline(line))
    end
  end
end

-- What a command prints with --help.
local function help_of(command)
  local pipe = assert(io.popen(("luajit bin/rill %s --help"):format(command)))
  local text = pipe:read("*a")
  pipe:close()
  return (text:gsub("\n$", ""))
end

local function command_page()
  say('.TH RILL 1 "" "rill ', VERSION, '"')
  heading("name")
  say("rill \\- fetches pages and crawls sites over HTTP/2 and HTTP/1.1")
  heading("synopsis")
  say(".B rill\n.I COMMAND\n.RI [ WORD ...]")
  local text = read("doc/reference/cli.md"):gsub("^# [^\n]*", "# Description"):gsub(" %[More%]%([^)]*%)%.", "")
  markdown(text)
  for _, command in ipairs { "get", "crawl", "links", "robots", "status", "join" } do
    heading("rill " .. command)
    verbatim(help_of(command))
  end
  heading("see also")
  say(".BR librill (3)")
end

-- A comment's text, without its stars.
local function words_of(comment)
  return (comment:gsub("^/%*%s*", ""):gsub("%s*%*/$", ""):gsub("\n[ \t]*%*[ \t]?", "\n"))
end

-- Comments become text, what stands between them is shown as it is.
local function header(text)
  local position = 1
  while true do
    local from, to = text:find("\n/%*.-%*/", position)
    local code = text:sub(position, from or #text):gsub("^\n+", ""):gsub("%s+$", "")
    if code ~= "" then verbatim(code) end
    if not from then break end
    local words = words_of(text:sub(from + 1, to))
    local title = words:match("^%-%-%- (.-) %-+$")
    if title then
      heading(title)
    else
      say(".PP\n", plain(words))
    end
    position = to + 1
  end
end

local function library_page()
  local top, rest = HEADER:match("^(/%*.-%*/)\n(.*)$")
  say('.TH LIBRILL 3 "" "rill ', VERSION, '"')
  heading("name")
  say("librill \\- the core of rill, a crawling client for HTTP/2 and HTTP/1.1")
  heading("synopsis")
  say("#include <rill.h>\n.PP\ncc ... $(pkg\\-config \\-\\-cflags \\-\\-libs rill)")
  heading("description")
  say((plain(words_of(top)):gsub("\n\n", "\n.PP\n")))
  local body = rest:match("/%* Changes when anything.*$"):gsub("\n#[^\n]*", ""):gsub("RILL_API ", "")
  header("\n" .. body)
  heading("see also")
  say(".BR rill (1)")
end

local pages = { rill = command_page, librill = library_page }
pages[assert(arg[1])]()
