// A sink that keeps events, and refuses when told to or when it is full.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "control/event_sink.h"

namespace edgesentry::test {

class MemorySink final : public control::EventSink {
 public:
  [[nodiscard]] bool offer(report::Event&& event) noexcept override {
    if (events.size() >= room) return false;
    events.push_back(std::move(event));
    return true;
  }
  [[nodiscard]] std::size_t count(report::Action action) const {
    return static_cast<std::size_t>(
        std::count_if(events.begin(), events.end(),
                      [&](const report::Event& event) { return event.action == action; }));
  }
  // The last one of a kind; nullptr when there is none.
  [[nodiscard]] const report::Event* last(report::Action action) const {
    const auto at = std::find_if(events.rbegin(), events.rend(), [&](const report::Event& event) {
      return event.action == action;
    });
    return at == events.rend() ? nullptr : &*at;
  }

  std::vector<report::Event> events;
  std::size_t room = ~std::size_t{0};
};

}  // namespace edgesentry::test
