// Integers in network byte order, for structs laid over packet bytes.
//
// There is no conversion to or from a bare integer, so a forgotten byte swap does not compile: ask
// value(), or construct explicitly. Held as bytes, so alignment is 1 and a struct of them needs no
// packing attribute and may stand at any address. Compilers turn value() into one load and a bswap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace edgesentry::base {

template <class T>
class Be {
  static_assert(std::is_unsigned_v<T> && sizeof(T) > 1, "network order is for unsigned words");

 public:
  constexpr Be() = default;
  constexpr explicit Be(T host_order) noexcept {
    for (std::size_t i = 0; i < sizeof(T); ++i)
      bytes_[i] = static_cast<std::uint8_t>(host_order >> (8 * (sizeof(T) - 1 - i)));
  }

  [[nodiscard]] constexpr T value() const noexcept {
    T host_order = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      host_order = static_cast<T>(host_order | T{bytes_[i]} << (8 * (sizeof(T) - 1 - i)));
    return host_order;
  }

  friend constexpr bool operator==(const Be&, const Be&) = default;

 private:
  std::uint8_t bytes_[sizeof(T)]{};
};

using Be16 = Be<std::uint16_t>;
using Be32 = Be<std::uint32_t>;
using Be64 = Be<std::uint64_t>;

static_assert(sizeof(Be16) == 2 && alignof(Be16) == 1);
static_assert(sizeof(Be32) == 4 && alignof(Be32) == 1);
static_assert(sizeof(Be64) == 8 && alignof(Be64) == 1);
static_assert(std::is_trivially_copyable_v<Be32> && std::is_standard_layout_v<Be32>);
static_assert(!std::is_convertible_v<std::uint32_t, Be32> &&
              !std::is_convertible_v<Be32, std::uint32_t>);
static_assert(Be16{0x1234}.value() == 0x1234);

}  // namespace edgesentry::base
