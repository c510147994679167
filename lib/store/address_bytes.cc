#include "store/address_bytes.h"

#include <algorithm>

namespace edgesentry::store {

bool read_address(std::span<const std::uint8_t> bytes, base::Ip& ip) noexcept {
  if (bytes.size() == 4) {
    ip = base::Ip::v4(std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
                      std::uint32_t{bytes[2]} << 8 | bytes[3]);
    return true;
  }
  if (bytes.size() != 16) return false;
  std::array<std::uint8_t, 16> whole;
  std::ranges::copy(bytes, whole.begin());
  ip = base::Ip::from_bytes(whole);
  return !ip.is_v4();
}

}  // namespace edgesentry::store
