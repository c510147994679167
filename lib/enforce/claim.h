// A mark that what stands in the kernel is kept by a running program: an abstract unix socket of
// that name, which is of this network namespace as tables and interfaces are, and which the kernel
// takes away with the process, however it ends.
//
// One owner. Anybody on the machine can take a name: one that is held is a reason to leave things
// alone, never to touch them.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace edgesentry::enforce {

class Claim {
 public:
  Claim() = default;
  // Without effect where another process holds it: what two programs keep is told by others.
  explicit Claim(std::string_view name);
  ~Claim();
  Claim(Claim&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Claim& operator=(Claim&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  [[nodiscard]] bool is_held() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

[[nodiscard]] std::string table_claim(std::string_view family);
[[nodiscard]] std::string program_claim(unsigned number);

// Whether another process holds it, and does not let go within the time: one whose edgesentryd was
// killed ends at once.
[[nodiscard]] bool is_claimed(std::string_view name, std::chrono::milliseconds patience);

}  // namespace edgesentry::enforce
