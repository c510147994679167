// No cache line is written by two of: workers, control, those who read metrics. What each of them
// writes begins on a line of its own and fills whole ones.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>

#include "base/ring.h"
#include "base/snapshot.h"
#include "payload/watch.h"
#include "plane/stance.h"
#include "plane/worker.h"
#include "scan/tally.h"

namespace edgesentry::plane {
namespace {

template <class T>
constexpr bool has_lines_of_its_own() {
  return alignof(T) >= base::kCacheLine && sizeof(T) % base::kCacheLine == 0;
}

// On the heap each, so that these are enough.
static_assert(has_lines_of_its_own<Worker>());
static_assert(has_lines_of_its_own<scan::Tally>());
static_assert(has_lines_of_its_own<payload::WatchCounters>());
static_assert(has_lines_of_its_own<signature::MatcherCounters>());
static_assert(has_lines_of_its_own<Stance>());
static_assert(has_lines_of_its_own<rte_rcu_qsbr_cnt>(), "each reader's quiescent state");

std::uintptr_t line_of(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address) / base::kCacheLine;
}

TEST(Sharing, the_two_ends_of_a_ring_lie_on_different_lines) {
  const auto ring = base::detail::make_rte_ring(64, sizeof(scan::Alert));
  const std::uintptr_t ends[] = {line_of(&ring->prod), line_of(&ring->cons),
                                 line_of(ring.get() + 1)};
  EXPECT_LT(line_of(ring.get()), ends[0]) << "what both only read";
  EXPECT_LT(ends[0], ends[1]);
  EXPECT_LT(ends[1], ends[2]) << "the items";
}

TEST(Sharing, each_reader_of_a_policy_has_a_line) {
  const auto qsbr = base::detail::make_qsbr(4);
  for (int reader = 1; reader < 4; ++reader)
    EXPECT_EQ(line_of(&qsbr->qsbr_cnt[reader]),
              line_of(&qsbr->qsbr_cnt[reader - 1]) + sizeof(rte_rcu_qsbr_cnt) / base::kCacheLine);
  EXPECT_LT(line_of(qsbr.get()), line_of(&qsbr->qsbr_cnt[0]));
}

}  // namespace
}  // namespace edgesentry::plane
