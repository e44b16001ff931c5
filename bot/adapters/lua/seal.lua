-- Add seals to the chain of the audit, and move its signed head with them.
--
-- KEYS  1 meta    hash: store, head (number:hash:code)
--       2 seals   stream: number-0 → hash, entry (its id in the audit). An id can only grow, so none is written twice.
-- ARGV  1 store
--       2 the new head
--       3 number and 4 hash of the seal that these follow; 0 for the first
--       5 ... number, hash and entry of each seal
-- Any bot may seal, and all find the same hashes; those that are here already are compared. OTHER: they differ, or the
-- one before them does, and nothing is written.

local META, SEALS = KEYS[1], KEYS[2]
local store, head, before, before_hash = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]

local function hash_of(number)
  local found = redis.call('XRANGE', SEALS, number .. '-0', number .. '-0')[1]
  return found and found[2][2]
end

if redis.call('HGET', META, 'store') ~= store then
  return { 'STORE' }
end
if before > 0 and hash_of(ARGV[3]) ~= before_hash then
  return { 'OTHER', ARGV[3] }
end
local newest = redis.call('XREVRANGE', SEALS, '+', '-', 'COUNT', 1)[1]
local last = newest and tonumber(string.match(newest[1], '^%d+')) or 0
for i = 5, #ARGV, 3 do
  if tonumber(ARGV[i]) <= last and hash_of(ARGV[i]) ~= ARGV[i + 1] then
    return { 'OTHER', ARGV[i] }
  end
end
for i = 5, #ARGV, 3 do
  if tonumber(ARGV[i]) > last then
    redis.call('XADD', SEALS, ARGV[i] .. '-0', 'hash', ARGV[i + 1], 'entry', ARGV[i + 2])
  end
end
local signed = tonumber(string.match(redis.call('HGET', META, 'head') or '', '^(%d+):')) or 0
local offered = tonumber(string.match(head, '^(%d+):'))
if offered >= signed or signed > last then
  redis.call('HSET', META, 'head', head)
end
return { 'OK' }
