#include "plane/table_memory.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace edgesentry::plane {
namespace {

TEST(TableMemory, is_zeroed_and_starts_at_a_huge_page) {
  auto memory = TableMemory::allocate({.bytes = 5'000'001});
  ASSERT_TRUE(memory.ok()) << memory.error().text;
  const std::span<std::byte> bytes = memory.value().bytes();
  EXPECT_EQ(bytes.size(), 5'000'001u);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(bytes.data()) % (2u << 20), 0u);
  EXPECT_TRUE(std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; }));
  bytes.back() = std::byte{1};
}

TEST(TableMemory, moves_without_losing_or_freeing_its_bytes) {
  auto memory = TableMemory::allocate({.bytes = 4096});
  ASSERT_TRUE(memory.ok());
  TableMemory taken = std::move(memory).value();
  const TableMemory last(std::move(taken));
  EXPECT_TRUE(taken.bytes().empty());  // NOLINT: the moved-from state is what is tested
  EXPECT_EQ(last.bytes().size(), 4096u);
  last.bytes()[4095] = std::byte{7};
}

TEST(TableMemory, says_what_to_lower_when_there_is_not_enough) {
  const auto memory = TableMemory::allocate({.bytes = std::size_t{1} << 62});
  ASSERT_FALSE(memory.ok());
  EXPECT_NE(memory.error().text.find("[table]"), std::string::npos);
}

}  // namespace
}  // namespace edgesentry::plane
