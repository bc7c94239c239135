-- End a reservation whose order the database has.
--
-- KEYS[1] slots:{pool}:pending  KEYS[2] slots:{pool}:expiry
-- KEYS[3] slots:{pool}:owners
-- ARGV    reservation
-- Returns 1 if it was pending, else 0. Safe to repeat.
redis.call('SADD', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('HDEL', KEYS[1], ARGV[1])
