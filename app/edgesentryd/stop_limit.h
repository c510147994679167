// Bounds the stop: when it takes longer than it may, or a second SIGTERM or SIGINT comes, the
// process ends by force and says what it has left undone. An enforcer or a disk that hangs keeps
// nobody's wire cut.
//
// Made by main when it begins to stop; its thread then takes the signals.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string_view>
#include <thread>

namespace edgesentry::appliance {

class StopLimit {
 public:
  using Say = std::function<void(std::string_view)>;

  StopLimit(std::chrono::milliseconds limit, Say say);
  ~StopLimit();  // everything was done in time
  StopLimit(const StopLimit&) = delete;
  StopLimit& operator=(const StopLimit&) = delete;

  // What is begun now, and what it means when it is not done. A string literal.
  void step(const char* what) noexcept { step_.store(what, std::memory_order_relaxed); }

 private:
  void run(std::chrono::milliseconds limit);

  const Say say_;
  std::atomic<const char*> step_{"nothing"};
  std::atomic<bool> is_done_{false};
  std::thread thread_;
};

}  // namespace edgesentry::appliance
