-- Add to a count that is forgotten after a time.
--
-- KEYS[1] rate:{policy:}{caller}:{window}
-- ARGV    amount, seconds from the first on until it is forgotten
-- Returns what the count is then. Repeated, it counts twice: a limit may be a little stricter.
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
if count == tonumber(ARGV[1]) then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return count
