// One thread adds, others read: what they see only grows and never exceeds what was added.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/counter.h"

namespace edgesentry::base {
namespace {

TEST(CounterStress, only_grows_for_every_reader) {
  constexpr std::uint64_t kAdditions = 1'000'000;
  constexpr std::uint64_t kStep = (std::uint64_t{1} << 32) + 1;  // a torn read would show
  Counter counter;
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&counter] {
      for (std::uint64_t last = 0; last < kAdditions * kStep;) {
        const std::uint64_t now = counter.value();
        ASSERT_GE(now, last);
        ASSERT_EQ(now % kStep, 0u);
        if (now == last) std::this_thread::yield();
        last = now;
      }
    });
  }
  for (std::uint64_t i = 0; i < kAdditions; ++i) counter.add(kStep);
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(counter.value(), kAdditions * kStep);
}

}  // namespace
}  // namespace edgesentry::base
