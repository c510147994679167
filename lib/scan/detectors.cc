#include "scan/detectors.h"

#include <array>
#include <span>

namespace edgesentry::scan {

namespace {

// An unanswered UDP packet says little, and soon nothing: clients ask servers that are gone.
constexpr std::uint32_t kUdpSilenceMs = 60'000;

bool still_says_something(const Contact& contact, const Contact& newest) noexcept {
  return contact.port_class != PortClass::udp || contact.outcome != Outcome::silent ||
         contact.at_ms + kUdpSilenceMs >= newest.at_ms;
}

}  // namespace

Spread spread_around(const Suspect& suspect, const Contact& newest) noexcept {
  Spread spread;
  std::uint32_t waiting_halves = 0;
  for (std::uint16_t i = 0; i < suspect.contact_count; ++i) {
    const Contact& contact = suspect.contacts[i];
    const bool bad = is_bad(contact) && still_says_something(contact, newest);
    const bool waits = contact.outcome == Outcome::pending || contact.outcome == Outcome::held;
    const bool open = waits && !bad;
    const bool good = contact.outcome == Outcome::completed || contact.outcome == Outcome::answered;
    if (bad && is_abnormal(contact.technique)) ++spread.abnormal;
    if (contact.port_class != newest.port_class) continue;
    spread.bad += bad;
    const bool traced =
        contact.port_class == PortClass::icmp && contact.source_port == kFewHopsLeft;
    spread.traced += traced && (bad || open || good);
    if (open) waiting_halves += contact.technique == Technique::tcp_connect ? 1 : 2;
    if (contact.target == newest.target) {
      spread.target_bad += bad;
      spread.target_open += open;
      spread.target_good += good;
    }
    if (contact.port == newest.port) {
      spread.port_bad += bad;
      spread.port_open += open;
      spread.port_good += good;
    }
  }
  spread.waiting = waiting_halves / 2;
  return spread;
}

bool StrobeDetector::is_strobe(const Suspect& suspect, const Contact& newest) noexcept {
  constexpr std::uint32_t kLongMs = 600'000;
  std::array<std::uint8_t, 64> by_port{};  // ports that share a place only look fewer
  std::uint32_t unanswered = 0, most = 0;
  int ports = 0;
  for (const Contact& contact : std::span(suspect.contacts).first(suspect.contact_count)) {
    const bool open = contact.outcome == Outcome::pending || contact.outcome == Outcome::held;
    if (contact.port_class != PortClass::udp || !(open || is_bad(contact)) ||
        contact.at_ms + kLongMs < newest.at_ms)
      continue;
    std::uint8_t& count = by_port[static_cast<std::uint32_t>(contact.port * 0x9e3779b1u) >> 26];
    ports += count == 0;
    most = std::max<std::uint32_t>(most, ++count);
    ++unanswered;
  }
  return unanswered >= kUnanswered && ports <= kPorts && 5 * most <= 3 * unanswered;
}

Rebuffs rebuffs_around(const Suspect& suspect, const Contact& newest) noexcept {
  Rebuffs rebuffs;
  std::uint32_t rebuffed = 0, excused = 0;
  for (const Contact& contact : std::span(suspect.contacts).first(suspect.contact_count)) {
    if (contact.port_class != newest.port_class) continue;
    excused += contact.outcome == Outcome::excused;
    if (contact.outcome != Outcome::rebuffed) continue;
    ++rebuffed;
    rebuffs.of_target += contact.target == newest.target;
    rebuffs.of_port += contact.port == newest.port;
  }
  return rebuffed >= excused ? rebuffs : Rebuffs{};
}

}  // namespace edgesentry::scan
