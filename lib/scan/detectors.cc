#include "scan/detectors.h"

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

}  // namespace edgesentry::scan
