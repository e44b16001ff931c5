-- Take or renew a lease that expires by itself; another owner's stands. It saves double work, and no safety rests on it.
-- KEYS: 1 the lease. ARGV: 1 who asks, 2 milliseconds. Returns 1, or 0 where another owner has it.

local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
