// The wide ways of the first stage against the way that does one probe after the other.
#include "scan/looks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

namespace edgesentry::scan {
namespace {

constexpr HashKey kKey = {0x9ae16a3b2f90404f, 0xc949d7c7509e6557, 0xff51afd7ed558ccd,
                          0xc4ceb9fe1a85ec53};

base::Ip any_ip(std::mt19937_64& random) {
  switch (random() % 8) {
    case 0: {
      std::array<std::uint8_t, 16> bytes;
      std::ranges::generate(bytes, [&] { return static_cast<std::uint8_t>(random()); });
      return base::Ip::from_bytes(bytes);
    }
    case 1:
      return {};
    default:
      return base::Ip::v4(static_cast<std::uint32_t>(random()));
  }
}

// What the parser makes: an IPv6 packet says so, and carries two IPv6 addresses (which may be
// mapped ones); any other has IPv4 addresses or none.
wire::Probe any_probe(std::mt19937_64& random) {
  wire::Probe probe{};
  const auto words = [&] { return static_cast<std::uint16_t>(random()); };
  probe.source = any_ip(random);
  probe.target = any_ip(random);
  probe.source_port = words();
  probe.target_port = words();
  probe.identification = words();
  probe.quoted_source_port = words();
  probe.outcome = static_cast<wire::ParseOutcome>(random() % wire::kParseOutcomes);
  probe.tcp_flags = static_cast<std::uint8_t>(random());
  probe.icmp_type = static_cast<std::uint8_t>(random());
  probe.traits = static_cast<std::uint8_t>(random() % 4 == 0 ? random() : 0);
  const auto is_short = [](const base::Ip& ip) { return ip.is_v4() || ip == base::Ip{}; };
  if (!is_short(probe.source) || !is_short(probe.target)) probe.traits |= wire::trait::kIpv6;
  return probe;
}

class EachWidth : public testing::TestWithParam<Width> {};

TEST_P(EachWidth, gives_what_one_by_one_gives) {
  if (!is_available(GetParam())) GTEST_SKIP() << "this core has no such vectors";
  std::mt19937_64 random(7);
  const auto wide = std::make_unique<Looks>(), single = std::make_unique<Looks>();
  for (int round = 0; round < 4'000; ++round) {
    const std::size_t at = random() % 17;
    std::vector<wire::Probe> probes(1 + random() % (kBurstMax - at));
    std::ranges::generate(probes, [&] { return any_probe(random); });
    const LookAsk ask{kKey, static_cast<std::uint8_t>(random() % 129),
                      random() % 2 == 0 ? Role::actor : Role::answer,
                      static_cast<unsigned>(4 + random() % 28)};
    look_at(GetParam())(probes, ask, *wide, at);
    look_at(Width::scalar)(probes, ask, *single, at);
    for (std::size_t i = at; i < at + probes.size(); ++i) {
      const Look found = wide->at(i), wanted = single->at(i);
      ASSERT_EQ(found.key.tag, wanted.key.tag) << i;
      ASSERT_EQ(found.key.home, wanted.key.home) << i;
      ASSERT_EQ(found.key.ipv6, wanted.key.ipv6) << i;
      ASSERT_EQ(wide->place[i], wanted.key.home >> ask.shift << 3) << i;
      ASSERT_EQ(wide->plain[i], single->plain[i]) << i;
      ASSERT_EQ(wide->shut_out[i], wanted.key.ipv6 ? kShutOutIpv6 : kShutOutIpv4) << i;
      ASSERT_EQ(found.novelty, wanted.novelty) << i;
    }
  }
}

TEST_P(EachWidth, writes_no_other_place) {
  if (!is_available(GetParam())) GTEST_SKIP() << "this core has no such vectors";
  std::mt19937_64 random(8);
  const auto looks = std::make_unique<Looks>();
  looks->tag.fill(1), looks->home.fill(2), looks->novelty.fill(3), looks->plain.fill(4),
      looks->shut_out.fill(6);
  looks->place.fill(5);
  std::vector<wire::Probe> probes(19);
  std::ranges::generate(probes, [&] { return any_probe(random); });
  look_at(GetParam())(probes, {kKey, 64, Role::actor, 12}, *looks, 16);
  for (std::size_t i = 0; i < kBurstMax; ++i) {
    if (i >= 16 && i < 16 + probes.size()) continue;
    EXPECT_EQ(looks->tag[i], 1u) << i;
    EXPECT_EQ(looks->home[i], 2u) << i;
    EXPECT_EQ(looks->novelty[i], 3u) << i;
    EXPECT_EQ(looks->plain[i], 4u) << i;
    EXPECT_EQ(looks->shut_out[i], 6u) << i;
    EXPECT_EQ(looks->place[i], 5u) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Looks, EachWidth,
                         testing::Values(Width::scalar, Width::avx2, Width::avx512));

}  // namespace
}  // namespace edgesentry::scan
