#include "policy/crowd.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "scan/severity.h"

namespace edgesentry::policy {

namespace {

// What counts as one source, as the ledger keys it.
base::Ip one_source(const scan::Alert& clue) {
  return clue.source.is_v4() ? clue.source
                             : base::Prefix(clue.source, clue.prefix_length).address();
}

template <class T, std::size_t N>
void add_distinct(std::array<T, N>& kept, std::uint32_t& count, const T& value) {
  const auto end = kept.begin() + count;
  if (count == N || std::find(kept.begin(), end, value) != end) return;
  kept[count++] = value;
}

std::string_view plural(std::uint32_t count) {
  return count == 1 ? "" : "s";
}

}  // namespace

Crowds::Crowd& Crowds::Table::of(const base::Ip& key) {
  const auto key_of = [this](std::uint32_t slot) -> const base::Ip& { return crowds[slot].key; };
  std::uint32_t slot = index.find(key, key_of);
  if (slot == kNoSlot) {
    if (used < kCrowds) {
      slot = used++;
    } else {
      slot = by_age.first();
      by_age.remove(links, slot);
      index.erase(crowds[slot].key, key_of);
    }
    auto clues = std::move(crowds[slot].clues);
    crowds[slot] = Crowd{};
    crowds[slot].key = key;
    crowds[slot].clues = clues ? std::move(clues) : std::make_unique<Clue[]>(kClues);
    index.insert(key, slot);
  } else {
    by_age.remove(links, slot);
  }
  by_age.push_back(links, slot);
  return crowds[slot];
}

Crowds::Crowds() : said_(kSaid) {}

std::uint32_t Crowds::watched() const noexcept {
  return targets_.by_age.size() + ports_.by_age.size();
}

std::span<const CrowdFinding> Crowds::take(const scan::Alert& clue, base::Micros now) {
  findings_.clear();
  if (clue.reason == scan::Reason::failed_logins) {
    logins_.take(clue, now, findings_);
    return findings_;
  }
  // Who talks with us as often as it fails is a client of something that broke.
  if (clue.successes >= 1 && clue.successes >= clue.failures) return findings_;
  take(CrowdKind::fan_in, clue.last_target, clue, now);
  take(CrowdKind::flux, base::Ip::v4(clue.last_port), clue, now);
  return findings_;
}

void Crowds::take(CrowdKind kind, const base::Ip& key, const scan::Alert& clue, base::Micros now) {
  Crowd& crowd = (kind == CrowdKind::fan_in ? targets_ : ports_).of(key);
  if (is_flood(crowd, now)) {
    start_over(crowd);
    return;
  }
  while (crowd.count > 0 && base::elapsed(crowd.at(0).at, now) > kWindow) forget_oldest(crowd);
  const Clue newest{.source = one_source(clue),
                    .target = clue.last_target,
                    .at = now,
                    .port = clue.last_port,
                    .is_proven = clue.proven,
                    .technique = clue.technique,
                    .tool = clue.tool};
  const Own own = look(crowd, newest);
  if (own.is_repeat) return;
  if (crowd.count == kClues) forget_oldest(crowd);
  crowd.at(crowd.count++) = newest;
  ++crowd.clues_ever;
  const bool is_new_source = own.failures == 0;
  crowd.sources += is_new_source ? 1 : 0;
  crowd.sources_ever += is_new_source ? 1 : 0;
  crowd.pairs += own.has_pair ? 0 : 1;
  if (!is_scan(crowd, kind)) {
    crowd.is_known = false;
    return;
  }
  if (!crowd.is_known) {
    crowd.is_known = true;
    crowd.sources_ever = crowd.sources;
    crowd.members_said = 0;
    say_whole(crowd, clue, scan::AlertKind::decision);
    say_members(crowd, now);
    return;
  }
  if (crowd.sources_ever >= 10 * crowd.sources_said)
    say_whole(crowd, clue, scan::AlertKind::growth);
  say_member(crowd, newest.source, now);
}

bool Crowds::is_flood(Crowd& crowd, base::Micros now) {
  const std::uint64_t second = now.value / 1'000'000;
  if (second != crowd.second) crowd.clue_rate = 0;
  crowd.second = second;
  if (++crowd.clue_rate > kClueRate) crowd.flooded_until = now + kFloodCalm;
  return now < crowd.flooded_until;
}

// What was heard before and during a flood may be forged, all of it.
void Crowds::start_over(Crowd& crowd) {
  crowd.first = crowd.count = crowd.sources = crowd.pairs = 0;
  crowd.is_known = false;
}

void Crowds::forget_oldest(Crowd& crowd) {
  const Clue gone = crowd.at(0);
  crowd.first = (crowd.first + 1) % kClues;
  --crowd.count;
  const Own left = look(crowd, gone);
  crowd.sources -= left.failures == 0 ? 1 : 0;
  crowd.pairs -= left.has_pair ? 0 : 1;
}

Crowds::Own Crowds::look(const Crowd& crowd, const Clue& clue) {
  Own own;
  for (std::uint32_t i = 0; i < crowd.count; ++i) {
    const Clue& other = crowd.at(i);
    const bool is_own = other.source == clue.source;
    const bool is_same = other.port == clue.port && other.target == clue.target;
    own.failures += is_own ? 1 : 0;
    own.has_pair |= is_same;
    own.is_repeat |= is_own && is_same;
  }
  return own;
}

bool Crowds::is_scan(const Crowd& crowd, CrowdKind kind) {
  if (crowd.sources < kSources || crowd.pairs < kPairs) return false;
  const std::uint32_t per_pair = crowd.is_known ? kCluesPerPairKnown : kCluesPerPair;
  if (crowd.count > per_pair * crowd.pairs) return false;
  const bool is_high = kind == CrowdKind::flux && crowd.at(0).port >= kHighPorts;
  return !is_high || crowd.count >= 2 * crowd.sources;
}

void Crowds::say_whole(Crowd& crowd, const scan::Alert& clue, scan::AlertKind kind) {
  crowd.sources_said = crowd.sources_ever;
  CrowdFinding finding{.alert = clue, .is_whole = true, .dense = {}};
  scan::Alert& alert = finding.alert;
  alert.kind = kind;
  alert.shape = scan::Shape::distributed;
  alert.reason = scan::Reason::many_sources;
  alert.source_count = crowd.sources_ever;
  alert.probes = alert.failures = crowd.count;
  alert.confidence = scan::confidence_of(alert, 0);
  alert.first_seen = crowd.at(0).at;
  alert.port_count = alert.target_count = 0;
  std::vector<base::Ip> sources;
  for (std::uint32_t i = 0; i < crowd.count; ++i) {
    add_distinct(alert.ports, alert.port_count, crowd.at(i).port);
    add_distinct(alert.targets, alert.target_count, crowd.at(i).target);
    sources.push_back(crowd.at(i).source);
  }
  // One of the two is the key, so the pairs count the other.
  const bool is_fan_in = alert.target_count == 1;
  (is_fan_in ? alert.port_count : alert.target_count) = crowd.pairs;
  std::sort(sources.begin(), sources.end());
  sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
  constexpr std::array<std::uint8_t, 2> kLengthsV6 = {56, 48};
  constexpr std::array<std::uint8_t, 1> kLengthsV4 = {24};
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const bool is_v4 = sources[i].is_v4();
    for (const std::uint8_t length : is_v4 ? std::span<const std::uint8_t>(kLengthsV4)
                                           : std::span<const std::uint8_t>(kLengthsV6)) {
      const base::Prefix prefix(sources[i], length);
      // In order of address, a network's sources stand side by side: this is the first of them.
      if (i > 0 && prefix.contains(sources[i - 1])) continue;
      std::uint32_t count = 0;
      while (i + count < sources.size() && prefix.contains(sources[i + count])) ++count;
      if (count < kDense || count <= finding.dense_sources) continue;
      finding.dense = prefix;
      finding.dense_sources = count;
    }
  }
  alert.severity = scan::severity_of(alert, 0);
  findings_.push_back(finding);
}

