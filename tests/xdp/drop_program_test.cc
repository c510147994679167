// The program as the kernel runs it, packet by packet.
#include "xdp/drop_program.h"

#include "kernel.h"

namespace edgesentry::xdp {
namespace {

using test::Packet;

const base::Ip kBad = base::Ip::v4(0xc6336407), kGood = base::Ip::v4(0xc6336408);
const base::Ip kBad6 = base::Ip::parse("2001:db8:66:1::").value();
constexpr std::uint64_t kSecond = 1'000'000'000;

void append(Packet& packet, std::initializer_list<std::uint8_t> bytes) {
  packet.insert(packet.end(), bytes);
}

Packet ethernet(const std::vector<std::uint16_t>& types) {
  Packet packet(12, 2);
  for (std::size_t i = 0; i < types.size(); ++i) {
    append(packet, {static_cast<std::uint8_t>(types[i] >> 8), static_cast<std::uint8_t>(types[i])});
    if (i + 1 < types.size()) append(packet, {0, 7});
  }
  return packet;
}

Packet v4(const base::Ip& source, std::vector<std::uint16_t> tags = {},
          std::uint8_t header_words = 5) {
  tags.push_back(0x0800);
  Packet packet = ethernet(tags);
  append(packet,
         {static_cast<std::uint8_t>(0x40 | header_words), 0, 0, 60, 0, 0, 0, 0, 64, 6, 0, 0});
  packet.insert(packet.end(), source.bytes().end() - 4, source.bytes().end());
  packet.resize(packet.size() + 64, 1);  // target, options, payload
  return packet;
}

Packet v6(const char* source, std::vector<std::uint16_t> tags = {}) {
  tags.push_back(0x86dd);
  Packet packet = ethernet(tags);
  append(packet, {0x60, 0, 0, 0, 0, 20, 6, 64});
  const base::Ip address = base::Ip::parse(source).value();
  packet.insert(packet.end(), address.bytes().begin(), address.bytes().end());
  packet.resize(packet.size() + 64, 1);
  return packet;
}

class DropProgram : public testing::Test {
 protected:
  void SetUp() override {
    EDGESENTRY_NEEDS_ROOT();
    auto made = DropMaps::create(64);
    ASSERT_TRUE(made.ok()) << made.error().text;
    maps = std::move(made).value();
    block(kBad, 0);
    block(kBad6, 0);
    reload(64);
  }
  void reload(std::uint8_t prefix) {
    auto loaded = load(*maps, prefix);
    ASSERT_TRUE(loaded.ok()) << loaded.error().text;
    program = std::move(loaded).value();
  }
  void block(const base::Ip& source, std::uint64_t until_ns) {
    const auto put = maps->put({source, until_ns});
    ASSERT_TRUE(put.ok() && put.value() == Put::done);
  }
  int verdict(const Packet& packet) const { return test::verdict(program.number(), packet); }

