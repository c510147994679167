#include "report/command_frame.h"

#include <gtest/gtest.h>

#include <random>

namespace edgesentry::report {
namespace {

CommandRequest sample(const char* target, std::uint16_t port) {
  return {.id = 7, .values = {*base::Prefix::parse(target), port}};
}

TEST(CommandFrame, carries_addresses_prefixes_and_ports) {
  for (const char* target : {"198.51.100.9", "2001:db8::/64", "10.0.0.0/8"}) {
    const auto read = decode_request(encode(sample(target, 65535)));
    ASSERT_TRUE(read) << target;
    EXPECT_EQ(read->id, 7u);
    EXPECT_EQ(read->values, sample(target, 65535).values);
  }
}

TEST(CommandFrame, refuses_what_is_no_source) {
  auto frame = encode(sample("198.51.100.9", 1));
  EXPECT_FALSE(decode_request(std::span(frame).first(frame.size() - 1)));
  for (const std::size_t at : {0u, 28u, 29u}) {  // mark, length, zero
    auto wrong = frame;
    wrong[at] = std::byte{200};
    EXPECT_FALSE(decode_request(wrong)) << at;
  }
  EXPECT_FALSE(decode_request(encode(CommandRequest{})));  // ::/0, everybody
  frame[28] = std::byte{24};                               // bits behind the prefix
  EXPECT_FALSE(decode_request(frame));
}

TEST(CommandFrame, takes_any_bytes_and_lets_only_canonical_ones_through) {
  std::mt19937 random(1);
  for (int i = 0; i < 100'000; ++i) {
    auto frame = encode(sample("198.51.100.9", 80));
    for (int changes = 0; changes < 4; ++changes)
      frame[random() % frame.size()] = static_cast<std::byte>(random());
    const std::size_t size = i % 8 == 0 ? random() % frame.size() : frame.size();
    const auto read = decode_request(std::span(frame).first(size));
    if (read) {
      EXPECT_EQ(encode(*read), frame);
    }
    static_cast<void>(decode_reply(std::span(frame).first(size)));
  }
}

TEST(CommandFrame, bounds_the_text_of_replies) {
  const auto frame = encode(CommandReply{3, CommandNews::not_started, std::string(9999, 'x')});
  EXPECT_EQ(frame.size(), kCommandReplyMax);
  const auto read = decode_reply(frame);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->text.size(), kCommandTextMax);
  EXPECT_FALSE(decode_reply(std::span(frame).first(frame.size() - 1)));
}

}  // namespace
}  // namespace edgesentry::report
