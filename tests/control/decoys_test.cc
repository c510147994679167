// What control does with sources that share their probes.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <set>

#include "control/rig.h"
#include "control/worker_verdicts.h"

namespace edgesentry::control {
namespace {

using test::attacker;
using test::Rig;

// As dropping_alert(), with probes that could be another source's as well.
scan::Alert alert_with_probes(Rig& rig, std::uint32_t source) {
  auto alert = rig.dropping_alert(attacker(source));
  const auto at_ms = static_cast<std::uint32_t>(rig.clock.monotonic().value / 1000);
  for (std::uint32_t i = 0; i < alert.probes_by_hash.size(); ++i)
    alert.probes_by_hash[i] = {1001 + 2 * i, at_ms};
  return alert;
}

TEST(ControlLoop, blocks_the_scanner_and_lets_its_decoys_in) {
  Rig rig;
  for (std::uint32_t source : {1, 2, 3}) {
    auto alert = alert_with_probes(rig, source);
    alert.answers = source == 2;
    ASSERT_TRUE(rig.send(source % 2, alert));
    rig.workers[source % 2].drops.insert(attacker(source));
  }
  rig.settle();
  EXPECT_EQ(rig.numbers.blocks_active.value(), 0u) << "others may yet turn out to share the probes";
  rig.clock.advance(std::chrono::milliseconds(100));
  rig.settle();
  EXPECT_EQ(rig.numbers.blocks_active.value(), 1u);
  for (const auto& worker : rig.workers) EXPECT_EQ(worker.drops, std::set<base::Ip>{attacker(2)});
}

TEST(ControlLoop, decides_what_waits_when_it_stops) {
  Rig rig;
  ASSERT_TRUE(rig.send(0, alert_with_probes(rig, 1)));
  const std::atomic<bool> stop{true};
  rig.loop->run(stop);
  EXPECT_EQ(rig.numbers.blocks_active.value(), 1u);
}

// What was held back for too many owed lifts is said at the end: nobody waits for it any more.
TEST(ControlLoop, decides_what_waits_and_drains_when_it_stops_with_no_room_for_lifts) {
  Rig rig({.workers = 1, .order_ring = 64});
  ASSERT_TRUE(rig.send(0, alert_with_probes(rig, 1)));
  rig.loop->run_round();
  // A worker that stands still is owed a lift for each of the addresses that it should let in.
  std::uint64_t drained = 0;
  for (std::uint32_t n = 0; n < 2 * WorkerVerdicts::kOwedMax; ++n) {
    auto alert = rig.dropping_alert(attacker(1000 + n));
    alert.kind = scan::AlertKind::touch;  // below the trigger: never dropped for it
    if (rig.send(0, alert)) continue;
    drained = rig.numbers.alerts_drained.value();
    rig.loop->run_round();
    if (rig.numbers.alerts_drained.value() == drained) break;
  }
  ASSERT_EQ(rig.numbers.alerts_drained.value(), drained) << "there still is room";
  rig.clock.advance(std::chrono::seconds(1));
  rig.loop->run_round();
  ASSERT_EQ(rig.numbers.blocks_active.value(), 0u) << "it waits, as everything does";
  const std::atomic<bool> stop{true};
  rig.loop->run(stop);
  EXPECT_EQ(rig.numbers.blocks_active.value(), 1u);
  EXPECT_GT(rig.numbers.alerts_drained.value(), drained);
}

}  // namespace
}  // namespace edgesentry::control
