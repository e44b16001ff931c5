-- Keep one field beside an operation's document, and take the marks of what it settles out of the outbox. Where there is
-- no document, nothing is written: in a store that was emptied or exchanged while a card was drawn, a pointer without
-- its operation would outlive everything, and look like a card.
--
-- KEYS  1 op:<id>   2 outbox
-- ARGV  1 the field   2 its value   3 ... the marks that are settled
-- The answer is 1, or 0 where there is no document.

if redis.call('HEXISTS', KEYS[1], 'doc') == 0 then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZREM', KEYS[2], unpack(ARGV, 3))
return 1
