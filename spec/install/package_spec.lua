-- Debian's packages, as debian/ makes them. Runs other programs alone: not under sanitizers.
local kept = require "support.kept"
local process = require "support.process"
local support = require "support"

describe("the Debian packages", function()
  local place, root, version, abi

  -- Runs a command of the shell; returns what it wrote.
  local function sh(command, ...)
    local output = support.directory "sh" .. "/output"
    local argv = kept.environment("CC=" .. kept.cc, unpack(kept.debian))
    for _, word in ipairs { "sh", "-ec", command, ... } do argv[#argv + 1] = word end
    process.run(argv, output)
    return support.read(output)
  end

  setup(function()
    place = support.directory "packages"
    root = place .. "/root"
    local header = support.read "src/rill.h"
    version, abi = header:match 'RILL_VERSION "([^"]+)"', header:match "RILL_ABI = (%d+)"
    sh([[
      mkdir "$0/rill" "$0/root"
      git ls-files -z --cached --others --exclude-standard |
        tar --null -T - --ignore-failed-read -c | tar -x -C "$0/rill"
      cd "$0/rill"
      dpkg-buildpackage -us -uc -b -d
      for package in "$0"/*.deb; do dpkg-deb -x "$package" "$0/root"; done]], place)
  end)

  it("carry the library's ABI in their names, and the version", function()
    local names = {}
    for name in sh([[ls "$0"]], place):gmatch "([^\n]+)%.deb\n" do names[#names + 1] = name:gsub("_[%w]+$", "") end
    table.sort(names)
    local expected = { "librill-dev_" .. version, "librill" .. abi .. "_" .. version, "lua-rill_" .. version,
      "rill_" .. version }
    table.sort(expected)
    assert.same(expected, names)
  end)

  it("bring together what is run and what is built with", function()
    assert.equal(("rill %s\n"):format(version), sh([[env -i PATH="$PATH" "$0/usr/bin/rill" --version]], root))
    for _, path in ipairs { "usr/include/rill.h", "usr/share/man/man1/rill.1.gz", "usr/share/man/man3/librill.3.gz",
      "usr/share/bash-completion/completions/rill", "usr/share/zsh/vendor-completions/_rill",
      "usr/share/doc/rill/copyright", "usr/share/doc/rill/examples/paging.lua" } do
      assert.is_truthy(io.open(root .. "/" .. path), path)
    end
    local flags = sh([[export PKG_CONFIG_PATH=$(dirname "$0"/usr/lib/*/pkgconfig/rill.pc)
      pkg-config --define-variable=prefix="$0/usr" --cflags --libs rill]], root)
    assert.matches("-I" .. root .. "/usr/include", flags, 1, true)
    assert.matches("-L" .. root .. "/usr/lib/", flags, 1, true)
  end)
end)

describe("the manual pages", function()
  it("are what the command says of itself, and every function of the header, without a warning", function()
    local place = support.directory "man"
    for page, source in pairs { ["rill.1"] = "rill", ["librill.3"] = "librill" } do
      local command = ([[luajit .ci/man.lua %s >"$0/%s"]]):format(source, page)
      process.run({ "env", "-u", "RILL_LIBRARY", "sh", "-ec", command, place }, place .. "/made")
    end
    assert.equal("", support.read(place .. "/made"))
    process.run({ "env", "-u", "RILL_LIBRARY", "sh", "-ec", [[cd "$0"
      for page in rill.1 librill.3; do
        MANWIDTH=120 man -l --warnings=w "$page" >"$page.text" 2>"$page.warnings"
      done]], place }, place .. "/shown")
    for _, page in ipairs { "rill.1", "librill.3" } do
      assert.equal("", support.read(("%s/%s.warnings"):format(place, page)))
    end
    local command, library = support.read(place .. "/rill.1.text"), support.read(place .. "/librill.3.text")
    for _, flag in ipairs { "--max-pages N", "--external", "--resolve HOST:PORT:ADDRESS" } do
      assert.matches(flag, command, 1, true)
    end
    for name in support.read("src/rill.h"):gmatch "RILL_API[^;(]-(rill_[%w_]+)%(" do
      assert.matches(name, library, 1, true)
    end
  end)
end)
