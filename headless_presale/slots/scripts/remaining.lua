-- Count what is free.
--
-- KEYS[1] slots:{pool}:meta   KEYS[2] slots:{pool}:free
-- Returns {remaining, capacity}, or {} for an unknown pool.
local meta = redis.call('HMGET', KEYS[1], 'next', 'capacity')
if not meta[1] then return {} end
local capacity = tonumber(meta[2])
return {redis.call('ZCARD', KEYS[2]) + math.max(0, capacity - tonumber(meta[1]) + 1), capacity}
