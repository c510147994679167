// Closes all files but those that are named, with Landlock (kernel documentation,
// userspace-api/landlock.rst). The kernel is asked what it can: Linux 6.1 of Debian 12 has ABI 2,
// which cannot hold back truncation (ABI 3), TCP ports (4) and device ioctls (5).
//
// Made before anything is given up; takes effect through Rights. Files that are open stay usable.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace edgesentry::guard {

struct OpenPlaces {
  std::vector<std::string> readable;  // files, or folders with all below; missing ones are left out
  std::vector<std::string> writable;  // the same, with making and removing files
  std::vector<std::uint16_t> listened_ports;  // TCP; connecting is closed but to these
};

// 0: this kernel has none, or it is turned off (lsm= on its command line).
[[nodiscard]] int landlock_abi();

class Landlock {
 public:
  // An error when there is none.
  static base::Result<Landlock> make(const OpenPlaces& open);
  ~Landlock();
  Landlock(Landlock&& other) noexcept;
  Landlock& operator=(Landlock&&) = delete;

  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] int abi() const noexcept { return abi_; }

 private:
  Landlock(int fd, int abi) : fd_(fd), abi_(abi) {}
  int fd_;
  int abi_;
};

}  // namespace edgesentry::guard
