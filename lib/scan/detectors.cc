#include "scan/detectors.h"

namespace edgesentry::scan {

Spread spread_around(const Suspect& suspect, const Contact& newest) noexcept {
  Spread spread;
  for (std::uint16_t i = 0; i < suspect.contact_count; ++i) {
    const Contact& contact = suspect.contacts[i];
    const bool bad = is_bad(contact);
    const bool open = !bad && contact.outcome == Outcome::pending;
    const bool good = contact.outcome == Outcome::completed || contact.outcome == Outcome::answered;
    if (bad && is_abnormal(contact.technique)) ++spread.abnormal;
    if (contact.port_class != newest.port_class) continue;
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
  return spread;
}

}  // namespace edgesentry::scan
