--- Links of an HTML page, found by libxml2's HTML parser.
---
--- libxml2 (Debian: libxml2) is needed by this module alone and loaded when it is required.
---
--- The parser is pushed the page in pieces and builds a tree of elements without their text, which is read and pruned
--- after each piece: memory stays small whatever the page's size. Some of its searches take time that grows with the
--- depth of the tree or the attributes of one tag. Links do not depend on nesting, so a parser that got into such a
--- place is left for a fresh one that goes on where it stood: time grows with the length of the page only.
local ffi = require("rill.core.ffi")
local charset = require "rill.core.charset"
local url = require "rill.url"

local PIECE = 4096 -- bytes pushed at once
local MAX_DEPTH = 256
local MAX_PARSED = 2 ^ 20 -- bytes per parser: its dictionary of names gets slow as it grows
local MAX_WORDS = 2048 -- in one tag, and so attributes: each is compared with all before it

-- XML_PARSE_RECOVER, NOERROR, NOWARNING, HUGE (else it drops what is deeper than its limit), HTML_PARSE_IGNORE_ENC
local PARSE_OPTIONS = 2 ^ 0 + 2 ^ 5 + 2 ^ 6 + 2 ^ 19 + 2 ^ 21
local ENCODING_UTF8 = 1
local ELEMENT_NODE = 1
local OPENING = "<html><body>" -- a parser whose first tag is an end tag would take the page for finished
local RAW_TEXT = { script = true, style = true } -- a fresh parser would take what is in them for tags

ffi.cdef [[
typedef struct rill_xml_node rill_xml_node;
struct rill_xml_node { /* xmlNode; xmlAttr and xmlDoc are alike as far as needed here */
  void *_private;
  int type;
  const char *name;
  rill_xml_node *children, *last, *parent, *next, *prev;
  void *doc, *ns;
  const char *content;
  rill_xml_node *properties;
};
typedef struct { void *buf; const char *filename, *directory, *base, *cur, *limit; } rill_xml_input;
typedef struct { /* the first fields of xmlParserCtxt */
  void *sax, *user_data;
  rill_xml_node *doc;
  int well_formed, replace_entities;
  const char *version, *encoding;
  int standalone, html;
  rill_xml_input *input;
  int input_count, input_max;
  rill_xml_input **inputs;
  rill_xml_node *node; /* the innermost open element */
  int depth;
} rill_xml_parser;

rill_xml_parser *htmlCreatePushParserCtxt(void *sax, void *arg, const char *chunk, int size, const char *name, int enc);
int htmlCtxtUseOptions(rill_xml_parser *parser, int options);
int htmlParseChunk(rill_xml_parser *parser, const char *chunk, int size, int terminate);
void htmlFreeParserCtxt(rill_xml_parser *parser);
void xmlFreeDoc(rill_xml_node *doc);
void xmlUnlinkNode(rill_xml_node *node);
void xmlFreeNode(rill_xml_node *node);
void xmlSAX2StartDocument(void *arg);
void xmlSAX2StartElement(void *arg, const char *name, const char **attributes);
void xmlSAX2EndElement(void *arg, const char *name);
]]

local loaded, xml = pcall(ffi.load, "libxml2.so.2")
if not loaded then
  error("rill.html needs libxml2 (Debian: apt-get install libxml2): " .. tostring(xml), 0)
end

-- An xmlSAXHandler is 32 words. Elements only: no text, no comments, nothing that prints or loads.
local elements = ffi.new "void *[32]"
elements[12] = ffi.cast("void *", xml.xmlSAX2StartDocument)
elements[14] = ffi.cast("void *", xml.xmlSAX2StartElement)
elements[15] = ffi.cast("void *", xml.xmlSAX2EndElement)
local seen = ffi.cast("void *", 1)

local M = {}

--- Frees the page's parser and its tree, if there is one.
local function drop_parser(page)
  local parser = page.parser
  if parser then
    page.parser = nil
    xml.xmlFreeDoc(parser.doc) -- may be NULL
    parser.doc = nil
    xml.htmlFreeParserCtxt(parser)
  end
end

