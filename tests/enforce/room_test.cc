#include "enforce/room.h"

#include <gtest/gtest.h>

namespace edgesentry::enforce {
namespace {

base::Ip source(std::uint32_t number) {
  return base::Ip::v4(0xc6336400u + number);
}

TEST(Room, lets_everybody_in_without_a_limit) {
  Room room;
  for (std::uint32_t i = 1; i <= 100; ++i) EXPECT_TRUE(room.take(source(i), i));
  EXPECT_EQ(room.held(100), 100u);
  EXPECT_FALSE(room.is_full());
}

TEST(Room, lets_wait_whoever_finds_it_full) {
  Room room;
  room.limit(3);
  for (std::uint32_t i = 1; i <= 5; ++i) EXPECT_EQ(room.take(source(i), i), i <= 3) << i;
  EXPECT_TRUE(room.is_full());
  EXPECT_EQ(room.waiting(), 2u);
  EXPECT_EQ(room.held(5), 3u);
  EXPECT_TRUE(room.take(source(2), 5)) << "it has its place already";
  EXPECT_FALSE(room.take(source(5), 5));
}

TEST(Room, gives_the_place_of_a_block_that_ended_to_one_that_waits) {
  Room room;
  room.limit(2);
  for (std::uint32_t i = 1; i <= 4; ++i) (void)room.take(source(i), i);
  EXPECT_EQ(room.free(4), 0u);
  EXPECT_EQ(room.free(3), 1u);
  const base::Ip first = room.take_first();
  EXPECT_TRUE(room.take(first, 3));
  EXPECT_EQ(room.waiting(), 1u);
}

TEST(Room, forgets_who_waits_when_its_block_is_over) {
  Room room;
  room.limit(1);
  (void)room.take(source(1), 1);
  (void)room.take(source(2), 2);
  room.leave(source(2));
  room.leave(source(9));
  EXPECT_FALSE(room.is_full());
  EXPECT_EQ(room.held(1), 1u);
}

TEST(Room, shrinks_to_what_it_learns) {
  Room room;
  for (std::uint32_t i = 1; i <= 10; ++i) (void)room.take(source(i), 10);
  room.limit(4);
  std::uint32_t held = 0;
  for (std::uint32_t i = 1; i <= 10; ++i) held += room.take(source(i), 10) ? 1 : 0;
  EXPECT_EQ(held, 4u);
  EXPECT_EQ(room.waiting(), 6u);
  room.limit(Room::kUnlimited);
  while (room.is_full()) EXPECT_TRUE(room.take(room.take_first(), 10));
}

}  // namespace
}  // namespace edgesentry::enforce
