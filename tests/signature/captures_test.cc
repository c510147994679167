// The shipped patterns over labelled captures, where they are at hand: beside the project, or where
// EDGESENTRY_CAPTURES says. Innocent traffic names no tool and probes for no hole, looked at from
// both ends; captures of tools and of password guessing show what they hold.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

#include "rig.h"
#include "signature/flow_key.h"
#include "wire/capture_file.h"

namespace edgesentry::signature {
namespace {

namespace filesystem = std::filesystem;

const std::string kRoot = EDGESENTRY_SOURCE_ROOT;

filesystem::path captures_folder() {
  const char* named = std::getenv("EDGESENTRY_CAPTURES");
  return named != nullptr ? filesystem::path(named)
                          : filesystem::path(kRoot).parent_path() / "shared" / "captures";
}

using Counts = std::map<std::string, int>;  // by the id of a pattern

class Captures : public testing::Test {
 protected:
  void SetUp() override {
    if (!filesystem::is_regular_file(captures_folder() / "MANIFEST.csv"))
      GTEST_SKIP() << "no labelled captures in " << captures_folder();
    database_ = compile(load_patterns(kRoot + "/config/patterns.toml")).database;
    ASSERT_NE(database_, nullptr);
  }

  // Every packet is looked at as if sent by a source outside, and as if by a protected host.
  Counts hits_in(const filesystem::path& path) {
    const auto matcher = matcher_of(database_, {.bytes_per_second = TokenBucket::kRateMax});
    auto capture = wire::CaptureFile::open(path.string());
    Counts counts;
    EXPECT_TRUE(capture.ok()) << path << " is listed and cannot be read";
    if (!capture.ok()) return counts;
    wire::Record record;
    while (capture.value().next(record) == wire::ReadOutcome::record) {
      wire::Probe probe{};
      const auto outcome = wire::parse(record.bytes, capture.value().link(), probe);
      const bool is_tcp = outcome == wire::ParseOutcome::tcp;
      if ((!is_tcp && outcome != wire::ParseOutcome::udp) || probe.payload_bytes == 0) continue;
      if (record.bytes.size() <= probe.payload_offset) continue;
      const auto captured = record.bytes.subspan(probe.payload_offset);
      const auto bytes =
          captured.first(std::min<std::size_t>(captured.size(), probe.payload_bytes));
      for (const Side side : {Side::client, Side::server}) {
        const Payload payload{bytes, is_tcp ? Transport::tcp : Transport::udp, side,
                              side == Side::client ? probe.target_port : probe.source_port};
        const Hits hits = matcher->match_segment(
            payload, {flow_key(probe, {1, 2, 3, 4}), probe.sequence}, record.time);
        for (const std::uint16_t index : hits.indices()) ++counts[database_->patterns()[index].id];
      }
    }
    EXPECT_EQ(matcher->counters().faults.value(), 0u) << path;
    return counts;
  }

  bool accuses(const std::string& id) const {
    for (const Pattern& pattern : database_->patterns())
      if (pattern.id == id) return pattern.kind == Kind::scanner || pattern.kind == Kind::exploit;
    return false;
  }

  std::shared_ptr<const Database> database_;
};

TEST_F(Captures, innocent_traffic_is_not_accused) {
  int seen = 0;
  for (const char* folder : {"", "lab"}) {
    std::ifstream manifest(captures_folder() / folder / "MANIFEST.csv");
    std::string line;
    while (std::getline(manifest, line)) {
      const std::string name = line.substr(0, line.find(','));
      const bool is_innocent = line.find(",benign,") != std::string::npos;
      const filesystem::path path = captures_folder() / folder / name;
      if (!is_innocent) continue;
      ++seen;
      for (const auto& [id, count] : hits_in(path)) {
        EXPECT_FALSE(accuses(id)) << path << ": " << id << " " << count << " times";
        std::printf("%s: %s %d\n", name.c_str(), id.c_str(), count);
      }
    }
  }
  EXPECT_GT(seen, 20);
}

TEST_F(Captures, tools_and_password_guessing_are_seen) {
  const struct {
    const char* file;
    const char* id;
    int at_least;
  } kWanted[] = {{"ftp_bruteforce_zeek.pcap", "ftp-login-failed", 5},
                 {"ftp_medusa_chad.pcap", "ftp-login", 10},
                 {"ssh_medusa_chad.pcap", "medusa-ssh-banner", 5},
                 {"ssh_hydra4_traceshare.pcap", "ssh-client-library", 200},
                 {"ssh_ncrack_sneaky_traceshare.pcap", "ssh-client", 100},
                 {"ssh_bruteforce_maljure.pcap", "ssh-client-library", 100},
                 {"http_hydra_axr00t.pcap", "hydra-user-agent", 200},
                 {"nmap_A_honeyknows.pcapng", "nmap-ssh-banner", 5},
                 {"nmap_vuln_scripts_honeyknows.pcapng", "nmap-nse-user-agent", 100},
                 {"udp_honeyknows.pcapng", "nmap-rpc-probe", 2}};
  for (const auto& wanted : kWanted) {
    const filesystem::path path = captures_folder() / wanted.file;
    const Counts counts = hits_in(path);
    const auto found = counts.find(wanted.id);
    EXPECT_GE(found == counts.end() ? 0 : found->second, wanted.at_least)
        << wanted.file << " " << wanted.id;
    for (const auto& [id, count] : counts)
      std::printf("%s: %s %d\n", wanted.file, id.c_str(), count);
  }
}

}  // namespace
}  // namespace edgesentry::signature
