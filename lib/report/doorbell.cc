#include "report/doorbell.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "base/check.h"

namespace edgesentry::report {

Doorbell::Doorbell() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  EDGESENTRY_CHECK(fd_ >= 0, "the limit of open files leaves room for an eventfd at start");
}

Doorbell::~Doorbell() {
  ::close(fd_);
}

void Doorbell::write() noexcept {
  const std::uint64_t one = 1;
  // It fails only when the count is at its maximum, and then the bell has been rung anyway.
  [[maybe_unused]] const ssize_t ignored = ::write(fd_, &one, sizeof(one));
}

void Doorbell::wait(std::chrono::milliseconds at_most) noexcept {
  pollfd bell{fd_, POLLIN, 0};
  if (::poll(&bell, 1, static_cast<int>(at_most.count())) <= 0) return;
  std::uint64_t rung = 0;
  [[maybe_unused]] const ssize_t ignored = ::read(fd_, &rung, sizeof(rung));
}

}  // namespace edgesentry::report
