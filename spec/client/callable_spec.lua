-- What can be called is as good as a function, wherever one may be given.
local rill = require "rill"
local support = require "support"

local function callable(fn)
  return setmetatable({}, { __call = function(_, ...) return fn(...) end })
end

describe("a table that can be called", function()
  local node

  before_each(function()
    support.begin()
    node = support.node()
  end)
  after_each(support.check_clean)

  it("is a hook", function()
    local seen = {}
    local function note(name)
      return callable(function() seen[name] = true end)
    end
    local client = support.client { on_event = note "event", on_warning = note "warning", on_headers = note "head",
      warnsize = 1 }
    local path = support.directory "callable" .. "/body"
    support.run(function()
      assert(client:get(node.url .. "/size?n=100", { on_chunk = note "chunk" }))
      assert(client:download(node.url .. "/size?n=100", path, { on_progress = note "progress" }))
    end)
    assert.same({ event = true, warning = true, head = true, chunk = true, progress = true }, seen)
  end)

  it("is a body, and trailers", function()
    local client = support.client()
    local pieces = { "one", "two" }
    support.run(function()
      local res = assert(client:post(node.url .. "/echo", callable(function() return table.remove(pieces, 1) end)))
      assert.equal(6, res:json().length)
      res = assert(client:post(node.url .. "/echo", rill.map({ "three" }, function(text) return text end)))
      assert.equal(5, res:json().length)
      for _, body in ipairs { "text", callable(function() end) } do
        local asked = 0
        assert(client:post(node.url .. "/echo", body, { trailers = callable(function()
          asked = asked + 1
          return { ["x-sum"] = "1" }
        end) }))
        assert.equal(1, asked)
      end
    end)
  end)

  it("is no hook where it cannot be called", function()
    local client = support.client()
    assert.error_matches(function() client:get(node.url, { on_chunk = {} }) end, "on_chunk must be a function, got ")
    assert.error_matches(function() client:post(node.url, {}) end, "body: file must be a path, got nil")
    assert.error_matches(function() client:post(node.url, { file = "" }) end, 'body: file must be a path, got ""')
  end)
end)
