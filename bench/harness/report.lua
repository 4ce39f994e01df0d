--- What a run of the bench leaves: a table for people, JSON for programs.
local json = require("rill.core.plain_json")

local M = {}

local function short(number)
  if number >= 10000 then
    local text = ("%.0f"):format(number)
    return (text:reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", ""))
  end
  if number >= 100 then return ("%.0f"):format(number) end
  if number >= 10 then return ("%.1f"):format(number) end
  return ("%.2f"):format(number)
end

-- A ratio keeps the third digit: it may decide.
local function held(figure, number)
  return figure.ratio and ("%.3f"):format(number) or short(number)
end

local function bound(figure, number)
  if not number then return "" end
  return (figure.more_is_better and ">= " or "<= ") .. short(number)
end

local function verdict(figure)
  if figure.met == false then return "**MISSED**" end
  if figure.aim_met then return "aim met" end
  if figure.met then return "met" end
  return ""
end

local function with_unit(number, unit)
  if unit == "/s" then return short(number) .. "/s" end
  return short(number) .. " " .. unit
end

local function row(line, figure)
  local name = figure.against and ("%s / %s"):format(figure.label, figure.against) or figure.label
  local summary = figure.summary
  return {
    ("%s (`%s`)"):format(line.title, line.name),
    name,
    with_unit(figure.own, figure.unit),
    figure.peer and with_unit(figure.peer, figure.unit) or "",
    ("**%s**"):format(held(figure, summary.median)),
    ("%s to %s"):format(held(figure, summary.low), held(figure, summary.high)),
    bound(figure, figure.must),
    bound(figure, figure.aim),
    verdict(figure),
  }
end

local HEAD = { "line", "figure", "rill", "peer", "median", "quartiles", "must", "aim", "" }

local function markdown_row(cells)
  return "| " .. table.concat(cells, " | ") .. " |"
end

-- An entry of a list, in lines of at most WIDTH columns.
local WIDTH = 118
local function wrapped(entry)
  local lines = { "" }
  for word in entry:gmatch "%S+" do
    local line = lines[#lines]
    if line == "" then
      lines[#lines] = word
    elseif #line + 1 + #word <= WIDTH then
      lines[#lines] = line .. " " .. word
    else
      lines[#lines + 1] = "  " .. word
    end
  end
  return table.concat(lines, "\n")
end

--- The run as Markdown.
---@param run table what `command` has gathered
---@return string
function M.markdown(run)
  local text = {
    ("%s, %d rounds, %s."):format(run.date, run.rounds, run.machine),
    "CPU is user and system time of the client process for one unit; a ratio is the median of the rounds' ratios.",
    "", markdown_row(HEAD), "|" .. ("---|"):rep(#HEAD),
  }
  for _, line in ipairs(run.lines) do
    for _, figure in ipairs(line.figures) do
      text[#text + 1] = markdown_row(row(line, figure))
    end
  end
  text[#text + 1] = ""
  for _, line in ipairs(run.left_out) do
    text[#text + 1] = ("- Not run: %s (`%s`): %s."):format(line.title, line.name, line.reason)
  end
  for _, line in ipairs(run.lines) do
    for _, absent in ipairs(line.absent) do
      text[#text + 1] = ("- Not compared: `%s` against %s: %s."):format(line.name, absent.against, absent.reason)
    end
  end
  for _, peer in ipairs(run.missing) do
    text[#text + 1] = ("- Missing peer: %s: %s."):format(peer.name, peer.reason)
  end
  local versions = {}
  for name, version in pairs(run.versions) do
    versions[#versions + 1] = ("%s: %s"):format(name, version)
  end
  table.sort(versions)
  text[#text + 1] = wrapped("- Versions: " .. table.concat(versions, "; ") .. ".")
  return table.concat(text, "\n") .. "\n"
end

--- The run as JSON, every sample included.
---@param run table
---@return string
function M.json(run)
  return json.encode(run) .. "\n"
end

--- How many musts were missed.
---@param run table
---@return integer missed
---@return integer all
function M.missed(run)
  local missed, all = 0, 0
  for _, line in ipairs(run.lines) do
    for _, figure in ipairs(line.figures) do
      if figure.must then all = all + 1 end
      if figure.met == false then missed = missed + 1 end
    end
  end
  return missed, all
end

return M
