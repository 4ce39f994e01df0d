--- Where a task's table keeps what every task has, in its array part: 100,000 tasks are as many tables, and a field by
-- name takes three times as much. What few have stands in fields.
return {
  NUMBER = 0, -- integer: see rill.task.live
  STATE = 1, -- "new"|"bulk"|"held"|"begun"|"resting"|"ended": see rill.task.handle
  FN = 2, -- its function, until it begins
  ARGUMENTS = 3, -- of that; see rill.task.values
  WAITING = 4, -- table|false: what it is parked on
  PLACE = 5, -- string|false: where rill.spawn was called
  PARENT = 6, -- rill.Task|false: that started it
  CANCELLED = 7, -- boolean

  -- Of one that has begun, in the place of what it began with:
  WORK = 2, -- its coroutine; once it has ended, what its function returned
  ERA = 3, -- integer: of its last wait: see rill.runtime.core
  HOOK = 3, -- "runs"|"waited": a hook runs in it, and has waited; anything else: none does
  KEPT = 3, -- of one that rests: what its function returned for the last thing
}
