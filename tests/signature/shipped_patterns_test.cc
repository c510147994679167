// The shipped patterns hold what they promise: their own payloads, whole and split at each byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "rig.h"

namespace edgesentry::signature {
namespace {

const std::string kShipped = std::string(EDGESENTRY_SOURCE_ROOT) + "/config/patterns.toml";

class ShippedPatterns : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    file_ = new PatternFile(load_patterns(kShipped));
    compiled_ = new Compiled(compile(*file_));
  }
  static void TearDownTestSuite() {
    delete compiled_;
    delete file_;
  }
  void SetUp() override {
    for (const config::Problem& problem : compiled_->problems) ADD_FAILURE() << problem.to_string();
    ASSERT_NE(compiled_->database, nullptr);
  }
  static PatternFile* file_;
  static Compiled* compiled_;
};

PatternFile* ShippedPatterns::file_ = nullptr;
Compiled* ShippedPatterns::compiled_ = nullptr;

TEST_F(ShippedPatterns, find_and_spare_their_own_payloads) {
  for (const config::Problem& problem : verify(*file_, compiled_->database))
    ADD_FAILURE() << problem.to_string();
}

TEST_F(ShippedPatterns, need_little_memory_for_each_stream) {
  EXPECT_LT(compiled_->database->stream_bytes(), 2048u);
}

TEST_F(ShippedPatterns, name_each_kind) {
  std::set<Kind> kinds;
  for (const Pattern& pattern : file_->patterns) kinds.insert(pattern.kind);
  EXPECT_EQ(kinds.size(), kKinds);
}

// So that what protected hosts send to everybody costs nothing.
TEST_F(ShippedPatterns, look_at_answers_on_the_ports_of_services_only) {
  for (const Pattern& pattern : file_->patterns)
    EXPECT_FALSE(pattern.side == Side::server && pattern.any_port) << pattern.id;
}

// A refusal is told at the end of the head, when what excuses it is known, in whatever order.
TEST_F(ShippedPatterns, know_an_old_nonce_before_the_refusal_counts) {
  const auto matcher = matcher_of(compiled_->database, {.bytes_per_second = 1'000'000'000});
  const std::string status = "HTTP/1.1 401 Unauthorized\r\n";
  const std::string stale = "WWW-Authenticate: Digest realm=\"a\", stale=true, nonce=\"b\"\r\n";
  const std::string other = "WWW-Authenticate: Digest realm=\"a\", nonce=\"c\"\r\n";
  std::uint64_t flow = 0;
  for (const std::string& head : {status + stale + other + "Server: x\r\n\r\n",
                                  status + other + "Server: x\r\n" + stale + "\r\n"}) {
    for (std::size_t cut = 1; cut < head.size(); ++cut) {
      const FlowKey key{++flow};
      std::string found;
      for (const auto& [at, part] :
           {std::pair{std::size_t{0}, head.substr(0, cut)}, std::pair{cut, head.substr(cut)}}) {
        const Hits hits =
            matcher->match_segment({bytes_of(part), Transport::tcp, Side::server, 80},
                                   {key, static_cast<std::uint32_t>(at)}, base::seconds(flow));
        found += ids_of(*matcher, hits) + ";";
      }
      const std::size_t excuse = found.find("http-login-stale");
      const std::size_t refusal = found.find("http-login-failed");
      ASSERT_NE(excuse, std::string::npos) << cut;
      ASSERT_NE(refusal, std::string::npos) << cut;
      EXPECT_GE(std::count(found.begin(), found.begin() + static_cast<long>(refusal), ';'),
                std::count(found.begin(), found.begin() + static_cast<long>(excuse), ';'))
          << cut;
    }
  }
}

TEST_F(ShippedPatterns, find_their_payloads_split_at_each_byte) {
  const auto matcher = matcher_of(compiled_->database, {.bytes_per_second = 1'000'000'000});
  base::Micros now = base::seconds(1);
  std::uint64_t flow = 0;
  for (std::size_t index = 0; index < file_->patterns.size(); ++index) {
    const Pattern& pattern = file_->patterns[index];
    if (pattern.transport == Transport::udp) continue;
    std::uint16_t port = 1;
    while (!pattern.takes(port)) ++port;
    for (const std::string& text : pattern.matches)
      for (std::size_t cut = 1; cut < text.size(); ++cut) {
        now = now + base::milliseconds(1);
        bool is_found = false;
        for (const bool behind : {false, true}) {
          const std::string part = behind ? text.substr(cut) : text.substr(0, cut);
          const auto hits =
              matcher->match_segment({bytes_of(part), Transport::tcp, pattern.side, port},
                                     {{flow}, behind ? static_cast<std::uint32_t>(cut) : 0}, now);
          is_found |= std::ranges::find(hits.indices(), index) != hits.indices().end();
        }
        ++flow;
        EXPECT_TRUE(is_found) << pattern.id << " cut at " << cut;
      }
  }
  EXPECT_EQ(matcher->counters().payloads_refused.value(), 0u);
}

}  // namespace
}  // namespace edgesentry::signature
