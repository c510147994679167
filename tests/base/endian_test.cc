// Network byte order as types.
#include "base/endian.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>

namespace edgesentry::base {
namespace {

struct Header {  // odd offsets on purpose
  std::uint8_t version;
  Be16 length;
  Be32 sequence;
  Be64 stamp;
};
static_assert(sizeof(Header) == 15 && alignof(Header) == 1);
static_assert(!std::is_constructible_v<Be16, Be32>);
static_assert(!std::is_convertible_v<Be16, Be32>);
static_assert(!std::is_convertible_v<int, Be16>);

TEST(Be, reads_and_writes_every_16_bit_value_high_byte_first) {
  for (unsigned value = 0; value < 65'536; ++value) {
    const Be16 word(static_cast<std::uint16_t>(value));
    std::array<std::uint8_t, 2> bytes;
    std::memcpy(bytes.data(), &word, sizeof word);
    ASSERT_EQ(bytes[0], value >> 8);
    ASSERT_EQ(bytes[1], value & 0xff);
    ASSERT_EQ(word.value(), value);
  }
}

TEST(Be, lies_over_packet_bytes_at_any_offset) {
  const std::array<std::uint8_t, 15> bytes{4, 0x05, 0xdc, 0xde, 0xad, 0xbe, 0xef, 1,
                                           2, 3,    4,    5,    6,    7,    8};
  Header header;
  std::memcpy(&header, bytes.data(), sizeof header);
  EXPECT_EQ(header.length.value(), 1500);
  EXPECT_EQ(header.sequence.value(), 0xdeadbeefu);
  EXPECT_EQ(header.stamp.value(), 0x0102030405060708u);
}

TEST(Be, keeps_the_edges_of_each_width) {
  static_assert(Be32{0}.value() == 0 && Be32{0xffffffff}.value() == 0xffffffff);
  static_assert(Be64{1}.value() == 1 && Be64{1ull << 63}.value() == 1ull << 63);
  EXPECT_EQ(Be32{0x80000000}, Be32{0x80000000});
  EXPECT_FALSE(Be32{0x80000000} == Be32{0x00000080});
  EXPECT_EQ(Be16{}.value(), 0);
}

}  // namespace
}  // namespace edgesentry::base
