#!lua name=polling_2
-- The atomic steps of a poll, as one function library of Valkey (7+) or Redis (7+).
--
-- Keys of one poll's shard share the hash tag {poll:shard}, so they live on one Cluster node:
--   {p:s}:poll        hash    state, seq, chunks, drained, replaced, version, revote, closes_at;
--                             beside shard 0 also rev: how often closes_at had been moved; of
--                             shard 0 also record, salt, opened_at, closed_at, ...
--   {p:s}:counts      hash    counter -> n: the answers', and "@tier.*"
--   {p:s}:groups      hash    counter -> n: the other ones that begin with "@"
--   {p:s}:voted       set     nullifiers; no position, no choice
--   {p:s}:ballots     hash    digest of ballot_id (12 bytes) -> its position (big-endian, 3 bytes
--                             or as many as it takes), then 2 bytes of SHA-256(nonce, answer):
--                             see polling/store_digests.py
--   {p:s}:ledger      stream  one chunk a batch, under the position of its last ballot: seq-0 ->
--                             b ballot ids, n nonces (16 bytes each), g places in a (2 bytes
--                             each), a answers (MessagePack); no time
--   {p:s}:links       hash    nullifier -> "seq:" and the ballot's deltas (MessagePack); only
--                             where the last vote counts, and only until the poll closes
--   {p:s}:superseded  set     positions of ballots that another one took the place of
-- Nothing leads from a member of `voted` to a ballot, or back; `links` does, and voters are told.
--
-- The 2 in every name is the version of what the functions take and return. A later version gets
-- its own names, so that two releases can run on one store during an upgrade.

-- Codes that stand in place of a position. polling/store_wire.py has the same list.
local CONFLICT, VOTED, CLOSED, UNKNOWN_CHOICE, NO_KEY, STALE = -1, -2, -3, -4, -5, -6
local FINISHED = {closed = true, archived = true}

local function tally(poll, counts)
  local facts = redis.call('HMGET', poll, 'state', 'seq', 'replaced')
  return facts[1] or '', tonumber(facts[2] or '0'), tonumber(facts[3] or '0'),
    redis.call('HGETALL', counts)
end

