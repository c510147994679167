#include "control/control_loop.h"

#include <gtest/gtest.h>

#include <thread>

#include "control/rig.h"

namespace edgesentry::control {
namespace {

using report::Action;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""us;
using test::alert_of;
using test::attacker;
using test::ip;
using test::Rig;

TEST(ControlLoop, confirms_a_workers_block_and_spreads_it_to_the_others) {
  Rig rig;
  ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(1))));
  rig.settle();
  for (const auto& worker : rig.workers) EXPECT_TRUE(worker.drops.contains(attacker(1)));
  EXPECT_EQ(rig.sink.count(Action::scan_detected), 1u);
  ASSERT_EQ(rig.sink.count(Action::source_blocked), 1u);
  const auto* event = rig.sink.last(Action::source_blocked);
  EXPECT_EQ(event->block_for, 600s);
  EXPECT_EQ(event->offence, 1u);
  EXPECT_TRUE(event->alert.has_value());
  EXPECT_EQ(rig.numbers.blocks_active.value(), 1u);
  EXPECT_EQ(rig.numbers.alerts_drained.value(), 1u);
}

TEST(ControlLoop, reports_the_members_of_a_crowd_and_blocks_those_with_three_failures) {
  Rig rig;
  std::uint16_t port = 1;
  const auto fail = [&](const base::Ip& source) {
    auto clue = alert_of(source, rig.clock.monotonic());
    clue.kind = scan::AlertKind::clue;
    clue.last_port = port++;
    clue.failures = clue.probes = 1;
    ASSERT_TRUE(rig.send(port % 2, clue));
    rig.clock.advance(50ms);
    rig.settle();
  };
  for (std::uint32_t n = 0; n < 9; ++n)
    for (int probe = 0; probe < 3; ++probe) fail(attacker(n));
  EXPECT_TRUE(rig.sink.events.empty()) << "nine are no crowd";
  fail(ip("198.51.100.7"));  // on the allow list
  fail(attacker(20));
  for (int probe = 0; probe < 3; ++probe) fail(ip("198.51.100.8"));
  EXPECT_EQ(rig.sink.count(Action::source_blocked), 9u);
  for (std::uint32_t n = 0; n < 9; ++n) EXPECT_TRUE(rig.workers[0].drops.contains(attacker(n)));
  EXPECT_FALSE(rig.workers[0].drops.contains(attacker(20))) << "one packet can be forged";
  EXPECT_EQ(rig.workers[0].drops.size(), 9u) << "and nobody on the allow list";
  const auto* event = rig.sink.last(Action::scan_detected);
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->alert->shape, scan::Shape::distributed);
}

TEST(ControlLoop, lets_a_source_in_at_the_microsecond_its_block_ends) {
  Rig rig;
  ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(1))));
  rig.settle();
  rig.clock.advance(600s - 1us);
  rig.settle();
  EXPECT_TRUE(rig.workers[1].drops.contains(attacker(1)));
  EXPECT_EQ(rig.sink.count(Action::block_expired), 0u);
  rig.clock.advance(1us);
  rig.settle();
  for (const auto& worker : rig.workers) EXPECT_FALSE(worker.drops.contains(attacker(1)));
  EXPECT_EQ(rig.sink.count(Action::block_expired), 1u);
  EXPECT_EQ(rig.numbers.blocks_expired.value(), 1u);
  EXPECT_EQ(rig.numbers.blocks_active.value(), 0u);
}

TEST(ControlLoop, blocks_a_repeat_offender_for_longer) {
  Rig rig;
  ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(1))));
  rig.settle();
  rig.clock.advance(600s);
  rig.settle();
  rig.clock.advance(1s);
  ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(1))));
  rig.settle();
  EXPECT_EQ(rig.sink.last(Action::source_blocked)->offence, 2u);
  EXPECT_EQ(rig.sink.last(Action::source_blocked)->block_for, 3600s);
}

TEST(ControlLoop, makes_one_block_of_two_workers_alerts) {
  Rig rig;
  ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(1))));
  ASSERT_TRUE(rig.send(1, rig.dropping_alert(attacker(1))));
  rig.settle();
  EXPECT_EQ(rig.numbers.blocks_added.value(), 1u);
  EXPECT_EQ(rig.sink.count(Action::source_blocked), 1u);
  EXPECT_EQ(rig.ask({{"command", "explain"}, {"address", "10.0.0.1"}})["offences"], 1);
}

TEST(ControlLoop, takes_back_a_workers_block_of_an_exempt_source) {
  for (const char* exempt : {"198.51.100.7", "192.0.2.1"}) {
    Rig rig;
    rig.workers[0].drops.insert(ip(exempt));
    ASSERT_TRUE(rig.send(0, rig.dropping_alert(ip(exempt))));
    rig.settle();
    EXPECT_TRUE(rig.workers[0].drops.empty()) << exempt;
    EXPECT_EQ(rig.numbers.blocks_vetoed.value(), 1u);
    EXPECT_EQ(rig.numbers.blocks_added.value(), 0u);
    ASSERT_EQ(rig.sink.events.size(), 1u);
    EXPECT_TRUE(rig.sink.events[0].ignored);
  }
}

