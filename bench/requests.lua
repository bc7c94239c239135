-- A script of wrk: requests that are sent again and again, each time with a number of its own.
--
-- wrk ... -s requests.lua URL -- TEMPLATES FIRST
--   TEMPLATES  file with whole HTTP requests, sent by turns, \3 between them; \1 in one becomes the
--              number in eight digits, and \2 the same eight as "1234:5678", half of an IPv6 address
--   FIRST      the first number
-- Prints what happened as one line of JSON that begins with RESULT.

local templates, number = {}, 0

local function split(text)
    local parts, from = {}, 1
    while true do
        local at = string.find(text, "[\1\2]", from)
        parts[#parts + 1] = string.sub(text, from, (at or 0) - 1)
        if not at then return parts end
        parts[#parts + 1] = string.byte(text, at)
        from = at + 1
    end
end

function init(args)
    local file = assert(io.open(args[1], "rb"))
    local text = file:read("*a")
    file:close()
    number = tonumber(args[2])
    for template in string.gmatch(text, "[^\3]+") do
        templates[#templates + 1] = split(template)
    end
end

function request()
    local parts = templates[number % #templates + 1]
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
