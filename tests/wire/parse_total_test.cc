// The promise of parse(): any bytes whatever end in one named outcome, and none behind the end is
// ever read (every frame here lies in front of an unreadable page).
#include <gtest/gtest.h>

#include <random>

#include "support/parsed.h"
#include "support/sample_frames.h"

namespace edgesentry::wire {
namespace {

using test::frames::Bytes;
using test::frames::SampleFrame;

constexpr LinkType kLinks[] = {LinkType::ethernet, LinkType::raw_ip, LinkType::linux_sll,
                               LinkType::linux_sll2, LinkType::bsd_null};

class Totality : public testing::Test {
 protected:
  void expect_named(std::span<const std::uint8_t> frame, LinkType link) {
    Probe probe;
    const ParseOutcome outcome = parse(memory_.hold(frame), link, probe);
    ASSERT_LT(static_cast<std::size_t>(outcome), kParseOutcomes);
    ASSERT_EQ(outcome, probe.outcome);
    ASSERT_LE(probe.payload_offset, frame.size());
    if (link == LinkType::ethernet) expect_both_ways_agree(frame);
  }
  // What the short way takes, it tells as the long one does.
  void expect_both_ways_agree(std::span<const std::uint8_t> frame) {
    Probe by_short, by_long;
    std::memset(static_cast<void*>(&by_short), 0x5a, sizeof(by_short));
    if (!parse_common(memory_.hold(frame), by_short)) return;
    parse_any(memory_.hold(frame), LinkType::ethernet, by_long);
    ASSERT_EQ(std::memcmp(&by_short, &by_long, sizeof(by_long)), 0);
  }
  test::Guarded memory_;
};

TEST_F(Totality, ends_each_kind_of_frame_in_its_outcome) {
  for (const SampleFrame& sample : test::frames::sample_frames()) {
    Probe probe;
    EXPECT_EQ(parse(memory_.hold(sample.bytes), sample.link, probe), sample.outcome) << sample.name;
  }
}

TEST_F(Totality, survives_every_truncation_under_every_link_type) {
  for (const SampleFrame& sample : test::frames::sample_frames())
    for (std::size_t length = 0; length <= sample.bytes.size(); ++length)
      for (LinkType link : kLinks) {
        SCOPED_TRACE(std::string(sample.name) + " cut to " + std::to_string(length));
        ASSERT_NO_FATAL_FAILURE(expect_named(std::span(sample.bytes).first(length), link));
      }
}

TEST_F(Totality, survives_every_value_of_every_header_byte) {
  for (SampleFrame& sample : test::frames::sample_frames()) {
    const std::size_t headers = std::min<std::size_t>(sample.bytes.size(), 120);
    for (std::size_t at = 0; at < headers; ++at) {
      const std::uint8_t right = sample.bytes[at];
      for (int value = 0; value < 256; ++value) {
        sample.bytes[at] = static_cast<std::uint8_t>(value);
        SCOPED_TRACE(std::string(sample.name) + " byte " + std::to_string(at) + " is " +
                     std::to_string(value));
        ASSERT_NO_FATAL_FAILURE(expect_named(sample.bytes, sample.link));
      }
      sample.bytes[at] = right;
    }
  }
}

TEST_F(Totality, survives_random_bytes) {
  constexpr std::uint32_t kSeed = 20240117;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937 random(kSeed);
  Bytes frame;
  for (int round = 0; round < 100'000; ++round) {
    frame.resize(random() % 129);
    for (auto& byte : frame) byte = static_cast<std::uint8_t>(random());
    ASSERT_NO_FATAL_FAILURE(expect_named(frame, kLinks[random() % std::size(kLinks)]));
  }
}

TEST_F(Totality, a_valid_frame_is_never_broken_by_what_follows_it) {
  for (const SampleFrame& sample : test::frames::sample_frames()) {
    Bytes longer = sample.bytes;
    longer.insert(longer.end(), 46, 0xee);
    EXPECT_EQ(parsed(longer, sample.link).outcome, sample.outcome) << sample.name;
  }
}

TEST(ParseOutcomeNames, are_all_given_and_all_different) {
  for (std::size_t i = 0; i < kParseOutcomes; ++i) {
    EXPECT_FALSE(kParseOutcomeNames[i].empty());
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(kParseOutcomeNames[i], kParseOutcomeNames[j]);
  }
}

}  // namespace
}  // namespace edgesentry::wire
