// Who sweeps a link, and who only lives on it.
#include "scan/arp_watch.h"

#include <gtest/gtest.h>

#include "scan/probes.h"

namespace edgesentry::scan {
namespace {

const base::Ip kAsker = ip4(192, 0, 2, 5);

wire::Probe arp(const base::Ip& source, const base::Ip& target, std::uint8_t operation = 1) {
  wire::Probe probe{};
  probe.outcome = wire::ParseOutcome::arp;
  probe.source = source;
  probe.target = target;
  probe.icmp_type = operation;
  return probe;
}

class Link : public testing::Test {
 protected:
  const ArpSender* ask(std::uint32_t net, std::uint32_t host, const base::Ip& asker = kAsker) {
    now = now + base::milliseconds(10);
    return watch.ask(arp(asker, ip4(192, 0, net, host)), kTestKey, now);
  }
  void reply(std::uint32_t host) { watch.answer(arp(ip4(192, 0, 2, host), kAsker, 2), kTestKey); }
  // How many requests it took; 0: not found.
  int asked_until_found(std::uint32_t step, std::uint32_t hosts, bool answered) {
    for (std::uint32_t i = 0; i < hosts; ++i) {
      const std::uint32_t host = i * step % 256;
      if (ask(2, host) != nullptr) return static_cast<int>(i + 1);
      if (answered) reply(host);
    }
    return 0;
  }
  ArpWatch watch;
  base::Micros now = base::seconds(1000);
};

TEST_F(Link, one_address_after_the_other_is_a_sweep_whoever_answers) {
  EXPECT_EQ(asked_until_found(1, 256, true), ArpWatch::kInOrder + 2) << "its own is left out";
}

TEST_F(Link, a_network_asked_in_any_order_is_a_sweep_when_nobody_answers) {
  EXPECT_NEAR(asked_until_found(37, 256, false), ArpWatch::kUnanswered, 1) << "its own left out";
}

TEST_F(Link, a_router_asks_for_all_its_hosts_in_any_order) {
  EXPECT_EQ(asked_until_found(37, 256, true), 0);
}

TEST_F(Link, silent_hosts_of_a_router_do_not_add_up_for_ever) {
  for (int i = 0; i < 2000; ++i) {
    now = now + base::seconds(1);
    EXPECT_EQ(ask(2, static_cast<std::uint32_t>(i * 37 % 256)), nullptr) << i;
  }
}

TEST_F(Link, hosts_of_many_networks_are_no_sweep_of_one) {
  for (std::uint32_t i = 0; i < 1000; ++i) EXPECT_EQ(ask(i * 7 % 50, i * 91 % 256), nullptr) << i;
}

TEST_F(Link, asking_again_for_one_host_is_no_sweep) {
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(ask(2, 77), nullptr);
}

TEST_F(Link, probing_for_an_own_address_says_nothing) {
  for (std::uint32_t host = 0; host < 256; ++host) {
    EXPECT_EQ(ask(2, host, base::Ip{}), nullptr);
    EXPECT_EQ(ask(2, host, ip4(192, 0, 2, host)), nullptr);
  }
}

TEST_F(Link, is_said_once_and_again_when_ten_times_as_large) {
  int said = 0;
  std::uint32_t asked = 0;
  for (std::uint32_t i = 0; i < 400; ++i)
    if (const ArpSender* sender = ask(i / 256, i % 256); sender != nullptr) {
      ++said;
      asked = sender->asked;
    }
  EXPECT_EQ(said, 2);
  EXPECT_EQ(asked, 10u * (ArpWatch::kInOrder + 1));
}

TEST_F(Link, forged_senders_take_no_more_than_the_table) {
  for (std::uint32_t i = 0; i < 100'000; ++i)
    EXPECT_EQ(ask(2, i % 256, base::Ip::v4(0x0a000000u + i)), nullptr);
}

TEST(ArpSweep, is_reported_and_never_dropped) {
  Bench tap(4096, 256, 256, true);
  for (std::uint32_t host = 1; host < 255; ++host)
    EXPECT_EQ(tap.act(arp(kAsker, ip4(198, 51, 100, host))), Verdict::pass);
  ASSERT_EQ(tap.alerts.size(), 1u);
  EXPECT_EQ(tap.alerts[0].technique, Technique::arp);
  EXPECT_EQ(tap.alerts[0].reason, Reason::arp_sweep);
  EXPECT_EQ(tap.alerts[0].source, kAsker);
  EXPECT_FALSE(tap.alerts[0].dropping);
  EXPECT_EQ(tap.act(tcp({kAsker, ip4(198, 51, 100, 1)}, kSynFlag)), Verdict::pass);
}

TEST(ArpSweep, is_nobodys_business_on_a_bump_in_the_wire) {
  Bench bench;
  for (std::uint32_t host = 1; host < 255; ++host) bench.act(arp(kAsker, ip4(198, 51, 100, host)));
  EXPECT_TRUE(bench.alerts.empty());
}

}  // namespace
}  // namespace edgesentry::scan
