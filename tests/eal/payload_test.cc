// What is said inside packets reaches the engine of the worker that has the source: inline and on a
// tap, with one worker and with several that receive each other's packets.
#include <gtest/gtest.h>
#include <rte_mempool.h>

#include <string>

#include "eal/rig.h"
#include "signature/pattern_file.h"
#include "support/login_patterns.h"

namespace edgesentry::test {
namespace {

constexpr std::string_view kServer = "10.0.0.1";
constexpr std::string_view kGuesser = "198.51.100.7";
constexpr int kGuesses = 20;
constexpr std::uint8_t kData = wire::tcp_flag::kPsh | wire::tcp_flag::kAck;

std::shared_ptr<const signature::Database> patterns() {
  static const auto compiled =
      signature::compile(signature::parse_patterns(kLoginPatterns, "p.toml"));
  return compiled.database;
}

// One connection of its own for each guess: the client's port is 40000 + n.
Bytes asked(int n, std::string_view text, std::string_view source = kGuesser) {
  return PacketBuilder()
      .ip(source, kServer)
      .tcp(static_cast<std::uint16_t>(40'000 + n), 21, kData, 1000, 5000)
      .payload(text)
      .bytes();
}
Bytes answered(int n, std::string_view text, std::string_view source = kGuesser) {
  return PacketBuilder()
      .ip(kServer, source)
      .tcp(21, static_cast<std::uint16_t>(40'000 + n), kData, 5000, 1100)
      .payload(text)
      .bytes();
}

// Sources of which brute force was reported.
std::vector<scan::Alert> brute_force(Rig& rig) {
  std::vector<scan::Alert> found;
  for (const scan::Alert& alert : rig.alerts())
    if (alert.kind == scan::AlertKind::decision && alert.shape == scan::Shape::brute_force)
      found.push_back(alert);
  return found;
}

// The server refuses one login after the other; packets are dealt to the queues in turn.
void guess(Rig& rig, std::uint16_t workers) {
  for (int n = 0; n < kGuesses; ++n) {
    const auto queue = static_cast<std::uint16_t>(n % workers);
    const auto other = static_cast<std::uint16_t>((n + 1) % workers);
    rig.send_outside(asked(n, "PASS guess\r\n"), queue);
    rig.send_inside(answered(n, "530 Login incorrect.\r\n"), other);
  }
}

class Inline : public testing::TestWithParam<std::uint16_t> {};

TEST_P(Inline, drops_a_source_whose_logins_keep_failing) {
  Rig rig({.workers = GetParam(), .patterns = patterns()});
  rig.start();
  guess(rig, GetParam());
  ASSERT_TRUE(rig.settles());
  const auto alerts = brute_force(rig);
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].source.to_string(), kGuesser);
  EXPECT_EQ(alerts[0].reason, scan::Reason::failed_logins);
  EXPECT_TRUE(alerts[0].dropping);
  (void)rig.left_inside();
  rig.send_outside(asked(99, "PASS again\r\n"), 0);
  rig.send_outside(asked(99, "PASS guess\r\n", "203.0.113.9"), 0);
  ASSERT_TRUE(rig.settles());
  EXPECT_EQ(rig.left_inside().size(), 1u) << "somebody else's";
  rig.stop();
  EXPECT_EQ(rig.totals().received, rig.totals().ended());
}

TEST_P(Inline, leaves_payloads_alone_without_patterns) {
  Rig rig({.workers = GetParam()});
  rig.start();
  guess(rig, GetParam());
  ASSERT_TRUE(rig.settles());
  EXPECT_TRUE(brute_force(rig).empty());
  EXPECT_TRUE(rig.plane().watches().empty());
}

TEST_P(Inline, sees_what_a_tool_says_of_itself_across_two_buffers) {
  Rig rig({.workers = GetParam(), .patterns = patterns()});
  rig.start();
  for (int n = 0; n < kGuesses; ++n) {
    rig.send_outside_in_two(asked(n, "User-Agent: Mozilla/4.0 (Hydra)\r\n"), 70);
    ASSERT_TRUE(rig.settles());  // question before answer, whichever worker has which queue
    rig.send_inside(answered(n, "HTTP/1.1 200 OK\r\n"), 0);
    ASSERT_TRUE(rig.settles());
  }
  EXPECT_EQ(brute_force(rig).size(), 1u);
}

// Patterns without the one that finds refused logins.
std::shared_ptr<const signature::Database> without_logins() {
  const std::string text = std::string(kLoginPatterns);
  const auto second = text.find("[[pattern]]", text.find("[[pattern]]") + 1);
  return signature::compile(signature::parse_patterns(text.substr(second), "q.toml")).database;
}

void offer(Rig& rig, const std::shared_ptr<const signature::Database>& database) {
  for (const auto& watch : rig.plane().watches()) {
    auto lens = watch->make_lens(database);
    ASSERT_TRUE(lens.ok());
    watch->offer(std::move(lens).value());
  }
}
// Each worker has taken its lens, and given the one before back.
bool is_in_force(Rig& rig, const std::shared_ptr<const signature::Database>& database) {
  return eventually([&] {
    for (const auto& watch : rig.plane().watches()) watch->collect();
    return static_cast<std::size_t>(database.use_count()) == rig.plane().watches().size() + 1;
  });
}

TEST_P(Inline, takes_new_patterns_under_load_without_losing_a_packet) {
  const auto none = without_logins();
  Rig rig({.workers = GetParam(), .enforce = false, .patterns = none});
  const unsigned before = rte_mempool_avail_count(rig.pool().get());
  rig.start();
  guess(rig, GetParam());
  ASSERT_TRUE(rig.settles());
  EXPECT_TRUE(brute_force(rig).empty());
  std::size_t left = rig.left_inside().size() + rig.left_outside().size();
  int sent = kGuesses;
  for (int exchange = 0; exchange < 20; ++exchange) {
    const auto fresh =
        exchange % 2 == 0
            ? signature::compile(signature::parse_patterns(kLoginPatterns, "p.toml")).database
            : without_logins();
    offer(rig, fresh);
    for (int n = 0; n < 200; ++n, ++sent)
      rig.send_outside(asked(n, "GET / HTTP/1.1\r\n", "203.0.113.9"),
                       static_cast<std::uint16_t>(n % GetParam()));
    ASSERT_TRUE(rig.settles());
    left += rig.left_inside().size();
    ASSERT_TRUE(is_in_force(rig, fresh));
  }
  EXPECT_EQ(left, static_cast<std::size_t>(sent + kGuesses));
  offer(rig, patterns());
  ASSERT_TRUE(eventually([&] {
    guess(rig, GetParam());
    return rig.settles() && !brute_force(rig).empty();
  }));
  rig.stop();
  EXPECT_EQ(rig.totals().received, rig.totals().ended());
  EXPECT_EQ(rig.totals().dropped_fault, 0u);
  (void)rig.left_inside();
  (void)rig.left_outside();
  EXPECT_EQ(rte_mempool_avail_count(rig.pool().get()), before);
}

INSTANTIATE_TEST_SUITE_P(Payload, Inline, testing::Values(1, 2));

class Tap : public testing::TestWithParam<std::uint16_t> {};

TEST_P(Tap, names_brute_force_and_gives_every_packet_back) {
  Rig rig({.workers = GetParam(), .is_tap = true, .patterns = patterns()});
  const unsigned before = rte_mempool_avail_count(rig.pool().get());
  rig.start();
  for (int n = 0; n < kGuesses; ++n)
    for (const Bytes& frame :
         {asked(n, "PASS guess\r\n"), answered(n, "530 Login incorrect.\r\n"),
          asked(n, std::string(600, 'x'), "203.0.113.9"),
          answered(n, "530 Login incorrect.\r\n", "203.0.113." + std::to_string(n + 10))})
      rig.send_outside(frame, static_cast<std::uint16_t>(n % GetParam()));
  rig.send_outside_in_two(asked(0, "User-Agent: (Hydra)"), 60);
  ASSERT_TRUE(rig.settles());
  rig.stop();
  const auto alerts = brute_force(rig);
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].source.to_string(), kGuesser);
  EXPECT_EQ(rte_mempool_avail_count(rig.pool().get()), before);
}

TEST_P(Tap, gives_packets_back_that_a_full_ring_refused) {
  Rig rig({.workers = GetParam(), .is_tap = true, .handover_ring = 4, .patterns = patterns()});
  const unsigned before = rte_mempool_avail_count(rig.pool().get());
  rig.start();
  for (int n = 0; n < 2'000; ++n) rig.send_outside(asked(n % 1000, "PASS guess\r\n"), 0);
  for (int n = 0; n < 2'000; ++n)
    rig.send_outside(asked(0, "PASS x\r\n", "198.51.100." + std::to_string(n % 200)), 0);
  ASSERT_TRUE(rig.settles());
  rig.stop();
  EXPECT_EQ(rte_mempool_avail_count(rig.pool().get()), before);
  EXPECT_EQ(rig.totals().received, rig.totals().ended());
}

INSTANTIATE_TEST_SUITE_P(Payload, Tap, testing::Values(1, 2));

}  // namespace
}  // namespace edgesentry::test
