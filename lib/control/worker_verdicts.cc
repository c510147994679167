#include "control/worker_verdicts.h"

#include <algorithm>
#include <array>
#include <utility>

namespace edgesentry::control {

namespace {

// Of a round: about a tenth of a millisecond's walk for each worker that fell behind.
constexpr std::uint32_t kReplayedPerRound = 4096;
constexpr std::uint32_t kReplayedAtOnce = 128;

}  // namespace

WorkerVerdicts::WorkerVerdicts(std::vector<base::RingWriter<scan::Order>> rings,
                               std::uint32_t backlog_max)
    : backlog_max_(std::max(backlog_max, 1u)) {
  for (auto& ring : rings) {
    workers_.emplace_back();
    workers_.back().ring = std::move(ring);
    workers_.back().backlog.resize(backlog_max_);
  }
}

void WorkerVerdicts::submit(std::span<const scan::Order> orders) {
  for (Worker& worker : workers_) {
    flush(worker);
    std::size_t sent = 0;
    if (worker.count == 0 && worker.owed.empty()) sent = worker.ring.push_some(orders);
    sent_ += sent;
    for (const scan::Order& order : orders.subspan(sent)) keep(worker, order);
  }
}

void WorkerVerdicts::keep(Worker& worker, const scan::Order& order) {
  if (worker.count == backlog_max_) {
    owe_lifts(worker);  // the replay sends what is blocked
    worker.first = worker.count = 0;
    worker.is_replaying = true;
    worker.cursor = 0;
    ++overflows_;
  }
  worker.backlog[(worker.first + worker.count++) % backlog_max_] = order;
}

// Of each source only the last order counts.
void WorkerVerdicts::owe_lifts(Worker& worker) {
  for (std::size_t i = 0; i < worker.count; ++i) {
    const scan::Order& order = worker.backlog[(worker.first + i) % worker.backlog.size()];
    if (order.kind == scan::OrderKind::lift)
      worker.owed.insert(order.source);
    else
      worker.owed.erase(order.source);
  }
}

void WorkerVerdicts::flush_owed(Worker& worker) {
  std::array<scan::Order, kReplayedAtOnce> orders;
  while (!worker.owed.empty()) {
    std::size_t count = 0;
    for (auto at = worker.owed.begin(); at != worker.owed.end() && count < orders.size(); ++at)
      orders[count++] = {*at, scan::OrderKind::lift, {}};
    const std::size_t sent = worker.ring.push_some({orders.data(), count});
    if (sent == 0) return;
    sent_ += sent;
    for (std::size_t i = 0; i < sent; ++i) worker.owed.erase(orders[i].source);
  }
}

void WorkerVerdicts::flush(Worker& worker) {
  flush_owed(worker);
  if (!worker.owed.empty()) return;
  while (worker.count > 0) {
    const std::size_t in_a_row = std::min(worker.count, backlog_max_ - worker.first);
    const std::size_t sent =
        worker.ring.push_some({worker.backlog.data() + worker.first, in_a_row});
    if (sent == 0) return;
    sent_ += sent;
    worker.first = (worker.first + sent) % backlog_max_;
    worker.count -= sent;
  }
}

void WorkerVerdicts::reconcile(const policy::Ledger& ledger) {
  for (Worker& worker : workers_) {
    flush(worker);
    // Older orders first, or a late lift would undo a block that the replay had sent.
    if (worker.is_replaying && worker.count == 0 && worker.owed.empty()) replay(worker, ledger);
  }
}

void WorkerVerdicts::replay(Worker& worker, const policy::Ledger& ledger) {
  std::array<const policy::Entry*, kReplayedAtOnce> entries;
  std::array<scan::Order, kReplayedAtOnce> orders;
  const std::uint32_t at_once = std::min(kReplayedAtOnce, backlog_max_);
  for (std::uint32_t done = 0; done < kReplayedPerRound && worker.count == 0; done += at_once) {
    const auto page = ledger.page(worker.cursor, at_once, entries);
    std::size_t count = 0;
    for (std::size_t i = 0; i < page.count; ++i)
      if (entries[i]->standing == policy::Standing::blocked)
        orders[count++] = {entries[i]->source, scan::OrderKind::block, {}};
    const std::span page_orders(orders.data(), count);
    const std::size_t sent = worker.ring.push_some(page_orders);
    sent_ += sent;
    // The backlog is empty here and holds a page at least.
    for (const scan::Order& order : page_orders.subspan(sent)) keep(worker, order);
    worker.cursor = page.next;
    worker.is_replaying = page.next != 0;
    if (!worker.is_replaying) return;
  }
}

enforce::Health WorkerVerdicts::health() const noexcept {
  enforce::Health health{.sent = sent_, .overflows = overflows_};
  for (const Worker& worker : workers_) {
    health.pending += worker.count + worker.owed.size();
    health.is_reconciling = health.is_reconciling || worker.is_replaying;
  }
  return health;
}

bool WorkerVerdicts::has_room_for_lifts(std::size_t count) const noexcept {
  return std::ranges::all_of(workers_, [&](const Worker& worker) {
    return worker.owed.size() + worker.count + count <= kOwedMax;
  });
}

}  // namespace edgesentry::control