local function set_counters(counts, args, from)
  local zeros = {}
  for i = from, #args do
    zeros[#zeros + 1], zeros[#zeros + 2] = args[i], '0'
  end
  if #zeros > 0 then redis.call('HSET', counts, unpack(zeros)) end
end

-- keys: poll counts. args: record, revote, version, salt, counters. 1, or 0 where the id is taken.
local function create(keys, args)
  if redis.call('HSETNX', keys[1], 'record', args[1]) == 0 then return 0 end
  redis.call('HSET', keys[1], 'state', 'draft', 'seq', '0', 'revote', args[2], 'version', args[3],
    'salt', args[4])
  set_counters(keys[2], args, 5)
  return 1
end

-- keys: poll counts. args: record, revote, version, "1" where an open poll may be edited,
-- counters: the poll anew, one version on.
-- 1, or 0 where another version stands, a vote is counted or the poll's state forbids it.
local function edit(keys, args)
  local facts = redis.call('HMGET', keys[1], 'state', 'seq', 'version')
  local state = facts[1]
  if not state or FINISHED[state] or facts[2] ~= '0' then return 0 end
  if state == 'open' and args[4] ~= '1' then return 0 end
  if tonumber(facts[3]) ~= tonumber(args[3]) - 1 then return 0 end
  redis.call('HSET', keys[1], 'record', args[1], 'revote', args[2], 'version', args[3])
  redis.call('DEL', keys[2])
  set_counters(keys[2], args, 5)
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

-- keys: poll. args: deadlines as they were read, to, field, value, ...: the same for an open poll
-- whose deadline nobody has moved since.
local function move_open(keys, args)
  local facts = redis.call('HMGET', keys[1], 'state', 'deadlines')
  if facts[1] == 'open' and (facts[2] or '') == args[1] then
    redis.call('HSET', keys[1], 'state', args[2])
    for i = 3, #args, 2 do redis.call('HSET', keys[1], args[i], args[i + 1]) end
  end
  return redis.call('HGETALL', keys[1])
end

-- keys: poll counts. args: revote, version, closes_at or '', how often that was moved, counters:
-- opens a shard beside shard 0, once; of an open one only closes_at is set, and not by a caller
-- who read shard 0 before a move that was told here since. Its state.
local function follow(keys, args)
  if redis.call('HSETNX', keys[1], 'state', 'open') == 1 then
    redis.call('HSET', keys[1], 'seq', '0', 'revote', args[1], 'version', args[2])
    set_counters(keys[2], args, 5)
  end
  local facts = redis.call('HMGET', keys[1], 'state', 'rev')
  local is_newest = tonumber(args[4]) >= tonumber(facts[2] or '0')
  if facts[1] == 'open' and args[3] ~= '' and is_newest then
    redis.call('HSET', keys[1], 'closes_at', args[3], 'rev', args[4])
  end
  return facts[1]
end

-- keys: sets and hashes. A small one may be kept as a list, in the order in which its entries came:
-- it is written anew in the order of their names, which are random.
local function unorder(keys)
  for _, key in ipairs(keys) do
    if redis.call('EXISTS', key) == 1 and redis.call('OBJECT', 'ENCODING', key) == 'listpack' then
      local is_set = redis.call('TYPE', key).ok == 'set'
      local flat = redis.call(is_set and 'SMEMBERS' or 'HGETALL', key)
      local names, value_of, sorted = {}, {}, {}
      for i = 1, #flat, is_set and 1 or 2 do
        names[#names + 1] = flat[i]
        value_of[flat[i]] = flat[i + 1]
      end
      table.sort(names)
      for _, name in ipairs(names) do
        sorted[#sorted + 1] = name
        if not is_set then sorted[#sorted + 1] = value_of[name] end
      end
      redis.call('DEL', key)
      redis.call(is_set and 'SADD' or 'HSET', key, unpack(sorted))
    end
  end
  return 1
end

-- keys: poll links voted. Ends a shard for good, one that was never opened too.
local function seal(keys)
  if not FINISHED[redis.call('HGET', keys[1], 'state')] then
    redis.call('HSET', keys[1], 'state', 'closed')
    redis.call('HSETNX', keys[1], 'seq', '0')
  end
  redis.call('DEL', keys[2])
  return unorder({keys[3]})
end

-- What `ballots` holds for a ballot: its position, then its check.
local function receipt_of(position, check)
  local char, floor = string.char, math.floor
  local high, low = floor(position / 65536), position % 65536
  local bytes = char(high % 256, floor(low / 256), low % 256) .. check
  high = floor(high / 256)
  while high > 0 do
    bytes = char(high % 256) .. bytes
    high = floor(high / 256)
  end
  return bytes
end

local function position_in(receipt)
  local position = 0
  for at = 1, #receipt - 2 do position = position * 256 + string.byte(receipt, at) end
  return position
end

-- The groups of a batch: ballots with the same version, answer and deltas.
local function read_groups(packed, version, flat)
  local groups, is_counter = {}, {}
  for i = 1, #flat, 2 do is_counter[flat[i]] = true end
  for g, row in ipairs(packed) do
    local group = {answer = row[2], packed = row[3], n = 0, deltas = cmsgpack.unpack(row[3])}
    if row[1] ~= version then group.refusal = STALE end
    for i = 1, #group.deltas, 2 do
      local counter = group.deltas[i]
      if not is_counter[counter] and string.byte(counter) ~= 64 and not group.refusal then
        group.refusal = UNKNOWN_CHOICE
      end
    end
    groups[g] = group
  end
  return groups
end

local function add(sums, deltas, times)
  for i = 1, #deltas, 2 do
    sums[deltas[i]] = (sums[deltas[i]] or 0) + deltas[i + 1] * times
  end
end

-- Adds what the batch counted; `flat` is the counts before and after.
local function apply(sums, flat, counts, groups_key)
  local changed, place = {}, {}
  for i = 1, #flat, 2 do place[flat[i]] = i + 1 end
  for counter, number in pairs(sums) do
    if number ~= 0 then
      if string.byte(counter) == 64 and string.sub(counter, 1, 6) ~= '@tier.' then
        redis.call('HINCRBY', groups_key, counter, string.format('%d', number))
      else
        local at = place[counter]
        if not at then
          at = #flat + 2
          flat[at - 1], flat[at] = counter, '0'
        end
        flat[at] = string.format('%d', tonumber(flat[at]) + number)
        changed[#changed + 1], changed[#changed + 2] = counter, flat[at]
      end
    end
  end
  if #changed > 0 then redis.call('HSET', counts, unpack(changed)) end
end

-- One chunk of the ledger. `counted` are the places of its ballots in the batch.
local function append(ledger, last, counted, ids, places, nonces, groups)
  local answers, number_of = {}, {}
  for g, group in ipairs(groups) do
    if group.n > 0 then
      answers[#answers + 1] = group.answer
      local number = #answers - 1
      number_of[g] = string.char(math.floor(number / 256), number % 256)
    end
  end
  local own_ids, own_nonces, own_places = {}, {}, {}
  local all = #counted == #places
  for n, i in ipairs(counted) do
    own_places[n] = number_of[places[i]]
    if not all then
      own_ids[n] = string.sub(ids, 16 * i - 15, 16 * i)
      own_nonces[n] = string.sub(nonces, 16 * i - 15, 16 * i)
    end
  end
  redis.call('XADD', ledger, string.format('%d-0', last), 'b', all and ids or table.concat(own_ids),
    'n', all and nonces or table.concat(own_nonces), 'g', table.concat(own_places),
    'a', cmsgpack.pack(answers))
end

local function found_in(command, key, members)
  if #members == 0 then return {} end
  return redis.call(command, key, unpack(members))
end

-- Takes the voter's earlier ballot out of the sums. False where it is not known which it was.
local function supersede(link, sums, superseded)
  if not link then return false end
  local position, deltas = string.match(link, '^(%d+):(.*)$')
  add(sums, cmsgpack.unpack(deltas), -1)
  superseded[#superseded + 1] = position
  return true
end

-- keys: poll counts groups voted ballots ledger links superseded.
-- args: MessagePack {now, nullifiers, owners, digests, ids, checks, places, nonces, groups}:
-- owners[i] is the place in nullifiers of ballot i's voter, 0 where the poll's key was not there;
-- places[i] the place in groups of its answer; digests those of the ballot ids; ids, nonces (16
-- bytes each) and checks (2) one string each; a group {version, answer, packed deltas}.
-- Then "1" where even a batch that counts nothing must leave a write to be waited for.
-- {state, seq, replaced, counts, position before, {place, code, ...}}: the ballots without a code
-- have the positions that follow. An empty state: no such shard.
local function cast(keys, args)
  local poll, counts, groups_key, voted = keys[1], keys[2], keys[3], keys[4]
  local ballots, ledger, links = keys[5], keys[6], keys[7]
  local now, nullifiers, owners, digests, ids, checks, places, nonces, packed =
    unpack(cmsgpack.unpack(args[1]))
  local facts = redis.call('HMGET', poll, 'state', 'seq', 'closes_at', 'chunks', 'version',
    'revote', 'replaced')
  local state, seq, closes_at = facts[1], tonumber(facts[2] or '0'), tonumber(facts[3] or '')
  local replaced = tonumber(facts[7] or '0')
  if not state then return {'', 0, 0, {}, 0, {}} end
  if redis.call('XLEN', ledger) ~= tonumber(facts[4] or '0') then
    return redis.error_reply('LEDGERBROKEN the ledger is not as long as it was left')
  end
  local open = state == 'open' and not (closes_at and now > closes_at)
  local flat = redis.call('HGETALL', counts)
  local groups = read_groups(packed, tonumber(facts[5] or '1'), flat)

  local receipts, receipt_list = {}, redis.call('HMGET', ballots, unpack(digests))
  for i, receipt in ipairs(receipt_list) do
    if receipt then receipts[digests[i]] = receipt end
  end
  local has_voted = found_in('SMISMEMBER', voted, nullifiers)
  local last_counts = facts[6] == 'last'
  local link_of = last_counts and found_in('HMGET', links, nullifiers) or {}

  local codes, counted, accepted, sums, superseded = {}, {}, {}, {}, {}
  local first, sub = seq, string.sub
  for i = 1, #digests do
    local digest, owner, group = digests[i], owners[i], groups[places[i]]
    local check = sub(checks, 2 * i - 1, 2 * i)
    local receipt, code = receipts[digest], nil
    if receipt then
      code = sub(receipt, -2) == check and position_in(receipt) or CONFLICT
    elseif not open then
      code = CLOSED
    elseif group.refusal then
      code = group.refusal
    elseif owner == 0 then
      code = NO_KEY
    elseif has_voted[owner] == 1 and not (last_counts
        and supersede(link_of[owner], sums, superseded)) then
      code = VOTED
    end
    if code then
      codes[#codes + 1], codes[#codes + 2] = i, code
    else
      seq = seq + 1
      group.n = group.n + 1
      has_voted[owner] = 1
      accepted[owner] = true
      receipts[digest] = receipt_of(seq, check)
      counted[#counted + 1] = i
      if last_counts then link_of[owner] = string.format('%d:', seq) .. group.packed end
    end
  end
  if seq == first then
    if args[2] == '1' then redis.call('HSET', poll, 'seq', string.format('%d', seq)) end
    return {state, seq, replaced, flat, first, codes}
  end

  -- Voters first, in the order of their nullifiers; then ballots, in the caller's shuffled order.
  -- The append-only file keeps this order, and it tells nothing of who cast which.
  local voters, linked = {}, {}
  for owner, nullifier in ipairs(nullifiers) do
    if accepted[owner] then
      voters[#voters + 1] = nullifier
      if last_counts then
        linked[#linked + 1], linked[#linked + 2] = nullifier, link_of[owner]
      end
    end
  end
  redis.call('SADD', voted, unpack(voters))
  if last_counts then redis.call('HSET', links, unpack(linked)) end
  append(ledger, seq, counted, ids, places, nonces, groups)
  local fresh = {}
  for n, i in ipairs(counted) do
    fresh[2 * n - 1], fresh[2 * n] = digests[i], receipts[digests[i]]
  end
  redis.call('HSET', ballots, unpack(fresh))
  for _, group in ipairs(groups) do
    if group.n > 0 then add(sums, group.deltas, group.n) end
  end
  apply(sums, flat, counts, groups_key)
  replaced = replaced + #superseded
  if #superseded > 0 then redis.call('SADD', keys[8], unpack(superseded)) end
  redis.call('HSET', poll, 'seq', string.format('%d', seq),
    'chunks', string.format('%d', tonumber(facts[4] or '0') + 1),
    'replaced', string.format('%d', replaced))
  return {state, seq, replaced, flat, first, codes}
end

-- keys: poll ledger. args: upto. Drops the chunks whose ballots all have positions up to `upto`.
-- The last position dropped by now.
local function trim(keys, args)
  local facts = redis.call('HMGET', keys[1], 'drained', 'chunks')
  local drained = tonumber(facts[1] or '0')
  local last = redis.call('XREVRANGE', keys[2], args[1] .. '-0', '-', 'COUNT', '1')[1]
  if not last then return drained end
  drained = tonumber(string.match(last[1], '^%d+'))
  local gone = redis.call('XTRIM', keys[2], 'MINID', '=', string.format('%d-0', drained + 1))
  redis.call('HSET', keys[1], 'drained', string.format('%d', drained),
    'chunks', string.format('%d', tonumber(facts[2] or '0') - gone))
  return drained
end

-- keys: poll counts groups. {state, seq, replaced, counts, groups}
local function read_tally(keys)
  local state, seq, replaced, counts = tally(keys[1], keys[2])
  return {state, seq, replaced, counts, redis.call('HGETALL', keys[3])}
end

-- keys: poll counts groups voted ballots ledger links superseded.
-- {state, seq, replaced, counts, groups, voters, ballots, superseded positions, drained, last
-- position in the ledger, chunks in the ledger, chunks that should be there}
local function sums(keys)
  local state, seq, replaced, counts = tally(keys[1], keys[2])
  local facts = redis.call('HMGET', keys[1], 'drained', 'chunks')
  local drained = tonumber(facts[1] or '0')
  local last = redis.call('XREVRANGE', keys[6], '+', '-', 'COUNT', '1')[1]
  return {state, seq, replaced, counts, redis.call('HGETALL', keys[3]),
    redis.call('SCARD', keys[4]), redis.call('HLEN', keys[5]), redis.call('SMEMBERS', keys[8]),
    drained, last and tonumber(string.match(last[1], '^%d+')) or drained,
    redis.call('XLEN', keys[6]), tonumber(facts[2] or '0')}
end

redis.register_function('polling_2_create', create)
redis.register_function('polling_2_edit', edit)
redis.register_function('polling_2_move', move)
redis.register_function('polling_2_move_open', move_open)
redis.register_function('polling_2_follow', follow)
redis.register_function('polling_2_seal', seal)
redis.register_function('polling_2_unorder', unorder)
redis.register_function('polling_2_cast', cast)
redis.register_function('polling_2_trim', trim)
redis.register_function{function_name = 'polling_2_tally', callback = read_tally, flags = {'no-writes'}}
redis.register_function{function_name = 'polling_2_sums', callback = sums, flags = {'no-writes'}}
