--- The world this process lives in: what parks and resumes tasks, and who steps the loop.
return require("rill.runtime.standalone")
