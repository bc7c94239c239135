-- Take numbers for one reservation, or say why not.
--
-- KEYS[1] slots:{pool}:meta     hash: next and last (the fresh numbers, none if next is higher),
--                               limit (0: none), open (1 or 0)
-- KEYS[2] slots:{pool}:free     zset, returned numbers, score = number
-- KEYS[3] slots:{pool}:taken    hash, customer -> how many slots it has
-- KEYS[4] slots:{pool}:pending  hash, reservation -> "customer|n,n,..."
-- KEYS[5] slots:{pool}:expiry   zset, reservation -> when the reconciler looks at it, ms
-- KEYS[6] slots:{pool}:owners   set, reservations whose orders are in the database
-- ARGV    reservation, customer, quantity, now_ms, ttl_ms
-- Returns {"OK", n, ...}; {"DUP", n, ...} for a reservation that is under way; {"DONE"} for one
--         whose order exists; or an error name:
--         {"UNKNOWN_POOL"}, {"CLOSED"}, {"LIMIT", taken, limit}, {"SOLD_OUT", remaining}.
-- Safe to repeat: the same reservation gets the same numbers.
local reservation, customer, quantity = ARGV[1], ARGV[2], tonumber(ARGV[3])

local pending = redis.call('HGET', KEYS[4], reservation)
if pending then
    local numbers = {'DUP'}
    for n in string.gmatch(string.match(pending, '|(.*)$'), '%d+') do
        numbers[#numbers + 1] = n
    end
    return numbers
end

if redis.call('SISMEMBER', KEYS[6], reservation) == 1 then return {'DONE'} end

local meta = redis.call('HMGET', KEYS[1], 'next', 'last', 'limit', 'open')
if not meta[1] then return {'UNKNOWN_POOL'} end
if meta[4] ~= '1' then return {'CLOSED'} end
local next_number, last_number, limit = tonumber(meta[1]), tonumber(meta[2]), tonumber(meta[3])

local taken = tonumber(redis.call('HGET', KEYS[3], customer) or '0')
if limit > 0 and taken + quantity > limit then
    return {'LIMIT', tostring(taken), tostring(limit)}
end

local returned = redis.call('ZCARD', KEYS[2])
local remaining = returned + math.max(0, last_number - next_number + 1)
if remaining < quantity then return {'SOLD_OUT', tostring(remaining)} end

-- Lowest first: early numbers carry early tiers and batches, so a returned one is sold again
-- before a fresh one.
local numbers = {'OK'}
if returned > 0 then
    local popped = redis.call('ZPOPMIN', KEYS[2], quantity)
    for i = 1, #popped, 2 do numbers[#numbers + 1] = popped[i] end
end
while #numbers - 1 < quantity do
    numbers[#numbers + 1] = tostring(next_number)
    next_number = next_number + 1
end
redis.call('HSET', KEYS[1], 'next', next_number)
redis.call('HINCRBY', KEYS[3], customer, quantity)
redis.call('HSET', KEYS[4], reservation, customer .. '|' .. table.concat(numbers, ',', 2))
redis.call('ZADD', KEYS[5], tonumber(ARGV[4]) + tonumber(ARGV[5]), reservation)
return numbers
