// A clock that only tests turn: both axes move together, unless the wall clock is set.
#pragma once

#include "control/clock.h"

namespace edgesentry::test {

class ManualClock final : public control::Clock {
 public:
  [[nodiscard]] base::Micros monotonic() const noexcept override { return now_; }
  [[nodiscard]] control::WallTime wall() const noexcept override {
    return control::WallTime{} + std::chrono::hours(24 * 365 * 55) +
           std::chrono::microseconds(static_cast<std::int64_t>(now_.value)) + set_by_;
  }
  void advance(std::chrono::microseconds by) {
    now_.value += static_cast<std::uint64_t>(by.count());
  }
  void set_wall(std::chrono::microseconds by) { set_by_ += by; }

 private:
  std::chrono::microseconds set_by_{0};
  base::Micros now_ = base::seconds(1000);
};

}  // namespace edgesentry::test
