#include "report/portsentry_line.h"

#include <fmt/format.h>
#include <netinet/in.h>

#include <array>
#include <optional>
#include <string_view>

#include "report/timestamps.h"
#include "wire/probe.h"

namespace edgesentry::report {
namespace {

namespace flag = wire::tcp_flag;
using scan::Technique;

// Evaluation stops early in PortSentry and leaves the later flags unset.
struct Flags {
  std::string_view ignored, triggered, noblock, blocked;
};
constexpr Flags kActed{"false", "true", "false", "true"};
constexpr Flags kFailed{"false", "true", "false", "false"};
constexpr Flags kLogOnly{"false", "true", "true", "false"};
constexpr Flags kIgnored{"true", "unset", "unset", "unset"};
constexpr Flags kBelowTrigger{"false", "false", "unset", "unset"};

std::optional<Flags> flags_of(const Event& event) {
  const bool about_packets = event.action != Action::appliance &&
                             event.action != Action::block_expired &&
                             event.action != Action::source_unblocked && event.alert.has_value();
  if (!about_packets) return std::nullopt;
  if (event.ignored || event.alert->allowed) return kIgnored;
  if (event.block_failed) return kFailed;
  // A line that says "blocked" where nobody does it would deceive.
  const Flags acted = event.enforcement == Enforcement::none ? kLogOnly : kActed;
  if (event.already_blocked) return acted;
  switch (event.action) {
    case Action::source_blocked:
      return acted;
    case Action::would_block:
      return kLogOnly;
    case Action::port_touched:
      return kBelowTrigger;
    case Action::scan_grew:
      return event.alert->dropping ? acted : kLogOnly;
    default:
      return std::nullopt;  // scan_detected: the line comes with the block that follows
  }
}

// PortSentry's own tests on the flags, first match wins; ECN bits count for NULL only.
std::string type_by_flags(std::uint8_t flags) {
  constexpr std::uint8_t kXmas = flag::kFin | flag::kUrg | flag::kPsh;
  constexpr std::uint8_t kClassic = kXmas | flag::kSyn | flag::kRst | flag::kAck;
  if (flags == 0) return "TCP NULL scan";
  if ((flags & kXmas) == kXmas) return "TCP XMAS scan";
  if ((flags & kClassic) == flag::kFin) return "TCP FIN scan";
  if ((flags & kClassic) == flag::kSyn) return "TCP SYN/Normal scan";
  const auto bit = [flags](std::uint8_t mask) { return (flags & mask) != 0 ? 1 : 0; };
  return fmt::format(
      "Unknown Type: TCP Packet Flags: SYN: {} FIN: {} ACK: {} PSH: {} URG: {} RST: {}",
      bit(flag::kSyn), bit(flag::kFin), bit(flag::kAck), bit(flag::kPsh), bit(flag::kUrg),
      bit(flag::kRst));
}

// In the order of scan::Technique. The first five and "UDP" are PortSentry's words.
constexpr std::array<std::string_view, scan::kTechniqueNames.size()> kTypeNames = {
    "TCP SYN/Normal scan",
    "TCP SYN/Normal scan",
    "TCP FIN scan",
    "TCP NULL scan",
    "TCP XMAS scan",
    "TCP ACK scan",
    "TCP Maimon scan",
    "TCP SYN/ACK scan",
    "TCP scan with odd flags",
    "UDP",
    "SCTP INIT scan",
    "SCTP COOKIE-ECHO scan",
    "ICMP echo sweep",
    "ICMP timestamp sweep",
    "ICMP address mask sweep",
    "ICMP scan",
    "IP protocol scan",
    "IP fragment scan",
    "TCP idle scan",
    "ARP sweep"};

std::string type_of(const scan::Alert& alert) {
  const bool seen_by_portsentry = (alert.tcp_flags & (flag::kAck | flag::kRst)) == 0;
  // A decision that silence brought about has no deciding packet, hence no flags to go by.
  const bool flags_known = alert.tcp_flags != 0 || alert.technique == Technique::tcp_null;
  const bool odd = alert.technique == Technique::tcp_other && alert.tcp_flags != 0;
  if (alert.protocol == IPPROTO_TCP && flags_known && (seen_by_portsentry || odd))
    return type_by_flags(alert.tcp_flags);
  return std::string(scan::name_of(kTypeNames, alert.technique));
}

std::string_view protocol_of(const scan::Alert& alert) {
  if (alert.technique == Technique::arp) return "ARP";
  switch (alert.protocol) {
    case IPPROTO_TCP:
      return "TCP";
    case IPPROTO_UDP:
      return "UDP";
    case IPPROTO_SCTP:
      return "SCTP";
    case IPPROTO_ICMP:
      return "ICMP";
    case IPPROTO_ICMPV6:
      return "ICMPv6";
    default:
      return "IP";
  }
}

std::string_view ip_options_of(const scan::Alert& alert) {
  if (!alert.source.is_v4()) return "unknown";
  return alert.ip_options ? "set" : "not set";
}

}  // namespace

std::string scan_from_text(const Event& event) {
  const std::optional<Flags> flags = flags_of(event);
  if (!flags) return {};
  const scan::Alert& alert = *event.alert;
  const std::string source = alert.source.to_string();
  return fmt::format(
      "Scan from: [{}] ({}) protocol: [{}] port: [{}] type: [{}] IP opts: [{}] ignored: [{}] "
      "triggered: [{}] noblock: [{}] blocked: [{}]",
      source, source, protocol_of(alert), alert.last_port, type_of(alert), ip_options_of(alert),
      flags->ignored, flags->triggered, flags->noblock, flags->blocked);
}

std::string portsentry_line(const Event& event) {
  std::string text = scan_from_text(event);
  if (text.empty()) return {};
  return history_timestamp(event.time) + ' ' + text;
}

}  // namespace edgesentry::report
