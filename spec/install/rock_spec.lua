-- The rock, and a release. Runs other programs alone: not under sanitizers.
local lfs = require "lfs"
local kept = require "support.kept"
local process = require "support.process"
local scratch = require "support.scratch"

local SCRIPT = [[
local rill = require "rill"
assert(rill.run(function() rill.sleep(0) return true end))
for line in io.lines "/proc/self/maps" do
  local path = line:match "/.*librill.*$"
  if path then print(path) break end
end
]]

-- Not the user's own rocks.
local function install(tree, home)
  process.run(kept.environment("HOME=" .. home, "luarocks", "make", "--lua-version", "5.1", "--tree", tree,
    "rill-scm-1.rockspec"), home .. "/luarocks.output")
end

describe("the rock", function()
  for _, name in ipairs { "tree", "a tree" } do
    it(("installs with luarocks make and runs with nothing but its tree on the paths: %q"):format(name), function()
      local root, elsewhere = scratch.directory "trees", scratch.directory "elsewhere"
      local tree = root .. "/" .. name
      install(tree, elsewhere)

      local script = scratch.write(elsewhere .. "/script.lua", SCRIPT)
      local share = tree .. "/share/lua/5.1"
      local out = elsewhere .. "/script.output"
      process.run({ "env", "-i", "-C", elsewhere, "PATH=" .. os.getenv "PATH",
        ("LUA_PATH=%s/?.lua;%s/?/init.lua"):format(share, share),
        ("LUA_CPATH=%s/lib/lua/5.1/?.so"):format(tree), "luajit", script }, out)
      local library = tree .. "/lib/lua/5.1/rill/librill.so"
      assert.equal(library .. "\n", scratch.read(out))
      assert.is_true(lfs.attributes(library, "size") < lfs.attributes("build/librill.so", "size") / 2)

      local rock = tree .. "/lib/luarocks/rocks-5.1/rill/scm-1"
      for _, page in ipairs { "README.md", "LICENSE", "examples/many_files.lua" } do
        assert.equal(scratch.read(page), scratch.read(("%s/doc/%s"):format(rock, page)))
      end
      process.run({ "env", "-i", "-C", elsewhere, "PATH=" .. os.getenv "PATH", tree .. "/bin/rill", "--version" },
        elsewhere .. "/command.output")
      assert.matches("^rill %d", scratch.read(elsewhere .. "/command.output"))
      local count = 0
      for entry in lfs.dir(root) do count = count + (entry:find "^%.%.?$" and 0 or 1) end
      assert.equal(1, count) -- the tree, and no piece of its name
    end)
  end
end)

describe("a release", function()
  local place, clone, version

  -- The tree as git has it, with all that is not committed yet, in a repository of its own.
  setup(function()
    place = scratch.directory "release"
    clone = place .. "/repository"
    version = scratch.read("src/rill.h"):match 'RILL_VERSION "([^"]+)"'
    process.run({ "sh", "-ec", [[
      mkdir "$0"
      git ls-files -z --cached --others --exclude-standard | tar --null -T - --ignore-failed-read -c | tar -x -C "$0"
      cd "$0"
      git init -q
      git add -A
      git -c user.name=spec -c user.email=spec@localhost commit -qm release
      git tag "v$1"
    ]], clone, version }, place .. "/git.output")
  end)

  local function sh(command, ...)
    local output = scratch.directory "sh" .. "/output"
    process.run(kept.environment("HOME=" .. place, "sh", "-ec", command, ...), output)
    return scratch.read(output)
  end

  local function says_its_version(tree)
    local out = tree .. ".output"
    process.run({ "env", "-i", "-C", place, "PATH=" .. os.getenv "PATH", tree .. "/bin/rill", "--version" }, out)
    assert.equal(("rill %s\n"):format(version), scratch.read(out))
  end

  it("is a tarball and a rockspec, which luarocks installs from its repository, as packed source and as packed build",
    function()
      sh([[cd "$0" && make -s dist REPOSITORY="git+file://$0" 2>&1]], clone)
      local made = clone .. "/build/dist/rill-" .. version
      local names = sh([[tar -tzf "$0"]], made .. ".tar.gz")
      for _, name in ipairs { "Makefile", "src/rill.h", "lua/rill/init.lua", "debian/control" } do
        assert.matches(("rill-%s/%s\n"):format(version, name), names, 1, true)
      end
      -- luarocks names a CC of its own, whatever the environment says.
      local flags = ("CFLAGS='%s' CC='%s'"):format(kept.flags(), kept.cc)
      sh("cd $0 && luarocks --lua-version 5.1 --tree $0/one install $1-1.rockspec " .. flags, place, made)
      says_its_version(place .. "/one")
      sh("cd $0 && luarocks --lua-version 5.1 --tree $0/one pack rill", place)
      sh("cd $0 && luarocks --lua-version 5.1 --tree $0/two install rill-$1-1.linux-*.rock", place, version)
      says_its_version(place .. "/two")
      sh("cd $0 && luarocks --lua-version 5.1 pack $1-1.rockspec", place, made)
      sh("cd $0 && luarocks --lua-version 5.1 --tree $0/three install rill-$1-1.src.rock " .. flags, place, version)
      says_its_version(place .. "/three")
    end)

  it("is refused while changes are not committed", function()
    scratch.write(clone .. "/README.md", "changed")
    assert.matches("commit or undo your changes first", sh([[cd "$0" && ! make -s dist 2>&1]], clone), 1, true)
  end)
end)
