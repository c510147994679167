// Scanners that wait for minutes between two probes, while others want their records.
#include <gtest/gtest.h>

#include "scan/inspect.h"
#include "scan/probes.h"

namespace edgesentry::scan {
namespace {

const base::Ip kScanner = ip4(198, 51, 100, 7);
const base::Ip kServer = ip4(10, 0, 0, 1);
constexpr std::uint32_t kSources = 4096, kSuspects = 64, kBlocks = 256;
constexpr base::Micros kTenMinutes = base::seconds(600);

// Sources that were never seen before, each refused at two or three ports.
class Crowd {
 public:
  void pass_by(Bench& bench, std::uint32_t sources, std::uint32_t failures = 0,
               base::Micros time = kTenMinutes) {
    for (std::uint32_t i = 0; i < sources; ++i, ++number_) {
      const base::Ip source = base::Ip::v4(0x20000000u + number_ * 7);
      const std::uint32_t ports = failures != 0 ? failures : 2 + number_ % 2;
      for (std::uint16_t port = 0; port < ports; ++port)
        bench.knock_closed({source, kServer, 1024, static_cast<std::uint16_t>(8000 + port)});
      if (i % 64 == 63) bench.pass_time({time.value * 64 / sources});
    }
    bench.pass_time({time.value * (sources % 64) / sources});
  }

