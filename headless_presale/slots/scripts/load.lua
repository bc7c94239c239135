-- Make Redis agree with what was just read from the database.
--
-- KEYS[1] slots:{pool}:meta   KEYS[2] slots:{pool}:free   KEYS[3] slots:{pool}:taken
-- KEYS[4] slots:{pool}:pending   KEYS[5] slots:{pool}:owners
-- KEYS[6..8] staged free, taken and owners: written beforehand in batches, so that this call is
--         short however large the pool is; each may be missing, which means empty
-- ARGV    mode: "absent" (only if the pool is unknown) or "replace"; capacity; limit (0: none);
--         open (1 or 0); next (highest owned number + 1)
-- Numbers and counts of pending reservations stay with them: their orders may be committing now.
-- Returns 1 if it was loaded, 0 if the pool was known already.
if ARGV[1] == 'absent' and redis.call('EXISTS', KEYS[1]) == 1 then
    redis.call('UNLINK', KEYS[6], KEYS[7], KEYS[8])
    return 0
end
local capacity, first = tonumber(ARGV[2]), tonumber(ARGV[5])
local next_number = first

for i, to in ipairs({KEYS[2], KEYS[3], KEYS[5]}) do
    local from = KEYS[5 + i]
    redis.call('UNLINK', to)
    if redis.call('EXISTS', from) == 1 then
        redis.call('RENAME', from, to)
        redis.call('PERSIST', to)
    end
end

local held = {}
local pending = redis.call('HGETALL', KEYS[4])
for i = 1, #pending, 2 do
    -- An order that is committed but not settled is in the database's counts already.
    local is_counted = redis.call('SISMEMBER', KEYS[5], pending[i]) == 1
    local customer, list = string.match(pending[i + 1], '^(.-)|(.*)$')
    for n in string.gmatch(list, '%d+') do
        held[tonumber(n)] = true
        next_number = math.max(next_number, tonumber(n) + 1)
        redis.call('ZREM', KEYS[2], n)
        if not is_counted then redis.call('HINCRBY', KEYS[3], customer, 1) end
    end
end
-- Pending numbers may have moved "next" up: what lies between is free unless it is held.
for n = first, math.min(next_number - 1, capacity) do
    if not held[n] then redis.call('ZADD', KEYS[2], n, tostring(n)) end
end
redis.call('HSET', KEYS[1], 'next', next_number, 'capacity', capacity,
           'limit', ARGV[3], 'open', ARGV[4])
return 1
