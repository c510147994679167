#include <sys/resource.h>

#include <atomic>
#include <future>
#include <latch>
#include <thread>
#include <vector>

#include "command_fixture.h"

namespace edgesentry::serve {
namespace {

TEST_F(CommandServerTest, answers_each_line_with_a_line_and_says_who_asked) {
  start(echo);
  Client client(path());
  const json reply = client.ask("{\"command\":\"status\"}");
  EXPECT_EQ(reply["echo"]["command"], "status");
  EXPECT_EQ(reply["uid"], getuid());
  EXPECT_EQ(client.ask("{\"n\":2}")["echo"]["n"], 2);
}

TEST_F(CommandServerTest, keeps_the_order_of_requests_sent_at_once) {
  start(echo);
  Client client(path());
  std::string all;
  for (int i = 0; i < 1000; ++i) all += "{\"n\":" + std::to_string(i) + "}\n";
  std::thread writer([&] { client.write(all); });
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(json::parse(client.read_line())["echo"]["n"], i);
  writer.join();
}

TEST_F(CommandServerTest, answers_a_client_that_has_ended_its_side) {
  start(echo);
  Client client(path());
  client.write("{\"n\":1}\n{\"n\":2}\n{\"never\":");
  client.end_writing();
  EXPECT_EQ(json::parse(client.read_line())["echo"]["n"], 1);
  EXPECT_EQ(json::parse(client.read_line())["echo"]["n"], 2);
  EXPECT_EQ(client.read_line(), "");
}

TEST_F(CommandServerTest, explains_rubbish_and_goes_on) {
  start(echo);
  Client client(path());
  for (const char* rubbish : {"GET / HTTP/1.1", "\xff\xfe\x00garbage", "[1,2,3]", "{\"a\":"}) {
    const json reply = client.ask(rubbish);
    EXPECT_EQ(reply["ok"], false);
    EXPECT_NE(reply["error"].get<std::string>().find("JSON"), std::string::npos);
  }
  EXPECT_EQ(client.ask("{}")["ok"], true);
  EXPECT_EQ(numbers().malformed.value(), 4u);
}

TEST_F(CommandServerTest, answers_a_failing_handler_with_its_reason) {
  start(echo);
  Client client(path());
  EXPECT_EQ(client.ask("{\"throw\":1}")["error"], "the command failed: out of order");
  EXPECT_EQ(client.ask("{}")["ok"], true);
}

TEST_F(CommandServerTest, disconnects_after_a_line_above_the_limit) {
  start(echo);
  Client client(path());
  client.write(std::string(kRequestBytesMax * 4, 'x'));
  EXPECT_NE(client.read_line().find("at most 65536 bytes"), std::string::npos);
  EXPECT_EQ(client.read_line(), "");
  EXPECT_EQ(Client(path()).ask("{}")["ok"], true);
}

TEST_F(CommandServerTest, sends_large_replies_whole_and_refuses_those_above_the_limit) {
  start(echo, {.reply_bytes_max = std::size_t{1} << 20});
  Client client(path());
  EXPECT_EQ(client.ask("{\"bytes\":1000000}")["filler"].get<std::string>().size(), 1'000'000u);
  const json reply = client.ask("{\"bytes\":2000000}");
  EXPECT_EQ(reply["ok"], false);
  EXPECT_NE(reply["error"].get<std::string>().find("the limit is 1048576"), std::string::npos);
}

TEST_F(CommandServerTest, forgets_the_requests_of_clients_that_ask_and_hang_up) {
  std::latch go(1);
  std::atomic<int> asked{0};
  start(
      [&](const json&, const Peer&) {
        ++asked;
        go.wait();
        return json{{"ok", true}};
      },
      {.connections_max = 8, .handler_threads = 1});
  for (int i = 0; i < 200; ++i) Client(path()).write("{}\n");
  while (numbers().accepted.value() + numbers().refused.value() < 200) std::this_thread::yield();
  while (numbers().connections.value() > 0) std::this_thread::yield();
  go.count_down();
  EXPECT_EQ(Client(path()).ask("{}")["ok"], true);
  EXPECT_LE(asked, 2);  // the one that the stuck thread had begun, and the last
}

TEST_F(CommandServerTest, serves_others_while_a_command_takes_its_time) {
  std::latch arrived(1);
  std::latch go(1);
  start([&](const json& request, const Peer&) -> json {
    if (request.contains("slow")) {
      arrived.count_down();
      go.wait();
    }
    return {{"ok", true}};
  });
  Client slow(path());
  slow.write("{\"slow\":1}\n");
  arrived.wait();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Client(path()).ask("{}")["ok"], true);
  go.count_down();
  EXPECT_EQ(json::parse(slow.read_line())["ok"], true);
}

TEST_F(CommandServerTest, forgets_the_reply_for_a_client_that_went_away) {
  std::latch arrived(1);
  std::latch go(1);
  start([&](const json& request, const Peer&) -> json {
    if (request.contains("slow")) {
      arrived.count_down();
      go.wait();
    }
    return {{"ok", true}};
  });
  {
    Client leaving(path());
    leaving.write("{\"slow\":1}\n");
    arrived.wait();
  }
  go.count_down();
  EXPECT_EQ(Client(path()).ask("{}")["ok"], true);
  server_.reset();  // the handler may still be at the latch, which ends with this test
}

TEST_F(CommandServerTest, cuts_off_a_client_that_does_not_read_its_reply) {
  start(echo, {.idle_max = milliseconds(60'000), .unread_max = milliseconds(10'000)});
  Client lazy(path());
  lazy.write("{\"bytes\":4000000}\n");
  pollfd readable{lazy.fd(), POLLIN, 0};
  ASSERT_EQ(poll(&readable, 1, 60'000), 1);  // the reply has begun, and does not fit the socket
  EXPECT_EQ(Client(path()).ask("{}")["ok"], true);
  advance(milliseconds(10'001));
  while (numbers().slow.value() == 0) std::this_thread::yield();
  EXPECT_TRUE(lazy.was_closed());
}

TEST_F(CommandServerTest, does_not_read_more_from_a_client_that_only_writes) {
  start(echo, {.unread_max = milliseconds(10'000)});
  Client flood(path());
  std::thread writer([&] {
    // Each reply is larger than its request, and none is read: 64 MiB cannot get through.
    for (int i = 0; i < (1 << 20); ++i)
      flood.write("{\"bytes\":100000}" + std::string(48, ' ') + "\n");
  });
  while (numbers().slow.value() == 0) {
    EXPECT_EQ(Client(path()).ask("{}")["ok"], true);
    advance(milliseconds(1'000));
  }
  writer.join();
  EXPECT_TRUE(flood.was_closed());
}

TEST_F(CommandServerTest, disconnects_idle_clients_and_those_that_trickle) {
  start(echo, {.idle_max = milliseconds(60'000)});
  Client idle(path());
  Client trickling(path());
  EXPECT_EQ(idle.ask("{}")["ok"], true);
  trickling.write("{");
  advance(milliseconds(59'000));
  trickling.write(" ");
  EXPECT_EQ(Client(path()).ask("{}")["ok"], true);
  advance(milliseconds(1'001));
  EXPECT_TRUE(idle.was_closed());
  EXPECT_TRUE(trickling.was_closed());
  EXPECT_EQ(Client(path()).ask("{}")["ok"], true);
  EXPECT_EQ(numbers().idle.value(), 2u);
}

TEST_F(CommandServerTest, does_not_call_a_client_idle_that_waits_for_its_reply) {
  std::latch arrived(1);
  std::latch go(1);
  start([&](const json& request, const Peer&) -> json {
    if (request.contains("slow")) {
      arrived.count_down();
      go.wait();
    }
    return {{"ok", true}};
  });
  Client patient(path());
  patient.write("{\"slow\":1}\n");
  arrived.wait();
  advance(milliseconds(3'600'000));
  EXPECT_EQ(Client(path()).ask("{}")["ok"], true);
  go.count_down();
  EXPECT_EQ(json::parse(patient.read_line())["ok"], true);
}

TEST_F(CommandServerTest, survives_a_thousand_connections_and_serves_no_more_than_its_limit) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, 4096);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
  start(echo, {.connections_max = 64});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 1000; ++i) {
    clients.push_back(std::make_unique<Client>(path()));
    ASSERT_TRUE(clients.back()->is_connected());
  }
  while (numbers().accepted.value() < 1000) std::this_thread::yield();
  for (std::size_t i = 0; i < clients.size() - 64; ++i)
    ASSERT_NE(clients[i]->read_line().find("gave way"), std::string::npos) << i;
  for (std::size_t i = clients.size() - 64; i < clients.size(); ++i)
    ASSERT_EQ(clients[i]->ask("{}")["ok"], true) << i;
  EXPECT_EQ(numbers().idle.value(), 936u);
  EXPECT_EQ(numbers().refused.value(), 0u);
  clients.clear();
  while (numbers().connections.value() > 0) std::this_thread::yield();
  EXPECT_EQ(Client(path()).ask("{}")["ok"], true);
}

TEST_F(CommandServerTest, ends_while_clients_are_connected_and_removes_its_socket) {
  start(echo);
  Client idle(path());
  Client busy(path());
  EXPECT_EQ(busy.ask("{}")["ok"], true);
  server_.reset();
  EXPECT_TRUE(idle.was_closed());
  EXPECT_TRUE(busy.was_closed());
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(CommandServerTest, does_not_start_beside_a_live_server) {
  start(echo);
  CommandServer::Settings settings;
  settings.path = path();
  EXPECT_FALSE(CommandServer::start(std::move(settings), echo).ok());
  EXPECT_EQ(Client(path()).ask("{}")["ok"], true);
}

}  // namespace
}  // namespace edgesentry::serve
