--- Real pages: the documentation packages of Debian, unpacked in build/pages by .ci/unpack.
local lfs = require "lfs"
local process = require "support.process"
local scratch = require "support.scratch"

local CACHE = "build/pages"

-- perl-doc holds texts in perl's own markup: perl makes pages of them.
local PERL_PAGES = [[
use Pod::Simple::HTML;
my $out = shift;
for my $file (@ARGV) {
  my ($page, $maker) = ("", Pod::Simple::HTML->new);
  $maker->index(1);
  $maker->output_string(\$page);
  $maker->parse_file($file);
  my ($name) = $file =~ m{([^/]+)\.pod$};
  open my $to, ">", "$out/$name.html" or die "$out: $!";
  print $to $page;
  close $to or die "$out: $!";
}
]]

local M = {}

---@class support.Page
---@field path string
---@field size integer

-- All files below `directory` whose names end so, as support.Page.
local function find(directory, ending, list)
  for name in lfs.dir(directory) do
    local path = directory .. "/" .. name
    local kind = name ~= "." and name ~= ".." and lfs.symlinkattributes(path)
    if kind and kind.mode == "directory" then
      find(path, ending, list)
    elseif kind and kind.mode == "file" and name:sub(-#ending) == ending then
      list[#list + 1] = { path = path, size = kind.size }
    end
  end
  return list
end

local function make_perl_pages(files, directory)
  local fresh = directory .. "." .. math.random(1e9)
  assert(lfs.mkdir(fresh))
  local argv = { "perl", "-e", PERL_PAGES, fresh }
  for _, file in ipairs(files) do argv[#argv + 1] = file.path end
  process.run(argv, scratch.directory "perl" .. "/output")
  if not os.rename(fresh, directory) then process.run({ "rm", "-r", fresh }, scratch.directory "rm" .. "/output") end
end

--- Where the files of a documentation package are; it is fetched when that was not done before.
---@param package string
---@return string directory
function M.unpack(package)
  process.run({ ".ci/unpack", CACHE, package }, scratch.directory "unpack" .. "/output")
  return CACHE .. "/" .. package
end

--- Pages of a package from the smallest to the largest: the three largest, and of the others as many as
--- wanted, in equal steps.
---@param package string
---@param count integer at most so many
---@return support.Page[]
function M.sample(package, count)
  local directory = M.unpack(package)
  if package == "perl-doc" then
    local made = ("%s-%d-pages"):format(directory, count) -- a spec that wants fewer has its own
    if not lfs.attributes(made) then make_perl_pages(M.choose(find(directory, ".pod", {}), count), made) end
    directory = made
  end
  return M.choose(find(directory, ".html", {}), count)
end

--- Chooses as sample() does.
---@param files support.Page[]
---@param count integer
---@return support.Page[]
function M.choose(files, count)
  table.sort(files, function(one, other)
    if one.size ~= other.size then return one.size < other.size end
    return one.path < other.path
  end)
  local chosen, largest = {}, math.min(3, #files)
  local rest = #files - largest
  local step = math.max(1, rest / (count - largest))
  for at = 1, rest, step do chosen[#chosen + 1] = files[math.floor(at)] end
  for i = rest + 1, #files do chosen[#chosen + 1] = files[i] end
  return chosen
end

return M
