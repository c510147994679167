#include "scan/suspect.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <type_traits>

namespace edgesentry::scan {

namespace {

bool is_same(const Contact& contact, std::uint32_t target, std::uint16_t port,
             PortClass port_class) noexcept {
  return contact.target == target && contact.port == port && contact.port_class == port_class;
}

bool says_nothing(const Contact& contact) noexcept {
  return contact.outcome == Outcome::completed || contact.outcome == Outcome::neutral ||
         contact.outcome == Outcome::answered || contact.outcome == Outcome::excused ||
         contact.outcome == Outcome::rebuffed;  // with what was excused: their shares count
}

// Linear counting wants hashes that look random even for ports in a row: a multiplication alone
// spreads those evenly, which reads as more of them. The finalizer of MurmurHash3 (public domain).
void set_bit(std::array<std::uint64_t, kBitmapWords>& bits, std::uint32_t value) noexcept {
  value ^= value >> 16;
  value *= 0x85ebca6bu;
  value ^= value >> 13;
  value *= 0xc2b2ae35u;
  value ^= value >> 16;
  constexpr std::uint32_t kMask = kBitmapWords * 64 - 1;
  bits[(value & kMask) >> 6] |= std::uint64_t{1} << (value & 63);
}

template <class T, std::size_t N>
void keep_first(std::array<T, N>& kept, std::uint8_t& count, const T& value) noexcept {
  for (std::uint8_t i = 0; i < count; ++i)
    if (kept[i] == value) return;
  if (count < N) kept[count++] = value;
}

}  // namespace

void Suspect::reset() noexcept {
  static_assert(std::is_trivially_copyable_v<Suspect> && std::is_standard_layout_v<Suspect>);
  static const Suspect kNew;
  std::memcpy(static_cast<void*>(this), &kNew, offsetof(Suspect, contacts));
}

Contact* Suspect::find(std::uint32_t target, std::uint16_t port, PortClass c) noexcept {
  if (newest < contact_count && is_same(contacts[newest], target, port, c))
    return &contacts[newest];
  for (std::uint16_t i = 0; i < contact_count; ++i) {
    if (is_same(contacts[i], target, port, c)) {
      newest = i;
      return &contacts[i];
    }
  }
  return nullptr;
}

bool Suspect::has_room() const noexcept {
  return contact_count < kContacts || std::any_of(contacts.begin(), contacts.end(), says_nothing);
}

Contact& Suspect::add(const Contact& contact) noexcept {
  std::uint16_t at = contact_count;
  if (contact_count < kContacts) {
    ++contact_count;
  } else {
    std::uint64_t best = ~std::uint64_t{0};
    for (std::uint16_t i = 0; i < kContacts; ++i) {
      const std::uint64_t cost =
          (says_nothing(contacts[i]) ? 0 : std::uint64_t{1} << 32) | contacts[i].at_ms;
      if (cost < best) {
        best = cost;
        at = i;
      }
    }
  }
  contacts[at] = contact;
  newest = at;
  ++contacts_ever;
  return contacts[at];
}

void Suspect::remember(const base::Ip& target, std::uint16_t port) noexcept {
  last_target = target;
  keep_first(ports, ports_kept, port);
  keep_first(targets, targets_kept, target);
  set_bit(port_bits, port);
  set_bit(target_bits, wire::fold(target));
}

void Suspect::forget_evidence() noexcept {
  score = 0;
  touches = 0;
  contacts_ever = probes = failures = successes = abnormal = abnormal_kinds = 0;
  targets_kept = ports_kept = 0;
  port_bits = {};
  target_bits = {};
}

void Suspect::rebase(base::Micros window, base::Micros now) noexcept {
  constexpr base::Micros kLong = base::seconds(30 * 86'400);  // of the 49 days that 32 bits hold
  const base::Micros age = base::elapsed(first_seen, now);
  if (age < kLong || age <= window) return;
  const std::uint64_t moved_ms = (age.value - window.value) / 1000;
  first_seen.value += moved_ms * 1000;
  for (std::uint16_t i = 0; i < contact_count; ++i)
    contacts[i].at_ms -=
        static_cast<std::uint32_t>(std::min<std::uint64_t>(contacts[i].at_ms, moved_ms));
}

// Linear counting, Whang, Vander-Zanden and Taylor 1990: n = -m ln(empty / m).
std::uint32_t estimate_distinct(const std::array<std::uint64_t, kBitmapWords>& bits) noexcept {
  constexpr int kBits = kBitmapWords * 64;
  int empty = kBits;
  for (const std::uint64_t word : bits) empty -= std::popcount(word);
  if (empty == 0) empty = 1;
  return static_cast<std::uint32_t>(
      std::lround(-kBits * std::log(static_cast<double>(empty) / kBits)));
}

}  // namespace edgesentry::scan
