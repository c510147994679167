#include "policy/crowd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "support/alerts.h"

namespace edgesentry::policy {
namespace {

using base::Ip;
using base::Micros;
using base::milliseconds;
using base::seconds;
using scan::AlertKind;
using test::attacker;
using test::ip;

Ip server(std::uint32_t n) {
  return Ip::v4(0xcb007100u + n);  // 203.0.113.0/24 and on
}

// Many sources, and what was concluded.
class Crowd : public testing::Test {
 protected:
  void fail(const Ip& source, const Ip& target, std::uint16_t port,
            Micros step = milliseconds(100)) {
    now_ = now_ + step;
    scan::Alert clue;
    clue.kind = AlertKind::clue;
    clue.source = source;
    clue.last_target = clue.targets[0] = target;
    clue.last_port = clue.ports[0] = port;
    clue.prefix_length = source.is_v4() ? 128 : 64;
    clue.failures = clue.probes = 1;
    clue.successes = successes_;
    clue.first_seen = clue.last_seen = now_;
    clue.protocol = 6;
    for (const CrowdFinding& finding : crowds_.take(clue, now_))
      (finding.is_whole ? whole_ : members_).push_back(finding);
  }
  // `sources` sources with `each` ports of one target each, all of them different.
  void spread(std::uint32_t sources, std::uint32_t each, Micros step = milliseconds(100)) {
    std::uint16_t port = 1;
    for (std::uint32_t s = 0; s < sources; ++s)
      for (std::uint32_t i = 0; i < each; ++i) fail(attacker(s), server(9), port++, step);
  }
  [[nodiscard]] std::size_t members_of(AlertKind kind) const {
    return static_cast<std::size_t>(
        std::count_if(members_.begin(), members_.end(),
                      [=](const CrowdFinding& f) { return f.alert.kind == kind; }));
  }

