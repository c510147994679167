#include "edgesentryd/stop_limit.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "edgesentryd/command_line.h"

namespace edgesentry::appliance {

StopLimit::StopLimit(std::chrono::milliseconds limit, Say say)
    : say_(std::move(say)), thread_([this, limit] { run(limit); }) {}

StopLimit::~StopLimit() {
  is_done_.store(true, std::memory_order_release);
  ::pthread_kill(thread_.native_handle(), SIGTERM);  // blocked, and taken in run()
  thread_.join();
}

void StopLimit::run(std::chrono::milliseconds limit) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM}) sigaddset(&set, signal);
  const auto until = std::chrono::steady_clock::now() + limit;
  int got = 0;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                          until - std::chrono::steady_clock::now())
                          .count();
    if (left <= 0) break;
    const timespec timeout{.tv_sec = left / 1'000, .tv_nsec = left % 1'000 * 1'000'000};
    got = ::sigtimedwait(&set, nullptr, &timeout);
    if (got == SIGINT || got == SIGTERM) break;
  }
  if (is_done_.load(std::memory_order_acquire)) return;
  say_(fmt::format("ends by force, {}; what is left undone: {}",
                   got > 0 ? "asked a second time"
                           : "for the stop took too long (failure."
                             "stop_within)",
                   step_.load(std::memory_order_relaxed)));
  std::_Exit(kExitFailure);
}

}  // namespace edgesentry::appliance
