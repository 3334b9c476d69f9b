-- Questions from viewers, in one slot with shard 0 of their poll. Run by EVAL: keys, then a verb.
--   {p:0}:poll      hash  state, closes_at: read here, never written
--   {p:0}:asked     hash  nullifier of a voter -> how many questions they put
--   {p:0}:items     hash  item -> text
--   {p:0}:standing  hash  item -> held, shown, answered, hidden
--   {p:0}:upvotes   hash  item -> n
--   {p:0}:upvoters  set   nullifiers of voter and item
-- Nothing here leads from an item to who asked it. In what order both came is given up when the poll
-- closes (`unorder` in cast.lua), as are the append-only files, which have it until then.
-- What finds its work done writes all the same: on a Cluster that is what its caller waits for, and
-- the earlier write may not have reached a replica.

local poll, asked, items, standing, upvotes, upvoters = unpack(KEYS)
-- Codes in place of a count. polling/store_qa.py has the same list.
local CLOSED, FULL, UNKNOWN, UNKNOWN_POLL = -1, -2, -3, -4

local function refusal(now)
  local facts = redis.call('HMGET', poll, 'state', 'closes_at')
  local state, closes_at = facts[1], tonumber(facts[2] or '')
  if not state then return UNKNOWN_POLL end
  if state ~= 'open' or (closes_at and tonumber(now) > closes_at) then return CLOSED end
end

local function is_full(most)
  if redis.call('HLEN', items) < most then return false end
  local n = 0
  for _, state in ipairs(redis.call('HVALS', standing)) do
    if state ~= 'hidden' then n = n + 1 end
  end
  return n >= most
end

local verbs = {}

-- now, nullifier, item, text, most of one voter, most of all: how many the voter has put. An item
-- that is there already is the same one, sent again.
function verbs.ask(now, nullifier, item, text, most_of_one, most_of_all)
  local refused = refusal(now)
  if refused then return refused end
  local count = tonumber(redis.call('HGET', asked, nullifier) or '0')
  if redis.call('HEXISTS', items, item) == 1 then
    redis.call('HSET', standing, item, redis.call('HGET', standing, item))
    return count
  end
  if count >= tonumber(most_of_one) or is_full(tonumber(most_of_all)) then return FULL end
  redis.call('HSET', items, item, text)
  redis.call('HSET', standing, item, 'held')
  return redis.call('HINCRBY', asked, nullifier, 1)
end

-- now, nullifier of voter and item, item: how many voted for it; the same voter counts once.
function verbs.upvote(now, nullifier, item)
  local refused = refusal(now)
  if refused then return refused end
  local state = redis.call('HGET', standing, item)
  if state ~= 'shown' and state ~= 'answered' then return UNKNOWN end
  return redis.call('HINCRBY', upvotes, item, redis.call('SADD', upvoters, nullifier))
end

-- item, from, to; to "gone": the item is deleted. 1, or 0 where it does not stand at `from`.
function verbs.judge(item, from, to)
  if redis.call('HGET', standing, item) ~= from then return 0 end
  if to == 'gone' then
    for _, key in ipairs({items, standing, upvotes}) do redis.call('HDEL', key, item) end
  else
    redis.call('HSET', standing, item, to)
  end
  return 1
end

return verbs[ARGV[1]](unpack(ARGV, 2))
