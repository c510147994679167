// A set of the 65,536 ports: watched ports, services. 8 KiB, one bit each; immutable once shared.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace edgesentry::base {

class PortSet {
 public:
  // "1-1813,3389": numbers and inclusive ranges, blanks around items allowed, "" is the empty set.
  // The error names the offending item.
  static Result<PortSet> parse(std::string_view text);

  void insert(std::uint16_t port) noexcept { words_[port >> 6] |= std::uint64_t{1} << (port & 63); }
  void insert_range(std::uint16_t first, std::uint16_t last) noexcept;
  [[nodiscard]] bool contains(std::uint16_t port) const noexcept {
    return (words_[port >> 6] >> (port & 63)) & 1;
  }
  [[nodiscard]] std::uint32_t size() const noexcept;
  [[nodiscard]] std::string to_string() const;  // "1-1813,3389"
  friend bool operator==(const PortSet&, const PortSet&) = default;

 private:
  std::array<std::uint64_t, 1024> words_{};
};

}  // namespace edgesentry::base
