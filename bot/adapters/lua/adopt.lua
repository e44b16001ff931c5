-- Take a store over for one workspace. One that was nobody's gets its identity and, in the same step, begins frozen: a
-- bot that ends in between must not leave a store that looks as if it had been looked at.
--
-- KEYS  1 meta    hash: workspace, store, sequence (of audit entries)
--       2 audit   stream
--       3 freeze  hash: scope, freeze (JSON)
-- ARGV  1 workspace
--       2 the identity of a store that has none
--       3 entry (JSON pairs), 4 scope and 5 freeze, where a new store begins with one
-- The answer is the workspace and the identity that it has, and 1 where it is new. Another workspace's is left alone.

local META, AUDIT, FREEZE = KEYS[1], KEYS[2], KEYS[3]
local workspace, identity, entry, scope, freeze = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local known = redis.call('HMGET', META, 'workspace', 'store')
if known[1] and known[1] ~= workspace then
  return { known[1], known[2] or '', 0 }
end
local kind = redis.call('TYPE', FREEZE).ok
local time = redis.call('TIME')
-- Written where it is known as well: one that takes no writes, for a full memory or as a replica, is found out here.
redis.call('HSET', META, 'workspace', workspace, 'store', known[2] or identity)
if known[2] then
  return { workspace, known[2], 0 }
end
if entry then
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local fields = { 'seq', redis.call('HINCRBY', META, 'sequence', 1), 'at', string.format('%.0f', now) }
  for _, pair in ipairs(cjson.decode(entry)) do
    fields[#fields + 1] = pair[1]
    fields[#fields + 1] = pair[2]
  end
  redis.call('XADD', AUDIT, '*', unpack(fields))
  if kind == 'hash' or kind == 'none' then -- of another type it freezes all already
    redis.call('HSET', FREEZE, scope, freeze)
  end
end
return { workspace, identity, 1 }
