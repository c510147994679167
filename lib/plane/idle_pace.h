// How a worker behaves when nothing comes: poll on, then poll gently, then sleep a little longer
// each time. The first packet brings it back to full speed. Pure; owned by one worker.
//
// The longest sleep bounds the added latency and must be short against what a queue can hold: 2,048
// descriptors last 250 us at 8 Mpps. About a millisecond of silence passes before the first sleep.
#pragma once

#include <algorithm>
#include <cstdint>

#include "config/config.h"

namespace edgesentry::plane {

class IdlePace {
 public:
  static constexpr std::uint32_t kSpinRounds = 512;    // some 50 us of plain polling
  static constexpr std::uint32_t kPauseRounds = 2048;  // some 800 us with pauses in between
  static constexpr std::uint32_t kPausesPerRound = 16;
  static constexpr std::uint32_t kSleepMinMicros = 16;
  static constexpr std::uint32_t kSleepMaxMicros = 256;

  struct Step {
    std::uint32_t pauses = 0;
    std::uint32_t sleep_micros = 0;
  };

  explicit IdlePace(config::Idle idle) noexcept : may_rest_(idle == config::Idle::adaptive) {}

  void worked() noexcept {
    empty_rounds_ = 0;
    sleep_micros_ = kSleepMinMicros;
  }
  // What to do after one more round without work.
  [[nodiscard]] Step next() noexcept {
    if (!may_rest_ || empty_rounds_ < kSpinRounds) {
      ++empty_rounds_;
      return {};
    }
    if (empty_rounds_ < kSpinRounds + kPauseRounds) {
      ++empty_rounds_;
      return {.pauses = kPausesPerRound};
    }
    const std::uint32_t now = sleep_micros_;
    sleep_micros_ = std::min(sleep_micros_ * 2, kSleepMaxMicros);
    return {.sleep_micros = now};
  }

 private:
  bool may_rest_;
  std::uint32_t empty_rounds_ = 0;
  std::uint32_t sleep_micros_ = kSleepMinMicros;
};

}  // namespace edgesentry::plane
