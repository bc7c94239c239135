-- Make Redis agree with what was just read from the database.
--
-- KEYS[1] slots:{pool}:meta   KEYS[2] slots:{pool}:free   KEYS[3] slots:{pool}:taken
-- KEYS[4] slots:{pool}:pending   KEYS[5] slots:{pool}:owners
-- KEYS[6..7] staged free and taken: written beforehand in batches, so that this call is short
--         however large the pool is; each may be missing, which means empty
-- ARGV    mode: "absent" (only if the pool is unknown) or "replace"; next and last: the fresh
--         numbers, which all exist and are free, none if next is higher; limit (0: none);
--         open (1 or 0)
-- The owners were added beforehand, and none is taken away: an order that is settled while a pool is
-- loaded is not in what was read, and must still be known when its buyer asks again.
-- Numbers and counts of pending reservations stay with them: their orders may be committing now.
-- Returns 1 if it was loaded, 0 if the pool was known already.
if ARGV[1] == 'absent' and redis.call('EXISTS', KEYS[1]) == 1 then
    redis.call('UNLINK', KEYS[6], KEYS[7])
    return 0
end
local first, last_number = tonumber(ARGV[2]), tonumber(ARGV[3])
local next_number = first

for i, to in ipairs({KEYS[2], KEYS[3]}) do
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
        -- Behind the last one: it was taken away, and its order will learn that it is gone.
        if tonumber(n) <= last_number then
            next_number = math.max(next_number, tonumber(n) + 1)
        end
        redis.call('ZREM', KEYS[2], n)
        if not is_counted then redis.call('HINCRBY', KEYS[3], customer, 1) end
    end
end
-- Pending numbers may have moved "next" up: what lies between is fresh, so free unless it is held.
for n = first, next_number - 1 do
    if not held[n] then redis.call('ZADD', KEYS[2], n, tostring(n)) end
end
redis.call('HSET', KEYS[1], 'next', next_number, 'last', last_number,
           'limit', ARGV[4], 'open', ARGV[5])
return 1
