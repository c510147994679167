// What a sweep tells, and by which mark a running program is told from an earlier one.
#include "enforce/leftover.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <optional>

#include "enforce/claim.h"

namespace edgesentry::enforce {
namespace {

constexpr std::chrono::seconds kLimit{10};

class LeftoverTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends_.data()), 0);
  }
  void TearDown() override {
    ::close(ends_[0]);
    hang_up();
  }
  void hang_up() {
    if (ends_[1] >= 0) ::close(ends_[1]);
    ends_[1] = -1;
  }
  std::array<int, 2> ends_{-1, -1};
};

TEST_F(LeftoverTest, arrives_as_it_was_told) {
  ASSERT_TRUE(tell_leftover(ends_[1], {Leftover::Kind::removed, "a table"}).ok());
  ASSERT_TRUE(tell_leftover(ends_[1], {Leftover::Kind::left, std::string(100'000, 'x')}).ok());
  ASSERT_TRUE(tell_leftover(ends_[1], {}).ok());
  const auto all = collect_leftovers(ends_[0], kLimit);
  ASSERT_TRUE(all.ok());
  ASSERT_EQ(all.value().size(), 2u);
  EXPECT_EQ(all.value()[0].kind, Leftover::Kind::removed);
  EXPECT_EQ(all.value()[0].text, "a table");
  EXPECT_EQ(all.value()[1].kind, Leftover::Kind::left);
  EXPECT_EQ(all.value()[1].text, std::string(2048, 'x'));
}

TEST_F(LeftoverTest, is_unknown_where_a_sweep_ends_early) {
  ASSERT_TRUE(tell_leftover(ends_[1], {Leftover::Kind::removed, "a table"}).ok());
  hang_up();
  EXPECT_FALSE(collect_leftovers(ends_[0], kLimit).ok());
}

TEST_F(LeftoverTest, is_unknown_where_a_sweep_hangs_or_answers_nonsense) {
  EXPECT_FALSE(collect_leftovers(ends_[0], std::chrono::milliseconds(20)).ok());
  ASSERT_EQ(::send(ends_[1], "?", 1, 0), 1);
  EXPECT_FALSE(collect_leftovers(ends_[0], kLimit).ok());
}

TEST(Claim, is_held_by_one_until_it_ends) {
  const std::string name = "edgesentry/test/" + std::to_string(::getpid());
  EXPECT_FALSE(is_claimed(name, std::chrono::milliseconds(0)));
  std::optional<Claim> claim{name};
  ASSERT_TRUE(claim->is_held());
  EXPECT_TRUE(is_claimed(name, std::chrono::milliseconds(0)));
  EXPECT_FALSE(is_claimed(name + "0", std::chrono::milliseconds(0)));
  EXPECT_FALSE(Claim(name).is_held());
  claim.reset();
  EXPECT_FALSE(is_claimed(name, std::chrono::milliseconds(0)));
}

}  // namespace
}  // namespace edgesentry::enforce
