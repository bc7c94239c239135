-- Count a customer's slots for another one.
--
-- KEYS[1] slots:{pool}:taken
-- ARGV    whose they were, whose they are
-- Returns how many. Safe to repeat: then there are none left to count.
local count = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
if count ~= 0 then
    redis.call('HDEL', KEYS[1], ARGV[1])
    redis.call('HINCRBY', KEYS[1], ARGV[2], count)
end
return count
