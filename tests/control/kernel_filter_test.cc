#include <gtest/gtest.h>

#include "control/rig.h"
#include "support/alerts.h"

namespace edgesentry::control {
namespace {

using report::Action;
using test::attacker;
using test::Rig;

class KernelFilter final : public enforce::Enforcer {
 public:
  [[nodiscard]] std::string_view name() const noexcept override { return "nftables"; }
  [[nodiscard]] bool is_kernel() const noexcept override { return true; }
  void submit(std::span<const scan::Order> orders) override { submitted += orders.size(); }
  void reconcile(const policy::Ledger&) override {}
  void set_bypass(bool is_on) override { is_bypassed = is_on; }
  [[nodiscard]] enforce::Health health() const noexcept override {
    return {.is_in_force = is_in_force, .programmed = 1};
  }
  std::size_t submitted = 0;
  bool is_bypassed = false, is_in_force = false;
};

TEST(ControlLoop, claims_that_the_kernel_drops_only_while_it_does) {
  KernelFilter kernel;
  Rig rig({.placement = config::Placement::host, .enforcers = {&kernel}});
  ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(1))));
  rig.settle();
  EXPECT_EQ(rig.sink.last(Action::source_blocked)->enforcement, report::Enforcement::none);
  EXPECT_NE(std::string(rig.ask({{"command", "status"}})["enforcement"]).find("not in force"),
            std::string::npos);
  kernel.is_in_force = true;
  ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(2))));
  rig.settle();
  EXPECT_EQ(rig.sink.last(Action::source_blocked)->enforcement, report::Enforcement::packets);
  EXPECT_EQ(rig.ask({{"command", "status"}})["enforcement"],
            "the kernel drops packets of blocked sources (nftables)");
  EXPECT_EQ(kernel.submitted, 2u);
  EXPECT_EQ(rig.numbers.kernel.sources.value(), 1u);
  rig.ask({{"command", "bypass"}, {"state", "on"}});
  rig.settle();
  EXPECT_TRUE(kernel.is_bypassed);
}

}  // namespace
}  // namespace edgesentry::control
