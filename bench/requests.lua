-- A script of wrk: one request, sent again and again with a number of its own.
--
-- wrk ... -s requests.lua URL -- TEMPLATE FIRST
--   TEMPLATE  file with a whole HTTP request; \1 in it becomes the number in eight digits, and \2
--             the same eight as "1234:5678", half of an IPv6 address
--   FIRST     the first number
-- Prints what happened as one line of JSON that begins with RESULT.

local parts, number = {}, 0

function init(args)
    local file = assert(io.open(args[1], "rb"))
    local text = file:read("*a")
    file:close()
    number = tonumber(args[2])
    local from = 1
    while true do
        local at = string.find(text, "[\1\2]", from)
        parts[#parts + 1] = string.sub(text, from, (at or 0) - 1)
        if not at then break end
        parts[#parts + 1] = string.byte(text, at)
        from = at + 1
    end
end

function request()
    local digits = string.format("%08d", number)
    local address = string.sub(digits, 1, 4) .. ":" .. string.sub(digits, 5)
    number = number + 1
    local said = {}
    for i = 1, #parts do
        local part = parts[i]
        said[i] = part == 1 and digits or part == 2 and address or part
    end
    return table.concat(said)
end

function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        'RESULT {"requests":%d,"duration_us":%d,"bytes":%d,"p50_us":%d,"p99_us":%d,' ..
        '"status":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d}\n',
        summary.requests, summary.duration, summary.bytes,
        latency:percentile(50), latency:percentile(99),
        errors.status, errors.connect, errors.read, errors.write, errors.timeout))
end
