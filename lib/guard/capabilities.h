// A set of Linux capabilities (capabilities(7)), by number and by name. Plain value; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace edgesentry::guard {

class Capabilities {
 public:
  constexpr Capabilities() = default;
  explicit constexpr Capabilities(std::uint64_t bits) : bits_(bits) {}

  constexpr void add(int number) noexcept { bits_ |= std::uint64_t{1} << number; }
  constexpr void add(Capabilities other) noexcept { bits_ |= other.bits_; }
  [[nodiscard]] constexpr bool has(int number) const noexcept { return (bits_ >> number & 1) != 0; }
  [[nodiscard]] constexpr std::uint64_t bits() const noexcept { return bits_; }
  [[nodiscard]] int count() const noexcept { return __builtin_popcountll(bits_); }
  // "CAP_NET_ADMIN CAP_NET_RAW"; "none".
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(Capabilities, Capabilities) = default;

 private:
  std::uint64_t bits_ = 0;
};

// "CAP_NET_RAW", "net_raw".
[[nodiscard]] std::optional<int> capability_number(std::string_view name);

// What the calling thread may use now, and what it could take up again.
[[nodiscard]] Capabilities effective_capabilities();
[[nodiscard]] Capabilities permitted_capabilities();

}  // namespace edgesentry::guard
