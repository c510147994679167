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
  [[nodiscard]] std::string_view by_hand() const noexcept override {
    return "ip link set dev eth9 xdp off";
  }
  [[nodiscard]] enforce::Health health() const noexcept override {
    return {.is_in_force = is_in_force, .is_passing = !is_bypassed, .programmed = 1};
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
  // What it was told before may stand in the kernel: nobody says that nothing is dropped.
  EXPECT_EQ(rig.ask({{"command", "status"}})["enforcement"],
            "nftables is not, or not surely, in force now: new blocks are on record only until it "
            "works again, and what it was told before may still be dropped");
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
  EXPECT_EQ(rig.ask({{"command", "status"}})["enforcement"],
            "the bypass is on, but nftables has not confirmed that it lets everybody pass; if that "
            "lasts: ip link set dev eth9 xdp off");
}

}  // namespace
}  // namespace edgesentry::control