void Crowds::say_members(Crowd& crowd, base::Micros now) {
  for (std::uint32_t i = 0; i < crowd.count; ++i) {
    const base::Ip& source = crowd.at(i).source;
    bool is_first = true;
    for (std::uint32_t j = 0; j < i && is_first; ++j) is_first = crowd.at(j).source != source;
    if (is_first) say_member(crowd, source, now);
  }
}

// What the member itself did in this crowd.
void Crowds::say_member(Crowd& crowd, const base::Ip& source, base::Micros now) {
  scan::Alert alert;
  alert.source = source;
  alert.kind = scan::AlertKind::clue;
  alert.shape = scan::Shape::distributed;
  alert.reason = scan::Reason::many_sources;
  alert.protocol = 6;
  alert.port_count = alert.target_count = alert.probes = 0;
  for (std::uint32_t i = 0; i < crowd.count; ++i) {
    const Clue& clue = crowd.at(i);
    if (clue.source != source) continue;
    if (alert.probes++ == 0) alert.first_seen = clue.at;
    add_distinct(alert.ports, alert.port_count, clue.port);
    add_distinct(alert.targets, alert.target_count, clue.target);
    alert.last_seen = clue.at;
    alert.last_port = clue.port;
    alert.last_target = clue.target;
    alert.technique = clue.technique;
    alert.proven |= clue.is_proven;
    if (clue.tool.confidence > alert.tool.confidence) alert.tool = clue.tool;
  }
  alert.failures = alert.probes;
  Said& said = said_of(source, now);
  if (alert.probes >= kOwnFailures) {
    if (std::exchange(said.is_decided, true)) return;
    alert.kind = scan::AlertKind::decision;
  } else {
    if (said.is_reported || said.is_decided || crowd.members_said == kMembersReported) return;
    ++crowd.members_said;
  }
  said.is_reported = true;
  findings_.push_back({.alert = alert, .is_whole = false, .dense = {}});
}

