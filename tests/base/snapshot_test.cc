// Published values: what readers see, and when an old value is freed. One thread in all roles; the
// stress suite runs the same with real ones.
#include "base/snapshot.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace edgesentry::base {
namespace {

// Notes its version in the list when it dies.
class Policy {
 public:
  Policy(int version, std::vector<int>& freed) : version_(version), freed_(freed) {}
  ~Policy() { freed_.push_back(version_); }
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;
  [[nodiscard]] int version() const { return version_; }

 private:
  int version_;
  std::vector<int>& freed_;
};

class PublishedTest : public testing::Test {
 protected:
  std::unique_ptr<const Policy> make(int version) {
    return std::make_unique<const Policy>(version, freed_);
  }
  std::vector<int> freed_;
  std::unique_ptr<Published<Policy>> published_ = std::make_unique<Published<Policy>>(2, make(1));
};

TEST_F(PublishedTest, shows_the_new_value_at_once) {
  published_->join(0);
  EXPECT_EQ(published_->read().version(), 1);
  published_->publish(make(2));
  EXPECT_EQ(published_->read().version(), 2);
  EXPECT_EQ(published_->current().version(), 2);
  published_->leave(0);
}

TEST_F(PublishedTest, keeps_a_value_until_every_reader_was_quiescent) {
  published_->join(0);
  published_->join(1);
  const Policy& held = published_->read();
  published_->publish(make(2));
  EXPECT_EQ(published_->reclaim(), 1u);
  published_->quiescent(0);
  EXPECT_EQ(published_->reclaim(), 1u);
  EXPECT_EQ(held.version(), 1);
  EXPECT_TRUE(freed_.empty());
  published_->quiescent(1);
  EXPECT_EQ(published_->reclaim(), 0u);
  EXPECT_EQ(freed_, std::vector<int>{1});
}

TEST_F(PublishedTest, frees_in_the_order_of_publishing) {
  published_->join(0);
  for (int version = 2; version <= 5; ++version) published_->publish(make(version));
  EXPECT_EQ(published_->reclaim(), 4u);
  published_->quiescent(0);
  EXPECT_EQ(published_->reclaim(), 0u);
  EXPECT_EQ(freed_, (std::vector<int>{1, 2, 3, 4}));
}

TEST_F(PublishedTest, a_quiescent_state_before_publishing_frees_nothing) {
  published_->join(0);
  published_->quiescent(0);
  published_->publish(make(2));
  EXPECT_EQ(published_->reclaim(), 1u);
  published_->quiescent(0);
  EXPECT_EQ(published_->reclaim(), 0u);
}

TEST_F(PublishedTest, waits_for_nobody_when_nobody_reads) {
  published_->publish(make(2));
  EXPECT_EQ(freed_, std::vector<int>{1});
}

TEST_F(PublishedTest, does_not_wait_for_a_reader_that_sleeps_or_left) {
  published_->join(0);
  published_->join(1);
  published_->offline(0);
  published_->leave(1);
  published_->publish(make(2));
  EXPECT_EQ(freed_, std::vector<int>{1});

  published_->online(0);
  EXPECT_EQ(published_->read().version(), 2);
  published_->publish(make(3));
  EXPECT_EQ(published_->reclaim(), 1u);
  published_->quiescent(0);
  EXPECT_EQ(published_->reclaim(), 0u);
  EXPECT_EQ(freed_, (std::vector<int>{1, 2}));
}

TEST_F(PublishedTest, frees_everything_once_when_it_ends) {
  published_->join(0);
  published_->publish(make(2));
  published_->publish(make(3));
  published_->leave(0);
  published_.reset();
  std::sort(freed_.begin(), freed_.end());
  EXPECT_EQ(freed_, (std::vector<int>{1, 2, 3}));
}

TEST(PublishedDeathTest, has_at_least_one_reader) {
  EXPECT_DEATH(Published<int>(0, std::make_unique<const int>(1)), "at least one reader");
}

}  // namespace
}  // namespace edgesentry::base
