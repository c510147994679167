// Wald's sequential probability ratio test on outcomes, from the probabilities that an operator can
// state to integer steps that the packet path adds. Threshold Random Walk (Jung, Paxson, Berger,
// Balakrishnan 2004, section 4): a failure multiplies the likelihood ratio of scanner to benign by
// (1 - theta1) / (1 - theta0), a success by theta1 / theta0, and a source is a scanner when the
// ratio is at least detection / false_positive.
//
// Pure and constant-evaluable; doubles only while steps are worked out, off the packet path.
// Wrong input is the caller's to refuse (config/validate_detection.cc): see is_possible().
#pragma once

#include <cstdint>

namespace edgesentry::scan {

struct SequentialOdds {
  double false_positive = 1e-3;  // alpha: a benign source is taken for a scanner
  double detection = 0.99;       // beta: a scanner is taken for one
  double benign_success = 0.8;   // theta0: an attempt of a benign source succeeds
  double scanner_success = 0.2;  // theta1: one of a scanner does
};

// The natural logarithm; std::log is no constant expression before C++26.
[[nodiscard]] constexpr double natural_log(double x) noexcept {
  constexpr double kLn2 = 0.693147180559945309417;
  int halvings = 0;
  for (; x > 1.5; x /= 2) ++halvings;
  for (; x < 0.75; x *= 2) --halvings;
  // ln x = 2 artanh((x - 1) / (x + 1)); the argument is at most 1/5, so 12 terms are exact.
  const double y = (x - 1) / (x + 1);
  double power = y, sum = 0;
  for (int n = 1; n < 24; n += 2, power *= y * y) sum += power / n;
  return halvings * kLn2 + 2 * sum;
}

// The test in integers; a nat of log-likelihood is kScale.
struct SequentialTest {
  static constexpr std::int32_t kScale = 1024;

  std::int32_t failure = 0;    // a failed attempt adds it
  std::int32_t success = 0;    // a success takes it off
  std::int32_t threshold = 0;  // a source with as much is a scanner

  // So many failures in a row, and nothing else, decide.
  [[nodiscard]] constexpr std::int32_t straight_failures() const noexcept {
    return (threshold + failure - 1) / failure;
  }
  friend constexpr bool operator==(const SequentialTest&, const SequentialTest&) = default;
};

[[nodiscard]] constexpr bool is_possible(const SequentialOdds& odds) noexcept {
  const auto is_open = [](double p) { return p > 0 && p < 1; };
  return is_open(odds.false_positive) && is_open(odds.detection) && is_open(odds.benign_success) &&
         is_open(odds.scanner_success) && odds.false_positive < odds.detection &&
         odds.scanner_success < odds.benign_success;
}

// Rounded to the nearest; no step is below 1. Threshold and steps stay below 2^17 for odds from
// 1e-9 to 1 - 1e-9, so a score of thousands of steps fits 32 bits.
[[nodiscard]] constexpr SequentialTest sequential_test(const SequentialOdds& odds) noexcept {
  const auto steps = [](double ratio) {
    const double scaled = SequentialTest::kScale * natural_log(ratio);
    return scaled < 1 ? 1 : static_cast<std::int32_t>(scaled + 0.5);
  };
  return {.failure = steps((1 - odds.scanner_success) / (1 - odds.benign_success)),
          .success = steps(odds.benign_success / odds.scanner_success),
          .threshold = steps(odds.detection / odds.false_positive)};
}

}  // namespace edgesentry::scan
