-- What the three tests send: SYNs of as many sources as are asked for, from the port that faces the
-- appliance's outside; they are received on the port that faces its inside. Changed here only.

local traffic = {
  send_port = "0",                       -- cabled to the appliance's outside port
  receive_port = "1",                    -- cabled to its inside port
  sizes = {64, 128, 256, 512, 1024, 1280, 1518},  -- RFC 2544, section 9.1
  trial_ms = 10000,                      -- RFC 2544, section 24: 60 s for the final one
  final_ms = 60000,
  settle_ms = 2000,                      -- section 23: what is in flight arrives
  first_source = "20.0.0.0",
  last_source = "20.15.255.255",         -- 1 M sources: the table's size matters more than most
  target = "10.0.0.1",                   -- inside networks.inside of the appliance
  results = "edgesentry-rfc2544.csv",
}

function traffic.set_up()
  local port = traffic.send_port
  pktgen.stop("all")
  pktgen.set(port, "count", 0)           -- until it is stopped
  pktgen.set_proto(port, "tcp")
  pktgen.range.src_ip(port, "start", traffic.first_source)
  pktgen.range.src_ip(port, "min", traffic.first_source)
  pktgen.range.src_ip(port, "max", traffic.last_source)
  pktgen.range.src_ip(port, "inc", "0.0.0.1")
  pktgen.range.dst_ip(port, "start", traffic.target)
  pktgen.range.dst_ip(port, "min", traffic.target)
  pktgen.range.dst_ip(port, "max", traffic.target)
  pktgen.range.dst_ip(port, "inc", "0.0.0.0")
  for _, what in ipairs({"start", "min", "max"}) do
    pktgen.range.dst_port(port, what, 443)
    pktgen.range.src_port(port, what, 40000)
  end
  pktgen.range.dst_port(port, "inc", 0)
  pktgen.range.src_port(port, "inc", 0)
  pktgen.set_range(port, "on")
end

-- One trial: packets sent and received.
function traffic.trial(size, rate, milliseconds)
  local port = traffic.send_port
  for _, what in ipairs({"start", "min", "max"}) do
    pktgen.range.pkt_size(port, what, size)
  end
  pktgen.range.pkt_size(port, "inc", 0)
  pktgen.set(port, "rate", rate)
  pktgen.clr()
  pktgen.delay(500)
  pktgen.start(port)
  pktgen.delay(milliseconds)
  pktgen.stop(port)
  pktgen.delay(traffic.settle_ms)
  local sent = pktgen.portStats(port, "port")[tonumber(port)].opackets
  local back = pktgen.portStats(traffic.receive_port, "port")[tonumber(traffic.receive_port)]
  return sent, back.ipackets
end

-- The highest rate, in percent of the line, at which at most `loss` of the packets are lost.
function traffic.search(size, loss, step)
  local low, high, rate = 0, 100, 100
  while high - low > step do
    local sent, received = traffic.trial(size, rate, traffic.trial_ms)
    local is_good = sent > 0 and (sent - received) <= sent * loss
    print(string.format("%d bytes at %.2f %%: %d sent, %d lost", size, rate, sent,
                        sent - received))
    if is_good then low = rate else high = rate end
    if low == 100 then break end
    rate = (low + high) / 2
  end
  return low
end

function traffic.log(line)
  local file = assert(io.open(traffic.results, "a"))
  file:write(line .. "\n")
  file:close()
  print(line)
end

return traffic
