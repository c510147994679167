// An address as it stands in a row: 4 bytes, or 16. Private to store.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/ip.h"

namespace edgesentry::store {

class AddressBytes {
 public:
  explicit AddressBytes(const base::Ip& ip) noexcept
      : bytes_(ip.bytes()), skipped_(ip.is_v4() ? 12 : 0) {}
  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept {
    return std::span(bytes_).subspan(skipped_);
  }

 private:
  std::array<std::uint8_t, 16> bytes_;
  std::size_t skipped_;
};

// The file is input like any other: false when these are no address.
[[nodiscard]] bool read_address(std::span<const std::uint8_t> bytes, base::Ip& ip) noexcept;

}  // namespace edgesentry::store
