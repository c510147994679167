// A clock that only tests turn: both axes move together.
#pragma once

#include "control/clock.h"

namespace edgesentry::test {

class ManualClock final : public control::Clock {
 public:
  [[nodiscard]] base::Micros monotonic() const noexcept override { return now_; }
  [[nodiscard]] control::WallTime wall() const noexcept override {
    return control::WallTime{} + std::chrono::hours(24 * 365 * 55) +
           std::chrono::microseconds(static_cast<std::int64_t>(now_.value));
  }
  void advance(std::chrono::microseconds by) {
    now_.value += static_cast<std::uint64_t>(by.count());
  }

 private:
  base::Micros now_ = base::seconds(1000);
};

}  // namespace edgesentry::test
