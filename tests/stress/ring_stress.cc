// One producer and one consumer on a ring far smaller than the traffic: every item arrives once, in
// order and whole, whatever the two do in bursts and however often the ring is full or empty.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

#include "base/ring.h"

namespace edgesentry::base {
namespace {

constexpr std::uint64_t kItems = 200'000;

template <std::size_t kWords>
struct Item {
  std::array<std::uint64_t, kWords> words;

  static Item numbered(std::uint64_t number) {
    Item item;
    for (std::size_t i = 0; i < kWords; ++i) item.words[i] = number * (2 * i + 1);
    return item;
  }
  [[nodiscard]] bool is_whole() const {
    for (std::size_t i = 0; i < kWords; ++i)
      if (words[i] != words[0] * (2 * i + 1)) return false;
    return true;
  }
};

// Pushes items one by one and in bursts of changing size; a refusal is offered again.
template <class T>
void produce(RingWriter<T>& writer) {
  std::array<T, 7> burst;
  for (std::uint64_t next = 0; next < kItems;) {
    std::size_t accepted = 0;
    if (next % 3 == 0) {
      accepted = writer.try_push(T::numbered(next)) ? 1 : 0;
    } else {
      const auto count = std::min<std::uint64_t>(1 + next % burst.size(), kItems - next);
      for (std::uint64_t i = 0; i < count; ++i) burst[i] = T::numbered(next + i);
      accepted = writer.push_some(std::span(burst).first(count));
    }
    if (accepted == 0) std::this_thread::yield();
    next += accepted;
  }
}

template <class T>
void consume(RingReader<T>& reader) {
  std::array<T, 32> burst;
  for (std::uint64_t expected = 0; expected < kItems;) {
    const std::size_t count = reader.pop_some(std::span(burst).first(1 + expected % burst.size()));
    if (count == 0) std::this_thread::yield();
    for (std::size_t i = 0; i < count; ++i, ++expected) {
      ASSERT_EQ(burst[i].words[0], expected);
      ASSERT_TRUE(burst[i].is_whole());
    }
  }
}

template <std::size_t kWords>
void exchange(std::uint32_t capacity) {
  auto [writer, reader] = make_ring<Item<kWords>>(capacity);
  std::thread producer([&writer = writer] { produce(writer); });
  consume(reader);
  producer.join();
  EXPECT_EQ(reader.occupancy(), 0u);
}

TEST(RingStress, delivers_words_of_eight_bytes_in_order) {
  exchange<1>(64);
}
TEST(RingStress, delivers_items_of_sixteen_bytes_whole) {
  exchange<2>(64);
}
TEST(RingStress, delivers_items_of_a_cache_line_whole) {
  exchange<8>(64);
}
TEST(RingStress, delivers_through_a_ring_of_one) {
  exchange<3>(1);
}

TEST(RingStress, may_be_asked_how_full_it_is_by_a_third_thread) {
  auto [writer, reader] = make_ring<Item<1>>(16);
  std::atomic<bool> is_over{false};  // relaxed: it orders nothing, the joins below do
  std::thread producer([&writer = writer] { produce(writer); });
  std::thread observer([&reader = std::as_const(reader), &is_over] {
    while (!is_over.load(std::memory_order_relaxed)) {
      ASSERT_LE(reader.occupancy(), reader.capacity());
      std::this_thread::yield();
    }
  });
  consume(reader);
  is_over.store(true, std::memory_order_relaxed);
  producer.join();
  observer.join();
}

}  // namespace
}  // namespace edgesentry::base
