#include "scan/slow_record.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <span>
#include <utility>

#include "scan/contact_rules.h"

namespace edgesentry::scan {

namespace {

// The outcomes that are kept, by their code. One that still waits is silent when it comes back,
// unless its answer does.
constexpr std::array kOutcomes = {Outcome::neutral, Outcome::refused,   Outcome::silent,
                                  Outcome::in_vain, Outcome::half_open, Outcome::completed,
                                  Outcome::pending};
static_assert(kOutcomes.size() <= 8);

std::uint8_t code_of(Outcome outcome) noexcept {
  for (std::size_t code = 1; code < kOutcomes.size(); ++code)
    if (kOutcomes[code] == outcome) return static_cast<std::uint8_t>(code);
  return 0;
}

PortClass class_of(Technique technique) noexcept {
  switch (technique) {
    case Technique::udp:
      return PortClass::udp;
    case Technique::sctp_init:
    case Technique::sctp_cookie_echo:
      return PortClass::sctp;
    case Technique::icmp_echo:
    case Technique::icmp_timestamp:
    case Technique::icmp_netmask:
    case Technique::icmp_other:
      return PortClass::icmp;
    case Technique::ip_protocol:
      return PortClass::protocol;
    default:
      return PortClass::tcp;
  }
}

bool is_silent_udp(const Contact& contact) noexcept {  // that soon says nothing
  return contact.port_class == PortClass::udp && contact.outcome == Outcome::silent;
}

// 0: not kept. Who sent again what waits is a patient client more often than a scanner.
int worth_keeping(const Contact& contact) noexcept {
  if (contact.outcome == Outcome::completed || is_silent_udp(contact)) return 1;
  if (is_bad(contact)) return code_of(contact.outcome) != 0 ? 2 : 0;
  return contact.outcome == Outcome::pending && contact.sent < 2 ? 2 : 0;
}

struct Choice {
  std::array<const Contact*, kSlowContacts> kept;
  std::size_t count = 0;
};

Choice choose(std::span<const Contact> contacts) noexcept {
  const auto is_better = [](const Contact* a, const Contact* b) {
    const int left = worth_keeping(*a), right = worth_keeping(*b);
    return left != right ? left > right : a->at_ms > b->at_ms;
  };
  Choice choice;
  for (const Contact& contact : contacts) {
    if (worth_keeping(contact) == 0) continue;
    const auto end = choice.kept.begin() + static_cast<std::ptrdiff_t>(choice.count);
    if (choice.count < kSlowContacts) {
      *end = &contact;
      ++choice.count;
    } else if (const auto last = std::max_element(choice.kept.begin(), end, is_better);
               is_better(&contact, *last)) {
      *last = &contact;
    }
  }
  for (std::size_t i = 1; i < choice.count; ++i)
    for (std::size_t j = i; j > 0 && choice.kept[j]->at_ms < choice.kept[j - 1]->at_ms; --j)
      std::swap(choice.kept[j], choice.kept[j - 1]);
  return choice;
}

std::uint32_t seconds_of(base::Micros time) noexcept {
  return static_cast<std::uint32_t>(time.value / 1'000'000);
}

// The smallest unit of which no more than 255 make a window.
unsigned unit_log2_of(base::Micros window) noexcept {
  const auto width = static_cast<unsigned>(std::bit_width(seconds_of(window)));
  return std::min(width < 8 ? 0u : width - 8, 15u);
}

template <class T>
T saturated(std::uint32_t value) noexcept {
  return static_cast<T>(std::min<std::uint32_t>(value, std::numeric_limits<T>::max()));
}

Contact contact_of(const SlowContact& kept) noexcept {
  const auto technique = static_cast<Technique>(kept.technique);
  return {.target = kept.target,
          .at_ms = 0,
          .port = kept.port,
          .source_port = 0,
          .port_class = class_of(technique),
          .technique = technique,
          .outcome = kOutcomes[kept.outcome],
          .sent = 1,
          .is_declared = 0};
}

void count(Suspect& suspect, const Contact& contact, const DetectionPolicy& policy) noexcept {
  suspect.contacts[suspect.contact_count++] = contact;
  ++suspect.contacts_ever;
  ++suspect.probes;
  if (counts_as_failure(contact)) ++suspect.failures;
  if (counts_as_touch(contact, policy)) ++suspect.touches;
  if (is_abnormal(contact.technique)) {
    ++suspect.abnormal;
    suspect.abnormal_kinds |= kind_bit(contact.technique);
  }
  // wire::fold() of an IPv4 address is its bytes. Of an IPv6 address there is no way back.
  if (suspect.source.is_v4())
    suspect.remember(base::Ip::v4(__builtin_bswap32(contact.target)), contact.port);
}

}  // namespace

bool has_evidence(const Suspect& suspect) noexcept {
  if (suspect.decided) return false;
  const auto contacts = std::span(suspect.contacts).first(suspect.contact_count);
  return std::any_of(contacts.begin(), contacts.end(), [](const Contact& contact) {
    return has_failed(contact) && worth_keeping(contact) == 2;
  });
}

std::optional<SlowRecord> summary_of(const Suspect& suspect, const SourceKey& key,
                                     const Thresholds& thresholds) noexcept {
  if (!has_evidence(suspect)) return std::nullopt;
  const auto contacts = std::span(suspect.contacts).first(suspect.contact_count);
  const Choice choice = choose(contacts);
  const auto time_of = [&](const Contact& contact) {
    return suspect.first_seen + base::milliseconds(contact.at_ms);
  };
  const unsigned unit_log2 = unit_log2_of(thresholds.window);
  SlowRecord record{};
  record.last_seen_s =
      seconds_of(std::max(suspect.last_seen, time_of(*choice.kept[choice.count - 1])));
  std::int64_t scored = std::count_if(contacts.begin(), contacts.end(), is_scored);
  std::size_t kept_count = 0;
  for (std::size_t i = 0; i < choice.count; ++i) {
    const Contact& contact = *choice.kept[i];
    const std::uint32_t unit = seconds_of(time_of(contact)) >> unit_log2;
    if ((record.last_seen_s >> unit_log2) - unit > 255) continue;  // of before the window
    SlowContact& kept = record.contacts[kept_count++];
    kept.target = contact.target;
    kept.port = contact.port;
    kept.technique = static_cast<std::uint8_t>(contact.technique) & 31;
    kept.outcome = code_of(contact.outcome) & 7;
    kept.unit_number = static_cast<std::uint8_t>(unit);
    scored -= is_scored(contact);
  }
  if (kept_count == 0) return std::nullopt;
  const std::int64_t score = suspect.score - scored * thresholds.sequential.failure;
  record.score =
      saturated<std::uint16_t>(static_cast<std::uint32_t>(std::max<std::int64_t>(score, 0)));
  record.tag = key.tag;
  record.home = key.home;
  record.is_ipv6 = key.ipv6;
  record.successes = saturated<std::uint8_t>(suspect.successes);
  record.unit_log2 = unit_log2 & 15;
  record.is_proven = suspect.proven;
  record.answers = suspect.answers;
  record.ip_options = suspect.ip_options;
  return record;
}

void restore(Suspect& suspect, const SlowRecord& record, const DetectionPolicy& policy,
             base::Micros now) noexcept {
  const base::Micros window = policy.thresholds.window;
  const base::Micros last_seen = base::seconds(record.last_seen_s);
  if (base::elapsed(last_seen, now) > window) return;
  const std::uint32_t last_unit = record.last_seen_s >> record.unit_log2;
  std::int32_t score = record.score;
  std::uint32_t kept_successes = 0;
  for (const SlowContact& kept : record.contacts) {
    if (kept.outcome == 0 || kept.outcome >= kOutcomes.size()) break;
    Contact contact = contact_of(kept);
    const auto units = static_cast<std::uint8_t>(last_unit - kept.unit_number);
    const base::Micros at = base::seconds(std::uint64_t{last_unit - units} << record.unit_log2);
    if (last_unit < units || base::elapsed(at, now) > window) {
      if (is_scored(contact)) score -= policy.thresholds.sequential.failure;
      continue;
    }
    if (suspect.contact_count == 0) suspect.first_seen = at;
    // What waits for its answer has waited since the last packet at most.
    const bool waits = contact.outcome == Outcome::pending;
    const base::Micros since = waits ? std::min(last_seen + base::seconds(1), now) : at;
    contact.at_ms = suspect.since_first_ms(since);
    count(suspect, contact, policy);
    kept_successes += contact.outcome == Outcome::completed;
  }
  if (suspect.contact_count == 0) return;
  suspect.score = std::max(score, 0);
  suspect.successes = record.successes;
  suspect.probes += record.successes - std::min<std::uint32_t>(record.successes, kept_successes);
  suspect.proven = record.is_proven;
  suspect.answers = record.answers;
  suspect.ip_options = record.ip_options;
}

std::uint32_t weight_of(const SlowRecord& record) noexcept {
  std::uint32_t weight = record.score;
  for (const SlowContact& kept : record.contacts)
    if (kept.outcome != 0 && is_abnormal(static_cast<Technique>(kept.technique)))
      weight += SequentialTest::kScale;
  return weight;
}

std::uint32_t count_bad(const SlowRecord& record) noexcept {
  return static_cast<std::uint32_t>(
      std::count_if(record.contacts.begin(), record.contacts.end(), [](const SlowContact& kept) {
        return kept.outcome != 0 && kept.outcome < kOutcomes.size() && is_bad(contact_of(kept));
      }));
}

}  // namespace edgesentry::scan
