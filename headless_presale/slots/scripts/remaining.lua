-- Count what is free.
--
-- KEYS[1] slots:{pool}:meta   KEYS[2] slots:{pool}:free
-- Returns {remaining}, or {} for an unknown pool.
local meta = redis.call('HMGET', KEYS[1], 'next', 'last')
if not meta[1] then return {} end
local fresh = math.max(0, tonumber(meta[2]) - tonumber(meta[1]) + 1)
return {redis.call('ZCARD', KEYS[2]) + fresh}
