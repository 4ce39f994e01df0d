--- Where the tables of a response and of a stream's state keep what scripts do not read: in their array parts. With
--- names for all of it a response's table had twice the hash part: 200 of the 21,240 instructions of a GET of 1 KiB.
return {
  SLOT = 0, -- of a response: of the id that the core has given it, with GENERATION
  -- 1 to 7 are numbers: see rill.core.facts
  METHOD = 8,
  URL = 9, -- as it was given
  BLOCK = 10, -- of the header fields that were sent
  HEAD = 11, -- header block that was received
  PEER = 12, -- rill.Peer or false
  TASK = 13, -- of a response: rill.Task that waits for it, or false
  FAILURE = 14, -- of a response: rill.Error or false
  GENERATION = 15,
}
