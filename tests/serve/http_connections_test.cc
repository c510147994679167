#include "serve/http_connections.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <map>

namespace edgesentry::serve {
namespace {

using Time = HttpConnections::Time;

base::Ip address(std::uint32_t last) {
  return base::Ip::v4(0x7f000000 + last);
}

class HttpConnectionsTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kAll = 8, kOfClient = 4;

  void TearDown() override {
    for (const auto& [id, pair] : pairs_)
      for (const int fd : pair) ::close(fd);
  }
  static const void* key(std::uintptr_t id) { return reinterpret_cast<const void*>(id); }

  bool open(std::uintptr_t id, const base::Ip& client, Time deadline = HttpConnections::kNever) {
    if (!connections_.may_enter(client)) return false;
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pairs_[id].data()), 0);
    connections_.opened(key(id), pairs_[id][0], client, deadline);
    return true;
  }
  bool open_known(std::uintptr_t id, const base::Ip& client) {
    const bool is_open = open(id, client);
    connections_.set_known(key(id), true);
    return is_open;
  }
  bool is_cut(std::uintptr_t id) {
    const auto pair = pairs_.find(id);
    char byte = 0;  // the other end sees it
    return pair == pairs_.end() || ::recv(pair->second[1], &byte, 1, 0) == 0;
  }
  // As the library does it, with those that were cut.
  void close_cut() {
    std::erase_if(pairs_, [&](const auto& item) {
      if (!is_cut(item.first)) return false;
      connections_.closed(key(item.first));
      for (const int fd : item.second) ::close(fd);
      return true;
    });
  }

  ApiNumbers numbers_;
  HttpConnections connections_{{kAll, kOfClient}, numbers_};
  std::map<std::uintptr_t, std::array<int, 2>> pairs_;
};

TEST_F(HttpConnectionsTest, gives_a_newcomer_the_place_of_the_oldest_stranger_of_its_address) {
  for (std::uintptr_t id = 0; id < kAll; ++id) EXPECT_TRUE(open(id, address(id % 2)));
  EXPECT_TRUE(open(100, address(1)));
  for (std::uintptr_t id = 0; id < kAll; ++id) EXPECT_EQ(is_cut(id), id == 1) << id;
  EXPECT_TRUE(open(101, address(2))) << "has none of its own there: the oldest of all goes";
  EXPECT_TRUE(is_cut(0));
  EXPECT_EQ(numbers_.displaced.load(), 2u);
  EXPECT_EQ(numbers_.refused.load(), 0u);
}

TEST_F(HttpConnectionsTest, lets_nobody_without_a_token_shut_out_who_has_it) {
  EXPECT_TRUE(open_known(5000, address(7)));
  for (std::uintptr_t id = 0; id < 1000; ++id) {
    EXPECT_TRUE(open(id, address(1 + id % 100)));
    if (id % 10 == 9) {
      EXPECT_TRUE(open(10'000 + id, address(200))) << "asks next";
      EXPECT_FALSE(is_cut(10'000 + id));
    }
    close_cut();
  }
  EXPECT_FALSE(is_cut(5000));
  EXPECT_EQ(numbers_.connections.load(), kAll);
}

TEST_F(HttpConnectionsTest, refuses_when_all_that_are_in_have_shown_a_token) {
  for (std::uintptr_t id = 0; id < kOfClient; ++id) EXPECT_TRUE(open_known(id, address(1)));
  EXPECT_FALSE(open(100, address(1)));
  for (std::uintptr_t id = 4; id < kAll; ++id) EXPECT_TRUE(open_known(id, address(2)));
  EXPECT_FALSE(open(101, address(3)));
  EXPECT_EQ(numbers_.refused.load(), 2u);
  connections_.set_known(key(5), false);  // its next request had none
  EXPECT_TRUE(open(102, address(3)));
  EXPECT_TRUE(is_cut(5));
}

TEST_F(HttpConnectionsTest, does_not_count_whom_it_has_cut_and_waits_for_too_many_of_these) {
  std::uintptr_t id = 0;
  while (id < kOfClient) EXPECT_TRUE(open(id++, address(1)));
  for (std::uint32_t i = 0; i < HttpConnections::kLeavingMax; ++i)
    EXPECT_TRUE(open(id++, address(1))) << i;
  EXPECT_FALSE(open(id++, address(1))) << "too many are still to be closed by the library";
  close_cut();
  EXPECT_TRUE(open(id++, address(1)));
}

TEST_F(HttpConnectionsTest, cuts_who_is_overdue_once) {
  const Time now = std::chrono::steady_clock::now();
  EXPECT_TRUE(open(1, address(1), now));
  EXPECT_TRUE(open_known(2, address(1)));
  connections_.cut_overdue(now);
  connections_.cut_overdue(now);
  EXPECT_TRUE(is_cut(1));
  EXPECT_FALSE(is_cut(2));
  EXPECT_EQ(numbers_.cut_off.load(), 1u);
  connections_.set_known(key(1), true);  // late, and without effect
  connections_.closed(key(1));
  connections_.closed(key(1));
  connections_.cut_all();
  EXPECT_TRUE(is_cut(2));
  connections_.closed(key(2));
  EXPECT_EQ(numbers_.connections.load(), 0u);
}

}  // namespace
}  // namespace edgesentry::serve
