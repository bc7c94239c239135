-- End reservations whose orders the database has.
--
-- KEYS[1] slots:{pool}:pending  KEYS[2] slots:{pool}:expiry
-- KEYS[3] slots:{pool}:owners
-- ARGV    reservations, one at least; so many as one command takes at most
-- Returns how many were pending. Safe to repeat.
redis.call('SADD', KEYS[3], unpack(ARGV))
redis.call('ZREM', KEYS[2], unpack(ARGV))
return redis.call('HDEL', KEYS[1], unpack(ARGV))
