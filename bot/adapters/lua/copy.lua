-- Write one copy job over the version that was read, with its audit entry in the same step, where it brings one.
-- It knows nothing of what a job is: it rewrites no record, takes no freeze into account and grants nobody anything.
--
-- KEYS  1 job     hash: doc, version
--       2 meta    hash: store, sequence (of audit entries)
--       3 audit   stream
--       4 copies  set of the ids of jobs with something to come
--       5 started id of the last job that was started beside it; given where this one is to be the next
-- ARGV  1 store, 2 id, 3 the version that was read (0: none is there), 4 document
--       5 the entry: JSON pairs, or empty
--       6 '1' where something is to come of the job, 7 seconds to keep it
--       8 what key 5 held when it was read, empty for nothing
-- A version that says the same already is a write whose answer was lost: nothing is written, and no second entry.

local JOB, META, AUDIT, COPIES, STARTED = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local store, id, read, doc, entry, is_live, life, after = unpack(ARGV)

if redis.call('HGET', META, 'store') ~= store then
  return { 'STORE' }
end
local version = tonumber(redis.call('HGET', JOB, 'version') or '0')
if version == tonumber(read) + 1 and redis.call('HGET', JOB, 'doc') == doc then
  return { 'OK' }
end
if version ~= tonumber(read) then
  return { 'VERSION' }
end
if STARTED and (redis.call('GET', STARTED) or '') ~= after then
  return { 'STARTED' }
end
if entry ~= '' then
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local fields = { 'seq', redis.call('HINCRBY', META, 'sequence', 1), 'at', string.format('%.0f', now) }
  for _, pair in ipairs(cjson.decode(entry)) do
    fields[#fields + 1] = pair[1]
    fields[#fields + 1] = pair[2]
  end
  redis.call('XADD', AUDIT, '*', unpack(fields))
end
if STARTED then
  redis.call('SET', STARTED, id, 'EX', life)
end
redis.call('HSET', JOB, 'doc', doc, 'version', version + 1)
redis.call('EXPIRE', JOB, life)
redis.call(is_live == '1' and 'SADD' or 'SREM', COPIES, id)
return { 'OK' }
