// What is wrong with the appliance at this moment, in one place: each condition begins, is said and
// counted once, and ends, said once, when it has not been seen for a while (hysteresis), so that
// one that comes and goes fills no log.
//
// look(), began(): one thread, main, which sees them all in counters. The rest: any thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/counter.h"
#include "base/units.h"

namespace edgesentry::control {

enum class Condition : std::uint8_t {
  table_full,
  ring_full,
  no_buffers,
  rules_full,
  control_stalled,
  worker_stalled,
  disk_full,
  clock_step,
  link_down,
  filter_down,
};
inline constexpr std::array<std::string_view, 10> kConditionNames = {
    "table_full",     "ring_full", "no_buffers", "rules_full", "control_stalled",
    "worker_stalled", "disk_full", "clock_step", "link_down",  "filter_down"};

// How long a condition must not have been seen to be over.
[[nodiscard]] base::Micros quiet_time_of(Condition condition) noexcept;

class Conditions {
 public:
  using Say = std::function<void(const std::string& sentence)>;
  // For each condition the word of what was chosen to be done.
  using Actions = std::array<std::string_view, kConditionNames.size()>;

  Conditions(const Actions& actions, Say say);

  // `what` says what was seen, and where: "worker 1 stands still".
  void look(Condition condition, bool is_seen, std::string_view what, base::Micros now);
  // Since when; meaningful while active.
  [[nodiscard]] base::Micros began(Condition condition) const noexcept {
    return states_[index(condition)].began;
  }

  [[nodiscard]] bool is_active(Condition condition) const noexcept {
    return counters_[index(condition)].active.value() != 0;
  }
  [[nodiscard]] std::uint64_t total(Condition condition) const noexcept {
    return counters_[index(condition)].total.value();
  }
  [[nodiscard]] std::string_view action(Condition condition) const noexcept {
    return actions_[index(condition)];
  }

  struct View {
    std::string_view name, action;
    bool is_active = false;
    std::uint64_t total = 0;
    std::string what;    // what was seen last; empty: never anything
    base::Micros began;  // the last time
  };
  [[nodiscard]] std::vector<View> view() const;

 private:
  static constexpr std::size_t index(Condition condition) noexcept {
    return static_cast<std::size_t>(condition);
  }
  struct Counters {
    base::Counter active, total;
  };
  struct State {
    std::string what;
    base::Micros began, seen;
  };

  const Actions actions_;
  const Say say_;
  alignas(base::kCacheLine) std::array<Counters, kConditionNames.size()> counters_;
  mutable std::mutex mutex_;  // for what view() reads of states_
  std::array<State, kConditionNames.size()> states_;
};

}  // namespace edgesentry::control
