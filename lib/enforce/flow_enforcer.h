// The NICs of the outside ports as an enforcer: a drop rule for each blocked source, as far as a
// port has room for rules. What has no rule, or on a port that takes none, is dropped by the
// workers, as ever; so nothing here is needed for a block to hold.
//
// Owner: the control thread; start() is for main, before it. submit() only notes which sources
// changed; reconcile() asks the ledger what holds for them now and lets each port do its part, a
// few milliseconds at most. Past kChangedMax, at the start, and when there is room again for
// sources that had been forgotten, the whole ledger is gone through instead.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "enforce/enforcer.h"
#include "enforce/flow_api.h"
#include "enforce/flow_table.h"

namespace edgesentry::enforce {

class FlowEnforcer final : public Enforcer {
 public:
  static constexpr std::size_t kChangedMax = std::size_t{1} << 18;
  static constexpr std::size_t kChangedPerRound = 8192;

  struct Settings {
    std::size_t rules_max = 0;   // on each port; 0: what it takes
    bool must_have_all = false;  // a port that takes no rules is a trouble
    std::function<base::Micros()> now = base::monotonic_now;
    std::function<void(std::string)> say = [](const std::string&) {};  // troubles and their end
  };

  FlowEnforcer(std::vector<std::unique_ptr<FlowApi>> ports, Settings settings);

  // Asks each port what it takes. Those that take nothing are left alone from then on, and place()
  // says why. The sentences are for the operator: one for each port that lacks something where all
  // are needed, else one for all of them.
  [[nodiscard]] std::vector<std::string> start();

  [[nodiscard]] std::string_view name() const noexcept override { return "rte_flow"; }
  [[nodiscard]] std::string_view place() const noexcept override { return place_; }
  void submit(std::span<const scan::Order> orders) override;
  void reconcile(const policy::Ledger& ledger) override;
  void set_bypass(bool is_on) override;
  void limit_to_present(bool is_on) override;
  [[nodiscard]] Health health() const noexcept override;

  // At the end: no rule stays.
  [[nodiscard]] base::Status stop();

 private:
  struct Port {
    std::unique_ptr<FlowApi> api;
    std::unique_ptr<FlowTable> table;
    std::string said;  // the trouble that was said last
  };

  void note_place(const std::string& words);
  void take_changes(const policy::Ledger& ledger);
  void walk(const policy::Ledger& ledger);
  void want(const policy::Entry& entry);
  void say_troubles();

  const Settings settings_;
  std::vector<Port> tables_;
  std::uint64_t ports_refused_ = 0;
  std::string place_;
  std::unordered_set<base::Ip, base::IpHash> changed_;
  bool must_walk_ = true;
  bool is_walking_ = false;
  std::uint32_t cursor_ = 0;
  std::uint64_t wanted_ = 0;  // blocked sources, of the last round
  std::uint64_t overflows_ = 0;
  bool is_bypassed_ = false;
};

}  // namespace edgesentry::enforce
