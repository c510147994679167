// The queue between two threads, here with one thread in both roles: capacity, order, refusal.
#include "base/ring.h"

#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <vector>

namespace edgesentry::base {
namespace {

struct Item {  // 12 bytes: three words, none of rte_ring's special sizes
  std::uint32_t a, b, c;
};

template <class T>
std::vector<T> drain(RingReader<T>& reader) {
  std::vector<T> items;
  std::array<T, 8> burst;
  while (const std::size_t count = reader.pop_some(burst))
    items.insert(items.end(), burst.begin(), burst.begin() + count);
  return items;
}

TEST(Ring, holds_its_capacity_rounded_up_to_a_power_of_two) {
  const std::pair<std::uint32_t, std::uint32_t> cases[] = {
      {1, 1}, {2, 2}, {3, 4}, {4, 4}, {5, 8}, {63, 64}, {64, 64}, {1000, 1024}, {1024, 1024}};
  for (const auto& [asked, held] : cases) {
    auto [writer, reader] = make_ring<std::uint64_t>(asked);
    EXPECT_EQ(reader.capacity(), held);
    for (std::uint64_t i = 0; i < held; ++i) ASSERT_TRUE(writer.try_push(i)) << asked;
    EXPECT_FALSE(writer.try_push(0)) << asked;
    EXPECT_EQ(reader.occupancy(), held);
    EXPECT_EQ(writer.occupancy(), held);
  }
}

TEST(Ring, gives_nothing_when_empty) {
  auto [writer, reader] = make_ring<std::uint32_t>(4);
  std::array<std::uint32_t, 4> items{7, 7, 7, 7};
  EXPECT_EQ(reader.pop_some(items), 0u);
  EXPECT_EQ(items[0], 7u);
  EXPECT_TRUE(writer.try_push(1));
  EXPECT_EQ(reader.pop_some(items), 1u);
  EXPECT_EQ(reader.pop_some(items), 0u);
}

TEST(Ring, keeps_order_and_every_byte_over_many_turns) {
  auto [writer, reader] = make_ring<Item>(8);
  std::uint32_t pushed = 0;
  std::uint32_t popped = 0;
  // Steps of 5 and 3 meet every offset of the slots, so items wrap around the end in all ways.
  for (int turn = 0; turn < 1000; ++turn) {
    for (int i = 0; i < 5; ++i)
      if (writer.try_push({pushed, ~pushed, pushed * 3})) ++pushed;
    std::array<Item, 3> burst;
    for (std::size_t i = 0, count = reader.pop_some(burst); i < count; ++i, ++popped) {
      ASSERT_EQ(burst[i].a, popped);
      ASSERT_EQ(burst[i].b, ~popped);
      ASSERT_EQ(burst[i].c, popped * 3);
    }
  }
  EXPECT_EQ(pushed - popped, reader.occupancy());
}

TEST(Ring, refused_items_leave_no_trace) {
  auto [writer, reader] = make_ring<std::uint32_t>(2);
  EXPECT_TRUE(writer.try_push(1));
  EXPECT_TRUE(writer.try_push(2));
  EXPECT_FALSE(writer.try_push(3));
  EXPECT_EQ(drain(reader), (std::vector<std::uint32_t>{1, 2}));
  EXPECT_TRUE(writer.try_push(4));
  EXPECT_EQ(drain(reader), (std::vector<std::uint32_t>{4}));
}

TEST(Ring, takes_the_front_of_a_burst_that_does_not_fit) {
  auto [writer, reader] = make_ring<std::uint32_t>(4);
  std::vector<std::uint32_t> items(6);
  std::iota(items.begin(), items.end(), 10);
  EXPECT_EQ(writer.push_some(items), 4u);
  EXPECT_EQ(writer.push_some(items), 0u);
  EXPECT_EQ(writer.push_some({}), 0u);
  EXPECT_EQ(drain(reader), (std::vector<std::uint32_t>{10, 11, 12, 13}));
}

TEST(Ring, outlives_either_half) {
  RingReader<std::uint32_t> kept;
  {
    auto [writer, reader] = make_ring<std::uint32_t>(4);
    EXPECT_TRUE(writer.try_push(42));
    kept = std::move(reader);
  }
  EXPECT_EQ(drain(kept), (std::vector<std::uint32_t>{42}));
}

TEST(Ring, halves_can_only_be_moved) {
  static_assert(!std::is_copy_constructible_v<RingWriter<std::uint32_t>>);
  static_assert(!std::is_copy_constructible_v<RingReader<std::uint32_t>>);
  static_assert(!std::is_copy_assignable_v<RingWriter<std::uint32_t>>);
  static_assert(!std::is_copy_assignable_v<RingReader<std::uint32_t>>);
  static_assert(std::is_nothrow_move_constructible_v<RingWriter<std::uint32_t>>);
}

TEST(RingDeathTest, is_never_made_for_nothing) {
  EXPECT_DEATH((void)make_ring<std::uint32_t>(0), "a ring holds between");
}

}  // namespace
}  // namespace edgesentry::base