  std::optional<DropMaps> maps;
  Descriptor program;
};

TEST_F(DropProgram, drops_exactly_what_is_blocked) {
  EXPECT_EQ(verdict(v4(kBad)), XDP_DROP);
  EXPECT_EQ(verdict(v4(kGood)), XDP_PASS);
  EXPECT_EQ(verdict(v6("2001:db8:66:1::7")), XDP_DROP);
  EXPECT_EQ(verdict(v6("2001:db8:66:1:ffff:ffff:ffff:ffff")), XDP_DROP) << "of the same prefix";
  EXPECT_EQ(verdict(v6("2001:db8:66:2::7")), XDP_PASS) << "of the next";
  EXPECT_EQ(maps->drops().value(), 3u);
}

TEST_F(DropProgram, masks_an_ipv6_source_at_its_prefix) {
  block(base::Ip::parse("2001:db8:66:8000::").value(), 0);
  for (const unsigned prefix : {49u, 50u, 63u}) {
    reload(static_cast<std::uint8_t>(prefix));
    EXPECT_EQ(verdict(v6("2001:db8:66:8000::1")), XDP_DROP) << prefix;
    EXPECT_EQ(verdict(v6("2001:db8:66:c000::1")), prefix == 49 ? XDP_DROP : XDP_PASS) << prefix;
  }
  block(base::Ip::parse("2001:db8:77::1").value(), 0);
  reload(128);
  EXPECT_EQ(verdict(v6("2001:db8:77::1")), XDP_DROP);
  EXPECT_EQ(verdict(v6("2001:db8:77::2")), XDP_PASS);
}

TEST_F(DropProgram, looks_behind_two_tags_and_no_more) {
  for (const std::vector<std::uint16_t>& tags : std::vector<std::vector<std::uint16_t>>{
           {0x8100}, {0x88a8}, {0x88a8, 0x8100}, {0x8100, 0x8100}}) {
    EXPECT_EQ(verdict(v4(kBad, tags)), XDP_DROP);
    EXPECT_EQ(verdict(v4(kGood, tags)), XDP_PASS);
    EXPECT_EQ(verdict(v6("2001:db8:66:1::7", tags)), XDP_DROP);
    EXPECT_EQ(verdict(v6("2001:db8:66::7", tags)), XDP_PASS);
  }
  EXPECT_EQ(verdict(v4(kBad, {0x8100, 0x8100, 0x8100})), XDP_PASS);
  EXPECT_EQ(verdict(v4(kBad, {0x9100})), XDP_PASS);
}

TEST_F(DropProgram, drops_whatever_options_the_header_has) {
  for (std::uint8_t words = 5; words <= 15; ++words)
    EXPECT_EQ(verdict(v4(kBad, {}, words)), XDP_DROP) << unsigned{words};
}

TEST_F(DropProgram, passes_what_is_no_ip) {
  for (const std::uint16_t type : {0x0806, 0x0801, 0x0008, 0xdd86, 0x88cc}) {
    Packet packet = v4(kBad);
    packet[12] = static_cast<std::uint8_t>(type >> 8);
    packet[13] = static_cast<std::uint8_t>(type);
    EXPECT_EQ(verdict(packet), XDP_PASS) << type;
  }
}

// The kernel runs nothing shorter than an Ethernet header.
TEST_F(DropProgram, passes_what_ends_within_its_headers) {
  for (const std::vector<std::uint16_t>& tags :
       std::vector<std::vector<std::uint16_t>>{{}, {0x8100}, {0x88a8, 0x8100}}) {
    const std::size_t header = 14 + 4 * tags.size();
    for (const bool is_v4 : {true, false}) {
      const Packet whole = is_v4 ? v4(kBad, tags) : v6("2001:db8:66:1::7", tags);
      const std::size_t needed = header + (is_v4 ? 20 : 40);
      for (std::size_t size = 14; size <= whole.size(); ++size) {
        const Packet cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_EQ(verdict(cut), size < needed ? XDP_PASS : XDP_DROP) << size << " of " << needed;
      }
    }
  }
}

TEST_F(DropProgram, lets_a_source_in_when_its_time_is_over) {
  const std::uint64_t now = test::kernel_now();
  block(kBad, now - 1);
  EXPECT_EQ(verdict(v4(kBad)), XDP_PASS);
  block(kBad, now + 3600 * kSecond);
  EXPECT_EQ(verdict(v4(kBad)), XDP_DROP);
  block(kBad, 1);
  EXPECT_EQ(verdict(v4(kBad)), XDP_PASS);
  block(kBad, ~std::uint64_t{0});
  EXPECT_EQ(verdict(v4(kBad)), XDP_DROP);
}

TEST_F(DropProgram, passes_everything_while_the_bypass_is_on) {
  ASSERT_TRUE(maps->set_bypass(true).ok());
  EXPECT_EQ(verdict(v4(kBad)), XDP_PASS);
  EXPECT_EQ(verdict(v6("2001:db8:66:1::7")), XDP_PASS);
  EXPECT_EQ(maps->drops().value(), 0u);
  ASSERT_TRUE(maps->set_bypass(false).ok());
  EXPECT_EQ(verdict(v4(kBad)), XDP_DROP);
}

TEST_F(DropProgram, counts_every_packet_it_drops) {
  EXPECT_EQ(test::verdict(program.number(), v4(kBad), 1000), XDP_DROP);
  EXPECT_EQ(test::verdict(program.number(), v4(kGood), 1000), XDP_PASS);
  EXPECT_EQ(maps->drops().value(), 1000u);
}

}  // namespace
}  // namespace edgesentry::xdp
