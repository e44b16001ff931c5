-- Check and write one operation in one step, by this server's clock. Knows no states: the caller decides, on the
-- version that it read, and names in `terms` what must still be true.
--
-- KEYS  1 op:<id>     hash: doc, plan, version, schema, digest, attempts (the last few tokens),
--                     news (the version that the outbox speaks of), released (its records are free for others), card
--       2 meta        hash: workspace, store (the identity of this store), sequence (of audit entries)
--       3 audit       stream
--       4 due         sorted set: id, time of the next step
--       5 outbox      sorted set: id:version, time of the next try; one an operation
--       6 recent      sorted set: id, time of creation
--       7 freeze      hash: scope, freeze (JSON; record.lua writes it); of another type, or unreadable, all is frozen
--       8 ...         open:<record> of every record, then hold:<record> of every record, then away:<record> of every
--                     record: the operation that watches over it
-- ARGV  1 the document as it shall be: JSON, with the digest of its plan but without the plan
--       2 terms: JSON with id, store, attempt, version and stamp (that were read: the stamp is the token of the attempt
--         that wrote the version), schema, digest, index (take, keep, release),
--         audit (pairs), is_news, life (of the operation after its last step) and, where they apply, not_before, not_after,
--         due_at, hold_for, unless_held, unless_frozen (scopes), watch and leave (numbers of records, from 1),
--         lifts (pairs of a scope and the time when it was frozen)
--       3 the plan, for the first version only: a plan never changes
-- Times and spans are milliseconds. The answer is a word and what belongs to it; only OK has written anything.
-- All reads come before the first write, where Redis refuses for a full memory, a read-only role or missing replicas.

local OP, META, AUDIT, DUE, OUTBOX, RECENT, FREEZE = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local FIRST_OPEN = 8
local TOKENS_KEPT = 8
local HOLD_KEPT_LONGER = 3600000 -- a hold is judged by its value; its key may only outlive it

