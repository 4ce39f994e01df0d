-- What is said of requests over HTTP/2 holds over HTTP/1.1: the same bodies, run again. Passed over is what tells of
-- HTTP/2 alone: RST_STREAM and its codes, SETTINGS, windows to the byte, streams side by side on one connection.
local again = require "support.again"

local FILES = {
  ["client/client"] = {
    "counts what it does", "ends what is sent as cancelled and what is not as inactive when it closes",
  },
  ["client/closing"] = {},
  ["client/cookies"] = {},
  ["client/download"] = {
    "leaves no file where the body breaks off, or the task is cancelled", -- its server speaks HTTP/2 alone
  },
  ["client/errors"] = {
    "lists the cause that ended the last attempt, however many there were", -- the same
    "keeps the code of a reset, and says that a head had arrived",
    "shows a code that has no name as its number, as the stream does",
  },
  ["client/expect_continue"] = {},
  ["client/file_body"] = {},
  ["client/head_window"] = {
    "receives no more before somebody reads", "leaves the windows of all others on its connection as they are",
  },
  ["client/hook"] = {},
  ["client/resume_parts"] = {},
  ["client/save"] = {},
  ["client/text"] = {},
  ["stream/stream"] = {
    "gives all tasks the same response, before and after its end", "is cancelled with RST_STREAM CANCEL",
    "gives what had arrived before it fails", "gives its window back as it is read", "stops with what has arrived",
    "is cancelled when a script drops it",
  },
}

for file, passed_over in pairs(FILES) do again(file, "http/1.1", passed_over, getfenv(1)) end
