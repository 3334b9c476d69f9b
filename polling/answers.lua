-- Open answers waiting for their organiser, in one slot with shard 0 of their poll. Run by EVAL:
-- keys, then a verb. An entry is "ballot_id:question"; it stands in one of three hashes,
-- entry -> text:
--   {p:0}:held  {p:0}:approved  {p:0}:rejected
-- and {p:0}:poll, the poll's record, is read.
-- What finds its work done writes all the same: on a Cluster that is what its caller waits for, and
-- the earlier write may not have reached a replica.

local verbs = {}

local HASHES = {KEYS[1], KEYS[2], KEYS[3]}

-- A small hash is kept as a list. What is held once the close gave its order up must not lie last.
local function unorder_after_close(key)
  if redis.call('HGET', KEYS[4], 'state') == 'open' then return end
  if redis.call('OBJECT', 'ENCODING', key) ~= 'listpack' then return end
  local flat, names, text_of = redis.call('HGETALL', key), {}, {}
  for i = 1, #flat, 2 do names[#names + 1], text_of[flat[i]] = flat[i], flat[i + 1] end
  table.sort(names)
  redis.call('DEL', key)
  for _, name in ipairs(names) do redis.call('HSET', key, name, text_of[name]) end
end

-- entry, text, ...: new ones are held. How many were new.
function verbs.hold(...)
  local pairs_given, fresh = {...}, 0
  for i = 1, #pairs_given, 2 do
    local known
    for _, key in ipairs(HASHES) do
      if redis.call('HEXISTS', key, pairs_given[i]) == 1 then known = key end
    end
    redis.call('HSET', known or KEYS[1], pairs_given[i], pairs_given[i + 1])
    if not known then fresh = fresh + 1 end
  end
  if fresh > 0 then unorder_after_close(KEYS[1]) end
  return fresh
end

-- entry, place of the hash it goes to. 1, or 0: no such entry.
function verbs.judge(entry, to)
  for _, key in ipairs(HASHES) do
    local text = redis.call('HGET', key, entry)
    if text then
      if key ~= KEYS[tonumber(to)] then redis.call('HDEL', key, entry) end
      redis.call('HSET', KEYS[tonumber(to)], entry, text)
      return 1
    end
  end
  return 0
end

return verbs[ARGV[1]](unpack(ARGV, 2))
