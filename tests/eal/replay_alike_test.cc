// A capture replayed says what the workers say live: the same frames go through the rig of a mirror
// port, with one worker and with two that get each other's packets, and through replay::Replay.
// Compared are the sources that were decided on, technique, shape and reason. Only what needs no
// silence is sent: a rig has the clock of the machine, a replay that of the capture.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "eal/rig.h"
#include "replay/replay.h"

namespace edgesentry::test {
namespace {

constexpr std::uint8_t kSyn = wire::tcp_flag::kSyn, kAck = wire::tcp_flag::kAck,
                       kRst = wire::tcp_flag::kRst, kFin = wire::tcp_flag::kFin,
                       kPsh = wire::tcp_flag::kPsh;

std::string attacker_of(int n) {
  return "198.51.100." + std::to_string(n);
}

// Scans of one kind each, a client, and a source that does both.
std::vector<Bytes> traffic() {
  std::vector<Bytes> frames;
  const auto add = [&](PacketBuilder packet) { frames.push_back(packet.bytes()); };
  for (std::uint16_t n = 0; n < 24; ++n) {
    const auto port = static_cast<std::uint16_t>(20 + n);
    const std::string host = "10.0.1." + std::to_string(n + 1);
    add(PacketBuilder().ip(attacker_of(1), "10.0.0.1").tcp(40000, port, 0));
    add(PacketBuilder().ip(attacker_of(2), "10.0.0.1").tcp(40000, port, kFin));
    add(PacketBuilder().ip(attacker_of(3), host).tcp(40000, 80, kFin | kPsh | 0x20));
    add(PacketBuilder().ip(attacker_of(4), "10.0.0.1").tcp(40000, port, kSyn));
    add(PacketBuilder().ip("10.0.0.1", attacker_of(4)).tcp(port, 40000, kRst | kAck, 0, 1001));
    add(PacketBuilder().ip(attacker_of(5), host).tcp(40000, 23, kSyn));
    add(PacketBuilder().ip(host, attacker_of(5)).tcp(23, 40000, kRst | kAck, 0, 1001));
    const auto question = PacketBuilder().ip(attacker_of(6), "10.0.0.1").udp(40000, port);
    add(question);
    add(PacketBuilder().ip("10.0.0.1", attacker_of(6)).icmp_error(3, 3, question));
    const auto from = static_cast<std::uint16_t>(50000 + n);
    for (const int client : {7, 4}) {
      add(PacketBuilder().ip(attacker_of(client), "10.0.0.2").tcp(from, 443, kSyn));
      add(PacketBuilder().ip("10.0.0.2", attacker_of(client)).tcp(443, from, kSyn | kAck, 7, 1001));
      add(PacketBuilder().ip(attacker_of(client), "10.0.0.2").tcp(from, 443, kAck, 1001, 8));
    }
  }
  return frames;
}

std::string words_of(const scan::Alert& alert) {
  return alert.source.to_string() + " " + std::string(scan::to_string(alert.technique)) + " " +
         std::string(scan::to_string(alert.shape)) + " " +
         std::string(scan::to_string(alert.reason));
}

std::set<std::string> live(std::uint16_t workers) {
  Rig rig({.workers = workers, .is_tap = true});
  rig.start();
  std::uint16_t queue = 0;
  for (const Bytes& frame : traffic()) {
    rig.send_outside(frame, queue++ % workers);
    EXPECT_TRUE(rig.settles());  // nearly in order: a worker counts a frame, then looks at it
  }
  std::set<std::string> decided;
  for (const scan::Alert& alert : rig.alerts())
    if (alert.kind == scan::AlertKind::decision) decided.insert(words_of(alert));
  rig.stop();
  return decided;
}

std::set<std::string> replayed(std::uint16_t workers) {
  replay::ReplayOptions options;
  options.detection = test_policy(true);
  options.workers = workers;
  std::set<std::string> decided;
  replay::Replay replay(std::move(options), [&](const report::Event& event) {
    if (event.action == report::Action::scan_detected) decided.insert(words_of(*event.alert));
  });
  base::Micros time = base::seconds(1'700'000'000);
  std::uint64_t number = 0;
  for (const Bytes& frame : traffic()) {
    time = time + base::Micros{200};
    replay.take({frame, static_cast<std::uint32_t>(frame.size()), time, ++number},
                wire::LinkType::ethernet);
  }
  replay.finish();
  return decided;
}

TEST(ReplayAndLive, decide_the_same_of_the_same_frames) {
  const std::set<std::string> expected = replayed(1);
  EXPECT_EQ(expected.size(), 6u) << "each of the scanners, and not the client";
  EXPECT_EQ(replayed(2), expected);
  EXPECT_EQ(live(1), expected);
  EXPECT_EQ(live(2), expected);
}

}  // namespace
}  // namespace edgesentry::test
