-- RFC 2544, section 26.3: the share of packets lost from 100 % of the line down in steps of 10 %,
-- until two rates in a row lose nothing.
package.path = package.path .. ";?.lua;perf/pktgen/?.lua"
require "Pktgen"
local traffic = require "traffic"

traffic.set_up()
traffic.log("test,bytes,rate_percent,sent,received,lost,share_lost")
for _, size in ipairs(traffic.sizes) do
  local clean = 0
  for rate = 100, 10, -10 do
    local sent, received = traffic.trial(size, rate, traffic.trial_ms)
    traffic.log(string.format("loss,%d,%d,%d,%d,%d,%.6f", size, rate, sent, received,
                              sent - received, sent > 0 and (sent - received) / sent or 1))
    clean = sent > 0 and sent == received and clean + 1 or 0
    if clean == 2 then break end
  end
end
