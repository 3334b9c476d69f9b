-- For wrk: asks for the paths of the file that the environment names, one after another.
local paths = {}
for path in io.lines(os.getenv("LOADTEST_PATHS")) do
  paths[#paths + 1] = path
end
local turn = 0

function request()
  turn = turn % #paths + 1
  return wrk.format("GET", paths[turn])
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "bytes": %d, "microseconds": %d, "failed": %d, "p99": %d}\n',
    summary.requests, summary.bytes, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(99)))
end
