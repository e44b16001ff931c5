-- Return all fields of a hash as one text, a line each: one long reply is read much faster than thousands of short ones.
-- KEYS: 1 the hash.

return table.concat(redis.call('HKEYS', KEYS[1]), '\n')
