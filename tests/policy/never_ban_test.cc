#include "policy/never_ban.h"

#include <gtest/gtest.h>

#include "support/alerts.h"

namespace edgesentry::policy {
namespace {

using test::ip;

// Lines as the kernel prints them on x86: the gateway's bytes in memory order.
constexpr std::string_view kRoutes =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    "eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
    "eth0\t0002A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n";
constexpr std::string_view kRoutes6 =
    "20010db8000000000000000000000000 20 00000000000000000000000000000000 00 "
    "00000000000000000000000000000000 00000400 00000001 00000000 00000001     eth0\n"
    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
    "20010db8000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n";

Exemptions exempt_of(const NeverBanInputs& inputs, const NeverBanSwitches& switches = {}) {
  AllowLists lists;
  lists.never_ban = compute_never_ban(inputs, switches);
  return Exemptions(lists, 64);
}

TEST(NeverBan, spares_own_addresses_routers_and_name_servers) {
  const auto exempt = exempt_of(
      {.own_addresses = {ip("192.0.2.10"), ip("192.0.2.255")},
       .ipv4_routes = std::string(kRoutes),
       .ipv6_routes = std::string(kRoutes6),
       .resolv_conf =
           "# dhcp\nnameserver 198.51.100.53\nnameserver fe80::1%eth0 # x\nsearch a b\n"});
  EXPECT_EQ(exempt.why(ip("192.0.2.10")), Exempt::own_address);
  EXPECT_EQ(exempt.why(ip("192.0.2.255")), Exempt::own_address);
  EXPECT_EQ(exempt.why(ip("192.168.2.1")), Exempt::gateway);
  EXPECT_EQ(exempt.why(ip("2001:db8::1")), Exempt::gateway);
  EXPECT_EQ(exempt.why(ip("198.51.100.53")), Exempt::resolver);
  EXPECT_EQ(exempt.why(ip("192.168.2.2")), std::nullopt);
  EXPECT_EQ(exempt.why(ip("192.0.2.11")), std::nullopt);
}

TEST(NeverBan, spares_addresses_that_are_nobody_in_particular) {
  const auto exempt = exempt_of({}, {false, false, false});
  for (const char* special :
       {"127.0.0.1", "127.255.255.255", "0.0.0.0", "224.0.0.1", "239.255.255.255",
        "255.255.255.255", "169.254.169.254", "::1", "::", "ff02::1", "fe80::1", "febf:ffff::1"})
    EXPECT_EQ(exempt.why(ip(special)), Exempt::special_address) << special;
  for (const char* ordinary : {"126.255.255.255", "128.0.0.0", "223.255.255.255", "240.0.0.1",
                               "169.253.255.255", "169.255.0.0", "fec0::1", "2001:db8::1"})
    EXPECT_FALSE(exempt.contains(ip(ordinary))) << ordinary;
}

TEST(NeverBan, obeys_its_switches) {
  const NeverBanInputs inputs{.own_addresses = {ip("192.0.2.10")},
                              .ipv4_routes = std::string(kRoutes),
                              .ipv6_routes = "",
                              .resolv_conf = "nameserver 198.51.100.53"};
  EXPECT_FALSE(exempt_of(inputs, {.own_addresses = false}).contains(ip("192.0.2.10")));
  EXPECT_FALSE(exempt_of(inputs, {.gateways = false}).contains(ip("192.168.2.1")));
  EXPECT_FALSE(exempt_of(inputs, {.resolvers = false}).contains(ip("198.51.100.53")));
}

TEST(NeverBan, makes_nothing_of_garbage) {
  const auto special = compute_never_ban({}, {}).size();
  for (const char* garbage :
       {"", "\n\n", "eth0", "eth0\tx\ty\tz\n", "eth0\t0\t0102A8C0F\t0003\n",
        "eth0\t00000000\t0102A8C0\tzzzz\n", "nameserver", "nameserver \n", "nameserver 1.2.3\n",
        "00 00 00 00 20010db8000000000000000000000z01 0 0 0 00000003 eth0\n"}) {
    const NeverBanInputs inputs{{}, garbage, garbage, garbage};
    EXPECT_EQ(compute_never_ban(inputs, {}).size(), special) << garbage;
  }
}

TEST(NeverBan, finds_this_machines_loopback_address) {
  const auto inputs = read_never_ban_inputs();
  for (const auto& own : inputs.own_addresses) EXPECT_TRUE(exempt_of(inputs).contains(own));
}

}  // namespace
}  // namespace edgesentry::policy
