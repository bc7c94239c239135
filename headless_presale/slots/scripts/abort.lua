-- End a reservation whose order the database does not have, and give its numbers back.
--
-- KEYS[1] slots:{pool}:meta   KEYS[2] slots:{pool}:free   KEYS[3] slots:{pool}:taken
-- KEYS[4] slots:{pool}:pending   KEYS[5] slots:{pool}:expiry
-- ARGV    reservation, then numbers that must not be given back (the database says that they are
--         owned, or that they no longer exist)
-- Returns how many numbers were given back. Safe to repeat: a reservation that is not pending
-- gives nothing.
redis.call('ZREM', KEYS[5], ARGV[1])
local pending = redis.call('HGET', KEYS[4], ARGV[1])
if not pending then return 0 end
redis.call('HDEL', KEYS[4], ARGV[1])
local unfree = {}
for i = 2, #ARGV do unfree[ARGV[i]] = true end
local customer, list = string.match(pending, '^(.-)|(.*)$')
local last_number = tonumber(redis.call('HGET', KEYS[1], 'last') or '0')
local count, back = 0, 0
for n in string.gmatch(list, '%d+') do
    count = count + 1
    if not unfree[n] and tonumber(n) <= last_number then
        back = back + redis.call('ZADD', KEYS[2], tonumber(n), n)
    end
end
if redis.call('HINCRBY', KEYS[3], customer, -count) <= 0 then
    redis.call('HDEL', KEYS[3], customer)
end
return back
