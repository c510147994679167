#include "serve/request_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>

namespace edgesentry::serve {
namespace {

// One thread that is busy until it is let go.
struct BusyPool {
  std::latch arrived{1};
  std::latch go{1};
  std::atomic<int> begun{0};
  RequestPool pool;

  explicit BusyPool(std::size_t waiting_max) : pool(1, waiting_max, [] {}) {
    EXPECT_TRUE(pool.submit(0, [this] {
      arrived.count_down();
      go.wait();
      return std::string("first");
    }));
    arrived.wait();
  }
  bool submit(std::uint64_t connection) {
    return pool.submit(connection, [this] {
      ++begun;
      return std::string("done");
    });
  }
  std::vector<RequestPool::Reply> replies(std::size_t count) {
    std::vector<RequestPool::Reply> all;
    while (all.size() < count) {
      for (RequestPool::Reply& reply : pool.take_replies()) all.push_back(std::move(reply));
      std::this_thread::yield();
    }
    return all;
  }
};

TEST(RequestPool, refuses_what_is_above_its_bound) {
  BusyPool busy(3);
  for (std::uint64_t id = 1; id <= 3; ++id) EXPECT_TRUE(busy.submit(id));
  EXPECT_FALSE(busy.submit(4));
  busy.go.count_down();
  EXPECT_EQ(busy.replies(4).size(), 4u);
  EXPECT_TRUE(busy.submit(5));
}

TEST(RequestPool, does_not_begin_the_work_of_clients_that_are_gone) {
  BusyPool busy(1);
  for (std::uint64_t id = 1; id <= 1000; ++id) {
    EXPECT_TRUE(busy.submit(id));
    busy.pool.forget(id);
  }
  EXPECT_TRUE(busy.submit(1001));
  busy.pool.forget(0);  // under way: its reply comes, to nobody
  busy.go.count_down();
  const auto replies = busy.replies(2);
  EXPECT_EQ(replies.back().connection, 1001u);
  EXPECT_EQ(busy.begun, 1);
}

}  // namespace
}  // namespace edgesentry::serve
