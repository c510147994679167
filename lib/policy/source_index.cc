// The keyed hash of the index: two rounds of folded 64 x 64 multiplication, as wyhash does, with
// both keys unknown outside.
#include "policy/source_index.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>

namespace edgesentry::policy {

namespace {

__extension__ typedef unsigned __int128 Wide;

std::uint64_t folded_product(std::uint64_t a, std::uint64_t b) noexcept {
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

std::uint64_t random_word() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace

SourceIndex::SourceIndex(std::uint32_t entries_max)
    : cells_(std::bit_ceil(std::max<std::uint64_t>(2ull * entries_max, 16)), kNoSlot),
      mask_(cells_.size() - 1),
      key_{random_word(), random_word()} {}

std::uint64_t SourceIndex::home(const base::Ip& key) const noexcept {
  std::uint64_t words[2];
  std::memcpy(words, key.bytes().data(), sizeof words);
  // The constants are wyhash's; they keep a product from being 0 for a lucky key.
  const std::uint64_t first =
      folded_product(words[0] ^ key_[0], words[1] ^ key_[1] ^ 0xa0761d6478bd642full);
  return folded_product(first ^ key_[1], key_[0] ^ 0xe7037ed1a0b428dbull) & mask_;
}

}  // namespace edgesentry::policy
