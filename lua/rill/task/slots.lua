--- Where a task's table keeps what scripts do not read, in its array part: so its hash part has room for eight fields,
-- which one that waits for a response fills. The next one would double it, and 100,000 tasks have 100,000 of them.
return {
  COUNT = 0, -- of what it begins with: the arguments of its function
  FN = 1,
  FIRST = 2, -- argument; where there are more than three, a list of all
  SECOND = 3,
  THIRD = 4,
  PLACE = 5, -- string|false: where rill.spawn was called
  ERA = 6, -- of its last wait that was not dormant: see rill.runtime.core
  HOOK = 7, -- "runs"|"waited"|false: a hook runs in it, and has waited
}
