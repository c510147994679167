// At most so many events per second and sink; the rest is coalesced by kind into summaries that say
// how many events they stand for. Pure: the time is an argument. Owner: one sink.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include "report/event.h"

namespace edgesentry::report {

using SteadyTime = std::chrono::steady_clock::time_point;

class LineLimiter {
 public:
  explicit LineLimiter(std::uint32_t per_second_max)
      : per_second_max_(per_second_max) {}  // 0: none

  enum class Answer : std::uint8_t {
    write,
    kept,       // the first of its kind that must wait for the summary
    coalesced,  // there is one waiting already: the summary shows the newer one and counts both
  };
  // The appliance's own events are always written.
  [[nodiscard]] Answer ask(const Event& event, SteadyTime now);

  // The newest coalesced event of each kind, with stands_for set, once their second is over.
  [[nodiscard]] std::vector<Event> due(SteadyTime now);
  [[nodiscard]] std::vector<Event> rest();  // the same without waiting for the second to end
  [[nodiscard]] std::uint32_t waiting() const noexcept { return kinds_waiting_; }

 private:
  void roll(SteadyTime now);

  std::uint32_t per_second_max_;
  std::uint32_t admitted_ = 0;  // in the current second
  SteadyTime second_start_{};
  struct Coalesced {
    Event newest;
    std::uint32_t count = 0;
  };
  // One slot per action and whether the source is on the allow list.
  std::array<Coalesced, 16> coalesced_;
  std::uint32_t kinds_waiting_ = 0;
  SteadyTime oldest_waiting_{};
};

}  // namespace edgesentry::report
