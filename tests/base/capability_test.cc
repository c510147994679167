#include "base/capability.h"

#include <gtest/gtest.h>
#include <linux/capability.h>

namespace edgesentry::base {
namespace {

TEST(Capability, is_found_by_both_spellings_of_its_name) {
  EXPECT_EQ(capability_number("CAP_NET_RAW"), CAP_NET_RAW);
  EXPECT_EQ(capability_number("net_raw"), CAP_NET_RAW);
  for (const char* wrong : {"", "CAP_", "CAP_BOGUS", "NET_RAW ", "CAP_CAP_NET_RAW"})
    EXPECT_FALSE(capability_number(wrong)) << wrong;
}

TEST(Capability, is_named_by_its_number) {
  EXPECT_EQ(capability_name(CAP_CHOWN), "CAP_CHOWN");
  EXPECT_EQ(capability_name(CAP_CHECKPOINT_RESTORE), "CAP_CHECKPOINT_RESTORE");
  EXPECT_EQ(capability_name(-1), "");
  EXPECT_EQ(capability_name(63), "");
}

}  // namespace
}  // namespace edgesentry::base
