-- Completion of the command's words, as bash and zsh do it.
local process = require "support.process"
local support = require "support"

describe("completion", function()
  -- What bash offers after some words.
  local function offered(...)
    local output = support.directory "completion" .. "/output"
    process.run({ "env", "-u", "RILL_LIBRARY", "bash", "-ec", [[. completion/rill.bash
      COMP_WORDS=("bin/rill" "$@")
      COMP_CWORD=$#
      _rill bin/rill
      printf '%s\n' "${COMPREPLY[@]}"]], "bash", ... }, output)
    return support.read(output)
  end

  it("offers commands, and the flags that each has", function()
    assert.equal("get\ncrawl\nlinks\nrobots\nstatus\njoin\n--help\n--version\n", offered "")
    assert.equal("--max-pages\n--max-items\n--max-bytes\n--max-time\n--max-failed\n--maxsize\n",
      (offered("crawl", "--max"):gsub("(%-%-maxsize\n)(.*)$", "%2%1")))
    assert.equal("--no-follow\n", offered("crawl", "--no-fol"))
    assert.equal("--external\n", offered("links", "--ext"))
    assert.matches("README.md\n", offered("crawl", "READ"), 1, true)
  end)

  -- What a zsh that somebody types in makes of words and a tab, each on a line that is cleared before.
  local function completed(...)
    local directory = support.directory "zsh"
    local script = support.write(directory .. "/script", [[
      zmodload zsh/zpty
      zpty shell "HOME=$1 zsh -f -i"
      zpty -w shell "PROMPT=; PATH=$PWD/bin:\$PATH; fpath=($PWD/completion \$fpath); autoload -U compinit"
      zpty -w shell "compinit -u -D; dump() { print -r -- \"<<\$BUFFER>>\" }; zle -N dump; bindkey '^X' dump"
      zpty -w shell "print rea''dy"
      zpty -r shell output '*ready*'
      for typed in "${@:2}"; do
        zpty -w -n shell $'\x15'"$typed"$'\t\x18'
        zpty -r shell output '*<<*>>*'
        print -r -- "$output"
      done
    ]])
    local argv = { "env", "-u", "RILL_LIBRARY", "TERM=dumb", "zsh", "-f", script, directory, ... }
    local child, lines = process.start(argv, directory .. "/output"), {}
    child:wait(180)
    for line in child:output():gmatch "<<(.-)>>" do lines[#lines + 1] = line end
    return lines
  end

  it("is zsh's too: commands, flags, files", function()
    assert.same({ "rill crawl ", "rill crawl --max-pages ", "rill status LICENSE " },
      completed("rill cr", "rill crawl --max-pa", "rill status LICEN"))
  end)
end)