--- Gives the page a fresh parser.
local function new_parser(page)
  drop_parser(page)
  local parser = xml.htmlCreatePushParserCtxt(elements, nil, nil, 0, nil, ENCODING_UTF8)
  if parser == nil then
    error "rill.html: out of memory"
  end
  page.parser = parser
  xml.htmlCtxtUseOptions(parser, PARSE_OPTIONS)
  xml.htmlParseChunk(parser, OPENING, #OPENING, 0)
  page.parsed, page.words = 0, 0
end

local function href_of(node)
  local attribute = node.properties
  while attribute ~= nil do
    if ffi.string(attribute.name) == "href" then
      local value = attribute.children
      return value ~= nil and value.content ~= nil and ffi.string(value.content) or ""
    end
    attribute = attribute.next
  end
end

--- Notes the href of an <a> or <area>, and that of the first <base> that has one.
local function collect(page, node)
  local name = ffi.string(node.name)
  if name == "a" or name == "area" then
    page.hrefs[#page.hrefs + 1] = href_of(node)
  elseif name == "base" then
    page.base = page.base or href_of(node)
  end
end

--- Collects what is new below `node`, in document order, and frees what is surely closed: all but the last children.
local function harvest(page, node)
  while node ~= nil do
    local child = node.children
    while child ~= nil do
      local following = child.next
      if child.type == ELEMENT_NODE then
        if child._private == nil then
          child._private = seen
          collect(page, child)
        end
        if following ~= nil then
          harvest(page, child)
        end
      end
      if following ~= nil then
        xml.xmlUnlinkNode(child)
        xml.xmlFreeNode(child)
      end
      child = following
    end
    node = node.last
  end
end

--- Whether a fresh parser should go on after `piece` of `size` bytes, and from where: how many bytes it gets again.
local function stuck(page, piece, size)
  local parser = page.parser
  local input = parser.input
  local held = tonumber(input.limit - input.cur) -- pushed, not parsed yet: an unfinished tag, comment, text
  if parser.node ~= nil and RAW_TEXT[ffi.string(parser.node.name)] then
    return nil
  elseif held < size then
    page.words = 0
    local finished = parser.depth == 0 -- </html>, but there is more
    return (finished or parser.depth > MAX_DEPTH or page.parsed > MAX_PARSED) and held or nil
  end
  -- one thing longer than a piece: fine for text, scripts and comments
  page.words = page.words + select(2, ffi.string(piece, size):gsub("[%s/\"']+", ""))
  local start = ffi.string(input.cur, 4)
  local endless = start:find "^<[?/!]" and start ~= "<!--" or page.words > MAX_WORDS and start:find "^<%a"
  return endless and 0 or nil
end

--- Reads a page's hrefs and base into `page`.
local function read(page, body)
  local bytes, at = ffi.cast("const char *", body), 0
  new_parser(page)
  while at < #body do
    local size = math.min(PIECE, #body - at)
    xml.htmlParseChunk(page.parser, bytes + at, size, 0)
    page.parsed = page.parsed + size
    harvest(page, page.parser.doc)
    local again = stuck(page, bytes + at, size)
    at = at + size
    if again then
      at = at - again
      new_parser(page)
    end
  end
  xml.htmlParseChunk(page.parser, nil, 0, 1)
  harvest(page, page.parser.doc)
end

--- Lists the links of an HTML page: href of <a> and <area>, made absolute, in document order, as often as they occur.
--- A `<base href>` is respected; what cannot be made an http or https URL (mailto:, javascript:, garbage) is left out.
--- Never fails on data, however broken, deep or large; takes time in proportion to its length.
---@param body string the page
---@param base_url string absolute URL the page was got from (after redirects)
---@param content_type? string its content-type field: a charset named there counts before the page's own
---@return string[] links absolute URLs, not normalized
function M.links(body, base_url, content_type)
  if type(body) ~= "string" then
    error("rill.html.links: body must be a string, not " .. type(body), 2)
  elseif type(base_url) ~= "string" then
    error("rill.html.links: base_url must be a string, not " .. type(base_url), 2)
  end
  local page = { hrefs = {} }
  local whole, why = pcall(read, page, charset.to_utf8(body, charset.of(body, content_type)))
  drop_parser(page)
  if not whole then
    error(why, 0)
  end
  local base = page.base and url.resolve(base_url, page.base) or base_url
  local links = {}
  for _, href in ipairs(page.hrefs) do
    local link = url.resolve(base, href)
    if link and link:find "^[Hh][Tt][Tt][Pp][Ss]?:" then
      links[#links + 1] = link
    end
  end
  return links
end

return M