TEST(ControlLoop, orders_no_block_in_observe_mode) {
  Rig rig({.mode = config::Mode::observe});
  for (std::uint32_t n = 0; n < 100; ++n)
    ASSERT_TRUE(rig.send(n % 2, alert_of(attacker(n), rig.clock.monotonic())));
  rig.settle();
  EXPECT_EQ(rig.workers[0].orders_seen + rig.workers[1].orders_seen, 0u);
  EXPECT_EQ(rig.sink.count(Action::would_block), 100u);
  EXPECT_EQ(rig.sink.count(Action::source_blocked), 0u);
  EXPECT_EQ(rig.numbers.blocks_shadow.value(), 100u);
  rig.clock.advance(600s);
  rig.settle();
  EXPECT_EQ(rig.numbers.blocks_shadow.value(), 0u);
  EXPECT_EQ(rig.sink.count(Action::block_expired), 0u) << "nothing was blocked";
}

TEST(ControlLoop, says_a_would_be_block_once_and_not_for_every_alert) {
  Rig rig({.mode = config::Mode::observe});
  for (int i = 0; i < 50; ++i)
    ASSERT_TRUE(rig.send(0, alert_of(attacker(1), rig.clock.monotonic())));
  rig.settle();
  EXPECT_EQ(rig.sink.count(Action::would_block), 1u);
  EXPECT_EQ(rig.sink.events.size(), 2u);
  EXPECT_FALSE(rig.sink.events.back().already_blocked);
}

TEST(ControlLoop, vetoes_what_passes_the_budget_and_only_reports_it) {
  Rig rig({.per_minute_max = 2});
  for (std::uint32_t n = 1; n <= 3; ++n) {
    rig.workers[0].drops.insert(attacker(n));
    ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(n))));
  }
  rig.settle();
  EXPECT_EQ(rig.numbers.blocks_added.value(), 2u);
  EXPECT_EQ(rig.numbers.blocks_vetoed.value(), 1u);
  EXPECT_FALSE(rig.workers[0].drops.contains(attacker(3)));
  EXPECT_TRUE(rig.sink.events.back().block_failed);
}

TEST(ControlLoop, blocks_a_proven_source_when_forged_ones_have_used_the_budget_up) {
  Rig rig({.per_minute_max = 2});
  for (std::uint32_t n = 1; n <= 4; ++n) ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(n))));
  auto proven = rig.dropping_alert(attacker(9));
  proven.proven = true;
  ASSERT_TRUE(rig.send(0, proven));
  rig.settle();
  EXPECT_EQ(rig.numbers.blocks_added.value(), 3u);
  EXPECT_TRUE(rig.workers[1].drops.contains(attacker(9)));
}

TEST(ControlLoop, refuses_a_block_past_the_table_and_gives_the_worker_its_entry_back) {
  test::RigSettings settings{.blocks = 4};
  settings.failure.table_full = config::TableFull::open;
  Rig rig(settings);
  for (std::uint32_t n = 1; n <= 5; ++n) {
    rig.workers[0].drops.insert(attacker(n));
    ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(n))));
  }
  rig.settle();
  EXPECT_EQ(rig.numbers.blocks_refused.value(), 1u);
  EXPECT_EQ(rig.workers[0].drops.size(), 4u);
  EXPECT_EQ(rig.workers[1].drops.size(), 4u);
}

TEST(ControlLoop, holds_back_reports_of_one_source_and_says_how_many) {
  Rig rig;
  ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(1))));
  rig.settle();
  for (int i = 0; i < 40; ++i) {
    auto growth = rig.dropping_alert(attacker(1));
    growth.kind = scan::AlertKind::growth;
    growth.probes = 1000;
    ASSERT_TRUE(rig.send(0, growth));
    rig.settle();
    rig.clock.advance(1s);
  }
  EXPECT_EQ(rig.sink.count(Action::scan_grew), 3u);  // after 10, 20 and 30 of the 40 seconds
  std::uint32_t told = 0;
  for (const auto& event : rig.sink.events)
    if (event.action == Action::scan_grew) told += event.stands_for;
  EXPECT_EQ(told, 31u);
  EXPECT_EQ(rig.numbers.events_coalesced.value(), 37u);
  EXPECT_TRUE(rig.sink.last(Action::scan_grew)->already_blocked);
}

TEST(ControlLoop, reports_a_touch_without_blocking) {
  Rig rig;
  auto touch = alert_of(attacker(1), rig.clock.monotonic());
  touch.kind = scan::AlertKind::touch;
  ASSERT_TRUE(rig.send(0, touch));
  rig.settle();
  EXPECT_EQ(rig.sink.count(Action::port_touched), 1u);
  EXPECT_EQ(rig.numbers.blocks_added.value(), 0u);
  EXPECT_EQ(rig.workers[0].orders_seen, 0u);
}

TEST(ControlLoop, tells_a_worker_again_that_lost_its_verdict) {
  Rig rig;
  ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(1))));
  rig.settle();
  rig.workers[0].drops.clear();
  ASSERT_TRUE(rig.send(0, alert_of(attacker(1), rig.clock.monotonic())));
  rig.settle();
  EXPECT_TRUE(rig.workers[0].drops.contains(attacker(1)));
  EXPECT_EQ(rig.numbers.blocks_added.value(), 1u);
}

