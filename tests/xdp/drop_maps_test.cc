#include "xdp/drop_maps.h"

#include <map>
#include <random>

#include "kernel.h"

namespace edgesentry::xdp {
namespace {

DropMaps maps_for(std::uint32_t elements) {
  auto made = DropMaps::create(elements);
  EXPECT_TRUE(made.ok());
  return std::move(made).value();
}

std::map<base::Ip, std::uint64_t> contents(const DropMaps& maps) {
  std::map<base::Ip, std::uint64_t> found;
  const auto all = maps.all();
  EXPECT_TRUE(all.ok());
  for (const Held& held : all.value())
    EXPECT_TRUE(found.emplace(held.source, held.until_ns).second);
  return found;
}

TEST(DropMaps, hold_what_a_model_holds_after_many_changes) {
  EDGESENTRY_NEEDS_ROOT();
  DropMaps maps = maps_for(4096);
  std::map<base::Ip, std::uint64_t> model;
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint32_t number = random() % 1500;
    std::array<std::uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8};
    bytes[6] = static_cast<std::uint8_t>(number >> 8);
    bytes[7] = static_cast<std::uint8_t>(number);
    const base::Ip source =
        random() % 2 == 0 ? base::Ip::v4(0x0a000000u + number) : base::Ip::from_bytes(bytes);
    if (random() % 3 == 0) {
      ASSERT_TRUE(maps.erase(source).ok());
      model.erase(source);
    } else {
      const std::uint64_t until = random();
      ASSERT_EQ(maps.put({source, until}).value(), Put::done);
      model[source] = until;
    }
    const auto held = maps.find(source).value();
    ASSERT_EQ(held.has_value(), model.contains(source));
    ASSERT_EQ(held.value_or(Held{}).until_ns, held ? model[source] : 0);
  }
  EXPECT_EQ(contents(maps), model);
}

TEST(DropMaps, read_more_than_one_batch) {
  EDGESENTRY_NEEDS_ROOT();
  DropMaps maps = maps_for(20'000);
  for (std::uint32_t i = 0; i < 20'000; ++i)
    ASSERT_EQ(maps.put({base::Ip::v4(i), 0}).value(), Put::done);
  EXPECT_EQ(contents(maps).size(), 20'000u);
}

TEST(DropMaps, say_when_they_are_full_and_renew_all_the_same) {
  EDGESENTRY_NEEDS_ROOT();
  DropMaps maps = maps_for(8);
  for (std::uint32_t i = 0; i < 8; ++i)
    ASSERT_EQ(maps.put({base::Ip::v4(i), 0}).value(), Put::done);
  EXPECT_EQ(maps.put({base::Ip::v4(9), 0}).value(), Put::full);
  EXPECT_EQ(maps.put({base::Ip::v4(7), 5}).value(), Put::done);
  ASSERT_TRUE(maps.erase(base::Ip::v4(0)).ok());
  EXPECT_EQ(maps.put({base::Ip::v4(9), 0}).value(), Put::done);
}

TEST(DropMaps, are_found_again_behind_their_program) {
  EDGESENTRY_NEEDS_ROOT();
  DropMaps maps = maps_for(32);
  ASSERT_EQ(maps.put({base::Ip::v4(1), 5}).value(), Put::done);
  const auto program = load(maps, 64);
  ASSERT_TRUE(program.ok());
  EXPECT_NE(id_of_program(program.value().number()), 0u);
  const auto again = DropMaps::of_program(program.value().number());
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->elements_max(), 32u);
  EXPECT_EQ(contents(*again), contents(maps));
}

TEST(DropMaps, are_not_found_behind_the_program_of_another) {
  EDGESENTRY_NEEDS_ROOT();
  Assembler code;
  code.move(Reg::r0, XDP_PASS);
  code.exit();
  const auto program = code.finish();
  // Of our name, even.
  const Descriptor foreign(bpf_prog_load(BPF_PROG_TYPE_XDP, kProgramName, "GPL", program.data(),
                                         program.size(), nullptr));
  ASSERT_TRUE(foreign.is_open());
  EXPECT_FALSE(DropMaps::of_program(foreign.number()).has_value());
}

}  // namespace
}  // namespace edgesentry::xdp
