-- Give back numbers that the database has released.
--
-- KEYS[1] slots:{pool}:meta   KEYS[2] slots:{pool}:free   KEYS[3] slots:{pool}:taken
-- ARGV    customer, then the numbers
-- Returns how many were given back. Safe to repeat: a number that is free already, or was never
-- given out, changes nothing.
local next_number = tonumber(redis.call('HGET', KEYS[1], 'next') or '0')
local last_number = tonumber(redis.call('HGET', KEYS[1], 'last') or '0')
local back = 0
for i = 2, #ARGV do
    local n = tonumber(ARGV[i])
    if n < next_number and n <= last_number then
        back = back + redis.call('ZADD', KEYS[2], n, ARGV[i])
    end
end
if back > 0 and redis.call('HINCRBY', KEYS[3], ARGV[1], -back) <= 0 then
    redis.call('HDEL', KEYS[3], ARGV[1])
end
return back