local document = ARGV[1]
local terms = cjson.decode(ARGV[2])
local records = (#KEYS - FIRST_OPEN + 1) / 3

local function milliseconds()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function text(number)
  return string.format('%.0f', number)
end

local function open_key(i)
  return KEYS[FIRST_OPEN + i - 1]
end

local function hold_key(i)
  return KEYS[FIRST_OPEN + records + i - 1]
end

local function away_key(i)
  return KEYS[FIRST_OPEN + 2 * records + i - 1]
end

local function is_given(value)
  return value ~= nil and value ~= cjson.null
end

local now = milliseconds()
local stored = redis.call('HMGET', OP, 'version', 'schema', 'digest', 'attempts', 'news', 'released')
local attempts = stored[4] or ''

-- The version that this attempt has written before, when its answer was lost on the way.
local function written_before()
  local version = string.match(' ' .. attempts, ' ' .. terms.attempt .. '=(%d+)')
  return version and tonumber(version)
end

local function kept_attempts(version)
  local kept = { terms.attempt .. '=' .. version }
  for one in string.gmatch(attempts, '%S+') do
    if #kept < TOKENS_KEPT then
      kept[#kept + 1] = one
    end
  end
  return table.concat(kept, ' ')
end

-- A document that is approved or claimed, or lifts a freeze, must carry the word of another person than the requester on exactly its plan,
-- and no approval by the requester.
local function is_forged()
  if stored[3] and stored[3] ~= terms.digest then
    return true
  end
  local operation = cjson.decode(document)
  if operation.digest ~= terms.digest then
    return true
  end
  if not is_given(operation.approved_at) and not is_given(operation.lease) and not terms.lifts then
    return false
  end
  local others = 0
  for _, vote in ipairs(operation.votes) do
    if vote.verb == 'approve' and vote.digest == terms.digest then
      if vote.person == operation.requester.person or vote.user_id == operation.requester.user_id then
        return true
      end
      others = others + 1
    end
  end
  return others == 0
end

-- The freeze under a scope, unless it cannot be read.
local function readable(scope, value)
  local is_read, freeze = pcall(cjson.decode, value)
  if is_read and type(freeze) == 'table' and type(freeze.at) == 'number' and freeze.scope == scope then
    return freeze
  end
  return nil
end

local function is_over(freeze)
  return type(freeze.ends) == 'number' and now >= freeze.ends
end

-- The freeze that stops this step, or an empty text for one that cannot be read.
local function stopping_freeze()
  local kind = redis.call('TYPE', FREEZE).ok
  if kind ~= 'hash' then
    return kind ~= 'none' and '' or nil
  end
  local pairs_found = redis.call('HGETALL', FREEZE)
  for i = 1, #pairs_found, 2 do
    local freeze = readable(pairs_found[i], pairs_found[i + 1])
    if not freeze then
      return ''
    end
    for _, scope in ipairs(terms.unless_frozen) do
      if scope == pairs_found[i] and not is_over(freeze) then
        return pairs_found[i + 1]
      end
    end
  end
  return nil
end

-- Whether the freezes that are to be lifted are the very ones that are on.
local function is_lifting_others()
  for _, lifted in ipairs(terms.lifts or {}) do
    local value = redis.call('TYPE', FREEZE).ok == 'hash' and redis.call('HGET', FREEZE, lifted[1])
    local freeze = value and readable(lifted[1], value)
    if not freeze or freeze.at ~= lifted[2] then
      return true
    end
  end
  return false
end

-- What is written beside an ended operation does not mind who has its records now.
local wants_records = terms.index == 'take' or (terms.index == 'keep' and not stored[6])

local function refusal()
  if redis.call('HGET', META, 'store') ~= terms.store then
    return { 'STORE' }
  end
  local version = tonumber(stored[1] or 0)
  if version == 0 and terms.version > 0 then
    return { 'GONE' }
  end
  if tonumber(stored[2] or 0) > terms.schema then
    return { 'SCHEMA', tonumber(stored[2]) }
  end
  if version ~= terms.version then
    return { 'VERSION', version }
  end
  -- A failover that loses a write makes a number come twice; the latest attempt tells whether it is the one read.
  if terms.stamp and string.match(attempts, '^[^=]+') ~= terms.stamp then
    return { 'VERSION', version }
  end
  if terms.not_before and now < terms.not_before then
    return { 'EARLY' }
  end
  if terms.not_after and now > terms.not_after then
    return { 'LATE' }
  end
  local freeze = terms.unless_frozen and stopping_freeze()
  if freeze then
    return { 'FROZEN', freeze }
  end
  if is_lifting_others() then
    return { 'LIFTED' }
  end
  for i = 1, records do
    local owner = redis.call('GET', open_key(i))
    if wants_records and owner and owner ~= terms.id then
      return { 'OPEN', owner }
    end
    local held = tonumber(redis.call('GET', hold_key(i)) or 0) - now
    if terms.unless_held and held > 0 then
      return { 'HELD', math.ceil(held / 1000) }
    end
  end
  if is_forged() then
    return { 'FORGED' }
  end
  return nil
end

local function write_operation(version)
  local fields = { 'doc', document, 'version', version, 'schema', terms.schema, 'digest', terms.digest,
    'attempts', kept_attempts(version) }
  local function add(name, value)
    fields[#fields + 1] = name
    fields[#fields + 1] = value
  end
  if version == 1 then
    add('plan', ARGV[3])
  end
  if terms.is_news then
    add('news', version)
  end
  if terms.index == 'release' then
    add('released', 1)
  end
  redis.call('HSET', OP, unpack(fields))
  -- One that is watched on outlives its end: its step and its watch must never be left without it.
  if (terms.index == 'release' or stored[6]) and not terms.due_at then
    redis.call('PEXPIRE', OP, text(terms.life))
  end
  if version == 1 then
    redis.call('ZADD', RECENT, text(now), terms.id)
    redis.call('ZREMRANGEBYSCORE', RECENT, '-inf', text(now - terms.life))
  end
end

local function append_audit(version)
  local entry = { 'seq', redis.call('HINCRBY', META, 'sequence', 1), 'at', text(now), 'operation', terms.id,
    'version', version }
  for _, pair in ipairs(terms.audit) do
    entry[#entry + 1] = pair[1]
    entry[#entry + 1] = pair[2]
  end
  redis.call('XADD', AUDIT, '*', unpack(entry))
end

local function write_records()
  for i = 1, records do
    if terms.index == 'take' then
      redis.call('SET', open_key(i), terms.id)
    elseif terms.index == 'release' and redis.call('GET', open_key(i)) == terms.id then
      redis.call('DEL', open_key(i))
    end
    if terms.hold_for then
      local held_until = math.max(tonumber(redis.call('GET', hold_key(i)) or 0), now + terms.hold_for)
      redis.call('SET', hold_key(i), text(held_until), 'PX', text(held_until - now + HOLD_KEPT_LONGER))
    end
  end
end

local function write_watch()
  for _, i in ipairs(terms.watch or {}) do
    redis.call('SET', away_key(i), terms.id)
  end
  for _, i in ipairs(terms.leave or {}) do
    if redis.call('GET', away_key(i)) == terms.id then
      redis.call('DEL', away_key(i))
    end
  end
end

local function lift()
  for _, lifted in ipairs(terms.lifts or {}) do
    redis.call('HDEL', FREEZE, lifted[1])
  end
end

local function mark_work(version)
  if terms.due_at then
    redis.call('ZADD', DUE, text(terms.due_at), terms.id)
  else
    redis.call('ZREM', DUE, terms.id)
  end
  if terms.is_news then
    if stored[5] then
      redis.call('ZREM', OUTBOX, terms.id .. ':' .. stored[5])
    end
    redis.call('ZADD', OUTBOX, 0, terms.id .. ':' .. version)
  end
end

local again = written_before()
if again then
  -- Written once more, the same, so that a WAIT behind it on this connection speaks of this write.
  redis.call('HSET', OP, 'attempts', attempts)
  return { 'OK', again }
end
local refused = refusal()
if refused then
  return refused
end
local version = terms.version + 1
write_operation(version)
append_audit(version)
write_records()
write_watch()
lift()
mark_work(version)
return { 'OK', version }
