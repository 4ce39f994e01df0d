--- The last frames of a connection, as err.frames and conn:frames() give them.
local ffi = require("rill.core.ffi")
local C = require("rill.clib")

local M = {}

local frame = ffi.new("rill_flight_frame")

---@class rill.Frame
---@field time number monotonic, as rill.now()
---@field direction "sent"|"recv"
---@field type string RFC 9113's name, "type 0xfa" for one that has none; HTTP/1.1: "REQUEST", "RESPONSE", "BYTES"
---@field stream integer 0: the connection's
---@field length integer bytes of payload; of a message what has passed of it
---@field flags string names, a blank between: "END_STREAM END_HEADERS"; of a complete message "END"
---@field note string error code, settings, increment, GOAWAY's last stream; method; status; or ""

-- One frame a line; times count from the first one that is kept.
local Frames = {}

function Frames:__tostring()
  local lines, first = {}, self[1] and self[1].time
  for i, each in ipairs(self) do
    local line = ("%10.6f %s %-13s stream %-3d length %-5d %s%s%s"):format(each.time - first, each.direction, each.type,
      each.stream, each.length, each.flags, each.flags ~= "" and each.note ~= "" and " " or "", each.note)
    lines[i] = line:gsub("%s+$", "")
  end
  return table.concat(lines, "\n")
end

--- Makes the list.
---@param flight ffi.cdata* rill_flight *
---@return rill.Frame[] list oldest first; its tostring is one frame a line
function M.list(flight)
  local list = {}
  for i = 0, C.rill_flight_count(flight) - 1 do
    C.rill_flight_get(flight, i, frame)
    list[i + 1] = {
      time = frame.time,
      direction = frame.sent and "sent" or "recv",
      type = ffi.string(frame.type),
      stream = frame.stream,
      length = frame.length,
      flags = ffi.string(frame.flags),
      note = ffi.string(frame.note),
    }
  end
  return setmetatable(list, Frames)
end

--- Takes over a reference, or takes one of its own, for an error to keep.
---@param flight ffi.cdata* rill_flight *
---@return ffi.cdata* flight which gives its reference back when it is collected
function M.own(flight)
  return ffi.gc(flight, C.rill_flight_free)
end

return M
