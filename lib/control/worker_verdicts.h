// The workers' own tables as an enforcer: every order goes to every worker, through its ring.
//
// Owner: the control thread. A full ring never loses an order: it waits in a backlog of fixed size.
// When a worker stands still for so long that the backlog is full too, the backlog is emptied and
// the whole ledger is sent once the ring has room: blocks for who is blocked, lifts for who is
// remembered. Orders for sources that the ledger forgot meanwhile (more than its history holds) are
// the bound of that promise.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/ring.h"
#include "enforce/enforcer.h"
#include "policy/ledger.h"
#include "scan/order.h"

namespace edgesentry::control {

class WorkerVerdicts final : public enforce::Enforcer {
 public:
  static constexpr std::uint32_t kBacklogMax = 1u << 16;

  explicit WorkerVerdicts(std::vector<base::RingWriter<scan::Order>> rings,
                          std::uint32_t backlog_max = kBacklogMax);

  [[nodiscard]] std::string_view name() const noexcept override { return "workers"; }
  void submit(std::span<const scan::Order> orders) override;
  void reconcile(const policy::Ledger& ledger) override;
  [[nodiscard]] enforce::Health health() const noexcept override;

 private:
  struct Worker {
    base::RingWriter<scan::Order> ring;
    std::vector<scan::Order> backlog;  // a ring of backlog_max_ places
    std::size_t first = 0;
    std::size_t count = 0;
    bool is_replaying = false;
    std::uint32_t cursor = 0;  // in the ledger, while replaying
  };

  void keep(Worker& worker, const scan::Order& order);
  void flush(Worker& worker);
  void replay(Worker& worker, const policy::Ledger& ledger);

  const std::uint32_t backlog_max_;
  std::vector<Worker> workers_;
  std::uint64_t sent_ = 0;
  std::uint64_t overflows_ = 0;
};

}  // namespace edgesentry::control
