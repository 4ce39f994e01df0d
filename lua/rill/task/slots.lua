--- Where a task's table keeps what every task has, in its array part: 100,000 tasks are as many tables, and a field by
-- name takes three times as much. What few have stands in fields.
return {
  COUNT = 0, -- of what it begins with: the arguments of its function
  FN = 1,
  FIRST = 2, -- argument; where there are more than three, a list of all
  SECOND = 3,
  THIRD = 4,
  PLACE = 5, -- string|false: where rill.spawn was called
  PARENT = 6, -- rill.Task|false: that started it
  STATE = 7, -- "new"|"bulk"|"held"|"begun"|"resting"|"ended": see rill.task.handle
  WORK = 8, -- its coroutine; what its function returned; false: nothing
  CANCELLED = 9, -- boolean
  WAITING = 10, -- table|false: what it is parked on
  NUMBER = 11, -- integer: see rill.task.live

  -- Of one that has begun, in the place of what it began with:
  ERA = 0, -- of its last wait that was not dormant: see rill.runtime.core
  HOOK = 1, -- "runs"|"waited"|false: a hook runs in it, and has waited
}
