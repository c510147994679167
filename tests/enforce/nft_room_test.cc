// What has no room waits, and is let in as blocks end.
#include "nft_rig.h"

namespace edgesentry::enforce {
namespace {

using NftRoomTest = NftEnforcerTest;

TEST_F(NftRoomTest, lets_wait_what_the_other_end_has_no_room_for_and_says_it_once) {
  link_.room = 100;
  for (std::uint32_t n = 0; n < 150; ++n) block(n);
  run(base::seconds(3));
  EXPECT_EQ(link_.kernel.size(), 100u);
  EXPECT_EQ(enforcer_.health().waiting, 50u);
  EXPECT_EQ(enforcer_.health().programmed, 100u);
  EXPECT_TRUE(enforcer_.health().is_in_force);
  run(base::seconds(200));  // it is found out anew whether there is more room
  EXPECT_GE(enforcer_.health().failures, 2u);
  EXPECT_EQ(enforcer_.health().waiting, 50u);
  ASSERT_EQ(said_.size(), 1u);
  EXPECT_NE(said_[0].find("waits"), std::string::npos);
}

TEST_F(NftRoomTest, lets_in_who_waits_as_blocks_end_and_says_when_there_is_room_again) {
  link_.room = 100;
  for (std::uint32_t n = 0; n < 150; ++n) block(n);
  run(base::seconds(3));
  std::set<base::Ip> left;
  for (std::uint32_t n = 0; n < 60; ++n) lift(n);
  for (std::uint32_t n = 60; n < 150; ++n) left.insert(attacker(n));
  run(base::seconds(2));
  EXPECT_EQ(in_kernel(), left);
  EXPECT_EQ(enforcer_.health().waiting, 0u);
  run(base::seconds(70));
  EXPECT_EQ(in_kernel(), left);
  ASSERT_EQ(said_.size(), 2u);
  EXPECT_NE(said_[1].find("room for every block again"), std::string::npos);
}

}  // namespace
}  // namespace edgesentry::enforce