TEST(ControlLoop, ignores_an_alert_that_crossed_the_operators_lift) {
  Rig rig;
  ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(1))));
  rig.settle();
  rig.clock.advance(5s);
  const auto late = rig.dropping_alert(attacker(1));
  rig.clock.advance(1s);
  EXPECT_EQ(rig.ask({{"command", "unblock"}, {"address", "10.0.0.1"}})["ok"], true);
  ASSERT_TRUE(rig.send(1, late));
  rig.settle();
  EXPECT_TRUE(rig.workers[0].drops.empty());
  EXPECT_EQ(rig.numbers.alerts_stale.value(), 1u);
  EXPECT_EQ(rig.numbers.blocks_added.value(), 1u);
}

TEST(ControlLoop, loses_no_order_when_a_worker_does_not_read_its_ring) {
  Rig rig({.order_ring = 16});
  constexpr std::uint32_t kSources = 3000;
  for (std::uint32_t n = 0; n < kSources; ++n) {
    ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(n))));
    if (n % 100 == 99) rig.loop->run_round();
  }
  rig.loop->run_round();
  EXPECT_GT(rig.numbers.orders_pending.value(), 0u);
  EXPECT_EQ(rig.numbers.blocks_active.value(), kSources);
  rig.settle();
  for (const auto& worker : rig.workers) EXPECT_EQ(worker.drops.size(), kSources);
}

TEST(ControlLoop, records_every_block_of_a_storm_in_bounded_memory) {
  constexpr std::uint32_t kSources = 200'000;
  Rig rig({.blocks = 1u << 18});
  rig.sink.room = 1000;
  std::uint32_t sent = 0;
  for (int rounds = 0; sent < kSources && rounds < 100'000; ++rounds) {
    while (sent < kSources && rig.send(sent % 2, rig.dropping_alert(attacker(sent)))) ++sent;
    rig.loop->run_round();
    for (auto& worker : rig.workers) worker.apply_orders();
  }
  rig.settle();
  EXPECT_EQ(rig.numbers.blocks_active.value(), kSources);
  for (const auto& worker : rig.workers) EXPECT_EQ(worker.drops.size(), kSources);
  EXPECT_EQ(rig.numbers.events_offered.value(), 1000u);
  EXPECT_EQ(rig.numbers.events_refused.value(), 2ull * kSources - 1000);

  rig.sink.room = ~std::size_t{0};
  rig.clock.advance(2s);
  rig.settle();
  EXPECT_EQ(rig.sink.events.back().stands_for, 2 * kSources - 1000);
  EXPECT_NE(rig.sink.events.back().text.find("not logged"), std::string::npos);
}

TEST(ControlLoop, keeps_a_round_bounded_and_says_that_there_is_more) {
  Rig rig({.alert_ring = 16'384});
  for (std::uint32_t n = 0; n < 16'000; ++n)
    ASSERT_TRUE(rig.send(0, alert_of(attacker(n), rig.clock.monotonic())));
  EXPECT_TRUE(rig.loop->run_round());
  EXPECT_LE(rig.numbers.alerts_drained.value(), 4096u);
}

TEST(ControlLoop, measures_from_the_deciding_packet_to_the_record) {
  Rig rig;
  ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(1))));
  rig.clock.advance(2000us);
  rig.settle();
  EXPECT_EQ(rig.numbers.detection_latency.sum.value(), 2000u);
  EXPECT_EQ(rig.numbers.detection_latency.buckets[5].value(), 1u) << "le 3000";
}

TEST(ControlLoop, runs_on_its_thread_until_told_to_stop_and_answers_meanwhile) {
  Rig rig;
  std::atomic<bool> stop{false};
  std::thread thread([&] { rig.loop->run(stop); });
  const auto reply = rig.mailbox.call({{"command", "version"}}, 10s);
  ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(1))));
  stop.store(true, std::memory_order_release);
  rig.mailbox.wake();
  thread.join();
  EXPECT_EQ(reply["version"], "1.2.3");
  EXPECT_EQ(rig.numbers.blocks_active.value(), 1u) << "the last round drains the rings";
}

TEST(ControlLoop, reports_on_a_tap_and_claims_no_dropped_packet) {
  Rig rig({.placement = config::Placement::tap});
  ASSERT_TRUE(rig.send(0, rig.dropping_alert(attacker(1))));
  rig.settle();
  const report::Event* event = rig.sink.last(Action::source_blocked);
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(event->enforcement, report::Enforcement::none);
  EXPECT_NE(event->text.find("the placement is tap: no packet is dropped here"), std::string::npos);
  EXPECT_EQ(event->text.find("blocked for"), std::string::npos);
  for (const char* command : {"blocked", "status"}) {
    const auto reply = rig.ask({{"command", command}});
    EXPECT_EQ(reply["enforcement"], "the placement is tap: no packet is dropped here") << command;
  }
}

}  // namespace
}  // namespace edgesentry::control
