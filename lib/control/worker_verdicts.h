// The workers' own tables as an enforcer: every order goes to every worker, through its ring.
//
// Owner: the control thread. A full ring never loses an order: it waits in a backlog of fixed size.
// When a worker stands still for so long that the backlog is full too, the backlog is emptied: its
// lifts stay owed, one for each source whatever the ledger forgets, and its blocks are sent again
// from the ledger, once the ring has room. Nothing is lost: when kOwedMax lifts are owed,
// has_room_for_lifts() is false, and whoever makes them waits.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/ip.h"
#include "base/ring.h"
#include "enforce/enforcer.h"
#include "policy/ledger.h"
#include "scan/order.h"

namespace edgesentry::control {

class WorkerVerdicts final : public enforce::Enforcer {
 public:
  static constexpr std::uint32_t kBacklogMax = 1u << 16;
  static constexpr std::size_t kOwedMax = std::size_t{1} << 18;

  explicit WorkerVerdicts(std::vector<base::RingWriter<scan::Order>> rings,
                          std::uint32_t backlog_max = kBacklogMax);

  [[nodiscard]] std::string_view name() const noexcept override { return "workers"; }
  void submit(std::span<const scan::Order> orders) override;
  void reconcile(const policy::Ledger& ledger) override;
  [[nodiscard]] enforce::Health health() const noexcept override;
  // Asked before so many orders are made that may be lifts.
  [[nodiscard]] bool has_room_for_lifts(std::size_t count) const noexcept;

 private:
  struct Worker {
    base::RingWriter<scan::Order> ring;
    std::vector<scan::Order> backlog;  // a ring of backlog_max_ places
    std::size_t first = 0;
    std::size_t count = 0;
    std::unordered_set<base::Ip, base::IpHash> owed;  // lifts, older than the backlog
    bool is_replaying = false;
    std::uint32_t cursor = 0;  // in the ledger, while replaying
  };

  void keep(Worker& worker, const scan::Order& order);
  static void owe_lifts(Worker& worker);
  void flush(Worker& worker);
  void flush_owed(Worker& worker);
  void replay(Worker& worker, const policy::Ledger& ledger);

  const std::uint32_t backlog_max_;
  std::vector<Worker> workers_;
  std::uint64_t sent_ = 0;
  std::uint64_t overflows_ = 0;
};

}  // namespace edgesentry::control
