-- Bodies that go to files: on disks that fill up, over what stands there already.
local disk = require "support.disk"
local lfs = require "lfs"
local support = require "support"

local SIZE = 200000 -- bytes: more than fits

describe("a body that is written to a file", function()
  local nginx

  setup(function() nginx = support.nginx { files = { page = SIZE, small = 1000 } } end)
  teardown(function() nginx:stop() end)
  before_each(support.begin)
  after_each(function()
    disk.unmount()
    support.check_clean()
  end)

  -- how -> gets a page and writes it; returns what that returns
  local ways = {
    ["response:save"] = function(client, page, path) return assert(client:get(nginx.url .. page)):save(path) end,
    ["client:download"] = function(client, page, path) return client:download(nginx.url .. page, path) end,
  }

  local function shell(command, path)
    return os.execute(command:format(path)) == 0
  end

  local function mode_of(path)
    local pipe = io.popen(("stat -c %%a '%s'"):format(path))
    local mode = pipe:read "*l"
    pipe:close()
    return mode
  end

  for how, write in pairs(ways) do
    local function assert_refused(path, message, page)
      local client = support.client()
      support.run(function()
        local done, err = write(client, page or "/page", path)
        assert.is_nil(done)
        assert.equal("file_error", err.reason)
        assert.matches(message, tostring(err), 1, true)
      end)
    end

    it("leaves nothing where the disk is full: " .. how, function()
      local directory = disk.small()
      if not directory then return pending "mounting is not permitted" end
      assert_refused(directory .. "/page", "No space left on device")
      assert.same({}, support.find(directory))
    end)

    it("leaves what was there where the disk is full: " .. how, function()
      local directory = disk.small()
      if not directory then return pending "mounting is not permitted" end
      support.write(directory .. "/page", "old")
      assert_refused(directory .. "/page", "No space left on device")
      assert.equal("old", support.read(directory .. "/page"))
      assert.equal(1, #support.find(directory))
    end)

    it("replaces a file, which keeps its mode, and a link: " .. how, function()
      local directory = support.directory "save"
      local path = support.write(directory .. "/page", "old")
      assert.is_true(shell("chmod 600 '%s'", path) and shell("ln -s page '%s/link'", directory))
      local client = support.client()
      support.run(function()
        assert(write(client, "/page", directory .. "/link"))
        assert.equal(SIZE, #support.read(directory .. "/link"))
        assert.is_false(shell("test -L '%s/link'", directory))
        assert.equal("old", support.read(path))
        assert(write(client, "/small", path))
        assert.equal(1000, #support.read(path))
        assert.equal("600", mode_of(path))
        assert.is_true(shell("ln -s nowhere '%s/dangling'", directory))
        assert(write(client, "/small", directory .. "/dangling"))
        assert.equal(1000, #support.read(directory .. "/dangling"))
      end)
      assert.equal(3, #support.find(directory))
    end)

    it("may have a name as long as the file system takes: " .. how, function()
      local directory = support.directory "save"
      local client = support.client()
      support.run(function()
        for _, name in ipairs { ("n"):rep(250), ("n"):rep(255), ("\195\188"):rep(127) } do
          assert(write(client, "/small", directory .. "/" .. name))
          assert.equal(1000, #support.read(directory .. "/" .. name))
        end
      end)
      assert.equal(3, #support.find(directory))
      assert_refused(directory .. "/" .. ("n"):rep(256), "File name too long")
    end)

    it("goes into nothing but regular files: " .. how, function()
      local directory = support.directory "save"
      assert.is_true(shell("mkfifo '%s/pipe'", directory))
      assert_refused(directory .. "/pipe", "not a regular file")
      assert_refused(directory, "Is a directory")
      assert_refused(directory .. "/page/below", "No such file or directory")
      assert.same({}, support.find(directory), "nothing beside it")
      if shell("mknod '%s/full' c 1 7 2>/dev/null", directory) then
        assert_refused(directory .. "/full", "not a regular file")
        assert.is_true(shell("test -c '%s/full'", directory))
      end
    end)

    -- As root, /dev/stdout would be replaced for everybody.
    it("replaces no link to what is no regular file, and none to a descriptor: " .. how, function()
      local directory = support.directory "save"
      assert.is_true(shell("cd '%s' && mkfifo pipe && ln -s pipe piped && ln -s . folder", directory))
      assert_refused(directory .. "/piped", "not a regular file")
      assert_refused(directory .. "/folder", "Is a directory")
      assert.is_true(shell("cd '%s' && ln -s /proc/self/fd/0 stdin && ln -s stdin again && mkdir in"
        .. " && ln -s ../again in/up && ln -s /dev/fd/0 dev && ln -s round round", directory))
      for _, name in ipairs { "stdin", "again", "in/up", "dev" } do
        assert_refused(directory .. "/" .. name, "it is a link to a descriptor")
      end
      for _, name in ipairs { "piped", "folder", "stdin", "again", "in/up", "dev", "round" } do
        assert.equal("link", lfs.symlinkattributes(directory .. "/" .. name, "mode"))
      end
    end)
  end
end)
