#include "scan/sequential_test.h"

#include <gtest/gtest.h>

#include <cmath>

namespace edgesentry::scan {
namespace {

constexpr SequentialTest test_of(double alpha, double beta, double theta0, double theta1) {
  return sequential_test({alpha, beta, theta0, theta1});
}

TEST(SequentialTest, decides_as_its_authors_say) {
  // Jung, Paxson, Berger, Balakrishnan 2004, section 5: ln 99 over ln 4.
  constexpr SequentialTest paper = test_of(0.01, 0.99, 0.8, 0.2);
  static_assert(paper.straight_failures() == 4);
  EXPECT_EQ(paper.failure, paper.success);
  EXPECT_EQ(test_of(1e-5, 0.99, 0.8, 0.2).straight_failures(), 9);
  EXPECT_EQ(test_of(1e-5, 0.99, 0.9, 0.1).straight_failures(), 6);
  // Schechter, Jung, Berger 2004, section 5: successes weigh more than failures.
  constexpr SequentialTest schechter = test_of(5e-5, 0.99, 0.7, 0.1);
  EXPECT_EQ(schechter.straight_failures(), 10);
  EXPECT_EQ(schechter.failure, std::lround(1024 * std::log(3.0)));
  EXPECT_EQ(schechter.success, std::lround(1024 * std::log(7.0)));
}

TEST(SequentialTest, defaults_are_five_failures_of_equal_weight) {
  constexpr SequentialTest test = sequential_test({});
  static_assert(test.straight_failures() == 5);
  EXPECT_EQ(test.failure, test.success);
  EXPECT_GE(5 * test.failure, test.threshold);
  EXPECT_LT(4 * test.failure, test.threshold);
}

TEST(SequentialTest, five_failures_stand_for_a_range_of_probabilities) {
  // 0.99 / 4^5 and 0.99 / 4^4.
  EXPECT_EQ(test_of(0.001, 0.99, 0.8, 0.2).straight_failures(), 5);
  EXPECT_EQ(test_of(0.0038, 0.99, 0.8, 0.2).straight_failures(), 5);
  EXPECT_EQ(test_of(0.0009, 0.99, 0.8, 0.2).straight_failures(), 6);
  EXPECT_EQ(test_of(0.004, 0.99, 0.8, 0.2).straight_failures(), 4);
}

TEST(SequentialTest, steps_fit_for_the_most_extreme_probabilities) {
  const SequentialTest far = test_of(1e-9, 1 - 1e-9, 1 - 1e-9, 1e-9);
  EXPECT_EQ(far.straight_failures(), 1);
  EXPECT_LT(far.threshold, 1 << 17);
  EXPECT_LT(far.success, 1 << 17);
  const SequentialTest near = test_of(0.499999999, 0.5, 0.5, 0.499999999);
  EXPECT_EQ(near.failure, 1);
  EXPECT_EQ(near.threshold, 1);
}

TEST(SequentialTest, wants_probabilities_that_differ_the_right_way) {
  EXPECT_TRUE(is_possible({}));
  EXPECT_FALSE(is_possible({.false_positive = 0}));
  EXPECT_FALSE(is_possible({.detection = 1}));
  EXPECT_FALSE(is_possible({.false_positive = 0.99, .detection = 0.99}));
  EXPECT_FALSE(is_possible({.benign_success = 0.2, .scanner_success = 0.2}));
  EXPECT_FALSE(is_possible({.benign_success = std::nan("")}));
}

TEST(NaturalLog, agrees_with_the_library) {
  static_assert(natural_log(1) == 0);
  for (double x = 1e-9; x < 2e9; x *= 1.37) EXPECT_NEAR(natural_log(x), std::log(x), 1e-12) << x;
}

}  // namespace
}  // namespace edgesentry::scan
