// SIGINT and SIGTERM stop, SIGHUP reloads: blocked in every thread, taken synchronously by main.
// Made before the first thread starts, because threads inherit the mask.
#pragma once

#include <chrono>

namespace edgesentry::appliance {

enum class Wish { none, stop, reload };

class Signals {
 public:
  Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // The next signal, or `none` when the time is over.
  [[nodiscard]] Wish wait(std::chrono::milliseconds limit) noexcept;
};

}  // namespace edgesentry::appliance
