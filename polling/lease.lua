-- Who sequences a poll, and how far its log was published: sent with EVAL, a few times a second.
--
-- Key {p:0}:lease, a hash: holder, token (grows with every new holder), until_ms by the store's own
-- clock, size and root of the newest checkpoint. A log can only be published on from exactly what
-- was published before, by the newest holder; so no two machines ever publish two logs of one poll.
--
-- ARGV take holder milliseconds: {token, size, root}, or {0} while another one holds it.
-- ARGV advance token size root new_size new_root: 1, or 0 where the token or the log is not the newest.
-- ARGV release token: 1, or 0 where it is not the newest.
local key, verb = KEYS[1], ARGV[1]
local facts = redis.call('HMGET', key, 'holder', 'token', 'until_ms', 'size', 'root')
local holder, token = facts[1], tonumber(facts[2] or '0')
local size, root = facts[4] or '0', facts[5] or ''

if verb == 'take' then
  local time = redis.call('TIME')
  local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  if holder ~= ARGV[2] then
    if holder and tonumber(facts[3]) > now then return {0} end
    token = token + 1
  end
  redis.call('HSET', key, 'holder', ARGV[2], 'token', string.format('%d', token),
    'until_ms', string.format('%d', now + tonumber(ARGV[3])))
  return {token, size, root}
end
if tonumber(ARGV[2]) ~= token then return 0 end
if verb == 'release' then
  redis.call('HDEL', key, 'holder', 'until_ms')
  return 1
end
if ARGV[3] ~= size or ARGV[4] ~= root then return 0 end
redis.call('HSET', key, 'size', ARGV[5], 'root', ARGV[6])
return 1
