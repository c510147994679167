// How far a long file is, on the terminal behind stderr; nothing at all when that is no terminal.
//
// One owner. Drawn at most ten times a second and only once half a second has passed, so that short
// files leave no flicker; the destructor wipes it off.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace edgesentry::cli {

class ProgressBar {
 public:
  explicit ProgressBar(std::string label);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  void show(std::uint64_t done, std::uint64_t in_all);

 private:
  using Clock = std::chrono::steady_clock;
  std::string label_;
  bool is_wanted_ = false;
  bool is_drawn_ = false;
  Clock::time_point started_;
  Clock::time_point drawn_;
};

}  // namespace edgesentry::cli
