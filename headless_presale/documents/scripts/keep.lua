-- Keep the text of a document for a while, and no more than so many texts.
--
-- KEYS[1] documents:texts   zset, digest -> when its text ends, ms
-- ARGV    digest, text, now_ms, ttl_ms, how many texts to keep at most
-- Texts are in documents:text:{digest}, and end by themselves. Returns how many were put out
-- before their time: those that would have ended first. Safe to repeat.
local now, ttl, most = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
redis.call('SET', 'documents:text:' .. ARGV[1], ARGV[2], 'PX', ttl)
redis.call('ZADD', KEYS[1], now + ttl, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ttl)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local out = 0
while redis.call('ZCARD', KEYS[1]) > most do
    local first = redis.call('ZPOPMIN', KEYS[1])
    redis.call('UNLINK', 'documents:text:' .. first[1])
    out = out + 1
end
return out
