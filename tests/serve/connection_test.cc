#include "serve/connection.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>

#include "serve/request_text.h"

namespace edgesentry::serve {
namespace {

class ConnectionTest : public testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    peer_ = ends[0];
    connection_ = std::make_unique<Connection>(ends[1], Connection::Time());
  }
  void TearDown() override { close(peer_); }
  void arrive(const std::string& bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
      const ssize_t count =
          send(peer_, bytes.data() + sent, bytes.size() - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (count > 0) sent += static_cast<std::size_t>(count);
      connection_->read_some();
      if (count <= 0 && !connection_->wants_to_read()) return;
    }
    for (int i = 0; i < 8; ++i) connection_->read_some();
  }

  int peer_ = -1;
  std::unique_ptr<Connection> connection_;
};

TEST_F(ConnectionTest, knows_who_asks) {
  EXPECT_EQ(connection_->peer().uid, getuid());
  EXPECT_EQ(connection_->peer().pid, getpid());
}

TEST_F(ConnectionTest, puts_lines_together_from_single_bytes) {
  for (const char c : std::string("ab")) arrive(std::string(1, c));
  EXPECT_EQ(connection_->take_line(), std::nullopt);
  arrive("\n");
  EXPECT_EQ(connection_->take_line(), "ab");
  EXPECT_EQ(connection_->take_line(), std::nullopt);
}

TEST_F(ConnectionTest, gives_several_lines_of_one_packet_in_order_and_skips_empty_ones) {
  arrive("\n\r\na\n\n\nb\nrest");
  EXPECT_EQ(connection_->take_line(), "a");
  EXPECT_EQ(connection_->take_line(), "b");
  EXPECT_EQ(connection_->take_line(), std::nullopt);
  arrive("!\n");
  EXPECT_EQ(connection_->take_line(), "rest!");
}

TEST_F(ConnectionTest, takes_a_line_at_the_limit_and_refuses_the_next_byte) {
  arrive(std::string(kRequestBytesMax, 'x') + "\n");
  EXPECT_FALSE(connection_->line_is_too_long());
  EXPECT_EQ(connection_->take_line()->size(), kRequestBytesMax);
  arrive(std::string(kRequestBytesMax + 1, 'x') + "\n");
  EXPECT_TRUE(connection_->line_is_too_long());
  EXPECT_EQ(connection_->take_line(), std::nullopt);
}

TEST_F(ConnectionTest, stops_reading_a_line_that_never_ends) {
  arrive(std::string(1 << 20, 'x'));
  EXPECT_TRUE(connection_->line_is_too_long());
  EXPECT_FALSE(connection_->wants_to_read());
}

TEST_F(ConnectionTest, reads_nothing_while_a_request_is_under_way_or_a_reply_waits) {
  EXPECT_TRUE(connection_->wants_to_read());
  connection_->set_working();
  EXPECT_FALSE(connection_->wants_to_read());
  connection_->reply("done");
  EXPECT_TRUE(connection_->wants_to_write());
  EXPECT_FALSE(connection_->wants_to_read());
  connection_->write_some();
  EXPECT_FALSE(connection_->wants_to_write());
  EXPECT_TRUE(connection_->wants_to_read());
}

TEST_F(ConnectionTest, answers_what_was_asked_before_the_peer_ended_its_side) {
  arrive("a\nb\n");
  shutdown(peer_, SHUT_WR);
  connection_->read_some();
  EXPECT_FALSE(connection_->is_over());
  EXPECT_EQ(connection_->take_line(), "a");
  EXPECT_FALSE(connection_->is_over());
  EXPECT_EQ(connection_->take_line(), "b");
  connection_->set_working();
  EXPECT_FALSE(connection_->is_over());
  connection_->reply("x");
  EXPECT_FALSE(connection_->is_over());
  connection_->write_some();
  EXPECT_TRUE(connection_->is_over());
}

TEST_F(ConnectionTest, is_over_when_the_peer_is_gone) {
  close(peer_);
  connection_->reply("x");
  connection_->write_some();
  EXPECT_TRUE(connection_->is_over());
  peer_ = -1;
}

