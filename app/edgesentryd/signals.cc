#include "edgesentryd/signals.h"

#include <csignal>
#include <ctime>

namespace edgesentry::appliance {
namespace {

sigset_t awaited() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  return set;
}

}  // namespace

Signals::Signals() {
  const sigset_t set = awaited();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // a log reader or socket client that goes away ends nothing here
}

Wish Signals::wait(std::chrono::milliseconds limit) noexcept {
  const sigset_t set = awaited();
  const timespec timeout{.tv_sec = limit.count() / 1'000,
                         .tv_nsec = limit.count() % 1'000 * 1'000'000};
  switch (sigtimedwait(&set, nullptr, &timeout)) {
    case SIGINT:
    case SIGTERM:
      return Wish::stop;
    case SIGHUP:
      return Wish::reload;
    default:
      return Wish::none;
  }
}

}  // namespace edgesentry::appliance