Crowds::Said& Crowds::said_of(const base::Ip& source, base::Micros now) {
  const auto source_of = [this](std::uint32_t i) -> const base::Ip& { return said_[i].source; };
  const std::uint32_t known = said_index_.find(source, source_of);
  if (known != kNoSlot) {
    Said& said = said_[known];
    if (base::elapsed(said.at, now) > kWindow) said = {source, now};
    said.at = now;
    return said;
  }
  Said& oldest = said_[said_next_];
  if (said_used_ == kSaid)
    said_index_.erase(oldest.source, source_of);
  else
    ++said_used_;
  oldest = {source, now};
  said_index_.insert(source, said_next_);
  said_next_ = (said_next_ + 1) % kSaid;
  return oldest;
}

std::string crowd_sentence(const CrowdFinding& finding) {
  const scan::Alert& alert = finding.alert;
  if (alert.reason == scan::Reason::failed_logins)
    return fmt::format(
        "distributed brute force on {} port {}: {} sources together had {} logins refused; the "
        "last "
        "was {}",
        alert.last_target.to_string(), alert.last_port, alert.source_count, alert.failures,
        alert.source.to_string());
  std::string text = fmt::format("{} sources together tried ", alert.source_count);
  if (alert.target_count == 1)
    text += fmt::format("{} port{} of {}", alert.port_count, plural(alert.port_count),
                        alert.last_target.to_string());
  else
    text += fmt::format("port {} of {} targets", alert.last_port, alert.target_count);
  text += fmt::format(" with few probes each (distributed {} scan); ",
                      scan::to_string(alert.technique));
  if (finding.dense_sources > 0)
    text += fmt::format("{} of them are in {}; ", finding.dense_sources, finding.dense.to_string());
  return text + fmt::format("the last was {}", alert.source.to_string());
}

}  // namespace edgesentry::policy
