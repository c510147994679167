-- RFC 2544, section 26.2: latency at the throughput of throughput.lua and at a tenth of it. Pktgen
-- marks packets of its own among the others and tells least, mean and greatest; what it tells is
-- printed whole, since the names of the fields differ between its versions.
package.path = package.path .. ";?.lua;perf/pktgen/?.lua"
require "Pktgen"
local traffic = require "traffic"

-- Percent of the line by size of frame: put the results of throughput.lua here.
local throughput = {[64] = 10, [512] = 50, [1518] = 50}

traffic.set_up()
for size, rate in pairs(throughput) do
  for _, share in ipairs({1, 0.1}) do
    pktgen.latency(traffic.send_port .. "," .. traffic.receive_port, "enable")
    local sent, received = traffic.trial(size, rate * share, traffic.final_ms)
    traffic.log(string.format("latency,%d,%.2f,%d,%d,%d,", size, rate * share, sent, received,
                              sent - received))
    prints("latency", pktgen.pktStats(traffic.receive_port))
    pktgen.latency(traffic.send_port .. "," .. traffic.receive_port, "disable")
  end
end
