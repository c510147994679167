#include "enforce/claim.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <thread>

namespace edgesentry::enforce {

Claim::Claim(std::string_view name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // Abstract: the first byte is zero.
  const std::size_t length = std::min(name.size(), sizeof address.sun_path - 1);
  std::copy_n(name.begin(), length, address.sun_path + 1);
  fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
  if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size) == 0) return;
  ::close(fd_);
  fd_ = -1;
}

Claim::~Claim() {
  if (fd_ >= 0) ::close(fd_);
}

std::string table_claim(std::string_view family) {
  return fmt::format("edgesentry/table/{}", family);
}

std::string program_claim(unsigned number) {
  return fmt::format("edgesentry/xdp/{}", number);
}

bool is_claimed(std::string_view name, std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds kPause{20};
  for (std::chrono::milliseconds waited{0};; waited += kPause) {
    if (Claim(name).is_held()) return false;
    if (waited >= patience) return true;
    std::this_thread::sleep_for(kPause);
  }
}

}  // namespace edgesentry::enforce
