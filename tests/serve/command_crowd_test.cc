#include <latch>
#include <thread>
#include <vector>

#include "command_fixture.h"

namespace edgesentry::serve {
namespace {

class CrowdedServerTest : public CommandServerTest {
 protected:
  static constexpr std::size_t kPlaces = 3;

  void crowd(CommandServer::Handler handler) {
    start(std::move(handler), {.connections_max = kPlaces,
                               .comes_first = [this](const Peer&) { return comes_first_.load(); }});
  }
  std::unique_ptr<Client> come(bool comes_first) {
    const std::uint64_t before = numbers().accepted.value() + numbers().refused.value();
    comes_first_ = comes_first;
    auto client = std::make_unique<Client>(path());
    while (numbers().accepted.value() + numbers().refused.value() == before)
      std::this_thread::yield();
    advance(milliseconds(10));
    return client;
  }
  json wait_for_go(const json& request, const Peer&) {
    if (request.contains("slow")) {
      ++begun_;
      go_.wait();
    }
    return {{"ok", true}};
  }
  void keep_busy(Client& client, int nth) {
    client.write("{\"slow\":1}\n");
    while (begun_ < nth) std::this_thread::yield();
  }
  static bool serves(Client& client) { return client.ask("{}")["ok"] == true; }

  std::atomic<bool> comes_first_{false};
  std::atomic<int> begun_{0};
  std::latch go_{1};
};

TEST_F(CrowdedServerTest, lets_the_one_that_is_idle_longest_give_way) {
  crowd(echo);
  const auto first = come(false);
  const auto second = come(false);
  const auto third = come(false);
  ASSERT_TRUE(serves(*first));
  const auto fourth = come(false);
  EXPECT_NE(second->read_line().find("gave way"), std::string::npos);
  EXPECT_TRUE(second->was_closed());
  EXPECT_TRUE(serves(*first));
  EXPECT_TRUE(serves(*third));
  EXPECT_TRUE(serves(*fourth));
  EXPECT_EQ(numbers().idle.value(), 1u);
  EXPECT_EQ(numbers().connections.value(), kPlaces);
}

TEST_F(CrowdedServerTest, counts_half_a_request_as_idle) {
  crowd(echo);
  std::vector<std::unique_ptr<Client>> holders;
  for (std::size_t i = 0; i < kPlaces; ++i) {
    holders.push_back(come(false));
    holders.back()->write("{\"half\":");
  }
  EXPECT_TRUE(serves(*come(false)));
  EXPECT_TRUE(serves(*come(true)));
  EXPECT_EQ(numbers().refused.value(), 0u);
}

TEST_F(CrowdedServerTest, lets_root_in_when_others_keep_every_place_busy) {
  crowd([this](const json& request, const Peer& peer) { return wait_for_go(request, peer); });
  std::vector<std::unique_ptr<Client>> busy;
  for (std::size_t i = 0; i < kPlaces; ++i) {
    busy.push_back(come(false));
    keep_busy(*busy.back(), static_cast<int>(i) + 1);
  }
  EXPECT_NE(come(false)->read_line().find("too many connections"), std::string::npos);
  EXPECT_TRUE(serves(*come(true)));
  EXPECT_EQ(numbers().refused.value(), 1u);
  EXPECT_EQ(numbers().slow.value(), 1u);
  EXPECT_TRUE(busy[0]->was_closed());
  go_.count_down();
  EXPECT_EQ(json::parse(busy[1]->read_line())["ok"], true);
  EXPECT_EQ(json::parse(busy[2]->read_line())["ok"], true);
  server_.reset();  // its handler uses this test
}

TEST_F(CrowdedServerTest, never_lets_root_give_way_to_others) {
  crowd(echo);
  const auto root = come(true);
  for (int i = 0; i < 20; ++i) static_cast<void>(come(false));
  std::vector<std::unique_ptr<Client>> others;
  for (int i = 0; i < 20; ++i) others.push_back(come(false));
  EXPECT_TRUE(serves(*root));
  const auto second = come(true);
  const auto third = come(true);
  EXPECT_NE(come(false)->read_line().find("too many connections"), std::string::npos);
  const auto fourth = come(true);  // among its like the idle one gives way
  EXPECT_TRUE(serves(*second));
  EXPECT_TRUE(serves(*third));
  EXPECT_TRUE(serves(*fourth));
  EXPECT_NE(root->read_line().find("gave way"), std::string::npos);
}

}  // namespace
}  // namespace edgesentry::serve
