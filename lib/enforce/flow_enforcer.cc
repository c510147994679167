#include "enforce/flow_enforcer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace edgesentry::enforce {

namespace {

constexpr std::uint32_t kPage = 4096;

// Probes a second, by the evidence at the moment of the block; 0 for an operator's.
double rate_of(const policy::Entry& entry) {
  if (!entry.evidence) return 0;
  const base::Micros lasted = base::elapsed(entry.evidence->first_seen, entry.evidence->last_seen);
  return static_cast<double>(entry.evidence->probes) * 1e6 /
         static_cast<double>(lasted.value + 1'000'000);
}

}  // namespace

FlowEnforcer::FlowEnforcer(std::vector<std::unique_ptr<FlowApi>> ports, Settings settings)
    : settings_(std::move(settings)) {
  for (auto& api : ports) {
    FlowTable::Settings each;
    each.rules_max = settings_.rules_max;
    each.now = settings_.now;
    auto table = std::make_unique<FlowTable>(*api, std::move(each));
    tables_.push_back({std::move(api), std::move(table), {}});
  }
}

std::vector<std::string> FlowEnforcer::start() {
  std::vector<std::string> notes;
  const std::size_t ports = tables_.size();
  std::erase_if(tables_, [&](const Port& port) {
    const base::Status status = port.table->validate();
    if (status) return false;
    notes.push_back(fmt::format("{}: its NIC drops nothing for us ({}); the workers do",
                                port.table->label(), status.error().text));
    note_place(fmt::format("not on {} ({})", port.table->label(), status.error().text));
    ++ports_refused_;
    return true;
  });
  for (const Port& port : tables_) {
    const bool takes_v6 = port.table->takes(base::Ip());
    const bool is_whole = takes_v6 && port.table->takes(base::Ip::v4(0));
    const char* family = takes_v6 ? "IPv6" : "IPv4";
    note_place(fmt::format("on {}{}", port.table->label(),
                           is_whole ? "" : fmt::format(" ({} only)", family)));
    if (is_whole) continue;
    notes.push_back(fmt::format("{}: its NIC drops {} sources only, the workers the others",
                                port.table->label(), family));
  }
  if (settings_.must_have_all || notes.empty()) return notes;
  return {
      fmt::format("rte_flow: {} of {} outside ports drop nothing, or not all, in the NIC; the "
                  "workers do, and edgesentry status says why",
                  notes.size(), ports)};
}

void FlowEnforcer::note_place(const std::string& words) {
  place_ += (place_.empty() ? "" : ", ") + words;
}

void FlowEnforcer::submit(std::span<const scan::Order> orders) {
  if (tables_.empty()) return;
  for (const scan::Order& order : orders) {
    if (order.kind == scan::OrderKind::contain) continue;  // what it sends to services passes
    if (changed_.size() == kChangedMax) {
      changed_.clear();
      ++overflows_;
      must_walk_ = true;
      // Who of them is let in again is only known at the end of the walk.
      for (Port& port : tables_) port.table->start_anew();
    }
    changed_.insert(order.source);
  }
}

void FlowEnforcer::reconcile(const policy::Ledger& ledger) {
  if (tables_.empty()) return;
  wanted_ = ledger.blocked();
  take_changes(ledger);
  walk(ledger);
  const bool is_certain = changed_.empty() && !must_walk_ && !is_walking_;
  for (Port& port : tables_) port.table->step(is_certain);
  say_troubles();
}

void FlowEnforcer::take_changes(const policy::Ledger& ledger) {
  for (std::size_t done = 0; done < kChangedPerRound && !changed_.empty(); ++done) {
    const base::Ip source = *changed_.begin();
    changed_.erase(changed_.begin());
    const policy::Entry* entry = ledger.find(source);
    if (entry != nullptr && entry->standing == policy::Standing::blocked) {
      want(*entry);
      continue;
    }
    for (Port& port : tables_) port.table->unwant(source);
  }
}

void FlowEnforcer::want(const policy::Entry& entry) {
  const double rate = rate_of(entry);
  for (Port& port : tables_) port.table->want(entry.source, rate, entry.since);
}

void FlowEnforcer::walk(const policy::Ledger& ledger) {
  for (const Port& port : tables_)
    must_walk_ = must_walk_ || (!is_walking_ && port.table->has_room_again());
  if (must_walk_) {
    must_walk_ = false;
    is_walking_ = true;
    cursor_ = 0;
    for (Port& port : tables_) port.table->begin_walk();
  }
  if (!is_walking_) return;
  std::array<const policy::Entry*, kPage> entries;
  const auto page = ledger.page(cursor_, kPage, entries);
  for (std::size_t i = 0; i < page.count; ++i)
    if (entries[i]->standing == policy::Standing::blocked) want(*entries[i]);
  cursor_ = page.next;
  if (cursor_ != 0) return;
  is_walking_ = false;
  for (Port& port : tables_) port.table->end_walk();
}

void FlowEnforcer::set_bypass(bool is_on) {
  is_bypassed_ = is_on;
  for (Port& port : tables_) port.table->set_bypass(is_on);
}

void FlowEnforcer::limit_to_present(bool is_on) {
  for (Port& port : tables_) port.table->limit_to_present(is_on);
}

void FlowEnforcer::say_troubles() {
  for (Port& port : tables_) {
    const std::string& trouble = port.table->trouble();
    if (port.said.empty() == trouble.empty()) continue;
    settings_.say(trouble.empty()
                      ? fmt::format("rte_flow: {}: its drop rules are as they should be again",
                                    port.table->label())
                      : fmt::format("rte_flow: {}: {}; it is tried again, and the workers drop "
                                    "what its NIC does not",
                                    port.table->label(), trouble));
    port.said = trouble;
  }
}

Health FlowEnforcer::health() const noexcept {
  Health health{.overflows = overflows_, .is_reconciling = must_walk_ || is_walking_};
  health.pending = changed_.size();
  health.is_used = settings_.must_have_all || !tables_.empty();
  health.is_in_force =
      health.is_used && !is_bypassed_ && (ports_refused_ == 0 || !settings_.must_have_all);
  health.wanted = wanted_;
  health.ports_refused = ports_refused_;
  bool is_first = true;
  for (const Port& port : tables_) {
    const FlowTable::Numbers numbers = port.table->numbers();
    health.sent += numbers.created;
    health.pending += numbers.pending;
    health.waiting = std::max(health.waiting, numbers.waiting);
    health.failures += numbers.failures;
    health.repairs += numbers.replays;
    health.packets += numbers.packets;
    health.programmed = is_first ? numbers.programmed
                                 : std::min<std::uint64_t>(health.programmed, numbers.programmed);
    if (numbers.capacity != 0 && (health.capacity == 0 || numbers.capacity < health.capacity))
      health.capacity = numbers.capacity;
    health.is_in_force = health.is_in_force && port.table->trouble().empty();
    is_first = false;
  }
  return health;
}

base::Status FlowEnforcer::stop() {
  base::Status status;
  for (Port& port : tables_)
    if (base::Status removed = port.table->remove_all(); !removed) status = removed;
  return status;
}

}  // namespace edgesentry::enforce
