// One packet of a source, put in the detectors' words. Pure and branch-light: a table over the TCP
// flags, a switch over the rest.
//
// Attempts open something new; abnormal attempts cannot come from a TCP stack (RFC 9293 section
// 3.10.7.2, and what nmap -sF -sN -sX sends); weak ones are ordinary inside a conversation and an
// attempt only outside of one (ACK, Maimon and SYN-ACK scans); replies are never held against
// anyone.
#pragma once

#include <array>
#include <cstdint>

#include "scan/names.h"
#include "wire/probe.h"

namespace edgesentry::scan {

enum class TouchKind : std::uint8_t {
  none,  // nothing to learn: RST, replies, later fragments (see fragment_watch.h), not IP, to many
         // at once
  attempt,
  abnormal,
  weak,
};

// Contacts of different classes are different even on the same number.
enum class PortClass : std::uint8_t { tcp, udp, sctp, icmp, protocol };

struct Touch {
  TouchKind kind = TouchKind::none;
  Technique technique = Technique::tcp_other;
  PortClass port_class = PortClass::tcp;
  std::uint16_t port = 0;
};

namespace detail {

struct FlagMeaning {
  TouchKind kind;
  Technique technique;
};

// By the six classic flags; ECE and CWR (RFC 3168) change nothing.
constexpr FlagMeaning meaning_of(std::uint8_t flags) {
  using namespace wire::tcp_flag;
  const bool fin = flags & kFin, syn = flags & kSyn, ack = flags & kAck;
  const bool psh = flags & kPsh, urg = flags & kUrg;
  if (flags & kRst) return {TouchKind::none, Technique::tcp_other};
  if (syn && fin) return {TouchKind::abnormal, Technique::tcp_other};
  if (syn && ack) return {TouchKind::weak, Technique::tcp_syn_ack};
  if (syn) return {TouchKind::attempt, Technique::tcp_syn};
  if (ack && fin) return {TouchKind::weak, Technique::tcp_maimon};
  if (ack) return {TouchKind::weak, Technique::tcp_ack};
  if (fin && psh && urg) return {TouchKind::abnormal, Technique::tcp_xmas};
  if (fin && !psh && !urg) return {TouchKind::abnormal, Technique::tcp_fin};
  if (!fin && !psh && !urg) return {TouchKind::abnormal, Technique::tcp_null};
  return {TouchKind::abnormal, Technique::tcp_other};
}

constexpr std::array<FlagMeaning, 64> make_flag_table() {
  std::array<FlagMeaning, 64> table{};
  for (std::size_t i = 0; i < table.size(); ++i)
    table[i] = meaning_of(static_cast<std::uint8_t>(i));
  return table;
}
inline constexpr std::array<FlagMeaning, 64> kFlagTable = make_flag_table();

inline Touch touch_of_icmp(const wire::Probe& probe) noexcept {
  const bool v6 = probe.traits & wire::trait::kIpv6;
  Touch touch{.kind = TouchKind::attempt, .port_class = PortClass::icmp};
  if (v6) {
    if (probe.icmp_type == 128)
      touch.technique = Technique::icmp_echo;
    else if (probe.icmp_type == 139 || probe.icmp_type == 160)  // node information, RFC 8335
      touch.technique = Technique::icmp_other;
    else
      return {};
    return touch;
  }
  switch (probe.icmp_type) {  // RFC 792, RFC 950
    case 8:
      touch.technique = Technique::icmp_echo;
      break;
    case 13:
      touch.technique = Technique::icmp_timestamp;
      break;
    case 17:
      touch.technique = Technique::icmp_netmask;
      break;
    case 10:  // router solicitation, RFC 1256
    case 15:  // information request
    case 37:  // domain name request, RFC 1788
    case 42:  // extended echo request, RFC 8335
      touch.technique = Technique::icmp_other;
      break;
    default:
      return {};
  }
  return touch;
}

}  // namespace detail

// Multicast (224/4, ff00::/8) and limited broadcast: nobody in particular is asked, and nobody has
// to answer (RFC 1122 section 3.2.2), so neither silence nor the number of groups says anything.
[[nodiscard]] constexpr bool is_for_many(const base::Ip& target) noexcept {
  if (!target.is_v4()) return target.bytes()[0] == 0xff;
  const std::uint32_t address = target.v4_value();
  return address >> 28 == 0xe || address == 0xffffffffu;
}

// Echo requests, and UDP to the ports that tracers walk through, with no more hops left than one
// that began with 30 can have: traceroute from 33434 on, tracepath from 44444 on, mtr -u from 33000
// up to the last one, a port for each probe as long as it runs.
[[nodiscard]] constexpr bool is_port_of_traceroute(std::uint16_t port) noexcept {
  return port >= 33000;
}
inline bool is_traceroute(const wire::Probe& probe) noexcept {
  constexpr std::uint8_t kFewHops = 32;
  if (probe.ttl > kFewHops) return false;
  if (probe.outcome == wire::ParseOutcome::udp) return is_port_of_traceroute(probe.target_port);
  const std::uint8_t echo = probe.traits & wire::trait::kIpv6 ? 128 : 8;
  return probe.outcome == wire::ParseOutcome::icmp && probe.icmp_type == echo;
}

inline Touch touch_of(const wire::Probe& probe) noexcept {
  if (is_for_many(probe.target)) [[unlikely]]
    return {};
  switch (probe.outcome) {
    case wire::ParseOutcome::tcp: {
      const detail::FlagMeaning meaning = detail::kFlagTable[probe.tcp_flags & 0x3f];
      Touch touch{meaning.kind, meaning.technique, PortClass::tcp, probe.target_port};
      // Timestamps with window scale (RFC 7323) come from an operating system's connect().
      constexpr auto kStack = wire::trait::kTcpTimestamps | wire::trait::kTcpWindowScale;
      if (touch.technique == Technique::tcp_syn && (probe.traits & kStack) == kStack)
        touch.technique = Technique::tcp_connect;
      return touch;
    }
    case wire::ParseOutcome::udp:
      return {TouchKind::attempt, Technique::udp, PortClass::udp, probe.target_port};
    case wire::ParseOutcome::icmp:
      return detail::touch_of_icmp(probe);
    case wire::ParseOutcome::sctp:  // RFC 9260 section 3.2: 1 INIT, 10 COOKIE ECHO
      if (probe.icmp_type == 1)
        return {TouchKind::attempt, Technique::sctp_init, PortClass::sctp, probe.target_port};
      if (probe.icmp_type == 10)
        return {TouchKind::weak, Technique::sctp_cookie_echo, PortClass::sctp, probe.target_port};
      return {};
    case wire::ParseOutcome::other_protocol:
      return {TouchKind::attempt, Technique::ip_protocol, PortClass::protocol, probe.protocol};
    case wire::ParseOutcome::truncated_transport:
      // RFC 1858: no link has an MTU so small that a TCP header needs two fragments.
      if ((probe.traits & wire::trait::kFragment) && probe.protocol == 6)
        return {TouchKind::abnormal, Technique::fragment, PortClass::tcp, probe.target_port};
      return {};
    default:
      return {};
  }
}

// TCP services that nobody offers to strangers and that worms sweep for: Telnet, Windows RPC,
// NetBIOS and SMB, SQL Server, Android debug bridge, router management (Mirai and its children).
// Neither patience nor an operating system's connect() speaks for who fails there.
inline bool is_prey_of_worms(std::uint16_t port) noexcept {
  switch (port) {
    case 23:
    case 135:
    case 139:
    case 445:
    case 1433:
    case 2323:
    case 5555:
    case 7547:
    case 37215:
    case 52869:
      return true;
    default:
      return false;
  }
}

// An IPv6 packet that keeps its ports from whoever stands in between: behind more extension headers
// than anybody sends, or in a later fragment. RFC 7112 section 5: the first fragment holds the
// whole header chain, and who passes packets on may discard one that does not.
inline bool hides_its_ports(const wire::Probe& probe) noexcept {
  if (!(probe.traits & wire::trait::kIpv6) || (probe.traits & wire::trait::kDecapsulated) ||
      is_for_many(probe.target))
    return false;
  const bool is_cut = probe.outcome == wire::ParseOutcome::truncated_extension ||
                      probe.outcome == wire::ParseOutcome::truncated_transport;
  return probe.outcome == wire::ParseOutcome::too_many_headers ||
         (is_cut && (probe.traits & wire::trait::kFragment));
}

// Where clients' ports begin. RFC 6335: 49152; Linux: 32768.
inline constexpr std::uint16_t kEphemeral = 32768;

// A SYN-ACK from where clients' ports are: not of a service that was called in our name.
inline bool is_lone_answer(const wire::Probe& probe, const Touch& touch) noexcept {
  return touch.technique == Technique::tcp_syn_ack && probe.outcome == wire::ParseOutcome::tcp &&
         touch.kind == TouchKind::weak && probe.source_port >= kEphemeral;
}

}  // namespace edgesentry::scan
