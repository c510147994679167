-- RFC 2544, section 26.1: the highest rate without loss, by size of frame. The appliance may be given
-- a tolerance in the form of the share of packets that may be lost: 0 is the RFC's.
package.path = package.path .. ";?.lua;perf/pktgen/?.lua"
require "Pktgen"
local traffic = require "traffic"

local tolerance = 0
local step = 0.5  -- percent of the line

traffic.set_up()
traffic.log("test,bytes,rate_percent,sent,received,lost,packets_per_second")
for _, size in ipairs(traffic.sizes) do
  local rate = traffic.search(size, tolerance, step)
  while rate > 0 do
    local sent, received = traffic.trial(size, rate, traffic.final_ms)
    if sent > 0 and sent - received <= sent * tolerance then
      traffic.log(string.format("throughput,%d,%.2f,%d,%d,%d,%.0f", size, rate, sent, received,
                                sent - received, received / (traffic.final_ms / 1000)))
      break
    end
    rate = rate - step  -- a minute finds what ten seconds did not
  end
  if rate <= 0 then traffic.log(string.format("throughput,%d,0,0,0,0,0", size)) end
end