 private:
  std::uint32_t number_ = 0;
};

TEST(SlowScan, is_found_at_its_fifth_failure_among_twenty_thousand_other_suspects) {
  Bench bench(kSources, kSuspects, kBlocks, false, 1u << 15);
  Crowd crowd;
  for (std::uint16_t port = 1; port <= 4; ++port) {
    ASSERT_EQ(bench.knock_closed({kScanner, kServer, 40000, port}), Verdict::pass);
    crowd.pass_by(bench, 5000);
  }
  EXPECT_TRUE(bench.alerts.empty());
  bench.knock_closed({kScanner, kServer, 40000, 5});
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.alerts[0].source, kScanner);
}

// The number of the first probe that raised an alert, 0 when none did.
template <class Probe>
int probes_until_found(Bench& bench, Crowd& crowd, int most, Probe&& send) {
  for (int i = 1; i <= most; ++i) {
    send(static_cast<std::uint16_t>(i));
    if (!bench.alerts.empty()) return i;
    crowd.pass_by(bench, 1000);
    if (!bench.alerts.empty()) return i;
  }
  return 0;
}

class SlowScanOf : public testing::Test {
 protected:
  Bench bench{kSources, kSuspects, kBlocks, false, 1u << 13};
  Crowd crowd;
};

TEST_F(SlowScanOf, one_port_of_many_targets_is_found_at_its_fifth_failure) {
  EXPECT_EQ(probes_until_found(bench, crowd, 9,
                               [&](std::uint16_t i) {
                                 bench.knock_closed({kScanner, ip4(10, 0, 1, i), 40000, 23});
                               }),
            5);
  EXPECT_EQ(bench.alerts.at(0).shape, Shape::slow);
  EXPECT_EQ(bench.alerts.at(0).target_count, 5u);
  EXPECT_GT(base::elapsed(bench.alerts.at(0).first_seen, bench.now), base::seconds(2400));
}

TEST_F(SlowScanOf, a_server_that_says_nothing_is_found_once_five_silences_are_known) {
  const int found = probes_until_found(bench, crowd, 9, [&](std::uint16_t i) {
    bench.act(tcp({kScanner, kServer, 40000, i}, kSynFlag));
    bench.pass_time(base::seconds(5));
  });
  EXPECT_GE(found, 5);
  EXPECT_LE(found, 6) << "the first packet of a source is known to tier 1 only";
}

TEST_F(SlowScanOf, an_ipv6_source_is_found_at_its_fifth_failure) {
  const base::Ip source = base::Ip::parse("2001:db8::7").value();
  const base::Ip server = base::Ip::parse("2001:db8:1::1").value();
  EXPECT_EQ(probes_until_found(bench, crowd, 9,
                               [&](std::uint16_t i) {
                                 bench.knock_closed({source, server, 40000, i});
                               }),
            5);
}

TEST_F(SlowScanOf, impossible_flags_is_found_like_one_that_nobody_interrupts) {
  const auto probe = [](Bench& to) {
    return [&to](std::uint16_t i) { to.act(tcp({kScanner, kServer, 40000, i}, 0x29)); };
  };
  Bench quiet;
  Crowd nobody;
  int alone = 1;
  for (; alone < 9 && quiet.alerts.empty(); ++alone) {
    probe(quiet)(static_cast<std::uint16_t>(alone));
    quiet.pass_time(kTenMinutes);
  }
  EXPECT_EQ(probes_until_found(bench, crowd, 9, probe(bench)), alone - 1);
}

TEST_F(SlowScanOf, the_same_places_again_and_again_counts_each_once) {
  EXPECT_EQ(probes_until_found(bench, crowd, 12,
                               [&](std::uint16_t i) {
                                 const auto port =
                                     static_cast<std::uint16_t>(i <= 8 ? 1 + i % 4 : i);
                                 bench.knock_closed({kScanner, kServer, 40000, port});
                               }),
            9);
}

TEST_F(SlowScanOf, what_has_left_the_window_no_longer_counts) {
  for (std::uint16_t port = 1; port <= 4; ++port) {
    bench.knock_closed({kScanner, kServer, 40000, port});
    crowd.pass_by(bench, 1000);
  }
  bench.pass_time(bench.policy.thresholds.window);
  EXPECT_EQ(probes_until_found(bench, crowd, 9,
                               [&](std::uint16_t i) {
                                 const auto port = static_cast<std::uint16_t>(10 + i);
                                 bench.knock_closed({kScanner, kServer, 40000, port});
                               }),
            5);
}

TEST_F(SlowScanOf, a_long_time_keeps_what_is_inside_the_window_and_drops_the_rest) {
  const auto knock = [&](std::uint16_t port) {
    bench.knock_closed({kScanner, kServer, 40000, port});
    crowd.pass_by(bench, 1000);
  };
  knock(1);
  knock(2);
  bench.pass_time(base::seconds(18 * 3600));
  knock(3);
  knock(4);
  bench.pass_time(base::seconds(6 * 3600));
  knock(5);
  knock(6);
  EXPECT_TRUE(bench.alerts.empty()) << "the first two are older than a day";
  knock(7);
  EXPECT_EQ(bench.alerts.size(), 1u);
}

TEST_F(SlowScanOf, a_source_that_succeeds_after_coming_back_is_forgiven_as_any_other) {
  for (std::uint16_t port = 1; port <= 4; ++port) {
    bench.knock_closed({kScanner, kServer, 40000, port});
    crowd.pass_by(bench, 1000);
  }
  bench.converse({kScanner, kServer, 40001, 80});
  crowd.pass_by(bench, 1000);
  bench.knock_closed({kScanner, kServer, 40000, 5});
  EXPECT_TRUE(bench.alerts.empty());
  crowd.pass_by(bench, 1000);
  bench.knock_closed({kScanner, kServer, 40000, 6});
  EXPECT_EQ(bench.alerts.size(), 1u);
}

TEST_F(SlowScanOf, a_source_that_was_let_in_again_starts_anew) {
  for (std::uint16_t port = 1; port <= 5; ++port)
    bench.knock_closed({kScanner, kServer, 40000, port});
  ASSERT_EQ(bench.alerts.size(), 1u);
  crowd.pass_by(bench, 1000);
  bench.inspector->apply({.source = kScanner, .kind = OrderKind::lift}, bench.policy);
  for (std::uint16_t port = 11; port <= 14; ++port) {
    bench.knock_closed({kScanner, kServer, 40000, port});
    crowd.pass_by(bench, 1000);
  }
  EXPECT_EQ(bench.alerts.size(), 1u);
}

TEST_F(SlowScanOf, what_waits_for_its_answer_when_its_record_goes_may_still_be_answered) {
  bench.knock_closed({kScanner, kServer, 40000, 1});
  bench.knock_closed({kScanner, kServer, 40000, 2});
  for (std::uint16_t port = 80; port < 83; ++port)
    bench.act(tcp({kScanner, kServer, 40000, port}, kSynFlag));
  for (std::uint32_t i = 0; i < 64; ++i)  // within a second, each with more against it
    for (std::uint16_t port = 1; port <= 4; ++port)
      bench.knock_closed({ip4(203, 0, 113, i), kServer, 40000, port});
  bench.act(tcp({kScanner, kServer, 40000, 84}, kSynFlag));
  EXPECT_TRUE(bench.alerts.empty());
}

TEST(SlowScan, with_more_against_it_than_a_flood_has_is_not_pushed_out_by_it) {
  Bench bench(kSources, kSuspects, kBlocks, false, 256);
  Crowd crowd;
  for (std::uint16_t port = 1; port <= 3; ++port)
    bench.knock_closed({kScanner, kServer, 40000, port});
  crowd.pass_by(bench, 20'000, 2);
  EXPECT_EQ(bench.tally.slow_suspects.value(), 256u);
  bench.knock_closed({kScanner, kServer, 40000, 4});
  crowd.pass_by(bench, 20'000, 2);
  bench.knock_closed({kScanner, kServer, 40000, 5});
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.alerts[0].source, kScanner);
}

// The first failure of a source that nobody knows may find no record to be written to, while all
// hold fresh and worse ones: such a scanner is found one probe later.
TEST(SlowScan, of_hundreds_at_once_nine_in_ten_are_found_at_their_sixth_failure_or_before) {
  Bench bench(1u << 14, 512, 1024, false, 1u << 15);
  Crowd crowd;
  constexpr std::uint32_t kScanners = 500;
  for (std::uint16_t port = 1; port <= 6; ++port) {
    for (std::uint32_t i = 0; i < kScanners; ++i) {
      bench.knock_closed({ip4(198, 18, i >> 8, i & 255), kServer, 40000, port});
      if (i % 5 == 0) crowd.pass_by(bench, 50, 0, {kTenMinutes.value / 100});
    }
    if (port == 4) {
      EXPECT_TRUE(bench.alerts.empty());
    }
  }
  EXPECT_GE(bench.alerts.size(), kScanners * 9 / 10);
}

}  // namespace
}  // namespace edgesentry::scan
