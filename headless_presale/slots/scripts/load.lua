-- Make Redis agree with what was just read from the database.
--
-- KEYS[1] slots:{pool}:meta   KEYS[2] slots:{pool}:free   KEYS[3] slots:{pool}:taken
-- KEYS[4] slots:{pool}:pending   KEYS[5] slots:{pool}:owners
-- ARGV    mode: "absent" (only if the pool is unknown) or "replace"
--         JSON: capacity, limit (0: none), open (1 or 0), next (highest owned number + 1),
--         free (the free numbers below next), taken (customer -> count), owners (order ids)
-- Numbers and counts of pending reservations stay with them: their orders may be committing now.
-- Returns 1 if it was loaded, 0 if the pool was known already.
if ARGV[1] == 'absent' and redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local truth = cjson.decode(ARGV[2])
local next_number, owners = truth.next, {}
for _, order in ipairs(truth.owners) do owners[order] = true end

local held, counts = {}, {}
local pending = redis.call('HGETALL', KEYS[4])
for i = 1, #pending, 2 do
    local customer, list = string.match(pending[i + 1], '^(.-)|(.*)$')
    for n in string.gmatch(list, '%d+') do
        held[tonumber(n)] = true
        next_number = math.max(next_number, tonumber(n) + 1)
        -- An order that is committed but not settled is in the database's counts already.
        if not owners[pending[i]] then counts[customer] = (counts[customer] or 0) + 1 end
    end
end

redis.call('DEL', KEYS[2], KEYS[3], KEYS[5])
for _, n in ipairs(truth.free) do
    if not held[n] then redis.call('ZADD', KEYS[2], n, tostring(n)) end
end
-- Pending numbers may have moved "next" up: what lies between is free unless it is held.
for n = truth.next, math.min(next_number - 1, truth.capacity) do
    if not held[n] then redis.call('ZADD', KEYS[2], n, tostring(n)) end
end
for customer, count in pairs(truth.taken) do redis.call('HSET', KEYS[3], customer, count) end
for customer, count in pairs(counts) do redis.call('HINCRBY', KEYS[3], customer, count) end
for order in pairs(owners) do redis.call('SADD', KEYS[5], order) end
redis.call('HSET', KEYS[1], 'next', next_number, 'capacity', truth.capacity,
           'limit', truth.limit, 'open', truth.open)
return 1
