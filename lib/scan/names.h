// The identifiers that logs, metrics and JSON use for what was seen, in the words of nmap's users.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace edgesentry::scan {

enum class Technique : std::uint8_t {
  tcp_syn,
  tcp_connect,
  tcp_fin,
  tcp_null,
  tcp_xmas,
  tcp_ack,  // a Window scan looks the same on the wire
  tcp_maimon,
  tcp_syn_ack,
  tcp_other,
  udp,
  sctp_init,
  sctp_cookie_echo,
  icmp_echo,
  icmp_timestamp,
  icmp_netmask,
  icmp_other,
  ip_protocol,
  fragment,
  idle,
  arp,
};
inline constexpr std::array<std::string_view, 20> kTechniqueNames = {
    "tcp_syn",    "tcp_connect",      "tcp_fin",     "tcp_null",       "tcp_xmas",
    "tcp_ack",    "tcp_maimon",       "tcp_syn_ack", "tcp_other",      "udp",
    "sctp_init",  "sctp_cookie_echo", "icmp_echo",   "icmp_timestamp", "icmp_netmask",
    "icmp_other", "ip_protocol",      "fragment",    "idle",           "arp"};

enum class Shape : std::uint8_t {
  trap,        // touches of watched ports
  vertical,    // many ports of one target
  horizontal,  // one port of many targets
  block,       // many ports of many targets
  strobe,      // a few ports of many targets
  slow,
  distributed,
  brute_force,
};
inline constexpr std::array<std::string_view, 8> kShapeNames = {
    "trap", "vertical", "horizontal", "block", "strobe", "slow", "distributed", "brute_force"};

enum class Severity : std::uint8_t { info, low, medium, high, critical };
inline constexpr std::array<std::string_view, 5> kSeverityNames = {"info", "low", "medium", "high",
                                                                   "critical"};

// What tipped the scale.
enum class Reason : std::uint8_t {
  watched_port,     // SCAN_TRIGGER touches of watched ports
  abnormal_flags,   // probes that no TCP stack sends
  failed_attempts,  // the sequential test on outcomes (TRW, CUSUM form)
  many_ports,
  many_targets,
  failed_logins,  // a server refused logins, one after the other
  signature,      // a payload that only scanners and exploits send
  many_sources,   // one scan spread over several sources
  arp_sweep,      // requests for one address after the other
};
inline constexpr std::array<std::string_view, 9> kReasonNames = {
    "watched_port",  "abnormal_flags", "failed_attempts", "many_ports", "many_targets",
    "failed_logins", "signature",      "many_sources",    "arp_sweep"};

template <class Enum, std::size_t N>
constexpr std::string_view name_of(const std::array<std::string_view, N>& names, Enum value) {
  const auto index = static_cast<std::size_t>(value);
  return index < N ? names[index] : std::string_view("unknown");
}
constexpr std::string_view to_string(Technique t) {
  return name_of(kTechniqueNames, t);
}
constexpr std::string_view to_string(Shape s) {
  return name_of(kShapeNames, s);
}
constexpr std::string_view to_string(Severity s) {
  return name_of(kSeverityNames, s);
}
constexpr std::string_view to_string(Reason r) {
  return name_of(kReasonNames, r);
}

}  // namespace edgesentry::scan
