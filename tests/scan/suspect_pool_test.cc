#include "scan/suspect_pool.h"

#include <gtest/gtest.h>

#include <vector>

namespace edgesentry::scan {
namespace {

class Pool : public ::testing::Test {
 protected:
  std::uint16_t take(std::uint8_t rank, std::uint16_t contacts = 0) {
    const std::uint16_t slot = pool.claim(rank, base::seconds(10));
    if (slot == 0) return 0;
    if (pool.at(slot).in_use) pool.release(slot);
    pool.at(slot) = Suspect{};
    pool.at(slot).in_use = true;
    pool.at(slot).contact_count = contacts;
    pool.count_claimed();
    return slot;
  }

  std::vector<Suspect> records = std::vector<Suspect>(8);
  SuspectPool pool{records};
};

TEST_F(Pool, gives_every_slot_once_while_there_are_free_ones) {
  std::vector<bool> seen(9, false);
  for (int i = 0; i < 8; ++i) {
    const std::uint16_t slot = take(2);
    ASSERT_GE(slot, 1);
    ASSERT_LE(slot, 8);
    EXPECT_FALSE(seen[slot]);
    seen[slot] = true;
  }
  EXPECT_EQ(pool.in_use(), 8u);
}

TEST_F(Pool, refuses_a_newcomer_that_is_less_suspicious_than_all) {
  for (int i = 0; i < 8; ++i) take(2, 3);
  EXPECT_EQ(take(2), 0);
  EXPECT_EQ(pool.in_use(), 8u);
}

TEST_F(Pool, replaces_the_least_suspicious) {
  for (int i = 0; i < 8; ++i) take(2, 3);
  pool.at(5).contact_count = 1;
  EXPECT_EQ(take(SuspectPool::rank_of_contacts(3, 0) - 1), 5) << "all eight are looked at";
}

TEST_F(Pool, gives_back_a_decided_suspects_slot_but_not_one_that_owes_an_alert) {
  for (int i = 0; i < 8; ++i) take(2, 3);
  pool.at(3).decided = true;
  pool.at(4).decided = true;
  pool.at(4).alert_owed = true;
  EXPECT_EQ(take(38), 3);
  pool.at(3).contact_count = 3;
  pool.at(3).decided = false;
  EXPECT_EQ(take(26), 0);
}

TEST_F(Pool, gives_a_newcomer_that_has_tried_some_the_oldest_place_on_probation) {
  for (int i = 0; i < 8; ++i) take(2, 9);
  for (std::uint16_t slot = 1; slot <= 8; ++slot) pool.at(slot).last_seen = base::seconds(9);
  pool.at(7).last_seen = base::seconds(8);
  pool.at(1).last_seen = base::seconds(1);
  EXPECT_EQ(take(26), 0) << "two contacts are little";
  EXPECT_EQ(take(39), 7) << "slots 7 and 8 are the probation of eight";
  pool.at(7).alert_owed = pool.at(8).alert_owed = true;
  EXPECT_EQ(take(39), 0) << "an alert that control has not seen is never lost";
}

TEST_F(Pool, holds_less_against_a_source_the_longer_it_is_quiet) {
  for (int i = 0; i < 8; ++i) take(2, 9);
  pool.at(2).last_seen = base::seconds(0);
  const base::Micros later{base::seconds(10).value + SuspectPool::kHalfLife.value};
  for (std::uint16_t slot = 1; slot <= 8; ++slot)
    if (slot != 2) pool.at(slot).last_seen = later;
  EXPECT_EQ(pool.claim(26, base::seconds(10)), 0) << "117 is above 26";
  EXPECT_EQ(pool.claim(60, later), 2) << "half of 117 is not above 60";
}

}  // namespace
}  // namespace edgesentry::scan
