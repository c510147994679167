#include <algorithm>
#include <utility>

#include "scan/inspector_state.h"
#include "scan/severity.h"

namespace edgesentry::scan {

namespace {

bool counts(const Contact& contact) noexcept {
  return is_bad(contact) || contact.outcome == Outcome::pending ||
         contact.outcome == Outcome::held || contact.outcome == Outcome::rebuffed ||
         contact.port_class == PortClass::icmp;
}

bool is_of_payload(Reason reason) noexcept {
  return reason == Reason::failed_logins || reason == Reason::signature;
}

// The technique of most of the contacts that are held against the source.
Technique main_technique(const Suspect& suspect, Technique fallback) noexcept {
  std::array<std::uint16_t, kTechniqueNames.size()> seen{};
  for (std::uint16_t i = 0; i < suspect.contact_count; ++i)
    if (counts(suspect.contacts[i]))
      ++seen[static_cast<std::size_t>(suspect.contacts[i].technique)];
  const auto most = std::max_element(seen.begin(), seen.end());
  return *most == 0 ? fallback : static_cast<Technique>(most - seen.begin());
}

struct Extent {
  std::uint32_t ports = 0, targets = 0;
  std::uint64_t span_ms = 0;
  std::uint32_t contacts = 0;
};

// Exact while everything fits the list of contacts, else by the sketches.
Extent extent_of(const Suspect& suspect) noexcept {
  Extent extent;
  std::uint32_t first = ~std::uint32_t{0}, last = 0;
  for (std::uint16_t i = 0; i < suspect.contact_count; ++i) {
    const Contact& contact = suspect.contacts[i];
    if (!counts(contact)) continue;
    bool port_new = true, target_new = true;
    for (std::uint16_t j = 0; j < i; ++j) {
      if (!counts(suspect.contacts[j])) continue;
      port_new &= suspect.contacts[j].port != contact.port;
      target_new &= suspect.contacts[j].target != contact.target;
    }
    extent.ports += port_new;
    extent.targets += target_new;
    ++extent.contacts;
    first = std::min(first, contact.at_ms);
    last = std::max(last, contact.at_ms);
  }
  if (suspect.contacts_ever > kContacts) {
    extent.ports = std::max(extent.ports, estimate_distinct(suspect.port_bits));
    extent.targets = std::max(extent.targets, estimate_distinct(suspect.target_bits));
  }
  extent.span_ms = last > first ? last - first : 0;
  return extent;
}

Shape shape_of(const Extent& extent, Reason reason) noexcept {
  constexpr std::uint32_t kFew = 5;
  constexpr std::uint64_t kSlowGapMs = 10'000;  // one probe per 10 s and rarer: nmap -T1 and slower
  if (reason == Reason::watched_port) return Shape::trap;
  if (reason == Reason::failed_logins) return Shape::brute_force;
  if (extent.contacts > 1 && extent.span_ms / (extent.contacts - 1) >= kSlowGapMs)
    return Shape::slow;
  if (extent.targets <= 1) return Shape::vertical;
  if (extent.ports <= 1) return Shape::horizontal;
  if (extent.ports <= kFew && extent.targets > extent.ports) return Shape::strobe;
  return extent.targets <= 2 && extent.ports > kFew ? Shape::vertical : Shape::block;
}

// What somebody says of himself goes before what his packets look like.
ToolName tool_of(const Suspect& suspect) noexcept {
  if (suspect.named == Tool::none) return suspect.tool.name();
  return {suspect.named, Confidence::high, Mark::said_so};
}

std::uint8_t protocol_of(const Contact& contact, bool ipv6) noexcept {
  switch (contact.port_class) {
    case PortClass::tcp:
      return 6;
    case PortClass::udp:
      return 17;
    case PortClass::sctp:
      return 132;
    case PortClass::icmp:
      return ipv6 ? 58 : 1;
    case PortClass::protocol:
      break;
  }
  return static_cast<std::uint8_t>(contact.port);
}

std::uint8_t flags_of(Technique technique) noexcept {
  using namespace wire::tcp_flag;
  switch (technique) {
    case Technique::tcp_syn:
    case Technique::tcp_connect:
      return kSyn;
    case Technique::tcp_fin:
      return kFin;
    case Technique::tcp_xmas:
      return kFin | kPsh | kUrg;
    case Technique::tcp_ack:
      return kAck;
    case Technique::tcp_maimon:
      return kFin | kAck;
    case Technique::tcp_syn_ack:
    case Technique::idle:
      return kSyn | kAck;
    case Technique::tcp_other:
      return kSyn | kFin;
    default:
      return 0;
  }
}

}  // namespace

void Inspector::State::decide(Suspect& suspect, Reason reason, const Contact& contact,
                              const Moment& moment) noexcept {
  if (!std::exchange(suspect.decided, true)) suspect.decided_at = moment.now;
  suspect.reason = reason;
  // Who logs in connects, whatever else he did.
  suspect.technique =
      is_of_payload(reason) ? Technique::tcp_connect : main_technique(suspect, contact.technique);
  suspect.allowed = moment.policy.allow.contains(suspect.source);
  if (suspect.allowed) tally.alerts_allowed.add(1);
  if (moment.policy.blocks_now() && !suspect.allowed) {
    suspect.contained = !is_proven_enough(suspect, moment.policy);
    suspect.restrained = moment.now;
    if (!suspect.contained) block(suspect.source, Place{suspect.set, suspect.way}, moment.policy);
  }
  emit(suspect, AlertKind::decision, contact, moment);
}

void Inspector::State::emit(Suspect& suspect, AlertKind kind, const Contact& contact,
                            const Moment& moment) noexcept {
  SightingSet& set = sets[suspect.set];
  Alert* alert = moment.outbox.claim();
  if (alert == nullptr) {
    suspect.alert_owed = true;
    suspect.owed = kind;
    dues.wake_by(suspects.slot_of(suspect), moment.now);
    set.flags[suspect.way] |= sighting_flag::kAlertOwed;
    tally.alerts_refused.add(1);
    return;
  }
  if (std::exchange(suspect.alert_owed, false)) settle_rank(suspect, moment.policy);
  const bool is_first = suspect.reported_probes == 0;
  if (kind != AlertKind::proof)
    suspect.reported_probes = std::max<std::uint32_t>(suspect.probes, 1);
  const Extent extent = extent_of(suspect);
  *alert = Alert{};
  alert->source = suspect.source;
  alert->targets = suspect.targets;
  alert->ports = suspect.ports;
  alert->port_count = std::max<std::uint32_t>(extent.ports, 1);
  alert->target_count = std::max<std::uint32_t>(extent.targets, 1);
  alert->probes = std::max(suspect.probes, suspect.dialogues);
  alert->failures = std::max(suspect.failures, suspect.dialogues);
  alert->successes = suspect.successes;
  alert->abnormal = suspect.abnormal;
  alert->first_seen = suspect.first_seen;
  alert->last_seen = moment.now;
  alert->worker = settings.worker;
  alert->last_port = contact.port;
  alert->last_target = suspect.last_target;
  alert->kind = kind;
  alert->technique = kind == AlertKind::touch ? contact.technique : suspect.technique;
  alert->shape = kind == AlertKind::touch ? Shape::trap : shape_of(extent, suspect.reason);
  alert->reason = kind == AlertKind::touch ? Reason::watched_port : suspect.reason;
  alert->protocol = protocol_of(contact, !suspect.source.is_v4());
  alert->tcp_flags = flags_of(contact.technique);
  alert->prefix_length = suspect.source.is_v4() ? 128 : moment.policy.ipv6_prefix;
  alert->dropping = (set.flags[suspect.way] & sighting_flag::kBlocked) != 0;
  alert->allowed = suspect.allowed;
  const Shown shown = shown_by(suspect, moment.policy);
  alert->proven = shown.proven;
  alert->answers = shown.answers;
  alert->contained = suspect.contained;
  alert->probes_by_hash = suspect.probe_marks.list();
  alert->ip_options = suspect.ip_options;
  alert->tool = tool_of(suspect);
  alert->severity = severity_of(*alert, 0);
  alert->confidence = confidence_of(*alert, suspect.score);
  if (kind != AlertKind::decision || !is_first) return;
  tally.alerts[static_cast<std::size_t>(alert->shape)][static_cast<std::size_t>(alert->technique)]
      .add(1);
  tally.tools[static_cast<std::size_t>(alert->tool.tool)].add(1);
}

// A sweep of a link. Without room in the outbox it is said when it has grown.
void Inspector::State::report(const ArpSender& sender, const Moment& moment) noexcept {
  Alert* alert = moment.outbox.claim();
  if (alert == nullptr) {
    tally.alerts_refused.add(1);
    return;
  }
  *alert = Alert{};
  alert->source = sender.source;
  alert->targets = sender.targets;
  alert->port_count = 1;
  alert->probes = sender.asked;
  alert->failures = sender.unanswered();
  alert->target_count = std::max<std::uint32_t>(alert->failures, 1);  // known to be distinct
  alert->first_seen = sender.first_seen;
  alert->last_seen = moment.now;
  alert->worker = settings.worker;
  alert->last_target = base::Ip::v4(sender.last_target);
  const bool is_first = sender.reports == 1;
  alert->kind = is_first ? AlertKind::decision : AlertKind::growth;
  alert->technique = Technique::arp;
  alert->shape = Shape::horizontal;
  alert->reason = Reason::arp_sweep;
  alert->severity = severity_of(*alert, 0);
  alert->confidence = confidence_of(*alert, 0);
  if (alert->kind != AlertKind::decision) return;
  tally.alerts[static_cast<std::size_t>(alert->shape)][static_cast<std::size_t>(alert->technique)]
      .add(1);
}

}  // namespace edgesentry::scan
