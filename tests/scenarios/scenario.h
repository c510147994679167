// A scenario: "these packets -> these decisions and log lines", as data. One .scn file, one test.
//
//   # why this matters
//   inside 10.0.0.0/24                      settings: inside, allow, watch tcp|udp PORTS, set KEY N
//   0.0 tcp 198.51.100.7:40000 > 10.0.0.1:{20-60} S every 10ms answer RA after 1ms
//   +5 udp 192.0.2.9:5353 > 10.0.0.{1,2,3}:53 len 30
//   1.5 icmp 192.0.2.9 > 10.0.0.1 echo      echo, echo-reply, timestamp, netmask
//   1.6 unreachable 10.0.0.1 > 192.0.2.9 of udp 192.0.2.9:5353 > 10.0.0.1:99
//   1.7 sctp 192.0.2.9:7 > 10.0.0.1:9 init  init, init-ack, cookie-echo, abort
//   1.8 proto 192.0.2.9 > 10.0.0.1 47
//   2.0 session 192.0.2.9:5000 > 10.0.0.1:80  handshake, a request, an answer, orderly close
//   expect block 198.51.100.7 technique=tcp_syn shape=vertical probes<=20
//   expect scan 198.51.100.7                found; blocked or not
//   expect log "Scan from: [198.51.100.7]"  part of a JSON or PortSentry line
//   expect dropped 30                       packets of blocked sources
//   expect nothing                          no scan at all
//
// Times are seconds; "+5" counts from the last packet of the line before. Each {a-b} or {a,b,c} of
// a line takes its next value with every packet; the longest says how many there are, shorter ones
// start anew. After the packet: every T, repeat N, len N, seq N, vlan N, ttl N, fragment, hopbyhop,
// options, mss, answer FLAGS|udp|unreachable, after T (of the answer). Sources that no line expects
// to be blocked must not be.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "base/units.h"
#include "scan/detection_policy.h"
#include "support/packet_builder.h"

namespace edgesentry::test {

struct TimedPacket {
  base::Micros time;
  PacketBuilder packet;
};

struct Condition {
  std::string field;     // technique, shape, severity, reason, probes, ports, targets, proven
  std::string relation;  // "=", "<=" or ">="
  std::string value;
};

struct Expectation {
  enum class Kind : std::uint8_t { block, scan, log, dropped, nothing } kind = Kind::nothing;
  unsigned line = 0;
  base::Ip source;
  std::string text;
  std::uint64_t count = 0;
  std::vector<Condition> conditions;
};

struct Scenario {
  std::string path;
  scan::DetectionPolicy policy;
  std::vector<base::Prefix> inside, allow;
  std::vector<TimedPacket> packets;  // in order of time
  std::vector<Expectation> expectations;
};

// The error names file, line and what could not be understood.
base::Result<Scenario> read_scenario(const std::string& path);

}  // namespace edgesentry::test
