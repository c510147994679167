// The last events, for the `events` command: a ring of fixed size that overwrites the oldest. Each
// has a number that never comes again, so that a reader can ask for what is new.
// Owner: the control thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "report/event.h"

namespace edgesentry::control {

class RecentEvents {
 public:
  explicit RecentEvents(std::size_t capacity) : events_(capacity) {}

  void add(const report::Event& event) { events_[added_++ % events_.size()] = event; }

  // Events are numbered from 0 in order of arrival; those before first() have been overwritten.
  [[nodiscard]] std::uint64_t first() const noexcept {
    return added_ - std::min<std::uint64_t>(added_, events_.size());
  }
  [[nodiscard]] std::uint64_t end() const noexcept { return added_; }
  [[nodiscard]] const report::Event& at(std::uint64_t number) const noexcept {
    return events_[number % events_.size()];
  }

 private:
  std::vector<report::Event> events_;
  std::uint64_t added_ = 0;
};

}  // namespace edgesentry::control
