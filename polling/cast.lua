#!lua name=polling_1
-- The atomic steps of a poll, as one function library of Valkey (7+) or Redis (7+).
--
-- Keys of one poll's shard share the hash tag {poll:shard}, so they live on one Cluster node:
--   {p:s}:poll     hash    record, state, seq, opened_at, closes_at, closed_at
--   {p:s}:counts   hash    choice -> n
--   {p:s}:voted    set     nullifiers; no position, no choice
--   {p:s}:ballots  hash    ballot_id -> "seq:choice"
--   {p:s}:ledger   stream  seq-0 -> b ballot_id, c choice, n nonce; no time
-- Nothing leads from a member of `voted` to a ballot, or back.
--
-- The 1 in every name is the version of what the functions take and return. A later version gets
-- its own names, so that two releases can run on one store during an upgrade.

-- Codes that stand in place of a position. polling/store.py has the same list.
local CONFLICT, VOTED, CLOSED, UNKNOWN_CHOICE, NO_KEY = -1, -2, -3, -4, -5

local function tally(poll, counts)
  local facts = redis.call('HMGET', poll, 'state', 'seq')
  return facts[1] or '', tonumber(facts[2] or '0'), redis.call('HGETALL', counts)
end

-- keys: poll counts. args: record, then the choices. 1, or 0 where the id is taken.
local function create(keys, args)
  if redis.call('HSETNX', keys[1], 'record', args[1]) == 0 then return 0 end
  redis.call('HSET', keys[1], 'state', 'draft', 'seq', '0')
  for i = 2, #args do redis.call('HSET', keys[2], args[i], '0') end
  return 1
end

-- keys: poll. args: from, to, field, value, ...: compare the state, then set it and the fields.
-- The poll's hash; unchanged where its state was not `from`.
local function move(keys, args)
  if redis.call('HGET', keys[1], 'state') == args[1] then
    redis.call('HSET', keys[1], 'state', args[2])
    for i = 3, #args, 2 do redis.call('HSET', keys[1], args[i], args[i + 1]) end
  end
  return redis.call('HGETALL', keys[1])
end

-- keys: poll counts voted ballots ledger.
-- args: MessagePack {now, nullifiers, owners, ballot ids, choices, nonces}: owners[i] is the place
-- in nullifiers of ballot i's voter, 0 where the poll's key was not there.
-- {state, seq, counts, one code or position per ballot, how many of them are new}; an empty state:
-- no such poll.
local function cast(keys, args)
  local poll, counts, voted, ballots, ledger = keys[1], keys[2], keys[3], keys[4], keys[5]
  local now, nullifiers, owners, ids, choices, nonces = unpack(cmsgpack.unpack(args[1]))
  local facts = redis.call('HMGET', poll, 'state', 'seq', 'closes_at')
  local state, seq, closes_at = facts[1], tonumber(facts[2] or '0'), tonumber(facts[3] or '')
  if not state then return {'', 0, {}, {}, 0} end
  if redis.call('XLEN', ledger) ~= seq then
    return redis.error_reply('LEDGERBROKEN position and length of the ledger differ')
  end
  local open = state == 'open' and not (closes_at and now > closes_at)

  local count = {}
  local flat = redis.call('HGETALL', counts)
  for i = 1, #flat, 2 do count[flat[i]] = tonumber(flat[i + 1]) end

  local known = {}
  for i, receipt in ipairs(redis.call('HMGET', ballots, unpack(ids))) do
    if receipt then known[ids[i]] = receipt end
  end
  local has_voted = {}
  if #nullifiers > 0 then
    for i, found in ipairs(redis.call('SMISMEMBER', voted, unpack(nullifiers))) do
      has_voted[i] = found == 1
    end
  end

  local codes, accepted, counted = {}, {}, {}
  local first = seq
  for i, id in ipairs(ids) do
    local choice, owner, receipt = choices[i], owners[i], known[id]
    if receipt then
      local position, chosen = string.match(receipt, '^(%d+):(.*)$')
      codes[i] = chosen == choice and tonumber(position) or CONFLICT
    elseif not open then
      codes[i] = CLOSED
    elseif not count[choice] then
      codes[i] = UNKNOWN_CHOICE
    elseif owner == 0 then
      codes[i] = NO_KEY
    elseif has_voted[owner] then
      codes[i] = VOTED
    else
      seq = seq + 1
      count[choice] = count[choice] + 1
      has_voted[owner] = true
      accepted[owner] = true
      known[id] = string.format('%.0f:%s', seq, choice)
      counted[#counted + 1] = i
      codes[i] = seq
    end
  end
  if seq == first then return {state, seq, flat, codes, 0} end

  -- Voters first, in the order of their nullifiers; then ballots, in the caller's shuffled order.
  -- The append-only file keeps this order, and it tells nothing of who cast which.
  local voters = {}
  for owner, nullifier in ipairs(nullifiers) do
    if accepted[owner] then voters[#voters + 1] = nullifier end
  end
  redis.call('SADD', voted, unpack(voters))
  local receipts = {}
  for n, i in ipairs(counted) do
    redis.call('XADD', ledger, string.format('%.0f-0', first + n),
      'b', ids[i], 'c', choices[i], 'n', nonces[i])
    receipts[2 * n - 1], receipts[2 * n] = ids[i], known[ids[i]]
  end
  redis.call('HSET', ballots, unpack(receipts))
  for i = 1, #flat, 2 do flat[i + 1] = string.format('%.0f', count[flat[i]]) end
  redis.call('HSET', counts, unpack(flat))
  redis.call('HSET', poll, 'seq', string.format('%.0f', seq))
  return {state, seq, flat, codes, seq - first}
end

-- keys: poll counts. {state, seq, counts}
local function read_tally(keys)
  return {tally(keys[1], keys[2])}
end

-- keys: poll counts voted ballots ledger. {state, seq, counts, voters, ballots, ledger length}
local function sums(keys)
  local state, seq, counts = tally(keys[1], keys[2])
  return {state, seq, counts, redis.call('SCARD', keys[3]), redis.call('HLEN', keys[4]),
    redis.call('XLEN', keys[5])}
end

redis.register_function('polling_1_create', create)
redis.register_function('polling_1_move', move)
redis.register_function('polling_1_cast', cast)
redis.register_function{function_name = 'polling_1_tally', callback = read_tally, flags = {'no-writes'}}
redis.register_function{function_name = 'polling_1_sums', callback = sums, flags = {'no-writes'}}
