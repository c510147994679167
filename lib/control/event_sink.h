// Where the control thread's events go: the report dispatcher in the appliance, memory in tests.
// offer() never blocks; false means refused, and the control thread counts it and says so later.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "report/event.h"
#include "report/sink.h"

namespace edgesentry::control {

class EventSink {
 public:
  virtual ~EventSink() = default;
  [[nodiscard]] virtual bool offer(report::Event&& event) noexcept = 0;
  // Each event as the `events` command numbers it, before it is offered. Never waits.
  virtual void show(std::uint64_t /*number*/, const report::Event& /*event*/) noexcept {}
  // For `status`: how the logs behind it are. Brief; never waits for a disk.
  [[nodiscard]] virtual std::vector<report::SinkHealth> logs() const { return {}; }
};

// Any object with `bool offer(report::Event&&) noexcept`, such as report::Dispatcher.
template <class Target>
class EventSinkTo final : public EventSink {
 public:
  explicit EventSinkTo(Target& target) : target_(target) {}
  [[nodiscard]] bool offer(report::Event&& event) noexcept override {
    return target_.offer(std::move(event));
  }

 private:
  Target& target_;
};

}  // namespace edgesentry::control
