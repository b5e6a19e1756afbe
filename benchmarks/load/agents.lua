-- Plays the agents of a fleet: wrk -s agents.lua URL -- ENDPOINT FLEET_SIZE THREADS TOKEN
-- Each thread walks through its own share of the agents, again and again, so that every request is
-- another agent's. Ends with one line of JSON: what wrk saw, in microseconds.

local POOL_LETTERS = { "a", "b", "c", "d", "e", "f" }
local INSTANCE_TYPES = 20 -- a fleet is not of one kind: 120 pools

local function agent_id(n) return string.format("00000000-0000-4000-8000-%012X", n) end
local function instance_id(n) return string.format("i-%017X", n) end
local function path(n, name) return "/api/agents/" .. agent_id(n) .. "/" .. name end

-- Agents of even number are ours (protocol 5): they name their instance in a header.
local function headers_of(n, token, has_body)
  local headers = { ["Authorization"] = "Bearer " .. token }
  if has_body then headers["Content-Type"] = "application/json" end
  if n % 2 == 0 then headers["X-Instance-Id"] = instance_id(n) end
  return headers
end

local function get(name)
  return function(n, token)
    return { wrk.format("GET", path(n, name), headers_of(n, token, false)) }
  end
end

local function post(name, body_of)
  return function(n, token)
    return { wrk.format("POST", path(n, name), headers_of(n, token, true), body_of(n)) }
  end
end

local function heartbeat_body(n)
  return string.format(
    '{"status":"online","instance_id":"%s","instance_type":"m5.large","mode":"spot",' ..
    '"az":"us-east-1a","monitored_instances":["%s"]}', instance_id(n), instance_id(n))
end

local function sync_body(n)
  return string.format(
    '{"instance_id":"%s","config_version":1,"cpu_percent":%d.5,"memory_percent":41.25,' ..
    '"disk_percent":60}', instance_id(n), n % 90)
end

local TIME_MARK = "2000-01-01T00:00:00.000Z" -- replaced by the time of each single report

local function report_body(n)
  local kind = string.format("m5.%dxlarge", n % INSTANCE_TYPES + 1)
  local pools = {}
  for i, letter in ipairs(POOL_LETTERS) do
    pools[i] = string.format(
      '{"pool_id":"%s.us-east-1%s","instance_type":"%s","az":"us-east-1%s","price":0.0%d}',
      kind, letter, kind, letter, 300 + (n + i) % 90)
  end
  return string.format(
    '{"instance":{"instance_id":"%s","instance_type":"%s","region":"us-east-1",' ..
    '"az":"us-east-1a","mode":"spot","current_mode":"spot","current_pool_id":"%s.us-east-1a"},' ..
    '"pricing":{"on_demand_price":0.096,"current_spot_price":0.0351,"collected_at":"%s",' ..
    '"spot_pools":[%s]}}',
    instance_id(n), kind, kind, TIME_MARK, table.concat(pools, ","))
end

-- A report with a time that this agent has used before would be recognised as a repeat.
local function report(n, token)
  local whole = wrk.format(
    "POST", path(n, "pricing-report"), headers_of(n, token, true), report_body(n))
  local first, last = string.find(whole, TIME_MARK, 1, true)
  return { string.sub(whole, 1, first - 1), string.sub(whole, last + 1) }
end

local PLAYS = {
  ["ceiling"] = function(n) return { wrk.format("POST", "/touch/" .. n, {}) } end,
  ["heartbeat"] = post("heartbeat", heartbeat_body),
  ["sync"] = post("sync", sync_body),
  ["pending-commands"] = get("pending-commands"),
  ["config"] = get("config"),
  ["pricing-report"] = report,
}

local threads = {}

function setup(thread)
  thread:set("thread_number", #threads)
  threads[#threads + 1] = thread
end

function init(args)
  local endpoint, size, thread_count, token = args[1], tonumber(args[2]), tonumber(args[3]), args[4]
  local step = endpoint == "sync" and 2 or 1 -- only agents of ours speak sync
  requests = {}
  for n = thread_number * step, size - 1, thread_count * step do
    requests[#requests + 1] = PLAYS[endpoint](n, token)
  end
  share = #requests
  sent = 0
  started = os.time()
end

function request()
  local parts = requests[sent % share + 1]
  local turn = math.floor(sent / share) -- milliseconds since the start, for this agent
  sent = sent + 1
  if #parts == 1 then return parts[1] end
  return parts[1] .. os.date("!%Y-%m-%dT%H:%M:%S", started + math.floor(turn / 1000))
    .. string.format(".%03dZ", turn % 1000) .. parts[2]
end

function done(summary, latency)
  local reached = 0
  for _, thread in ipairs(threads) do
    reached = reached + math.min(thread:get("sent"), thread:get("share"))
  end
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"agents_reached":%d,' ..
    '"bad_answers":%d,"socket_errors":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), reached,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
