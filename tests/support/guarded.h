// Memory that ends exactly where the bytes end: the next page is not readable, so a read of one
// byte too many kills the test, with or without a sanitizer.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/check.h"

namespace edgesentry::test {

class Guarded {
 public:
  explicit Guarded(std::size_t bytes_max = 1u << 16) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    usable_ = (bytes_max + page - 1) / page * page;
    void* at =
        mmap(nullptr, usable_ + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EDGESENTRY_CHECK(at != MAP_FAILED, "a test needs a few pages");
    begin_ = static_cast<std::uint8_t*>(at);
    mapped_ = usable_ + page;
    EDGESENTRY_CHECK(mprotect(begin_ + usable_, page, PROT_NONE) == 0, "guard the last page");
  }
  ~Guarded() { munmap(begin_, mapped_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;

  // The bytes, copied to the end of the readable memory; valid until the next call.
  [[nodiscard]] std::span<const std::uint8_t> hold(std::span<const std::uint8_t> bytes) {
    EDGESENTRY_CHECK(bytes.size() <= usable_, "bytes fit the guarded memory");
    std::uint8_t* at = begin_ + usable_ - bytes.size();
    if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
    return {at, bytes.size()};
  }

 private:
  std::uint8_t* begin_ = nullptr;
  std::size_t usable_ = 0;
  std::size_t mapped_ = 0;
};

}  // namespace edgesentry::test