TEST(RequestText, takes_objects_only) {
  EXPECT_TRUE(parse_request("{\"command\":\"status\"}").ok());
  EXPECT_TRUE(parse_request("{}").ok());
  for (const char* line : {"", " ", "1", "null", "[]", "\"x\"", "{", "{} {}", "{\"a\":1e999}",
                           "{\"a\":\"\xff\"}", "nonsense"})
    EXPECT_FALSE(parse_request(line).ok()) << line;
}

TEST(RequestText, refuses_a_name_that_stands_twice_and_says_which) {
  for (const char* line : {R"({"a":1,"a":1})", R"({"a":1,"b":2,"a":3})", R"({"a":1,"\u0061":2})",
                           R"({"b":{"a":1,"a":2}})", R"({"b":[{},{"a":1,"a":[]}]})",
                           R"({"a":{"a":1},"b":{},"a":2})"}) {
    const auto request = parse_request(line);
    ASSERT_FALSE(request.ok()) << line;
    EXPECT_EQ(request.error().text, "the request has \"a\" twice; write it once") << line;
    const auto body = parse_json(line);
    ASSERT_FALSE(body.ok()) << line;
    EXPECT_EQ(body.error().text, "the body has \"a\" twice; write it once") << line;
  }
  EXPECT_FALSE(parse_json(R"([{"a":1,"a":2}])").ok());
}

TEST(RequestText, takes_the_same_name_in_different_objects) {
  for (const char* line : {R"({"a":{"a":{"a":1}}})", R"({"b":[{"a":1},{"a":1}],"a":1})",
                           R"({"a":1,"A":2,"":3,"a ":4})", R"({"b":"a","c":"a","a":"a"})"}) {
    const auto request = parse_request(line);
    ASSERT_TRUE(request.ok()) << line << ": " << request.error().text;
    EXPECT_EQ(request.value(), nlohmann::json::parse(line));
  }
}

TEST(RequestText, shows_a_hostile_name_in_few_printable_characters) {
  const std::string name = "\\n\\u001b" + std::string(5'000, 'x');
  const auto request = parse_request("{\"" + name + "\":1,\"" + name + "\":2}");
  ASSERT_FALSE(request.ok());
  EXPECT_LT(request.error().text.size(), 200U);
  for (const char c : request.error().text) EXPECT_TRUE(c >= 0x20 && c < 0x7f);
}

TEST(RequestText, bounds_the_nesting_but_not_brackets_inside_strings) {
  const auto nested = [](std::size_t depth) {
    return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_TRUE(parse_request(nested(kNestingMax - 1)).ok());
  EXPECT_FALSE(parse_request(nested(kNestingMax)).ok());
  EXPECT_FALSE(parse_request(std::string(60'000, '[')).ok());
  EXPECT_TRUE(parse_request("{\"a\":\"" + std::string(100, '[') + "\\\"[\"}").ok());
}

TEST(RequestText, survives_random_bytes) {
  std::mt19937 random(465);
  const std::string alphabet = "{}[]\",:\\ntrue0.9e-\xc3\x28 a";
  for (int round = 0; round < 20'000; ++round) {
    std::string line;
    for (unsigned i = random() % 30; i > 0; --i) line += alphabet[random() % alphabet.size()];
    const auto request = parse_request(line);
    if (request.ok()) {
      EXPECT_TRUE(nlohmann::json::accept(reply_line(request.value(), 1000)));
    }
  }
}

TEST(RequestText, prints_any_reply_as_one_valid_line_within_the_limit) {
  const std::string bad = reply_line({{"text", "\xff\n\"x"}}, 100);
  EXPECT_TRUE(nlohmann::json::accept(bad));
  EXPECT_EQ(bad.find('\n'), std::string::npos);
  const auto large = nlohmann::json::parse(reply_line({{"text", std::string(200, 'x')}}, 100));
  EXPECT_EQ(large["ok"], false);
}

}  // namespace
}  // namespace edgesentry::serve