  Crowds crowds_;
  Micros now_ = seconds(1000);
  std::uint32_t successes_ = 0;
  std::vector<CrowdFinding> whole_, members_;
};

TEST_F(Crowd, finds_a_port_scan_of_one_probe_per_source_and_reports_every_member) {
  spread(100, 1);
  ASSERT_EQ(whole_.size(), 1u);
  const scan::Alert& alert = whole_[0].alert;
  EXPECT_EQ(alert.kind, AlertKind::decision);
  EXPECT_EQ(alert.shape, scan::Shape::distributed);
  EXPECT_EQ(alert.reason, scan::Reason::many_sources);
  EXPECT_EQ(alert.source_count, 20u);
  EXPECT_EQ(alert.port_count, 20u);
  EXPECT_EQ(alert.target_count, 1u);
  EXPECT_EQ(members_of(AlertKind::clue), 100u);
  EXPECT_EQ(members_of(AlertKind::decision), 0u) << "one packet can be forged";
}

TEST_F(Crowd, decides_on_members_with_three_failures_of_their_own) {
  spread(40, 3);
  EXPECT_EQ(members_of(AlertKind::decision), 40u);
  for (const CrowdFinding& member : members_)
    EXPECT_EQ(member.alert.kind == AlertKind::decision, member.alert.failures >= 3);
}

TEST_F(Crowd, finds_a_sweep_of_one_port_over_many_targets) {
  for (std::uint32_t s = 0; s < 60; ++s)
    for (std::uint32_t i = 0; i < 4; ++i) fail(attacker(s), server((4 * s + i) % 60), 23);
  ASSERT_EQ(whole_.size(), 1u);
  EXPECT_EQ(whole_[0].alert.port_count, 1u);
  EXPECT_GE(whole_[0].alert.target_count, Crowds::kPairs);
  EXPECT_EQ(members_of(AlertKind::decision), 60u) << "covering the ground again is still the scan";
  EXPECT_NE(crowd_sentence(whole_[0]).find("tried port 23 of"), std::string::npos);
}

TEST_F(Crowd, says_nothing_of_nine_sources_or_nineteen_ports) {
  spread(9, 4);
  EXPECT_TRUE(whole_.empty());
  for (std::uint16_t s = 0; s < 19; ++s) fail(attacker(500u + s), server(50), 1 + s);
  EXPECT_TRUE(whole_.empty());
  fail(attacker(600), server(50), 600);
  EXPECT_EQ(whole_.size(), 1u) << "the twentieth";
}

TEST_F(Crowd, says_nothing_of_an_outage) {
  for (std::uint32_t s = 0; s < 400; ++s) {
    fail(attacker(s), server(9), 443);
    fail(attacker(s), server(9), 80);
  }
  EXPECT_TRUE(whole_.empty());
}

TEST_F(Crowd, says_nothing_of_an_outage_of_many_services_with_many_clients) {
  for (std::uint32_t s = 0; s < 400; ++s)
    fail(attacker(s), server(9), static_cast<std::uint16_t>(5000 + s / 3 % 25));
  EXPECT_TRUE(whole_.empty());
}

TEST_F(Crowd, says_nothing_of_decoys_that_all_send_the_same_probes) {
  for (std::uint16_t port = 1; port <= 4; ++port)
    for (std::uint32_t s = 0; s < 12; ++s) fail(attacker(s), server(9), port);
  EXPECT_TRUE(whole_.empty());
}

TEST_F(Crowd, says_nothing_of_peers_that_look_for_peers) {
  for (std::uint32_t s = 0; s < 200; ++s) fail(attacker(s), server(9), 51413);
  for (std::uint32_t s = 0; s < 60; ++s) fail(attacker(1000 + s), server(s), 6881);
  EXPECT_TRUE(whole_.empty());
  for (std::uint32_t s = 0; s < 60; ++s) fail(attacker(2000 + s), server(s), 445);
  EXPECT_EQ(whole_.size(), 1u) << "on a low port it is a sweep";
}

TEST_F(Crowd, says_nothing_while_a_flood_goes_on_and_starts_over_behind_it) {
  for (std::uint32_t s = 0; s < 2000; ++s) fail(attacker(s), server(9), 7, milliseconds(1));
  EXPECT_TRUE(whole_.empty());
  spread(40, 1);
  EXPECT_TRUE(whole_.empty()) << "not within a minute";
  now_ = now_ + Crowds::kFloodCalm;
  spread(40, 1);
  EXPECT_EQ(whole_.size(), 1u);
}

TEST_F(Crowd, ignores_clients_that_talk_as_often_as_they_fail) {
  successes_ = 1;
  spread(100, 1);
  EXPECT_TRUE(whole_.empty());
}

TEST_F(Crowd, counts_a_repeat_once_and_an_ipv6_prefix_as_one_source) {
  for (int again = 0; again < 50; ++again)
    for (std::uint16_t s = 0; s < 12; ++s) fail(attacker(s), server(9), s);
  EXPECT_TRUE(whole_.empty());
  for (std::uint16_t s = 0; s < 200; ++s) {
    auto bytes = ip("2001:db8:0:1::").bytes();
    bytes[15] = static_cast<std::uint8_t>(s);
    fail(Ip::from_bytes(bytes), server(70), 1 + s);
  }
  EXPECT_TRUE(whole_.empty());
}

TEST_F(Crowd, forgets_what_has_left_the_window) {
  spread(60, 1, seconds(40));  // 15 within ten minutes
  EXPECT_TRUE(whole_.empty());
  spread(60, 1, seconds(25));  // 24
  EXPECT_EQ(whole_.size(), 1u);
  now_ = now_ + Crowds::kWindow;
  const std::size_t before = members_.size();
  fail(attacker(9000), server(9), 999);
  EXPECT_EQ(members_.size(), before) << "alone again";
}

TEST_F(Crowd, reports_growth_tenfold_and_at_most_so_many_members) {
  spread(2500, 1);
  ASSERT_EQ(whole_.size(), 3u);
  EXPECT_EQ(whole_[1].alert.kind, AlertKind::growth);
  EXPECT_EQ(whole_[1].alert.source_count, 200u);
  EXPECT_EQ(whole_[2].alert.source_count, 2000u);
  EXPECT_EQ(members_.size(), Crowds::kMembersReported);
}

TEST_F(Crowd, names_the_network_that_most_sources_share) {
  spread(20, 1);
  ASSERT_EQ(whole_.size(), 1u);
  EXPECT_EQ(whole_[0].dense.to_string(), "10.0.0.0/24");
  EXPECT_EQ(whole_[0].dense_sources, 20u);
  EXPECT_EQ(crowd_sentence(whole_[0]),
            "20 sources together tried 20 ports of 203.0.113.9 with few probes each (distributed "
            "tcp_syn scan); 20 of them are in 10.0.0.0/24; the last was 10.0.0.19");
}

TEST_F(Crowd, names_the_ipv6_site_of_its_sources) {
  for (std::uint16_t s = 0; s < 20; ++s) {
    auto bytes = ip("2001:db8:7::1").bytes();
    bytes[6] = static_cast<std::uint8_t>(s);  // a /56 each
    fail(Ip::from_bytes(bytes), server(9), 1 + s);
  }
  ASSERT_EQ(whole_.size(), 1u);
  EXPECT_EQ(whole_[0].dense.to_string(), "2001:db8:7::/48");
}

TEST_F(Crowd, stays_within_its_memory_whatever_comes) {
  for (std::uint32_t s = 0; s < 20'000; ++s)
    fail(attacker(s), server(s), static_cast<std::uint16_t>(s * 7), milliseconds(1));
  EXPECT_EQ(crowds_.watched(), 2 * Crowds::kCrowds);
  for (std::uint32_t s = 0; s < 200; ++s) fail(Ip{}, server(9), static_cast<std::uint16_t>(s));
  now_ = seconds(1);  // a clock that steps back
  spread(40, 1);
}

TEST_F(Crowd, keeps_its_books_when_members_outnumber_its_memory) {
  for (std::uint32_t crowd = 0; crowd < 60; ++crowd)
    for (std::uint16_t s = 0; s < 120; ++s)
      fail(s == 0 ? Ip{} : attacker(crowd * 1000 + s), server(crowd), 1 + s);
  EXPECT_GT(members_.size(), Crowds::kSaid);
  EXPECT_GE(whole_.size(), 60u);
}

}  // namespace
}  // namespace edgesentry::policy
