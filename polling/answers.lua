-- Open answers waiting for their organiser, in one slot with shard 0 of their poll. Run by EVAL:
-- keys, then a verb. An entry is "ballot_id:question"; it stands in one of three hashes,
-- entry -> text:
--   {p:0}:held  {p:0}:approved  {p:0}:rejected

local verbs = {}

-- entry, text, ...: new ones are held. How many were new.
function verbs.hold(...)
  local pairs_given, fresh = {...}, 0
  for i = 1, #pairs_given, 2 do
    local known = false
    for _, key in ipairs(KEYS) do
      known = known or redis.call('HEXISTS', key, pairs_given[i]) == 1
    end
    if not known then
      redis.call('HSET', KEYS[1], pairs_given[i], pairs_given[i + 1])
      fresh = fresh + 1
    end
  end
  return fresh
end

-- entry, place of the hash it goes to. 1, or 0: no such entry.
function verbs.judge(entry, to)
  for _, key in ipairs(KEYS) do
    local text = redis.call('HGET', key, entry)
    if text then
      if key ~= KEYS[tonumber(to)] then
        redis.call('HDEL', key, entry)
        redis.call('HSET', KEYS[tonumber(to)], entry, text)
      end
      return 1
    end
  end
  return 0
end

return verbs[ARGV[1]](unpack(ARGV, 2))
