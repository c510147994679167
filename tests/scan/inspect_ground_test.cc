// What is known of a target before it answers: declared services, and space where nobody lives.
#include <gtest/gtest.h>

#include "scan/probes.h"

namespace edgesentry::scan {
namespace {

const base::Ip kSource = ip4(198, 51, 100, 7);
const base::Ip kServer = ip4(192, 0, 2, 10);

base::Prefix prefix(const char* text) {
  return *base::Prefix::parse(text);
}

DeclaredServices services(const char* where, const char* ports,
                          PortClass port_class = PortClass::tcp) {
  return DeclaredServices({{prefix(where), port_class, base::PortSet::parse(ports).value()}});
}

Flow to(const base::Ip& target, std::uint16_t port, const base::Ip& source = kSource) {
  return {source, target, 40000, port};
}

class Ground : public ::testing::Test {
 protected:
  void declare_dark() {
    const base::Prefix dark = prefix("192.0.2.128/25");
    bench.policy.dark = base::CidrSet(std::span(&dark, 1));
  }
  static base::Ip dark_host(std::uint32_t host) { return ip4(192, 0, 2, 128 + host); }

  Bench bench;
};

TEST_F(Ground, declared_services_that_fail_are_an_outage) {
  bench.policy.services = services("192.0.2.0/24", "80,8000-8100");
  for (std::uint16_t port = 8000; port < 8020; ++port)
    EXPECT_EQ(bench.knock_closed(to(kServer, port)), Verdict::pass);
  EXPECT_TRUE(bench.alerts.empty());
}

TEST_F(Ground, declared_services_speak_for_their_ports_and_class_only) {
  bench.policy.services = services("192.0.2.0/24", "8000-8100", PortClass::udp);
  for (std::uint16_t port = 8000; port < 8005; ++port) bench.knock_closed(to(kServer, port));
  EXPECT_EQ(bench.alerts.size(), 1u) << "they are UDP";
  const base::Ip other = ip4(198, 51, 100, 8);
  bench.policy.services = services("192.0.3.0/24", "8000-8100");
  for (std::uint16_t port = 8000; port < 8005; ++port) bench.knock_closed(to(kServer, port, other));
  EXPECT_EQ(bench.alerts.size(), 2u) << "they are elsewhere";
}

TEST_F(Ground, declared_services_may_have_ipv6_addresses) {
  const auto services6 = services("2001:db8:1::/64", "53", PortClass::udp);
  EXPECT_TRUE(services6.contains(*base::Ip::parse("2001:db8:1::7"), 53, PortClass::udp));
  EXPECT_FALSE(services6.contains(*base::Ip::parse("2001:db8:2::7"), 53, PortClass::udp));
  EXPECT_FALSE(services6.contains(*base::Ip::parse("2001:db8:1::7"), 54, PortClass::udp));
}

TEST_F(Ground, five_attempts_into_the_dark_decide_without_an_answer) {
  declare_dark();
  for (std::uint32_t host = 0; host < 4; ++host)
    EXPECT_EQ(bench.act(tcp(to(dark_host(host), 22), kSynFlag)), Verdict::pass) << host;
  EXPECT_EQ(bench.act(tcp(to(dark_host(4), 22), kSynFlag)), Verdict::drop);
  ASSERT_EQ(bench.alerts.size(), 1u);
  EXPECT_EQ(bench.alerts[0].reason, Reason::failed_attempts);
  EXPECT_EQ(bench.alerts[0].shape, Shape::horizontal);
}

TEST_F(Ground, echo_requests_into_the_dark_count_too) {
  declare_dark();
  for (std::uint32_t host = 0; host < 5; ++host) {
    wire::Probe echo = icmp(to(dark_host(host), 0), 8);
    echo.ttl = 60;
    bench.act(echo);
  }
  EXPECT_EQ(bench.alerts.size(), 1u);
}

TEST_F(Ground, lit_addresses_wait_for_their_answer) {
  declare_dark();
  for (std::uint32_t host = 0; host < 8; ++host)
    bench.act(tcp(to(ip4(192, 0, 2, 10 + host), 22), kSynFlag));
  EXPECT_TRUE(bench.alerts.empty());
}

TEST_F(Ground, retransmissions_into_the_dark_count_once) {
  declare_dark();
  for (int i = 0; i < 20; ++i) bench.act(tcp(to(dark_host(1), 22), kSynFlag));
  EXPECT_TRUE(bench.alerts.empty());
}

TEST_F(Ground, answers_to_packets_forged_in_the_name_of_the_dark_are_no_attempts) {
  declare_dark();
  for (std::uint32_t host = 0; host < 30; ++host) {
    bench.act(tcp({kSource, dark_host(host), 80, 40000}, kSynAck));
    bench.act(tcp({kSource, dark_host(host), 80, 40000}, kRstAck));
  }
  EXPECT_TRUE(bench.alerts.empty());
}

TEST_F(Ground, a_conversation_in_the_dark_speaks_for_the_source) {
  declare_dark();
  // The address was given to somebody since the configuration was written.
  bench.act(tcp(to(kServer, 443), kSynFlag));
  bench.converse(to(dark_host(1), 443));
  const std::size_t before = bench.alerts.size();
  for (std::uint16_t port = 1; port <= 8; ++port) bench.act(tcp(to(dark_host(1), port), kSynFlag));
  EXPECT_EQ(bench.alerts.size(), before) << "what it tries there waits for its answer";
}

TEST_F(Ground, services_declared_in_the_dark_are_lit) {
  declare_dark();
  bench.policy.services = services("192.0.2.128/25", "22");
  for (std::uint32_t host = 0; host < 8; ++host) bench.knock_closed(to(dark_host(host), 22));
  EXPECT_TRUE(bench.alerts.empty());
}

}  // namespace
}  // namespace edgesentry::scan
