// What the tables of all workers take, as the hugepage plan asks for it.
#include "plane/plane.h"

#include <gtest/gtest.h>

namespace edgesentry::plane {
namespace {

TEST(TableBytes, grow_with_the_slow_suspects_of_each_worker_by_what_the_reference_says) {
  config::Config config;
  config.workers.count = 3;
  config.table.slow_suspects = 1u << 15;
  const std::uint64_t before = table_bytes(config);
  config.table.slow_suspects = 1u << 16;
  EXPECT_EQ(table_bytes(config) - before, 3u * (1u << 15) * 66u);
}

}  // namespace
}  // namespace edgesentry::plane
