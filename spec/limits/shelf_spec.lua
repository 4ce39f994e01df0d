-- Blocks of large bodies, which the next bodies get.
local ffi = require "ffi"
local script = require "support.script"
local support = require "support"

ffi.cdef [[
typedef struct spec_slab spec_slab;
typedef struct spec_shelf spec_shelf;
spec_slab *spec_slab_new(void);
void spec_slab_free(spec_slab *slab);
spec_shelf *spec_shelf_of(spec_slab *slab);
void spec_shelf_release(spec_shelf *shelf);
bool spec_shelf_age(spec_shelf *shelf);
void *spec_leave(spec_slab *slab, size_t size);
void *spec_grow(spec_slab *slab, size_t size, size_t larger);
void spec_give(spec_shelf *shelf, void *block);
int spec_share(spec_shelf *shelf, int rounds);
]]
pcall(ffi.cdef, [[
struct mallinfo2 { size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost; };
struct mallinfo2 mallinfo2(void);
]])
local KIB, MIB = 2 ^ 10, 2 ^ 20
local SANITIZED = os.getenv "RILL_SANITIZED" ~= nil

-- Bytes that this process has from malloc.
local function allocated()
  local info = ffi.C.mallinfo2()
  return tonumber(info.uordblks + info.hblkhd)
end

describe("the shelf of a loop", function()
  local library, slab, shelf

  setup(function() library = ffi.load(support.make "./build/shelf.so") end)

  before_each(function()
    slab = library.spec_slab_new()
    shelf = library.spec_shelf_of(slab)
  end)

  after_each(function()
    if slab then library.spec_slab_free(slab) end
    library.spec_shelf_release(shelf)
  end)

  -- Blocks that leave the slab together.
  local function leave(count, size)
    local blocks = {}
    for i = 1, count do blocks[i] = library.spec_leave(slab, size) end
    return blocks
  end

  local function give(blocks)
    for _, block in ipairs(blocks) do library.spec_give(shelf, block) end
  end

  it("has what a body has left ready for the next of about its size", function()
    local first = library.spec_leave(slab, 256 * KIB)
    library.spec_give(shelf, first)
    local second = library.spec_leave(slab, 250 * KIB)
    assert.equal(first, second)
    give { second }
    local larger = library.spec_leave(slab, 330 * KIB)
    assert.not_equal(first, larger)
    give { larger }
  end)

  it("serves a body that grows, whose bytes stay", function()
    for _, sizes in ipairs { { 100, 300 }, { 200, 900 }, { 1024, 4096 }, { 3000, 9000 },
      { 4096, 40000 } } do
      for _ = 1, 3 do -- the second finds what the first has left
        local block = library.spec_grow(slab, sizes[1] * KIB, sizes[2] * KIB)
        assert.is_true(block ~= nil)
        give { block }
      end
    end
  end)

  it("keeps 20 MiB at most, and no block of more than 4 MiB", function()
    if SANITIZED then return pending "malloc tells nothing there" end
    local before = allocated()
    give(leave(100, 512 * KIB))
    assert.is_true(allocated() - before <= 20 * MIB + 64 * KIB, allocated() - before)
    assert.is_true(allocated() - before > 19 * MIB, allocated() - before)
    assert.is_false(library.spec_shelf_age(shelf) and library.spec_shelf_age(shelf))
    give(leave(3, 5 * MIB))
    assert.is_true(allocated() - before < 64 * KIB, allocated() - before)
  end)

  it("gives back what nobody has asked for between two looks, and takes none of it any more", function()
    if SANITIZED then return pending "malloc tells nothing there" end
    local before = allocated()
    local held = leave(4, MIB)
    give(leave(4, 512 * KIB))
    give(leave(4, 256 * KIB))
    assert.is_true(library.spec_shelf_age(shelf))
    assert.is_true(allocated() - before > 7 * MIB)
    give { library.spec_leave(slab, 256 * KIB) } -- this one is asked for
    assert.is_true(library.spec_shelf_age(shelf))
    local kept = allocated() - before
    assert.is_true(kept > 5 * MIB and kept < 5.5 * MIB, kept)
    give(held)
    kept = allocated() - before
    assert.is_true(kept > MIB and kept < 1.5 * MIB, kept)
    assert.is_false(library.spec_shelf_age(shelf))
    assert.is_true(allocated() - before < 64 * KIB)
  end)

  it("is there as long as its loop or a body is", function()
    local blocks = leave(4, 256 * KIB)
    library.spec_slab_free(slab)
    slab = nil
    give(blocks)
  end)

  it("keeps nothing for a loop that is gone", function()
    if SANITIZED then return pending "malloc tells nothing there" end
    local before = allocated()
    local blocks = leave(9, MIB)
    give { blocks[1], blocks[2], blocks[3] }
    library.spec_slab_free(slab)
    slab = nil
    local held = allocated() - before
    assert.is_true(held > 5.5 * MIB and held < 6.5 * MIB, held) -- six of them
    give { unpack(blocks, 4) }
    assert.is_true(allocated() - before < 64 * KIB, allocated() - before)
  end)

  it("may be given blocks by other threads", function()
    local got = library.spec_share(shelf, 20000)
    assert.is_true(got >= 0)
  end)
end)

-- In a process of its own, in which nothing else has memory of malloc(). Writes page faults of each body, and how many
-- MiB are left at once when all have gone.
local BODIES = [[
local ffi = require "ffi"
local url, ca = ...
ffi.cdef [=[
struct usage { long times[4], peak, sizes[3], minor_faults, rest[9]; };
int getrusage(int who, struct usage *usage);
struct mallinfo2 { size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost; };
struct mallinfo2 mallinfo2(void);
]=]
local client = rill.client { tls = { ca_file = ca } }
local function faults()
  local usage = ffi.new "struct usage"
  ffi.C.getrusage(0, usage)
  return tonumber(usage.minor_faults)
end
local function allocated()
  local info = ffi.C.mallinfo2()
  return tonumber(info.uordblks + info.hblkhd) / 2^20
end
local function get(count)
  local tasks = {}
  for i = 1, 10 do
    tasks[i] = rill.spawn(function()
      for _ = 1, count / 10 do
        local _, length = assert(client:get(url)):pointer()
        assert(length == 2^20)
      end
    end)
  end
  for i = 1, 10 do tasks[i]:join() end
end
rill.run(function()
  get(10)
  collectgarbage()
  local before = allocated()
  get(50)
  local first = faults()
  get(100)
  tell((faults() - first) / 100)
  collectgarbage()
  collectgarbage()
  tell(allocated() - before)
  while allocated() - before > 1 do rill.sleep(0.01) end
end)
client:close()
]]

for _, protocol in ipairs { "h2", "http/1.1" } do
  describe("bodies of 1 MiB over " .. protocol, function()
    before_each(support.begin)
    after_each(support.check_clean)

    it("are kept where earlier ones were; when all have gone, that memory goes, too", function()
      if SANITIZED then return pending "freed memory is not kept there" end
      local server = support.nginx { http2 = protocol == "h2", files = { body = MIB } }
      support.tries(5, function() -- what nobody asks for while a machine stands still goes early, but not each time
        local lines = script.run(BODIES, { server.url .. "/body", server.ca })
        assert.is_true(tonumber(lines[2]) <= 21, lines[2] .. " MiB")
        return tonumber(lines[1]) < 50
      end, "less than 50 page faults for a body of 256 pages")
    end)
  end)
end
