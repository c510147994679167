// Numbers that a SYN-ACK of the appliance carries, so that it need not remember having sent it: a
// keyed hash of the conversation and of the time, as in SYN cookies (RFC 4987, section 3.6).
//
// Any thread; pure. A number is taken for one to two epochs after it was made. Hash: SipHash-2-4
// (Aumasson, Bernstein 2012), cut to 32 bits.
#pragma once

#include <cstdint>

#include "base/ip.h"
#include "base/units.h"
#include "scan/source_key.h"
#include "wire/probe.h"

namespace edgesentry::scan {

struct CookieKey {
  std::uint64_t low = 0, high = 0;
};

// As the probe had it: `source` asked `target`.
struct Conversation {
  base::Ip source, target;
  std::uint16_t source_port = 0, target_port = 0;
};

// The conversation of the SYN-ACK that answers a probe: the probe's own where it has ports (TCP,
// UDP and SCTP number them alike); else from the port of a web server to one that goes by the
// addresses.
[[nodiscard]] inline Conversation answered_as(const wire::Probe& probe) noexcept {
  Conversation made{probe.source, probe.target, probe.source_port, probe.target_port};
  const bool has_ports = probe.outcome == wire::ParseOutcome::tcp ||
                         probe.outcome == wire::ParseOutcome::udp ||
                         probe.outcome == wire::ParseOutcome::sctp;
  if (has_ports) return made;
  const std::uint32_t mixed = wire::fold(probe.source) * 0x9e3779b1u ^ wire::fold(probe.target);
  made.source_port = static_cast<std::uint16_t>(40'000 + (mixed * 0x85ebca77u >> 19));
  made.target_port = 80;
  return made;
}

inline constexpr std::uint64_t kCookieEpoch = 32'000'000;  // us

// The workers of a process share their key, and so their cookies.
[[nodiscard]] inline CookieKey cookie_key(const HashKey& key) noexcept {
  return {key[1] ^ 0x636f6f6b6965ull, key[3]};
}

[[nodiscard]] std::uint32_t cookie_of(const CookieKey& key, const Conversation& conversation,
                                      base::Micros now) noexcept;
[[nodiscard]] bool is_cookie(const CookieKey& key, const Conversation& conversation,
                             std::uint32_t number, base::Micros now) noexcept;

}  // namespace edgesentry::scan
