-- Append one entry to the audit that belongs to no commit: a refusal, a freeze, a change from outside. It is numbered
-- from the same sequence as those of commit.lua and timed by this server, so that the trail is one.
--
-- KEYS  1 meta    hash: store, sequence (of audit entries)
--       2 audit   stream
--       3 freeze  hash: scope, freeze (JSON)
-- ARGV  1 store
--       2 the entry: JSON pairs
--       3 scope and 4 the freeze that is to be set in the same step, where one is
-- A freeze key of another type freezes everything already and is left as it is. A freeze that lasts longer is never
-- replaced by a shorter one, which would be a way to lift it alone: KEPT, and no entry is appended. A freeze that stays
-- as it is is written once more, the same, so that a WAIT behind this on its connection speaks of it.

local META, AUDIT, FREEZE = KEYS[1], KEYS[2], KEYS[3]
local store, entry, scope, freeze = ARGV[1], cjson.decode(ARGV[2]), ARGV[3], ARGV[4]

if redis.call('HGET', META, 'store') ~= store then
  return { 'STORE' }
end
local kind = redis.call('TYPE', FREEZE).ok
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

-- The freeze under this scope, where it lasts longer than the one wanted or cannot be read.
local function longer()
  local held = scope and kind == 'hash' and redis.call('HGET', FREEZE, scope)
  if not held or held == freeze then
    return nil
  end
  local is_read, found = pcall(cjson.decode, held)
  if not is_read or type(found) ~= 'table' or type(found.at) ~= 'number' then
    return held
  end
  local ends, wanted = tonumber(found.ends), tonumber(cjson.decode(freeze).ends)
  if (ends and now >= ends) or not wanted then
    return nil
  end
  return (not ends or ends > wanted) and held or nil
end

local kept = longer()
if kept then
  redis.call('HSET', FREEZE, scope, kept)
  return { 'KEPT', kept }
end
if scope and kind == 'hash' and redis.call('HGET', FREEZE, scope) == freeze then
  redis.call('HSET', FREEZE, scope, freeze)
  return { 'OK', 0 } -- set before, its answer was lost
end
local sequence = redis.call('HINCRBY', META, 'sequence', 1)
local fields = { 'seq', sequence, 'at', string.format('%.0f', now) }
for _, pair in ipairs(entry) do
  fields[#fields + 1] = pair[1]
  fields[#fields + 1] = pair[2]
end
redis.call('XADD', AUDIT, '*', unpack(fields))
if scope and (kind == 'hash' or kind == 'none') then
  redis.call('HSET', FREEZE, scope, freeze)
end
return { 'OK', sequence }
