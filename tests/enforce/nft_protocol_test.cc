#include "enforce/nft_protocol.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

namespace edgesentry::enforce {
namespace {

NftRequest batch_of(std::size_t count) {
  NftRequest request{.ask = NftAsk::batch, .sequence = 7, .elements = {}};
  for (std::size_t i = 0; i < count; ++i)
    request.elements.push_back({base::Ip::v4(static_cast<std::uint32_t>(i)), i % 2 == 0,
                                static_cast<std::uint32_t>(i * 3)});
  return request;
}

TEST(NftProtocol, gives_back_every_request) {
  for (std::size_t ask = 0; ask < kNftAsks; ++ask) {
    const NftRequest request{
        .ask = static_cast<NftAsk>(ask), .sequence = 0xfffffffeu, .elements = {}};
    const auto read = decode_nft_request(encode(request));
    ASSERT_TRUE(read.ok()) << read.error().text;
    EXPECT_EQ(read.value(), request);
  }
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, kNftElementsMax}) {
    const NftRequest request = batch_of(count);
    const auto frame = encode(request);
    EXPECT_LE(frame.size(), kNftFrameMax);
    ASSERT_TRUE(decode_nft_request(frame).ok());
    EXPECT_EQ(decode_nft_request(frame).value(), request);
  }
}

TEST(NftProtocol, gives_back_a_reply_and_cuts_its_text) {
  NftReply reply{.ask = NftAsk::check,
                 .sequence = 9,
                 .is_mended = true,
                 .has_counts = true,
                 .fewest = 3,
                 .most = ~std::uint64_t{0},
                 .missing = 5,
                 .drops = 1ull << 40,
                 .text = std::string(2000, 'x')};
  const auto read = decode_nft_reply(encode(reply));
  ASSERT_TRUE(read.ok());
  reply.text.resize(kNftTextMax);
  EXPECT_EQ(read.value(), reply);
}

TEST(NftProtocol, lets_no_control_character_through_to_a_log) {
  const auto read = decode_nft_reply(encode(NftReply{.text = "a\nb\x1b[0m\xff"}));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read.value().text, "a b [0m ");
}

TEST(NftProtocol, refuses_each_length_but_the_right_one) {
  const auto request = encode(batch_of(3));
  const auto reply = encode(NftReply{.text = "why"});
  for (std::size_t size = 0; size < request.size(); ++size)
    EXPECT_FALSE(decode_nft_request(std::span(request).first(size)).ok()) << size;
  for (std::size_t size = 0; size < reply.size(); ++size)
    EXPECT_FALSE(decode_nft_reply(std::span(reply).first(size)).ok()) << size;
  auto longer = request;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(decode_nft_request(longer).ok());
}

TEST(NftProtocol, refuses_more_elements_than_a_batch_may_hold) {
  auto frame = encode(batch_of(kNftElementsMax));
  frame.resize(frame.size() + kNftElementBytes);
  const std::uint32_t count = kNftElementsMax + 1;
  std::memcpy(frame.data() + 12, &count, sizeof count);
  EXPECT_FALSE(decode_nft_request(frame).ok());
}

TEST(NftProtocol, refuses_elements_where_none_belong) {
  auto frame = encode(batch_of(1));
  frame[6] = static_cast<std::byte>(NftAsk::remove);
  EXPECT_FALSE(decode_nft_request(frame).ok());
}

TEST(NftProtocol, names_both_versions_when_they_differ) {
  auto frame = encode(NftRequest{.elements = {}});
  frame[4] = std::byte{9};
  const auto read = decode_nft_request(frame);
  ASSERT_FALSE(read.ok());
  EXPECT_NE(read.error().text.find("version 9"), std::string::npos) << read.error().text;
}

TEST(NftProtocol, survives_every_changed_byte_and_random_bytes) {
  std::mt19937 random(1);
  const auto good = encode(batch_of(2));
  for (std::size_t at = 0; at < good.size(); ++at)
    for (int value = 0; value < 256; ++value) {
      auto frame = good;
      frame[at] = static_cast<std::byte>(value);
      const auto read = decode_nft_request(frame);
      if (!read) continue;
      EXPECT_EQ(encode(read.value()), frame);  // nothing is read that was not there
    }
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::byte> frame(random() % 200);
    for (std::byte& b : frame) b = static_cast<std::byte>(random());
    EXPECT_FALSE(decode_nft_request(frame).ok());
    EXPECT_FALSE(decode_nft_reply(frame).ok());
  }
}

}  // namespace
}  // namespace edgesentry::enforce
