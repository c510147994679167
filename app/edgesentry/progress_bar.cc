#include "progress_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "text_table.h"

namespace edgesentry::cli {
namespace {

constexpr auto kPatience = std::chrono::milliseconds(500);
constexpr auto kPeriod = std::chrono::milliseconds(100);
constexpr std::size_t kBarColumns = 30;

}  // namespace

ProgressBar::ProgressBar(std::string label)
    : label_(printable(label)), is_wanted_(isatty(STDERR_FILENO) == 1), started_(Clock::now()) {}

ProgressBar::~ProgressBar() {
  if (is_drawn_) fmt::print(stderr, "\r\x1b[K");
}

void ProgressBar::show(std::uint64_t done, std::uint64_t in_all) {
  if (!is_wanted_ || in_all == 0) return;
  const auto now = Clock::now();
  if (now - started_ < kPatience || now - drawn_ < kPeriod) return;
  drawn_ = now;
  is_drawn_ = true;
  const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(in_all));
  const auto filled = static_cast<std::size_t>(part * kBarColumns);
  const std::chrono::duration<double> spent = now - started_;
  const double left = part > 0 ? spent.count() * (1 - part) / part : 0;
  fmt::print(stderr, "\r\x1b[K{} [{}{}] {:3.0f} %  {:.0f} s left", label_, std::string(filled, '#'),
             std::string(kBarColumns - filled, '.'), part * 100, left);
  std::fflush(stderr);
}

}  // namespace edgesentry::cli
